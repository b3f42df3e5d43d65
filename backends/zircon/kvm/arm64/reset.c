// SPDX-License-Identifier: BSD-3-Clause
// The state in which an arm64 vCPU starts (published Zircon kernels): EL1 with its own stack
// pointer, interrupts masked, the MMU off, at its entry. System registers are 0, as VBAR_EL1 is
// with KVM: so SCTLR_EL1 has EL0's WFI go to EL1.
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "arm64/arm64.h"

#define ASPACE_BITS 36u
#define PSTATE_START UINT64_C(0x3c5)  // EL1h, D A I F masked

const char vs_kvm_arch_least_linux[] = "5.5";

// Published kernels take a trap's memory away first, and there what is beyond it is a bad argument;
// a resource of another kind is of the wrong type.
#define ROW(beyond_status, resource_status, write_function)                                        \
  {                                                                                                \
    VS_KVM_ALIKE,                                                                                  \
        .arch = VS_ARCH_ARM64, .cpus = 8, .aspace_bits = ASPACE_BITS, .page_tables = UINT64_MAX,   \
        .lone_page = UINT64_MAX, .beyond = (beyond_status), .other_resource = (resource_status),   \
        .state_size = sizeof(zx_vcpu_state_arm64_t), .wrote = vs_kvm_arch_wrote,                   \
        .will_read = vs_kvm_arch_will_read, .write = (write_function), .wakes_masked = true,       \
        .takes = vs_kvm_arm64_takes, .deliver = vs_kvm_arm64_deliver, .watch = vs_kvm_arm64_watch, \
  }

const vs_engine vs_kvm_arch = ROW(ZX_ERR_OUT_OF_RANGE, ZX_ERR_ACCESS_DENIED, vs_kvm_arch_write);
static const vs_engine published =
    ROW(ZX_ERR_INVALID_ARGS, ZX_ERR_WRONG_TYPE, vs_kvm_arm64_write_published);
const vs_engine* const vs_kvm_arch_published = &published;

static const struct {
  long capability;
  const char* name;
} capabilities[] = {
    {KVM_CAP_USER_MEMORY, "KVM_CAP_USER_MEMORY"},
    {KVM_CAP_READONLY_MEM, "KVM_CAP_READONLY_MEM"},
    {KVM_CAP_ONE_REG, "KVM_CAP_ONE_REG"},
    {KVM_CAP_IMMEDIATE_EXIT, "KVM_CAP_IMMEDIATE_EXIT"},
    {KVM_CAP_ARM_NISV_TO_USER, "KVM_CAP_ARM_NISV_TO_USER"},
    {KVM_CAP_ARM_USER_IRQ, "KVM_CAP_ARM_USER_IRQ"},
    {KVM_CAP_SET_GUEST_DEBUG, "KVM_CAP_SET_GUEST_DEBUG"},
    {KVM_CAP_GUEST_DEBUG_HW_BPS, "KVM_CAP_GUEST_DEBUG_HW_BPS"},
};

bool vs_kvm_arch_load(vs_why* reason) {
  (void)reason;
  return true;
}

const char* vs_kvm_arch_missing(int kvm_fd) {
  for (size_t i = 0; i < sizeof(capabilities) / sizeof(capabilities[0]); i++) {
    const int got = VS_KVM_IOCTL_VALUE(kvm_fd, KVM_CHECK_EXTENSION, capabilities[i].capability);
    if (got <= 0) return capabilities[i].name;
  }
  return sysconf(_SC_PAGESIZE) == (long)VS_ENGINE_PAGE ? NULL : "pages of 4 KiB";
}

// Without being asked KVM makes guests of 40 bits, and fails where the processor has fewer.
unsigned long vs_kvm_arch_vm_type(int kvm_fd) {
  const int most = VS_KVM_IOCTL_VALUE(kvm_fd, KVM_CHECK_EXTENSION, KVM_CAP_ARM_VM_IPA_SIZE);
  return most >= (int)ASPACE_BITS ? KVM_VM_TYPE_ARM_IPA_SIZE(ASPACE_BITS) : 0;
}

// An access that the processor does not describe is to come to us, and not as an error of KVM_RUN.
int vs_kvm_arch_vm_setup(int kvm_fd, int vm_fd) {
  (void)kvm_fd;
  struct kvm_enable_cap nisv = {.cap = KVM_CAP_ARM_NISV_TO_USER};
  return VS_KVM_IOCTL(vm_fd, KVM_ENABLE_CAP, &nisv);
}

int vs_kvm_arch_cpu_setup(int kvm_fd, int vm_fd, vs_cpu* cpu, unsigned id) {
  (void)kvm_fd, (void)id;
  struct kvm_vcpu_init* init = calloc(1, sizeof(*init));
  if (!init) return -ENOMEM;
  cpu->reset = init;
  return VS_KVM_IOCTL(vm_fd, KVM_ARM_PREFERRED_TARGET, init);
}

// KVM_ARM_VCPU_INIT leaves some registers as they were, or with a pattern.
static int clear_registers(const vs_cpu* cpu) {
  const uint64_t others[] = {VS_KVM_ARM64_CORE(regs.sp), VS_KVM_ARM64_CORE(sp_el1),
                             VS_KVM_ARM64_CORE(elr_el1), VS_KVM_ARM64_CORE(spsr[KVM_SPSR_EL1]),
                             KVM_REG_ARM_TIMER_CVAL,     SCTLR_EL1};
  int result = 0;
  for (unsigned i = 0; i < VS_KVM_ARM64_GENERAL && result >= 0; i++) {
    result = vs_kvm_arm64_set(cpu, VS_KVM_ARM64_X(i), 0);
  }
  for (size_t i = 0; i < sizeof(others) / sizeof(others[0]) && result >= 0; i++) {
    result = vs_kvm_arm64_set(cpu, others[i], 0);
  }
  return result;
}

int vs_kvm_arch_cpu_reset(vs_cpu* cpu, bool boot, uint64_t entry) {
  (void)boot;  // all start alike
  struct kvm_vcpu_init init = *(const struct kvm_vcpu_init*)cpu->reset;
  int result = vs_kvm_arm64_forget_interrupts(cpu);
  if (result >= 0) result = VS_KVM_IOCTL(cpu->fd, KVM_ARM_VCPU_INIT, &init);
  if (result >= 0) result = clear_registers(cpu);
  if (result >= 0) result = vs_kvm_arm64_set(cpu, VS_KVM_ARM64_PSTATE, PSTATE_START);
  if (result >= 0) result = vs_kvm_arm64_set(cpu, VS_KVM_ARM64_PC, entry);
  return result;
}

void vs_kvm_arch_before_run(vs_cpu* cpu) {
  (void)cpu;  // nothing waits in user space
}
