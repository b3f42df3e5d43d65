// SPDX-License-Identifier: BSD-3-Clause
// An op is a head of three bytes (code, thread, async; handle slot, out; form, try, rewritten,
// second slot or program) and what its code asks for: numbers little endian, contents with their
// length before them and without the zeros at their end. What is missing at the end of the input is
// zero.
#include "codec.h"

#include <string.h>

#include "sense.h"

enum { FORM = 3, OPTIONAL = 4, REWRITTEN = 8, MODES = 2 };

// --- reading ----------------------------------------------------------------------------------

typedef struct reader {
  const uint8_t* at;
  const uint8_t* end;
} reader;

static uint64_t take(reader* r, unsigned bytes) {
  uint64_t value = 0;
  for (unsigned i = 0; i < bytes && r->at < r->end; i++) value |= (uint64_t)*r->at++ << 8 * i;
  return value;
}

static void take_bytes(reader* r, uint8_t* to, size_t count) {
  size_t left = (size_t)(r->end - r->at);
  size_t given = count < left ? count : left;
  memcpy(to, r->at, given);
  r->at += given;
}

static void take_rewrite(reader* r, vs_rewrite* rewrite) {
  uint8_t how = (uint8_t)take(r, 1);
  rewrite->mode = (uint8_t)(1 + how % MODES);
  rewrite->length = (uint8_t)(1 + how / MODES % sizeof rewrite->bytes);
  rewrite->offset = (uint16_t)take(r, 2);
  take_bytes(r, rewrite->bytes, rewrite->length);
}

static void take_write(reader* r, uint8_t flags, vs_op* op) {
  VS_OP_ARG(op, vcpu_write_state, kind).number = (uint32_t)take(r, 4);
  VS_OP_ARG(op, vcpu_write_state, buffer_size).number = take(r, 8);
  VS_OP_ARG(op, vcpu_write_state, buffer).at = (uint8_t)take(r, 1);
  VS_OP_ARG(op, vcpu_write_state, buffer).argument = (uint16_t)take(r, 2);
  VS_OP_ARG(op, vcpu_write_state, buffer).length = (uint16_t)take(r, 2);
  take_bytes(r, op->bytes, (size_t)take(r, 2) % (VS_STATE_MAX + 1));
  if (flags & REWRITTEN) take_rewrite(r, &op->rewrite);
}

static void take_op(reader* r, vs_op* op) {
  uint8_t first = (uint8_t)take(r, 1);
  uint8_t slots = (uint8_t)take(r, 1);
  uint8_t flags = (uint8_t)take(r, 1);
  memset(op, 0, sizeof *op);
  op->code = (uint8_t)((first & 0x1f) % VS_OP_COUNT);
  op->thread = (uint8_t)(first >> 5 & 3);
  op->async = first >> 7;
  op->optional = flags & OPTIONAL;
  bool writes = op->code == VS_CALL_vcpu_write_state;
  if (vs_ops[op->code].phase != VS_PHASE_LOCAL && op->code != VS_OP_join) {
    op->args[0].slot = slots & 0xf;
    op->out = slots >> 4;
  }
  if (op->code == VS_CALL_guest_create || op->code == VS_OP_guest_load) op->out2 = flags >> 4;
  if (op->code == VS_CALL_vcpu_create) VS_OP_ARG(op, vcpu_create, entry).slot = (flags >> 4) % VS_PROGRAM_COUNT;
  if (writes) op->args[0].form = flags & FORM;
  if (op->args[0].form != VS_HANDLE_SLOT) op->args[0].number = (uint32_t)take(r, 4);
  bool derives = op->code == VS_CALL_handle_duplicate || op->code == VS_CALL_handle_replace;
  if (derives) VS_OP_ARG(op, handle_duplicate, rights).number = (uint32_t)take(r, 4);
  if (op->code == VS_CALL_vcpu_interrupt) VS_OP_ARG(op, vcpu_interrupt, vector).number = (uint32_t)take(r, 4);
  if (writes) take_write(r, flags, op);
}

// Fields that its code does not use are none of the op's.
static void forget_unused(vs_op* op) {
  switch (op->code) {
    case VS_CALL_guest_create:
    case VS_CALL_event_create:
    case VS_CALL_port_create:
    case VS_CALL_vmo_create:
      op->args[0].slot = 0;
      return;
    case VS_OP_guest_load:
    case VS_CALL_vcpu_create:
    case VS_CALL_handle_duplicate:
    case VS_CALL_handle_replace:
      return;
    default:
      op->out = 0;
  }
}

