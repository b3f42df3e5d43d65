// SPDX-License-Identifier: BSD-3-Clause
// How the rows of mutants.def are written: MUTATE_WRITE(id) { ... } is the body of a wrong
// zx_vcpu_write_state, with the arguments handle, kind, buffer, size.
#ifndef VS_BACKENDS_MUTANTS_ALTER_H_
#define VS_BACKENDS_MUTANTS_ALTER_H_

#include <string.h>

#include "anycall.h"
#include "track.h"

#define MUTATE(id, call, params)        \
  static zx_status_t wrong_##id params; \
  void alter_##id(vs_calls* calls);     \
  void alter_##id(vs_calls* calls) {    \
    calls->call = wrong_##id;           \
  }                                     \
  static zx_status_t wrong_##id params

#define MUTATE_WRITE(id) \
  MUTATE(id, vcpu_write_state, (zx_handle_t handle, uint32_t kind, const void* buffer, size_t size))

#define RIGHT_WRITE() below->vcpu_write_state(handle, kind, buffer, size)

// MUTATE_CALL(id, call) { ... } is the body of a wrong call, with `a` for its arguments, of which
// RIGHT_CALL(call) makes the right one, with the records kept.
#define MUTATE_CALL(id, call)                                           \
  static zx_status_t wrong_##id(struct vs_args_##call* a);              \
  static zx_status_t any_##id(vs_call_index index, uint64_t* numbers) { \
    (void)index;                                                        \
    return wrong_##id((void*)numbers);                                  \
  }                                                                     \
  void alter_##id(vs_calls* calls);                                     \
  void alter_##id(vs_calls* calls) {                                    \
    alter_call(calls, VS_CALL_##call, any_##id);                        \
  }                                                                     \
  static zx_status_t wrong_##id(struct vs_args_##call* a)

#define RIGHT_CALL(call) make_right(VS_CALL_##call, (const uint64_t*)a)

static inline size_t size_of_kind(uint32_t kind) {
  return kind == ZX_VCPU_IO ? IO : STATE;
}

// True if the call is one that the implementation below accepts as far as kind and size go.
static inline bool is_exact(uint32_t kind, size_t size) {
  return kind <= ZX_VCPU_IO && size == size_of_kind(kind);
}

#endif  // VS_BACKENDS_MUTANTS_ALTER_H_
