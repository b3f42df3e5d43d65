// SPDX-License-Identifier: BSD-3-Clause
// Every error that the reference pages of the eight calls list (error_paths.def), as data: for the
// build's check that none lacks a clause, a case and a mutant, and for docs/error-paths.md.
#ifndef VS_CONFORMANCE_ERROR_PATHS_H_
#define VS_CONFORMANCE_ERROR_PATHS_H_

#include "tables.h"

typedef struct vs_error_path {
  uint8_t call;  // vs_op_code
  zx_status_t status;
  vs_clause_code clause;  // VS_CLAUSE_COUNT: none, see `instead`
  const char* cause;
  const char* instead;  // what is done about a row without a clause; else empty
} vs_error_path;

extern const vs_error_path vs_error_paths[];
extern const size_t vs_error_path_count;

// The eight calls are the first of calls.def.
#define VS_PAGES ((uint8_t)(VS_CALL_vcpu_write_state + 1))

#endif  // VS_CONFORMANCE_ERROR_PATHS_H_
