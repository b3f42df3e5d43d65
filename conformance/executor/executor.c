// SPDX-License-Identifier: BSD-3-Clause
#include "executor.h"

#include <sched.h>
#include <stdlib.h>
#include <string.h>

#include "state.h"
#include "tables.h"

enum { SPINS = 20000 };  // of a racer, before it lets others run

// --- threads ----------------------------------------------------------------------------------

static void set_outcome(vs_observation* seen, vs_outcome outcome) {
  __atomic_store_n(&seen->outcome, (uint8_t)outcome, __ATOMIC_RELEASE);
}

// Whoever waits to race with the next call begins.
static void let_race(vs_executor* x) {
  for (size_t i = 0; i < VS_THREADS; i++) __atomic_store_n(&x->jobs[i].go, true, __ATOMIC_RELEASE);
}

// Some hundred nanoseconds each.
static void wait_turns(unsigned turns) {
  for (volatile unsigned i = 0; i < 64 * turns; i++) {
  }
}

static void do_op(vs_executor* x, const vs_op* op, vs_observation* seen) {
  let_race(x);
  // Which of two calls comes first changes from race to race.
  if (x->races > 0) wait_turns(x->races * 7 % 64);
  vs_exec_call(x, op, seen);
  if (seen->outcome != VS_UNSUPPORTED) set_outcome(seen, VS_RETURNED);
}

static void await_flag(const bool* flag) {
  for (unsigned tries = 0; !__atomic_load_n(flag, __ATOMIC_ACQUIRE); tries++) {
    if (tries > SPINS) sched_yield();
  }
}

static void run_job(void* argument) {
  vs_exec_job* j = argument;
  if (!j->races) return do_op(j->executor, j->op, j->seen);
  __atomic_store_n(&j->ready, true, __ATOMIC_RELEASE);
  await_flag(&j->go);
  wait_turns(j->late);
  vs_exec_call(j->executor, j->op, j->seen);
  set_outcome(j->seen, VS_RETURNED);
}

static void on_thread(vs_executor* x, const vs_op* op, vs_observation* seen) {
  vs_exec_job* j = &x->jobs[op->thread];
  *j = (vs_exec_job){.executor = x,
                     .op = op,
                     .handle = vs_exec_value(x, op->handle),
                     .seen = seen,
                     .async = op->async,
                     .races = op->async && op->code != VS_OP_ENTER};
  if (op->async) {
    j->seen = &j->held;
    j->held.call = seen->call;
  }
  if (j->races) j->late = ++x->races * 11 % 64;
  vs_worker* worker = &x->workers[op->thread];
  if (!vs_worker_post(worker, run_job, j)) {
    *seen = (vs_observation){.outcome = VS_UNSUPPORTED, .call = VS_NO_CALL};
    return;
  }
  if (op->async) {
    if (j->races) await_flag(&j->ready);
    set_outcome(seen, VS_STARTED);
  } else {
    vs_worker_wait(worker);
  }
}

static void join(vs_executor* x, const vs_op* op, vs_observation* seen) {
  vs_exec_job* j = &x->jobs[op->thread];
  if (!j->async) {
    *seen = (vs_observation){.outcome = VS_UNSUPPORTED, .call = VS_CALL_vcpu_enter};
    return;
  }
  let_race(x);
  vs_worker_wait(&x->workers[op->thread]);
  j->async = false;
  *seen = j->held;
}

void vs_execute_op(vs_executor* x, const vs_op* op, vs_observation* seen) {
  memset(seen, 0, offsetof(vs_observation, state));
  // An op that makes no sense, or of a thread that is within a call, is not done.
  if (!vs_op_is_valid(op) || (x->jobs[op->thread].async && op->code != VS_OP_JOIN)) {
    seen->call = VS_NO_CALL;
    set_outcome(seen, VS_UNSUPPORTED);
    return;
  }
  seen->call = vs_call_of(op);
  uint8_t lacking = vs_exec_missing(x, op);
  if (lacking != VS_NO_CALL) {
    seen->call = lacking == VS_UNFILLED ? VS_NO_CALL : lacking;
    if (vs_exec_makes_handle(op)) {
      x->slots[op->out] = (vs_exec_slot){.tried = true, .missing = lacking};
    }
    if (op->code == VS_OP_GUEST_LOAD) x->guests[x->slots[op->handle.slot].guest].unloaded = lacking;
    set_outcome(seen, VS_UNSUPPORTED);
    return;
  }
  set_outcome(seen, VS_IN_CALL);
  if (op->code == VS_OP_JOIN) {
    join(x, op, seen);
  } else if (op->code == VS_OP_THREAD_EXIT) {
    vs_worker_stop(&x->workers[op->thread]);
    set_outcome(seen, VS_RETURNED);
  } else if (op->thread == 0) {
    do_op(x, op, seen);
  } else {
    on_thread(x, op, seen);
  }
}

