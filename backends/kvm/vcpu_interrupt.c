// SPDX-License-Identifier: BSD-3-Clause
// Interrupts: raised by any thread, taken by the guest when its flags let it.
//
// There is no interrupt controller in the VM, so user space is it: KVM says in kvm_run whether the
// guest would take an interrupt now, and KVM_INTERRUPT hands one over. Where KVM has no such thing
// (arm64) it never says so, and what is raised stays raised.
#include "arch.h"
#include "objects.h"

enum { WORD_BITS = 64, WORDS = VS_KVM_VECTORS / WORD_BITS };

// The highest vector first, as a local APIC does it; -1: none is raised.
static int highest(const vs_kvm_vcpu* vcpu) {
  for (int i = WORDS - 1; i >= 0; i--) {
    const uint64_t word = atomic_load(&vcpu->interrupts[i]);
    if (word != 0) return i * WORD_BITS + (WORD_BITS - 1 - __builtin_clzll(word));
  }
  return -1;
}

static uint64_t bit_of(unsigned vector) {
  return UINT64_C(1) << vector % WORD_BITS;
}

static void raise_vector(vs_kvm_vcpu* vcpu, unsigned vector) {
  vs_kvm_lock();
  atomic_fetch_or(&vcpu->interrupts[vector / WORD_BITS], bit_of(vector));
  vs_kvm_vcpu_wake_locked(vcpu);
  vs_kvm_unlock();
}

zx_status_t vs_kvm_vcpu_interrupt(zx_handle_t handle, uint32_t vector) {
  vs_kvm_object* object;
  const zx_status_t status = vs_kvm_pin(handle, ZX_OBJ_TYPE_VCPU, ZX_RIGHT_SIGNAL, &object);
  if (status != ZX_OK) return status;
  if (vector < VS_KVM_VECTORS) raise_vector((vs_kvm_vcpu*)object, vector);
  vs_kvm_unpin(object);
  return vector < VS_KVM_VECTORS ? ZX_OK : ZX_ERR_OUT_OF_RANGE;
}

bool vs_kvm_vcpu_takes_interrupt(const vs_kvm_vcpu* vcpu) {
  return vcpu->cpu->run->ready_for_interrupt_injection && highest(vcpu) >= 0;
}

int vs_kvm_vcpu_offer_interrupt(vs_kvm_vcpu* vcpu) {
  int result = 0;
  if (vs_kvm_vcpu_takes_interrupt(vcpu)) {
    const unsigned vector = (unsigned)highest(vcpu);
    struct kvm_interrupt interrupt = {.irq = vector};
    result = VS_KVM_IOCTL(vcpu->cpu->fd, KVM_INTERRUPT, &interrupt);
    atomic_fetch_and(&vcpu->interrupts[vector / WORD_BITS], ~bit_of(vector));
  }
  vcpu->cpu->run->request_interrupt_window = highest(vcpu) >= 0;
  return result;
}
