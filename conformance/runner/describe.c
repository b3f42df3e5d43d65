// SPDX-License-Identifier: BSD-3-Clause
#include "describe.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "executor/executor.h"
#include "text/names.h"

vs_text vs_text_in(char* buffer, size_t size) {
  buffer[0] = '\0';
  return (vs_text){buffer, size, 0};
}

void vs_say(vs_text* text, const char* format, ...) {
  va_list arguments;
  va_start(arguments, format);
  size_t room = text->size - text->length;
  int written = vsnprintf(text->at + text->length, room, format, arguments);
  va_end(arguments);
  if (written < 0) return;
  text->length += (size_t)written < room ? (size_t)written : room - 1;
}

void vs_say_status(vs_text* text, zx_status_t status) {
  const char* name = vs_status_name(status);
  if (name != NULL) return vs_say(text, "%s", name);
  vs_say(text, "%" PRId32, status);
}

// --- ops --------------------------------------------------------------------------------------

static void say_handle(vs_text* text, const vs_arg* ref) {
  switch (ref.form) {
    case VS_HANDLE_SLOT:
      return vs_say(text, "h%u", ref.slot);
    case VS_HANDLE_CLEARED:
      return vs_say(text, "h%u & ~0x%" PRIx32, ref.slot, ref.value);
    case VS_HANDLE_FLIPPED:
      return vs_say(text, "h%u ^ 0x%" PRIx32, ref.slot, ref.value);
    default:
      return vs_say(text, "0x%" PRIx32, ref.value);
  }
}

static void say_kind(vs_text* text, uint32_t kind) {
  if (kind == ZX_VCPU_STATE) return vs_say(text, "ZX_VCPU_STATE");
  if (kind == ZX_VCPU_IO) return vs_say(text, "ZX_VCPU_IO");
  vs_say(text, "kind 0x%" PRIx32, kind);
}

static void say_size(vs_text* text, uint64_t size) {
  if (size < 65536) return vs_say(text, "%" PRIu64, size);
  vs_say(text, "0x%" PRIx64, size);
}

static void say_placement(vs_text* text, const vs_buffer* buffer) {
  vs_say(text, "%s", vs_placements[buffer->at].name);
  const char* meaning = vs_placements[buffer->at].text;
  bool argument = strchr(meaning, 'N') != NULL || buffer->at == VS_AT_KERNEL;
  if (argument) vs_say(text, ":%u", buffer->argument);
}

static void say_contents(vs_text* text, const vs_op* op) {
  if (VS_OP_ARG(op, vcpu_write_state, kind).number != ZX_VCPU_IO) return;
  const uint8_t* b = op->bytes;
  vs_say(text, " {access_size %u, data %02x %02x %02x %02x}", b[0], b[4], b[5], b[6], b[7]);
}

static void say_write(vs_text* text, const vs_op* op) {
  vs_say(text, "zx_vcpu_write_state(");
  say_handle(text, &op->args[0]);
  vs_say(text, ", ");
  say_kind(text, VS_OP_ARG(op, vcpu_write_state, kind).number);
  vs_say(text, ", ");
  say_placement(text, &VS_OP_ARG(op, vcpu_write_state, buffer));
  say_contents(text, op);
  vs_say(text, ", ");
  say_size(text, VS_OP_ARG(op, vcpu_write_state, buffer_size).number);
  vs_say(text, ")");
}

static void say_rights(vs_text* text, zx_rights_t rights) {
  if (rights == ZX_RIGHT_SAME_RIGHTS) return vs_say(text, "ZX_RIGHT_SAME_RIGHTS");
  vs_say(text, "rights 0x%" PRIx32, rights);
}

