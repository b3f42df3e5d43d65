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

static void say_handle(vs_text* text, const vs_arg* arg) {
  switch (arg->form) {
    case VS_HANDLE_SLOT:
      return vs_say(text, "h%u", arg->slot);
    case VS_HANDLE_CLEARED:
      return vs_say(text, "h%u & ~0x%" PRIx64, arg->slot, arg->number);
    case VS_HANDLE_FLIPPED:
      return vs_say(text, "h%u ^ 0x%" PRIx64, arg->slot, arg->number);
    case VS_HANDLE_RESOURCE:
      return vs_say(text, "resource");
    case VS_HANDLE_OTHER_RESOURCE:
      return vs_say(text, "other_resource");
    default:
      return vs_say(text, "0x%" PRIx64, arg->number);
  }
}

static void say_kind(vs_text* text, uint64_t kind) {
  if (kind == ZX_VCPU_STATE) return vs_say(text, "ZX_VCPU_STATE");
  if (kind == ZX_VCPU_IO) return vs_say(text, "ZX_VCPU_IO");
  vs_say(text, "kind 0x%" PRIx64, kind);
}

static void say_number(vs_text* text, uint64_t number) {
  if (number < 65536) return vs_say(text, "%" PRIu64, number);
  vs_say(text, "0x%" PRIx64, number);
}

static void say_placement(vs_text* text, const vs_arg* pointer) {
  vs_say(text, "%s", vs_placements[pointer->at].name);
  const char* meaning = vs_placements[pointer->at].text;
  bool argument = strchr(meaning, 'N') != NULL || pointer->at == VS_AT_KERNEL;
  if (argument) vs_say(text, ":%u", pointer->argument);
}

static void say_contents(vs_text* text, const vs_op* op) {
  uint8_t kind = vs_param_find(op->code, VS_PARAM_KIND, 0);
  if (kind == VS_ARGS_MAX || op->args[kind].number != ZX_VCPU_IO) return;
  const uint8_t* b = op->bytes;
  vs_say(text, " {access_size %u, data %02x %02x %02x %02x}", b[0], b[4], b[5], b[6], b[7]);
}

static void say_rights(vs_text* text, uint64_t rights) {
  if (rights == ZX_RIGHT_SAME_RIGHTS) return vs_say(text, "ZX_RIGHT_SAME_RIGHTS");
  char names[VS_RIGHTS_TEXT];
  vs_say(text, "rights %s", vs_rights_text((zx_rights_t)rights, names));
}

static void say_entry(vs_text* text, const vs_arg* entry) {
  if (entry->form == VS_ENTRY_RAW) return vs_say(text, "0x%" PRIx64, entry->number);
  vs_say(text, "entry of `%s`", vs_programs[entry->slot].name);
}

static void say_argument(vs_text* text, const vs_op* op, uint8_t type, const vs_arg* arg) {
  if (type == VS_PARAM_HANDLE) return say_handle(text, arg);
  if (type == VS_PARAM_KIND) return say_kind(text, arg->number);
  if (type == VS_PARAM_RIGHTS) return say_rights(text, arg->number);
  if (type == VS_PARAM_ENTRY) return say_entry(text, arg);
  if (!vs_param_is_pointer(type)) return say_number(text, arg->number);
  say_placement(text, arg);
  if (type == VS_PARAM_IN) say_contents(text, op);
}

static bool reads_plain_state(const vs_op* op) {
  const vs_arg* buffer = &VS_OP_ARG(op, vcpu_read_state, buffer);
  uint64_t size = VS_OP_ARG(op, vcpu_read_state, buffer_size).number;
  bool exact = size == sizeof(zx_vcpu_state_x64_t) || size == sizeof(zx_vcpu_state_arm64_t);
  return op->code == VS_CALL_vcpu_read_state && buffer->at == VS_AT_EDGE && exact &&
         size == buffer->length && VS_OP_ARG(op, vcpu_read_state, kind).number == ZX_VCPU_STATE;
}

