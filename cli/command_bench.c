// SPDX-License-Identifier: BSD-3-Clause
#include <fnmatch.h>
#include <inttypes.h>
#include <string.h>

#include "bench/bench.h"
#include "bench/growth.h"
#include "bench/sweeping.h"
#include "bench/waits.h"
#include "cli.h"
#include "common.h"
#include "filters.h"

// What could not be measured is told so, whatever the row.
static vs_bench_outcome tell_why(const char* id, vs_bench_outcome outcome, const char* reason) {
  if (outcome == VS_BENCH_ABSENT) printf("%-18s not here: %s\n", id, reason);
  if (outcome == VS_BENCH_BROKEN) printf("%-18s BROKEN: %s\n", id, reason);
  return outcome;
}

// --- against a floor --------------------------------------------------------------------------

static const char* id_of_race(size_t i) {
  return vs_benches[i].id;
}

static void print_aim(const vs_bench* bench, const vs_race_result* result) {
  const char* verdict = vs_bench_falls_short(bench, result) ? "NOT REACHED" : "reached";
  bool both = bench->aim_ratio > 0 && bench->aim_rate > 0;
  if (bench->aim_ratio > 0) printf("ratio >= %.2f%s", bench->aim_ratio, both ? ", " : "");
  if (bench->aim_rate > 0) printf(">= %.2g M/s", bench->aim_rate / 1e6);
  bool any = bench->aim_ratio > 0 || bench->aim_rate > 0;
  printf("%s%s\n", any ? ": " : "none", any ? verdict : "");
}

static vs_bench_outcome measure_race(size_t i, double seconds) {
  vs_why reason;
  vs_race_result r;
  const vs_bench* bench = &vs_benches[i];
  const vs_bench_outcome outcome = vs_bench_measure(bench, seconds, &r, &reason);
  if (outcome != VS_BENCH_MEASURED) return tell_why(bench->id, outcome, reason.text);
  printf("%-18s %11.0f %11.0f %7.3f  %.3f..%.3f  ", bench->id, r.ours, r.floor, r.ratio, r.low,
         r.high);
  print_aim(bench, &r);
  return outcome;
}

static const char* text_of_race(size_t i) {
  return vs_benches[i].text;
}

// --- sweeps -----------------------------------------------------------------------------------

static const char* id_of_sweep(size_t i) {
  return vs_sweepings[i].id;
}

static void print_growth(const vs_growth* g, const char* unit) {
  const size_t last = VS_GROWTH_SIZES - 1;
  const double one = (g->seconds[0] - g->base) / (double)g->counts[0];
  const vs_growth_verdict verdict = vs_growth_judge(g);
  printf("N = %" PRIu64 "; ", g->counts[0]);
  if (verdict == VS_GROWTH_UNKNOWN) {
    printf("%" PRIu64 " cost too little beside a start (%.2f s)", g->counts[last], g->base);
  } else {
    printf("%s costs 1", unit);
    for (size_t i = 1; i < VS_GROWTH_SIZES; i++)
      printf(" : %.2f", (g->seconds[i] - g->base) / (double)g->counts[i] / one);
    printf(" at N, 2N, 4N");
  }
  if (g->kib[last] > 0)
    printf("; %.1f, %.1f, %.1f MiB", (double)g->kib[0] / 1024, (double)g->kib[1] / 1024,
           (double)g->kib[last] / 1024);
  static const char* const verdicts[] = {[VS_GROWTH_LINEAR] = "linear",
                                         [VS_GROWTH_NOT_LINEAR] = "NOT LINEAR",
                                         [VS_GROWTH_UNKNOWN] = "not judged"};
  printf(": %s\n", verdicts[verdict]);
}

static vs_bench_outcome measure_sweep(size_t i, double seconds) {
  vs_why reason;
  vs_sweeping s;
  const char* id = vs_sweepings[i].id;
  const char* backend = vs_sweepings[i].backend;
  if (backend == NULL) {
    const double rules = vs_sweeping_model();
    if (rules <= 0) return tell_why(id, VS_BENCH_BROKEN, "no memory");
    printf("%-18s %11.0f\n", id, rules);
    return VS_BENCH_MEASURED;
  }
  const vs_target_state state = vs_sweeping_measure(backend, seconds, &s, &reason);
  if (state != VS_TARGET_READY)
    return tell_why(id, state == VS_TARGET_ABSENT ? VS_BENCH_ABSENT : VS_BENCH_BROKEN, reason.text);
  const size_t last = VS_GROWTH_SIZES - 1;
  const double rate = (double)s.growth.counts[last] / s.growth.seconds[last];
  printf("%-18s %11.0f %11.0f %7.3f  ", id, rate, s.floor, rate / s.floor);
  print_growth(&s.growth, "a combination");
  return VS_BENCH_MEASURED;
}

static const char* text_of_sweep(size_t i) {
  return vs_sweepings[i].backend != NULL
             ? "combinations made and judged, two processes; floor: the bare calls"
             : "combinations that the rules alone decide";
}

// --- what users wait for ----------------------------------------------------------------------

static const char* id_of_wait(size_t i) {
  return vs_waits[i].id;
}

