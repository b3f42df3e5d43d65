// SPDX-License-Identifier: BSD-3-Clause
#include "conclude.h"

#include "require.h"
#include "view.h"

#define UNJUDGED ", and no case could be judged on it"

// What results add up to.
typedef struct outcome {
  size_t judged;
  size_t failed;
  bool infrastructure;
  bool unmet;     // something that is required is unsupported
  bool unjudged;  // a backend that was named, and of which nothing was learnt
} outcome;

static void take(outcome* o, vs_results* all, const vs_column* backend, const vs_tally* tally) {
  vs_store* store = &all->store;
  vs_texts* remarks = &all->end.remarks;
  bool nothing = all->counts.expected > 0 && !all->interrupted && tally->judged == 0;
  bool ready = backend->state == VS_TARGET_READY;
  o->judged += tally->judged;
  o->failed += tally->unknown + backend->ended_between;
  o->infrastructure |= backend->state == VS_TARGET_BROKEN || tally->of[VS_VERDICT_BROKEN] > 0;
  const size_t lost = ready && !all->interrupted ? tally->of[VS_VERDICT_NOT_JUDGED] : 0;
  o->infrastructure |= lost > 0;
  o->infrastructure |= backend->required && (nothing || backend->state == VS_TARGET_ABSENT);
  o->unjudged |= backend->named && nothing;
  if (lost > 0 && !nothing) {  // where a shard of it ran
    vs_add(store, remarks,
           vs_said(store, "%s: %zu results are lost: they were not judged", backend->name, lost));
  }
  if (backend->required && nothing && ready)
    vs_add(store, remarks, vs_said(store, "%s is required" UNJUDGED, backend->name));
  if (backend->ended_between > 0) {  // of a shim
    vs_add(store, remarks,
           vs_said(store,
                   "%s ended, or spoke unasked, %zu times between two cases: no case is to blame, "
                   "and it does not conform",
                   backend->name, backend->ended_between));
  }
  if (backend->named && nothing)
    vs_add(store, remarks, vs_said(store, "%s was named" UNJUDGED, backend->name));
}

static vs_exit decide(const vs_results* all, const outcome* o, const char** why) {
  const vs_expectations_told* e = all->expectations;
  *why = "interrupted: not every case was judged";
  if (all->interrupted) return VS_EXIT_INFRASTRUCTURE;
  *why = "shards are missing: not every case was judged";
  if (all->missing.count > 0) return VS_EXIT_INFRASTRUCTURE;
  *why = "could not judge everything that was asked for";
  if (o->infrastructure) return VS_EXIT_INFRASTRUCTURE;
  *why = "could not judge what --require demands";
  if (o->unmet) return VS_EXIT_INFRASTRUCTURE;
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
  vs_view view = vs_view_of(results);
  results->end.remarks = (vs_texts){vs_take(&results->store, 1), 0};  // none is not absent
  for (size_t i = 0; i < results->backends.count; i++) {
    take(&o, results, &results->backends.at[i], &view.of[i]);
  }
  vs_view_free(&view);
  o.unmet = vs_results_unmet(results) > 0;
  results->end.status = decide(results, &o, &results->end.why);
  return (vs_exit)results->end.status;
}
