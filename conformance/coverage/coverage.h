// SPDX-License-Identifier: BSD-3-Clause
// How much of what is reachable was reached: counts what judging a trace passes through.
#ifndef VS_CONFORMANCE_COVERAGE_COVERAGE_H_
#define VS_CONFORMANCE_COVERAGE_COVERAGE_H_

#include "explore.h"
#include "reachable.h"

// What is reachable by a profile, on each architecture: found out when it is first asked for.
typedef struct vs_coverage {
  const vs_profile* profile;  // borrowed
  vs_reachable* of[VS_ARCH_ARM64 + 1];
  vs_explored* explored[VS_ARCH_ARM64 + 1];
} vs_coverage;

// NULL: no memory.
const vs_reachable* vs_coverage_of(vs_coverage* coverage, vs_arch arch);
const vs_explored* vs_coverage_explored(vs_coverage* coverage, vs_arch arch);
void vs_coverage_free(vs_coverage* coverage);

// What was reached of it.
typedef struct vs_reached {
  const vs_reachable* all;  // borrowed; NULL: nothing is counted
  bool* points;             // owned; of each point of `all`
  vs_history history;       // of the trace that is judged
  vs_transitions made;      // transitions, whether they are known or not
} vs_reached;

// Nothing yet. False: no memory.
bool vs_reached_begin(vs_reached* reached, const vs_reachable* all);
void vs_reached_free(vs_reached* reached);

// Counts for as long as `reached` stays where it is, of one trace.
vs_listener vs_reached_listener(vs_reached* reached);
// The same for good, of another one of the same `all`.
void vs_reached_add(vs_reached* reached, const vs_reached* other);
// Points among them.
size_t vs_reached_count(const vs_reached* reached);

#endif  // VS_CONFORMANCE_COVERAGE_COVERAGE_H_
