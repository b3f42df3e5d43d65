// SPDX-License-Identifier: BSD-3-Clause
// The set of worlds that explain a trace so far, which is all that the oracle carries, and what it
// says of a step that none of them explains.
#ifndef VS_MODEL_WORLDS_H_
#define VS_MODEL_WORLDS_H_

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

#endif  // VS_MODEL_WORLDS_H_
