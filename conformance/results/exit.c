// SPDX-License-Identifier: BSD-3-Clause
#include "exit.h"

#include "results.h"

// What results add up to.
typedef struct outcome {
  size_t judged;
  size_t failed;  // and no entry of the expectations speaks of it
  bool infrastructure;
  bool unjudged;  // a backend that was named, and of which nothing was learnt
} outcome;

static void remark(vs_results* all, const vs_column* backend, const char* how) {
  vs_add(&all->store, &all->end.remarks,
         vs_said(&all->store, "%s %s, and no case could be judged on it", backend->name, how));
}

static void take(outcome* o, vs_results* all, size_t column, bool expected) {
  const vs_column* backend = &all->backends.at[column];
  size_t judged = 0;
  for (size_t i = 0; i < all->results.count; i++) {
    const vs_result* one = &all->results.at[i];
    if (one->backend != column) continue;
    judged += vs_verdict_is_judged(one->verdict);
    o->infrastructure |= one->verdict == VS_VERDICT_BROKEN;
    o->failed += one->failure != NULL && one->expectation == NULL;
  }
  bool nothing = expected && judged == 0;
  bool ready = backend->state == VS_TARGET_READY;
  o->judged += judged;
  if (backend->required && nothing && ready) remark(all, backend, "is required");
  o->infrastructure |= backend->state == VS_TARGET_BROKEN;
  o->infrastructure |= backend->required && (nothing || backend->state == VS_TARGET_ABSENT);
  // Of a shim: no case is to blame, and it is no good sign.
  if (backend->ended_between > 0) {
    o->failed += backend->ended_between;
    vs_add(&all->store, &all->end.remarks,
           vs_said(&all->store,
                   "%s ended, or spoke unasked, %zu times between two cases: no case is to blame, "
                   "and it does not conform",
                   backend->name, backend->ended_between));
  }
  if (backend->named && nothing) remark(all, backend, "was named");
  o->unjudged |= backend->named && nothing;
}

static vs_exit decide(const vs_results* all, const outcome* o, const char** why) {
  const vs_expectations_told* e = all->expectations;
  *why = "interrupted: not every case was judged";
  if (all->interrupted) return VS_EXIT_INFRASTRUCTURE;
  *why = "shards are missing: not every case was judged";
  if (all->missing.count > 0) return VS_EXIT_INFRASTRUCTURE;
  *why = "could not judge everything that was asked for";
  if (o->infrastructure) return VS_EXIT_INFRASTRUCTURE;
  *why = "no case matches the filter (a suite is 'SUITE.*'; see vcpuspec list cases)";
  if (all->counts.expected == 0) return VS_EXIT_NOTHING;
  *why = "something does not conform";
  if (o->failed > 0) return VS_EXIT_FAILS;
  *why = "expectations are stale";
  if (e != NULL && e->stale.count > 0) return VS_EXIT_STALE;
  *why = "nothing was judged";
  if (o->judged == 0 || o->unjudged) return VS_EXIT_NOTHING;
  *why = e != NULL ? "everything that was judged conforms, or is a known failure"
                   : "everything that was judged conforms";
  return VS_EXIT_CONFORMS;
}

vs_exit vs_results_conclude(vs_results* results) {
  outcome o = {0};
  bool expected = results->counts.expected > 0 && !results->interrupted;
  results->end.remarks = (vs_texts){vs_take(&results->store, 1), 0};  // none is not absent
  for (size_t i = 0; i < results->backends.count; i++) take(&o, results, i, expected);
  results->end.status = decide(results, &o, &results->end.why);
  return (vs_exit)results->end.status;
}
