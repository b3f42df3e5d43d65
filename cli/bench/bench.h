// SPDX-License-Identifier: BSD-3-Clause
// The table of measurements, and how one is made. What each row means to a reader: docs/speed.md.
#ifndef VS_CLI_BENCH_H_
#define VS_CLI_BENCH_H_

#include "outcome.h"
#include "race.h"

typedef struct vs_bench {
  const char* id;       // subject.what
  const char* backend;  // that the sides work on
  const char* profile;  // that the oracle judges by, where one does
  const vs_side* ours;
  const vs_side* floor;
  double aim_ratio;  // at least that; 0: no aim
  double aim_rate;   // units per second, at least that; 0: no aim
  const char* text;  // "ours against the floor"
} vs_bench;

extern const vs_bench vs_benches[];
extern const size_t vs_bench_count;

// Lasts about `seconds`. Unless it is MEASURED, `reason` says why. Opens the
// backend in this process and closes it again, so it must not be open.
vs_bench_outcome vs_bench_measure(const vs_bench* bench, double seconds, vs_race_result* result,
                                  vs_why* reason);

// True if it has an aim and the result falls short of it.
bool vs_bench_falls_short(const vs_bench* bench, const vs_race_result* result);

#endif  // VS_CLI_BENCH_H_
