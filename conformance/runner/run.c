// SPDX-License-Identifier: BSD-3-Clause
#include "run.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "record.h"

static const double LOOK_EVERY = 0.2;  // seconds

typedef struct job {
  vs_case_result* result;  // NULL: idle
  vs_recording recording;
  double since;
  unsigned tried;   // times that the case was recorded
  unsigned failed;  // and failed
} job;

static void keep_observations(vs_case_result* result, const vs_observation* observations) {
  size_t size = result->script.count * sizeof *observations;
  free(result->observations);
  result->observations = size > 0 ? malloc(size) : NULL;
  if (result->observations != NULL) memcpy(result->observations, observations, size);
}

void vs_run_judge(vs_case_result* result, const vs_plan* plan, vs_oracle* oracle,
                  const vs_trace* trace) {
  const vs_reachable* all =
      plan->coverage != NULL ? vs_coverage_of(plan->coverage, trace->arch) : NULL;
  if (all != NULL) (void)vs_reached_begin(&result->reached, all);
  vs_result_judge(result, oracle, plan->profile, trace);
  if (result->verdict != VS_VERDICT_PASS) keep_observations(result, trace->observations);
}

static bool send(const vs_plan* plan, vs_event event) {
  return plan->sink != NULL && plan->sink(&event, plan->context);
}

// The second half of a case: what was recorded is judged.
static void judge(vs_case_result* result, const vs_plan* plan, vs_recording* recording,
                  vs_oracle* oracle) {
  vs_trace trace = vs_recording_trace(recording);
  send(plan, (vs_event){.kind = VS_EVENT_RECORDED, .result = result, .trace = &trace});
  vs_run_judge(result, plan, oracle, &trace);
  bool done = trace.end == VS_TRACE_DONE;
  bool silent = done && result->verdict != VS_VERDICT_FAIL;
  if (!silent) vs_recording_say_errors(recording, result->errors, sizeof result->errors);
  if (!done) vs_recording_say_death_word(recording, result->died);
}

bool vs_run_case(vs_case_result* result, const vs_plan* plan, vs_oracle* oracle) {
  vs_recording recording;
  if (!vs_recording_start(&recording, result->target, &result->script, plan->timeout)) return false;
  vs_recording_wait(&recording);
  judge(result, plan, &recording, oracle);
  vs_recording_free(&recording);
  return true;
}

static void broken(vs_case_result* result, const char* why) {
  result->verdict = VS_VERDICT_BROKEN;
  snprintf(result->note, sizeof result->note, "%s", why);
}

// Nothing more is learnt of a backend whose files are others now.
static bool is_same(vs_case_result* result) {
  vs_why why;
  if (vs_identity_holds(&result->target->identity, &why)) return true;
  broken(result, why.text);
  return false;
}

static bool start(job* j, vs_case_result* result, const vs_plan* plan) {
  if (!is_same(result)) return false;
  if (!vs_case_script(result->c, result->target->arch, plan->seed, &result->script)) {
    broken(result, "no memory is left for the script of the case");
    return false;
  }
  j->result = result;
  j->since = vs_now();
  if (vs_recording_start(&j->recording, result->target, &result->script, plan->timeout)) {
    return true;
  }
  j->result = NULL;
  broken(result, "this machine has no process or memory to spare");
  return false;
}

bool vs_script_races(const vs_script* script) {
  for (size_t i = 0; i < script->count; i++) {
    const vs_op* op = &script->ops[i];
    bool races = op->async && op->code != VS_CALL_vcpu_enter;
    if (races || op->rewrite.mode != VS_REWRITE_NONE) return true;
  }
  return false;
}

// Another failure of the same case, met when it was run again, is not lost: a death is told in the
// place of a first failure that is none.
static void take_over(vs_case_result* first, vs_case_result* again) {
  bool graver =
      again->verdict == VS_VERDICT_FAIL && again->died[0] != '\0' && first->died[0] == '\0';
  if (!graver) return;
  vs_case_result was = *first;
  first->judgement = again->judgement;
  first->observations = again->observations;
  first->touched = again->touched;
  first->also = again->also;
  first->also_count = again->also_count;
  memcpy(first->note, again->note, sizeof first->note);
  memcpy(first->died, again->died, sizeof first->died);
  memcpy(first->errors, again->errors, sizeof first->errors);
  again->observations = was.observations;
  again->also = was.also;
}

