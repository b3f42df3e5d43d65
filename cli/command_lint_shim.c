// SPDX-License-Identifier: BSD-3-Clause
#include <string.h>

#include "cli.h"
#include "lint_shim/lint.h"

static bool tell(void* context, const char* check, vs_lint_verdict verdict, const char* text) {
  static const char* const words[VS_LINT_VERDICTS] = {"ok", "warn", "FAIL"};
  (void)context;
  printf("%-4s  %-18s %s\n", words[verdict], check, text);
  fflush(stdout);
  return true;
}

vs_exit vs_command_lint_shim(const vs_arguments* arguments) {
  double patience;
  if (arguments->word_count != 1) {
    fprintf(stderr,
            "vcpuspec: one shim, please, in one word: vcpuspec lint-shim 'python3 my_shim.py'\n");
    return VS_EXIT_USAGE;
  }
  if (!vs_argument_seconds(arguments, VS_OPTION_TIMEOUT, 5, &patience)) return VS_EXIT_USAGE;
  const char* where = arguments->words[0];
  if (strncmp(where, "shim:", 5) == 0) where += 5;
  vs_lint_sum sum = vs_lint(where, patience, tell, NULL);
  const size_t failed = sum.of[VS_LINT_FAILS];
  printf("%zu checks, %zu failed, %zu warning%s\n",
         sum.of[VS_LINT_OK] + sum.of[VS_LINT_WARNS] + failed, failed, sum.of[VS_LINT_WARNS],
         sum.of[VS_LINT_WARNS] == 1 ? "" : "s");
  if (!sum.spoke) return VS_EXIT_INFRASTRUCTURE;
  return failed > 0 ? VS_EXIT_FAILS : VS_EXIT_CONFORMS;
}
