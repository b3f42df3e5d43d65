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

// What a run tells as it goes on.
typedef enum vs_event_kind {
  VS_EVENT_ASKED,     // before all: does the result of this target and case stand already? true: it
                      // does
  VS_EVENT_RECORDED,  // a case was played, and is judged next; of a race, each time
  VS_EVENT_JUDGED,    // a result stands, as soon as it does; but of those from before
  VS_EVENT_TURN,      // its turn has come, in the order of the targets and cases
  VS_EVENT_IDLE       // now and then, many times a second
} vs_event_kind;

typedef struct vs_event {
  vs_event_kind kind;
  size_t target;  // ASKED: indices in the plan
  size_t at;
  const vs_run* run;             // JUDGED, TURN
  const vs_case_result* result;  // RECORDED: its case and target count; JUDGED, TURN
  const vs_trace* trace;         // RECORDED
} vs_event;

typedef struct vs_plan {
  const vs_target* targets;  // shims among them are ended with the run
  size_t target_count;
  const vs_case* const* cases;
  size_t case_count;
  const vs_profile* profile;
  vs_coverage* coverage;              // what is reachable by the profile; NULL: nothing is counted
  const char* profile_word;           // what to type for it; NULL: its id
  const char* program;                // how a failure's command starts; NULL: it cannot be repeated
  uint64_t seed;                      // of the register values
  unsigned jobs;                      // processes at once, at least 1
  double timeout;                     // seconds a call may take
  const volatile sig_atomic_t* stop;  // not 0: end soon, and tell what is finished; may be NULL
  // Where events go, with `context`; may be NULL. What it returns counts of VS_EVENT_ASKED alone.
  bool (*sink)(const vs_event* event, void* context);
  void* context;
} vs_plan;

// script -> trace -> verdict: records the result's script on its target, judges it, and fills the
// rest. Of the plan, profile and timeout count. False: this machine has no process to spare.
bool vs_run_case(vs_case_result* result, const vs_plan* plan, vs_oracle* oracle);

// --- the parts of it, for traces that were recorded before ---------------------------------------

// True of a case about another architecture than its target's: it is unsupported, and not played.
bool vs_run_is_elsewhere(vs_case_result* result);
// Judges a trace of the result's script, and keeps what is told of it. Of the plan, profile and
// coverage count.
void vs_run_judge(vs_case_result* result, const vs_plan* plan, vs_oracle* oracle,
                  const vs_trace* trace);

enum { VS_RUN_TRIES = 4 };  // of a case whose threads race, once it has failed

// True of such a case: it is played VS_RUN_TRIES times in all.
bool vs_run_tries_again(const vs_case_result* result);
// Takes, and frees, what came of it when it was played again; `*failed` counts.
void vs_run_take_try(vs_case_result* first, vs_case_result* again, unsigned* failed);
// The verdict, once it was played that often.
void vs_run_end_tries(vs_case_result* first, unsigned failed, unsigned tried);

// --- all of it -----------------------------------------------------------------------------------

// Judges every case on every target that is READY, and ends every child process that is left at the
// end. False: no memory. The run is the caller's.
bool vs_run_plan(const vs_plan* plan, vs_run* run);
void vs_run_free(vs_run* run);

size_t vs_run_count(const vs_run* run, const vs_target* target, vs_verdict verdict);

// True if what threads do at the same time decides the script's trace.
bool vs_script_races(const vs_script* script);

#endif  // VS_CONFORMANCE_RUN_H_
