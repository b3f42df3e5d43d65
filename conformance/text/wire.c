// SPDX-License-Identifier: BSD-3-Clause
#include "wire.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "calls.h"
#include "read.h"

// --- requests ---------------------------------------------------------------------------------

typedef struct words {
  char* at;
  size_t length;
} words;

__attribute__((format(printf, 2, 3))) static void say(words* w, const char* format, ...) {
  va_list arguments;
  va_start(arguments, format);
  int length = vsnprintf(w->at + w->length, VS_WIRE_LINE - w->length, format, arguments);
  va_end(arguments);
  w->length += (size_t)length;  // an op's words are far shorter than a line
}

static void say_text(words* w, const char* text) {
  size_t length = strlen(text);
  memcpy(w->at + w->length, text, length + 1);
  w->length += length;
}

static void say_bytes(words* w, const uint8_t* bytes, size_t count) {
  static const char digits[] = "0123456789abcdef";
  for (size_t i = 0; i < count; i++) {
    w->at[w->length++] = digits[bytes[i] >> 4];
    w->at[w->length++] = digits[bytes[i] & 15];
  }
  w->at[w->length] = '\0';
}

static void say_handle(words* w, const vs_arg* ref) {
  if (ref.form == VS_HANDLE_RAW) {
    say(w, " raw=0x%" PRIx32, ref.value);
    return;
  }
  say(w, " h%u", ref.slot);
  if (ref.form == VS_HANDLE_CLEARED) say(w, "&~0x%" PRIx32, ref.value);
  if (ref.form == VS_HANDLE_FLIPPED) say(w, "^0x%" PRIx32, ref.value);
}

static void say_rewrite(words* w, const vs_rewrite* rewrite) {
  if (rewrite->mode == VS_REWRITE_NONE) return;
  say(w, rewrite->mode == VS_REWRITE_HELD ? " held=%u:" : " flip=%u:", rewrite->offset);
  say_bytes(w, rewrite->bytes, rewrite->length);
}

static void say_write(words* w, const vs_op* op) {
  const vs_buffer* buffer = &VS_OP_ARG(op, vcpu_write_state, buffer);
  size_t given = buffer->length < VS_STATE_MAX ? buffer->length : VS_STATE_MAX;
  say(w, " kind=0x%" PRIx32 " size=0x%" PRIx64 " length=%u at=%s", VS_OP_ARG(op, vcpu_write_state, kind).number, VS_OP_ARG(op, vcpu_write_state, buffer_size).number,
      buffer->length, vs_placements[buffer->at].name);
  if (buffer->argument != 0) say(w, ":%u", buffer->argument);
  if (given > 0) say_text(w, " bytes=");
  say_bytes(w, buffer->bytes, given);
  say_rewrite(w, &op->rewrite);
}

static void say_program(words* w, const vs_op* op) {
  if (VS_OP_ARG(op, vcpu_create, entry).slot != VS_PROGRAM_CODE) {
    say(w, " %s", vs_programs[VS_OP_ARG(op, vcpu_create, entry).slot].name);
    return;
  }
  size_t given = VS_OP_ARG(op, vcpu_write_state, buffer).length < VS_STATE_MAX ? VS_OP_ARG(op, vcpu_write_state, buffer).length : VS_STATE_MAX;
  say_text(w, " code=");
  say_bytes(w, op->bytes, given);
}

static void say_arguments(words* w, const vs_op* op) {
  switch (op->code) {
    case VS_CALL_guest_create:
    case VS_CALL_event_create:
    case VS_CALL_port_create:
    case VS_CALL_vmo_create:
    case VS_OP_join:
    case VS_OP_thread_exit:
      return;
    default:
      say_handle(w, &op->args[0]);
  }
  if (op->code == VS_CALL_vcpu_write_state) say_write(w, op);
  if (op->code == VS_OP_guest_load) say(w, " h%u", op->out2);
  if (op->code == VS_CALL_vcpu_create) say_program(w, op);
  if (op->code == VS_CALL_vcpu_interrupt) say(w, " %" PRIu32, VS_OP_ARG(op, vcpu_interrupt, vector).number);
  bool derives = op->code == VS_CALL_handle_duplicate || op->code == VS_CALL_handle_replace;
  if (derives) say(w, " 0x%" PRIx32, VS_OP_ARG(op, handle_duplicate, rights).number);
}

size_t vs_wire_print(char text[VS_WIRE_LINE], const vs_op* op) {
  words w = {text, 0};
  say(&w, op->async ? "T%u: start " : "T%u: ", op->thread);
  if (op->code == VS_CALL_guest_create) {
    say(&w, "h%u h%u = ", op->out, op->out2);
  } else if (vs_op_makes_handle(op)) {
    say(&w, "h%u = ", op->out);
  }
  say_text(&w, vs_ops[op->code].name);
  say_arguments(&w, op);
  return w.length;
}

uint32_t vs_wire_sum(const char* bytes, size_t length) {
  uint32_t sum = UINT32_C(2166136261);
  for (size_t i = 0; i < length; i++) sum = (sum ^ (uint8_t)bytes[i]) * UINT32_C(16777619);
  return sum;
}

// --- replies ----------------------------------------------------------------------------------

static bool refuse(vs_fault* fault, const char* why) {
  snprintf(fault->message, sizeof fault->message, "%s", why);
  return false;
}

