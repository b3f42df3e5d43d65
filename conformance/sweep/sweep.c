// SPDX-License-Identifier: BSD-3-Clause
#include "sweep.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "common/refuse.h"
#include "journal.h"
#include "process/child.h"
#include "runner/record.h"
#include "text/calls.h"

static const double LOOK_EVERY = 0.2;  // seconds

// A part of the sweep, and the child that records it.
typedef struct lane {
  vs_sweep_part* part;
  vs_recorder* recorder;  // shared with the child
  vs_child child;
  bool running;
  uint32_t progress;   // as last seen
  uint64_t last_from;  // where the child before stopped
  uint32_t last_skip;
  vs_judge_of_sweep* judge;
} lane;

typedef struct sweep {
  const vs_sweep_plan* plan;
  vs_sweep_outcome* out;
  lane lanes[VS_SWEEP_JOBS];
  uint64_t combinations;  // of the plan's batches
  double began;
  double saved;
  double looked;  // at the files of the backend
  double drawn;
  uint64_t before;  // combinations that an earlier run was done with
  vs_sweep_end end;
} sweep;

// --- numbers ----------------------------------------------------------------------------------

static uint64_t preceding(const vs_space* space, uint64_t batch) {
  if (batch >= space->batches) return space->combinations;
  uint64_t from;
  uint64_t to;
  size_t stage = vs_space_batch(space, batch, &from, &to);
  return space->stages[stage].preceding + from;
}

static uint64_t done_with(const vs_sweep_counts* c) {
  return c->accepted + c->refused + c->died + c->skipped + c->recorded;
}

// What the lanes have counted so far, on top of what an earlier run had.
static void gather(sweep* s, const vs_sweep_counts* earlier, uint64_t broken) {
  vs_sweep_counts sum = *earlier;
  s->out->broken = broken;
  for (size_t i = 0; i < s->out->part_count; i++) {
    const vs_judge_of_sweep* judge = s->lanes[i].judge;
    if (judge == NULL) continue;
    vs_sweep_counts_add(&sum, &judge->counts);
    s->out->broken += judge->broken;
    if (s->out->skipped_for == VS_NO_CALL) {
      s->out->skipped_for = judge->skipped_for;
      s->out->skipped_status = judge->skipped_status;
    }
  }
  s->out->counts = sum;
  s->out->left = 0;
  for (size_t i = 0; i < s->out->part_count; i++) {
    s->out->left += s->out->parts[i].to - s->out->parts[i].next;
  }
}

// --- the bar ----------------------------------------------------------------------------------

static void draw(sweep* s) {
  enum { WIDTH = 30 };
  double now = vs_now();
  if (!s->plan->progress || now - s->drawn < 0.1) return;
  s->drawn = now;
  uint64_t done = done_with(&s->out->counts);
  double share = s->combinations > 0 ? (double)done / (double)s->combinations : 1;
  double rate = (double)(done - s->before) / (now - s->began + 1e-9);
  double left = rate > 0 ? (double)(s->combinations - done) / rate : 0;
  int full = (int)(share * WIDTH);
  fprintf(stderr, "\r[%.*s%*s] %3.0f %%  %.2f M of %.2f M  %.2f M/s  %.0f s left  %zu failures  ",
          full, "##############################", WIDTH - full, "", share * 100,
          (double)done * 1e-6, (double)s->combinations * 1e-6, rate * 1e-6, left,
          s->out->failures.count);
}

static void wipe(const sweep* s) {
  if (s->plan->progress) fprintf(stderr, "\r%100s\r", "");
}

// --- lanes ------------------------------------------------------------------------------------

static bool start(sweep* s, lane* l) {
  vs_recorder* r = l->recorder;
  memset(r, 0, offsetof(vs_recorder, tapes));
  for (size_t i = 0; i < VS_TAPES; i++) {
    r->tapes[i].full = 0;
    r->tapes[i].batch = UINT64_MAX;
  }
  r->space = s->plan->space;
  r->target = s->plan->target;
  r->from = l->part->next;
  r->to = l->part->to;
  r->skip = l->part->skip;
  l->progress = 0;
  l->running = vs_child_start(&l->child, s->plan->timeout, vs_recorder_run, r);
  return l->running;
}

// The implementation shares the tape's memory.
static void mend(const vs_space* space, vs_tape* tape) {
  const bool parts = space->call != VS_CALL_vcpu_write_state;
  vs_shared_mend(&tape->begins);
  vs_shared_mend(&tape->usable);
  for (size_t i = 0; i < VS_SCENE_OPS; i++) vs_observation_mend(&tape->setup[i]);
  for (size_t i = 0; i < VS_SCENE_END_OPS; i++) vs_observation_mend(&tape->end[i]);
  vs_observation_mend(&tape->company);
  for (size_t i = 0; i < VS_BATCH; i++) {
    vs_shared_mend(&tape->answers[i].changed);
    if (tape->answers[i].outcome > VS_UNSUPPORTED) tape->answers[i].outcome = VS_NOT_REACHED;
    vs_observation_mend(&tape->looks[i]);
    for (size_t k = 0; k < VS_PARTS && parts; k++) vs_observation_mend(&tape->parts[i][k]);
  }
}

