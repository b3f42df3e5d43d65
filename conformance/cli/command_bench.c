// SPDX-License-Identifier: BSD-3-Clause
#include "bench/bench.h"
#include "cli.h"

static void print_aim(const vs_bench* bench, const vs_race_result* result) {
  const char* verdict = vs_bench_falls_short(bench, result) ? "NOT REACHED" : "reached";
  if (bench->aim_ratio > 0) {
    printf("ratio >= %.2f: %s\n", bench->aim_ratio, verdict);
  } else if (bench->aim_rate > 0) {
    printf(">= %.1f M/s: %s\n", bench->aim_rate / 1e6, verdict);
  } else {
    puts("none");
  }
}

static void print_result(const vs_bench* bench, const vs_race_result* r) {
  printf("%-18s %11.0f %11.0f %7.3f  %.3f..%.3f  ", bench->id, r->ours, r->floor, r->ratio, r->low,
         r->high);
  print_aim(bench, r);
}

static void print_legend(double seconds) {
  printf(
      "\n%.1f s each, in turns that alternate on one CPU; medians of the rounds; spread: the\n"
      "middle half of the rounds' ratios. Rates are this machine's, now; compare ratios.\n",
      seconds);
  for (size_t i = 0; i < vs_bench_count; i++) {
    printf("%-18s %s\n", vs_benches[i].id, vs_benches[i].text);
  }
}

static vs_exit measure_all(double seconds) {
  size_t counts[VS_BENCH_BROKEN + 1] = {0};
  printf("%-18s %11s %11s %7s  %-12s  %s\n", "", "ours/s", "floor/s", "ratio", "spread", "aim");
  for (size_t i = 0; i < vs_bench_count; i++) {
    char reason[VS_REASON_MAX];
    vs_race_result result;
    const vs_bench* bench = &vs_benches[i];
    const vs_bench_outcome outcome = vs_bench_measure(bench, seconds, &result, reason);
    counts[outcome]++;
    if (outcome == VS_BENCH_MEASURED) print_result(bench, &result);
    if (outcome == VS_BENCH_ABSENT) printf("%-18s not here: %s\n", bench->id, reason);
    if (outcome == VS_BENCH_BROKEN) printf("%-18s BROKEN: %s\n", bench->id, reason);
  }
  print_legend(seconds);
  if (counts[VS_BENCH_BROKEN] > 0) return VS_EXIT_INFRASTRUCTURE;
  return counts[VS_BENCH_MEASURED] > 0 ? VS_EXIT_CONFORMS : VS_EXIT_NOTHING;
}

vs_exit vs_command_bench(const vs_arguments* arguments) {
  double seconds;
  if (arguments->word_count > 0) {
    fprintf(stderr, "vcpuspec: unexpected argument '%s' (see vcpuspec bench --help)\n",
            arguments->words[0]);
    return VS_EXIT_USAGE;
  }
  if (!vs_argument_seconds(arguments, VS_OPTION_SECONDS, 1, &seconds)) return VS_EXIT_USAGE;
  setvbuf(stdout, NULL, _IOLBF, 0);  // a row is there as soon as it is measured
  return measure_all(seconds);
}
