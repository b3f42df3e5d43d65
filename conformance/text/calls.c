// SPDX-License-Identifier: BSD-3-Clause
#include "calls.h"

static const char* const call_names[VS_CALL_COUNT] = {
#define VS_CALL(name, word, phase, text, ...) [VS_CALL_##name] = "zx_" #name,
#include <vcpuspec/calls.def>
};

const char* vs_call_name(vs_call_index call) {
  return call < VS_CALL_COUNT ? call_names[call] : "no call";
}

uint8_t vs_call_of(const vs_op* op) {
  static const uint8_t calls[VS_OP_COUNT] = {
      [VS_OP_GUEST_CREATE] = VS_CALL_guest_create,
      [VS_OP_GUEST_LOAD] = VS_CALL_vmar_map,
      [VS_OP_VCPU_CREATE] = VS_CALL_vcpu_create,
      [VS_OP_EVENT_CREATE] = VS_CALL_event_create,
      [VS_OP_PORT_CREATE] = VS_CALL_port_create,
      [VS_OP_VMO_CREATE] = VS_CALL_vmo_create,
      [VS_OP_CLOSE] = VS_CALL_handle_close,
      [VS_OP_DUPLICATE] = VS_CALL_handle_duplicate,
      [VS_OP_REPLACE] = VS_CALL_handle_replace,
      [VS_OP_WRITE_STATE] = VS_CALL_vcpu_write_state,
      [VS_OP_READ_STATE] = VS_CALL_vcpu_read_state,
      [VS_OP_ENTER] = VS_CALL_vcpu_enter,
      [VS_OP_KICK] = VS_CALL_vcpu_kick,
      [VS_OP_INTERRUPT] = VS_CALL_vcpu_interrupt,
      [VS_OP_AWAIT_GUEST] = VS_CALL_vmo_read,
      [VS_OP_JOIN] = VS_NO_CALL,
      [VS_OP_THREAD_EXIT] = VS_NO_CALL,
  };
  return calls[op->code];
}

bool vs_op_takes_handle(const vs_op* op) {
  switch ((vs_op_code)op->code) {
    case VS_OP_GUEST_CREATE:
    case VS_OP_EVENT_CREATE:
    case VS_OP_PORT_CREATE:
    case VS_OP_VMO_CREATE:
    case VS_OP_JOIN:
    case VS_OP_THREAD_EXIT:
      return false;
    default:
      return op->handle.form != VS_HANDLE_RAW;
  }
}

bool vs_op_makes_handle(const vs_op* op) {
  return op->code <= VS_OP_VMO_CREATE || op->code == VS_OP_DUPLICATE || op->code == VS_OP_REPLACE;
}
