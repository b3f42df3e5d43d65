// SPDX-License-Identifier: BSD-3-Clause
// Registers of an arm64 vCPU. KVM has no structure of all of them, nor a shared area: each is an
// ioctl, for a write as for a read.
#include <string.h>

#include "arm64/arm64.h"

#define USER_FLAGS UINT64_C(0xf0000000)  // N Z C V, all that a write may change of PSTATE

int vs_kvm_arm64_get(const vs_cpu* cpu, uint64_t id, uint64_t* value) {
  struct kvm_one_reg reg = {.id = id, .addr = (uintptr_t)value};
  return VS_KVM_IOCTL(cpu->fd, KVM_GET_ONE_REG, &reg);
}

int vs_kvm_arm64_set(const vs_cpu* cpu, uint64_t id, uint64_t value) {
  struct kvm_one_reg reg = {.id = id, .addr = (uintptr_t)&value};
  return VS_KVM_IOCTL(cpu->fd, KVM_SET_ONE_REG, &reg);
}

// KVM checks the mode in PSTATE, which stays what it is.
static int write_flags(const vs_cpu* cpu, uint64_t flags, bool keeps) {
  uint64_t pstate;
  const int result = vs_kvm_arm64_get(cpu, VS_KVM_ARM64_PSTATE, &pstate);
  if (result < 0) return result;
  if (keeps) flags |= pstate;
  return vs_kvm_arm64_set(cpu, VS_KVM_ARM64_PSTATE, (pstate & ~USER_FLAGS) | (flags & USER_FLAGS));
}

// `sp` is SP_EL1 whichever stack pointer the guest uses at the moment.
static zx_status_t write_all(vs_cpu* cpu, const zx_vcpu_state_arm64_t* state, bool keeps_flags) {
  int result = 0;
  for (unsigned i = 0; i < VS_KVM_ARM64_GENERAL && result >= 0; i++) {
    result = vs_kvm_arm64_set(cpu, VS_KVM_ARM64_X(i), state->x[i]);
  }
  if (result >= 0) result = vs_kvm_arm64_set(cpu, VS_KVM_ARM64_CORE(sp_el1), state->sp);
  if (result >= 0) result = write_flags(cpu, state->cpsr, keeps_flags);
  return vs_kvm_status(result);
}

zx_status_t vs_kvm_arch_write(vs_cpu* cpu, const void* state) {
  return write_all(cpu, state, false);
}

zx_status_t vs_kvm_arm64_write_published(vs_cpu* cpu, const void* state) {
  return write_all(cpu, state, true);
}

zx_status_t vs_kvm_arch_read(vs_cpu* cpu, void* out) {
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
