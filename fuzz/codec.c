// SPDX-License-Identifier: BSD-3-Clause
// An op is a head of two bytes (code, thread, async; try, whole, rewritten) and its arguments, each
// by its parameter's type: numbers little endian, contents with their length before them and
// without the zeros at their end. Of an op that is not whole, arguments that are as they are unless
// told are left out: all but slots, rights, vectors and guest programs. What is missing at the end
// of the input is zero. Reading and writing are one function for each type.
#include "codec.h"

#include <string.h>

#include "sense.h"

enum { OPTIONAL = 1, WHOLE = 2, REWRITTEN = 4, MODES = 2, FORMS = VS_HANDLE_OTHER_RESOURCE + 1 };
_Static_assert(VS_OP_COUNT <= 32, "a code has 5 bits");

// --- numbers ----------------------------------------------------------------------------------

// Bytes that are read, or written if `out` is there.
typedef struct stream {
  const uint8_t* in;
  const uint8_t* in_end;
  uint8_t* out;
  uint8_t* out_end;
  bool full;
} stream;

static uint64_t take(stream* s, unsigned bytes) {
  uint64_t value = 0;
  for (unsigned i = 0; i < bytes && s->in < s->in_end; i++) value |= (uint64_t)*s->in++ << 8 * i;
  return value;
}

static void put(stream* s, uint64_t value, unsigned bytes) {
  if ((size_t)(s->out_end - s->out) < bytes) s->full = true;
  for (unsigned i = 0; i < bytes && !s->full; i++) *s->out++ = (uint8_t)(value >> 8 * i);
}

// Writes the value, or reads another in its place.
static uint64_t pass(stream* s, uint64_t value, unsigned bytes) {
  if (s->out == NULL) return take(s, bytes);
  put(s, value, bytes);
  return value;
}

static void take_bytes(stream* s, uint8_t* to, size_t count) {
  size_t left = (size_t)(s->in_end - s->in);
  size_t given = count < left ? count : left;
  if (given > 0) memcpy(to, s->in, given);
  s->in += given;
}

static void pass_bytes(stream* s, uint8_t* bytes, size_t count) {
  if (s->out == NULL) {
    take_bytes(s, bytes, count);
  } else if ((size_t)(s->out_end - s->out) < count) {
    s->full = true;
  } else if (!s->full) {
    memcpy(s->out, bytes, count);
    s->out += count;
  }
}

// --- arguments by type --------------------------------------------------------------------------

// What a handle's form is unless told.
static uint8_t usual_form(const vs_param* param) {
  return param->object == ZX_OBJ_TYPE_RESOURCE ? VS_HANDLE_RESOURCE : VS_HANDLE_SLOT;
}

static void pass_slot(stream* s, vs_arg* arg) {
  arg->slot = (uint8_t)pass(s, arg->slot, 1) % VS_SLOTS;
}

// The form is counted from the usual one.
static void pass_form(stream* s, unsigned usual, vs_arg* handle) {
  unsigned other = (unsigned)(handle->form + FORMS - usual) % FORMS;
  unsigned byte = (unsigned)pass(s, handle->slot | other << 4, 1);
  handle->slot = byte % VS_SLOTS;
  handle->form = (uint8_t)((usual + (byte >> 4)) % FORMS);
  bool number = handle->form != VS_HANDLE_SLOT && !vs_arg_names_resource(handle);
  if (number) handle->number = pass(s, handle->number, 4);
}

static void pass_handle(stream* s, const vs_param* param, vs_arg* handle, bool whole) {
  const uint8_t usual = usual_form(param);
  if (whole) return pass_form(s, usual, handle);
  handle->form = usual;
  if (usual == VS_HANDLE_SLOT) pass_slot(s, handle);
}

static void pass_entry(stream* s, vs_arg* entry) {
  enum { RAW = 0x80 };
  unsigned byte = (unsigned)pass(s, entry->slot | (entry->form == VS_ENTRY_RAW ? RAW : 0), 1);
  entry->form = byte & RAW ? VS_ENTRY_RAW : VS_ENTRY_PROGRAM;
  entry->slot = (uint8_t)((byte & ~(unsigned)RAW) % VS_PROGRAM_COUNT);
  if (entry->form == VS_ENTRY_RAW) entry->number = pass(s, entry->number, 8);
}

