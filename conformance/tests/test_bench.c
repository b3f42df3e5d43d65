// SPDX-License-Identifier: BSD-3-Clause
// The benchmark measures what is right, and says BROKEN of what is not: a wrong answer on either
// side of a row.
#include <criterion/criterion.h>

#include <math.h>

#include "bench/bench.h"
#include "bench/growth.h"
#include "bench/sides.h"

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

// --- growth -----------------------------------------------------------------------------------

// As many seconds as `count` to this power, thousandths of them.
static double cost_of_power(void* power, uint64_t count, long* kib) {
  *kib = (long)count;
  return pow((double)count, *(double*)power) / 1000;
}

static bool is_linear(double power) {
  vs_growth growth;
  cr_assert(vs_growth_measure(cost_of_power, &power, 2, 64, 1, &growth));
  return vs_growth_is_linear(&growth);
}

Test(bench, what_costs_as_much_each_time_is_linear) {
  cr_expect(is_linear(0.9));
  cr_expect(is_linear(1.0));
}

Test(bench, what_costs_more_the_more_there_are_is_not_linear) {
  cr_expect_not(is_linear(1.6));
  cr_expect_not(is_linear(2.0));
}

Test(bench, growth_is_measured_at_one_two_and_four_times) {
  vs_growth growth;
  double power = 1;
  cr_assert(vs_growth_measure(cost_of_power, &power, 2, 64, 1, &growth));
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

Test(bench, what_goes_wrong_has_no_growth) {
  vs_growth growth;
  cr_expect_not(vs_growth_measure(cost_of_none, NULL, 1, 1000, 1, &growth));
}