static vs_bench_outcome measure_wait(size_t i, double seconds) {
  vs_why reason;
  const vs_wait* wait = &vs_waits[i];
  const double took = vs_wait_measure(wait, seconds, &reason);
  if (took < 0) return tell_why(wait->id, VS_BENCH_BROKEN, reason.text);
  printf("%-18s %9.2f s  <= %.1f s: %s\n", wait->id, took, wait->aim,
         took <= wait->aim ? "reached" : "NOT REACHED");
  return VS_BENCH_MEASURED;
}

static const char* text_of_wait(size_t i) {
  static char text[160];
  const vs_wait* wait = &vs_waits[i];
  snprintf(text, sizeof text, "vcpuspec");
  for (size_t k = 0; wait->words[k] != NULL; k++)
    snprintf(text + strlen(text), sizeof text - strlen(text), " %s", wait->words[k]);
  if (wait->failure)
    snprintf(text + strlen(text), sizeof text - strlen(text), ", until it tells a failure");
  return text;
}

// --- what grows -------------------------------------------------------------------------------

static const char* id_of_grower(size_t i) {
  return vs_growers[i].id;
}

static vs_bench_outcome measure_grower(size_t i, double seconds) {
  vs_why reason;
  vs_growth growth;
  const vs_grower* grower = &vs_growers[i];
  const vs_bench_outcome outcome = vs_grower_measure(grower, seconds, &growth, &reason);
  if (outcome != VS_BENCH_MEASURED) return tell_why(grower->id, outcome, reason.text);
  printf("%-18s ", grower->id);
  print_growth(&growth, grower->unit);
  return VS_BENCH_MEASURED;
}

static const char* text_of_grower(size_t i) {
  return vs_growers[i].what;
}

// --- all of them ------------------------------------------------------------------------------

enum { SECTIONS = 4 };

typedef struct section {
  const char* heading;
  const char* legend;
  size_t count;
  const char* (*id)(size_t i);
  const char* (*text)(size_t i);  // good until the next
  vs_bench_outcome (*measure)(size_t i, double seconds);
} section;

static void measure_section(const vs_arguments* a, const section* s, double seconds,
                            size_t* counts) {
  size_t before = counts[VS_BENCH_MEASURED] + counts[VS_BENCH_ABSENT] + counts[VS_BENCH_BROKEN];
  size_t done = before;
  for (size_t i = 0; i < s->count && vs_stop == 0; i++) {
    if (!vs_filter_takes(a, s->id(i))) continue;
    if (done == before) printf("%s%s", before > 0 ? "\n" : "", s->heading);
    counts[s->measure(i, seconds)]++;
    done++;
  }
  if (done == before) return;
  printf("\n%s", s->legend);
  for (size_t i = 0; i < s->count; i++) {
    if (vs_filter_takes(a, s->id(i))) printf("  %-18s %s\n", s->id(i), s->text(i));
  }
}

static bool matches_some(const section* sections, const char* glob) {
  for (size_t k = 0; k < SECTIONS; k++) {
    for (size_t i = 0; i < sections[k].count; i++) {
      if (fnmatch(glob, sections[k].id(i), 0) == 0) return true;
    }
  }
  return false;
}

// One that is misspelt would pass for measured beside others.
static bool all_match(const section* sections, const vs_arguments* a) {
  bool good = true;
  for (size_t i = 0; i < a->counts[VS_OPTION_FILTER]; i++) {
    const char* glob = a->values[VS_OPTION_FILTER][i];
    if (matches_some(sections, glob)) continue;
    fprintf(stderr, "vcpuspec: --filter '%s' matches no row of the benchmark; there are", glob);
    for (size_t k = 0; k < SECTIONS; k++) {
      for (size_t n = 0; n < sections[k].count; n++) fprintf(stderr, " %s", sections[k].id(n));
    }
    fputc('\n', stderr);
    good = false;
  }
  return good;
}

static vs_exit measure_all(const vs_arguments* a, double seconds) {
  // What a command has resident counts what this process had when it started it: so those come
  // first.
  const section sections[SECTIONS] = {
      {"                      median    aim\n", "", vs_wait_count, id_of_wait, text_of_wait,
       measure_wait},
      {"", "Memory: what was resident at most, of the command or a process of it.\n",
       vs_grower_count, id_of_grower, text_of_grower, measure_grower},
      {"                        ours/s     floor/s   ratio  spread        aim\n",
       "Turns that alternate on one CPU, in its time (shim.c: by the clock); medians of the "
       "rounds;\n"
       "spread: the middle half of the rounds' ratios. Rates are this machine's, now; compare "
       "ratios.\n",
       vs_bench_count, id_of_race, text_of_race, measure_race},
      {"                        ours/s     floor/s   ratio\n", "", vs_sweeping_count, id_of_sweep,
       text_of_sweep, measure_sweep},
  };
  size_t counts[VS_BENCH_BROKEN + 1] = {0};
  if (!all_match(sections, a)) return VS_EXIT_USAGE;
  for (size_t i = 0; i < SECTIONS; i++) measure_section(a, &sections[i], seconds, counts);
  if (vs_stop != 0) {
    fprintf(stderr, "vcpuspec: interrupted: the rows after this one were not measured\n");
    return VS_EXIT_INFRASTRUCTURE;
  }
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
  vs_listen_for_stop();
  setvbuf(stdout, NULL, _IOLBF, 0);  // a row is there as soon as it is measured
  return measure_all(arguments, seconds);
}
