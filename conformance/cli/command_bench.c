// SPDX-License-Identifier: BSD-3-Clause
#include <inttypes.h>

#include "bench/bench.h"
#include "bench/sweeping.h"
#include "cli.h"

static void print_aim(const vs_bench* bench, const vs_race_result* result) {
  const char* verdict = vs_bench_falls_short(bench, result) ? "NOT REACHED" : "reached";
  bool both = bench->aim_ratio > 0 && bench->aim_rate > 0;
  if (bench->aim_ratio > 0) printf("ratio >= %.2f%s", bench->aim_ratio, both ? ", " : "");
  if (bench->aim_rate > 0) printf(">= %.2g M/s", bench->aim_rate / 1e6);
  bool any = bench->aim_ratio > 0 || bench->aim_rate > 0;
  printf("%s%s\n", any ? ": " : "none", any ? verdict : "");
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

static void print_sweeping(const char* backend, const vs_sweeping* s) {
  double rate = (double)s->combinations[2] / s->seconds[2];
  double unit = s->seconds[0] / (double)s->combinations[0];
  printf("sweep.%-12s %11.0f %11.0f %7.3f  N = %" PRIu64 "; a combination costs 1", backend, rate,
         s->floor, rate / s->floor, s->combinations[0]);
  for (size_t i = 1; i < VS_SWEEPING_SIZES; i++) {
    printf(" : %.3f", s->seconds[i] / (double)s->combinations[i] / unit);
  }
  puts(" at N, 2N, 4N");
}

static void measure_sweeps(double seconds, size_t* counts) {
  printf("\n%-18s %11s %11s %7s\n", "", "ours/s", "floor/s", "ratio");
  for (size_t i = 0; i < vs_sweeping_count; i++) {
    vs_why reason;
    vs_sweeping result;
    const char* backend = vs_sweeping_backends[i];
    const vs_target_state state = vs_sweeping_measure(backend, seconds, &result, &reason);
    counts[state == VS_TARGET_READY    ? VS_BENCH_MEASURED
           : state == VS_TARGET_ABSENT ? VS_BENCH_ABSENT
                                       : VS_BENCH_BROKEN]++;
    if (state == VS_TARGET_READY) print_sweeping(backend, &result);
    if (state == VS_TARGET_ABSENT) printf("sweep.%-12s not here: %s\n", backend, reason.text);
    if (state == VS_TARGET_BROKEN) printf("sweep.%-12s BROKEN: %s\n", backend, reason.text);
  }
  printf("sweep.model        %11.0f\n", vs_sweeping_model());
  puts("\nOurs: combinations of a sweep, made and judged, two processes; floor: the bare calls.");
}

static vs_exit measure_all(double seconds) {
  size_t counts[VS_BENCH_BROKEN + 1] = {0};
  printf("%-18s %11s %11s %7s  %-12s  %s\n", "", "ours/s", "floor/s", "ratio", "spread", "aim");
  for (size_t i = 0; i < vs_bench_count; i++) {
    vs_why reason;
    vs_race_result result;
    const vs_bench* bench = &vs_benches[i];
    const vs_bench_outcome outcome = vs_bench_measure(bench, seconds, &result, &reason);
    counts[outcome]++;
    if (outcome == VS_BENCH_MEASURED) print_result(bench, &result);
    if (outcome == VS_BENCH_ABSENT) printf("%-18s not here: %s\n", bench->id, reason.text);
    if (outcome == VS_BENCH_BROKEN) printf("%-18s BROKEN: %s\n", bench->id, reason.text);
  }
  print_legend(seconds);
  measure_sweeps(seconds, counts);
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