static void pass_place(stream* s, vs_arg* pointer) {
  pointer->at = (uint8_t)pass(s, pointer->at, 1) % VS_PLACEMENT_COUNT;
  pointer->argument = (uint16_t)pass(s, pointer->argument, 2);
}

static void pass_contents(stream* s, uint8_t* bytes) {
  size_t count = s->out != NULL ? VS_STATE_MAX : 0;
  while (count > 0 && bytes[count - 1] == 0) count--;
  count = (size_t)pass(s, count, 2) % (VS_STATE_MAX + 1);
  pass_bytes(s, bytes, count);
}

static void pass_pointer(stream* s, uint8_t type, vs_arg* pointer, uint8_t* bytes) {
  pass_place(s, pointer);
  bool buffer = type == VS_PARAM_IN || type == VS_PARAM_OUT;
  if (buffer) pointer->length = (uint16_t)pass(s, pointer->length, 2);
  if (type == VS_PARAM_IN || type == VS_PARAM_IN_PACKET) pass_contents(s, bytes);
}

static void pass_argument(stream* s, vs_op* op, uint8_t parameter, bool whole) {
  const vs_param* param = &vs_ops[op->code].params[parameter];
  vs_arg* arg = &op->args[parameter];
  switch (param->type) {
    case VS_PARAM_HANDLE:
      return pass_handle(s, param, arg, whole);
    case VS_PARAM_OUT_HANDLE:
      pass_slot(s, arg);
      if (whole) pass_place(s, arg);
      return;
    case VS_PARAM_ENTRY:
      return pass_entry(s, arg);
    case VS_PARAM_RIGHTS:
    case VS_PARAM_VECTOR:
      arg->number = pass(s, arg->number, 4);
      return;
    case VS_PARAM_U32:
    case VS_PARAM_KIND:
      if (whole) arg->number = pass(s, arg->number, 4);
      return;
    default:
      if (whole && vs_param_is_pointer(param->type)) {
        pass_pointer(s, param->type, arg, op->bytes);
      } else if (whole) {
        arg->number = pass(s, arg->number, 8);
      }
  }
}

// --- ops --------------------------------------------------------------------------------------

static bool has_kind(const vs_op* op) {
  return vs_param_find(op->code, VS_PARAM_KIND, 0) < VS_ARGS_MAX;
}

// What is read has the length of its kind, whatever that is; and so has its size, unless told.
static uint64_t usual_size(const vs_op* op, const vs_param* size) {
  uint8_t out = vs_param_find(op->code, VS_PARAM_OUT, 0);
  return has_kind(op) && out < VS_ARGS_MAX ? op->args[out].length : size->value;
}

static bool is_usual(const vs_op* op, uint8_t parameter) {
  const vs_param* param = &vs_ops[op->code].params[parameter];
  const vs_arg* arg = &op->args[parameter];
  switch (param->type) {
    case VS_PARAM_OUT:
      return arg->at == VS_AT_EDGE && (arg->length == 0 || has_kind(op));
    case VS_PARAM_OUT_HANDLE:
    case VS_PARAM_OUT_PACKET:
    case VS_PARAM_OUT_U64:
      return arg->at == VS_AT_PLAIN && arg->argument == 0;
    case VS_PARAM_IN:
    case VS_PARAM_IN_PACKET:
      return false;
    case VS_PARAM_SIZE:
      return arg->number == usual_size(op, param);
    case VS_PARAM_U32:
    case VS_PARAM_U64:
    case VS_PARAM_TIME:
    case VS_PARAM_KIND:
      return arg->number == param->value;
    case VS_PARAM_HANDLE:
      return arg->form == usual_form(param);
    default:
      return true;
  }
}

static bool is_whole(const vs_op* op) {
  uint8_t i = 0;
  while (i < VS_ARGS_MAX && is_usual(op, i)) i++;
  return i < VS_ARGS_MAX;
}

