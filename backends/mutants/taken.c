// SPDX-License-Identifier: BSD-3-Clause
// Wrong about what a guest takes that was raised, and about what it keeps between two entries.
#include "alter.h"

enum { EXTERNAL = 32, NMI = 2, VECTORS = 256, FLAG_TF = 0x100 };

// --- what was raised ----------------------------------------------------------------------------

// The answer of the right call, which raises nothing.
static zx_status_t answer_only(struct vs_args_vcpu_interrupt* a) {
  const uint64_t vector = a->vector;
  if (vector >= VECTORS) return RIGHT_CALL(vcpu_interrupt);
  a->vector = VECTORS;
  const zx_status_t status = RIGHT_CALL(vcpu_interrupt);
  a->vector = vector;
  return status == ZX_ERR_OUT_OF_RANGE ? ZX_OK : status;
}

#define MUTATE_DROPPED(id, where)                                 \
  MUTATE_CALL(id, vcpu_interrupt) {                               \
    return (where) ? answer_only(a) : RIGHT_CALL(vcpu_interrupt); \
  }

static bool runs(zx_handle_t handle) {
  tracked found;
  return track_find(handle, &found) && track_is_running(found.first);
}

MUTATE_DROPPED(interrupt_dropped, a->vector >= EXTERNAL)
MUTATE_DROPPED(interrupt_wakes_nothing, a->vector >= EXTERNAL && runs((zx_handle_t)a->handle))
MUTATE_DROPPED(interrupt_exception_dropped, a->vector < EXTERNAL && a->vector != NMI)
MUTATE_DROPPED(interrupt_nmi_dropped, a->vector == NMI)

// One that comes while another waits: the vCPU's registers are what they were when that was raised.
MUTATE_CALL(interrupt_while_pending_dropped, vcpu_interrupt) {
  static zx_vcpu_state_x64_t last;
  tracked found;
  const bool own = track_find((zx_handle_t)a->handle, &found) && found.creator == track_self();
  if (!own || a->vector < EXTERNAL) return RIGHT_CALL(vcpu_interrupt);
  const zx_vcpu_state_x64_t state = state_of(found.first);
  const bool pending = memcmp(&state, &last, sizeof state) == 0;
  last = state;
  return pending ? answer_only(a) : RIGHT_CALL(vcpu_interrupt);
}

// Another vector than was asked for.
#define MUTATE_VECTOR(id, where, other)       \
  MUTATE_CALL(id, vcpu_interrupt) {           \
    if (where) a->vector = (uint32_t)(other); \
    return RIGHT_CALL(vcpu_interrupt);        \
  }

MUTATE_VECTOR(interrupt_always_32, a->vector > EXTERNAL && a->vector < VECTORS, EXTERNAL)
MUTATE_VECTOR(interrupt_vector_7_bits, a->vector >= 160 && a->vector < VECTORS, a->vector & 0x7f)
MUTATE_VECTOR(interrupt_vector_after, a->vector >= EXTERNAL && a->vector < VECTORS - 1,
              a->vector + 1)
MUTATE_VECTOR(interrupt_first_vector_again, a->vector == EXTERNAL, EXTERNAL + 1)
MUTATE_VECTOR(interrupt_255_is_254, a->vector == VECTORS - 1, VECTORS - 2)
MUTATE_VECTOR(interrupt_exception_is_13, a->vector < 20 && a->vector != NMI, 13)
MUTATE_VECTOR(interrupt_word_lost, a->vector >= 192 && a->vector < VECTORS, a->vector - 64)

// Refused, and raised all the same.
MUTATE_CALL(interrupt_refused_raises, vcpu_interrupt) {
  tracked found;
  const zx_status_t status = RIGHT_CALL(vcpu_interrupt);
  const bool denied = status == ZX_ERR_ACCESS_DENIED && track_find((zx_handle_t)a->handle, &found);
  if (denied) below->vcpu_interrupt(found.first, (uint32_t)a->vector);
  return status;
}
MUTATE_CALL(interrupt_out_of_range_raises, vcpu_interrupt) {
  const zx_status_t status = RIGHT_CALL(vcpu_interrupt);
  a->vector &= VECTORS - 1;
  if (status == ZX_ERR_OUT_OF_RANGE) RIGHT_CALL(vcpu_interrupt);
  return status;
}

MUTATE_CALL(interrupt_of_any_vcpu, vcpu_interrupt) {
  static zx_handle_t first;
  tracked found;
  const zx_status_t status = RIGHT_CALL(vcpu_interrupt);
  if (status != ZX_OK || !track_find((zx_handle_t)a->handle, &found)) return status;
  if (first == ZX_HANDLE_INVALID) first = found.first;
  if (first != found.first) below->vcpu_interrupt(first, (uint32_t)a->vector);
  return status;
}

// --- what flags do to a guest -------------------------------------------------------------------

