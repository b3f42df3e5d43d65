// SPDX-License-Identifier: BSD-3-Clause
// Every call in every way in which one can be unlike a plain valid one: the combinations of a
// sweep, the fewest faults first.
#ifndef VS_CLI_DIFF_CALLS_H_
#define VS_CLI_DIFF_CALLS_H_

#include "decide.h"
#include "sweep/space.h"

enum {
  VS_DIFF_PAIRS = 2,
  VS_DIFF_SETS = 3  // that a vCPU runs needs another thread to call: two faults for one reason
};

// A profile, on an architecture that it speaks of.
typedef struct vs_diff_view {
  const vs_profile* profile;
  vs_arch arch;
} vs_diff_view;

// A call, the last op of the script, and what holds of it, as each of two views has them.
typedef struct vs_call_met {
  const vs_space* space;
  const vs_combination* c;
  vs_script scripts[2];
  vs_facts facts[2];
} vs_call_met;

// Calls `meet` with each call that both views speak of and that has up to `depth` faults, those
// with the fewest first, until it returns false. Two faults are combined if one of them has at
// least VS_RANK_OF_SETS, more than two if each has at least VS_RANK_OF_PRODUCT. Returns false if
// `meet` did, or if there is no memory. The views may have two architectures if the call is
// zx_vcpu_write_state: the arguments of other calls have other values on each.
bool vs_diff_each(vs_call_index call, const vs_diff_view views[2], uint8_t depth,
                  bool (*meet)(const vs_call_met* met, void* context), void* context);

// Finds the facts of a script's last call, if every op before it succeeds. Returns false if the
// view says nothing of it.
bool vs_diff_facts(const vs_diff_view* view, const vs_op* ops, size_t count, vs_facts* facts);

#endif  // VS_CLI_DIFF_CALLS_H_
