// SPDX-License-Identifier: BSD-3-Clause
// What became of one case on one target: the oracle's judgement of its trace, put in a word. The
// same whether the trace was just recorded or comes from a file.
#ifndef VS_CONFORMANCE_RESULT_H_
#define VS_CONFORMANCE_RESULT_H_

#include "cases/cases.h"
#include "coverage/coverage.h"
#include "oracle.h"
#include "process/child.h"
#include "target.h"
#include "words/touched.h"

typedef enum vs_verdict {
  VS_VERDICT_NOT_JUDGED,  // not yet
  VS_VERDICT_PASS,
  VS_VERDICT_PERMITTED,  // allowed by a named latitude
  VS_VERDICT_FAIL,
  VS_VERDICT_UNSUPPORTED,  // the backend lacks what the case needs
  VS_VERDICT_BROKEN,       // our side, or the machine: nothing was learnt
  VS_VERDICT_CUT_SHORT,    // of a clause: every case that would judge it failed before it got there
  VS_VERDICT_FLAKY,        // failed, and did not when it was tried again: no pass
  VS_VERDICT_KNOWN,        // in reports: a failure that was expected
  VS_VERDICT_DISPUTED,     // likewise, and whether it is one is disputed
  VS_VERDICT_COUNT
} vs_verdict;

extern const char* const vs_verdict_names[VS_VERDICT_COUNT];

enum { VS_ERRORS_MAX = 4096 };

// A failure of a case that failed in another way before.
typedef struct vs_also {
  size_t at;  // index of the op
  vs_violation violation;
  vs_touched touched;  // by all failures of its sort
} vs_also;

enum { VS_ALSO_MAX = 15 };  // sorts of failure that are kept beside the first

typedef struct vs_case_result {
  const vs_case* c;
  const vs_target* target;
  bool begun;  // a run has taken it up
  vs_verdict verdict;
  vs_judgement judgement;
  vs_script script;              // owned; of a case that passed no longer there
  vs_observation* observations;  // owned; kept for what is not PASS, else NULL
  vs_touched touched;            // by all failures of the first one's sort
  vs_also* also;                 // owned; of each other sort of failure the first
  size_t also_count;
  char note[VS_WHY_MAX];       // why UNSUPPORTED, BROKEN or FLAKY; how the backend died
  char errors[VS_ERRORS_MAX];  // of what failed: both ends of its standard error, or ""
  char died[VS_DEATH_WORD];    // of a backend that died: vs_death_word
  double seconds;              // that it took
  vs_reached reached;          // owned; of what is counted, else empty
  bool earlier;                // it stands already, from an earlier run: nothing else is filled
  bool provisional;            // the run was stopped before the verdict stood
} vs_case_result;

// Judges a trace of the result's script, and fills verdict, judgement and note; and, if it is
// begun, `reached`.
void vs_result_judge(vs_case_result* result, vs_oracle* oracle, const vs_profile* profile,
                     const vs_trace* trace);

// True of a verdict that says something is wrong with the implementation.
bool vs_verdict_is_failure(vs_verdict verdict);

// Of what two results say of one clause, that which stands.
vs_verdict vs_verdict_worse(vs_verdict a, vs_verdict b);

// The clauses of a result that it breaks: those that the oracle cites. A backend that died between
// two calls breaks none.
vs_clause_set vs_result_broken(const vs_case_result* result);
// The clauses of a result that it bears out: declared by the case and judged, also in a case that
// fails for another clause.
vs_clause_set vs_result_borne_out(const vs_case_result* result);

// What the result says of one clause; VS_VERDICT_NOT_JUDGED: nothing.
vs_verdict vs_result_says(const vs_case_result* result, vs_clause_code clause);

#endif  // VS_CONFORMANCE_RESULT_H_
