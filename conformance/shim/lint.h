// SPDX-License-Identifier: BSD-3-Clause
// Checks a shim against its protocol (docs/shim.md), before an implementation is judged by it.
#ifndef VS_CONFORMANCE_LINT_H_
#define VS_CONFORMANCE_LINT_H_

#include <stdbool.h>
#include <stddef.h>

// Told of each check as it ends: `text` says what was seen, or what is wrong and what would help.
// False: no more, please.
typedef bool (*vs_lint_tell)(void* context, const char* check, bool good, const char* text);

typedef struct vs_lint_sum {
  size_t checks;
  size_t failed;
  bool greeted;  // else nothing else was checked
} vs_lint_sum;

// Checks what follows "shim:", each check on a process or connection of its own, each answer within
// `patience` seconds.
vs_lint_sum vs_lint(const char* where, double patience, vs_lint_tell tell, void* context);

#endif  // VS_CONFORMANCE_LINT_H_
