// SPDX-License-Identifier: BSD-3-Clause
// What came of a case, for people and for tests. A whole run is told by results/show.h.
#ifndef VS_CONFORMANCE_REPORT_H_
#define VS_CONFORMANCE_REPORT_H_

#include <stdio.h>

#include "run.h"

// One failure with case, clause, ops, what was allowed, what was got, and, if the plan names a
// program, the command that repeats it. Nothing for other verdicts but BROKEN.
void vs_report_result(FILE* out, const vs_case_result* result, const vs_plan* plan);

// The verdict of one clause on one target, from all cases that declare it.
vs_verdict vs_clause_verdict(const vs_run* run, const vs_target* target, vs_clause_code clause);

size_t vs_run_count(const vs_run* run, const vs_target* target, vs_verdict verdict);

#endif  // VS_CONFORMANCE_REPORT_H_
