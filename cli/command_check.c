// SPDX-License-Identifier: BSD-3-Clause
#include <stdlib.h>

#include "common.h"
#include "inputs.h"
#include "reports/show.h"

typedef struct tally {
  size_t judged;
  size_t failed;
  size_t broken;
} tally;

static vs_target target_of(const vs_document* d) {
  vs_target target = {.spec = d->backend, .state = VS_TARGET_READY, .arch = d->arch};
  snprintf(target.name, sizeof target.name, "%s", d->backend[0] ? d->backend : "a trace");
  return target;
}

static void print_verdict(const vs_case_result* result, const vs_profile* profile) {
  printf("%-11s %s (%s, %s)\n", vs_verdict_names[result->verdict], result->c->id,
         result->target->name, profile->id);
  if (result->verdict == VS_VERDICT_PERMITTED) {
    for (vs_latitude_code code = 0; code < VS_LATITUDE_COUNT; code++) {
      if (result->judgement.latitudes & VS_BIT(code))
        printf("  permitted by %s\n", vs_latitudes[code].id);
    }
  }
  if (result->verdict == VS_VERDICT_UNSUPPORTED) {
    printf("  because  %s\n", result->note);
  } else if (result->judgement.unpredicted) {
    printf("  a call is not judged, and nothing after it: the oracle does not predict it\n");
  }
}

static void check(vs_input* input, const vs_profile* profile, vs_oracle* oracle, tally* sum) {
  const vs_document* d = &input->document;
  vs_target target = target_of(d);
  vs_case_result result = {.c = &input->c, .target = &target, .script = vs_document_script(d)};
  const vs_trace trace = vs_document_trace(d);
  vs_result_judge(&result, oracle, profile, &trace);
  result.observations = d->observations;
  print_verdict(&result, profile);
  vs_plan plan = {.profile = profile};
  vs_report_result(stdout, &result, &plan);
  sum->failed += vs_verdict_is_failure(result.verdict);
  sum->broken += result.verdict == VS_VERDICT_BROKEN;
  sum->judged += vs_verdict_is_failure(result.verdict) || result.verdict == VS_VERDICT_PASS ||
                 result.verdict == VS_VERDICT_PERMITTED;
}

static bool may_check(const vs_input* input, const vs_profile* profile) {
  if (!input->document.is_trace) {
    fprintf(stderr,
            "vcpuspec: %s is a script, and holds no results: record it with vcpuspec exec, or "
            "judge it with vcpuspec run\n",
            input->c.id);
    return false;
  }
  if (profile->arch == 0 || profile->arch == input->document.arch) return true;
  fprintf(stderr, "vcpuspec: profile '%s' speaks of %s, and %s is of %s\n", profile->id,
          vs_arch_find(profile->arch)->name, input->c.id, vs_arch_find(input->document.arch)->name);
  return false;
}

static vs_exit conclude(const tally* sum) {
  if (sum->broken > 0) return VS_EXIT_INFRASTRUCTURE;
  if (sum->failed > 0) return VS_EXIT_FAILS;
  return sum->judged > 0 ? VS_EXIT_CONFORMS : VS_EXIT_NOTHING;
}

vs_exit vs_command_check(const vs_arguments* arguments) {
  static const char* const standard[] = {"-"};
  bool named = arguments->word_count > 0;
  vs_inputs inputs;
  const vs_profile* profile =
      vs_find_profile(vs_argument(arguments, VS_OPTION_PROFILE, "documented"));
  if (profile == NULL || !vs_inputs_read(&inputs, named ? arguments->words : standard,
                                         named ? arguments->word_count : 1)) {
    return VS_EXIT_USAGE;
  }
  bool good = true;
  for (size_t i = 0; i < inputs.count; i++) good = may_check(&inputs.items[i], profile) && good;
  vs_oracle* oracle = good ? malloc(sizeof *oracle) : NULL;
  tally sum = {0};
  for (size_t i = 0; oracle != NULL && i < inputs.count; i++) {
    check(&inputs.items[i], profile, oracle, &sum);
  }
  free(oracle);
  vs_inputs_free(&inputs);
  return good ? conclude(&sum) : VS_EXIT_USAGE;
}
