// SPDX-License-Identifier: BSD-3-Clause
// What something costs at N, 2N and 4N of what it is done to: time, and memory.
#ifndef VS_CONFORMANCE_BENCH_GROWTH_H_
#define VS_CONFORMANCE_BENCH_GROWTH_H_

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <vcpuspec/why.h>

enum { VS_GROWTH_SIZES = 3 };  // N, 2N, 4N

typedef struct vs_growth {
  uint64_t counts[VS_GROWTH_SIZES];
  double seconds[VS_GROWTH_SIZES];
  long kib[VS_GROWTH_SIZES];  // resident at most; 0: not known
} vs_growth;

// Seconds that it takes for `count`; less than 0: it went wrong.
typedef double vs_growth_cost(void* what, uint64_t count, long* kib);

// Finds N, from `least` on and so that 4N is at most `most`, of which all takes about `seconds`.
// False: it went wrong.
bool vs_growth_measure(vs_growth_cost* cost, void* what, uint64_t least, uint64_t most,
                       double seconds, vs_growth* growth);

// True if one more costs at 4N less than twice of what it costs at N: twice as many cost about
// twice as much, also on a busy machine, and nowhere near four times.
bool vs_growth_is_linear(const vs_growth* growth);

// What grows of this program: commands on so many cases, ops, traces and findings, in a folder for
// the time being.
typedef struct vs_grower {
  const char* id;
  const char* unit;  // "a case"
  const char* what;  // the command, in words
  uint64_t least;
  uint64_t most;
} vs_grower;

extern const vs_grower vs_growers[];
extern const size_t vs_grower_count;

// False: `reason` says why it could not be measured.
bool vs_grower_measure(const vs_grower* grower, double seconds, vs_growth* growth, vs_why* reason);

#endif  // VS_CONFORMANCE_BENCH_GROWTH_H_
