// SPDX-License-Identifier: BSD-3-Clause
#include "judge.h"

#include <string.h>

#include "scene.h"
#include "text/calls.h"

// --- counts -------------------------------------------------------------------------------------

void vs_sweep_count_status(vs_sweep_counts* c, zx_status_t status, uint64_t count) {
  size_t at = 0;
  while (at < c->status_count && c->statuses[at].status < status) at++;
  bool known = at < c->status_count && c->statuses[at].status == status;
  if (!known && c->status_count == VS_SWEEP_STATUSES) return;
  if (!known) {
    memmove(c->statuses + at + 1, c->statuses + at,
            (c->status_count++ - at) * sizeof c->statuses[0]);
    c->statuses[at] = (vs_status_count){status, 0};
  }
  c->statuses[at].count += count;
}

void vs_sweep_count_silent(vs_sweep_counts* c, uint64_t count, uint64_t stage, uint64_t at) {
  bool earlier = stage < c->silent_stage || (stage == c->silent_stage && at < c->silent_at);
  if (count > 0 && (c->silent == 0 || earlier)) {
    c->silent_stage = stage;
    c->silent_at = at;
  }
  c->silent += count;
}

void vs_sweep_counts_add(vs_sweep_counts* sum, const vs_sweep_counts* part) {
  sum->accepted += part->accepted;
  sum->refused += part->refused;
  sum->died += part->died;
  sum->skipped += part->skipped;
  sum->recorded += part->recorded;
  for (size_t i = 0; i < part->status_count; i++) {
    vs_sweep_count_status(sum, part->statuses[i].status, part->statuses[i].count);
  }
  vs_sweep_count_silent(sum, part->silent, part->silent_stage, part->silent_at);
}

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
  return VS_OP_ARG(op, vcpu_write_state, kind).number == ZX_VCPU_IO &&
         decision->faults == VS_CHECK_IN(VS_CHECK_CREATOR);
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

static void judge_write(vs_judge_of_sweep* j, uint32_t i, const vs_answer* answer) {
  vs_compose_call(j->space, &j->scene, &j->list.c[i], j->at, &j->op);
  j->seen.outcome = answer->outcome;
  j->seen.status = answer->status;
  j->seen.change_count = answer->changed;
  j->pending = is_plain_refusal(j, answer);
  if (!j->pending) step(j, &j->op, &j->seen, j->at, j->at);
}

static void judge_parts(vs_judge_of_sweep* j, uint32_t i, const vs_observation* seen) {
  vs_op parts[VS_PARTS];
  vs_compose_parts(j->space, &j->scene, &j->list.c[i], j->at, parts);
  for (unsigned k = 0; k < VS_PARTS && j->known; k++) {
    if (seen[k].outcome != VS_NOT_REACHED) step(j, &parts[k], &seen[k], j->at, j->at);
  }
}

// The oracle learns of the last refusal before it is asked what the registers must be.
static void judge_look(vs_judge_of_sweep* j, const vs_observation* seen) {
  const vs_op look = vs_scene_look(j->scene.arch);
  const uint64_t at = j->at;
  if (j->pending) step(j, &j->op, &j->seen, at, at);
  j->pending = false;
  if (j->known) step(j, &look, seen, j->since, at);
  j->since = at + 1;
}

static bool is_write_state(const vs_judge_of_sweep* j) {
  return j->space->call == VS_CALL_vcpu_write_state;
}

// Of another call, what nothing can be said of is told apart.
static bool is_judged(const vs_judge_of_sweep* j, uint32_t i) {
  return is_write_state(j) || (i < j->list.judged && j->known);
}

static void count_answer(vs_judge_of_sweep* j, const vs_tape* tape, uint32_t i) {
  const vs_answer* answer = &tape->answers[i];
  if (answer->outcome == VS_IN_CALL) {
    j->counts.died++;
    if (!is_judged(j, i)) vs_sweep_count_silent(&j->counts, 1, j->stage, j->at);
  } else if (answer->outcome == VS_UNSUPPORTED) {
    j->counts.skipped++;
    note_skipped(j, &tape->parts[i][VS_PART_CALL]);
  } else if (!is_judged(j, i)) {
    j->counts.recorded++;
    vs_sweep_count_status(&j->counts, answer->status, 1);
  } else if (answer->status == ZX_OK) {
    j->counts.accepted++;
  } else {
    j->counts.refused++;
  }
}

static void judge_answer(vs_judge_of_sweep* j, const vs_tape* tape, uint32_t i) {
  if (is_write_state(j)) {
    judge_write(j, i, &tape->answers[i]);
  } else {
    judge_parts(j, i, tape->parts[i]);
  }
}

// Returns where the recorder stopped.
static uint32_t judge_calls(vs_judge_of_sweep* j, const vs_tape* tape) {
  uint32_t i = tape->from;
  for (; i < j->list.count && tape->answers[i].outcome != VS_NOT_REACHED; i++) {
    j->at = j->list.at[i];
    count_answer(j, tape, i);
    bool judged = j->known && i < j->list.judged;
    if (judged) judge_answer(j, tape, i);
    if (judged && j->known && tape->looks[i].outcome != VS_NOT_REACHED) {
      judge_look(j, &tape->looks[i]);
    }
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
  vs_space_batch(j->space, tape->batch, &from, &to);
  vs_foresee_batch(&j->foresight, j->space, tape->batch, &j->list);
  j->stage = j->list.stage;
  const uint32_t count = j->list.count;
  if (tape->begins) judge_setup(j, tape, from);
  if (!tape->usable) {
    // Nothing was called: what is missing, or why the recorder ended, the setup has said.
    j->counts.skipped += count - tape->from;
    return count;
  }
  j->since = tape->from < count ? j->list.at[tape->from] : to;
  uint32_t done = judge_calls(j, tape);
  if (done < count) return done;
  if (j->list.judged < count) return count;  // of what those left behind nothing is known
  judge_company(j, tape, from, to - 1);
  judge_end(j, tape, from, to - 1);
  return count;
}
