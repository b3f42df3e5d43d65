// SPDX-License-Identifier: BSD-3-Clause
#include "make.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "describe_failure.h"
#include "put.h"
#include "runner/describe.h"

enum { TEXT = 1024 };

// --- what stands above the results --------------------------------------------------------------

static void say_time(time_t when, char text[32]) {
  struct tm utc;
  text[0] = '\0';
  if (gmtime_r(&when, &utc) != NULL) strftime(text, 32, "%Y-%m-%dT%H:%M:%SZ", &utc);
}

void vs_results_time(char text[32]) {
  say_time(time(NULL), text);
}

// What a report tells is to be the same wherever it is made: SOURCE_DATE_EPOCH, or else now.
static void say_start(char text[32]) {
  const char* fixed = getenv("SOURCE_DATE_EPOCH");
  bool is_fixed = fixed != NULL && fixed[0] != '\0';
  say_time(is_fixed ? (time_t)strtoll(fixed, NULL, 10) : time(NULL), text);
}

static json_t* clauses(vs_putter* p) {
  json_t* list = json_array();
  for (size_t i = 0; i < VS_CLAUSE_COUNT; i++) {
    char name[64];
    const vs_clause* clause = &vs_clauses[i];
    json_t* one = json_object();
    vs_text text = vs_text_in(name, sizeof name);
    vs_say_status(&text, clause->status);
    vs_put_text(p, one, "id", clause->id);
    vs_put_text(p, one, "section", clause->section);
    vs_put_text(p, one, "sentence", clause->sentence);
    vs_put_text(p, one, "status", clause->status == ZX_OK ? NULL : name);
    vs_put_in(p, list, one);
  }
  return list;
}

// The architecture of a target that could not be opened is not known, unless it is built in.
static const char* arch_of(const vs_target* target) {
  if (target->state == VS_TARGET_READY) return vs_arch_find(target->arch)->name;
  return target->backend != NULL ? vs_arch_find(target->backend->arch)->name : "unknown";
}

static json_t* backends(vs_putter* p, const vs_plan* plan, const vs_request* request) {
  static const char* const states[] = {
      [VS_TARGET_READY] = "ready", [VS_TARGET_ABSENT] = "absent", [VS_TARGET_BROKEN] = "broken"};
  json_t* list = json_array();
  for (size_t i = 0; i < plan->target_count; i++) {
    const vs_target* target = &plan->targets[i];
    json_t* one = json_object();
    vs_put_text(p, one, "name", target->name);
    vs_put_text(p, one, "spec", target->spec);
    vs_put_text(p, one, "arch", arch_of(target));
    vs_put_text(p, one, "profile", plan->profile->id);
    vs_put_text(p, one, "state", states[target->state]);
    vs_put_text(p, one, "reason", target->state == VS_TARGET_READY ? "" : target->reason);
    vs_put(p, one, "required", json_boolean(request->required[i]));
    vs_put(p, one, "named", json_boolean(request->named[i]));
    vs_put_in(p, list, one);
  }
  return list;
}

static json_t* nothing_yet(vs_putter* p, size_t count) {
  json_t* list = json_array();
  for (size_t i = 0; i < count; i++) vs_put_in(p, list, json_null());
  return list;
}

json_t* vs_results_new(const vs_plan* plan, const vs_request* request) {
  vs_putter p = {false};
  char text[64];
  json_t* all = json_object();
  json_t* filters = json_array();
  for (size_t i = 0; i < request->filter_count; i++) {
    vs_put_text_in(&p, filters, request->filters[i]);
  }
  vs_put_text(&p, all, "format", VS_RESULTS_FORMAT);
  vs_put_number(&p, all, "version", VS_RESULTS_VERSION);
  vs_put_text(&p, all, "program", request->program);
  say_start(text);
  vs_put_text(&p, all, "started", text);
  vs_put(&p, all, "interrupted", json_false());
  snprintf(text, sizeof text, "%" PRIu64 "/%" PRIu64, request->shard, request->shards);
  vs_put_text(&p, all, "shard", text);
  snprintf(text, sizeof text, "%" PRIu64, plan->seed);
  vs_put_text(&p, all, "seed", text);
  vs_put(&p, all, "filters", filters);
  vs_put(&p, all, "counts", json_object());
  vs_put(&p, all, "clauses", clauses(&p));
  vs_put(&p, all, "backends", backends(&p, plan, request));
  vs_put(&p, all, "results", nothing_yet(&p, plan->target_count * plan->case_count));
  vs_put(&p, all, "expectations", json_null());
  vs_put(&p, all, "exit", json_object());
  if (!p.failed) return all;
  json_decref(all);
  return NULL;
}

// --- one result ---------------------------------------------------------------------------------