static vs_tape* current(lane* l) {
  return &l->recorder->tapes[(l->part->next - l->recorder->from) % VS_TAPES];
}

static void go_on(lane* l) {
  l->part->next++;
  l->part->skip = 0;
}

static bool collect(lane* l) {
  bool any = false;
  while (l->part->next < l->part->to && vs_tape_is_full(current(l))) {
    vs_tape* tape = current(l);
    mend(l->recorder->space, tape);
    vs_judge_tape(l->judge, tape);
    go_on(l);
    vs_tape_release(tape);
    any = true;
  }
  return any;
}

// The batches of a stage whose scene kills the backend are not tried one by one.
static void leave_stage(sweep* s, lane* l) {
  const vs_space* space = s->plan->space;
  uint64_t from;
  uint64_t to;
  size_t stage = vs_space_batch(space, l->part->next - 1, &from, &to);
  uint64_t next = stage + 1 < space->stage_count ? space->stages[stage + 1].first : space->batches;
  if (next > l->part->to) next = l->part->to;
  l->judge->counts.skipped += preceding(space, next) - preceding(space, l->part->next);
  l->part->next = next;
}

// True if the tape says within which call the child ended.
static bool within_call(const vs_tape* tape) {
  for (size_t i = 0; i < VS_BATCH; i++) {
    if (tape->answers[i].outcome == VS_IN_CALL || tape->looks[i].outcome == VS_IN_CALL) return true;
  }
  for (size_t i = 0; i < VS_SCENE_OPS; i++) {
    if (tape->setup[i].outcome == VS_IN_CALL) return true;
  }
  for (size_t i = 0; i < VS_SCENE_END_OPS; i++) {
    if (tape->end[i].outcome == VS_IN_CALL) return true;
  }
  return tape->company.outcome == VS_IN_CALL;
}

// Judges what a child that ended within a batch has left of it.
static void collect_rest(sweep* s, lane* l) {
  vs_tape* tape = current(l);
  uint64_t from;
  uint64_t to;
  mend(s->plan->space, tape);
  bool begun = tape->batch == l->part->next;
  s->out->deaths++;
  s->out->hangs += l->child.death == VS_DEATH_TIMEOUT;
  s->out->outside += !begun || !within_call(tape);
  if (!begun) return;
  vs_space_batch(s->plan->space, l->part->next, &from, &to);
  bool usable = tape->usable;
  uint32_t done = vs_judge_tape(l->judge, tape);
  if (from + done < to) {
    l->part->skip = done;
    return;
  }
  go_on(l);
  if (!usable) leave_stage(s, l);
}

static void give_up(sweep* s, vs_sweep_end end, const char* why) {
  s->end = end;
  vs_refuse(&s->out->reason, "%s", why);
}

// A child that has ended: done, or the backend's doing; then another goes on.
static void replace(sweep* s, lane* l) {
  l->running = false;
  vs_shared_mend(&l->recorder->opened);
  vs_shared_mend(&l->recorder->again);
  collect(l);
  if (l->part->next == l->part->to) return;
  if (!l->recorder->opened && l->recorder->reason.text[0] != '\0') {
    l->recorder->reason.text[VS_WHY_MAX - 1] = '\0';
    return give_up(s, VS_SWEEP_BROKEN, l->recorder->reason.text);
  }
  const char* limit = vs_death_by_limit(&l->child);
  if (limit != NULL) {
    give_up(s, VS_SWEEP_BROKEN, "");
    vs_refuse(&s->out->reason, "this machine's limit of %s ended the process", limit);
    return;
  }
  if (!l->recorder->again) collect_rest(s, l);
  if (s->out->deaths >= VS_SWEEP_DEATHS || s->out->hangs >= VS_SWEEP_HANGS) {
    return give_up(s, VS_SWEEP_GAVE_UP, "");
  }
  if (l->part->next < l->part->to && !start(s, l)) {
    give_up(s, VS_SWEEP_BROKEN, "this machine has no process to spare");
  }
}

// The time is for one call: whoever gets on has it anew. A recorder that waits for us may.
static bool has_ended(sweep* s, lane* l) {
  uint32_t progress = __atomic_load_n(&l->recorder->progress, __ATOMIC_RELAXED);
  if (progress != l->progress) l->child.deadline = vs_now() + s->plan->timeout;
  l->progress = progress;
  return vs_child_ended(&l->child);
}

// --- all of it --------------------------------------------------------------------------------

static void save(sweep* s, bool now) {
  double time = vs_now();
  if (s->plan->journal == NULL || (!now && time - s->saved < 0.5)) return;
  s->saved = time;
  if (vs_journal_write(s->plan->journal, s->plan->what, s->out)) return;
  give_up(s, VS_SWEEP_BROKEN,
          "the journal cannot be written: does its folder exist, and is there room?");
}

