// SPDX-License-Identifier: BSD-3-Clause
// The oracle: walks a trace and says at each step whether the observation is allowed, by which
// clause. It carries the set of worlds that explain the trace so far; an observation that none of
// them explains is a violation. Caller-owned, no allocation, no pointers into itself.
#ifndef VS_MODEL_ORACLE_H_
#define VS_MODEL_ORACLE_H_

#include "apply.h"
#include "decide.h"
#include "point.h"

// The choices that an implementation makes once (the gate, and three sizes of IO) make 16 worlds;
// calls that run beside others, and buffers that change meanwhile, multiply them for a while.
enum { VS_WORLDS_MAX = 128 };

typedef enum vs_violation_kind {
  VS_VIOLATION_STATUS,     // `got` is not in decision.allowed
  VS_VIOLATION_NO_RETURN,  // crashed or hung within the call
  VS_VIOLATION_REGISTER,   // a register is not what it must be
  VS_VIOLATION_PACKET,     // the guest left in another way than its program does
  VS_VIOLATION_HANDLE,  // a new handle that is 0 or has the value of an open one, or of a refusal
  VS_VIOLATION_BUFFER,  // the caller's buffer was written
  VS_VIOLATION_SILENCE  // the guest gave no sign of life
} vs_violation_kind;

typedef struct vs_violation {
  vs_violation_kind kind;
  vs_clause_code clause;
  vs_decision decision;  // what was allowed, and why
  zx_status_t got;
  uint8_t reg;        // REGISTER: index in the architecture's table
  bool guest_view;    // REGISTER: as guest code saw it, else as zx_vcpu_read_state reported it
  uint8_t field;      // PACKET: vs_packet_field; VS_PACKET_FIELD_COUNT: there is none, or no state
  uint64_t expected;  // REGISTER, PACKET: the bits of `known` are determined
  uint64_t known;
  uint64_t value;
  uint8_t also;      // 1 + the clause that another call may have broken in its place; 0: none
  uint8_t call;      // BUFFER: vs_op_code, whose parameter `change` speaks of
  vs_change change;  // BUFFER: what was written
  int room;          // BUFFER: bytes at that parameter that may be
} vs_violation;

// A call that runs beside others, from its start to its JOIN.
typedef struct vs_race {
  vs_op op;
  vs_observation answer;  // as the JOIN brings it
  vs_violation why;       // a register that kept an order from explaining the answer
  bool told;              // there was one
} vs_race;

// What a refused write would have written.
typedef struct vs_asked {
  bool io;
  uint8_t bytes[VS_STATE_MAX];
} vs_asked;

enum { VS_ASKED_MAX = 8 };

typedef struct vs_oracle {
  const vs_profile* profile;
  const vs_arch_info* arch;
  const vs_listener* listener;  // borrowed; NULL: none is told
  vs_clause_set attested;       // clauses that some allowed answer bore out
  bool raced;                   // some call ran beside others, or its buffer changed
  bool unordered;               // of two calls, either may have been first
  bool overflow;                // there was no room for a world: nothing can be said any more
  bool unpredicted;             // a call was made of which the oracle says nothing (yet)
  vs_race races[VS_THREADS];
  size_t asked_count;            // writes that were refused so far
  vs_asked asked[VS_ASKED_MAX];  // the last of them
  uint8_t count;                 // worlds alive
  vs_world worlds[VS_WORLDS_MAX];
  uint8_t saved;  // worlds before the step that vs_judge is at
  vs_world before[VS_WORLDS_MAX];
} vs_oracle;

typedef enum vs_step {
  VS_STEP_ALLOWED,
  VS_STEP_VIOLATION,
  VS_STEP_UNSUPPORTED,  // the backend lacks the call, or a setup did not succeed
  VS_STEP_SKIPPED,      // the same, of an optional op: the case goes on
  VS_STEP_ENDED,        // nothing can be said from here on: the run ended before
  VS_STEP_BROKEN        // our side: the script does not make sense, or too many worlds
} vs_step;

void vs_oracle_init(vs_oracle* oracle, const vs_profile* profile, const vs_arch_info* arch);

// Judges one op of a trace, other than an asynchronous one that is no ENTER. On VS_STEP_VIOLATION
// `*why` is filled and no world is left: the trace says nothing further: every further step is
// VS_STEP_BROKEN. `why` may be NULL.
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
