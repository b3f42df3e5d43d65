// SPDX-License-Identifier: BSD-3-Clause
// The parts of a result that say what went wrong, and how to see it again. Internal to results/.
#ifndef VS_CONFORMANCE_DESCRIBE_FAILURE_H_
#define VS_CONFORMANCE_DESCRIBE_FAILURE_H_

#include "put.h"
#include "runner/run.h"

// "failure". Its "ops" are the setup and what came right before the op that failed, which is the
// last: "33  T0: zx_vcpu_read_state(h2) = ZX_OK"; "(28 more)" stands for what is left out.
json_t* vs_describe_failure(vs_putter* p, const vs_case_result* result);

// The last lines of what the implementation wrote to standard error: "stderr ...".
json_t* vs_describe_errors(vs_putter* p, const vs_case_result* result);

// "command", as a shell reads it; null, where the plan names no program.
json_t* vs_describe_command(const vs_plan* plan, const vs_case_result* result);

// "script": what led to the failure, as a script of its own; null, where there is none.
json_t* vs_describe_script(const vs_case_result* result);

#endif  // VS_CONFORMANCE_DESCRIBE_FAILURE_H_
