// SPDX-License-Identifier: BSD-3-Clause
// The failures of a sweep, once per distinct (clause, allowed, got).
#ifndef VS_CONFORMANCE_SWEEP_FAILURES_H_
#define VS_CONFORMANCE_SWEEP_FAILURES_H_

#include "words/failure.h"

enum { VS_FAILURES_MAX = 128 };

typedef struct vs_failure {
  vs_failure_key key;
  uint64_t count;  // calls, or looks after several calls, that showed it
  // Where it was seen first: after combination `to` of the stage, due to one of [from, to].
  uint64_t stage;
  uint64_t from;
  uint64_t to;
} vs_failure;

typedef struct vs_failures {
  size_t count;
  uint64_t beyond;  // that found no room
  vs_failure items[VS_FAILURES_MAX];
} vs_failures;

// Adds one, or counts it; of two places, the earlier is kept.
void vs_failures_note(vs_failures* failures, const vs_failure* failure);

// Earliest first.
void vs_failures_sort(vs_failures* failures);

#endif  // VS_CONFORMANCE_SWEEP_FAILURES_H_
