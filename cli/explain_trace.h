// SPDX-License-Identifier: BSD-3-Clause
// A trace, step by step: what was allowed, what it bears out, which worlds remain.
#ifndef VS_CLI_EXPLAIN_TRACE_H_
#define VS_CLI_EXPLAIN_TRACE_H_

#include "inputs.h"
#include "tables.h"

// Prints it. False: no memory.
bool vs_explain_trace(const vs_input* input, const vs_profile* profile);

#endif  // VS_CLI_EXPLAIN_TRACE_H_