// True of an argument that says something: that of a call with an in-buffer all, of others those
// that are not as they are unless told.
static bool is_said(const vs_op* op, uint8_t i) {
  const vs_param* param = &vs_ops[op->code].params[i];
  const vs_arg* arg = &op->args[i];
  switch (param->type) {
    case VS_PARAM_NONE:
      return false;
    case VS_PARAM_HANDLE:
      return param->object != ZX_OBJ_TYPE_RESOURCE || arg->form != VS_HANDLE_RESOURCE;
    case VS_PARAM_U32:
      return arg->number != param->value;
    case VS_PARAM_OUT_HANDLE:
    case VS_PARAM_OUT_PACKET:
    case VS_PARAM_OUT_U64:
      return arg->at != VS_AT_PLAIN;
    case VS_PARAM_KIND:
    case VS_PARAM_OUT:
    case VS_PARAM_SIZE:
      return !reads_plain_state(op);
    default:
      return true;
  }
}

// The parameters that are told by their names: pointers and numbers of which others are left out.
static bool needs_name(const vs_op* op, uint8_t i) {
  uint8_t type = vs_ops[op->code].params[i].type;
  bool number = type == VS_PARAM_U32 || type == VS_PARAM_U64 || type == VS_PARAM_TIME;
  return number || type >= VS_PARAM_IN_PACKET || type == VS_PARAM_OUT_HANDLE ||
         (type == VS_PARAM_HANDLE && !vs_param_is_positional(op->code, i));
}

static void say_documented(vs_text* text, const vs_op* op) {
  const vs_op_info* info = &vs_ops[op->code];
  for (unsigned i = 0; i < 2 && vs_op_out(op, i) != NULL; i++) {
    vs_say(text, "%sh%u", i > 0 ? ", " : "", vs_op_out(op, i)->slot);
  }
  vs_say(text, "%s%s(", vs_op_out(op, 0) != NULL ? " = " : "", info->symbol);
  const char* between = "";
  for (uint8_t i = 0; i != VS_ARGS_MAX; i++) {
    if (!is_said(op, i)) continue;
    vs_say(text, "%s", between);
    if (needs_name(op, i)) vs_say(text, "%s ", info->params[i].name);
    say_argument(text, op, info->params[i].type, &op->args[i]);
    between = ", ";
  }
  vs_say(text, ")");
}

static void say_call(vs_text* text, const vs_op* op) {
  switch (op->code) {
    case VS_OP_guest_load:
      return vs_say(text, "load the guest programs into h%u", op->args[0].slot);
    case VS_OP_join:
      return vs_say(text, "wait for the call that runs there");
    case VS_OP_thread_exit:
      return vs_say(text, "the thread ends");
    case VS_OP_await_guest:
      return vs_say(text, "wait for a sign of life of the guest of h%u", op->args[0].slot);
    default:
      return say_documented(text, op);
  }
}

// Two looks at such a buffer may find two values: without that, a refusal seems to have no cause.
static void say_rewrite(vs_text* text, const vs_rewrite* rewrite) {
  if (rewrite->mode == VS_REWRITE_NONE) return;
  const unsigned last = rewrite->offset + rewrite->length - 1u;
  vs_say(text, ", while byte");
  if (rewrite->length > 1) vs_say(text, "s %u to", rewrite->offset);
  vs_say(text, " %u of the buffer change%s", last, rewrite->length > 1 ? "" : "s");
}

