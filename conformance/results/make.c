// SPDX-License-Identifier: BSD-3-Clause
#include "make.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "common/digest.h"
#include "require.h"
#include "text/calls.h"
#include "words/describe.h"

// --- what stands above the results --------------------------------------------------------------

static void say_time(time_t when, const char* form, char* text, size_t size) {
  struct tm utc;
  text[0] = '\0';
  if (gmtime_r(&when, &utc) != NULL) strftime(text, size, form, &utc);
}

void vs_results_today(char text[VS_DAY]) {
  say_time(time(NULL), "%Y-%m-%d", text, VS_DAY);
}

// What a report tells is to be the same wherever it is made: SOURCE_DATE_EPOCH, or else now.
static const char* start_time(vs_store* store) {
  char text[32];
  const char* fixed = getenv("SOURCE_DATE_EPOCH");
  bool is_fixed = fixed != NULL && fixed[0] != '\0';
  say_time(is_fixed ? (time_t)strtoll(fixed, NULL, 10) : time(NULL), "%Y-%m-%dT%H:%M:%SZ", text,
           sizeof text);
  return vs_keep(store, text);
}

static void add_clauses(vs_results* all) {
  for (size_t i = 0; i < VS_CLAUSE_COUNT; i++) {
    char name[64];
    const vs_clause* clause = &vs_clauses[i];
    vs_clause_row* row = vs_grow(&all->store, &all->clauses, sizeof *row);
    vs_text text = vs_text_in(name, sizeof name);
    vs_say_status(&text, clause->status);
    *row = (vs_clause_row){clause->id, clause->section, clause->sentence,
                           clause->status == ZX_OK ? NULL : vs_keep(&all->store, name)};
  }
}

// The architecture of a target that could not be opened is not known, unless it is built in.
static const char* arch_of(const vs_target* target) {
  if (target->state == VS_TARGET_READY) return vs_arch_find(target->arch)->name;
  return target->backend != NULL ? vs_arch_find(target->backend->arch)->name : "unknown";
}

const char* vs_results_texts(vs_store* store, const vs_plan* plan) {
  uint64_t sum = VS_DIGEST64;
  for (size_t i = 0; i < plan->case_count; i++) {
    sum = vs_digest64(sum, plan->cases[i]->id, strlen(plan->cases[i]->id) + 1);
    sum = vs_digest64(sum, plan->cases[i]->text, strlen(plan->cases[i]->text) + 1);
  }
  return vs_said(store, "%016" PRIx64, sum);
}

static bool has_scripts(const vs_plan* plan) {
  for (size_t i = 0; i < plan->case_count; i++) {
    if (vs_case_find(plan->cases[i]->id) != plan->cases[i]) return true;
  }
  return false;
}

static const char* digest_of(vs_store* store, const vs_target* target) {
  const char* digest = target->identity.digest;
  return digest[0] != '\0' ? vs_keep(store, digest) : NULL;
}

static vs_texts lacks_of(vs_store* store, const vs_target* target) {
  vs_texts lacks = {0};
  for (vs_call_index call = 0; call < VS_CALL_COUNT; call++) {
    if (target->lacks >> call & 1) vs_add(store, &lacks, vs_call_name(call));
  }
  return lacks;
}

static void add_backends(vs_results* all, const vs_plan* plan, const vs_request* request) {
  for (size_t i = 0; i < plan->target_count; i++) {
    const vs_target* target = &plan->targets[i];
    vs_column* column = vs_grow(&all->store, &all->backends, sizeof *column);
    *column = (vs_column){
        .name = vs_keep(&all->store, target->name),
        .spec = vs_keep(&all->store, target->spec),
        .arch = arch_of(target),
        .profile = vs_keep(&all->store, plan->profile->id),
        .state = target->state,
        .reason = target->state == VS_TARGET_READY ? "" : vs_keep(&all->store, target->reason.text),
        .required = request->required[i],
        .named = request->named[i],
        .digest = digest_of(&all->store, target),
        .lacks = lacks_of(&all->store, target)};
  }
}

vs_results* vs_results_new(const vs_plan* plan, const vs_request* request) {
  vs_store store = {0};
  vs_results* all = vs_take(&store, sizeof *all);
  size_t count = plan->target_count * plan->case_count;
  *all = (vs_results){
      .format = VS_RESULTS_FORMAT,
      .version = VS_RESULTS_VERSION,
      .program = request->program,
      .started = start_time(&store),
      .shard = vs_said(&store, "%" PRIu64 "/%" PRIu64, request->shard, request->shards),
      .seed = vs_said(&store, "%" PRIu64, plan->seed),
      .results = {vs_take(&store, count * sizeof(vs_result)), count},
      .end.why = ""};
  all->store = store;
  for (size_t i = 0; i < request->filter_count; i++) {
    vs_add(&all->store, &all->filters, request->filters[i]);
  }
  vs_results_require(all, request->requires, request->require_count);
  if (has_scripts(plan)) all->texts = vs_results_texts(&all->store, plan);
  add_clauses(all);
  add_backends(all, plan, request);
  return all;
}

