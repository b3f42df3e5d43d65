// SPDX-License-Identifier: BSD-3-Clause
// What a user waits for: commands, from their start to their end or to the first failure.
#ifndef VS_CLI_BENCH_WAITS_H_
#define VS_CLI_BENCH_WAITS_H_

#include <stdbool.h>
#include <stddef.h>

#include <vcpuspec/why.h>

typedef struct vs_wait {
  const char* id;
  const char* program;   // its path; NULL: this program
  const char* words[8];  // after `vcpuspec`
  int status;            // that it exits with
  bool failure;          // until the first failure is told, not until the end
  double aim;            // seconds, at most that
} vs_wait;

extern const vs_wait vs_waits[];
extern const size_t vs_wait_count;

// The median of as many times as take about `seconds`, at least one. Less than 0: `reason` says why
// it could not be measured.
double vs_wait_measure(const vs_wait* wait, double seconds, vs_why* reason);

#endif  // VS_CLI_BENCH_WAITS_H_
