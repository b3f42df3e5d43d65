// SPDX-License-Identifier: BSD-3-Clause
#include "judging.h"

#include <stdlib.h>
#include <string.h>

vs_target judging_target(const char* spec) {
  vs_target target;
  if (!vs_target_parse(spec, &target)) abort();
  vs_target_probe(&target, 10);
  return target;
}

const vs_case** judging_cases(vs_clause_code clause, size_t* count) {
  const vs_case** cases = calloc(vs_case_count, sizeof *cases);
  if (cases == NULL) abort();
  *count = 0;
  for (size_t i = 0; i < vs_case_count; i++) {
    bool wanted = clause == VS_CLAUSE_COUNT || vs_has_clause(vs_case_clauses(&vs_cases[i]), clause);
    if (wanted) cases[(*count)++] = &vs_cases[i];
  }
  return cases;
}

vs_run judging_run(const vs_target* target, const vs_case* const* cases, size_t count,
                   const char* profile, double timeout) {
  vs_plan plan = {.targets = target,
                  .target_count = 1,
                  .cases = cases,
                  .case_count = count,
                  .profile = vs_profile_find(profile),
                  .jobs = 4,  // some only wait
                  .timeout = timeout};
  vs_run run;
  if (!vs_run_plan(&plan, &run)) abort();
  return run;
}

const char* judging_text(const vs_case_result* result, const char* profile) {
  static char text[8192];
  vs_plan plan = {.profile = vs_profile_find(profile)};
  memset(text, 0, sizeof text);
  FILE* out = fmemopen(text, sizeof text - 1, "w");
  if (out == NULL) return "no memory to say why";
  vs_report_result(out, result, &plan);
  fclose(out);
  return text[0] != '\0' ? text : result->note;
}
