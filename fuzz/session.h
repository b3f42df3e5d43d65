// SPDX-License-Identifier: BSD-3-Clause
// One process that fuzzes one backend: runs inputs, has the oracle judge them, tells the fuzzer's
// engine what classes of calls the oracle has met, and writes violations down. One a process.
#ifndef VS_FUZZ_SESSION_H_
#define VS_FUZZ_SESSION_H_

#include "coverage/reachable.h"
#include "executor/executor.h"
#include "oracle.h"
#include "runner/target.h"
#include "scene.h"
#include "text/profile.h"
#include "worker.h"

// Backends that are none, of VS_FUZZ_CALL: the rules answer themselves, and must agree with
// themselves; inputs are not even decoded, to measure what an engine takes.
#define VS_FUZZ_MODEL "model"
#define VS_FUZZ_NOTHING "nothing"

typedef struct vs_session_options {
  vs_fuzz_target target;
  const char* backend;   // as after --backend; or VS_FUZZ_MODEL, VS_FUZZ_NOTHING
  const char* profile;   // id or file
  const char* state;     // file to map; NULL: none
  const char* findings;  // directory; NULL: a violation is printed, and ends the process by abort()
  bool feedback;
  bool counts;      // combinations (docs/coverage.md), in the state
  bool bare;        // the scene of VS_FUZZ_CALL makes no write and no look of its own
  bool first_only;  // the first violation ends the process with exit status 0, and says when
} vs_session_options;

// The implementation, the oracle and the script that goes through both. Not to be copied.
typedef struct vs_session {
  vs_session_options options;
  vs_target backend;
  vs_opened opened;
  bool owned;             // it is ours to close
  vs_executor* executor;  // NULL: the rules alone
  bool idle;              // nothing at all
  const vs_arch_info* arch;
  const vs_profile* profile;
  vs_own_profile own;
  vs_fuzz_state* state;
  vs_reachable* reachable;  // owned; NULL: what is reached of it is not counted
  vs_listener listener;
  vs_oracle oracle;
  uint64_t seeds;  // inputs before the engine's first mutation
  bool mutated;    // there was one
  double opened_at;
  // Of VS_FUZZ_SCRIPT.
  vs_fuzz_script script;
  vs_observation seen[VS_FUZZ_OPS];
  // Of VS_FUZZ_CALL.
  bool made;        // the scene stands
  uint64_t inputs;  // since then
  vs_sense sense;
  vs_op call[1 + VS_FUZZ_LOOKS];  // and its looks
} vs_session;

// False: `reason` says why, in a line.
bool vs_session_open(vs_session* session, const vs_session_options* options, vs_why* reason);
// The same on a backend that is open already, by whoever closes it.
bool vs_session_open_on(vs_session* session, const vs_session_options* options,
                        const vs_opened* opened, vs_why* reason);
void vs_session_close(vs_session* session);

// Runs one input and judges it. Where violations end the process, it may not return.
void vs_session_run(vs_session* session, const uint8_t* data, size_t size);

// Executes a script, judges it, and says what of it is to be said: VS_STEP_ALLOWED,
// VS_STEP_VIOLATION (`*why` says of what), VS_STEP_BROKEN (it makes no sense), VS_STEP_UNSUPPORTED
// (it has more explanations than the oracle has room for, or the profile says nothing of a call).
// Of what comes after a call that the oracle does not predict, nothing is said.
vs_step vs_session_try(vs_session* session, const vs_script* script, vs_observation* seen,
                       vs_violation* why);

#endif  // VS_FUZZ_SESSION_H_
