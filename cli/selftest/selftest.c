// SPDX-License-Identifier: BSD-3-Clause
#include "selftest.h"

#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>

// --- permitted variants -----------------------------------------------------------------------

// The first failure of a run, and what latitudes were needed.
static const vs_case* first_failure(const vs_run* run, vs_latitude_set* used) {
  const vs_case* found = NULL;
  for (size_t i = 0; i < run->count; i++) {
    const vs_case_result* result = &run->results[i];
    if (vs_verdict_is_failure(result->verdict) && found == NULL) found = result->c;
    if (result->verdict == VS_VERDICT_PERMITTED) *used |= result->judgement.latitudes;
  }
  return found;
}

static bool judge_under(const char* profile, const vs_target* target, const vs_kill_plan* plan,
                        const vs_case** failure, vs_latitude_set* used) {
  vs_run run;
  vs_plan one = {.targets = target,
                 .target_count = 1,
                 .cases = plan->cases,
                 .case_count = plan->case_count,
                 .profile = vs_profile_find(profile),
                 .jobs = plan->jobs,
                 .timeout = plan->timeout,
                 .stop = plan->stop};
  if (!vs_run_plan(&one, &run)) return false;
  *failure = first_failure(&run, used);
  vs_run_free(&run);
  return true;
}

static bool is_used(const char* latitude, vs_latitude_set used) {
  for (vs_latitude_code code = 0; code < VS_LATITUDE_COUNT; code++) {
    if (strcmp(vs_latitudes[code].id, latitude) == 0) return used & VS_BIT(code);
  }
  return true;
}

static bool judge_variant(const vs_mutant* mutant, const vs_kill_plan* plan,
                          vs_variant_result* result) {
  char spec[VS_MUTANT_ID_MAX + sizeof "mutant:"];
  vs_target target;
  vs_latitude_set used = 0;
  vs_latitude_set ignored = 0;
  *result = (vs_variant_result){.mutant = mutant};
  snprintf(spec, sizeof spec, "mutant:%s", mutant->id);
  if (!vs_target_parse(spec, &target)) return false;
  vs_target_probe(&target, 10);
  snprintf(result->note, sizeof result->note, "%s", target.reason.text);
  result->judged = target.state == VS_TARGET_READY;
  if (!result->judged) return true;
  if (!judge_under("documented", &target, plan, &result->flagged, &used)) return false;
  result->used = is_used(mutant->latitude, used);
  return judge_under("zircon-x64", &target, plan, &result->noticed, &ignored);
}

// --- all of it --------------------------------------------------------------------------------

static bool is_stopped(const vs_kill_plan* plan) {
  return plan->stop != NULL && *plan->stop;
}

static bool judge_variants(const vs_kill_plan* plan, vs_selftest* selftest) {
  for (size_t i = 0; i < plan->mutant_count; i++) {
    const vs_mutant* mutant = plan->mutants[i];
    if (mutant->breaks != NULL) continue;
    if (plan->progress) plan->progress(i, plan->mutant_count, mutant->id, plan->context);
    vs_variant_result* result = &selftest->variants[selftest->variant_count++];
    if (!judge_variant(mutant, plan, result) || is_stopped(plan)) return false;
  }
  return true;
}

static bool judge_mutants(const vs_kill_plan* plan, vs_selftest* selftest) {
  const vs_mutant** wrong = calloc(plan->mutant_count + 1, sizeof(void*));
  vs_kill_plan one = *plan;
  if (wrong == NULL) return false;
  one.mutants = wrong;
  one.mutant_count = 0;
  for (size_t i = 0; i < plan->mutant_count; i++) {
    if (plan->mutants[i]->breaks != NULL) wrong[one.mutant_count++] = plan->mutants[i];
  }
  bool good = vs_kill_matrix_make(&one, &selftest->matrix) &&
              vs_cover_make(&selftest->matrix, &selftest->cover);
  free(wrong);
  return good;
}

static bool judge_historic(const vs_kill_plan* plan, vs_selftest* selftest) {
  selftest->historic = calloc(vs_historic_count, sizeof *selftest->historic);
  if (selftest->historic == NULL) return false;
  for (size_t i = 0; i < vs_historic_count; i++) {
    if (plan->progress) {
      plan->progress(i, vs_historic_count, vs_historics[i].id, plan->context);
    }
    if (!vs_historic_judge(&vs_historics[i], plan, &selftest->historic[i])) return false;
    if (is_stopped(plan)) return false;
  }
  return true;
}