bool vs_run_tries_again(const vs_case_result* result) {
  return result->verdict == VS_VERDICT_FAIL && vs_script_races(&result->script);
}

void vs_run_take_try(vs_case_result* first, vs_case_result* again, unsigned* failed) {
  *failed += again->verdict == VS_VERDICT_FAIL;
  take_over(first, again);
  free(again->observations);
  free(again->also);
  vs_reached_free(&again->reached);
}

void vs_run_end_tries(vs_case_result* first, unsigned failed, unsigned tried) {
  if (failed == tried) return;
  first->verdict = VS_VERDICT_FLAKY;
  snprintf(first->note, sizeof first->note, "its threads race, and it failed in %u of %u runs",
           failed, tried);
}

// A race that went wrong is run again, on the side: the first failure is what is reported. True:
// the job goes on.
static bool try_again(job* j, const vs_plan* plan, vs_oracle* oracle) {
  vs_case_result* first = j->result;
  if (j->tried == 1) {
    if (!vs_run_tries_again(first)) return false;
    j->failed = 1;
  } else {
    vs_case_result again = {.c = first->c, .target = first->target, .script = first->script};
    judge(&again, plan, &j->recording, oracle);
    vs_run_take_try(first, &again, &j->failed);
  }
  if (j->tried < VS_RUN_TRIES) {
    vs_recording_free(&j->recording);
    if (vs_recording_start(&j->recording, first->target, &first->script, plan->timeout))
      return true;
  }
  vs_run_end_tries(first, j->failed, j->tried);
  return false;
}

static void keep(const vs_plan* plan, const vs_run* run, const vs_case_result* result) {
  send(plan, (vs_event){.kind = VS_EVENT_JUDGED, .run = run, .result = result});
}

static void tell(const vs_plan* plan, const vs_run* run, const vs_case_result* result) {
  send(plan, (vs_event){.kind = VS_EVENT_TURN, .run = run, .result = result});
}

static void finish(job* j, const vs_plan* plan, const vs_run* run, vs_oracle* oracle) {
  if (j->tried++ == 0) judge(j->result, plan, &j->recording, oracle);
  if (try_again(j, plan, oracle)) return;
  vs_recording_free(&j->recording);
  j->result->seconds = vs_now() - j->since;
  keep(plan, run, j->result);
  // The fewer pages this process has, the sooner a case's process is there.
  if (j->result->observations == NULL) vs_case_script_free(&j->result->script);
  j->result = NULL;
  j->tried = 0;
}

static bool stands(const vs_case_result* result) {
  return result->earlier || result->verdict != VS_VERDICT_NOT_JUDGED;
}

// Asked to stop: what is finished is told, what is not stays VS_VERDICT_NOT_JUDGED.
static void wind_up(const vs_plan* plan, vs_run* run, job* jobs, size_t told) {
  for (unsigned i = 0; i < plan->jobs; i++) {
    vs_case_result* result = jobs[i].result;
    if (result == NULL) continue;
    vs_recording_free(&jobs[i].recording);
    if (result->verdict == VS_VERDICT_NOT_JUDGED) continue;
    // A race that was being tried again has failed at least once.
    result->provisional = true;
    keep(plan, run, result);
  }
  for (size_t i = told; i < run->count; i++) {
    if (stands(&run->results[i])) tell(plan, run, &run->results[i]);
  }
}

// A verdict that no job may still change.
static bool is_final(const job* jobs, unsigned count, const vs_case_result* result) {
  for (unsigned i = 0; i < count; i++) {
    if (jobs[i].result == result) return false;
  }
  return stands(result);
}

// False: it wants no process, or the machine cannot start it.
static bool begin(job* j, vs_case_result* result, const vs_plan* plan, const vs_run* run) {
  if (result->earlier) return false;
  if (result->verdict == VS_VERDICT_NOT_JUDGED && start(j, result, plan)) return true;
  keep(plan, run, result);
  return false;
}

