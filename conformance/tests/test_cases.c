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
  if (arch != 0 && arch != target.backend->arch) return VS_NO_CLAUSE;
  if (target.state != VS_TARGET_READY) {
    cr_assert_eq(target.state, VS_TARGET_ABSENT, "%s: %s", spec, target.reason);
    return VS_NO_CLAUSE;
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

// Backends that follow the pages set traps, and refuse another resource, as those say; the one that
// follows the kernel as that does.
static bool follows(const char* spec, const char* id, const char* profile) {
  bool page = strcmp(profile, "documented") == 0;
  bool differs = strncmp(id, "traps.", 6) == 0 || strncmp(id, "walks.", 6) == 0 ||
                 strncmp(id, "guests.other_resource", 21) == 0;
  return page || !differs || strcmp(spec, "soft:zircon") == 0;
}

static void judge_everywhere(const char* id) {
  static const char* const profiles[] = {"documented", "zircon-x64"};
  const vs_case* c = vs_case_find(id);
  cr_assert(c != NULL);
  for (size_t p = 0; p < sizeof profiles / sizeof profiles[0]; p++) {
    vs_clause_set borne_out = VS_NO_CLAUSE;
    for (size_t i = 0; i < vs_default_target_count; i++) {
      const char* spec = vs_default_targets[i];
      if (follows(spec, id, profiles[p])) borne_out |= judge_on(spec, c, profiles[p]);
    }
    if (p == 1) borne_out |= judge_on("soft:zircon", c, profiles[p]);
    bool spoken = c->arch == 0 || p == 0 || c->arch == vs_profile_find(profiles[p])->arch;
    vs_clause_set left = spoken ? vs_case_clauses(c) & ~borne_out : VS_NO_CLAUSE;
    for (vs_clause_code clause = 0; clause < VS_CLAUSE_COUNT; clause++) {
      cr_expect(!vs_has_clause(left, clause), "%s declares %s, and no backend let it judge that",
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

// Of a recorded trace the title says whose it is.
Test(titles, no_two_cases_have_the_same) {
  for (size_t i = 0; i < vs_case_count; i++) {
    for (size_t k = 0; k < i; k++) {
      cr_expect_neq(strcmp(vs_cases[i].title, vs_cases[k].title), 0, "%s and %s", vs_cases[i].id,
                    vs_cases[k].id);
    }
  }
}

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

// The verdict on a case of a backend that differs from the page in one way.
static void is_caught(const vs_target* target, const char* id) {
  const vs_case* c = vs_case_find(id);
  cr_assert(c != NULL);
  vs_run run = judging_run(target, &c, 1, "documented", 60);
  cr_expect_eq(run.results[0].verdict, VS_VERDICT_FAIL, "%s: %s", id,
               vs_verdict_names[run.results[0].verdict]);
  vs_run_free(&run);
}

// Whatever fails under `documented` breaks one of these sentences, in which the kernel differs.
static void differs_in(const char* spec, const vs_clause_code* clauses, size_t count) {
  vs_target target = judging_target(spec);
  vs_run run = judge_all(&target);
  size_t failed = 0;
  for (size_t i = 0; i < run.count; i++) {
    if (run.results[i].verdict != VS_VERDICT_FAIL) continue;
    bool known = false;
    for (size_t k = 0; k < count; k++) {
      known |= run.results[i].judgement.violation.clause == clauses[k];
    }
    cr_expect(known, "%s", judging_text(&run.results[i], "documented"));
    failed++;
  }
  cr_expect_gt(failed, 0, "%s differs in nothing", spec);
  vs_run_free(&run);
}

// Every kernel also differs in what a resource of another kind is answered with.
#define DIFFERS(spec, ...)                                                               \
  do {                                                                                   \
    static const vs_clause_code clauses[] = {VS_CLAUSE_GUEST_CREATE_ACCESS_DENIED,       \
                                             VS_CLAUSE_GUEST_CREATE_ERROR, __VA_ARGS__}; \
    differs_in(spec, clauses, sizeof clauses / sizeof clauses[0]);                       \
  } while (0)

// A flag that should have been cleared, and ranges of which the memory was unmapped first.
static void differs_in_flags(const char* spec) {
  DIFFERS(spec, VS_CLAUSE_FLAGS, VS_CLAUSE_GUEST_SEES, VS_CLAUSE_ONE_SNAPSHOT,
          VS_CLAUSE_SYSTEM_FLAGS, VS_CLAUSE_TRAP_OUT_OF_RANGE, VS_CLAUSE_TRAP_SET,
          VS_CLAUSE_TRAP_ERROR, VS_CLAUSE_UNCHANGED, VS_CLAUSE_ENTER_REFUSED);
  vs_target target = judging_target(spec);
  is_caught(&target, "flags.each_cleared");
}

Test(unicorn_arm64_zircon, differs_in_its_flags, .timeout = 300) {
  differs_in_flags("unicorn:arm64:zircon");
}

Test(soft_arm64_zircon, differs_in_its_flags, .timeout = 300) {
  differs_in_flags("soft:arm64:zircon");
}

Test(soft_zircon, differs_in_its_traps, .timeout = 300) {
  DIFFERS("soft:zircon", VS_CLAUSE_TRAP_OUT_OF_RANGE, VS_CLAUSE_TRAP_SET, VS_CLAUSE_TRAP_ERROR);
}

Test(soft_2023, differs_in_its_vectors_and_traps, .timeout = 300) {
  DIFFERS("soft:2023", VS_CLAUSE_TRAP_OUT_OF_RANGE, VS_CLAUSE_TRAP_SET, VS_CLAUSE_TRAP_ERROR,
          VS_CLAUSE_INTERRUPT_RANGE);
}

Test(soft_2018, differs_in_handles_traps_and_vcpus_of_a_thread, .timeout = 300) {
  DIFFERS("soft:2018", VS_CLAUSE_FIXED_BITS, VS_CLAUSE_GUEST_RIGHTS, VS_CLAUSE_TRAP_EXISTS,
          VS_CLAUSE_TRAP_OUT_OF_RANGE, VS_CLAUSE_TRAP_PORT_BAD_HANDLE, VS_CLAUSE_TRAP_SET,
          VS_CLAUSE_TRAP_ERROR, VS_CLAUSE_TRAP_KIND, VS_CLAUSE_VCPU_ONE);
}

// Its handles lack rights, and so calls are refused for that before they are for anything else.
Test(soft_zcore, differs_in_buffers_replacements_traps_and_rights, .timeout = 300) {
  DIFFERS("soft:zcore", VS_CLAUSE_FROM_BUFFER, VS_CLAUSE_DERIVED, VS_CLAUSE_RIGHTS_WRITE,
          VS_CLAUSE_READ_BACK, VS_CLAUSE_GUEST_RIGHTS, VS_CLAUSE_TRAP_EXISTS,
          VS_CLAUSE_TRAP_OUT_OF_RANGE, VS_CLAUSE_TRAP_SET, VS_CLAUSE_READ_RIGHT,
          VS_CLAUSE_BAD_STATE, VS_CLAUSE_DERIVE_ACCESS_DENIED, VS_CLAUSE_TRAP_ERROR,
          VS_CLAUSE_TRAP_WRITE, VS_CLAUSE_INTERRUPT_WRONG_TYPE, VS_CLAUSE_VCPU_CREATE_ERROR,
          VS_CLAUSE_VCPU_CREATE_BAD_STATE, VS_CLAUSE_VCPU_CREATE_POINTER);
}
