// SPDX-License-Identifier: BSD-3-Clause
#include "build.h"

#include <stdlib.h>
#include <string.h>

#include "text/number.h"

static bool grow(vs_build* b) {
  size_t capacity = b->capacity == 0 ? 16 : 2 * b->capacity;
  vs_op* ops = realloc(b->ops, capacity * sizeof *ops);
  if (ops == NULL) return false;
  b->ops = ops;
  b->capacity = capacity;
  return true;
}

vs_op* add(vs_build* b, vs_op_code code) {
  static _Thread_local vs_op discarded;
  if (b->count == b->capacity && !grow(b)) {
    b->failed = true;
    return &discarded;
  }
  vs_op* op = &b->ops[b->count++];
  *op = vs_op_new((uint8_t)code, b->info);
  return op;
}

void set_register(vs_op* op, const vs_arch_info* info, size_t index, uint64_t value) {
  const vs_register* reg = &info->registers[index];
  memcpy(op->bytes + reg->offset, &value, reg->width / 8u);
}

void vcpu(vs_build* b, uint8_t thread, uint8_t guest_slot, uint8_t vcpu_slot, vs_program program) {
  vs_op* op = add(b, VS_CALL_vcpu_create);
  op->thread = thread;
  op->args[0] = vs_arg_slot(guest_slot);
  vs_op_give(op, 0, vcpu_slot);
  VS_OP_ARG(op, vcpu_create, entry).slot = (uint8_t)program;
}

void derive(vs_build* b, vs_op_code code, uint8_t from, uint8_t to, zx_rights_t rights) {
  vs_op* op = add(b, code);
  op->args[0] = vs_arg_slot(from);
  vs_op_give(op, 0, to);
  VS_OP_ARG(op, handle_duplicate, rights).number = rights;
}

void create(vs_build* b, vs_op_code code, uint8_t to) {
  vs_op_give(add(b, code), 0, to);
}

static vs_op* write_of(vs_build* b, uint32_t kind, uint64_t size) {
  vs_op* op = add(b, VS_CALL_vcpu_write_state);
  op->args[0] = vs_arg_slot(SLOT_VCPU);
  VS_OP_ARG(op, vcpu_write_state, kind).number = kind;
  VS_OP_ARG(op, vcpu_write_state, buffer_size).number = size;
  VS_OP_ARG(op, vcpu_write_state, buffer).length = (uint16_t)size;
  return op;
}

vs_op* write_state(vs_build* b) {
  const vs_arch_info* info = b->info;
  vs_op* op = write_of(b, ZX_VCPU_STATE, info->state_size);
  for (size_t i = 0; i < info->register_count; i++) {
    uint64_t value = vs_mix(0, i);
    if (i == info->flags) {
      value &= info->flags_required | info->flags_optional;
      value = vs_calm_flags(info, value) | info->flags_gate;
    }
    set_register(op, info, i, value);
  }
  return op;
}

vs_op* write_io(vs_build* b, uint8_t access_size, uint32_t data) {
  vs_op* op = write_of(b, ZX_VCPU_IO, sizeof(zx_vcpu_io_t));
  zx_vcpu_io_t io = {.access_size = access_size, .u32 = data};
  memcpy(op->bytes, &io, sizeof io);
  return op;
}

vs_op* on(vs_op* op, uint8_t thread, uint8_t vcpu_slot) {
  op->thread = thread;
  op->args[0] = vs_arg_slot(vcpu_slot);
  return op;
}

static void look(vs_build* b, vs_op_code code) {
  on(add(b, code), 0, SLOT_VCPU)->optional = true;
}

void read_back(vs_build* b) {
  look(b, VS_CALL_vcpu_read_state);
}

void enter(vs_build* b) {
  look(b, VS_CALL_vcpu_enter);
}
