// SPDX-License-Identifier: BSD-3-Clause
#include "recorder.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "compose.h"
#include "executor/arena.h"
#include "executor/executor.h"

typedef struct recording {
  vs_recorder* r;
  vs_tape* tape;
  vs_executor* executor;
  const vs_calls* calls;
  bool (*reach)(const vs_region* regions, size_t count);
  vs_arena arena;
  vs_scene scene;
  size_t stage;  // that the scene is of
  bool made;     // there is a scene
  bool usable;
  unsigned scenes;  // tried in this process
  zx_handle_t handle;
  vs_odometer odometer;
  uint64_t first;  // number within the stage of the batch's first combination
  uint32_t next;   // within the batch
  uint32_t until;
  vs_op op;
} recording;

bool vs_tape_is_full(const vs_tape* tape) {
  return __atomic_load_n(&tape->full, __ATOMIC_ACQUIRE) != 0;
}

void vs_tape_release(vs_tape* tape) {
  __atomic_store_n(&tape->full, 0, __ATOMIC_RELEASE);
}

static void tick(recording* x) {
  __atomic_store_n(&x->r->progress, x->r->progress + 1, __ATOMIC_RELAXED);
}

static void execute(recording* x, const vs_op* op, vs_observation* seen) {
  vs_execute_op(x->executor, op, seen);
  tick(x);
}

// --- scenes -----------------------------------------------------------------------------------

static bool has_failed(const vs_op* op, const vs_observation* seen) {
  if (op->optional) return false;
  return seen->outcome == VS_UNSUPPORTED || (seen->outcome == VS_RETURNED && seen->status != ZX_OK);
}

static void make_scene(recording* x, const vs_combination* stage) {
  vs_executor_reset(x->executor);
  vs_scene_make(x->r->space, stage, true, &x->scene);
  x->usable = true;
  x->scenes++;
  for (size_t i = 0; i < x->scene.count && x->usable; i++) {
    execute(x, &x->scene.ops[i], &x->tape->setup[i]);
    x->usable = !has_failed(&x->scene.ops[i], &x->tape->setup[i]);
  }
  x->handle = vs_executor_value(x->executor, x->scene.handle);
}

static void end_scene(recording* x) {
  for (size_t i = 0; i < x->scene.end_count; i++) {
    execute(x, &x->scene.end[i], &x->tape->end[i]);
  }
}

// --- calls ------------------------------------------------------------------------------------

static void look(recording* x, uint32_t i) {
  const vs_op op = vs_scene_look();
  execute(x, &op, &x->tape->looks[i]);
}

static void call(recording* x, vs_answer* answer) {
  vs_op* op = &x->op;
  vs_compose_call(x->r->space, &x->scene, &x->odometer.c, x->odometer.at, op);
  const void* buffer = vs_arena_place(&x->arena, &op->buffer);
  vs_region region;
  if (x->reach != NULL) x->reach(&region, vs_arena_region(&x->arena, &op->buffer, buffer, &region));
  __atomic_store_n(&answer->outcome, VS_IN_CALL, __ATOMIC_RELEASE);
  answer->status = x->calls->vcpu_write_state(x->handle, op->kind, buffer, (size_t)op->size);
  answer->changed = !vs_arena_unchanged(&op->buffer, buffer);
  __atomic_store_n(&answer->outcome, VS_RETURNED, __ATOMIC_RELEASE);
  tick(x);
}

// On the stage's thread. What is accepted is looked at on the spot, where this is the vCPU's
// thread.
static void call_some(void* argument) {
  recording* x = argument;
  bool at_once = x->scene.looks && x->scene.thread == 0;
  for (; x->next < x->until; x->next++) {
    vs_answer* answer = &x->tape->answers[x->next];
    call(x, answer);
    if (at_once && answer->status == ZX_OK) look(x, x->next);
    vs_odometer_next(&x->odometer);
  }
}

static void call_all(recording* x, uint32_t count) {
  const vs_op company = vs_scene_look_company();
  while (x->next < count) {
    x->until = x->next + VS_LOOK_EVERY < count ? x->next + VS_LOOK_EVERY : count;
    if (!vs_executor_run_on(x->executor, x->scene.thread, call_some, x)) return;
    bool looked = x->tape->looks[x->until - 1].outcome != VS_NOT_REACHED;
    if (x->scene.looks && !looked) look(x, x->until - 1);
  }
  if (x->scene.company) execute(x, &company, &x->tape->company);
}

// --- batches ----------------------------------------------------------------------------------

static void clear(vs_tape* tape, size_t count) {
  tape->usable = false;
  memset(tape->setup, 0, sizeof tape->setup);
  memset(tape->end, 0, sizeof tape->end);
  memset(&tape->company, 0, sizeof tape->company);
  memset(tape->answers, 0, count * sizeof tape->answers[0]);
  for (size_t i = 0; i < count; i++) tape->looks[i].outcome = VS_NOT_REACHED;
}

// A scene that a call refused, after others: something may have stayed behind from those. In a
// process of its own it will show.
static bool needs_fresh_process(const recording* x) {
  if (x->usable || x->scenes == 1) return false;
  for (size_t i = 0; i < x->scene.count; i++) {
    const vs_observation* seen = &x->tape->setup[i];
    bool failed = seen->outcome == VS_RETURNED && has_failed(&x->scene.ops[i], seen);
    if (failed) return true;
  }
  return false;
}

// False: the batch is for another process.
static bool record_batch(recording* x, uint64_t batch, uint32_t skip) {
  const vs_space* space = x->r->space;
  uint64_t from;
  uint64_t to;
  size_t stage = vs_space_batch(space, batch, &from, &to);
  uint32_t count = (uint32_t)(to - from);
  clear(x->tape, count);
  x->tape->batch = batch;
  x->tape->from = skip;
  x->tape->begins = !x->made || x->stage != stage;
  x->stage = stage;
  x->made = true;
  if (x->tape->begins) {
    vs_odometer start;
    vs_odometer_set(&start, space, stage, 0);
    make_scene(x, &start.c);
  }
  if (x->tape->begins && needs_fresh_process(x)) return false;
  x->tape->usable = x->usable;
  if (!x->usable) return true;
  if (skip < count) vs_odometer_set(&x->odometer, space, stage, from + skip);
  x->next = skip;
  call_all(x, count);
  if (to == space->stages[stage].count) end_scene(x);
  return true;
}

static void wait_for(const vs_tape* tape) {
  const struct timespec pause = {0, 20000};
  while (vs_tape_is_full(tape)) nanosleep(&pause, NULL);
}

static void record_all(recording* x) {
  vs_recorder* r = x->r;
  for (uint64_t batch = r->from; batch < r->to; batch++) {
    x->tape = &r->tapes[(batch - r->from) % VS_TAPES];
    wait_for(x->tape);
    r->again = !record_batch(x, batch, batch == r->from ? r->skip : 0);
    if (r->again) return;
    __atomic_store_n(&x->tape->full, 1, __ATOMIC_RELEASE);
    tick(x);
  }
}

void vs_recorder_run(void* recorder) {
  static recording x;  // too large for the stack; one a process
  vs_opened opened;
  x.r = recorder;
  if (!vs_target_open(x.r->target, &opened, x.r->reason)) return;
  x.calls = opened.calls;
  x.reach = opened.reach;
  x.executor = vs_opened_executor(&opened);
  if (x.executor == NULL || !vs_arena_open(&x.arena)) {
    snprintf(x.r->reason, VS_REASON_MAX, "no memory for the buffers of a call");
    return;
  }
  x.r->opened = true;
  record_all(&x);
}
