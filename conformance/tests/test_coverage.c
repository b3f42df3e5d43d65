// SPDX-License-Identifier: BSD-3-Clause
// Coverage: that what is called reachable can be reached, by playing it; that nothing else can be,
// by looking through every call of every sweep; and that what a case has reached is what is missing
// without it. For each of these checks, a wrong denominator that it must notice.
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "coverage/chain.h"
#include "coverage/coverage.h"
#include "coverage/gap.h"
#include "coverage/words.h"
#include "diff_profiles/calls.h"
#include "executor/executor.h"
#include "judging.h"
#include "sampled.h"
#include "sweep/product.h"

static vs_oracle* oracle(void) {
  static vs_oracle* one;
  if (one == NULL) one = malloc(sizeof *one);
  cr_assert(one != NULL);
  return one;
}

static const struct {
  const char* profile;
  const char* backend;
} pairs[] = {
    {"documented", "soft"},         {"documented", "soft:arm64"},
    {"zircon-x64", "soft:zircon"},  {"zircon-arm64", "soft:arm64:zircon"},
    {"zircon-2026", "soft:zircon"}, {"zircon-2026", "soft:arm64:zircon"},
    {"zircon-2023", "soft:2023"},   {"zircon-2023", "soft:arm64:2023"},
    {"zircon-2018", "soft:2018"},   {"zircon-2018", "soft:arm64:2018"},
    {"zcore", "soft:zcore"},
};
enum { PAIRS = sizeof pairs / sizeof pairs[0] };

// --- what is reachable can be reached -----------------------------------------------------------

// Plays the scripts of all points on the backend. Those that it has not reached.
static size_t play(const vs_reachable* all, const char* backend, size_t* first) {
  size_t missed = 0;
  vs_target target = judging_target(backend);
  for (size_t i = 0; i < all->count; i++) {
    static vs_draft gap;
    static vs_observation seen[VS_DRAFT_OPS];
    vs_reached reached;
    vs_opened opened;
    vs_why reason;
    vs_gap_script(all, i, &gap);
    const vs_script script = {all->names[i], gap.ops, gap.count};
    cr_assert(vs_target_open(&target, &opened, &reason), "%s", reason.text);
    vs_executor* executor = vs_opened_executor(&opened);
    cr_assert(executor != NULL && vs_reached_begin(&reached, all));
    vs_execute(executor, &script, seen);
    vs_executor_close(executor);
    target.backend->close();
    const vs_trace trace = {.script = script, .arch = all->arch, .observations = seen};
    const vs_listener listener = vs_reached_listener(&reached);
    (void)vs_judge_telling(oracle(), &trace, all->profile, &listener);
    if (!reached.points[i] && missed++ == 0) *first = i;
    vs_reached_free(&reached);
  }
  return missed;
}

Test(coverage, every_point_is_reached_by_its_own_script_on_soft, .timeout = 600) {
  for (size_t i = 0; i < PAIRS; i++) {
    if (!vs_sampled(i, 4)) continue;
    vs_target target = judging_target(pairs[i].backend);
    vs_reachable* all = vs_reachable_new(vs_profile_find(pairs[i].profile), target.arch);
    size_t first = 0;
    cr_assert(all != NULL);
    cr_expect_gt(all->count, 300);
    cr_expect_lt(all->count, 1000);
    const size_t missed = play(all, pairs[i].backend, &first);
    cr_expect_eq(missed, 0, "%s on %s: %zu, '%s' first", pairs[i].profile, pairs[i].backend, missed,
                 all->names[first]);
    vs_reachable_free(all);
  }
}

Test(coverage, a_point_that_no_call_reaches_is_noticed, .timeout = 300) {
  vs_reachable* all = vs_reachable_new(vs_profile_find("documented"), VS_ARCH_X64);
  size_t first = 0;
  cr_assert(all != NULL);
  // The call is another one than that of the point.
  const size_t spoilt = all->count / 2;
  all->points[spoilt].op = all->points[0].op;
  all->points[spoilt].situation = all->points[0].situation;
  cr_expect_eq(play(all, "soft", &first), 1);
  cr_expect_eq(first, spoilt);
  vs_reachable_free(all);
}

