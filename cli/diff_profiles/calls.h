// SPDX-License-Identifier: BSD-3-Clause
// The calls other than zx_vcpu_write_state, in every way in which one can be unlike a plain valid
// one: the combinations of a sweep, the fewest faults first.
#ifndef VS_CLI_DIFF_CALLS_H_
#define VS_CLI_DIFF_CALLS_H_

#include "decide.h"

// A call, the last of the ops, and what holds of it under each of two profiles.
typedef struct vs_call_met {
  const vs_op* ops;
  size_t count;
  vs_facts facts[2];
} vs_call_met;

// Meets every one of such calls that both profiles speak of, until `meet` returns false. False:
// that, or no memory.
bool vs_diff_each(vs_call_index call, vs_arch arch, const vs_profile* const profiles[2],
                  bool (*meet)(const vs_call_met* met, void* context), void* context);

#endif  // VS_CLI_DIFF_CALLS_H_