// --- one result ---------------------------------------------------------------------------------

static void add_sayings(vs_store* store, vs_result* one, const vs_case_result* result) {
  for (vs_clause_code clause = 0; clause < VS_CLAUSE_COUNT; clause++) {
    vs_verdict says = vs_result_says(result, clause);
    if (says == VS_VERDICT_NOT_JUDGED) continue;
    vs_saying* saying = vs_grow(store, &one->says, sizeof *saying);
    *saying = (vs_saying){vs_clauses[clause].id, says};
  }
}

static void add_reached(vs_store* store, vs_result* one, const vs_reached* reached) {
  for (size_t i = 0; reached->all != NULL && i < reached->all->count; i++) {
    if (reached->points[i]) vs_add(store, &one->reached, reached->all->names[i]);
  }
  for (size_t i = 0; i < reached->made.count; i++) {
    char words[VS_TRANSITION_WORDS];
    vs_transition_say(&reached->made.items[i], words);
    vs_add(store, &one->transitions, words);
  }
}

vs_result vs_results_not_judged(vs_store* store, size_t backend, const vs_case* c,
                                const char* note) {
  vs_result one = {.backend = backend,
                   .id = vs_keep(store, c->id),
                   .title = vs_keep(store, c->title),
                   .about = c->arch != 0 ? vs_arch_find(c->arch)->name : NULL,
                   .note = vs_keep(store, note)};
  for (size_t i = 0; i < c->clause_count; i++) {
    vs_add(store, &one.clauses, vs_clauses[c->clauses[i]].id);
  }
  return one;
}

vs_result vs_results_of(vs_store* store, const vs_plan* plan, const vs_case_result* result,
                        size_t backend) {
  vs_result one = vs_results_not_judged(store, backend, result->c, result->note);
  one.verdict = result->verdict;
  one.seconds = result->seconds;
  add_sayings(store, &one, result);
  add_reached(store, &one, &result->reached);
  for (vs_latitude_code code = 0; code < VS_LATITUDE_COUNT; code++) {
    bool used = result->judgement.latitudes & VS_BIT(code);
    if (used && result->verdict == VS_VERDICT_PERMITTED)
      vs_add(store, &one.latitudes, vs_latitudes[code].id);
  }
  one.failure = vs_describe_failure(store, result);
  one.command = vs_describe_command(store, "run", plan, result);
  if (one.failure != NULL) one.smaller = vs_describe_command(store, "minimize", plan, result);
  one.script = vs_describe_script(store, result);
  if (result->verdict == VS_VERDICT_BROKEN) one.remarks = vs_describe_errors(store, result);
  return one;
}

// --- the end ------------------------------------------------------------------------------------

// What was judged were two objects: their results say nothing of either.
static void mind_change(vs_column* column, const vs_target* target, vs_store* store) {
  vs_why why;
  if (target->state != VS_TARGET_READY || vs_identity_holds(&target->identity, &why)) return;
  column->state = VS_TARGET_BROKEN;
  column->reason = vs_keep(store, why.text);
}

static void close_one(vs_results* all, size_t at, const vs_plan* plan) {
  size_t backend = at / plan->case_count;
  const vs_column* column = &all->backends.at[backend];
  const char* note = "the run was stopped before";
  bool changed = column->state != plan->targets[backend].state;
  if (all->results.at[at].id != NULL && !changed) return;
  if (column->state != VS_TARGET_READY)
    note = vs_said(&all->store, "%s cannot be used: %s", column->name, column->reason);
  all->results.at[at] =
      vs_results_not_judged(&all->store, backend, plan->cases[at % plan->case_count], note);
}

size_t vs_results_count(const vs_results* results, vs_verdict shown) {
  size_t count = 0;
  for (size_t i = 0; i < results->results.count; i++) {
    count += vs_result_shown(&results->results.at[i]) == shown;
  }
  return count;
}

void vs_results_recount(vs_results* results) {
  size_t judged = 0;
  size_t count = results->results.count;
  for (size_t i = 0; i < count; i++) judged += vs_verdict_is_judged(results->results.at[i].verdict);
  results->counts = (vs_counts){count, judged, count - judged};
}

static void count_reachable(vs_column* column, const vs_target* target, const vs_plan* plan) {
  const bool counts = plan->coverage != NULL && target->state == VS_TARGET_READY;
  const vs_reachable* all = counts ? vs_coverage_of(plan->coverage, target->arch) : NULL;
  if (all != NULL) column->reachable = all->count;
}

void vs_results_close(vs_results* results, const vs_plan* plan, bool interrupted) {
  for (size_t i = 0; i < plan->target_count; i++) {
    mind_change(&results->backends.at[i], &plan->targets[i], &results->store);
    count_reachable(&results->backends.at[i], &plan->targets[i], plan);
  }
  for (size_t i = 0; i < results->results.count; i++) close_one(results, i, plan);
  results->interrupted = interrupted;
  vs_results_recount(results);
}
