// SPDX-License-Identifier: BSD-3-Clause
// What coverage is counted against: every point (model/point.h) that some call can pass through, as
// a profile and an architecture have it. None is listed: from each situation, every call is tried
// with every class of arguments, and the model itself says what it makes of it. A point at which
// more than VS_FACTS_TOGETHER facts hold that have nothing to do with each other is not counted:
// what is to be seen of three faults at once, two of them show already.
#ifndef VS_CONFORMANCE_COVERAGE_REACHABLE_H_
#define VS_CONFORMANCE_COVERAGE_REACHABLE_H_

#include "oracle.h"
#include "situations.h"

enum { VS_FACTS_TOGETHER = 2 };

// A point, what the profile allows there, and a call that passes through it.
typedef struct vs_reached_by {
  vs_point point;
  vs_decision allowed;
  uint8_t situation;  // index
  unsigned unusual;   // arguments of the call that are not those of a valid one
  vs_op op;
} vs_reached_by;

typedef struct vs_reachable {
  const vs_profile* profile;  // borrowed
  vs_arch arch;
  size_t count;           // points that are counted
  size_t beyond;          // further ones, of more facts together: they stand behind those
  vs_reached_by* points;  // owned; by call, and in an order that is always the same
  char** names;           // owned: of each that is counted, in words (words.h)
  size_t tried;           // calls
  vs_situations situations;
  uint32_t* slots;  // owned: a table of hashes, for vs_reachable_find
  size_t slot_count;
} vs_reachable;

// NULL: no memory. To free with vs_reachable_free.
vs_reachable* vs_reachable_new(const vs_profile* profile, vs_arch arch);
void vs_reachable_free(vs_reachable* all);

// The number of the point; SIZE_MAX: no call was found that passes through it.
size_t vs_reachable_find(const vs_reachable* all, const vs_point* point);

// The clauses that an answer to a call of that point can bear out.
vs_clause_set vs_reached_clauses(const vs_reached_by* reached);

#endif  // VS_CONFORMANCE_COVERAGE_REACHABLE_H_
