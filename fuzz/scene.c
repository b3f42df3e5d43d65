// SPDX-License-Identifier: BSD-3-Clause
#include "scene.h"

#include <string.h>

// Slots; the rest are copies.
enum { GUEST, VMAR, VCPU = VS_FUZZ_SCENE_VCPU, COMPANY, READABLE, WRITABLE, EVENT, CLOSED, MEMORY };
enum { PORT = 9, VMO, STALE, REPLACED, COMPANY_COPY };
enum { CALLER, OTHER = 2 };  // threads

typedef struct row {
  uint8_t code;
  uint8_t thread;
  uint8_t slot;
  uint8_t out;
  zx_rights_t rights;
} row;

static const row rows[] = {
    {VS_OP_GUEST_CREATE, CALLER, 0, GUEST, 0},
    {VS_OP_GUEST_LOAD, CALLER, GUEST, MEMORY, 0},
    {VS_OP_VCPU_CREATE, CALLER, GUEST, VCPU, 0},
    {VS_OP_VCPU_CREATE, OTHER, GUEST, COMPANY, 0},
    {VS_OP_DUPLICATE, CALLER, VCPU, READABLE, ZX_DEFAULT_VCPU_RIGHTS & ~ZX_RIGHT_WRITE},
    {VS_OP_DUPLICATE, CALLER, VCPU, WRITABLE, ZX_RIGHT_WRITE},
    {VS_OP_EVENT_CREATE, CALLER, 0, EVENT, 0},
    {VS_OP_DUPLICATE, CALLER, VCPU, CLOSED, ZX_RIGHT_SAME_RIGHTS},
    {VS_OP_CLOSE, CALLER, CLOSED, 0, 0},
    {VS_OP_PORT_CREATE, CALLER, 0, PORT, 0},
    {VS_OP_VMO_CREATE, CALLER, 0, VMO, 0},
    {VS_OP_DUPLICATE, CALLER, VCPU, STALE, ZX_RIGHT_SAME_RIGHTS},
    {VS_OP_REPLACE, CALLER, STALE, REPLACED, ZX_RIGHT_SAME_RIGHTS},
    {VS_OP_DUPLICATE, OTHER, COMPANY, COMPANY_COPY, ZX_RIGHT_SAME_RIGHTS},
};
_Static_assert(COMPANY_COPY + 1 == VS_FUZZ_SCENE_SLOTS, "slots 0 to COMPANY_COPY are filled");

static vs_op op_of(vs_op_code code, uint8_t thread, uint8_t slot) {
  return (vs_op){.code = (uint8_t)code, .thread = thread, .handle.slot = slot};
}

// A value of its own in every byte, no flags, the gate open.
static vs_op first_write(const vs_arch_info* arch, uint8_t thread, uint8_t slot) {
  vs_op op = op_of(VS_OP_WRITE_STATE, thread, slot);
  op.size = op.buffer.length = arch->state_size;
  for (size_t i = 0; i < arch->state_size; i++) op.buffer.bytes[i] = (uint8_t)(i + 16u * slot + 1);
  const vs_register* reg = &arch->registers[arch->flags];
  memset(op.buffer.bytes + reg->offset, 0, reg->width / 8u);
  memcpy(op.buffer.bytes + reg->offset, &arch->flags_gate, reg->width / 8u);
  return op;
}

static size_t add(vs_sense* sense, vs_op* ops, size_t count, vs_op op) {
  ops[count] = op;
  return count + vs_sense_admit(sense, &ops[count]);
}

size_t vs_fuzz_scene(const vs_arch_info* arch, vs_sense* sense, vs_op* ops) {
  static const struct {
    uint8_t thread;
    uint8_t slot;
  } vcpus[] = {{CALLER, VCPU}, {OTHER, COMPANY}};
  size_t n = 0;
  vs_sense_init(sense, arch);
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    vs_op op = op_of(rows[i].code, rows[i].thread, rows[i].slot);
    op.out = rows[i].out;
    op.out2 = VMAR;
    op.rights = rows[i].rights;
    op.optional = op.code != VS_OP_GUEST_CREATE && op.code != VS_OP_VCPU_CREATE;
    if (op.code != VS_OP_GUEST_CREATE && op.code != VS_OP_GUEST_LOAD) op.out2 = 0;
    n = add(sense, ops, n, op);
  }
  for (size_t i = 0; i < sizeof vcpus / sizeof vcpus[0]; i++) {
    n = add(sense, ops, n, first_write(arch, vcpus[i].thread, vcpus[i].slot));
    vs_op look = op_of(VS_OP_READ_STATE, vcpus[i].thread, vcpus[i].slot);
    look.optional = true;
    n = add(sense, ops, n, look);
  }
  return n;
}

bool vs_fuzz_admit_call(vs_sense* sense, vs_op* op) {
  op->handle.slot %= VS_FUZZ_SCENE_SLOTS;
  return vs_sense_admit(sense, op);
}

// Another vCPU than the one that is meant is none.
static size_t look(vs_sense* sense, vs_op_code code, uint8_t thread, uint8_t slot, vs_op* op) {
  *op = op_of(code, thread, slot);
  op->optional = true;
  if (code == VS_OP_ENTER && sense->vcpus[sense->objects[sense->slots[slot].object].vcpu].stops) {
    return 0;
  }
  return vs_sense_admit(sense, op) && op->handle.slot == slot;
}

size_t vs_fuzz_looks(vs_sense* sense, unsigned looks, vs_op* ops) {
  size_t n = 0;
  if (looks & VS_FUZZ_LOOK_READ) n += look(sense, VS_OP_READ_STATE, CALLER, VCPU, &ops[n]);
  if (looks & VS_FUZZ_LOOK_ENTER) n += look(sense, VS_OP_ENTER, CALLER, VCPU, &ops[n]);
  if (looks & VS_FUZZ_LOOK_COMPANY) n += look(sense, VS_OP_READ_STATE, OTHER, COMPANY, &ops[n]);
  return n;
}
