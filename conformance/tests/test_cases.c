// SPDX-License-Identifier: BSD-3-Clause
// Every case: each built-in backend that this machine can run conforms, and between them they let
// the case judge all that it declares. A test for each suite, whose cases are judged side by side.
#include <criterion/criterion.h>
#include <criterion/parameterized.h>
#include <stdlib.h>
#include <string.h>

#include "judging.h"

typedef struct suite {
  char name[32];
} suite;

// The cases of a suite, and what of their clauses some backend has borne out.
typedef struct judged {
  const vs_case** cases;
  vs_clause_set* borne_out;
  size_t count;
} judged;

static bool is_of(const vs_case* c, const suite* s) {
  size_t length = strlen(s->name);
  return strncmp(c->id, s->name, length) == 0 && c->id[length] == '.';
}

// Backends that follow the pages set traps, and refuse another resource, as those say; the one that
// follows the kernel as that does.
static bool follows(const char* spec, const char* id, const char* profile) {
  bool page = strcmp(profile, "documented") == 0;
  bool differs = strncmp(id, "traps.", 6) == 0 || strncmp(id, "walks.", 6) == 0 ||
                 strncmp(id, "guests.other_resource", 21) == 0;
  return page || !differs || strcmp(spec, "soft:zircon") == 0;
}

static void hold(const vs_case_result* result, const char* profile) {
  bool conforms = result->verdict == VS_VERDICT_PASS || result->verdict == VS_VERDICT_PERMITTED ||
                  result->verdict == VS_VERDICT_UNSUPPORTED;
  cr_expect(conforms, "%s", judging_text(result, profile));
  // An ordered profile leaves no choice.
  bool strict = result->verdict != VS_VERDICT_PERMITTED || vs_profile_find(profile)->latitudes;
  cr_expect(strict, "%s is permitted under %s", result->c->id, profile);
}

static void judge_on(const char* spec, judged* j, const char* profile) {
  vs_target target = judging_target(spec);
  uint8_t arch = vs_profile_find(profile)->arch;
  if (arch != 0 && arch != target.backend->arch) return;
  if (target.state != VS_TARGET_READY) {
    cr_assert_eq(target.state, VS_TARGET_ABSENT, "%s: %s", spec, target.reason);
    return;
  }
  const vs_case** followed = calloc(j->count, sizeof *followed);
  size_t* places = calloc(j->count, sizeof *places);
  cr_assert(followed != NULL && places != NULL);
  size_t count = 0;
  for (size_t i = 0; i < j->count; i++) {
    if (!follows(spec, j->cases[i]->id, profile)) continue;
    places[count] = i;
    followed[count++] = j->cases[i];
  }
  vs_run run = judging_run(&target, followed, count, profile, 60);
  cr_assert_eq(run.count, count);
  for (size_t i = 0; i < run.count; i++) {
    hold(&run.results[i], profile);
    j->borne_out[places[i]] |= vs_result_borne_out(&run.results[i]);
  }
  vs_run_free(&run);
  free(followed);
  free(places);
}

static void judge_everywhere(judged* j, const char* profile, bool kernel) {
  memset(j->borne_out, 0, j->count * sizeof *j->borne_out);
  for (size_t i = 0; i < vs_default_target_count; i++) judge_on(vs_default_targets[i], j, profile);
  if (kernel) judge_on("soft:zircon", j, profile);
  for (size_t i = 0; i < j->count; i++) {
    const vs_case* c = j->cases[i];
    bool spoken = c->arch == 0 || !kernel || c->arch == vs_profile_find(profile)->arch;
    vs_clause_set left = spoken ? vs_case_clauses(c) & ~j->borne_out[i] : VS_NO_CLAUSE;
    for (vs_clause_code clause = 0; clause < VS_CLAUSE_COUNT; clause++) {
      cr_expect(!vs_has_clause(left, clause), "%s declares %s, and no backend let it judge that",
                c->id, vs_clauses[clause].id);
    }
  }
}

// Each suite once: its cases stand together.
ParameterizedTestParameters(suites, conform_everywhere) {
  static suite all[64];
  size_t count = 0;
  for (size_t i = 0; i < vs_case_count; i++) {
    if (count > 0 && is_of(&vs_cases[i], &all[count - 1])) continue;
    size_t length = strcspn(vs_cases[i].id, ".");
    cr_assert(count < sizeof all / sizeof all[0] && length < sizeof all[0].name);
    memcpy(all[count].name, vs_cases[i].id, length);
    all[count++].name[length] = '\0';
  }
  return cr_make_param_array(suite, all, count);
}

ParameterizedTest(suite* s, suites, conform_everywhere, .timeout = 600) {
  judged j = {.cases = calloc(vs_case_count, sizeof *j.cases),
              .borne_out = calloc(vs_case_count, sizeof *j.borne_out)};
  cr_assert(j.cases != NULL && j.borne_out != NULL);
  for (size_t i = 0; i < vs_case_count; i++) {
    if (is_of(&vs_cases[i], s)) j.cases[j.count++] = &vs_cases[i];
  }
  cr_assert(j.count > 0, "%s has no case", s->name);
  judge_everywhere(&j, "documented", false);
  judge_everywhere(&j, "zircon-x64", true);
  free(j.cases);
  free(j.borne_out);
}

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
