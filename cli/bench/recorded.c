// SPDX-License-Identifier: BSD-3-Clause
#include "recorded.h"

#include <stdio.h>
#include <stdlib.h>

#include "cases/cases.h"
#include "common/refuse.h"
#include "executor/executor.h"

// Longer cases are many turns of a loop over values, and would be most of the whole.
enum { LONGEST = 24 };

static bool all_return(vs_executor* executor, const vs_script* script, vs_observation* seen) {
  for (size_t i = 0; i < script->count; i++) {
    vs_execute_op(executor, &script->ops[i], &seen[i]);
    if (seen[i].outcome != VS_RETURNED) return false;
  }
  return true;
}

// False: the case is not one of those that are kept, and nothing of it is left.
static bool record_predicted(vs_recorded_case* c, const vs_opened* backend) {
  const vs_script* script = &c->predicted.script;
  vs_executor* executor = vs_opened_executor(backend);
  c->observations = calloc(script->count, sizeof *c->observations);
  const bool kept = executor != NULL && c->observations != NULL && script->count <= LONGEST &&
                    all_return(executor, script, c->observations);
  if (executor != NULL) vs_executor_close(executor);
  if (kept) return true;
  vs_predicted_free(&c->predicted);
  free(c->observations);
  return false;
}

// The same, and: the case cannot be predicted.
static bool record_script(vs_recorded_case* c, const vs_side_setup* setup,
                          const vs_script* script) {
  vs_why why;
  const vs_arch_info* info = vs_arch_find(setup->backend->arch);
  return script->count > 0 &&
         vs_predict(script, setup->profile, info, &c->predicted, &why) == VS_PREDICT_DONE &&
         record_predicted(c, setup->backend);
}

bool vs_record(vs_recorded* recorded, const vs_side_setup* setup, vs_why* reason) {
  *recorded = (vs_recorded){.cases = calloc(vs_case_count, sizeof *recorded->cases)};
  if (recorded->cases == NULL) return vs_refuse(reason, "no memory");
  for (size_t i = 0; i < vs_case_count; i++) {
    vs_script script;
    if (!vs_case_script(&vs_cases[i], setup->backend->arch, 0, &script)) continue;
    recorded->count += record_script(&recorded->cases[recorded->count], setup, &script);
    vs_case_script_free(&script);
  }
  if (recorded->count > 0) return true;
  vs_refuse(reason, "no case could be recorded");
  vs_recorded_free(recorded);
  return false;
}

void vs_recorded_free(vs_recorded* recorded) {
  for (size_t i = 0; i < recorded->count; i++) {
    vs_predicted_free(&recorded->cases[i].predicted);
    free(recorded->cases[i].observations);
  }
  free(recorded->cases);
  *recorded = (vs_recorded){0};
}
