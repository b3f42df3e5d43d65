// SPDX-License-Identifier: BSD-3-Clause
#include "recorded.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cases/cases.h"
#include "executor/executor.h"

static bool is_wanted(const vs_op* op) {
  switch (op->code) {
    case VS_CALL_vcpu_enter:
    case VS_CALL_vcpu_kick:
    case VS_OP_await_guest:
    case VS_OP_join:
    case VS_OP_thread_exit:
      return false;
    default:
      return true;
  }
}

// Longer ones are many turns of a loop over values, and would be most of the whole.
static bool case_fits(const vs_script* script) {
  enum { LONGEST = 24 };
  size_t length = 0;
  for (size_t i = 0; i < script->count; i++) {
    const bool wanted = is_wanted(&script->ops[i]);
    if (!wanted && !script->ops[i].optional) return false;
    length += wanted;
  }
  return length > 0 && length <= LONGEST;
}

static bool grow(vs_recorded* r, size_t total) {
  if (total == 0) return true;
  vs_op* ops = realloc(r->ops, total * sizeof *ops);
  if (ops != NULL) r->ops = ops;
  vs_observation* observations = realloc(r->observations, total * sizeof *observations);
  if (observations != NULL) r->observations = observations;
  size_t* lengths = realloc(r->lengths, (r->count + 1) * sizeof *lengths);
  if (lengths != NULL) r->lengths = lengths;
  return ops != NULL && observations != NULL && lengths != NULL;
}

// Whatever the backend lacks makes the case one that it cannot do; what was kept of it is dropped.
static size_t record_ops(vs_recorded* r, size_t at, vs_executor* executor,
                         const vs_script* script) {
  const size_t start = at;
  for (size_t i = 0; i < script->count; i++) {
    if (!is_wanted(&script->ops[i])) continue;
    memset(&r->observations[at], 0, sizeof r->observations[at]);
    vs_execute_op(executor, &script->ops[i], &r->observations[at]);
    if (r->observations[at].outcome != VS_RETURNED && !script->ops[i].optional) return start;
    if (r->observations[at].outcome != VS_RETURNED) continue;
    r->ops[at++] = script->ops[i];
  }
  return at;
}

static bool record_case(vs_recorded* r, size_t* total, const vs_script* script,
                        const vs_opened* backend) {
  if (!case_fits(script)) return true;
  vs_executor* executor = vs_opened_executor(backend);
  if (executor == NULL) return false;
  const bool room = grow(r, *total + script->count);
  const size_t end = room ? record_ops(r, *total, executor, script) : *total;
  vs_executor_close(executor);
  if (end > *total) r->lengths[r->count++] = end - *total;
  *total = end;
  return room;
}

bool vs_record(vs_recorded* recorded, const vs_opened* backend, char* reason) {
  size_t total = 0;
  bool good = true;
  *recorded = (vs_recorded){0};
  for (size_t i = 0; i < vs_case_count && good; i++) {
    vs_script script;
    good = vs_case_script(&vs_cases[i], backend->arch, 0, &script);
    if (!good) break;
    good = record_case(recorded, &total, &script, backend);
    vs_case_script_free(&script);
  }
  if (good && total > 0) return true;
  snprintf(reason, VS_REASON_MAX, good ? "no case could be recorded" : "no memory for the cases");
  vs_recorded_free(recorded);
  return false;
}

void vs_recorded_free(vs_recorded* recorded) {
  free(recorded->lengths);
  free(recorded->ops);
  free(recorded->observations);
  *recorded = (vs_recorded){0};
}
