// SPDX-License-Identifier: BSD-3-Clause
#include "error_paths.h"

const vs_error_path vs_error_paths[] = {
#define VS_ERROR_PATH(call, status, clause, cause) \
  {VS_CALL_##call, status, VS_CLAUSE_##clause, cause, ""},
#define VS_ERROR_APART(call, status, cause, instead) \
  {VS_CALL_##call, status, VS_CLAUSE_COUNT, cause, instead},
#include "error_paths.def"
#undef VS_ERROR_PATH
#undef VS_ERROR_APART
};
const size_t vs_error_path_count = sizeof vs_error_paths / sizeof vs_error_paths[0];
