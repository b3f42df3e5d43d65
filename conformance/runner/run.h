// SPDX-License-Identifier: BSD-3-Clause
// Judges cases on targets: one process a case and target, so that no implementation can hurt the
// run. The oracle stays in this process; only the recording happens in the other.
#ifndef VS_CONFORMANCE_RUN_H_
#define VS_CONFORMANCE_RUN_H_

#include <signal.h>

#include "result.h"

typedef struct vs_run {
  vs_case_result* results;  // target_count x case_count, a target's together
  size_t count;
} vs_run;

typedef struct vs_plan {
  const vs_target* targets;  // shims among them are ended with the run
  size_t target_count;
  const vs_case* const* cases;
  size_t case_count;
  const vs_profile* profile;
  const char* profile_word;           // what to type for it; NULL: its id
  const char* program;                // how a failure's command starts; NULL: it cannot be repeated
  uint64_t seed;                      // of the register values
  unsigned jobs;                      // processes at once, at least 1
  double timeout;                     // seconds a call may take
  const volatile sig_atomic_t* stop;  // not 0: end soon, and tell what is finished; may be NULL
  // True of a case and a target that need not be judged: the result stands. May be NULL.
  bool (*stands)(size_t target, size_t at, void* context);
  // Told of each result as soon as it stands, but of those from before; may be NULL.
  void (*keep)(const vs_run* run, const vs_case_result* result, void* context);
  // Told of each result after that, in the order of the targets and cases; may be NULL.
  void (*tell)(const vs_run* run, const vs_case_result* result, void* context);
  // Called now and then, many times a second; may be NULL.
  void (*idle)(void* context);
  void* context;  // of all four
} vs_plan;

// Judges every case on every target that is READY, and ends every child process that is left at the
// end. False: no memory. The run is the caller's.
bool vs_run_plan(const vs_plan* plan, vs_run* run);
void vs_run_free(vs_run* run);

// True if what threads do at the same time decides the script's trace.
bool vs_script_races(const vs_script* script);

#endif  // VS_CONFORMANCE_RUN_H_
