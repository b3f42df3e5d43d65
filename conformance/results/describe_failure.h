// SPDX-License-Identifier: BSD-3-Clause
// The parts of a result that say what went wrong, and how to see it again. Internal to results/.
#ifndef VS_CONFORMANCE_DESCRIBE_FAILURE_H_
#define VS_CONFORMANCE_DESCRIBE_FAILURE_H_

#include "results.h"
#include "runner/run.h"

// NULL: the result is no failure. Its ops are the setup and what came right before the op that
// failed, which is the last: "33  T0: zx_vcpu_read_state(h2) = ZX_OK"; "(28 more)" stands for what
// is left out.
vs_failure_told* vs_describe_failure(vs_store* store, const vs_case_result* result);

// The last lines of what the implementation wrote to standard error: "stderr ...".
vs_texts vs_describe_errors(vs_store* store, const vs_case_result* result);

// As a shell reads it; NULL, where the plan names no program.
const char* vs_describe_command(vs_store* store, const vs_plan* plan, const vs_case_result* result);

// What led to the failure, as a script of its own; NULL, where there is none.
const char* vs_describe_script(vs_store* store, const vs_case_result* result);

#endif  // VS_CONFORMANCE_DESCRIBE_FAILURE_H_