void vs_fuzz_decode(const uint8_t* data, size_t size, const vs_arch_info* arch,
                    vs_fuzz_script* script) {
  reader r = {data, data + size};
  vs_sense sense;
  vs_sense before;
  vs_sense_init(&sense, arch);
  script->count = 0;
  while (r.at < r.end) {
    vs_op* op = &script->ops[script->count];
    take_op(&r, op);
    forget_unused(op);
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
  reader r = {data, data + size};
  take_op(&r, op);
  if (op->code != VS_CALL_vcpu_write_state) {
    r.at = data;
    uint8_t thread = op->thread;
    *op = (vs_op){.code = VS_CALL_vcpu_write_state, .thread = thread};
    take_write(&r, 0, op);
  }
  op->out = 0;
  op->async = op->optional = false;
  vs_sense_tidy_write(arch, op);
  op->rewrite = (vs_rewrite){0};
}

// --- writing ----------------------------------------------------------------------------------

typedef struct writer {
  uint8_t* at;
  uint8_t* end;
  bool full;
} writer;

static void put(writer* w, uint64_t value, unsigned bytes) {
  if ((size_t)(w->end - w->at) < bytes) w->full = true;
  for (unsigned i = 0; i < bytes && !w->full; i++) *w->at++ = (uint8_t)(value >> 8 * i);
}

static void put_bytes(writer* w, const uint8_t* bytes, size_t count) {
  if ((size_t)(w->end - w->at) < count) w->full = true;
  if (w->full) return;
  memcpy(w->at, bytes, count);
  w->at += count;
}

static void put_write(writer* w, const vs_op* op) {
  size_t count = VS_STATE_MAX;
  while (count > 0 && op->bytes[count - 1] == 0) count--;
  put(w, VS_OP_ARG(op, vcpu_write_state, kind).number, 4);
  put(w, VS_OP_ARG(op, vcpu_write_state, buffer_size).number, 8);
  put(w, VS_OP_ARG(op, vcpu_write_state, buffer).at, 1);
  put(w, VS_OP_ARG(op, vcpu_write_state, buffer).argument, 2);
  put(w, VS_OP_ARG(op, vcpu_write_state, buffer).length, 2);
  put(w, count, 2);
  put_bytes(w, op->bytes, count);
  if (op->rewrite.mode == VS_REWRITE_NONE) return;
  put(w, (op->rewrite.mode - 1u) + (op->rewrite.length - 1u) * MODES, 1);
  put(w, op->rewrite.offset, 2);
  put_bytes(w, op->rewrite.bytes, op->rewrite.length);
}

static void put_op(writer* w, const vs_op* op) {
  unsigned high = op->code == VS_CALL_vcpu_create ? VS_OP_ARG(op, vcpu_create, entry).slot : op->out2;
  unsigned flags = op->args[0].form | high << 4;
  if (op->optional) flags |= OPTIONAL;
  if (op->rewrite.mode != VS_REWRITE_NONE) flags |= REWRITTEN;
  put(w, op->code | (unsigned)op->thread << 5 | (unsigned)op->async << 7, 1);
  put(w, op->args[0].slot | (unsigned)op->out << 4, 1);
  put(w, flags, 1);
  if (op->args[0].form != VS_HANDLE_SLOT) put(w, op->args[0].number, 4);
  bool derives = op->code == VS_CALL_handle_duplicate || op->code == VS_CALL_handle_replace;
  if (derives) put(w, VS_OP_ARG(op, handle_duplicate, rights).number, 4);
  if (op->code == VS_CALL_vcpu_interrupt) put(w, VS_OP_ARG(op, vcpu_interrupt, vector).number, 4);
  if (op->code == VS_CALL_vcpu_write_state) put_write(w, op);
}

// An op that does not fit is left out whole, and so is what follows.
size_t vs_fuzz_encode(const vs_fuzz_script* script, uint8_t* bytes, size_t room) {
  writer w = {bytes, bytes + room, false};
  for (size_t i = 0; i < script->count; i++) {
    uint8_t* before = w.at;
    put_op(&w, &script->ops[i]);
    if (!w.full) continue;
    w.at = before;
    break;
  }
  return (size_t)(w.at - bytes);
}

size_t vs_fuzz_encode_call(const vs_op* op, uint8_t* bytes, size_t room) {
  writer w = {bytes, bytes + room, false};
  put_op(&w, op);
  return w.full ? 0 : (size_t)(w.at - bytes);
}
