// SPDX-License-Identifier: BSD-3-Clause
// Results for people at a terminal.
#ifndef VS_CONFORMANCE_SHOW_H_
#define VS_CONFORMANCE_SHOW_H_

#include "results/view.h"
#include "runner/run.h"
#include "screen.h"

// One failure with case, clause, ops, what was allowed, what was got, and the command that repeats
// it; of one that was expected a line. Nothing for other verdicts but broken. `backend` is the name
// of its column. `same_as`, unless NULL, is an earlier case that failed for the same cause: then
// one line says so.
void vs_show_result(const vs_screen* screen, const vs_result* result, const char* backend,
                    const char* same_as);
// Results one after the other, as vs_show_result shows them.
typedef struct vs_telling {
  vs_screen screen;
  vs_store store;
  vs_index causes;
  vs_texts first;  // of each cause the first case
  bool in_list;    // of failures that were expected, a line each
} vs_telling;
void vs_tell_result(vs_telling* telling, const vs_result* result, const char* backend);
// Frees, too.
void vs_tell_end(vs_telling* telling);

// The same of what came of a case, outside of a run.
void vs_report_result(FILE* out, const vs_case_result* result, const vs_plan* plan);

// All that is told at the end: the matrix (matrix.h); then why what is missing is missing, which
// latitudes were made use of, and, if `counts` or something was not judged, how much was. Then
// which cases fail for one cause. Then entries of the expectations that are stale, each with what
// to do, and how many are of which sort. Then why the exit status is what it is, unless that is
// plain from the rest. Of a quiet screen: those entries, and what else the exit status is for.
void vs_show_end(const vs_screen* screen, const vs_results* results, bool counts);

// The last line of a quiet screen: "does not conform: 2 fail, 1 known to fail, 13 pass, ..."
void vs_show_sum(const vs_screen* screen, const vs_results* results);

#endif  // VS_CONFORMANCE_SHOW_H_
