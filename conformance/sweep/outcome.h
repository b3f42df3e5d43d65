// SPDX-License-Identifier: BSD-3-Clause
// What a sweep has found so far, and where it stands.
#ifndef VS_CONFORMANCE_SWEEP_OUTCOME_H_
#define VS_CONFORMANCE_SWEEP_OUTCOME_H_

#include <vcpuspec/why.h>

#include "judge.h"

enum { VS_SWEEP_JOBS = 16 };

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

#endif  // VS_CONFORMANCE_SWEEP_OUTCOME_H_
