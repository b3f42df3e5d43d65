// SPDX-License-Identifier: BSD-3-Clause
// What `run` is asked for: backends, cases, rules, and where to keep and write what comes of it.
#ifndef VS_CLI_RUN_REQUEST_H_
#define VS_CLI_RUN_REQUEST_H_

#include "cli.h"
#include "expectations/expect.h"
#include "inputs.h"
#include "reports/render.h"
#include "runner/target.h"

enum { VS_TARGETS_MAX = 2 * VS_REPEATS_MAX + 8 };

typedef struct vs_run_request {
  const vs_arguments* arguments;
  vs_target targets[VS_TARGETS_MAX];
  bool required[VS_TARGETS_MAX];  // by --require-backend
  bool named[VS_TARGETS_MAX];     // by --backend
  size_t target_count;
  vs_inputs inputs;       // scripts that the command line names
  const vs_case** cases;  // owned
  size_t case_count;
  const vs_profile* profile;
  const char* profile_word;  // as typed
  uint64_t shard;
  uint64_t shards;
  uint64_t seed;
  uint64_t jobs;
  double timeout;
  vs_report_files reports;
  vs_expectations expected;
  const char* expect;        // the file that they are of; NULL: none
  const char* write_expect;  // to write; NULL: none
  const char* statement;     // to write; NULL: none
  const char* machine;       // of it; NULL: none is named
  const char* as;            // the name of the one backend; NULL: its own
  const char* resume;        // the journal to go on from; NULL: none is named
} vs_run_request;

// Understands the command line. But for VS_EXIT_CONFORMS, one line on standard error says what is
// wrong. To be freed in any case. `as`: what the one backend is to be called; NULL: as it calls
// itself (to `lab`, --as names a kernel).
vs_exit vs_run_request_read(vs_run_request* request, const vs_arguments* arguments, const char* as);
void vs_run_request_free(vs_run_request* request);

// Finds out which targets can be opened. False: one speaks of another architecture than the
// profile, and a line on standard error says so.
bool vs_run_request_probe(vs_run_request* request);

#endif  // VS_CLI_RUN_REQUEST_H_
