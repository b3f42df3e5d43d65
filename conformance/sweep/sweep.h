// SPDX-License-Identifier: BSD-3-Clause
// A whole sweep of one backend: children that record, the judge, restarts, and the journal that
// lets it go on after an end. What is found does not depend on how many children there are, nor on
// where it was interrupted.
#ifndef VS_CONFORMANCE_SWEEP_SWEEP_H_
#define VS_CONFORMANCE_SWEEP_SWEEP_H_

#include <signal.h>

#include <vcpuspec/why.h>

#include "judge.h"

enum {
  VS_SWEEP_JOBS = 16,
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

// A contiguous part of the batches.
typedef struct vs_sweep_part {
  uint64_t next;
  uint64_t to;
  uint32_t skip;  // combinations of batch `next` that are done with
} vs_sweep_part;

typedef struct vs_sweep_outcome {
  vs_failures failures;
  vs_sweep_counts counts;
  uint64_t broken;    // steps that made no sense: our side
  uint64_t left;      // batches that were not done
  uint32_t deaths;    // of the backend
  uint32_t hangs;     // those of them that were for want of an answer
  uint32_t outside;   // and those that came between two calls
  size_t part_count;  // where it stands
  vs_sweep_part parts[VS_SWEEP_JOBS];
  double seconds;       // that this run took
  uint8_t skipped_for;  // vs_call_index for want of which, or of whose ZX_OK, something was not
                        // judged; VS_NO_CALL: none
  zx_status_t skipped_status;  // that it returned; ZX_OK: the backend lacks it
  vs_why reason;
} vs_sweep_outcome;

typedef enum vs_sweep_end {
  VS_SWEEP_DONE,
  VS_SWEEP_STOPPED,  // asked to
  VS_SWEEP_GAVE_UP,  // the backend died too often
  VS_SWEEP_REFUSED,  // the journal is none, or another sweep's: `reason` says
  VS_SWEEP_BROKEN    // no memory, no process, or a journal that cannot be written: `reason` says
} vs_sweep_end;

vs_sweep_end vs_sweep(const vs_sweep_plan* plan, vs_sweep_outcome* outcome);

#endif  // VS_CONFORMANCE_SWEEP_SWEEP_H_