Test(coverage, no_two_points_have_the_same_name, .timeout = 300) {
  for (size_t i = 0; i < vs_profile_count; i++) {
    const vs_profile* profile = &vs_profiles[i];
    vs_reachable* all = vs_reachable_new(profile, profile->arch != 0 ? profile->arch : VS_ARCH_X64);
    cr_assert(all != NULL);
    for (size_t a = 0; a < all->count; a++) {
      for (size_t b = 0; b < a; b++) {
        cr_expect_str_neq(all->names[a], all->names[b], "%s: two points", profile->id);
      }
    }
    vs_reachable_free(all);
  }
}

// --- nothing else can be reached ----------------------------------------------------------------

typedef struct looking {
  const vs_reachable* all;
  size_t looked;
  size_t unknown;
  vs_point first;
} looking;

static void look_at(looking* l, const vs_facts* facts) {
  const vs_decision decision = vs_decide(facts, l->all->profile);
  const vs_point point = vs_point_of(facts, l->all->profile);
  l->looked++;
  if (decision.anything || vs_reachable_find(l->all, &point) != SIZE_MAX) return;
  if (l->unknown++ == 0) l->first = point;
}

static bool meet(const vs_call_met* met, void* context) {
  look_at(context, &met->facts[0]);
  return true;
}

static void meet_product(const vs_facts* facts, void* context) {
  look_at(context, facts);
}

// Every combination of two arguments of every call, in every scene of a sweep, and the full product
// of zx_vcpu_write_state.
static looking look(const vs_reachable* all) {
  looking l = {.all = all};
  const vs_diff_view view = {all->profile, all->arch};
  const vs_diff_view views[] = {view, view};
  for (vs_call_index call = 0; call < VS_CALL_COUNT; call++) {
    if (vs_ops[call].phase != VS_PHASE_JUDGED) continue;
    cr_assert(vs_diff_each(call, views, VS_DIFF_PAIRS, meet, &l));
  }
  cr_assert(vs_product_each(all->arch, meet_product, &l));
  return l;
}

static void say(const looking* l, char words[VS_POINT_WORDS]) {
  words[0] = '\0';
  if (l->unknown > 0) vs_point_say(&l->first, words);
}

Test(coverage, no_call_of_a_sweep_passes_through_another_point, .timeout = 600) {
  for (size_t i = 0; i < PAIRS; i++) {
    char words[VS_POINT_WORDS];
    vs_target target = judging_target(pairs[i].backend);
    vs_reachable* all = vs_reachable_new(vs_profile_find(pairs[i].profile), target.arch);
    cr_assert(all != NULL);
    const looking l = look(all);
    say(&l, words);
    cr_expect_gt(l.looked, 100000);
    cr_expect_eq(l.unknown, 0, "%s: %zu calls, first of '%s'", pairs[i].profile, l.unknown, words);
    vs_reachable_free(all);
  }
}

Test(coverage, a_point_that_is_left_out_is_noticed, .timeout = 300) {
  vs_reachable* all = vs_reachable_new(vs_profile_find("documented"), VS_ARCH_X64);
  cr_assert(all != NULL);
  for (size_t i = 0; i < all->count + all->beyond; i++) {
    const vs_point point = all->points[i].point;
    const bool first = point.call == VS_CALL_vcpu_kick && point.certain == 0;
    if (!first) continue;
    all->points[i].point.certain = ~(vs_check_set)0;  // it is not found any more
  }
  cr_expect_gt(look(all).unknown, 0);
  vs_reachable_free(all);
}

// --- cases --------------------------------------------------------------------------------------

static vs_run run_all(const vs_target* target, vs_coverage* coverage) {
  size_t count;
  const vs_case** cases = judging_cases(VS_CLAUSE_COUNT, &count);
  vs_plan plan = {.targets = target,
                  .target_count = 1,
                  .cases = cases,
                  .case_count = count,
                  .profile = coverage->profile,
                  .coverage = coverage,
                  .jobs = 4,
                  .timeout = 10};
  vs_run run;
  cr_assert(vs_run_plan(&plan, &run));
  free(cases);
  return run;
}

