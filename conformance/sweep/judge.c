// SPDX-License-Identifier: BSD-3-Clause
#include "judge.h"

#include <string.h>

#include "compose.h"
#include "text/calls.h"

// --- what breaks --------------------------------------------------------------------------------

static void note(vs_judge_of_sweep* j, const vs_violation* why, uint64_t from, uint64_t to) {
  vs_failure failure = {.key = vs_failure_key_of(why), .count = 1, .stage = j->stage};
  failure.from = from;
  failure.to = to;
  vs_failures_note(j->failures, &failure);
}

// A step that goes on after a violation, with what was observed. False: it was one.
static bool step(vs_judge_of_sweep* j, const vs_op* op, const vs_observation* seen, uint64_t from,
                 uint64_t to) {
  vs_violation why = {0};
  vs_oracle_save(&j->oracle);
  vs_step result = vs_oracle_step(&j->oracle, op, seen, &why);
  if (result == VS_STEP_ALLOWED || result == VS_STEP_SKIPPED) return true;
  j->known = false;
  j->broken += result == VS_STEP_BROKEN;
  if (result != VS_STEP_VIOLATION) return false;
  note(j, &why, from, to);
  j->known = seen->outcome != VS_IN_CALL && vs_oracle_recover(&j->oracle, op, seen, why.kind);
  return false;
}

// --- scenes -----------------------------------------------------------------------------------

static void note_skipped(vs_judge_of_sweep* j, const vs_observation* seen) {
  if (j->skipped_for != VS_NO_CALL || seen->outcome == VS_IN_CALL) return;
  j->skipped_for = seen->call;
  j->skipped_status = seen->outcome == VS_RETURNED ? seen->status : ZX_OK;
}

static void judge_setup(vs_judge_of_sweep* j, const vs_tape* tape, uint64_t from) {
  vs_odometer start;
  vs_odometer_set(&start, j->space, j->stage, 0);
  vs_scene_make(j->space, &start.c, true, &j->scene);
  vs_oracle_init(&j->oracle, j->profile, vs_arch_find(j->space->arch));
  j->known = true;
  j->pending = false;
  for (size_t i = 0; i < j->scene.count && j->known; i++) {
    if (tape->setup[i].outcome == VS_NOT_REACHED) break;
    step(j, &j->scene.ops[i], &tape->setup[i], from, from);
    if (!j->known && !tape->usable) note_skipped(j, &tape->setup[i]);
  }
}

static void judge_end(vs_judge_of_sweep* j, const vs_tape* tape, uint64_t from, uint64_t to) {
  for (size_t i = 0; i < j->scene.end_count && j->known; i++) {
    if (tape->end[i].outcome == VS_NOT_REACHED) break;
    step(j, &j->scene.end[i], &tape->end[i], from, to);
  }
}

// --- calls ------------------------------------------------------------------------------------

static bool is_choice(const vs_op* op, const vs_decision* decision) {
  return VS_OP_ARG(op, vcpu_write_state, kind).number == ZX_VCPU_IO && decision->faults == VS_BIT(VS_CHECK_CREATOR);
}

// True of a refusal that every world allows, and that leaves each as it was.
static bool is_plain_refusal(vs_judge_of_sweep* j, const vs_answer* answer) {
  if (answer->outcome != VS_RETURNED || answer->status == ZX_OK || answer->changed) return false;
  if (j->oracle.count != 1) return false;
  vs_decision decision;
  vs_oracle_allowed(&j->oracle, &j->op, &decision);
  const vs_allowed* row = vs_decision_find(&decision, answer->status);
  return row != NULL && row->latitude == VS_LATITUDE_COUNT && !is_choice(&j->op, &decision);
}

static void judge_call(vs_judge_of_sweep* j, const vs_answer* answer) {
  uint64_t at = j->odometer.at;
  vs_compose_call(j->space, &j->scene, &j->odometer.c, at, &j->op);
  j->seen.outcome = answer->outcome;
  j->seen.status = answer->status;
  j->seen.change_count = answer->changed;
  j->seen.changes[0] = (vs_change){VS_ARG(vcpu_write_state, buffer), 0, 1};
  j->pending = is_plain_refusal(j, answer);
  if (!j->pending) step(j, &j->op, &j->seen, at, at);
}

// The oracle learns of the last refusal before it is asked what the registers must be.
static void judge_look(vs_judge_of_sweep* j, const vs_observation* seen) {
  const vs_op look = vs_scene_look(j->scene.arch);
  uint64_t at = j->odometer.at;
  if (j->pending) step(j, &j->op, &j->seen, at, at);
  j->pending = false;
  if (j->known) step(j, &look, seen, j->since, at);
  j->since = at + 1;
}

static void count_answer(vs_judge_of_sweep* j, const vs_answer* answer) {
  if (answer->outcome == VS_IN_CALL) {
    j->counts.died++;
  } else if (answer->status == ZX_OK) {
    j->counts.accepted++;
  } else {
    j->counts.refused++;
  }
}

// Returns where the recorder stopped.
static uint32_t judge_calls(vs_judge_of_sweep* j, const vs_tape* tape, uint32_t count) {
  uint32_t i = tape->from;
  for (; i < count && tape->answers[i].outcome != VS_NOT_REACHED; i++) {
    count_answer(j, &tape->answers[i]);
    if (j->known) judge_call(j, &tape->answers[i]);
    if (j->known && tape->looks[i].outcome != VS_NOT_REACHED) judge_look(j, &tape->looks[i]);
    if (i + 1 < count) vs_odometer_next(&j->odometer);
  }
  return i;
}

static void judge_company(vs_judge_of_sweep* j, const vs_tape* tape, uint64_t from, uint64_t to) {
  const vs_op look = vs_scene_look_company(j->scene.arch);
  if (!j->known || tape->company.outcome == VS_NOT_REACHED) return;
  if (j->pending) step(j, &j->op, &j->seen, to, to);
  j->pending = false;
  if (j->known) step(j, &look, &tape->company, from, to);
}

uint32_t vs_judge_tape(vs_judge_of_sweep* j, const vs_tape* tape) {
  uint64_t from;
  uint64_t to;
  j->stage = vs_space_batch(j->space, tape->batch, &from, &to);
  uint32_t count = (uint32_t)(to - from);
  if (tape->begins) judge_setup(j, tape, from);
  if (!tape->usable) {
    // Nothing was called: what is missing, or why the recorder ended, the setup has said.
    j->counts.skipped += count - tape->from;
    return count;
  }
  if (tape->from < count) vs_odometer_set(&j->odometer, j->space, j->stage, from + tape->from);
  j->since = from + tape->from;
  uint32_t done = judge_calls(j, tape, count);
  if (done < count) return done;
  judge_company(j, tape, from, to - 1);
  judge_end(j, tape, from, to - 1);
  return count;
}
