// SPDX-License-Identifier: BSD-3-Clause
// What is to be judged: a backend as named on the command line, found and opened.
#ifndef VS_CONFORMANCE_TARGET_H_
#define VS_CONFORMANCE_TARGET_H_

#include <vcpuspec/backend.h>

#include "executor/executor.h"
#include "identity.h"
#include "mutants/mutants.h"
#include "recorded.h"
#include "shim/shim.h"

typedef enum vs_target_state {
  VS_TARGET_READY,
  VS_TARGET_ABSENT,  // built in, but this machine cannot run it
  VS_TARGET_BROKEN   // cannot be judged at all: does not load, or dies when opened
} vs_target_state;

typedef struct vs_target {
  const char* spec;           // as typed; borrowed
  const vs_backend* backend;  // NULL for a plugin
  const vs_mutant* mutant;    // NULL unless "mutant:ID"
  const char* path;           // of a plugin, within spec
  const char* where;          // of a shim, within spec
  vs_shim* shim;              // that runs; NULL: none does. Owned: vs_target_close
  const char* traces;         // of recorded ones, within spec
  vs_traces* recorded;        // what is in them, once probed. Owned: vs_target_close
  vs_identity identity;       // of a plugin or a shim, once probed
  vs_target_state state;
  vs_arch arch;
  uint64_t lacks;  // once it is ready, the calls that it has not: a bit for each vs_call_index
  char name[64];   // what a report calls it
  vs_why reason;
} vs_target;

// An opened target: valid in this process only.
typedef struct vs_opened {
  vs_arch arch;
  zx_handle_t resource;
  zx_handle_t other_resource;
  const vs_calls* calls;
  bool (*reach)(const vs_region* regions, size_t count);  // vs_backend.reach
  bool (*held)(void);  // or NULL: the last call of this thread was held, or flipped, as was told
  char name[64];
} vs_opened;

// The built-in backends, in the order of reports.
extern const vs_backend* const vs_builtins[];
extern const size_t vs_builtin_count;

// Those of them that a run judges unless told otherwise.
extern const char* const vs_default_targets[];
extern const size_t vs_default_target_count;

// Understands the name, opens nothing. False: it names no backend.
bool vs_target_parse(const char* spec, vs_target* target);

// Opens it in this process, once. False: `reason` says why. Plugins run their
// constructors, and what becomes of a shim becomes of this process, or ends it: only in a process
// that may die. What is not any more what was probed is not opened.
bool vs_target_open(const vs_target* target, vs_opened* opened, vs_why* reason);

// Who executes scripts on what is open. NULL: no memory.
vs_executor* vs_opened_executor(const vs_opened* opened);

// Finds out, in a process of its own and within `seconds`, whether the target can be opened: fills
// state, arch, name, reason. A shim then runs, and recorded traces are read, until vs_target_close.
void vs_target_probe(vs_target* target, double seconds);
void vs_target_close(vs_target* target);

#endif  // VS_CONFORMANCE_TARGET_H_