void vs_say_op(vs_text* text, const vs_op* op) {
  vs_say(text, "T%u: ", op->thread);
  say_call(text, op);
  say_rewrite(text, &op->rewrite);
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

// Bytes of "the handle ", where both texts begin with the same two words.
static size_t same_subject(const char* a, const char* b) {
  size_t length = strcspn(a, " ");
  if (a[length] == ' ') length += 1 + strcspn(a + length + 1, " ");
  const bool same = a[length] == ' ' && strncmp(a, b, length + 1) == 0;
  return same && strncmp(a, "the ", 4) == 0 ? length + 1 : 0;
}

static bool was_said(vs_check_set held, vs_check_code check) {
  for (vs_check_code i = 1; i < check; i++) {
    const bool same = strcmp(vs_checks[i].holds, vs_checks[check].holds) == 0;
    if ((held & VS_CHECK_IN(i)) && same) return true;
  }
  return false;
}

// " (the handle is valid, is a vCPU's, has ZX_RIGHT_READ)": the checks that the call passes.
static void say_held(vs_text* text, vs_check_set held) {
  const char* last = "";
  for (vs_check_code i = 1; i < VS_CHECK_COUNT; i++) {
    const char* holds = vs_checks[i].holds;
    if (!(held & VS_CHECK_IN(i)) || holds[0] == '\0' || was_said(held, i)) continue;
    vs_say(text, "%s%s", last[0] == '\0' ? " (" : ", ", holds + same_subject(holds, last));
    last = holds;
  }
  if (last[0] != '\0') vs_say(text, ")");
}

static void say_one(vs_text* text, const vs_allowed* row, vs_check_set held) {
  vs_say_status(text, row->status);
  if (row->check != VS_CHECK_NONE) vs_say(text, " (%s)", vs_checks[row->check].reason);
  if (row->status == ZX_OK) say_held(text, held);
  if (row->latitude != VS_LATITUDE_COUNT) {
    vs_say(text, " [latitude %s]", vs_latitudes[row->latitude].id);
  }
}

static const char* view(const vs_violation* v) {
  return v->guest_view ? "as guest code saw it" : "as zx_vcpu_read_state reported it";
}

// Of which the bits that are known matter.
static void say_field(vs_text* text, const vs_violation* v, uint64_t value) {
  const vs_packet_field_info* field = &vs_packet_fields[v->field];
  const uint64_t all = UINT64_MAX >> (64 - 8 * field->size);
  vs_say(text, "packet.%s = 0x%" PRIx64, field->name, value);
  if ((v->known & all) != all) vs_say(text, " in the bits 0x%" PRIx64, v->known & all);
}

static void say_room(vs_text* text, const vs_violation* v) {
  const bool told = v->change.parameter < VS_ARGS_MAX;  // a trace from elsewhere may say otherwise
  vs_say(text, "%s as it was", told ? vs_ops[v->call].params[v->change.parameter].name : "memory");
  if (v->room > 0) vs_say(text, " but for its bytes 0 to %d", v->room - 1);
}

void vs_say_allowed(vs_text* text, const vs_violation* v, const vs_arch_info* arch) {
  switch (v->kind) {
    case VS_VIOLATION_REGISTER:
      vs_say(text, "%s = 0x%016" PRIx64, arch->registers[v->reg].name, v->expected);
      if (v->known != UINT64_MAX) vs_say(text, " in the bits 0x%" PRIx64, v->known);
      return;
    case VS_VIOLATION_PACKET:
      if (v->field == VS_PACKET_FIELD_COUNT)
        return vs_say(text, "a packet, and registers that the guest has stored");
      return say_field(text, v, v->expected);
    case VS_VIOLATION_HANDLE:
      return vs_say(text, v->got == ZX_OK ? "a handle that is not 0 and that no open handle equals"
                                          : "a refusal that leaves no new handle open");
    case VS_VIOLATION_BUFFER:
      return say_room(text, v);
    case VS_VIOLATION_SILENCE:
      return vs_say(text, "a sign of life in the guest's memory within a second");
    default:
      for (size_t i = 0; i < v->decision.count; i++) {
        if (i > 0) vs_say(text, " or ");
        say_one(text, &v->decision.allowed[i], v->decision.held);
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
      if (v->field == VS_PACKET_FIELD_COUNT) return vs_say(text, "none that can be read");
      return say_field(text, v, v->value);
    case VS_VIOLATION_HANDLE:
      return vs_say(text, v->got == ZX_OK ? "0, or the value of an open handle"
                                          : "a handle that can be closed, where the new one goes");
    case VS_VIOLATION_BUFFER:
      return vs_say(text, "bytes %d to %d of it written", v->change.from, v->change.to - 1);
    case VS_VIOLATION_SILENCE:
      return vs_say(text, "none");
    default:
      vs_say_status(text, v->got);
  }
}

bool vs_say_meaning(vs_text* text, const vs_violation* v) {
  const bool status = v->kind == VS_VIOLATION_STATUS && v->got != ZX_OK;
  const vs_check_set held = v->decision.held;
  const char* before = "that ";
  if (!status || held == 0 || vs_decision_find(&v->decision, ZX_OK) == NULL) return false;
  for (vs_check_code i = 1; i < VS_CHECK_COUNT; i++) {
    if (!(held & VS_CHECK_IN(i)) || vs_checks[i].status != v->got) continue;
    vs_say(text, "%s%s", before, vs_checks[i].reason);
    before = ", or that ";
  }
  vs_say(text, before[0] == ',' ? ", which is not so" : "nothing: no check of this call has it");
  return true;
}
