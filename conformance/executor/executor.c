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

const char* vs_executor_shortage(const vs_executor* x) {
  return __atomic_load_n(&x->shortage, __ATOMIC_ACQUIRE);
}

bool vs_exec_is_short(vs_executor* x, const char* what) {
  __atomic_store_n(&x->shortage, what, __ATOMIC_RELEASE);
  return false;
}

static void finish(vs_executor* x, const vs_op* op, vs_observation* seen) {
  const bool made = vs_exec_call(x, op, seen);
  const bool lacks = vs_executor_shortage(x) == NULL;
  set_outcome(seen, made ? VS_RETURNED : lacks ? VS_UNSUPPORTED : VS_NOT_REACHED);
}

static void do_op(vs_executor* x, const vs_op* op, vs_observation* seen) {
  let_race(x);
  // Which of two calls comes first changes from race to race.
  if (x->races > 0) wait_turns(x->races * 7 % 64);
  finish(x, op, seen);
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
  finish(j->executor, j->op, j->seen);
}

// Each thread has memory of its own from its first op on; most scripts need that of thread 0 alone.
static bool open_arenas(vs_executor* x, uint8_t thread) {
  for (size_t i = 0; i < VS_POINTERS_MAX; i++) {
    vs_arena* arena = &x->arenas[thread][i];
    if (arena->base == NULL && !vs_arena_open(arena))
      return vs_exec_is_short(x, "memory for the buffers of a thread");
  }
  return true;
}

// The worker starts its thread at first use.
static bool post(vs_executor* x, uint8_t thread, void (*work)(void*), void* argument) {
  return vs_worker_post(&x->workers[thread], work, argument) ||
         vs_exec_is_short(x, "threads: none could be started");
}

static void on_thread(vs_executor* x, const vs_op* op, vs_observation* seen) {
  vs_exec_job* j = &x->jobs[op->thread];
  *j = (vs_exec_job){.executor = x,
                     .op = op,
                     .handle = vs_exec_value(x, &op->args[0]),
                     .seen = seen,
                     .async = op->async,
                     .races = op->async && op->code != VS_CALL_vcpu_enter};
  if (op->async) {
    j->seen = &j->held;
    j->held.call = seen->call;
  }
  if (j->races) j->late = ++x->races * 11 % 64;
  if (!open_arenas(x, op->thread) || !post(x, op->thread, run_job, j)) {
    j->async = false;
    set_outcome(seen, VS_NOT_REACHED);
    return;
  }
  if (op->async) {
    if (j->races) await_flag(&j->ready);
    set_outcome(seen, VS_STARTED);
  } else {
    vs_worker_wait(&x->workers[op->thread]);
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

// What the op was to make, or to bring into the guest, is not there.
static void lack(vs_executor* x, const vs_op* op, uint8_t lacking) {
  if (op->code == VS_OP_guest_load) {
    x->guests[x->slots[op->args[0].slot].guest].unloaded = lacking;
    return;
  }
  for (unsigned i = 0; vs_op_out(op, i) != NULL && i < 2; i++) {
    vs_exec_not_filled(x, vs_op_out(op, i)->slot, lacking);
  }
}

void vs_execute_op(vs_executor* x, const vs_op* op, vs_observation* seen) {
  memset(seen, 0, offsetof(vs_observation, state));
  if (vs_executor_shortage(x) != NULL) return;
  // An op that makes no sense, or of a thread that is within a call, is not done.
  if (!vs_op_is_valid(op) || (x->jobs[op->thread].async && op->code != VS_OP_join)) {
    seen->call = VS_NO_CALL;
    set_outcome(seen, VS_UNSUPPORTED);
    return;
  }
  seen->call = vs_call_of(op);
  uint8_t lacking = vs_exec_missing(x, op);
  if (lacking != VS_NO_CALL) {
    seen->call = lacking == VS_UNFILLED ? VS_NO_CALL : lacking;
    lack(x, op, lacking);
    set_outcome(seen, VS_UNSUPPORTED);
    return;
  }
  set_outcome(seen, VS_IN_CALL);
  if (op->code == VS_OP_join) {
    join(x, op, seen);
  } else if (op->code == VS_OP_thread_exit) {
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

void vs_executor_offer(vs_executor* x, zx_handle_t other_resource) {
  x->other_resource = other_resource;
}

void vs_executor_reach_by(vs_executor* x, bool (*reach)(const vs_region*, size_t),
                          bool (*held)(void)) {
  x->reach = reach;
  x->held = held;
  if (reach == NULL || x->far != NULL) return;
  x->far = vs_far_open(VS_THREADS * (size_t)VS_EXEC_FAR);
  if (x->far == NULL) vs_exec_is_short(x, "memory that another process can have too");
}

zx_handle_t vs_executor_value(vs_executor* x, const vs_arg* ref) {
  return vs_exec_value(x, ref);
}

bool vs_executor_run_on(vs_executor* x, uint8_t thread, void (*work)(void*), void* argument) {
  if (thread == 0) {
    work(argument);
    return true;
  }
  if (!post(x, thread, work, argument)) return false;
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
  x->image = vs_guest_image(arch);
  pthread_mutex_init(&x->lock, NULL);
  return x;
}

vs_executor* vs_executor_open(const vs_calls* calls, vs_arch arch, zx_handle_t resource) {
  vs_executor* x = new_executor(calls, arch, resource);
  if (x == NULL) return NULL;
  for (size_t i = 0; i < VS_THREADS; i++) vs_worker_init(&x->workers[i]);
  if (open_arenas(x, 0)) return x;
  vs_executor_close(x);
  return NULL;
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
    if (vs_exec_may_be_open(s)) x->calls->handle_close(s->value);
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
  vs_far_close(x->far, VS_THREADS * (size_t)VS_EXEC_FAR);
  for (size_t i = 0; i < VS_THREADS * VS_POINTERS_MAX; i++) {
    vs_arena_close(&x->arenas[i / VS_POINTERS_MAX][i % VS_POINTERS_MAX]);
  }
  for (size_t i = 0; i < VS_THREADS; i++) {
    if (x->rewriters[i] != NULL) vs_rewriter_close(x->rewriters[i]);
  }
  pthread_mutex_destroy(&x->lock);
  free(x);
}
