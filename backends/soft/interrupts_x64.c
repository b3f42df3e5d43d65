// SPDX-License-Identifier: BSD-3-Clause
// What an x86-64 guest takes that was raised: NMIs, interrupts and exceptions, by its own table of
// interrupt gates, in 64-bit mode. Source: Intel's Software Developer's Manual, volume 3,
// chapter 6.
#include <string.h>

#include "vcpu.h"

enum { RSP = 4, FLAGS = 16, NMI = 2, EXCEPTIONS_END = 21, EXTERNAL = 32 };
enum { FLAG_ONE = 1 << 1, FLAG_TF = 1 << 8, FLAG_IF = 1 << 9, FLAG_NT = 1 << 14 };

typedef struct gate {
  uint16_t offset_low;
  uint16_t selector;
  uint8_t stack;
  uint8_t type;
  uint16_t offset_middle;
  uint32_t offset_high;
  uint32_t reserved;
} gate;

// False: the guest has no handler of the vector.
static bool find_gate(const vs_soft_vcpu* v, unsigned vector, gate* found) {
  enum { PRESENT = 0x80, TYPE = 0x1f, INTERRUPT = 0xe, TRAP = 0xf };
  uint8_t* bytes = NULL;
  const uint64_t at = sizeof *found * vector;
  if (at + sizeof *found > v->idt_limit + UINT64_C(1)) return false;
  if (vs_soft_vmar_reach(v->guest->vmar, v->idt + at, &bytes) < sizeof *found) return false;
  memcpy(found, bytes, sizeof *found);
  const unsigned type = found->type & TYPE;
  return (found->type & PRESENT) != 0 && (type == INTERRUPT || type == TRAP);
}

static bool has_error_code(unsigned vector) {
  enum { WITH_CODE = 1 << 8 | 1 << 10 | 1 << 11 | 1 << 12 | 1 << 13 | 1 << 14 | 1 << 17 };
  return vector < EXCEPTIONS_END && (WITH_CODE >> vector & 1) != 0;
}

static zx_status_t push(vs_soft_run* run, uint64_t value) {
  vs_soft_vcpu* v = run->vcpu;
  v->words[RSP] -= sizeof value;
  return vs_soft_access(run, v->words[RSP], &value, sizeof value, true);
}

// SS, RSP, RFLAGS, CS, RIP, and an error code of 0 for those that have one.
static zx_status_t push_frame(vs_soft_run* run, unsigned vector) {
  vs_soft_vcpu* v = run->vcpu;
  const uint64_t flags = v->words[FLAGS] | FLAG_ONE | (v->lets_in ? FLAG_IF : 0);
  const uint64_t frame[] = {0, v->words[RSP], flags, v->cs, v->pc, 0};
  const size_t count = has_error_code(vector) ? 6 : 5;
  zx_status_t status = VS_SOFT_GOES_ON;
  v->words[RSP] &= ~UINT64_C(15);
  for (size_t i = 0; i < count && status == VS_SOFT_GOES_ON; i++) status = push(run, frame[i]);
  return status == ZX_OK ? ZX_ERR_NOT_SUPPORTED : status;  // a stack that is trapped
}

zx_status_t vs_soft_deliver_x64(vs_soft_run* run, uint8_t vector) {
  enum { KEEPS_OTHERS_OUT = 0xe };
  vs_soft_vcpu* v = run->vcpu;
  gate g;
  if (!find_gate(v, vector, &g)) return VS_SOFT_GOES_ON;
  if (v->halted) v->pc++;  // behind the HLT
  v->halted = v->shadow = false;
  const zx_status_t status = push_frame(run, vector);
  if (status != VS_SOFT_GOES_ON) return status;
  v->words[FLAGS] &= ~(uint64_t)(FLAG_TF | FLAG_NT);
  if ((g.type & 0xf) == KEEPS_OTHERS_OUT) v->lets_in = false;
  v->cs = g.selector;
  v->pc = g.offset_low | (uint64_t)g.offset_middle << 16 | (uint64_t)g.offset_high << 32;
  return VS_SOFT_GOES_ON;
}

static void drop_exceptions(vs_soft_vcpu* v) {
  for (unsigned i = 0; i < EXCEPTIONS_END; i++) {
    if (i != NMI) atomic_store(&v->pending[i], false);
  }
}

static int first_pending(vs_soft_vcpu* v) {
  if (atomic_load(&v->pending[NMI])) return NMI;
  for (int i = VS_SOFT_VECTORS - 1; i >= 0; i--) {
    if (atomic_load(&v->pending[i])) return i;
  }
  return -1;
}

bool vs_soft_takes_x64(vs_soft_vcpu* v) {
  gate ignored;
  if (v->idt_limit == 0) return false;
  const int vector = first_pending(v);
  return vector >= 0 && find_gate(v, (unsigned)vector, &ignored) &&
         (vector < EXTERNAL || v->lets_in);
}

// As published kernels have it: an NMI, else the highest vector, which as an external interrupt
// needs IF; whatever is taken, exceptions that wait are dropped.
zx_status_t vs_soft_offer_x64(vs_soft_run* run) {
  vs_soft_vcpu* v = run->vcpu;
  const bool shadow = v->shadow;
  v->shadow = false;
  if (!vs_soft_takes_x64(v)) return VS_SOFT_GOES_ON;
  const int vector = first_pending(v);
  if (vector >= EXTERNAL && shadow) return VS_SOFT_GOES_ON;
  atomic_store(&v->pending[vector], false);
  if (vector >= EXCEPTIONS_END && vector < EXTERNAL) return ZX_ERR_NOT_SUPPORTED;
  drop_exceptions(v);
  return vs_soft_deliver_x64(run, (uint8_t)vector);
}
