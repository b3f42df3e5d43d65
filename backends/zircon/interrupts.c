// SPDX-License-Identifier: BSD-3-Clause
// Interrupts: raised by any thread, taken by the guest when it can. There is no interrupt
// controller below, so this is it: a bit for each vector that was raised and not taken.
//
// Which one is first is published kernels' order on x86-64: an NMI; then the highest vector, which
// is an external interrupt from 32 on, and waits for the guest's flags, or else an exception.
// Whenever one is taken, exceptions that wait are dropped. On arm64 all are external.
#include "objects.h"

enum { WORD_BITS = 64, WORDS = VS_ZX_VECTORS / WORD_BITS };
enum { NMI = 2, EXCEPTIONS = 21, FIRST_EXTERNAL = 32 };

static uint64_t bit_of(unsigned vector) {
  return UINT64_C(1) << vector % WORD_BITS;
}

static bool is_raised(const vs_zx_vcpu* vcpu, unsigned vector) {
  return atomic_load(&vcpu->interrupts[vector / WORD_BITS]) & bit_of(vector);
}

static void lower(vs_zx_vcpu* vcpu, unsigned vector) {
  atomic_fetch_and(&vcpu->interrupts[vector / WORD_BITS], ~bit_of(vector));
}

// -1: none is raised.
static int highest(const vs_zx_vcpu* vcpu) {
  for (int i = WORDS - 1; i >= 0; i--) {
    const uint64_t word = atomic_load(&vcpu->interrupts[i]);
    if (word != 0) return i * WORD_BITS + (WORD_BITS - 1 - __builtin_clzll(word));
  }
  return -1;
}

static bool has_exceptions(void) {
  return vs_zx.engine->arch == VS_ARCH_X64;
}

// The vector that is first, and how it is taken; -1: none.
static int first(const vs_zx_vcpu* vcpu, vs_delivery* how) {
  const int vector = highest(vcpu);
  *how = VS_DELIVER_EXTERNAL;
  if (!has_exceptions() || vector < 0) return vector;
  if (is_raised(vcpu, NMI)) {
    *how = VS_DELIVER_NMI;
    return NMI;
  }
  if (vector < FIRST_EXTERNAL) *how = VS_DELIVER_EXCEPTION;
  return vector;
}

static void drop_exceptions(vs_zx_vcpu* vcpu) {
  for (unsigned vector = 0; has_exceptions() && vector < EXCEPTIONS; vector++) {
    if (vector != NMI) lower(vcpu, vector);
  }
}

bool vs_zx_vcpu_is_awake(const vs_zx_vcpu* vcpu) {
  vs_delivery how;
  if (first(vcpu, &how) < 0) return false;
  if (vs_zx.engine->wakes_masked) return true;
  return vs_zx.engine->takes && vs_zx.engine->takes(vcpu->cpu, how);
}

static zx_status_t deliver(vs_zx_vcpu* vcpu, unsigned vector, vs_delivery how) {
  lower(vcpu, vector);
  if (how == VS_DELIVER_EXCEPTION && vector >= EXCEPTIONS) return ZX_ERR_NOT_SUPPORTED;
  drop_exceptions(vcpu);
  return vs_zx.engine->deliver(vcpu->cpu, how, (uint8_t)vector);
}

zx_status_t vs_zx_vcpu_offer(vs_zx_vcpu* vcpu) {
  vs_delivery how;
  const int vector = first(vcpu, &how);
  if (!vs_zx.engine->deliver) return ZX_OK;
  zx_status_t status = ZX_OK;
  if (vector >= 0 && vs_zx.engine->takes(vcpu->cpu, how))
    status = deliver(vcpu, (unsigned)vector, how);
  vs_zx.engine->watch(vcpu->cpu, highest(vcpu) >= 0);
  return status;
}

static void raise_vector(vs_zx_vcpu* vcpu, unsigned vector) {
  vs_zx_lock();
  atomic_fetch_or(&vcpu->interrupts[vector / WORD_BITS], bit_of(vector));
  vs_zx.engine->wake(vcpu->cpu, vcpu->running);
  vs_zx_tell_all();
  vs_zx_unlock();
}

zx_status_t vs_zx_vcpu_interrupt(zx_handle_t handle, uint32_t vector) {
  vs_zx_object* object;
  const zx_status_t status = vs_zx_pin(handle, ZX_OBJ_TYPE_VCPU, ZX_RIGHT_SIGNAL, &object);
  if (status != ZX_OK) return status;
  if (vector < VS_ZX_VECTORS) raise_vector((vs_zx_vcpu*)object, vector);
  vs_zx_unpin(object);
  return vector < VS_ZX_VECTORS ? ZX_OK : ZX_ERR_OUT_OF_RANGE;
}
