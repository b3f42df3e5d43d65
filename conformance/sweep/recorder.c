// SPDX-License-Identifier: BSD-3-Clause
#include "recorder.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "common/refuse.h"
#include "executor/arena.h"
#include "executor/executor.h"
#include "foresee.h"
#include "scene.h"

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
  vs_foresight foresight;
  vs_batch_of_sweep list;
  uint32_t next;  // within the batch
  uint32_t until;
  bool lost;  // a call was only recorded: the scene is not what the judge knows
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
  x->handle = vs_executor_value(x->executor, &x->scene.handle);
}

static void end_scene(recording* x) {
  for (size_t i = 0; i < x->scene.end_count; i++) {
    execute(x, &x->scene.end[i], &x->tape->end[i]);
  }
}

// --- calls ------------------------------------------------------------------------------------

static void look(recording* x, uint32_t i) {
  const vs_op op = vs_scene_look(x->scene.arch);
  execute(x, &op, &x->tape->looks[i]);
}

static void call(recording* x, vs_answer* answer) {
  vs_op* op = &x->op;
  vs_compose_call(x->r->space, &x->scene, &x->list.c[x->next], x->list.at[x->next], op);
  const vs_arg* pointer = &VS_OP_ARG(op, vcpu_write_state, buffer);
  const vs_laid laid =
      vs_arena_place(&x->arena, pointer, pointer->length, op->bytes, VS_STATE_MAX, 0x5a);
  vs_observation seen = {0};
  const vs_region region = vs_arena_region(&x->arena, &laid);
  if (x->reach != NULL) x->reach(&region, region.length > 0 ? 1 : 0);
  __atomic_store_n(&answer->outcome, VS_IN_CALL, __ATOMIC_RELEASE);
  answer->status = x->calls->vcpu_write_state(
      x->handle, (uint32_t)VS_OP_ARG(op, vcpu_write_state, kind).number, laid.address,
      (size_t)VS_OP_ARG(op, vcpu_write_state, buffer_size).number);
  vs_arena_changes(&laid, VS_ARG(vcpu_write_state, buffer), &seen);
  answer->changed = seen.change_count > 0;
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
  }
}

static void write_all(recording* x, uint32_t count) {
  const vs_op company = vs_scene_look_company(x->scene.arch);
  while (x->next < count) {
    x->until = x->next + VS_LOOK_EVERY < count ? x->next + VS_LOOK_EVERY : count;
    if (!vs_executor_run_on(x->executor, x->scene.thread, call_some, x)) return;
    bool looked = x->tape->looks[x->until - 1].outcome != VS_NOT_REACHED;
    if (x->scene.looks && !looked) look(x, x->until - 1);
  }
  if (x->scene.company) execute(x, &company, &x->tape->company);
}

// A call of another sort, with what goes before and after it, by the executor.
static void make_parts(recording* x) {
  vs_op parts[VS_PARTS];
  vs_answer* answer = &x->tape->answers[x->next];
  vs_observation* seen = x->tape->parts[x->next];
  vs_compose_parts(x->r->space, &x->scene, &x->list.c[x->next], x->list.at[x->next], parts);
  __atomic_store_n(&answer->outcome, VS_IN_CALL, __ATOMIC_RELEASE);
  for (unsigned i = 0; i < VS_PARTS; i++) {
    if (vs_part_is_due(parts, i, seen)) execute(x, &parts[i], &seen[i]);
  }
  answer->status = seen[VS_PART_CALL].status;
  __atomic_store_n(&answer->outcome, seen[VS_PART_CALL].outcome, __ATOMIC_RELEASE);
}

static void call_all(recording* x, uint32_t count) {
  if (x->r->space->call == VS_CALL_vcpu_write_state) return write_all(x, count);
  for (; x->next < count; x->next++) {
    make_parts(x);
    uint32_t made = x->next + 1;
    bool due = made % VS_LOOK_EVERY == 0 || made == x->list.judged;
    if (x->scene.looks && due && made <= x->list.judged) look(x, x->next);
  }
}

// --- batches ----------------------------------------------------------------------------------

static void clear(vs_tape* tape, size_t count, bool parts) {
  tape->usable = false;
  memset(tape->setup, 0, sizeof tape->setup);
  memset(tape->end, 0, sizeof tape->end);
  memset(&tape->company, 0, sizeof tape->company);
  memset(tape->answers, 0, count * sizeof tape->answers[0]);
  for (size_t i = 0; i < count; i++) tape->looks[i].outcome = VS_NOT_REACHED;
  for (size_t i = 0; i < count * VS_PARTS && parts; i++) {
    tape->parts[i / VS_PARTS][i % VS_PARTS].outcome = VS_NOT_REACHED;
  }
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

static const char* shortage_of(const recording* x) {
  return x->arena.failed ? "memory for the buffer of a call" : vs_executor_shortage(x->executor);
}

// False: the batch is for another process.
static bool record_batch(recording* x, uint64_t batch, uint32_t skip) {
  const vs_space* space = x->r->space;
  vs_foresee_batch(&x->foresight, space, batch, &x->list);
  const uint32_t count = x->list.count;
  clear(x->tape, count, space->call != VS_CALL_vcpu_write_state);
  x->tape->batch = batch;
  x->tape->from = skip;
  x->tape->begins = !x->made || x->lost || x->stage != x->list.stage;
  x->stage = x->list.stage;
  x->made = true;
  x->lost = count > x->list.judged;
  if (x->tape->begins) {
    vs_odometer start;
    vs_odometer_set(&start, space, x->stage, 0);
    make_scene(x, &start.c);
  }
  if (x->tape->begins && needs_fresh_process(x)) return false;
  x->tape->usable = x->usable;
  if (!x->usable) return true;
  x->next = skip;
  call_all(x, count);
  if (x->list.last) end_scene(x);
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
    const char* lacks = shortage_of(x);
    if (lacks != NULL) {
      vs_refuse(&r->reason, "this machine is short of %s", lacks);
      r->opened = false;
    }
    if (r->again || lacks != NULL) return;
    __atomic_store_n(&x->tape->full, 1, __ATOMIC_RELEASE);
    tick(x);
  }
}

void vs_recorder_run(void* recorder) {
  static recording x;  // too large for the stack; one a process
  vs_opened opened;
  x.r = recorder;
  if (!vs_target_open(x.r->target, &opened, &x.r->reason)) return;
  x.calls = opened.calls;
  x.reach = opened.reach;
  x.executor = vs_opened_executor(&opened);
  if (x.executor == NULL || !vs_arena_open(&x.arena)) {
    vs_refuse(&x.r->reason, "no memory for the buffers of a call");
    return;
  }
  x.r->opened = true;
  record_all(&x);
}
