// SPDX-License-Identifier: BSD-3-Clause
// A run, from the journal to the reports, once it is known what is judged.
#ifndef VS_CLI_RUN_SESSION_H_
#define VS_CLI_RUN_SESSION_H_

#include "run_request.h"

// The targets of the request are probed (vs_run_request_probe). Tells what comes of it; the status
// to exit with.
vs_exit vs_run_session(vs_run_request* request);

#endif  // VS_CLI_RUN_SESSION_H_
