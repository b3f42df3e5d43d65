// SPDX-License-Identifier: BSD-3-Clause
#include "run.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "executor/executor.h"
#include "guest/guest.h"

const char* const vs_verdict_names[VS_VERDICT_COUNT] = {
    [VS_VERDICT_NOT_JUDGED] = "not judged",   [VS_VERDICT_PASS] = "pass",
    [VS_VERDICT_PERMITTED] = "permitted",     [VS_VERDICT_FAIL] = "FAIL",
    [VS_VERDICT_UNSUPPORTED] = "unsupported", [VS_VERDICT_BROKEN] = "BROKEN",
    [VS_VERDICT_CUT_SHORT] = "cut short",
};

// What the recording process leaves behind, in memory that outlives it.
typedef struct record {
  uint32_t progress;  // ops that have ended
  bool executing;
  bool done;
  char reason[VS_REASON_MAX];
  vs_observation observations[];
} record;

typedef struct job {
  vs_case_result* result;  // NULL: idle
  vs_child child;
  record* record;
  size_t size;        // bytes of record
  uint32_t progress;  // as last seen
} job;

// --- in the recording process -----------------------------------------------------------------

static void record_case(void* argument) {
  job* j = argument;
  vs_opened opened;
  if (!vs_target_open(j->result->target, &opened, j->record->reason)) return;
  vs_executor* executor = vs_executor_open(opened.calls, opened.arch, opened.resource);
  if (executor == NULL) {
    snprintf(j->record->reason, VS_REASON_MAX, "no memory for the buffers of a case");
    return;
  }
  j->record->executing = true;
  const vs_script* script = &j->result->script;
  for (size_t i = 0; i < script->count; i++) {
    vs_execute_op(executor, &script->ops[i], &j->record->observations[i]);
    __atomic_store_n(&j->record->progress, (uint32_t)(i + 1), __ATOMIC_RELAXED);
  }
  j->record->done = true;
}

// --- in the judging process -------------------------------------------------------------------

static void note_setup(vs_case_result* result, const vs_observation* seen) {
  snprintf(result->note, sizeof result->note, "%s returned %d, and the case needs ZX_OK of it",
           vs_call_name(seen->call), seen->status);
}

static void note_missing(vs_case_result* result, size_t at, const vs_observation* seen) {
  const vs_op* op = &result->script.ops[at];
  vs_arch arch = result->target->arch;
  if (op->code == VS_OP_VCPU_CREATE && !vs_guest_has(arch, op->program)) {
    snprintf(result->note, sizeof result->note, "for want of ports: %s has none",
             vs_arch_find(arch)->name);
    return;
  }
  snprintf(result->note, sizeof result->note, "for want of %s", vs_call_name(seen->call));
}

static bool is_look(const vs_op* op) {
  return op->code == VS_OP_READ_STATE || op->code == VS_OP_ENTER;
}

// Nothing was wrong, but what the case is about was not seen: mostly for want of a way to look.
static void note_subject(vs_case_result* result, const vs_observation* observations) {
  const vs_clause_set by_status = VS_BIT(VS_CLAUSE_BAD_HANDLE) | VS_BIT(VS_CLAUSE_DERIVED);
  bool looks = !(by_status & VS_BIT(result->c->clauses[0]));
  for (size_t i = 0; i < result->script.count && looks; i++) {
    if (!is_look(&result->script.ops[i]) || observations[i].outcome != VS_UNSUPPORTED) continue;
    note_missing(result, i, &observations[i]);
    return;
  }
  snprintf(
      result->note, sizeof result->note,
      "what it is about did not come up (a closed value came back, or the architecture lacks it)");
}

