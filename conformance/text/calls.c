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
      [VS_CALL_guest_create] = VS_CALL_guest_create,
      [VS_OP_guest_load] = VS_CALL_vmar_map,
      [VS_CALL_vcpu_create] = VS_CALL_vcpu_create,
      [VS_CALL_event_create] = VS_CALL_event_create,
      [VS_CALL_port_create] = VS_CALL_port_create,
      [VS_CALL_vmo_create] = VS_CALL_vmo_create,
      [VS_CALL_handle_close] = VS_CALL_handle_close,
      [VS_CALL_handle_duplicate] = VS_CALL_handle_duplicate,
      [VS_CALL_handle_replace] = VS_CALL_handle_replace,
      [VS_CALL_vcpu_write_state] = VS_CALL_vcpu_write_state,
      [VS_CALL_vcpu_read_state] = VS_CALL_vcpu_read_state,
      [VS_CALL_vcpu_enter] = VS_CALL_vcpu_enter,
      [VS_CALL_vcpu_kick] = VS_CALL_vcpu_kick,
      [VS_CALL_vcpu_interrupt] = VS_CALL_vcpu_interrupt,
      [VS_OP_await_guest] = VS_CALL_vmo_read,
      [VS_OP_join] = VS_NO_CALL,
      [VS_OP_thread_exit] = VS_NO_CALL,
  };
  return calls[op->code];
}

bool vs_op_takes_handle(const vs_op* op) {
  switch (op->code) {
    case VS_CALL_guest_create:
    case VS_CALL_event_create:
    case VS_CALL_port_create:
    case VS_CALL_vmo_create:
    case VS_OP_join:
    case VS_OP_thread_exit:
      return false;
    default:
      return op->args[0].form != VS_HANDLE_RAW;
  }
}

bool vs_op_makes_handle(const vs_op* op) {
  return op->code <= VS_CALL_vmo_create || op->code == VS_CALL_handle_duplicate || op->code == VS_CALL_handle_replace;
}
