// SPDX-License-Identifier: BSD-3-Clause
// Every case of cases.def as a test of its own: each built-in backend that this machine can run
// conforms, and between them they let the case judge all that it declares.
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "judging.h"

static vs_clause_set judge_on(const char* spec, const vs_case* c, const char* profile) {
  vs_target target = judging_target(spec);
  uint8_t arch = vs_profile_find(profile)->arch;
  if (arch != 0 && arch != target.backend->arch) return 0;
  if (target.state != VS_TARGET_READY) {
    cr_assert_eq(target.state, VS_TARGET_ABSENT, "%s: %s", spec, target.reason);
    return 0;
  }
  vs_run run = judging_run(&target, &c, 1, profile, 60);
  const vs_case_result* result = &run.results[0];
  bool conforms = result->verdict == VS_VERDICT_PASS || result->verdict == VS_VERDICT_PERMITTED ||
                  result->verdict == VS_VERDICT_UNSUPPORTED;
  cr_expect(conforms, "%s", judging_text(result, profile));
  // An ordered profile leaves no choice.
  bool strict = result->verdict != VS_VERDICT_PERMITTED || vs_profile_find(profile)->latitudes;
  cr_expect(strict, "%s is permitted under %s", c->id, profile);
  vs_clause_set borne_out = vs_result_borne_out(result);
  vs_run_free(&run);
  return borne_out;
}

static void judge_everywhere(const char* id) {
  static const char* const profiles[] = {"documented", "zircon-x64"};
  const vs_case* c = vs_case_find(id);
  cr_assert(c != NULL);
  for (size_t p = 0; p < sizeof profiles / sizeof profiles[0]; p++) {
    vs_clause_set borne_out = 0;
    for (size_t i = 0; i < vs_default_target_count; i++) {
      borne_out |= judge_on(vs_default_targets[i], c, profiles[p]);
    }
    vs_clause_set left = vs_case_clauses(c) & ~borne_out;
    for (vs_clause_code clause = 0; clause < VS_CLAUSE_COUNT; clause++) {
      cr_expect(!(left & VS_MEMBER(clause)), "%s declares %s, and no backend let it judge that",
                c->id, vs_clauses[clause].id);
    }
  }
}

#define VS_CASE(suite, name, ...)       \
  Test(suite, name, .timeout = 300) {   \
    judge_everywhere(#suite "." #name); \
  }
#include "cases.inc"
#undef VS_CASE

// A backend that no case's test judges: all cases, as documented.
static vs_run judge_all(const vs_target* target) {
  size_t count;
  const vs_case** cases = judging_cases(VS_CLAUSE_COUNT, &count);
  vs_run run = judging_run(target, cases, count, "documented", 60);
  free(cases);
  return run;
}

static void conforms_with_passes(const char* spec, size_t least) {
  vs_target target = judging_target(spec);
  vs_run run = judge_all(&target);
  for (size_t i = 0; i < run.count; i++) {
    vs_verdict verdict = run.results[i].verdict;
    cr_expect(!vs_verdict_is_failure(verdict) && verdict != VS_VERDICT_BROKEN, "%s",
              judging_text(&run.results[i], "documented"));
  }
  cr_expect(vs_run_count(&run, &target, VS_VERDICT_PASS) >= least, "only %zu of %zu cases pass",
            vs_run_count(&run, &target, VS_VERDICT_PASS), run.count);
  vs_run_free(&run);
}

// The arm64 tables of the model and the arm64 half of the example hold each other to account.
Test(soft_arm64, conforms_as_documented, .timeout = 300) {
  conforms_with_passes("soft:arm64", vs_case_count / 3);
}

Test(unicorn_arm64, conforms_as_documented, .timeout = 300) {
  conforms_with_passes("unicorn:arm64", vs_case_count * 2 / 5);
}

// What the page does not order is all that Zircon of 2018 does in its own way.
Test(soft_2018, conforms_as_documented, .timeout = 300) {
  conforms_with_passes("soft:2018", vs_case_count / 2);
}

// The verdict on a case of a backend that differs from the page in one way.
static void is_caught(const vs_target* target, const char* id) {
  const vs_case* c = vs_case_find(id);
  cr_assert(c != NULL);
  vs_run run = judging_run(target, &c, 1, "documented", 60);
  cr_expect_eq(run.results[0].verdict, VS_VERDICT_FAIL, "%s: %s", id,
               vs_verdict_names[run.results[0].verdict]);
  vs_run_free(&run);
}

// Whatever fails, fails for a flag that should have been cleared.
static void flags_that_stay_are_caught(const char* spec) {
  vs_target target = judging_target(spec);
  vs_run run = judge_all(&target);
  for (size_t i = 0; i < run.count; i++) {
    if (run.results[i].verdict != VS_VERDICT_FAIL) continue;
    const char* text = judging_text(&run.results[i], "documented");
    cr_expect(strstr(text, "got      cpsr = ") || strstr(text, "same     as "), "%s", text);
  }
  vs_run_free(&run);
  is_caught(&target, "flags.each_cleared");
}

Test(unicorn_arm64_zircon, is_caught_by_its_flags_alone, .timeout = 300) {
  flags_that_stay_are_caught("unicorn:arm64:zircon");
}

Test(soft_arm64_zircon, is_caught_by_its_flags_alone, .timeout = 300) {
  flags_that_stay_are_caught("soft:arm64:zircon");
}

Test(soft_zcore, is_caught_by_misaligned_buffers_alone, .timeout = 300) {
  vs_target target = judging_target("soft:zcore");
  vs_run run = judge_all(&target);
  size_t failed = 0;
  for (size_t i = 0; i < run.count; i++) {
    if (run.results[i].verdict != VS_VERDICT_FAIL) continue;
    const char* text = judging_text(&run.results[i], "documented");
    cr_expect_eq(run.results[i].judgement.violation.clause, VS_CLAUSE_FROM_BUFFER, "%s", text);
    failed++;
  }
  cr_expect_gt(failed, 0, "no case has a misaligned buffer");
  vs_run_free(&run);
}
