// SPDX-License-Identifier: BSD-3-Clause
// Makes the calls of a sweep, in a process of its own, and writes down what came back in memory
// that outlives it. Judges nothing. Scenes are made by the executor; the calls themselves go
// straight to the backend, on the thread that the stage asks for, many at a time.
#ifndef VS_CONFORMANCE_SWEEP_RECORDER_H_
#define VS_CONFORMANCE_SWEEP_RECORDER_H_

#include "compose.h"
#include "runner/target.h"

enum {
  VS_TAPES = 4,
  VS_LOOK_EVERY = 64  // refused calls, at most, before the registers are looked at
};

// What came back from one call. Of calls other than zx_vcpu_write_state `parts` says the rest.
typedef struct vs_answer {
  int32_t status;
  uint8_t outcome;  // vs_outcome
  bool changed;     // the caller's buffer
} vs_answer;

// What came of one batch. What is not reached has the outcome VS_NOT_REACHED.
typedef struct vs_tape {
  uint32_t full;  // atomic: recorded, and not judged yet
  uint64_t batch;
  uint32_t from;  // first combination of the batch that was to be recorded, in the order of
                  // vs_foresee_batch
  bool begins;    // the scene was made for this batch, not for one before
  bool usable;    // the scene could be made
  vs_observation setup[VS_SCENE_OPS];
  vs_observation end[VS_SCENE_END_OPS];  // after the stage's last batch
  vs_observation company;                // after the batch
  vs_answer answers[VS_BATCH];
  vs_observation looks[VS_BATCH];            // looks[i]: after call i, where there was one
  vs_observation parts[VS_BATCH][VS_PARTS];  // of calls other than zx_vcpu_write_state
} vs_tape;

typedef struct vs_recorder {
  const vs_space* space;
  const vs_target* target;
  uint64_t from;  // batches [from, to)
  uint64_t to;
  uint32_t skip;      // combinations of the first batch that are not recorded
  uint32_t progress;  // atomic: calls that have ended
  bool opened;
  bool again;               // ended of itself: the next batch needs a process without a past
  vs_why reason;            // why not
  vs_tape tapes[VS_TAPES];  // batch `from + n` is on tape n % VS_TAPES
} vs_recorder;

// In the child: records all batches, each as soon as its tape is free.
void vs_recorder_run(void* recorder);

// Has the tape taken back for the batch that comes VS_TAPES later.
void vs_tape_release(vs_tape* tape);
bool vs_tape_is_full(const vs_tape* tape);

#endif  // VS_CONFORMANCE_SWEEP_RECORDER_H_