// The vCPU's registers, before and after an entry on its own thread.
static bool is_own(zx_handle_t handle) {
  tracked found;
  return track_find(handle, &found) && found.creator == track_self() &&
         !track_is_running(found.first);
}

MUTATE_CALL(enter_without_single_step, vcpu_enter) {
  const zx_handle_t handle = (zx_handle_t)a->handle;
  if (!is_own(handle)) return RIGHT_CALL(vcpu_enter);
  zx_vcpu_state_x64_t state = state_of(handle);
  if ((state.rflags & FLAG_TF) == 0) return RIGHT_CALL(vcpu_enter);
  state.rflags = (state.rflags & ~(uint64_t)FLAG_TF) | 2;
  below->vcpu_write_state(handle, ZX_VCPU_STATE, &state, sizeof state);
  return RIGHT_CALL(vcpu_enter);
}

// TF stays set in the handler.
MUTATE_CALL(enter_keeps_single_step, vcpu_enter) {
  const zx_handle_t handle = (zx_handle_t)a->handle;
  const bool steps = is_own(handle) && (state_of(handle).rflags & FLAG_TF) != 0;
  const zx_status_t status = RIGHT_CALL(vcpu_enter);
  if (status != ZX_OK || !steps) return status;
  zx_vcpu_state_x64_t state = state_of(handle);
  state.rflags |= FLAG_TF | 2;
  below->vcpu_write_state(handle, ZX_VCPU_STATE, &state, sizeof state);
  return status;
}

// What guest code did to its registers is undone as it leaves.
MUTATE_CALL(enter_restores_registers, vcpu_enter) {
  const zx_handle_t handle = (zx_handle_t)a->handle;
  if (!is_own(handle)) return RIGHT_CALL(vcpu_enter);
  const zx_vcpu_state_x64_t before = state_of(handle);
  const zx_status_t status = RIGHT_CALL(vcpu_enter);
  if (status == ZX_OK) below->vcpu_write_state(handle, ZX_VCPU_STATE, &before, sizeof before);
  return status;
}
MUTATE_CALL(enter_restores_flags, vcpu_enter) {
  const zx_handle_t handle = (zx_handle_t)a->handle;
  if (!is_own(handle)) return RIGHT_CALL(vcpu_enter);
  const zx_vcpu_state_x64_t before = state_of(handle);
  const zx_status_t status = RIGHT_CALL(vcpu_enter);
  zx_vcpu_state_x64_t after = state_of(handle);
  after.rflags = before.rflags | 2;
  if (status == ZX_OK) below->vcpu_write_state(handle, ZX_VCPU_STATE, &after, sizeof after);
  return status;
}

// --- what a guest keeps -------------------------------------------------------------------------

// Where `keep` has its sum of control registers, and where programs dump (conformance/guest/x64.S).
// No call reaches what is lost here, so that it is taken from what the guest tells of it.
enum { SUM = 0x7600, DUMP = 0x4000, REGISTERS = 16 };

static zx_handle_t guest_memory(void) {
  tracked found;
  return track_of_type(ZX_OBJ_TYPE_VMO, &found) ? found.value : ZX_HANDLE_INVALID;
}

// The guest has put its registers into others.
static bool has_kept(zx_handle_t memory) {
  uint64_t sum = 0;
  return below->vmo_read(memory, &sum, SUM, sizeof sum) == ZX_OK && sum != 0;
}

static zx_status_t enter_and_lose(struct vs_args_vcpu_enter* a, unsigned registers) {
  const zx_handle_t memory = guest_memory();
  const bool kept = has_kept(memory);
  const zx_status_t status = RIGHT_CALL(vcpu_enter);
  const uint64_t lost = 0;
  for (unsigned i = 0; i < REGISTERS && status == ZX_OK && kept; i++) {
    if (registers >> i & 1) below->vmo_write(memory, &lost, DUMP + i * sizeof lost, sizeof lost);
  }
  return status;
}

// A bit for each register that `keep` fetches from there.
MUTATE_CALL(enter_loses_vectors, vcpu_enter) {
  return enter_and_lose(a, 0xff76);
}
MUTATE_CALL(enter_loses_high_vectors, vcpu_enter) {
  return enter_and_lose(a, 0xfc02);
}
MUTATE_CALL(enter_loses_floating_point, vcpu_enter) {
  return enter_and_lose(a, 0x0089);
}
MUTATE_CALL(enter_changes_control, vcpu_enter) {
  enum { CR4_PGE = 0x80 };
  const zx_handle_t memory = guest_memory();
  uint64_t sum = 0;
  if (has_kept(memory) && below->vmo_read(memory, &sum, SUM, sizeof sum) == ZX_OK) {
    sum += CR4_PGE;
    below->vmo_write(memory, &sum, SUM, sizeof sum);
  }
  return RIGHT_CALL(vcpu_enter);
}
