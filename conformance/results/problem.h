// SPDX-License-Identifier: BSD-3-Clause
// What is wrong beyond the cases' verdicts: a backend that could not be judged, an expectation that
// is stale, a run that was stopped. Whoever reads only a list of cases is to see it too: where the
// run does not end with 0, then either a case fails or this tells of something.
#ifndef VS_CONFORMANCE_PROBLEM_H_
#define VS_CONFORMANCE_PROBLEM_H_

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

typedef struct vs_problem {
  const char* kind;  // "interrupted", "backend", "expectation", "run"
  const char* name;  // borrowed from the model
  char text[2048];
} vs_problem;

size_t vs_problem_count(const json_t* results);
// The ith of them. False: there are fewer.
bool vs_problem_at(const json_t* results, size_t i, vs_problem* problem);

#endif  // VS_CONFORMANCE_PROBLEM_H_
