// SPDX-License-Identifier: BSD-3-Clause
#include "known.h"

#include "results/make.h"

static vs_failing failing_of(const vs_campaign_plan* plan) {
  return (vs_failing){
      .backend = plan->target->spec, .name = plan->target->name, .profile = plan->profile->id};
}

void vs_known_mark(const vs_campaign_plan* plan, vs_finding* finding) {
  char day[VS_DAY];
  vs_failing failing = failing_of(plan);
  finding->known = NULL;
  if (plan->known == NULL || finding->answer[0] == '\0') return;
  vs_results_today(day);
  failing.answer = finding->answer;
  if (finding->has_clause) failing.clause = vs_clauses[finding->clause].id;
  finding->known = vs_expectations_find(plan->known, &failing, day);
}

size_t vs_known_count(const vs_campaign_outcome* outcome) {
  size_t count = 0;
  for (size_t i = 0; i < outcome->finding_count; i++) count += outcome->findings[i].known != NULL;
  return count;
}

const vs_expectation* vs_known_next_over(const vs_campaign_plan* plan, size_t* at) {
  char day[VS_DAY];
  const vs_failing failing = failing_of(plan);
  vs_results_today(day);
  while (plan->known != NULL && *at < plan->known->entries.count) {
    const vs_expectation* entry = &plan->known->entries.at[(*at)++];
    if (vs_expectation_is_over(entry, &failing, day)) return entry;
  }
  return NULL;
}

void vs_known_tell_over(FILE* out, const vs_campaign_plan* plan) {
  size_t at = 0;
  const vs_expectation* entry;
  while ((entry = vs_known_next_over(plan, &at)) != NULL) {
    fprintf(out,
            "expired  %s:%zu: it was to last until %s, and does not count: mend what fails, or "
            "find a new day for it\n",
            plan->known->path, entry->line, entry->words[VS_EXPECT_EXPIRES]);
  }
}

const char* vs_known_state(const vs_expectation* entry) {
  return entry->disputed ? "disputed" : "known";
}
