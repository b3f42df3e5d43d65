// SPDX-License-Identifier: BSD-3-Clause
// Registers of an arm64 vCPU. KVM has no structure of all of them, nor a shared area: each is an
// ioctl, for a write as for a read.
#include <string.h>

#include "arm64/arm64.h"
#include "objects.h"

#define USER_FLAGS UINT64_C(0xf0000000)  // N Z C V, all that a write may change of PSTATE

int vs_kvm_arm64_get(const vs_kvm_cpu* cpu, uint64_t id, uint64_t* value) {
  struct kvm_one_reg reg = {.id = id, .addr = (uintptr_t)value};
  return VS_KVM_IOCTL(cpu->fd, KVM_GET_ONE_REG, &reg);
}

int vs_kvm_arm64_set(const vs_kvm_cpu* cpu, uint64_t id, uint64_t value) {
  struct kvm_one_reg reg = {.id = id, .addr = (uintptr_t)&value};
  return VS_KVM_IOCTL(cpu->fd, KVM_SET_ONE_REG, &reg);
}

// ZX_VCPU_IO has no use without ports: no size is right for it.
size_t vs_kvm_arch_write_size(uint32_t kind) {
  return kind == ZX_VCPU_STATE ? sizeof(zx_vcpu_state_arm64_t) : 0;
}

size_t vs_kvm_arch_read_size(uint32_t kind) {
  return vs_kvm_arch_write_size(kind);
}

// KVM checks the mode in PSTATE, which stays what it is.
static int write_flags(const vs_kvm_cpu* cpu, uint64_t flags) {
  uint64_t pstate;
  const int result = vs_kvm_arm64_get(cpu, VS_KVM_ARM64_PSTATE, &pstate);
  if (result < 0) return result;
  if (vs_kvm.as_published) flags |= pstate;
  return vs_kvm_arm64_set(cpu, VS_KVM_ARM64_PSTATE, (pstate & ~USER_FLAGS) | (flags & USER_FLAGS));
}

// `sp` is SP_EL1 whichever stack pointer the guest uses at the moment.
zx_status_t vs_kvm_arch_write(vs_kvm_cpu* cpu, uint32_t kind, const void* in) {
  (void)kind;  // there is but one
  zx_vcpu_state_arm64_t state;
  memcpy(&state, in, sizeof(state));
  int result = 0;
  for (unsigned i = 0; i < VS_KVM_ARM64_GENERAL && result >= 0; i++) {
    result = vs_kvm_arm64_set(cpu, VS_KVM_ARM64_X(i), state.x[i]);
  }
  if (result >= 0) result = vs_kvm_arm64_set(cpu, VS_KVM_ARM64_CORE(sp_el1), state.sp);
  if (result >= 0) result = write_flags(cpu, state.cpsr);
  return vs_kvm_status(result);
}

zx_status_t vs_kvm_arch_read(vs_kvm_cpu* cpu, uint32_t kind, void* out) {
  (void)kind;
  zx_vcpu_state_arm64_t state = {.x = {0}};
  uint64_t pstate = 0;
  int result = 0;
  for (unsigned i = 0; i < VS_KVM_ARM64_GENERAL && result >= 0; i++) {
    result = vs_kvm_arm64_get(cpu, VS_KVM_ARM64_X(i), &state.x[i]);
  }
  if (result >= 0) result = vs_kvm_arm64_get(cpu, VS_KVM_ARM64_CORE(sp_el1), &state.sp);
  if (result >= 0) result = vs_kvm_arm64_get(cpu, VS_KVM_ARM64_PSTATE, &pstate);
  if (result < 0) return vs_kvm_status(result);
  state.cpsr = (uint32_t)(pstate & USER_FLAGS);
  memcpy(out, &state, sizeof(state));
  return ZX_OK;
}