static bool has_io(const vs_observation* seen) {
  uint8_t bytes[sizeof seen->packet.guest_io];
  memcpy(bytes, &seen->packet.guest_io, sizeof bytes);
  for (size_t i = 0; i < sizeof bytes; i++) {
    if (bytes[i] != 0) return true;
  }
  return seen->packet.guest_mem_arm64.addr != 0;
}

static bool state_fits(const vs_observation* seen, const vs_arch_info* info) {
  for (size_t i = info->state_size; i < VS_STATE_MAX; i++) {
    if (seen->state[i] != 0) return false;
  }
  return true;
}

// What a call that did not succeed, or was not made, cannot have brought.
static bool brings_nothing(const vs_observation* seen, vs_fault* fault) {
  bool something = seen->handle != 0 || seen->handle2 != 0 || seen->has_state || seen->has_packet;
  return !something || refuse(fault, "a handle, a packet or a state comes with ZX_OK alone");
}

static bool is_of_op(const vs_op* op, const vs_observation* seen, const vs_arch_info* info,
                     vs_fault* fault) {
  bool write = op->code == VS_CALL_vcpu_write_state;
  bool enter = op->code == VS_CALL_vcpu_enter;
  bool read = op->code == VS_CALL_vcpu_read_state;
  if ((seen->buffer_changed || seen->held) && !write)
    return refuse(fault, "buffer_changed and held belong to write_state");
  if (seen->held && op->rewrite.mode != VS_REWRITE_HELD)
    return refuse(fault, "held belongs to a write_state with held=");
  if (seen->has_packet && !enter) return refuse(fault, "packet= belongs to enter");
  if (has_io(seen) && !seen->has_packet)
    return refuse(fault, "what a packet holds comes with packet=");
  if (seen->has_state && !enter && !read)
    return refuse(fault, "state belongs to read_state and enter");
  if (seen->has_state && !state_fits(seen, info))
    return refuse(fault, "the state is longer than that of the architecture");
  if (seen->handle != 0 && !vs_op_makes_handle(op))
    return refuse(fault, "handle= belongs to a call that fills a slot");
  if (seen->handle2 != 0 && op->code != VS_CALL_guest_create)
    return refuse(fault, "handle2= belongs to guest_create");
  return true;
}

static bool is_complete(const vs_op* op, const vs_observation* seen, vs_fault* fault) {
  if (op->code == VS_CALL_vcpu_read_state && !seen->has_state)
    return refuse(fault, "expected 'state' and what it holds: read_state returned ZX_OK");
  if (op->code == VS_CALL_vcpu_enter && !seen->has_packet)
    return refuse(fault, "expected packet=: enter returned ZX_OK");
  return true;
}

static bool names_call(const vs_op* op, const vs_observation* seen, vs_fault* fault) {
  if (seen->call == vs_call_of(op) || seen->outcome == VS_UNSUPPORTED) return true;
  return op->code == VS_OP_guest_load ||
         refuse(fault, "of= belongs to guest_load, and to unsupported");
}

static bool belongs(const vs_op* op, const vs_observation* seen, const vs_arch_info* info,
                    vs_fault* fault) {
  bool returned = seen->outcome == VS_RETURNED;
  if (seen->outcome == VS_STARTED && !op->async)
    return refuse(fault, "'started' answers an operation with 'start', and no other");
  if (returned && op->async)
    return refuse(fault, "an operation with 'start' is answered by 'started'");
  if (!names_call(op, seen, fault) || !is_of_op(op, seen, info, fault)) return false;
  bool succeeded = returned && seen->status == ZX_OK;
  return succeeded ? is_complete(op, seen, fault) : brings_nothing(seen, fault);
}

static vs_wire_reply read_error(const char* text, size_t length, vs_fault* fault) {
  int kept = length < sizeof fault->message ? (int)length : (int)sizeof fault->message - 1;
  snprintf(fault->message, sizeof fault->message, "%.*s", kept, text);
  for (char* c = fault->message; *c != '\0'; c++) {
    if ((unsigned char)*c < ' ' || (unsigned char)*c >= 0x7f) *c = '?';
  }
  return VS_WIRE_ERROR;
}

vs_wire_reply vs_wire_read(const char* text, size_t length, const vs_op* op,
                           const vs_arch_info* info, vs_observation* seen, vs_fault* fault) {
  static const char error[] = "= error";
  static _Thread_local vs_line line;
  vs_source source = vs_source_of(text, length);
  *fault = (vs_fault){0};
  size_t prefix = sizeof error - 1;
  bool is_error = length >= prefix && memcmp(text, error, prefix) == 0 &&
                  (length == prefix || text[prefix] == ' ');
  if (is_error) return read_error(text + prefix, length - prefix, fault);
  refuse(fault, "expected '=' and a result after the number");
  if (!vs_line_next(&source, &line) || !vs_line_cut(&line, NULL, NULL, fault)) {
    return VS_WIRE_FAULT;
  }
  vs_parse p = {.line = &line, .next = 1, .scope = {.info = info}, .fault = fault};
  bool equals = line.count > 0 && strcmp(line.words[0].text, "=") == 0;
  if (!equals) return VS_WIRE_FAULT;
  bool good = vs_read_result(&p, op, seen) && belongs(op, seen, info, fault);
  return good ? VS_WIRE_RESULT : VS_WIRE_FAULT;
}
