// SPDX-License-Identifier: BSD-3-Clause
// Until lint.c speaks version 2.
#include "lint.h"

vs_lint_sum vs_lint(const char* where, double patience, vs_lint_tell tell, void* context) {
  (void)where, (void)patience, (void)tell, (void)context;
  return (vs_lint_sum){0};
}