// A shim plays one script at a time.
static bool is_busy(const job* jobs, unsigned count, const vs_target* target) {
  if (target->shim == NULL) return false;
  for (unsigned i = 0; i < count; i++) {
    if (jobs[i].result != NULL && jobs[i].result->target == target) return true;
  }
  return false;
}

// The next result that is to be made and can be; `*first` is the first that was not begun. NULL:
// there is none now.
static vs_case_result* next_result(const vs_plan* plan, vs_run* run, const job* jobs,
                                   size_t* first) {
  while (*first < run->count && run->results[*first].begun) ++*first;
  for (size_t i = *first; i < run->count; i++) {
    vs_case_result* result = &run->results[i];
    if (result->begun || result->target == NULL) continue;
    if (is_busy(jobs, plan->jobs, result->target)) continue;
    result->begun = true;
    return result;
  }
  return NULL;
}

// What runs on a backend that is another now is not waited for.
static void end_changed(job* j, const vs_plan* plan, const vs_run* run) {
  if (j->result == NULL || is_same(j->result)) return;
  vs_recording_free(&j->recording);
  keep(plan, run, j->result);
  j->result = NULL;
  j->tried = 0;
}

static bool is_stopped(const vs_plan* plan) {
  return vs_waits_stopped() || (plan->stop != NULL && *plan->stop);
}

// Fills idle jobs and collects ended ones until every result stands.
static void run_jobs(const vs_plan* plan, vs_run* run, job* jobs, vs_oracle* oracle) {
  size_t first = 0;
  size_t told = 0;
  double looked = vs_now();  // at the files of backends
  vs_children_watch(true);
  while (told < run->count && !is_stopped(plan)) {
    bool moved = false;
    const bool look = vs_now() - looked > LOOK_EVERY;
    if (look) looked = vs_now();
    for (unsigned i = 0; i < plan->jobs; i++) {
      job* j = &jobs[i];
      if (look) end_changed(j, plan, run);
      const bool ended = j->result != NULL && vs_recording_ended(&j->recording);
      if (vs_waits_stopped()) break;  // what gave up for that says nothing
      if (ended) {
        finish(j, plan, run, oracle);
        moved = true;
      }
      while (j->result == NULL) {
        vs_case_result* result = next_result(plan, run, jobs, &first);
        if (result == NULL) break;
        moved = true;
        if (begin(j, result, plan, run)) break;
      }
    }
    while (told < run->count && is_final(jobs, plan->jobs, &run->results[told])) {
      tell(plan, run, &run->results[told++]);
    }
    send(plan, (vs_event){.kind = VS_EVENT_IDLE});
    if (!moved && told < run->count) vs_children_await_one();
  }
  vs_children_watch(false);
  if (told < run->count) wind_up(plan, run, jobs, told);
}

bool vs_run_is_elsewhere(vs_case_result* result) {
  const vs_case* c = result->c;
  if (c->arch == 0 || c->arch == result->target->arch) return false;
  result->verdict = VS_VERDICT_UNSUPPORTED;
  snprintf(result->note, sizeof result->note, "the case is about %s", vs_arch_find(c->arch)->name);
  return true;
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
      result->earlier = send(plan, (vs_event){.kind = VS_EVENT_ASKED, .target = t, .at = i});
      if (!result->earlier) vs_run_is_elsewhere(result);
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
  for (size_t i = 0; i < plan->target_count; i++) {
    if (plan->targets[i].shim != NULL) vs_shim_stop(plan->targets[i].shim);
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
    free(run->results[i].also);
    vs_reached_free(&run->results[i].reached);
  }
  free(run->results);
  *run = (vs_run){0};
}

size_t vs_run_count(const vs_run* run, const vs_target* target, vs_verdict verdict) {
  size_t count = 0;
  for (size_t i = 0; i < run->count; i++) {
    count += run->results[i].target == target && run->results[i].verdict == verdict;
  }
  return count;
}
