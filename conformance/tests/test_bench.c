// SPDX-License-Identifier: BSD-3-Clause
// The benchmark measures what is right, and says BROKEN of what is not: a wrong answer on either
// side of a row.
#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "bench/bench.h"
#include "bench/growth.h"
#include "bench/sides.h"
#include "bench/waits.h"

static vs_bench_outcome measure(const char* backend, const char* profile, const vs_side* both) {
  vs_bench bench = {
      .id = "both", .backend = backend, .profile = profile, .ours = both, .floor = both};
  vs_race_result result;
  vs_why reason;
  return vs_bench_measure(&bench, 0.01, &result, &reason);
}

Test(bench, right_answers_are_measured) {
  cr_expect_eq(measure("soft", "documented", &vs_side_oracle), VS_BENCH_MEASURED);
  cr_expect_eq(measure("soft", "documented", &vs_side_predicted), VS_BENCH_MEASURED);
}

Test(bench, a_wrong_backend_breaks_every_side) {
  const char* rbx = "mutant:register_rbx_lost";
  cr_expect_eq(measure(rbx, "documented", &vs_side_oracle), VS_BENCH_BROKEN);
  cr_expect_eq(measure(rbx, "documented", &vs_side_predicted), VS_BENCH_BROKEN);
  cr_expect_eq(measure(rbx, "documented", &vs_side_judged), VS_BENCH_BROKEN);
  cr_expect_eq(measure(rbx, "documented", &vs_side_calls), VS_BENCH_BROKEN);
}

Test(bench, a_wrong_status_breaks_the_oracle_and_its_floor) {
  cr_expect_eq(measure("mutant:rights_read_for_write", "documented", &vs_side_oracle),
               VS_BENCH_BROKEN);
  cr_expect_eq(measure("mutant:rights_read_for_write", "documented", &vs_side_predicted),
               VS_BENCH_BROKEN);
}

// The rules of another kernel, for want of a wrong oracle.
Test(bench, wrong_rules_break_the_oracle_and_its_floor) {
  cr_expect_eq(measure("soft", "zcore", &vs_side_oracle), VS_BENCH_BROKEN);
  cr_expect_eq(measure("soft", "zcore", &vs_side_predicted), VS_BENCH_BROKEN);
}

// A first turn that is as long as one is to be, since a scene is made in it, and cheap units.
typedef struct late_side {
  uint64_t turns;
  uint64_t most;  // units of a turn
} late_side;

static late_side late[2];

static void* open_late(const vs_side_setup* setup, vs_why* reason) {
  static size_t turn;
  (void)setup;
  (void)reason;
  return &late[turn++ % 2];
}

static uint64_t turn_late(void* self, uint64_t count) {
  late_side* s = self;
  const clock_t began = clock();
  while (s->turns == 0 && clock() - began < CLOCKS_PER_SEC / 1000) {
  }
  for (volatile uint64_t i = 0; i < count; i++) {
  }
  s->turns++;
  s->most = count > s->most ? count : s->most;
  return count;
}

static void close_late(void* self) {
  (void)self;
}

Test(bench, a_long_first_turn_makes_no_turn_of_a_few_units) {
  const vs_side side = {open_late, turn_late, close_late, false};
  cr_expect_eq(measure("soft", "documented", &side), VS_BENCH_MEASURED);
  for (size_t i = 0; i < 2; i++) cr_expect_gt(late[i].most, 1000);
}

// --- growth -----------------------------------------------------------------------------------

// A start, and as many seconds as `count` to this power, thousandths of them.
typedef struct curve {
  double start;
  double power;
} curve;

static double cost_of_curve(void* what, uint64_t count, long* kib) {
  const curve* c = what;
  *kib = (long)count;
  return c->start + pow((double)count, c->power) / 1000;
}

static vs_growth_verdict judged(curve c) {
  vs_growth growth;
  cr_assert(vs_growth_measure(cost_of_curve, &c, c.start > 0, 2, 64, 1, &growth));
  return vs_growth_judge(&growth);
}

Test(growth, what_costs_as_much_each_time_is_linear) {
  cr_expect_eq(judged((curve){0, 0.9}), VS_GROWTH_LINEAR);
  cr_expect_eq(judged((curve){0, 1.0}), VS_GROWTH_LINEAR);
  cr_expect_eq(judged((curve){0.01, 1.0}), VS_GROWTH_LINEAR);
}

Test(growth, what_costs_more_the_more_there_are_is_not_linear) {
  cr_expect_eq(judged((curve){0, 1.5}), VS_GROWTH_NOT_LINEAR);
  cr_expect_eq(judged((curve){0, 2.0}), VS_GROWTH_NOT_LINEAR);
  cr_expect_eq(judged((curve){0.01, 2.0}), VS_GROWTH_NOT_LINEAR, "a start hides nothing");
}

Test(growth, what_is_lost_in_a_start_is_not_judged) {
  cr_expect_eq(judged((curve){1, 1.0}), VS_GROWTH_UNKNOWN);
}

Test(growth, is_measured_at_one_two_and_four_times) {
  vs_growth growth;
  curve line = {0, 1};
  cr_assert(vs_growth_measure(cost_of_curve, &line, false, 2, 64, 1, &growth));
  cr_expect_eq(growth.counts[0], 16, "4N is at most 64");
  cr_expect_eq(growth.counts[1], 32);
  cr_expect_eq(growth.counts[2], 64);
  cr_expect_eq(growth.kib[2], 64);
}

static double cost_of_none(void* what, uint64_t count, long* kib) {
  (void)what;
  (void)kib;
  return count < 8 ? 1e-6 : -1;
}

// As a user would see it: in a folder that is gone afterwards.
Test(growth, leaves_nothing_behind) {
  char command[512];
  snprintf(command, sizeof command,
           "d=$(mktemp -d) && TMPDIR=$d %s bench --seconds 0.1 --filter growth.ops | "
           "grep -q 'growth.ops  *N = ' && rmdir $d",
           VS_PROGRAM_PATH);
  cr_expect_eq(system(command), 0);
}

// A campaign needs programs beside this one; without them it is no fault of what is measured.
Test(growth, of_what_this_build_lacks_is_told) {
  char command[512];
  snprintf(command, sizeof command,
           "VCPUSPEC_FUZZERS=/nowhere %s bench --seconds 0.1 --filter growth.findings | "
           "grep -q 'growth.findings  *not here: '",
           VS_PROGRAM_PATH);
  cr_expect_eq(system(command), 0);
}

static double time_of(vs_wait wait, vs_why* reason) {
  wait.program = VS_PROGRAM_PATH;
  return vs_wait_measure(&wait, 0.01, reason);
}

Test(waits, that_end_otherwise_or_tell_no_failure_are_broken) {
  vs_why reason;
  cr_expect_geq(time_of((vs_wait){.words = {"--version"}}, &reason), 0, "%s", reason.text);
  cr_expect_lt(time_of((vs_wait){.words = {"--version"}, .status = 1}, &reason), 0);
  cr_expect(strstr(reason.text, "status 0, not 1") != NULL, "%s", reason.text);
  cr_expect_lt(time_of((vs_wait){.words = {"--version"}, .failure = true}, &reason), 0);
  cr_expect(strstr(reason.text, "no failure") != NULL, "%s", reason.text);
}

Test(growth, of_what_goes_wrong_there_is_none) {
  vs_growth growth;
  cr_expect_not(vs_growth_measure(cost_of_none, NULL, false, 1, 1000, 1, &growth));
}
