// SPDX-License-Identifier: BSD-3-Clause
// The cases: scripts that declare the clauses which they are about. Those of conformance/scripts/
// are part of the program; a user's own are read from files.
#ifndef VS_CONFORMANCE_CASES_H_
#define VS_CONFORMANCE_CASES_H_

#include "text/document.h"

typedef struct vs_case {
  const char* id;  // suite.name, or a file's path
  const char* title;
  uint8_t arch;  // vs_arch that it is about; 0: any
  uint8_t clause_count;
  uint8_t clauses[VS_DOCUMENT_CLAUSES];  // vs_clause_code; the first is the subject
  const char* text;                      // in the text form
} vs_case;

extern const vs_case vs_cases[];
extern const size_t vs_case_count;

// NULL for an unknown id.
const vs_case* vs_case_find(const char* id);

// True if the case's id, or that of one of its clauses, matches the glob.
bool vs_case_matches(const vs_case* c, const char* glob);

vs_clause_set vs_case_clauses(const vs_case* c);

// The case's script for an architecture; its ops are the caller's, to free with
// vs_case_script_free. False: no memory, or a text that cannot be read.
bool vs_case_script(const vs_case* c, vs_arch arch, uint64_t seed, vs_script* script);
void vs_case_script_free(vs_script* script);

#endif  // VS_CONFORMANCE_CASES_H_
