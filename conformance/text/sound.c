// SPDX-License-Identifier: BSD-3-Clause
// Whether a script makes sense, as far as can be said before it runs.
#include <stdio.h>

#include "books.h"
#include "document.h"

static bool complain(const vs_document* d, size_t at, vs_fault* fault, const char* format,
                     unsigned number) {
  fault->line = d->lines != NULL ? d->lines[at] : 0;
  fault->column = 1;
  snprintf(fault->message, sizeof fault->message, format, number);
  return false;
}

static bool slots_are_sound(const vs_document* d, size_t at, const vs_books* b, vs_fault* fault) {
  const vs_op* op = &d->ops[at];
  const vs_arg* out;
  for (size_t i = 0; i < VS_ARGS_MAX; i++) {
    const vs_arg* arg = &op->args[i];
    bool handle = vs_ops[op->code].params[i].type == VS_PARAM_HANDLE;
    if (!handle || !vs_arg_names_slot(arg) || vs_books_is_filled(b, arg->slot)) continue;
    return complain(d, at, fault, "expected an operation before this that gives h%u a handle",
                    arg->slot);
  }
  for (unsigned i = 0; i < 2 && (out = vs_op_out(op, i)) != NULL; i++) {
    uint8_t user = vs_books_user(b, out->slot);
    if (user == VS_THREADS || user == op->thread) continue;
    return complain(d, at, fault, "expected 'join' before this: T%u is within a call that names it",
                    user);
  }
  return true;
}

static bool threads_are_sound(const vs_document* d, size_t at, const vs_books* b, vs_fault* fault) {
  const vs_op* op = &d->ops[at];
  bool join = op->code == VS_OP_join;
  bool busy = b->within[op->thread].busy;
  if (join && !busy)
    return complain(d, at, fault, "expected 'start' before this: T%u is within no call",
                    op->thread);
  if (!join && busy)
    return complain(d, at, fault, "expected 'join' before this: T%u is within a call", op->thread);
  return true;
}

bool vs_document_is_sound(const vs_document* d, vs_fault* fault) {
  vs_books b;
  vs_books_open(&b, vs_arch_find(d->arch));
  for (size_t i = 0; i < d->count; i++) {
    if (!slots_are_sound(d, i, &b, fault) || !threads_are_sound(d, i, &b, fault)) return false;
    vs_books_note(&b, &d->ops[i], i);
  }
  for (unsigned thread = 0; thread < VS_THREADS; thread++) {
    const vs_book_call* call = &b.within[thread];
    if (!call->busy || call->code == VS_CALL_vcpu_enter) continue;
    return complain(d, call->since, fault,
                    "expected 'T%u: join' after this: nothing waits for the call", thread);
  }
  return true;
}