// `cases` is room for those that are quick.
static bool judge_all(const vs_kill_plan* plan, const vs_case** cases, vs_selftest* selftest) {
  vs_kill_plan quick = *plan;
  quick.cases = cases;
  quick.case_count = 0;
  for (size_t i = 0; i < plan->case_count; i++) {
    if (!vs_case_is_costly(plan->cases[i])) cases[quick.case_count++] = plan->cases[i];
  }
  if (!judge_mutants(plan, selftest) || !judge_variants(&quick, selftest)) return false;
  if (!selftest->whole) return true;
  selftest->orders_judged = vs_orders_make(&quick, &selftest->orders, &selftest->orders_why);
  return !is_stopped(plan) && judge_historic(&quick, selftest);
}

bool vs_selftest_make(const vs_kill_plan* plan, bool whole, vs_selftest* selftest) {
  double since = vs_now();
  const vs_case** cases = calloc(plan->case_count + 1, sizeof(void*));
  *selftest = (vs_selftest){.whole = whole};
  selftest->variants = calloc(plan->mutant_count + 1, sizeof *selftest->variants);
  bool good = cases != NULL && selftest->variants != NULL && judge_all(plan, cases, selftest);
  free(cases);
  selftest->seconds = vs_now() - since;
  return good;
}

void vs_selftest_free(vs_selftest* selftest) {
  vs_kill_matrix_free(&selftest->matrix);
  vs_cover_free(&selftest->cover);
  vs_orders_free(&selftest->orders);
  free(selftest->variants);
  free(selftest->historic);
  *selftest = (vs_selftest){0};
}

// --- gates ------------------------------------------------------------------------------------

static const struct {
  const char* glob;
  const char* why;
} kept[] = {
#define VS_KEPT(glob, why) {glob, why},
#include "kept.def"
#undef VS_KEPT
};
enum { KEPT = sizeof kept / sizeof kept[0] };

const char* vs_kept_why(const vs_case* c) {
  for (size_t i = 0; i < KEPT; i++) {
    if (fnmatch(kept[i].glob, c->id, 0) == 0) return kept[i].why;
  }
  return NULL;
}

static bool is_row_of_use(const vs_selftest* selftest, const char* glob) {
  for (size_t c = 0; c < selftest->matrix.case_count; c++) {
    const vs_case* one = selftest->matrix.cases[c];
    if (selftest->cover.only[c] == 0 && fnmatch(glob, one->id, 0) == 0) return true;
  }
  return false;
}

static void judge_cases(const vs_selftest* selftest, vs_selftest_gates* gates) {
  for (size_t c = 0; c < selftest->matrix.case_count; c++) {
    bool own = selftest->cover.only[c] > 0;
    gates->unexplained += !own && vs_kept_why(selftest->matrix.cases[c]) == NULL;
  }
  for (size_t i = 0; i < KEPT; i++) gates->stale += !is_row_of_use(selftest, kept[i].glob);
}

static void judge_rows(const vs_selftest* selftest, vs_selftest_gates* gates) {
  for (size_t i = 0; i < selftest->matrix.row_count; i++) {
    const vs_kill_row* row = &selftest->matrix.rows[i];
    bool ready = row->state == VS_TARGET_READY;
    gates->unjudged += !ready;
    gates->by_chance += ready && row->kills == 0 && row->by_chance;
    gates->uncaught += ready && row->kills == 0 && !row->by_chance;
  }
  for (size_t i = 0; i < selftest->variant_count; i++) {
    const vs_variant_result* variant = &selftest->variants[i];
    gates->unjudged += !variant->judged;
    gates->flagged += variant->flagged != NULL;
    gates->unnoticed += variant->judged && (variant->noticed == NULL || !variant->used);
  }
}

vs_selftest_gates vs_selftest_judge(const vs_selftest* selftest) {
  vs_selftest_gates gates = {0};
  judge_rows(selftest, &gates);
  if (!selftest->whole) return gates;
  const vs_orders* orders = &selftest->orders;
  gates.orders = orders->flagged + orders->missed;
  bool own = selftest->orders_judged && orders->classes[orders->own].ordered == NULL;
  gates.orders += !own;
  gates.orders += orders->sets - orders->sets_met;
  for (size_t i = 0; i < vs_historic_count; i++) {
    gates.historic += !selftest->historic[i].caught || !selftest->historic[i].passes;
  }
  judge_cases(selftest, &gates);
  return gates;
}

bool vs_selftest_holds(const vs_selftest_gates* gates) {
  return gates->uncaught + gates->unjudged + gates->flagged + gates->unnoticed + gates->orders +
             gates->historic + gates->unexplained + gates->stale ==
         0;
}
