// SPDX-License-Identifier: BSD-3-Clause
// Traces to judge again and again: the suite's own cases as a backend answers them, each op with
// what the model predicts of it. Cases with ops that cannot be predicted are left out, and so are
// those with ops that the backend lacks: what remains are writes of both kinds, accepted and
// refused, read-backs, and handles that are made, copied and closed.
#ifndef VS_CLI_BENCH_RECORDED_H_
#define VS_CLI_BENCH_RECORDED_H_

#include "export/predict.h"
#include "side.h"

typedef struct vs_recorded_case {
  vs_predicted predicted;        // what the floor compares with
  vs_observation* observations;  // one an op of predicted.script
} vs_recorded_case;

typedef struct vs_recorded {
  size_t count;
  vs_recorded_case* cases;
} vs_recorded;

// Records them on a backend that is open. False: `reason` says why; nothing
// is left to be freed.
bool vs_record(vs_recorded* recorded, const vs_side_setup* setup, vs_why* reason);
void vs_recorded_free(vs_recorded* recorded);

#endif  // VS_CLI_BENCH_RECORDED_H_
