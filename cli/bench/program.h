// SPDX-License-Identifier: BSD-3-Clause
// This program, started as a user starts it.
#ifndef VS_CLI_BENCH_PROGRAM_H_
#define VS_CLI_BENCH_PROGRAM_H_

#include <stdbool.h>

typedef struct vs_program_cost {
  int status;      // what it exited with; -1: it did not
  double seconds;  // from its start to its end
  double failure;  // from its start to the first line that begins with FAIL; less than 0: none did
  long kib;        // what was resident at most, of it or a process that it waited for
} vs_program_cost;

// argv[0] is for the caller to set, to anything; NULL ends it. Standard error is thrown away.
// False: it could not be started.
bool vs_program_run(char* const argv[], vs_program_cost* cost);

#endif  // VS_CLI_BENCH_PROGRAM_H_
