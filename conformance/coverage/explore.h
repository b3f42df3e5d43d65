// SPDX-License-Identifier: BSD-3-Clause
// Every transition (history.h) that some calls can make, as a profile and an architecture have it,
// found by walking the model's worlds: from each situation breadth-first, on from wherever a call
// made a transition that no call before it had, until none does. Calls have at most one argument
// that is not usual: what they leave, two wrong arguments leave as well.
#ifndef VS_CONFORMANCE_COVERAGE_EXPLORE_H_
#define VS_CONFORMANCE_COVERAGE_EXPLORE_H_

#include "history.h"
#include "oracle.h"
#include "situations.h"

// Where a walk has come to: a situation, or a call further than another one.
typedef struct vs_walked {
  size_t from;  // SIZE_MAX: this is a situation
  uint8_t situation;
  vs_op op;  // that led here
} vs_walked;

typedef struct vs_explored {
  const vs_profile* profile;  // borrowed
  vs_arch arch;
  vs_transitions set;
  char** names;    // owned: of each transition
  size_t* behind;  // owned: of each transition, the number of what was walked to with it
  size_t walked_count;
  size_t walked_room;
  vs_walked* walked;  // owned
  vs_situations situations;
} vs_explored;

// NULL: no memory. To free with vs_explored_free.
vs_explored* vs_explored_new(const vs_profile* profile, vs_arch arch);
void vs_explored_free(vs_explored* all);

// The calls that make the transition, after those of its situation; how many, at most `room`.
size_t vs_explored_calls(const vs_explored* all, size_t transition, vs_op* ops, size_t room);

#endif  // VS_CONFORMANCE_COVERAGE_EXPLORE_H_
