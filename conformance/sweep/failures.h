// SPDX-License-Identifier: BSD-3-Clause
// The failures of a sweep, once per distinct (clause, allowed, got).
#ifndef VS_CONFORMANCE_SWEEP_FAILURES_H_
#define VS_CONFORMANCE_SWEEP_FAILURES_H_

#include "oracle.h"

enum { VS_FAILURES_MAX = 128 };

// What makes two failures the same: register values vary from call to call, and do not count.
typedef struct vs_failure_key {
  uint8_t clause;  // vs_clause_code
  uint8_t kind;    // vs_violation_kind
  uint8_t reg;     // of a register
  uint8_t guest_view;
  int32_t got;                      // of a status
  uint8_t count;                    // of allowed
  int32_t allowed[VS_ALLOWED_MAX];  // in ascending order
} vs_failure_key;

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

vs_failure_key vs_failure_key_of(const vs_violation* violation);
bool vs_failure_same(const vs_failure_key* a, const vs_failure_key* b);

// Adds one, or counts it; of two places, the earlier is kept.
void vs_failures_note(vs_failures* failures, const vs_failure* failure);

// Earliest first.
void vs_failures_sort(vs_failures* failures);

#endif  // VS_CONFORMANCE_SWEEP_FAILURES_H_
