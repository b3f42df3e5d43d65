// SPDX-License-Identifier: BSD-3-Clause
#include "build.h"

#include <stdlib.h>
#include <string.h>

static bool grow(vs_build* b) {
  size_t capacity = b->capacity == 0 ? 64 : 2 * b->capacity;
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
  *op = (vs_op){.code = (uint8_t)code};
  return op;
}

vs_handle_ref slot(uint8_t at) {
  return (vs_handle_ref){.form = VS_HANDLE_SLOT, .slot = at};
}

void set_register(vs_buffer* buffer, const vs_arch_info* info, size_t index, uint64_t value) {
  const vs_register* reg = &info->registers[index];
  memcpy(buffer->bytes + reg->offset, &value, reg->width / 8u);
}

// A well-mixed word (splitmix64's finaliser), so that every byte of every register is its own: one
// that is lost, swapped or cut shows.
static uint64_t mix(uint64_t x) {
  x += UINT64_C(0x9e3779b97f4a7c15);
  x = (x ^ x >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
  x = (x ^ x >> 27) * UINT64_C(0x94d049bb133111eb);
  return x ^ x >> 31;
}

static void fill_state(const vs_build* b, vs_buffer* buffer, unsigned number) {
  const vs_arch_info* info = b->info;
  const uint64_t trap = info->has_ports ? 0x100 : 0;  // TF stops the guest after one instruction
  for (size_t i = 0; i < info->register_count; i++) {
    uint64_t value = mix(mix(b->seed) + number * UINT64_C(64) + i);
    if (i == info->flags) {
      value &= info->flags_required | info->flags_optional;
      value = (value & ~trap) | info->flags_gate;
    }
    set_register(buffer, info, i, value);
  }
}

void guest(vs_build* b, uint8_t guest_slot, uint8_t vmar_slot, uint8_t memory_slot) {
  vs_op* op = add(b, VS_OP_GUEST_CREATE);
  op->out = guest_slot;
  op->out2 = vmar_slot;
  op = add(b, VS_OP_GUEST_LOAD);
  op->handle = slot(guest_slot);
  op->out = memory_slot;
  op->out2 = vmar_slot;
  op->optional = true;
}

void vcpu(vs_build* b, uint8_t thread, uint8_t guest_slot, uint8_t vcpu_slot, vs_program program) {
  vs_op* op = add(b, VS_OP_VCPU_CREATE);
  op->thread = thread;
  op->handle = slot(guest_slot);
  op->out = vcpu_slot;
  op->program = (uint8_t)program;
}

void usual_vcpu(vs_build* b, vs_program program) {
  guest(b, SLOT_GUEST, SLOT_VMAR, SLOT_MEMORY);
  vcpu(b, 0, SLOT_GUEST, SLOT_VCPU, program);
  write_state(b, 1);
  read_back(b);
}

uint64_t exact_size(const vs_build* b, uint32_t kind) {
  return kind == ZX_VCPU_IO ? sizeof(zx_vcpu_io_t) : b->info->state_size;
}

static vs_op* write_of(vs_build* b, uint32_t kind) {
  vs_op* op = add(b, VS_OP_WRITE_STATE);
  op->handle = slot(SLOT_VCPU);
  op->kind = kind;
  op->size = exact_size(b, kind);
  op->buffer.length = (uint16_t)op->size;
  return op;
}

vs_op* write_state(vs_build* b, unsigned number) {
  vs_op* op = write_of(b, ZX_VCPU_STATE);
  fill_state(b, &op->buffer, number);
  return op;
}

vs_op* write_io(vs_build* b, uint8_t access_size, uint32_t data) {
  vs_op* op = write_of(b, ZX_VCPU_IO);
  zx_vcpu_io_t io = {.access_size = access_size, .u32 = data};
  memcpy(op->buffer.bytes, &io, sizeof io);
  return op;
}

vs_op* write_kind(vs_build* b, uint32_t kind, unsigned number) {
  return kind == ZX_VCPU_IO ? write_io(b, (uint8_t)(1u << number % 3), 0x01020304u * number)
                            : write_state(b, number);
}

void read_back_of(vs_build* b, uint8_t thread, uint8_t vcpu_slot) {
  vs_op* op = add(b, VS_OP_READ_STATE);
  op->thread = thread;
  op->handle = slot(vcpu_slot);
  op->optional = true;
}

void read_back(vs_build* b) {
  read_back_of(b, 0, SLOT_VCPU);
}

vs_op* enter(vs_build* b) {
  vs_op* op = add(b, VS_OP_ENTER);
  op->handle = slot(SLOT_VCPU);
  op->optional = true;
  return op;
}

vs_op* on(vs_op* op, uint8_t thread, uint8_t vcpu_slot) {
  op->thread = thread;
  op->handle = slot(vcpu_slot);
  return op;
}

void look(vs_build* b) {
  look_of(b, 0, SLOT_VCPU);
}

void look_of(vs_build* b, uint8_t thread, uint8_t vcpu_slot) {
  read_back_of(b, thread, vcpu_slot);
  on(enter(b), thread, vcpu_slot);
}

void kick(vs_build* b) {
  add(b, VS_OP_KICK)->handle = slot(SLOT_VCPU);
}

void derive(vs_build* b, vs_op_code code, uint8_t from, uint8_t to, zx_rights_t rights) {
  vs_op* op = add(b, code);
  op->handle = slot(from);
  op->out = to;
  op->rights = rights;
}

void close_slot(vs_build* b, uint8_t at) {
  add(b, VS_OP_CLOSE)->handle = slot(at);
}

void create(vs_build* b, vs_op_code code, uint8_t to) {
  add(b, code)->out = to;
}
