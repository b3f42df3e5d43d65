// SPDX-License-Identifier: BSD-3-Clause
// Ops that are done elsewhere: only the slots are kept here, so that what cannot be done is known.
#include "state.h"

static void keep_guest(vs_executor* x, const vs_op* op, vs_observation* seen) {
  uint8_t guest = vs_exec_new_guest(x, op->out);
  vs_exec_received(x, op, seen, seen->handle, guest);
  if (seen->status == ZX_OK) vs_exec_received_region(x, op, seen->handle2, guest);
}

static void keep_memory(vs_executor* x, const vs_op* op, vs_observation* seen) {
  uint8_t guest = x->slots[op->args[0].slot].guest;
  x->guests[guest].unloaded = seen->status == ZX_OK ? VS_NO_CALL : seen->call;
  if (seen->status == ZX_OK) vs_exec_received(x, op, seen, seen->handle, guest);
}

static void keep(vs_executor* x, const vs_op* op, zx_handle_t named, vs_observation* seen) {
  bool replaced = op->code == VS_CALL_handle_replace;
  bool closed = op->code == VS_CALL_handle_close && seen->status == ZX_OK;
  if (replaced || closed) vs_exec_closed(x, named);
  if (op->code == VS_CALL_guest_create) {
    keep_guest(x, op, seen);
  } else if (op->code == VS_OP_guest_load) {
    keep_memory(x, op, seen);
  } else if (op->code == VS_CALL_vcpu_create || op->code == VS_CALL_handle_duplicate || replaced) {
    vs_exec_received(x, op, seen, seen->handle, x->slots[op->args[0].slot].guest);
  } else if (vs_op_makes_handle(op)) {
    vs_exec_received(x, op, seen, seen->handle, op->out);
  }
}

// The shim lacks what it said that it has: what needs the op's handle is not done.
static void lack(vs_executor* x, const vs_op* op, const vs_observation* seen) {
  if (op->code == VS_OP_guest_load) {
    x->guests[x->slots[op->args[0].slot].guest].unloaded = seen->call;
  } else if (vs_exec_makes_handle(op)) {
    x->slots[op->out] = (vs_exec_slot){.tried = true, .missing = seen->call};
  }
}

void vs_exec_elsewhere(vs_executor* x, const vs_op* op, vs_observation* seen) {
  vs_exec_job* j = &x->jobs[op->thread];
  bool join = op->code == VS_OP_join;
  if (join && !j->async) {
    *seen = (vs_observation){.outcome = VS_UNSUPPORTED, .call = VS_CALL_vcpu_enter};
    return;
  }
  vs_op done = join ? *j->op : *op;
  if (join) done.async = false;
  zx_handle_t named = join ? j->handle : vs_exec_value(x, &op->args[0]);
  x->player->play(x->player->context, &done, join, seen);
  if (join) j->async = false;
  if (seen->outcome == VS_STARTED) *j = (vs_exec_job){.op = op, .handle = named, .async = true};
  if (seen->outcome == VS_RETURNED) keep(x, &done, named, seen);
  if (seen->outcome == VS_UNSUPPORTED) lack(x, &done, seen);
}
