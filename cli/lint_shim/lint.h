// SPDX-License-Identifier: BSD-3-Clause
// Checks a shim against its protocol (docs/shim.md), before an implementation is judged by it.
#ifndef VS_CLI_LINT_H_
#define VS_CLI_LINT_H_

#include <stdbool.h>
#include <stddef.h>

typedef enum vs_lint_verdict {
  VS_LINT_OK,
  VS_LINT_WARNS,  // the protocol is kept, but what is judged may not be what the implementation
                  // does
  VS_LINT_FAILS,
  VS_LINT_VERDICTS
} vs_lint_verdict;

// Told of each check as it ends: `text` says what was seen, or what is wrong and what would help.
// False: no more, please.
typedef bool (*vs_lint_tell)(void* context, const char* check, vs_lint_verdict verdict,
                             const char* text);

typedef struct vs_lint_sum {
  size_t of[VS_LINT_VERDICTS];  // checks that ended so
  bool spoke;                   // else it could not be started, or reached
} vs_lint_sum;

// Checks what follows "shim:", each check on a process or connection of its own, each answer within
// `patience` seconds.
vs_lint_sum vs_lint(const char* where, double patience, vs_lint_tell tell, void* context);

#endif  // VS_CLI_LINT_H_
