// SPDX-License-Identifier: BSD-3-Clause
// The benchmark measures what is right, and says BROKEN of what is not: a wrong answer on either
// side of a row.
#include <criterion/criterion.h>

#include "bench/bench.h"
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
