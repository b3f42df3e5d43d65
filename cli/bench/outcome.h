// SPDX-License-Identifier: BSD-3-Clause
// What came of a row of the benchmark.
#ifndef VS_CLI_BENCH_OUTCOME_H_
#define VS_CLI_BENCH_OUTCOME_H_

typedef enum vs_bench_outcome {
  VS_BENCH_MEASURED,
  VS_BENCH_ABSENT,  // this machine, or this build, cannot do it
  VS_BENCH_BROKEN   // it can, but a side could not be set up or gave a wrong answer
} vs_bench_outcome;

#endif  // VS_CLI_BENCH_OUTCOME_H_
