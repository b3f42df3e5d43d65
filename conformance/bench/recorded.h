// SPDX-License-Identifier: BSD-3-Clause
// Traces to judge again and again: the suite's own cases as the soft backend answers them, writes
// of both kinds, accepted and refused, with read-backs. Ops that this backend cannot do are left
// out, and so are cases that cannot do without them or that use calls not needed for that.
#ifndef VS_CONFORMANCE_BENCH_RECORDED_H_
#define VS_CONFORMANCE_BENCH_RECORDED_H_

#include "side.h"

typedef struct vs_recorded {
  size_t count;  // traces; one after the other in the arrays below
  size_t* lengths;
  vs_op* ops;
  vs_observation* observations;
} vs_recorded;

// Records them on a backend that is open. False: `reason` says why; nothing is left to be freed.
bool vs_record(vs_recorded* recorded, const vs_opened* backend, char* reason);
void vs_recorded_free(vs_recorded* recorded);

#endif  // VS_CONFORMANCE_BENCH_RECORDED_H_
