// SPDX-License-Identifier: BSD-3-Clause
// The table of cases, and how a row becomes a script.
#ifndef VS_CONFORMANCE_CASES_H_
#define VS_CONFORMANCE_CASES_H_

#include "build.h"

enum { VS_CASE_CLAUSES_MAX = 6 };

typedef struct vs_case {
  const char* id;  // suite.name
  const char* title;
  uint8_t clause_count;
  uint8_t clauses[VS_CASE_CLAUSES_MAX];  // vs_clause_code; the first is the subject
  void (*build)(vs_build* b);
} vs_case;

extern const vs_case vs_cases[];
extern const size_t vs_case_count;

// The functions that write them.
#define VS_CASE(suite, name, title, clauses) void case_##suite##_##name(vs_build* b);
#include "cases.def"
#undef VS_CASE

// NULL for an unknown id.
const vs_case* vs_case_find(const char* id);

vs_clause_set vs_case_clauses(const vs_case* c);

// The case's script for an architecture; its ops are the caller's, to free with
// vs_case_script_free. False: no memory.
bool vs_case_script(const vs_case* c, vs_arch arch, uint64_t seed, vs_script* script);
void vs_case_script_free(vs_script* script);

#endif  // VS_CONFORMANCE_CASES_H_
