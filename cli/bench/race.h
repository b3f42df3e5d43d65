// SPDX-License-Identifier: BSD-3-Clause
// Two sides measured against each other: pinned to one CPU, in short turns that alternate, so that
// whatever else the machine does, or its clock, meets both alike. Only the ratio means something
// from one machine, or one day, to another.
#ifndef VS_CLI_BENCH_RACE_H_
#define VS_CLI_BENCH_RACE_H_

#include "side.h"

typedef struct vs_race_result {
  double ours;   // units per second: the median of the rounds
  double floor;  // likewise
  double ratio;  // ours / floor: the median of each round's own ratio
  double low;    // a quarter of the rounds has a lower ratio
  double high;   // a quarter has a higher one
  size_t rounds;
} vs_race_result;

// Lasts about `seconds`. False: `reason` says what could not be measured.
bool vs_race_sides(const vs_side* ours, const vs_side* floor, const vs_side_setup* setup,
                   double seconds, vs_race_result* result, vs_why* reason);

// Sorts them; the value that `share` of them do not exceed.
double vs_quantile(double* values, size_t count, double share);

#endif  // VS_CLI_BENCH_RACE_H_
