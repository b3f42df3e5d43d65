// SPDX-License-Identifier: BSD-3-Clause
// Scripts with what may be answered, as data: for a kernel that can host none of this code.
// docs/vectors.md says what they mean.
#ifndef VS_CLI_EXPORT_H_
#define VS_CLI_EXPORT_H_

#include <stdio.h>

#include "cases/cases.h"
#include "predict.h"

// Of the data's form, major.minor: a reader of one major version understands all of its minors.
#define VS_VECTORS_VERSION "2.1"

typedef struct vs_vector {
  const char* id;     // owned
  const char* title;  // owned
  uint8_t clause_count;
  uint8_t clauses[VS_DOCUMENT_CLAUSES];
  vs_predicted predicted;
} vs_vector;

typedef struct vs_left_out {
  const char* id;   // owned
  const char* why;  // owned
} vs_left_out;

typedef struct vs_export {
  const char* program;  // its version
  const vs_profile* profile;
  vs_arch arch;
  const vs_arch_info* info;
  uint64_t seed;
  vs_vector* vectors;  // owned; combinations of faults behind the cases
  size_t count;
  size_t capacity;
  size_t case_count;      // the vectors before the combinations
  vs_left_out* left_out;  // owned; cases that cannot be predicted
  size_t left_out_count;
} vs_export;

// Each adds to the export, whose profile, arch, info and seed are set. False: no memory.
bool vs_export_case(vs_export* export, const vs_case* c);
// A script from elsewhere, laid out for the export's architecture; `c` says what it is called.
bool vs_export_script(vs_export* export, const vs_case* c, const vs_script* script);
bool vs_export_combinations(vs_export* export);
void vs_export_free(vs_export* export);

// How the whole is written.
void vs_export_json(FILE* out, const vs_export* export);
// A C file that makes the calls: of a suite a function a case, of one vector a short program.
// False: no memory.
bool vs_export_c(FILE* out, const vs_export* export, bool suite);

#endif  // VS_CLI_EXPORT_H_
