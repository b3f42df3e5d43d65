// SPDX-License-Identifier: BSD-3-Clause
// What guides an engine that sees nothing of an implementation: the (clauses, class of facts,
// verdict) tuples that the oracle has met. They count into libFuzzer's extra counters, and a set of
// them is kept for people.
#ifndef VS_FUZZ_FEEDBACK_H_
#define VS_FUZZ_FEEDBACK_H_

#include "oracle.h"
#include "worker.h"

enum { VS_FEEDBACK_COUNTERS = 4096 };

// The class of a call, from what the oracle knows before it is judged: its facts, and beside them,
// so that their product does not drown everything, how its arguments came to be so.
typedef struct vs_feedback_class {
  uint64_t facts;
  uint64_t faults;
  uint64_t place;
  uint64_t numbers;
  uint64_t contents;
} vs_feedback_class;

vs_feedback_class vs_feedback_classify(vs_oracle* oracle, const vs_op* op);

// A step was judged: it bears out `attested`, or violates.
void vs_feedback_note(vs_fuzz_state* state, bool guides, const vs_feedback_class* of,
                      vs_clause_set attested, const vs_observation* seen, vs_step step);

// A combination was reached for the first time: the input is kept for it.
void vs_feedback_reached(size_t point);

// Without feedback: an input is kept if it is a seed.
void vs_feedback_keep_seed(uint64_t number);
void vs_feedback_keep_none(void);

#endif  // VS_FUZZ_FEEDBACK_H_
