// SPDX-License-Identifier: BSD-3-Clause
// A whole sweep of one backend: children that record, the judge, restarts, and the journal that
// lets it go on after an end. What is found does not depend on how many children there are, nor on
// where it was interrupted.
#ifndef VS_CONFORMANCE_SWEEP_SWEEP_H_
#define VS_CONFORMANCE_SWEEP_SWEEP_H_

#include <signal.h>

#include "outcome.h"

enum {
  VS_SWEEP_DEATHS = 1000,  // of the backend: then the sweep gives up
  VS_SWEEP_HANGS = 4
};

typedef struct vs_sweep_plan {
  const vs_target* target;
  const vs_profile* profile;
  const vs_space* space;
  uint64_t from;  // batches [from, to)
  uint64_t to;
  unsigned jobs;
  double timeout;                     // seconds a call may take
  const char* journal;                // a path, or NULL
  const char* what;                   // what the journal says it is of, in one line
  const volatile sig_atomic_t* stop;  // not 0: end soon
  bool progress;                      // draw a bar on standard error
} vs_sweep_plan;

typedef enum vs_sweep_end {
  VS_SWEEP_DONE,
  VS_SWEEP_STOPPED,  // asked to
  VS_SWEEP_GAVE_UP,  // the backend died too often
  VS_SWEEP_REFUSED,  // the journal is none, or another sweep's: `reason` says
  VS_SWEEP_BROKEN    // no memory, no process, or a journal that cannot be written: `reason` says
} vs_sweep_end;

vs_sweep_end vs_sweep(const vs_sweep_plan* plan, vs_sweep_outcome* outcome);

#endif  // VS_CONFORMANCE_SWEEP_SWEEP_H_