void vs_execute(vs_executor* x, const vs_script* script, vs_observation* observations) {
  for (size_t i = 0; i < script->count; i++) {
    vs_execute_op(x, &script->ops[i], &observations[i]);
  }
}

zx_handle_t vs_executor_value(vs_executor* x, vs_handle_ref ref) {
  return vs_exec_value(x, ref);
}

bool vs_executor_run_on(vs_executor* x, uint8_t thread, void (*work)(void*), void* argument) {
  if (thread == 0) {
    work(argument);
    return true;
  }
  if (!vs_worker_post(&x->workers[thread], work, argument)) return false;
  vs_worker_wait(&x->workers[thread]);
  return true;
}

// --- life -------------------------------------------------------------------------------------

static vs_executor* new_executor(const vs_calls* calls, vs_arch arch, zx_handle_t resource) {
  vs_executor* x = calloc(1, sizeof *x);
  if (x == NULL) return NULL;
  x->calls = calls;
  x->arch = arch;
  x->resource = resource;
  bool x64 = arch == VS_ARCH_X64;
  x->state_size = x64 ? sizeof(zx_vcpu_state_x64_t) : sizeof(zx_vcpu_state_arm64_t);
  vs_guest_image(arch, x->image);
  pthread_mutex_init(&x->lock, NULL);
  return x;
}

vs_executor* vs_executor_open(const vs_calls* calls, vs_arch arch, zx_handle_t resource) {
  vs_executor* x = new_executor(calls, arch, resource);
  if (x == NULL) return NULL;
  for (size_t i = 0; i < VS_THREADS; i++) {
    vs_worker_init(&x->workers[i]);
    if (vs_arena_open(&x->arenas[i])) continue;
    vs_executor_close(x);
    return NULL;
  }
  return x;
}

void vs_executor_reach_by(vs_executor* x, bool (*reach)(const vs_region* regions, size_t count),
                          bool (*held)(void)) {
  x->reach = reach;
  x->held = held;
}

// What still runs is kicked, so that its thread is free again.
static void end_calls(vs_executor* x) {
  for (size_t i = 0; i < VS_THREADS; i++) {
    vs_exec_job* j = &x->jobs[i];
    if (!j->async) continue;
    let_race(x);
    if (!j->races && x->calls->vcpu_kick) x->calls->vcpu_kick(j->handle);
    vs_worker_wait(&x->workers[i]);
    j->async = false;
  }
}

static void forget_slots(vs_executor* x) {
  for (size_t i = VS_SLOTS; i-- > 0;) {
    vs_exec_slot* s = &x->slots[i];
    if (s->open) x->calls->handle_close(s->value);
    *s = (vs_exec_slot){0};
  }
}

void vs_executor_reset(vs_executor* x) {
  end_calls(x);
  forget_slots(x);
  for (size_t i = 0; i < VS_SLOTS; i++) vs_exec_forget_guest(x, &x->guests[i]);
}

void vs_executor_close(vs_executor* x) {
  end_calls(x);
  for (size_t i = 0; i < VS_THREADS; i++) vs_worker_stop(&x->workers[i]);
  vs_executor_reset(x);
  for (size_t i = 0; i < VS_THREADS; i++) vs_arena_close(&x->arenas[i]);
  for (size_t i = 0; i < VS_THREADS; i++) {
    if (x->rewriters[i] != NULL) vs_rewriter_close(x->rewriters[i]);
  }
  pthread_mutex_destroy(&x->lock);
  free(x);
}
