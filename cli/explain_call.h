// SPDX-License-Identifier: BSD-3-Clause
#ifndef VS_CLI_EXPLAIN_CALL_H_
#define VS_CLI_EXPLAIN_CALL_H_

#include <stdbool.h>

// Prints the clauses of a call, or of a page, that a word names (results/pages.h), each with its
// sentence, the status that it promises, and the cases that judge it. False: it names neither.
bool vs_explain_call(const char* word);

#endif  // VS_CLI_EXPLAIN_CALL_H_
