// SPDX-License-Identifier: BSD-3-Clause
#include "historic.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "runner/run.h"

const vs_historic vs_historics[] = {
#define VS_HISTORIC(id, who, what, backend, profile, shown, passes, source) \
  {id, who, what, backend, profile, shown, passes, source},
#include "historic.def"
#undef VS_HISTORIC
};
const size_t vs_historic_count = sizeof vs_historics / sizeof vs_historics[0];

static bool run(const vs_target* target, const char* profile, const vs_kill_plan* plan,
                const vs_case* const* cases, size_t count, vs_run* made) {
  vs_plan one = {.targets = target,
                 .target_count = 1,
                 .cases = cases,
                 .case_count = count,
                 .profile = vs_profile_find(profile),
                 .jobs = plan->jobs,
                 .timeout = plan->timeout,
                 .stop = plan->stop};
  return vs_run_plan(&one, made);
}

static const vs_case* find_case(const vs_kill_plan* plan, const char* id) {
  for (size_t i = 0; i < plan->case_count; i++) {
    if (strcmp(plan->cases[i]->id, id) == 0) return plan->cases[i];
  }
  return NULL;
}

static bool judge_caught(const vs_historic* row, const vs_target* target, const vs_kill_plan* plan,
                         vs_historic_result* result) {
  vs_run made;
  const vs_case* shown = find_case(plan, row->shown);
  result->caught = row->profile[0] == '\0';
  if (result->caught) return true;
  if (shown == NULL) {
    snprintf(result->note, sizeof result->note, "there is no case %s", row->shown);
    return true;
  }
  if (!run(target, row->profile, plan, &shown, 1, &made)) return false;
  result->caught = made.count == 1 && vs_verdict_is_failure(made.results[0].verdict);
  if (!result->caught) {
    snprintf(result->note, sizeof result->note, "%s does not fail under %s", row->shown,
             row->profile);
  }
  vs_run_free(&made);
  return true;
}

static bool judge_passes(const vs_historic* row, const vs_target* target, const vs_kill_plan* plan,
                         vs_historic_result* result) {
  vs_run made;
  result->passes = true;
  if (row->passes[0] == '\0') return true;
  if (!run(target, row->passes, plan, plan->cases, plan->case_count, &made)) return false;
  result->passes = vs_run_count(&made, target, VS_VERDICT_PASS) > 0;
  for (size_t i = 0; i < made.count && result->passes; i++) {
    result->passes = !vs_verdict_is_failure(made.results[i].verdict);
    if (result->passes) continue;
    snprintf(result->note, sizeof result->note, "%s fails under %s", made.results[i].c->id,
             row->passes);
  }
  vs_run_free(&made);
  return true;
}

bool vs_historic_judge(const vs_historic* row, const vs_kill_plan* plan,
                       vs_historic_result* result) {
  vs_target target;
  *result = (vs_historic_result){0};
  if (!vs_target_parse(row->backend, &target)) {
    snprintf(result->note, sizeof result->note, "there is no backend %s", row->backend);
    return true;
  }
  vs_target_probe(&target, 10);
  if (target.state != VS_TARGET_READY) {
    snprintf(result->note, sizeof result->note, "%s", target.reason.text);
    return true;
  }
  return judge_caught(row, &target, plan, result) && judge_passes(row, &target, plan, result);
}