static void pass_rewrite(stream* s, vs_rewrite* rewrite) {
  unsigned how = (rewrite->mode - 1u) + (rewrite->length - 1u) * MODES;
  how = (unsigned)pass(s, how, 1);
  rewrite->mode = (uint8_t)(1 + how % MODES);
  rewrite->length = (uint8_t)(1 + how / MODES % sizeof rewrite->bytes);
  rewrite->offset = (uint16_t)pass(s, rewrite->offset, 2);
  pass_bytes(s, rewrite->bytes, rewrite->length);
}

static void pass_op(stream* s, vs_op* op, unsigned flags) {
  const vs_param* params = vs_ops[op->code].params;
  for (uint8_t i = 0; i < VS_ARGS_MAX && params[i].type != VS_PARAM_NONE; i++) {
    pass_argument(s, op, i, flags & WHOLE);
  }
  if (flags & REWRITTEN) pass_rewrite(s, &op->rewrite);
}

// --- reading ----------------------------------------------------------------------------------

static void take_op(stream* s, const vs_arch_info* arch, vs_op* op) {
  unsigned head = (unsigned)take(s, 1);
  unsigned flags = (unsigned)take(s, 1);
  *op = vs_op_new((uint8_t)((head & 0x1f) % VS_OP_COUNT), arch);
  op->thread = (uint8_t)(head >> 5 & 3);
  op->async = head >> 7;
  op->optional = flags & OPTIONAL;
  if (op->code == VS_CALL_vcpu_write_state) flags |= WHOLE;
  pass_op(s, op, flags);
}

void vs_fuzz_decode(const uint8_t* data, size_t size, const vs_arch_info* arch,
                    vs_fuzz_script* script) {
  stream s = {.in = data, .in_end = data + size};
  vs_sense sense;
  vs_sense before;
  vs_sense_init(&sense, arch);
  script->count = 0;
  while (s.in < s.in_end) {
    vs_op* op = &script->ops[script->count];
    take_op(&s, arch, op);
    bool near = script->count + 1 + VS_SENSE_END >= VS_FUZZ_OPS;
    if (near) before = sense;
    if (!vs_sense_admit(&sense, op)) continue;
    if (near && script->count + 1 + vs_sense_open_end(&sense) > VS_FUZZ_OPS) {
      sense = before;
      break;
    }
    script->count++;
    if (script->count == VS_FUZZ_OPS) break;
  }
  script->count += vs_sense_end(&sense, &script->ops[script->count]);
}

void vs_fuzz_decode_call(const uint8_t* data, size_t size, const vs_arch_info* arch, vs_op* op) {
  stream s = {.in = data, .in_end = data + size};
  take_op(&s, arch, op);
  if (op->code != VS_CALL_vcpu_write_state) {
    uint8_t thread = op->thread;
    s.in = data;
    *op = vs_op_new(VS_CALL_vcpu_write_state, arch);
    op->thread = thread;
    pass_op(&s, op, WHOLE);
  }
  op->async = op->optional = false;
  vs_sense_tidy(arch, op);
  op->rewrite = (vs_rewrite){0};
}

// --- writing ----------------------------------------------------------------------------------

static void put_op(stream* s, const vs_op* op) {
  vs_op copy = *op;
  unsigned flags = is_whole(op) ? WHOLE : 0;
  if (op->optional) flags |= OPTIONAL;
  if (op->rewrite.mode != VS_REWRITE_NONE) flags |= REWRITTEN;
  put(s, op->code | (unsigned)op->thread << 5 | (unsigned)op->async << 7, 1);
  put(s, flags, 1);
  pass_op(s, &copy, flags);
}

// An op that does not fit is left out whole, and so is what follows.
size_t vs_fuzz_encode(const vs_fuzz_script* script, uint8_t* bytes, size_t room) {
  stream s = {.out = bytes, .out_end = bytes + room};
  for (size_t i = 0; i < script->count; i++) {
    uint8_t* before = s.out;
    put_op(&s, &script->ops[i]);
    if (!s.full) continue;
    s.out = before;
    break;
  }
  return (size_t)(s.out - bytes);
}

size_t vs_fuzz_encode_call(const vs_op* op, uint8_t* bytes, size_t room) {
  stream s = {.out = bytes, .out_end = bytes + room};
  put_op(&s, op);
  return s.full ? 0 : (size_t)(s.out - bytes);
}