static void say_call(vs_text* text, const vs_op* op) {
  switch (op->code) {
    case VS_CALL_vcpu_write_state:
      return say_write(text, op);
    case VS_CALL_guest_create:
      return vs_say(text, "h%u, h%u (vmar) = zx_guest_create()", op->out, op->out2);
    case VS_OP_guest_load:
      return vs_say(text, "load the guest programs into h%u", op->args[0].slot);
    case VS_CALL_vcpu_create:
      return vs_say(text, "h%u = zx_vcpu_create(h%u, 0, entry of `%s`)", op->out, op->args[0].slot,
                    vs_programs[VS_OP_ARG(op, vcpu_create, entry).slot].name);
    case VS_CALL_handle_duplicate:
    case VS_CALL_handle_replace:
      vs_say(text, "h%u = zx_handle_%s(", op->out, vs_ops[op->code].name);
      say_handle(text, &op->args[0]);
      vs_say(text, ", ");
      say_rights(text, VS_OP_ARG(op, handle_duplicate, rights).number);
      return vs_say(text, ")");
    case VS_CALL_event_create:
    case VS_CALL_port_create:
    case VS_CALL_vmo_create:
      return vs_say(text, "h%u = zx_%s()", op->out, vs_ops[op->code].name);
    case VS_OP_join:
    case VS_OP_thread_exit:
      return vs_say(
          text, "%s",
          op->code == VS_OP_join ? "wait for the call that runs there" : "the thread ends");
    case VS_OP_await_guest:
      return vs_say(text, "wait for a sign of life of the guest of h%u", op->args[0].slot);
    case VS_CALL_vcpu_interrupt:
      vs_say(text, "zx_vcpu_interrupt(");
      say_handle(text, &op->args[0]);
      return vs_say(text, ", %" PRIu32 ")", VS_OP_ARG(op, vcpu_interrupt, vector).number);
    case VS_CALL_handle_close:
      vs_say(text, "zx_handle_close(");
      break;
    default:
      vs_say(text, "zx_vcpu_%s(", vs_ops[op->code].name);
      break;
  }
  say_handle(text, &op->args[0]);
  vs_say(text, ")");
}

void vs_say_op(vs_text* text, const vs_op* op) {
  vs_say(text, "T%u: ", op->thread);
  say_call(text, op);
  if (op->async) vs_say(text, ", without waiting");
}

void vs_say_answer(vs_text* text, const vs_op* op, const vs_observation* seen) {
  switch ((vs_outcome)seen->outcome) {
    case VS_RETURNED:
      if (op->code == VS_OP_thread_exit) return;
      vs_say(text, " = ");
      return vs_say_status(text, seen->status);
    case VS_IN_CALL:
      return vs_say(text, " did not return");
    case VS_UNSUPPORTED:
      return vs_say(text, " (not done: for want of %s)", vs_call_name(seen->call));
    case VS_NOT_REACHED:
      return vs_say(text, " (not reached)");
    default:
      return;
  }
}

// --- violations -------------------------------------------------------------------------------

static void say_one(vs_text* text, const vs_allowed* row) {
  vs_say_status(text, row->status);
  if (row->check != VS_CHECK_NONE) vs_say(text, " (%s)", vs_checks[row->check].reason);
  if (row->latitude != VS_LATITUDE_COUNT) {
    vs_say(text, " [latitude %s]", vs_latitudes[row->latitude].id);
  }
}

static const char* view(const vs_violation* v) {
  return v->guest_view ? "as guest code saw it" : "as zx_vcpu_read_state reported it";
}

void vs_say_allowed(vs_text* text, const vs_violation* v, const vs_arch_info* arch) {
  switch (v->kind) {
    case VS_VIOLATION_REGISTER:
      vs_say(text, "%s = 0x%016" PRIx64, arch->registers[v->reg].name, v->expected);
      if (v->known != UINT64_MAX) vs_say(text, " in the bits 0x%" PRIx64, v->known);
      return;
    case VS_VIOLATION_PACKET:
      return vs_say(text, "a packet of the guest's own exit");
    case VS_VIOLATION_HANDLE:
      return vs_say(text, "a handle that is not 0 and that no open handle equals");
    case VS_VIOLATION_BUFFER:
      return vs_say(text, "the buffer as it was");
    case VS_VIOLATION_SILENCE:
      return vs_say(text, "a sign of life in the guest's memory within a second");
    default:
      for (size_t i = 0; i < v->decision.count; i++) {
        if (i > 0) vs_say(text, " or ");
        say_one(text, &v->decision.allowed[i]);
      }
      if (v->decision.ordered && (v->decision.faults & (v->decision.faults - 1)) != 0) {
        vs_say(text, ", which the profile looks at first");
      }
  }
}

void vs_say_got(vs_text* text, const vs_violation* v, const vs_arch_info* arch) {
  switch (v->kind) {
    case VS_VIOLATION_REGISTER:
      return vs_say(text, "%s = 0x%016" PRIx64 ", %s", arch->registers[v->reg].name, v->value,
                    view(v));
    case VS_VIOLATION_NO_RETURN:
      return vs_say(text, "no answer");
    case VS_VIOLATION_PACKET:
      return vs_say(text, "another packet, or registers that were not stored");
    case VS_VIOLATION_HANDLE:
      return vs_say(text, "0, or the value of an open handle");
    case VS_VIOLATION_BUFFER:
      return vs_say(text, "a buffer that the call has written");
    case VS_VIOLATION_SILENCE:
      return vs_say(text, "none");
    default:
      vs_say_status(text, v->got);
  }
}