static json_t* declared(vs_putter* p, const vs_case* c) {
  json_t* list = json_array();
  for (size_t i = 0; i < c->clause_count; i++) {
    vs_put_text_in(p, list, vs_clauses[c->clauses[i]].id);
  }
  return list;
}

static json_t* sayings(vs_putter* p, const vs_case_result* result) {
  json_t* all = json_object();
  for (vs_clause_code clause = 0; clause < VS_CLAUSE_COUNT; clause++) {
    vs_verdict says = vs_result_says(result, clause);
    if (says == VS_VERDICT_NOT_JUDGED) continue;
    vs_put_text(p, all, vs_clauses[clause].id, vs_results_words[says]);
  }
  return all;
}

static json_t* latitudes(vs_putter* p, const vs_case_result* result) {
  json_t* list = json_array();
  if (result->verdict != VS_VERDICT_PERMITTED) return list;
  for (vs_latitude_code code = 0; code < VS_LATITUDE_COUNT; code++) {
    if (result->judgement.latitudes & VS_BIT(code)) vs_put_text_in(p, list, vs_latitudes[code].id);
  }
  return list;
}

static json_t* start(vs_putter* p, size_t backend, const vs_case* c, vs_verdict verdict,
                     double seconds) {
  json_t* one = json_object();
  vs_put_number(p, one, "backend", backend);
  vs_put_text(p, one, "case", c->id);
  vs_put_text(p, one, "title", c->title);
  vs_put(p, one, "clauses", declared(p, c));
  vs_put_text(p, one, "verdict", vs_results_words[verdict]);
  vs_put(p, one, "seconds", json_real(seconds));
  return one;
}

static json_t* whole(vs_putter* p, json_t* one) {
  vs_put(p, one, "expectation", json_null());
  if (!p->failed) return one;
  json_decref(one);
  return NULL;
}

json_t* vs_results_of(const vs_plan* plan, const vs_case_result* result, size_t backend) {
  vs_putter p = {false};
  json_t* one = start(&p, backend, result->c, result->verdict, result->seconds);
  vs_put(&p, one, "says", sayings(&p, result));
  vs_put(&p, one, "latitudes", latitudes(&p, result));
  vs_put_text(&p, one, "note", result->note);
  vs_put(&p, one, "failure", vs_describe_failure(&p, result));
  vs_put(&p, one, "command", vs_describe_command(plan, result));
  vs_put(&p, one, "script", vs_describe_script(result));
  if (result->verdict == VS_VERDICT_BROKEN) {
    vs_put(&p, one, "remarks", vs_describe_errors(&p, result));
  }
  return whole(&p, one);
}

json_t* vs_results_not_judged(size_t backend, const vs_case* c, const char* note) {
  vs_putter p = {false};
  json_t* one = start(&p, backend, c, VS_VERDICT_NOT_JUDGED, 0);
  vs_put(&p, one, "says", json_object());
  vs_put(&p, one, "latitudes", json_array());
  vs_put_text(&p, one, "note", note);
  vs_put(&p, one, "failure", json_null());
  vs_put(&p, one, "command", json_null());
  vs_put(&p, one, "script", json_null());
  return whole(&p, one);
}

// --- the end ------------------------------------------------------------------------------------

static bool close_one(json_t* list, size_t at, const vs_plan* plan) {
  char note[TEXT];
  size_t backend = at / plan->case_count;
  const vs_target* target = &plan->targets[backend];
  if (!json_is_null(json_array_get(list, at))) return true;
  if (target->state == VS_TARGET_READY) {
    snprintf(note, sizeof note, "the run was stopped before");
  } else {
    snprintf(note, sizeof note, "%s cannot be used: %s", target->name, target->reason);
  }
  json_t* one = vs_results_not_judged(backend, plan->cases[at % plan->case_count], note);
  return json_array_set_new(list, at, one) == 0;
}

bool vs_results_recount(json_t* results) {
  vs_putter p = {false};
  json_t* counts = json_object();
  size_t judged = 0;
  size_t i;
  const json_t* one;
  const json_t* list = json_object_get(results, "results");
  json_array_foreach(list, i, one) {
    judged += vs_results_is_judged(vs_results_verdict(vs_results_text(one, "verdict")));
  }
  vs_put_number(&p, counts, "expected", json_array_size(list));
  vs_put_number(&p, counts, "judged", judged);
  vs_put_number(&p, counts, "not_judged", json_array_size(list) - judged);
  vs_put(&p, results, "counts", counts);
  return !p.failed;
}

bool vs_results_close(json_t* results, const vs_plan* plan, bool interrupted) {
  json_t* list = json_object_get(results, "results");
  for (size_t i = 0; i < json_array_size(list); i++) {
    if (!close_one(list, i, plan)) return false;
  }
  return json_object_set_new(results, "interrupted", json_boolean(interrupted)) == 0 &&
         vs_results_recount(results);
}
