// SPDX-License-Identifier: BSD-3-Clause
// What a process that fuzzes was asked for, and what it holds.
#ifndef VS_FUZZ_SESSION_STATE_H_
#define VS_FUZZ_SESSION_STATE_H_

#include "coverage/reachable.h"
#include "executor/executor.h"
#include "oracle.h"
#include "runner/target.h"
#include "scene.h"
#include "text/profile.h"
#include "worker.h"

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

#endif  // VS_FUZZ_SESSION_STATE_H_