// A backend whose files are others now is swept no further.
static void mind_change(sweep* s) {
  vs_why why;
  const double now = vs_now();
  if (now - s->looked < LOOK_EVERY) return;
  s->looked = now;
  if (!vs_identity_holds(&s->plan->target->identity, &why)) give_up(s, VS_SWEEP_BROKEN, why.text);
}

static void turn(sweep* s, bool* any, bool* moved) {
  for (size_t i = 0; i < s->out->part_count && s->end == VS_SWEEP_DONE; i++) {
    lane* l = &s->lanes[i];
    if (!l->running) continue;
    *any = true;
    bool ended = has_ended(s, l);
    *moved |= collect(l);
    if (ended) replace(s, l);
  }
}

static void run(sweep* s) {
  const struct timespec pause = {0, 50000};
  const vs_sweep_counts earlier = s->out->counts;
  uint64_t broken = s->out->broken;
  bool any = true;
  while (any && s->end == VS_SWEEP_DONE) {
    bool moved = false;
    any = false;
    if (s->plan->stop != NULL && *s->plan->stop) {
      s->end = VS_SWEEP_STOPPED;
      break;
    }
    mind_change(s);
    turn(s, &any, &moved);
    gather(s, &earlier, broken);
    draw(s);
    save(s, false);
    if (!moved && any) nanosleep(&pause, NULL);
  }
  gather(s, &earlier, broken);
  if (s->end != VS_SWEEP_BROKEN) save(s, true);
  wipe(s);
}

static void divide(sweep* s) {
  const vs_sweep_plan* plan = s->plan;
  uint64_t whole = plan->to - plan->from;
  unsigned parts = plan->jobs < VS_SWEEP_JOBS ? plan->jobs : VS_SWEEP_JOBS;
  s->out->part_count = parts;
  for (unsigned i = 0; i < parts; i++) {
    s->out->parts[i].next = plan->from + whole * i / parts;
    s->out->parts[i].to = plan->from + whole * (i + 1) / parts;
  }
}

// What a journal says is left lies within what was asked for.
static bool parts_are_sound(const sweep* s) {
  uint64_t from = s->plan->from;
  for (size_t i = 0; i < s->out->part_count; i++) {
    const vs_sweep_part* part = &s->out->parts[i];
    if (part->next < from || part->next > part->to || part->to > s->plan->to) return false;
    from = part->to;
  }
  return s->out->part_count > 0 && from == s->plan->to;
}

// Where it begins: at the start, or where the journal says.
static bool find_start(sweep* s) {
  vs_journal_state state = VS_JOURNAL_NONE;
  if (s->plan->journal != NULL) {
    state = vs_journal_read(s->plan->journal, s->plan->what, s->out);
  }
  if (state == VS_JOURNAL_NONE) divide(s);
  if (state == VS_JOURNAL_READ && !parts_are_sound(s)) {
    vs_refuse(&s->out->reason, "%s holds parts that are not of this sweep", s->plan->journal);
    state = VS_JOURNAL_BAD;
  }
  s->before = done_with(&s->out->counts);
  return state == VS_JOURNAL_NONE || state == VS_JOURNAL_READ;
}

static bool open_lane(sweep* s, size_t i) {
  lane* l = &s->lanes[i];
  l->part = &s->out->parts[i];
  l->judge = calloc(1, sizeof *l->judge);
  l->recorder = vs_shared_new(sizeof *l->recorder);
  if (l->judge == NULL || l->recorder == NULL) return false;
  l->judge->space = s->plan->space;
  l->judge->profile = s->plan->profile;
  l->judge->failures = &s->out->failures;
  l->judge->skipped_for = VS_NO_CALL;
  return l->part->next == l->part->to || start(s, l);
}

static void close_lane(lane* l) {
  if (l->running) vs_child_kill(&l->child);
  vs_shared_free(l->recorder, sizeof *l->recorder);
  free(l->judge);
}

vs_sweep_end vs_sweep(const vs_sweep_plan* plan, vs_sweep_outcome* outcome) {
  sweep* s = calloc(1, sizeof *s);
  memset(outcome, 0, sizeof *outcome);
  outcome->skipped_for = VS_NO_CALL;
  if (s == NULL) return VS_SWEEP_BROKEN;
  s->plan = plan;
  s->out = outcome;
  s->began = s->saved = vs_now();
  s->combinations = preceding(plan->space, plan->to) - preceding(plan->space, plan->from);
  s->end = VS_SWEEP_DONE;
  if (find_start(s)) {
    bool opened = true;
    for (size_t i = 0; i < outcome->part_count && opened; i++) opened = open_lane(s, i);
    if (opened) {
      run(s);
    } else {
      give_up(s, VS_SWEEP_BROKEN, "this machine has no process or memory to spare");
    }
  } else {
    s->end = VS_SWEEP_REFUSED;
  }
  for (size_t i = 0; i < VS_SWEEP_JOBS; i++) close_lane(&s->lanes[i]);
  outcome->seconds = vs_now() - s->began;
  vs_failures_sort(&outcome->failures);
  vs_sweep_end end = s->end;
  free(s);
  return end;
}