// What the others reach, without the case of this number.
static vs_reached without(const vs_run* run, const vs_reachable* all, size_t left_out) {
  vs_reached reached;
  cr_assert(vs_reached_begin(&reached, all));
  for (size_t i = 0; i < run->count; i++) {
    if (i != left_out && run->results[i].reached.all != NULL)
      vs_reached_add(&reached, &run->results[i].reached);
  }
  return reached;
}

// How many of the cases reach it.
static size_t reach(const vs_run* run, size_t item) {
  size_t count = 0;
  for (size_t i = 0; i < run->count; i++) {
    const vs_reached* reached = &run->results[i].reached;
    count += reached->all != NULL && reached->points[item];
  }
  return count;
}

Test(coverage, without_a_case_what_it_alone_reaches_is_missing, .timeout = 600) {
  vs_target target = judging_target("soft");
  vs_coverage coverage = {.profile = vs_profile_find("documented")};
  vs_run run = run_all(&target, &coverage);
  const vs_reachable* all = vs_coverage_of(&coverage, target.arch);
  vs_reached whole = without(&run, all, SIZE_MAX);
  size_t alone = 0;
  for (size_t i = 0; i < run.count; i++) {
    vs_reached rest = without(&run, all, i);
    for (size_t k = 0; k < all->count; k++) {
      const bool only = run.results[i].reached.all != NULL && run.results[i].reached.points[k] &&
                        reach(&run, k) == 1;
      cr_expect_eq(whole.points[k] && !rest.points[k], only, "%s: %s", run.results[i].c->id,
                   all->names[k]);
      alone += only;
    }
    vs_reached_free(&rest);
  }
  cr_expect_gt(alone, 0);
  vs_reached_free(&whole);
  vs_run_free(&run);
  vs_coverage_free(&coverage);
}

// --- transitions --------------------------------------------------------------------------------

// Plays the scripts of all transitions on the backend. Those that it has not made.
static size_t play_transitions(const vs_explored* all, const vs_reachable* reachable,
                               const char* backend, size_t* first) {
  size_t missed = 0;
  vs_target target = judging_target(backend);
  for (size_t i = 0; i < all->set.count; i++) {
    static vs_draft script;
    static vs_observation seen[VS_DRAFT_OPS];
    vs_reached reached;
    vs_opened opened;
    vs_why reason;
    vs_chain_one(all, i, &script);
    cr_assert(vs_target_open(&target, &opened, &reason), "%s", reason.text);
    vs_executor* executor = vs_opened_executor(&opened);
    cr_assert(executor != NULL && vs_reached_begin(&reached, reachable));
    const vs_script ops = {all->names[i], script.ops, script.count};
    vs_execute(executor, &ops, seen);
    vs_executor_close(executor);
    target.backend->close();
    const vs_trace trace = {.script = ops, .arch = all->arch, .observations = seen};
    const vs_listener listener = vs_reached_listener(&reached);
    (void)vs_judge_telling(oracle(), &trace, all->profile, &listener);
    if (!vs_transitions_has(&reached.made, &all->set.items[i]) && missed++ == 0) *first = i;
    vs_reached_free(&reached);
  }
  return missed;
}

Test(coverage, every_transition_is_made_by_its_own_script_on_soft, .timeout = 900) {
  for (size_t i = 0; i < PAIRS; i++) {
    if (!vs_sampled(i, PAIRS)) continue;
    vs_target target = judging_target(pairs[i].backend);
    vs_coverage coverage = {.profile = vs_profile_find(pairs[i].profile)};
    const vs_explored* all = vs_coverage_explored(&coverage, target.arch);
    const vs_reachable* reachable = vs_coverage_of(&coverage, target.arch);
    size_t first = 0;
    cr_assert(all != NULL && reachable != NULL);
    cr_expect_gt(all->set.count, 700);
    const size_t missed = play_transitions(all, reachable, pairs[i].backend, &first);
    cr_expect_eq(missed, 0, "%s on %s: %zu, '%s' first", pairs[i].profile, pairs[i].backend, missed,
                 all->names[first]);
    vs_coverage_free(&coverage);
  }
}

