// SPDX-License-Identifier: BSD-3-Clause
#include "exit.h"

#include <stdio.h>
#include <string.h>

#include "put.h"
#include "results.h"

// What the results of one backend, or of all, add up to.
typedef struct tally {
  size_t judged;
  size_t broken;
  size_t failed;  // and no entry of the expectations speaks of it
} tally;

static bool has_expectation(const json_t* result) {
  return json_is_object(json_object_get(result, "expectation"));
}

static tally count(const json_t* results, size_t backend) {
  tally sum = {0};
  size_t i;
  const json_t* result;
  json_array_foreach(json_object_get(results, "results"), i, result) {
    if ((size_t)json_integer_value(json_object_get(result, "backend")) != backend) continue;
    vs_verdict verdict = vs_results_verdict(vs_results_text(result, "verdict"));
    sum.judged += vs_results_is_judged(verdict);
    sum.broken += verdict == VS_VERDICT_BROKEN;
    sum.failed += vs_verdict_is_failure(verdict) && !has_expectation(result);
  }
  return sum;
}

static bool is(const json_t* backend, const char* name) {
  return json_is_true(json_object_get(backend, name));
}

static void remark(vs_putter* p, json_t* list, const char* name, const char* how) {
  char line[256];
  snprintf(line, sizeof line, "%s %s, and no case could be judged on it", name, how);
  vs_put_text_in(p, list, line);
}

// Of a shim: no case is to blame, and it is no good sign.
static size_t deaths_between(vs_putter* p, json_t* list, const json_t* backend) {
  json_int_t count = json_integer_value(json_object_get(backend, "ended_between"));
  char line[256];
  if (count <= 0) return 0;
  snprintf(line, sizeof line,
           "%s ended, or spoke unasked, %lld times between two cases: no case is to blame, and it "
           "does not conform",
           vs_results_text(backend, "name"), (long long)count);
  vs_put_text_in(p, list, line);
  return (size_t)count;
}

typedef struct outcome {
  tally all;
  bool infrastructure;
  bool unjudged;  // a backend that was named, and of which nothing was learnt
} outcome;

static void take(outcome* o, vs_putter* p, json_t* remarks, const json_t* backend, const tally* sum,
                 bool expected) {
  const char* state = vs_results_text(backend, "state");
  const char* name = vs_results_text(backend, "name");
  bool ready = strcmp(state, "ready") == 0;
  bool nothing = expected && sum->judged == 0;
  o->all.judged += sum->judged;
  o->all.failed += sum->failed;
  if (is(backend, "required") && nothing && ready) remark(p, remarks, name, "is required");
  o->infrastructure |= strcmp(state, "broken") == 0 || sum->broken > 0;
  o->infrastructure |= is(backend, "required") && (nothing || strcmp(state, "absent") == 0);
  o->all.failed += deaths_between(p, remarks, backend);
  if (!is(backend, "named") || !nothing) return;
  remark(p, remarks, name, "was named");
  o->unjudged = true;
}

static vs_exit decide(const json_t* results, const outcome* o, const char** why) {
  const json_t* stale = json_object_get(json_object_get(results, "expectations"), "stale");
  *why = "interrupted: not every case was judged";
  if (json_is_true(json_object_get(results, "interrupted"))) return VS_EXIT_INFRASTRUCTURE;
  *why = "shards are missing: not every case was judged";
  if (json_array_size(json_object_get(results, "missing")) > 0) return VS_EXIT_INFRASTRUCTURE;
  *why = "could not judge everything that was asked for";
  if (o->infrastructure) return VS_EXIT_INFRASTRUCTURE;
  *why = "no case matches the filter (a suite is 'SUITE.*'; see vcpuspec list cases)";
  if (vs_results_count(results, "expected") == 0) return VS_EXIT_NOTHING;
  *why = "something does not conform";
  if (o->all.failed > 0) return VS_EXIT_FAILS;
  *why = "expectations are stale";
  if (json_array_size(stale) > 0) return VS_EXIT_STALE;
  *why = "nothing was judged";
  if (o->all.judged == 0 || o->unjudged) return VS_EXIT_NOTHING;
  *why = "everything that was judged conforms, or is a known failure";
  if (!json_is_object(json_object_get(results, "expectations")))
    *why = "everything that was judged conforms";
  return VS_EXIT_CONFORMS;
}

vs_exit vs_results_conclude(json_t* results) {
  vs_putter p = {false};
  outcome o = {0};
  json_t* end = json_object();
  json_t* remarks = json_array();
  bool expected = vs_results_count(results, "expected") > 0 &&
                  !json_is_true(json_object_get(results, "interrupted"));
  size_t i;
  const json_t* backend;
  json_array_foreach(json_object_get(results, "backends"), i, backend) {
    tally sum = count(results, i);
    take(&o, &p, remarks, backend, &sum, expected);
  }
  const char* why;
  vs_exit status = decide(results, &o, &why);
  vs_put_number(&p, end, "status", status);
  vs_put_text(&p, end, "why", why);
  vs_put(&p, end, "remarks", remarks);
  vs_put(&p, results, "exit", end);
  return p.failed ? VS_EXIT_INFRASTRUCTURE : status;
}