static void conclude_judged(vs_case_result* result, const vs_observation* observations) {
  const vs_judgement* judgement = &result->judgement;
  switch (judgement->step) {
    case VS_STEP_VIOLATION:
      result->verdict = VS_VERDICT_FAIL;
      return;
    case VS_STEP_UNSUPPORTED:
      result->verdict = VS_VERDICT_UNSUPPORTED;
      if (observations[judgement->at].outcome == VS_UNSUPPORTED) {
        note_missing(result, judgement->at, &observations[judgement->at]);
      } else {
        note_setup(result, &observations[judgement->at]);
      }
      return;
    case VS_STEP_BROKEN:
      result->verdict = VS_VERDICT_BROKEN;
      snprintf(result->note, sizeof result->note, "the case's script makes no sense at op %zu",
               judgement->at);
      return;
    default:
      break;
  }
  if (judgement->attested & VS_BIT(result->c->clauses[0])) {
    result->verdict = judgement->latitudes ? VS_VERDICT_PERMITTED : VS_VERDICT_PASS;
    return;
  }
  result->verdict = VS_VERDICT_UNSUPPORTED;
  note_subject(result, observations);
}

static void note_death(vs_case_result* result, const vs_plan* plan, const job* j,
                       const char* when) {
  char death[128];
  vs_death_describe(&j->child, plan->timeout, death, sizeof death);
  snprintf(result->note, sizeof result->note, "the backend %s%s", death, when);
}

// The implementation ended between two calls, or before the first: no op is to blame.
static void conclude_death(vs_case_result* result, const vs_plan* plan, const job* j) {
  bool before = !j->record->executing;
  result->verdict = before ? VS_VERDICT_BROKEN : VS_VERDICT_FAIL;
  note_death(result, plan, j, before ? " when it was opened" : " between two calls");
  j->record->reason[VS_REASON_MAX - 1] = '\0';  // whatever the backend did to it
  if (before && j->record->reason[0] != '\0') {
    snprintf(result->note, sizeof result->note, "%s", j->record->reason);
  }
}

static bool keep_observations(vs_case_result* result, const vs_observation* observations) {
  size_t size = result->script.count * sizeof *observations;
  if (size == 0) return false;
  result->observations = malloc(size);
  if (result->observations != NULL) memcpy(result->observations, observations, size);
  return result->observations != NULL;
}

static void judge(vs_case_result* result, const vs_plan* plan, const job* j, vs_oracle* oracle) {
  const vs_observation* observations = j->record->observations;
  vs_trace trace = {result->script, result->target->arch, observations};
  result->judgement = vs_judge(oracle, &trace, plan->profile);
  bool whole = j->record->done || result->judgement.step == VS_STEP_VIOLATION;
  if (whole) {
    conclude_judged(result, observations);
    bool within = result->judgement.violation.kind == VS_VIOLATION_NO_RETURN;
    if (!j->record->done) note_death(result, plan, j, within ? "" : " later on");
  } else {
    conclude_death(result, plan, j);
  }
  if (result->verdict != VS_VERDICT_PASS) keep_observations(result, observations);
}

static void broken(vs_case_result* result, const char* why) {
  result->verdict = VS_VERDICT_BROKEN;
  snprintf(result->note, sizeof result->note, "%s", why);
}

static bool start(job* j, vs_case_result* result, const vs_plan* plan) {
  j->progress = 0;
  j->size = sizeof(record) + result->script.count * sizeof(vs_observation);
  j->record = vs_shared_new(j->size);
  j->result = result;
  if (j->record && vs_child_start(&j->child, plan->timeout, record_case, j)) return true;
  vs_shared_free(j->record, j->size);
  j->result = NULL;
  broken(result, "this machine has no process or memory to spare");
  return false;
}

// The time is for one call: whoever gets on has it anew.
static bool has_ended(job* j, const vs_plan* plan) {
  uint32_t progress = __atomic_load_n(&j->record->progress, __ATOMIC_RELAXED);
  if (progress != j->progress) j->child.deadline = vs_now() + plan->timeout;
  j->progress = progress;
  return vs_child_ended(&j->child);
}

static void finish(job* j, const vs_plan* plan, vs_oracle* oracle) {
  judge(j->result, plan, j, oracle);
  vs_shared_free(j->record, j->size);
  j->result = NULL;
}

