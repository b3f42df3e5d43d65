// SPDX-License-Identifier: BSD-3-Clause
// Makes of a failure that a sweep has seen the smallest script that shows it, by running it alone
// and leaving out whatever it can do without.
#ifndef VS_CONFORMANCE_SWEEP_SHOW_H_
#define VS_CONFORMANCE_SWEEP_SHOW_H_

#include "failures.h"
#include "judge.h"
#include "runner/result.h"

typedef struct vs_shown {
  bool confirmed;         // the script fails in the same way, in a process of its own
  vs_combination c;       // what is not valid about the call
  char title[256];        // the same in words
  vs_case as_case;        // what result.c points to
  vs_case_result result;  // its script and observations are owned
} vs_shown;

typedef struct vs_showing {
  const vs_space* space;
  const vs_target* target;
  const vs_profile* profile;
  double timeout;  // seconds a call may take
} vs_showing;

// False: no memory, or no process to spare.
bool vs_failure_show(const vs_showing* showing, const vs_failure* failure, vs_shown* shown);

// The same of the first call that nothing was predicted of, and that did not return: the script up
// to it; what it failed by is the result's note.
bool vs_silent_show(const vs_showing* showing, const vs_sweep_counts* counts, vs_shown* shown);
void vs_shown_free(vs_shown* shown);

#endif  // VS_CONFORMANCE_SWEEP_SHOW_H_
