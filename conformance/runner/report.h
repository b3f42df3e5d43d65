// SPDX-License-Identifier: BSD-3-Clause
// What a run says to people: failures as they happen, the matrix clause x backend, the totals.
#ifndef VS_CONFORMANCE_REPORT_H_
#define VS_CONFORMANCE_REPORT_H_

#include <stdio.h>

#include "run.h"

// One failure with case, clause, ops, what was allowed, what was got, and the command that repeats
// it. Nothing for other verdicts but BROKEN. `same_as`, unless NULL, is an earlier failure of the
// same op in the same way: then one line says so.
void vs_report_result(FILE* out, const vs_case_result* result, const vs_plan* plan,
                      const vs_case_result* same_as);

// The first result of the run, before `result`, that failed on the same target at the same op in
// the same way; NULL: there is none.
const vs_case_result* vs_report_first_alike(const vs_run* run, const vs_case_result* result);

// A row a clause, a column a target; then what the columns add up to, why what is missing is
// missing, and which latitudes were made use of.
void vs_report_matrix(FILE* out, const vs_plan* plan, const vs_run* run);

// The verdict of one clause on one target, from all cases that declare it.
vs_verdict vs_clause_verdict(const vs_run* run, const vs_target* target, vs_clause_code clause);

size_t vs_run_count(const vs_run* run, const vs_target* target, vs_verdict verdict);

#endif  // VS_CONFORMANCE_REPORT_H_
