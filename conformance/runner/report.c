// SPDX-License-Identifier: BSD-3-Clause
#include "report.h"

#include "results/make.h"
#include "results/show.h"

void vs_report_result(FILE* out, const vs_case_result* result, const vs_plan* plan) {
  const vs_screen screen = vs_screen_of(out);
  json_t* one = vs_results_of(plan, result, 0);
  if (one == NULL) {
    fprintf(out, "%s %s on %s: no memory to say more\n", vs_verdict_names[result->verdict],
            result->c->id, result->target->name);
  } else {
    vs_show_result(&screen, one, result->target->name, NULL);
  }
  json_decref(one);
}

vs_verdict vs_clause_verdict(const vs_run* run, const vs_target* target, vs_clause_code clause) {
  vs_verdict verdict = VS_VERDICT_NOT_JUDGED;
  for (size_t i = 0; i < run->count; i++) {
    if (run->results[i].target != target) continue;
    verdict = vs_verdict_worse(verdict, vs_result_says(&run->results[i], clause));
  }
  return verdict;
}

size_t vs_run_count(const vs_run* run, const vs_target* target, vs_verdict verdict) {
  size_t count = 0;
  for (size_t i = 0; i < run->count; i++) {
    count += run->results[i].target == target && run->results[i].verdict == verdict;
  }
  return count;
}
