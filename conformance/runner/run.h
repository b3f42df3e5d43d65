// SPDX-License-Identifier: BSD-3-Clause
// Judges cases on targets: one process a case and target, so that no implementation can hurt the
// run. The oracle stays in this process; only the recording happens in the other.
#ifndef VS_CONFORMANCE_RUN_H_
#define VS_CONFORMANCE_RUN_H_

#include <signal.h>

#include "cases/cases.h"
#include "child.h"
#include "oracle.h"
#include "target.h"

typedef enum vs_verdict {
  VS_VERDICT_NOT_JUDGED,  // not yet
  VS_VERDICT_PASS,
  VS_VERDICT_PERMITTED,  // allowed by a named latitude
  VS_VERDICT_FAIL,
  VS_VERDICT_UNSUPPORTED,  // the backend lacks what the case needs
  VS_VERDICT_BROKEN,       // our side, or the machine: nothing was learnt
  VS_VERDICT_CUT_SHORT,    // of a clause: every case that would judge it failed before it got there
  VS_VERDICT_COUNT
} vs_verdict;

extern const char* const vs_verdict_names[VS_VERDICT_COUNT];

typedef struct vs_case_result {
  const vs_case* c;
  const vs_target* target;
  vs_verdict verdict;
  vs_judgement judgement;
  vs_script script;              // owned
  vs_observation* observations;  // owned; kept for what is not PASS, else NULL
  char note[VS_REASON_MAX];      // why UNSUPPORTED or BROKEN; how the backend died
} vs_case_result;

typedef struct vs_run {
  vs_case_result* results;  // target_count x case_count, a target's together
  size_t count;
} vs_run;

typedef struct vs_plan {
  const vs_target* targets;
  size_t target_count;
  const vs_case* const* cases;
  size_t case_count;
  const vs_profile* profile;
  const char* program;                // how a failure's command starts; NULL: "vcpuspec"
  uint64_t seed;                      // of the register values
  unsigned jobs;                      // processes at once, at least 1
  double timeout;                     // seconds a call may take
  const volatile sig_atomic_t* stop;  // not 0: end soon, and tell what is finished; may be NULL
  // Told of each result as it is reached, in the order of the targets and cases; may be NULL.
  void (*tell)(const vs_run* run, const vs_case_result* result, void* context);
  void* context;
} vs_plan;

// Judges every case on every target that is READY, and ends every child process that is left at the
// end. False: no memory. The run is the caller's.
bool vs_run_plan(const vs_plan* plan, vs_run* run);
void vs_run_free(vs_run* run);

// The clauses of a result that it breaks: those that the oracle cites, or, for a backend that died
// between two calls, the case's subject.
vs_clause_set vs_result_broken(const vs_case_result* result);
// The clauses of a result that it bears out: declared by the case and judged, also in a case that
// fails for another clause.
vs_clause_set vs_result_borne_out(const vs_case_result* result);

#endif  // VS_CONFORMANCE_RUN_H_
