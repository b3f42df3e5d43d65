// SPDX-License-Identifier: BSD-3-Clause
// Any call as a function of numbers: what is wrong with several calls in one way is written once.
#ifndef VS_BACKENDS_MUTANTS_ANYCALL_H_
#define VS_BACKENDS_MUTANTS_ANYCALL_H_

#include "track.h"

// The numbers are the call's arguments in the order of its row, and may be changed.
typedef zx_status_t (*any_call)(vs_call_index call, uint64_t* numbers);

// The call as it is right, with its records kept.
zx_status_t make_right(vs_call_index call, const uint64_t* numbers);

// From now on the call is `altered`'s; of several calls it is the same one.
void alter_call(vs_calls* calls, vs_call_index call, any_call altered);

typedef struct any_param {
  vs_param_type type;
  zx_obj_type_t object;
  uint64_t value;  // of calls.def: the right that it needs
} any_param;

any_param any_param_of(vs_call_index call, size_t parameter);
const char* any_call_word(vs_call_index call);

#endif  // VS_BACKENDS_MUTANTS_ANYCALL_H_
