// SPDX-License-Identifier: BSD-3-Clause
// Runs cases on one target, for the tests.
#ifndef VS_TESTS_JUDGING_H_
#define VS_TESTS_JUDGING_H_

#include "reports/show.h"

// A target that is ready or says why not. Aborts on a name that is none.
vs_target judging_target(const char* spec);

// Every case that declares the clause, or all for VS_CLAUSE_COUNT; the array is the caller's.
const vs_case** judging_cases(vs_clause_code clause, size_t* count);

// Judges the cases on the target. The run is the caller's (vs_run_free); its results point to
// `target`, which must outlive it.
vs_run judging_run(const vs_target* target, const vs_case* const* cases, size_t count,
                   const char* profile, double timeout);

// What a failed result says, for an assertion's message. Overwritten by the next call.
const char* judging_text(const vs_case_result* result, const char* profile);

#endif  // VS_TESTS_JUDGING_H_
