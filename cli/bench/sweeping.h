// SPDX-License-Identifier: BSD-3-Clause
// How fast sweeps are, and that their cost is linear in the number of combinations.
#ifndef VS_CLI_BENCH_SWEEPING_H_
#define VS_CLI_BENCH_SWEEPING_H_

#include "growth.h"
#include "runner/target.h"

typedef struct vs_sweeping {
  vs_growth growth;  // of combinations
  double floor;      // calls per second, of the calls alone
} vs_sweeping;

typedef struct vs_sweeping_row {
  const char* id;
  const char* backend;  // NULL: the rules alone
} vs_sweeping_row;

extern const vs_sweeping_row vs_sweepings[];
extern const size_t vs_sweeping_count;

// Lasts about `seconds` and a third. VS_TARGET_READY: measured; otherwise `reason` says why not.
vs_target_state vs_sweeping_measure(const char* backend, double seconds, vs_sweeping* result,
                                    vs_why* reason);

// Combinations per second of the model alone; 0: it could not be measured.
double vs_sweeping_model(void);

#endif  // VS_CLI_BENCH_SWEEPING_H_
