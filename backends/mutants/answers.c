// SPDX-License-Identifier: BSD-3-Clause
// Families that do what is right and answer what is wrong, or permitted: they ask themselves, of a
// call that was refused below, everything that was wrong with it.
#include "alter.h"
#include "families.h"
#include "mutants.h"

static unsigned when(bool is, reason why) {
  return is ? 1u << why : 0;
}

static unsigned handle_reasons(zx_handle_t handle) {
  tracked row;
  if (!track_find_any(handle, &row)) return when(true, REASON_BAD_HANDLE);
  unsigned reasons = when(!(row.rights & ZX_RIGHT_WRITE), REASON_ACCESS_DENIED);
  if (row.type != ZX_OBJ_TYPE_VCPU) return reasons | when(true, REASON_WRONG_TYPE);
  return reasons | when(track_is_running(row.first), REASON_RUNNING) |
         when(row.creator != track_self(), REASON_CREATOR);
}

static unsigned argument_reasons(uint32_t kind, const void* buffer, size_t size) {
  uint8_t bytes[STATE];
  bool known = kind <= ZX_VCPU_IO;
  size_t most = known ? size_of_kind(kind) : STATE;
  size_t needed = size < most ? size : most;
  bool readable = peek(buffer, bytes, needed) == needed;
  unsigned reasons = when(!known, REASON_KIND) | when(known && !is_exact(kind, size), REASON_SIZE) |
                     when(!readable, REASON_BUFFER);
  if (kind != ZX_VCPU_IO || size != IO || !readable) return reasons;
  return reasons | when(bytes[0] != 1 && bytes[0] != 2 && bytes[0] != 4, REASON_ACCESS_SIZE);
}

static unsigned reasons_of(zx_handle_t handle, uint32_t kind, const void* buffer, size_t size) {
  return handle_reasons(handle) | argument_reasons(kind, buffer, size);
}

// A write that asks reasons of what was refused; ANSWER may use `reasons` and `status`.
#define ANSWER(id)                                                                         \
  static zx_status_t answer_##id(unsigned reasons, zx_status_t status);                    \
  static zx_status_t answering_##id(zx_handle_t handle, uint32_t kind, const void* buffer, \
                                    size_t size) {                                         \
    zx_status_t status = RIGHT_WRITE();                                                    \
    if (status == ZX_OK) return status;                                                    \
    unsigned reasons = reasons_of(handle, kind, buffer, size);                             \
    return reasons != 0 ? answer_##id(reasons, status) : status;                           \
  }                                                                                        \
  void alter_##id(vs_calls* calls);                                                        \
  void alter_##id(vs_calls* calls) {                                                       \
    calls->vcpu_write_state = answering_##id;                                              \
  }                                                                                        \
  static zx_status_t answer_##id(unsigned reasons, zx_status_t status)

static reason first_of(unsigned reasons) {
  reason why = 0;
  while (!(reasons & 1u << why)) why++;
  return why;
}

ANSWER(answer) {
  wrong_answer wrong = member_answer();
  return first_of(reasons) == wrong.when ? wrong.status : status;
}

ANSWER(both) {
  pair two = member_pair();
  if (reasons & 1u << REASON_RUNNING) reasons &= ~(1u << REASON_CREATOR);
  return reasons == (1u << two.a | 1u << two.b) ? ZX_ERR_INTERNAL : status;
}

ANSWER(first) {
  (void)status;
  reason why = member_of_orders_first();
  return reasons & 1u << why ? status_of_reason(why) : status_of_reason(first_of(reasons));
}

ANSWER(last) {
  unsigned others = reasons & ~(1u << member_of_orders_last());
  (void)status;
  return status_of_reason(first_of(others != 0 ? others : reasons));
}

// A number of its own for every set of reasons: who can tell them apart knows what any order of
// the checks would have answered.
ANSWER(reasons_told) {
  (void)status;
  return -(zx_status_t)(VS_MUTANT_REASONS | reasons);
}
