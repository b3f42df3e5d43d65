// SPDX-License-Identifier: BSD-3-Clause
// Interrupts: there is no interrupt controller in the VM, so KVM says in kvm_run whether the guest
// would take an external one now, and KVM_INTERRUPT hands it over. An NMI may be handed over at any
// time: KVM keeps it until the guest is out of the handler of another.
#include "x64/x64.h"

bool vs_kvm_x64_takes(const vs_cpu* cpu, vs_delivery how) {
  return how != VS_DELIVER_EXTERNAL || cpu->run->ready_for_interrupt_injection;
}

// Those that push an error code: it is 0.
static bool has_error_code(uint8_t vector) {
  const uint32_t with = 1u << 8 | 1u << 10 | 1u << 11 | 1u << 12 | 1u << 13 | 1u << 14 | 1u << 17;
  return with >> vector & 1;
}

static int raise_exception(vs_cpu* cpu, uint8_t vector) {
  struct kvm_vcpu_events events;
  // What waits in user space would be loaded over it.
  int result = cpu->run->kvm_dirty_regs ? vs_kvm_settle(cpu) : 0;
  if (result >= 0) result = VS_KVM_IOCTL(cpu->fd, KVM_GET_VCPU_EVENTS, &events);
  if (result < 0) return result;
  events.exception.injected = 1;
  events.exception.nr = vector;
  events.exception.has_error_code = has_error_code(vector);
  events.exception.error_code = 0;
  return VS_KVM_IOCTL(cpu->fd, KVM_SET_VCPU_EVENTS, &events);
}

zx_status_t vs_kvm_x64_deliver(vs_cpu* cpu, vs_delivery how, uint8_t vector) {
  struct kvm_interrupt interrupt = {.irq = vector};
  if (how != VS_DELIVER_EXTERNAL) atomic_store(&cpu->vm->is_spent, true);
  switch (how) {
    case VS_DELIVER_EXTERNAL:
      return vs_kvm_status(VS_KVM_IOCTL(cpu->fd, KVM_INTERRUPT, &interrupt));
    case VS_DELIVER_NMI:
      return vs_kvm_status(VS_KVM_IOCTL_VALUE(cpu->fd, KVM_NMI, 0));
    default:
      return vs_kvm_status(raise_exception(cpu, vector));
  }
}

void vs_kvm_x64_watch(vs_cpu* cpu, bool wanted) {
  cpu->run->request_interrupt_window = wanted;
}
