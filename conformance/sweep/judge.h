// SPDX-License-Identifier: BSD-3-Clause
// Judges tapes: every answer by the oracle, in the world that it built from the stage's own ops. A
// refusal that the oracle allows, and that teaches it nothing, is not put through a whole step.
#ifndef VS_CONFORMANCE_SWEEP_JUDGE_H_
#define VS_CONFORMANCE_SWEEP_JUDGE_H_

#include "failures.h"
#include "foresee.h"
#include "recorder.h"

enum { VS_SWEEP_STATUSES = 32 };

typedef struct vs_status_count {
  zx_status_t status;
  uint64_t count;
} vs_status_count;

// Combinations. The sum of the first five is what the sweep has gone through.
typedef struct vs_sweep_counts {
  uint64_t accepted;  // answered with ZX_OK
  uint64_t refused;
  uint64_t died;      // the backend ended within the call
  uint64_t skipped;   // the backend lacks what the stage needs, or its making failed
  uint64_t recorded;  // answered, and not judged: nothing is predicted
  size_t status_count;
  vs_status_count statuses[VS_SWEEP_STATUSES];  // of those, in ascending order
  // Those of `died` of which nothing is predicted either, and the first of them.
  uint64_t silent;
  uint64_t silent_stage;
  uint64_t silent_at;  // number within the stage
} vs_sweep_counts;

void vs_sweep_count_status(vs_sweep_counts* counts, zx_status_t status, uint64_t count);
void vs_sweep_count_silent(vs_sweep_counts* counts, uint64_t count, uint64_t stage, uint64_t at);
void vs_sweep_counts_add(vs_sweep_counts* sum, const vs_sweep_counts* part);

typedef struct vs_judge_of_sweep {
  const vs_space* space;
  const vs_profile* profile;
  vs_failures* failures;
  vs_sweep_counts counts;
  uint8_t skipped_for;  // as in vs_sweep_outcome, of the first stage that was skipped
  zx_status_t skipped_status;
  uint64_t broken;  // steps that made no sense: our side
  vs_oracle oracle;
  vs_scene scene;
  uint64_t stage;
  bool known;  // the oracle can say something of what follows
  vs_foresight foresight;
  vs_batch_of_sweep list;
  uint64_t at;     // number within the stage of the combination that is judged
  uint64_t since;  // first combination within the stage since the last look
  bool pending;    // `op` was refused, and the oracle was not told
  vs_op op;
  vs_observation seen;  // that came of it
} vs_judge_of_sweep;

// Judges what the tape holds, and returns the number of combinations of its batch that are done
// with: less than all only of a tape whose recorder ended.
uint32_t vs_judge_tape(vs_judge_of_sweep* judge, const vs_tape* tape);

#endif  // VS_CONFORMANCE_SWEEP_JUDGE_H_