// Asked to stop: what is finished is told, what is not stays VS_VERDICT_NOT_JUDGED.
static void wind_up(const vs_plan* plan, vs_run* run, job* jobs, size_t told) {
  for (unsigned i = 0; i < plan->jobs; i++) {
    if (jobs[i].result == NULL) continue;
    vs_child_kill(&jobs[i].child);
    vs_shared_free(jobs[i].record, jobs[i].size);
  }
  for (size_t i = told; i < run->count && plan->tell; i++) {
    bool finished = run->results[i].verdict != VS_VERDICT_NOT_JUDGED;
    if (finished) plan->tell(run, &run->results[i], plan->context);
  }
}

// Fills idle jobs and collects ended ones until every result stands.
static void run_jobs(const vs_plan* plan, vs_run* run, job* jobs, vs_oracle* oracle) {
  const struct timespec pause = {0, 100000};
  size_t next = 0;
  size_t told = 0;
  while (told < run->count && !(plan->stop && *plan->stop)) {
    bool moved = false;
    for (unsigned i = 0; i < plan->jobs; i++) {
      job* j = &jobs[i];
      if (j->result != NULL && has_ended(j, plan)) {
        finish(j, plan, oracle);
        moved = true;
      }
      while (j->result == NULL && next < run->count) {
        vs_case_result* result = &run->results[next++];
        moved = true;
        if (result->verdict == VS_VERDICT_NOT_JUDGED && start(j, result, plan)) break;
      }
    }
    while (told < run->count && run->results[told].verdict != VS_VERDICT_NOT_JUDGED) {
      if (plan->tell) plan->tell(run, &run->results[told], plan->context);
      told++;
    }
    if (!moved && told < run->count) nanosleep(&pause, NULL);
  }
  if (told < run->count) wind_up(plan, run, jobs, told);
}

static bool prepare(const vs_plan* plan, vs_run* run) {
  size_t possible = plan->target_count * plan->case_count;
  run->results = calloc(possible > 0 ? possible : 1, sizeof *run->results);
  if (run->results == NULL) return false;
  for (size_t t = 0; t < plan->target_count; t++) {
    if (plan->targets[t].state != VS_TARGET_READY) continue;
    for (size_t i = 0; i < plan->case_count; i++) {
      vs_case_result* result = &run->results[run->count++];
      result->target = &plan->targets[t];
      result->c = plan->cases[i];
      if (!vs_case_script(result->c, result->target->arch, plan->seed, &result->script)) {
        return false;
      }
    }
  }
  return true;
}

bool vs_run_plan(const vs_plan* plan, vs_run* run) {
  *run = (vs_run){0};
  vs_oracle* oracle = malloc(sizeof *oracle);
  job* jobs = calloc(plan->jobs, sizeof *jobs);
  bool ready = oracle != NULL && jobs != NULL && prepare(plan, run);
  if (ready) {
    run_jobs(plan, run, jobs, oracle);
  } else {
    vs_run_free(run);
  }
  vs_children_end();
  free(jobs);
  free(oracle);
  return ready;
}

void vs_run_free(vs_run* run) {
  for (size_t i = 0; i < run->count; i++) {
    vs_case_script_free(&run->results[i].script);
    free(run->results[i].observations);
  }
  free(run->results);
  *run = (vs_run){0};
}

vs_clause_set vs_result_broken(const vs_case_result* result) {
  if (result->verdict != VS_VERDICT_FAIL) return 0;
  bool cited = result->judgement.step == VS_STEP_VIOLATION;
  return cited ? result->judgement.broken : VS_BIT(result->c->clauses[0]);
}

vs_clause_set vs_result_borne_out(const vs_case_result* result) {
  bool judged = result->verdict == VS_VERDICT_PASS || result->verdict == VS_VERDICT_PERMITTED ||
                result->verdict == VS_VERDICT_FAIL;
  return judged ? vs_case_clauses(result->c) & result->judgement.attested : 0;
}