static size_t missing_points(const vs_reached* reached, size_t* first) {
  size_t missing = 0;
  for (size_t i = 0; i < reached->all->count; i++) {
    if (!reached->points[i] && missing++ == 0) *first = i;
  }
  return missing;
}

static size_t missing_transitions(const vs_reached* reached, const vs_explored* all,
                                  size_t* first) {
  size_t missing = 0;
  for (size_t i = 0; i < all->set.count; i++) {
    const bool made = vs_transitions_has(&reached->made, &all->set.items[i]);
    if (!made && missing++ == 0) *first = i;
  }
  return missing;
}

// A row that was added to a table makes a combination that no case has: tools/make-coverage-cases
// writes those of conformance/scripts/walks anew.
Test(coverage, the_cases_reach_every_combination_and_transition_on_soft, .timeout = 900) {
  for (size_t i = 0; i < PAIRS; i++) {
    if (!vs_sampled(i, PAIRS)) continue;
    vs_target target = judging_target(pairs[i].backend);
    vs_coverage coverage = {.profile = vs_profile_find(pairs[i].profile)};
    vs_run run = run_all(&target, &coverage);
    const vs_reachable* all = vs_coverage_of(&coverage, target.arch);
    const vs_explored* explored = vs_coverage_explored(&coverage, target.arch);
    vs_reached whole = without(&run, all, SIZE_MAX);
    size_t first = 0;
    size_t missing = missing_points(&whole, &first);
    cr_expect_eq(missing, 0, "%s on %s: %zu, '%s' first", pairs[i].profile, pairs[i].backend,
                 missing, all->names[first]);
    missing = missing_transitions(&whole, explored, &first);
    cr_expect_eq(missing, 0, "%s on %s: %zu, '%s' first", pairs[i].profile, pairs[i].backend,
                 missing, explored->names[first]);
    vs_reached_free(&whole);
    vs_run_free(&run);
    vs_coverage_free(&coverage);
  }
}

// The check of the suite can fail.
Test(coverage, without_the_walks_combinations_and_transitions_are_missing, .timeout = 300) {
  vs_target target = judging_target("soft");
  vs_coverage coverage = {.profile = vs_profile_find("documented")};
  vs_run run = run_all(&target, &coverage);
  vs_reached reached;
  size_t first = 0;
  cr_assert(vs_reached_begin(&reached, vs_coverage_of(&coverage, target.arch)));
  for (size_t i = 0; i < run.count; i++) {
    const bool walk = strncmp(run.results[i].c->id, "walks.", 6) == 0;
    if (!walk && run.results[i].reached.all != NULL)
      vs_reached_add(&reached, &run.results[i].reached);
  }
  cr_expect_gt(missing_points(&reached, &first), 0);
  cr_expect_gt(missing_transitions(&reached, vs_coverage_explored(&coverage, target.arch), &first),
               0);
  vs_reached_free(&reached);
  vs_run_free(&run);
  vs_coverage_free(&coverage);
}

// What was refused, or made, is the history of its object and of no other.
Test(coverage, a_transition_is_about_one_object) {
  vs_history history = vs_history_begin();
  vs_transition found;
  vs_passage passage = {.sort = VS_PASSED,
                        .point.call = VS_CALL_vcpu_kick,
                        .forced = true,
                        .object = 3,
                        .made = {VS_OBJECTS, VS_OBJECTS}};
  cr_expect(!vs_history_note(&history, &passage, &found));
  passage.object = 4;
  cr_expect(!vs_history_note(&history, &passage, &found));
  passage.object = 3;
  cr_expect(vs_history_note(&history, &passage, &found));
  passage.forced = false;
  cr_expect(!vs_history_note(&history, &passage, &found));
  passage.forced = true;
  cr_expect(!vs_history_note(&history, &passage, &found), "an answer that was one of several");
  passage.sort = VS_UNCLEAR;
  cr_expect(!vs_history_note(&history, &passage, &found));
  passage.sort = VS_PASSED;
  cr_expect(!vs_history_note(&history, &passage, &found), "after what is unclear");
  passage.ended = true;
  cr_expect(vs_history_note(&history, &passage, &found));
  passage.ended = false;
  cr_expect(!vs_history_note(&history, &passage, &found), "of an object that has ended");
}
