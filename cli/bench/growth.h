// SPDX-License-Identifier: BSD-3-Clause
// What something costs at N, 2N and 4N of what it is done to: time, and memory.
#ifndef VS_CLI_BENCH_GROWTH_H_
#define VS_CLI_BENCH_GROWTH_H_

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <vcpuspec/why.h>

#include "outcome.h"

enum { VS_GROWTH_SIZES = 3 };  // N, 2N, 4N

typedef struct vs_growth {
  double base;  // seconds of what it takes for as good as none: a program's start
  uint64_t counts[VS_GROWTH_SIZES];
  double seconds[VS_GROWTH_SIZES];
  long kib[VS_GROWTH_SIZES];  // resident at most; 0: not known
} vs_growth;

// Seconds that it takes for `count`; less than 0: it went wrong.
typedef double vs_growth_cost(void* what, uint64_t count, long* kib);

// Finds N, from `least` on and so that 4N is at most `most`, of which all takes about `seconds`,
// and N more than a start. `has_base`: what it takes for one is its start. False: it went wrong, or
// waits are to end (vs_waits_stop_on).
bool vs_growth_measure(vs_growth_cost* cost, void* what, bool has_base, uint64_t least,
                       uint64_t most, double seconds, vs_growth* growth);

typedef enum vs_growth_verdict {
  VS_GROWTH_LINEAR,
  VS_GROWTH_NOT_LINEAR,
  VS_GROWTH_UNKNOWN  // N takes no longer than a start does
} vs_growth_verdict;

// Linear if one of 4N costs less than 1.9 times as much as one of N, both without the start. The
// cost of something that looks at all others each time is four times as much, and on a busy machine
// that of anything is a little more.
vs_growth_verdict vs_growth_judge(const vs_growth* growth);

// What grows of this program: commands on so many cases, ops, traces and findings, in a folder for
// the time being.
typedef struct vs_grower {
  const char* id;
  const struct vs_growing* command;  // growth.c knows it
  const char* unit;                  // "a case"
  const char* what;                  // the command, in words
  uint64_t least;
  uint64_t most;
} vs_grower;

extern const vs_grower vs_growers[];
extern const size_t vs_grower_count;

// But for MEASURED, `reason` says why it could not be measured. ABSENT: this build cannot do it.
vs_bench_outcome vs_grower_measure(const vs_grower* grower, double seconds, vs_growth* growth,
                                   vs_why* reason);

#endif  // VS_CLI_BENCH_GROWTH_H_
