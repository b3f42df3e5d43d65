// SPDX-License-Identifier: BSD-3-Clause
// The oracle: walks a trace and says at each step whether the observation is allowed, by which
// clause. It carries the set of worlds that explain the trace so far; an observation that none of
// them explains is a violation. Caller-owned, no allocation, no pointers into itself.
#ifndef VS_MODEL_ORACLE_H_
#define VS_MODEL_ORACLE_H_

#include "worlds.h"

void vs_oracle_init(vs_oracle* oracle, const vs_profile* profile, const vs_arch_info* arch);

// Judges one op of a trace: a synchronous one, or an asynchronous ENTER. On VS_STEP_VIOLATION
// `*why` is filled and no world is left; from then on every step is VS_STEP_BROKEN. `why` may be
// NULL.
vs_step vs_oracle_step(vs_oracle* oracle, const vs_op* op, const vs_observation* observation,
                       vs_violation* why);

// The same for an asynchronous op whose `answer` is what its JOIN observes: it may have its effect
// at any moment until then, and an ENTER may begin and end at any. A JOIN of its thread must
// follow, but for an ENTER with an answer that is VS_NOT_REACHED.
vs_step vs_oracle_start(vs_oracle* oracle, const vs_op* op, const vs_observation* answer);

// Op `at` of a trace, by whichever of the two is right.
vs_step vs_oracle_step_of(vs_oracle* oracle, const vs_trace* trace, size_t at, vs_violation* why);

// For whoever goes on after a violation: what to call before the step, and after it. False: what
// the world is now cannot be known, and nothing can be said of what follows.
void vs_oracle_save(vs_oracle* oracle);
bool vs_oracle_recover(vs_oracle* oracle, const vs_op* op, const vs_observation* observation,
                       vs_violation_kind kind);

// What the JOIN of the call that op `at` starts observes; NULL: it was not reached.
const vs_observation* vs_trace_answer(const vs_trace* trace, size_t at);

// The answers that some world allows a call; of other ops, and of what is not predicted, nothing is
// said.
void vs_oracle_allowed(vs_oracle* oracle, const vs_op* op, vs_decision* allowed);

// Why all worlds may accept a call: see vs_held_of.
vs_check_set vs_oracle_held(vs_oracle* oracle, const vs_op* op);

// Latitudes that every remaining explanation of the trace needs: empty if one needs none.
vs_latitude_set vs_oracle_latitudes(const vs_oracle* oracle);

typedef struct vs_judgement {
  vs_step step;            // ALLOWED: nothing to object to
  size_t at;               // index of the op that decided, when step is not ALLOWED
  vs_clause_set attested;  // borne out, and not broken elsewhere in the trace
  vs_clause_set broken;    // by any violation
  vs_latitude_set latitudes;
  bool overflow;     // BROKEN: more explanations than there is room for
  size_t skipped;    // optional ops that the backend could not do
  bool unpredicted;  // a call was made that the oracle only records: not judged from there on
  bool lost;         // a call was made of which the profile says nothing: not judged from there on
  vs_violation violation;
} vs_judgement;

// Judges a whole trace. Ends at the first op that was not reached. After a wrong status of a read
// or a write, or a wrong register, it goes on with what was observed; `step`, `at` and `violation`
// are of the first.
vs_judgement vs_judge(vs_oracle* oracle, const vs_trace* trace, const vs_profile* profile);

// The same, and the listener is told of the points that the trace passes through; of a trace with a
// violation, of some twice.
vs_judgement vs_judge_telling(vs_oracle* oracle, const vs_trace* trace, const vs_profile* profile,
                              const vs_listener* listener);

#endif  // VS_MODEL_ORACLE_H_
