// SPDX-License-Identifier: BSD-3-Clause
// Whether a script makes sense, as far as can be said before it runs.
#include <stdio.h>

#include "calls.h"
#include "document.h"

typedef struct state {
  bool filled[VS_SLOTS];     // some op was to fill it
  bool busy[VS_THREADS];     // within a call that it has started
  bool enters[VS_THREADS];   // which is zx_vcpu_enter
  bool names[VS_THREADS];    // a slot
  uint8_t slot[VS_THREADS];  // this one
  size_t since[VS_THREADS];  // op that has started it
} state;

static bool complain(const vs_document* d, size_t at, vs_fault* fault, const char* format,
                     unsigned number) {
  fault->line = d->lines != NULL ? d->lines[at] : 0;
  fault->column = 1;
  snprintf(fault->message, sizeof fault->message, format, number);
  return false;
}

static bool slots_are_sound(const vs_document* d, size_t at, state* s, vs_fault* fault) {
  const vs_op* op = &d->ops[at];
  if (vs_op_takes_handle(op) && !s->filled[op->args[0].slot])
    return complain(d, at, fault, "expected an operation before this that gives h%u a handle",
                    op->args[0].slot);
  if (op->code == VS_OP_guest_load && !s->filled[op->out2])
    return complain(d, at, fault, "expected an operation before this that gives h%u a handle",
                    op->out2);
  bool pair = op->code == VS_CALL_guest_create;
  for (unsigned i = 0; i < VS_THREADS && vs_op_makes_handle(op); i++) {
    bool named = s->busy[i] && s->names[i] && i != op->thread;
    if (named && (s->slot[i] == op->out || (pair && s->slot[i] == op->out2)))
      return complain(d, at, fault,
                      "expected 'join' before this: T%u is within a call that names it", i);
  }
  if (vs_op_makes_handle(op)) s->filled[op->out] = true;
  if (op->code == VS_CALL_guest_create) s->filled[op->out2] = true;
  return true;
}

static bool threads_are_sound(const vs_document* d, size_t at, state* s, vs_fault* fault) {
  const vs_op* op = &d->ops[at];
  bool join = op->code == VS_OP_join;
  if (join && !s->busy[op->thread])
    return complain(d, at, fault, "expected 'start' before this: T%u is within no call",
                    op->thread);
  if (!join && s->busy[op->thread])
    return complain(d, at, fault, "expected 'join' before this: T%u is within a call", op->thread);
  s->busy[op->thread] = op->async;
  s->enters[op->thread] = op->code == VS_CALL_vcpu_enter;
  s->since[op->thread] = at;
  s->names[op->thread] = vs_op_takes_handle(op);
  s->slot[op->thread] = op->args[0].slot;
  return true;
}

bool vs_document_is_sound(const vs_document* d, vs_fault* fault) {
  state s = {0};
  for (size_t i = 0; i < d->count; i++) {
    if (!slots_are_sound(d, i, &s, fault) || !threads_are_sound(d, i, &s, fault)) return false;
  }
  for (unsigned thread = 0; thread < VS_THREADS; thread++) {
    if (!s.busy[thread] || s.enters[thread]) continue;
    return complain(d, s.since[thread], fault,
                    "expected 'T%u: join' after this: nothing waits for the call", thread);
  }
  return true;
}
