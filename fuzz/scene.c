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
    {VS_CALL_guest_create, CALLER, 0, GUEST, 0},
    {VS_OP_guest_load, CALLER, GUEST, MEMORY, 0},
    {VS_CALL_vcpu_create, CALLER, GUEST, VCPU, 0},
    {VS_CALL_vcpu_create, OTHER, GUEST, COMPANY, 0},
    {VS_CALL_handle_duplicate, CALLER, VCPU, READABLE, ZX_DEFAULT_VCPU_RIGHTS & ~ZX_RIGHT_WRITE},
    {VS_CALL_handle_duplicate, CALLER, VCPU, WRITABLE, ZX_RIGHT_WRITE},
    {VS_CALL_event_create, CALLER, 0, EVENT, 0},
    {VS_CALL_handle_duplicate, CALLER, VCPU, CLOSED, ZX_RIGHT_SAME_RIGHTS},
    {VS_CALL_handle_close, CALLER, CLOSED, 0, 0},
    {VS_CALL_port_create, CALLER, 0, PORT, 0},
    {VS_CALL_vmo_create, CALLER, 0, VMO, 0},
    {VS_CALL_handle_duplicate, CALLER, VCPU, STALE, ZX_RIGHT_SAME_RIGHTS},
    {VS_CALL_handle_replace, CALLER, STALE, REPLACED, ZX_RIGHT_SAME_RIGHTS},
    {VS_CALL_handle_duplicate, OTHER, COMPANY, COMPANY_COPY, ZX_RIGHT_SAME_RIGHTS},
};
_Static_assert(COMPANY_COPY + 1 == VS_FUZZ_SCENE_SLOTS, "slots 0 to COMPANY_COPY are filled");

// The slot is for what takes a handle that some op made.
static vs_op op_of(const vs_arch_info* arch, uint8_t code, uint8_t thread, uint8_t slot) {
  const vs_param* first = &vs_ops[code].params[0];
  vs_op op = vs_op_new(code, arch);
  op.thread = thread;
  if (first->type == VS_PARAM_HANDLE && first->object != ZX_OBJ_TYPE_RESOURCE) {
    op.args[0] = vs_arg_slot(slot);
  }
  return op;
}

static vs_op op_of_row(const vs_arch_info* arch, const row* r) {
  const uint8_t out = vs_param_find(r->code, VS_PARAM_OUT_HANDLE, 0);
  const uint8_t rights = vs_param_find(r->code, VS_PARAM_RIGHTS, 0);
  vs_op op = op_of(arch, r->code, r->thread, r->slot);
  op.optional = op.code != VS_CALL_guest_create && op.code != VS_CALL_vcpu_create;
  if (out < VS_ARGS_MAX) op.args[out].slot = r->out;
  if (rights < VS_ARGS_MAX) op.args[rights].number = r->rights;
  if (op.code == VS_CALL_guest_create) VS_OP_ARG(&op, guest_create, vmar_handle).slot = VMAR;
  if (op.code == VS_OP_guest_load) VS_OP_ARG(&op, guest_load, vmar) = vs_arg_slot(VMAR);
  return op;
}

// A value of its own in every byte, no flags, the gate open.
static vs_op first_write(const vs_arch_info* arch, uint8_t thread, uint8_t slot) {
  vs_op op = op_of(arch, VS_CALL_vcpu_write_state, thread, slot);
  for (size_t i = 0; i < arch->state_size; i++) op.bytes[i] = (uint8_t)(i + 16u * slot + 1);
  const vs_register* reg = &arch->registers[arch->flags];
  memset(op.bytes + reg->offset, 0, reg->width / 8u);
  memcpy(op.bytes + reg->offset, &arch->flags_gate, reg->width / 8u);
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
    n = add(sense, ops, n, op_of_row(arch, &rows[i]));
  }
  for (size_t i = 0; i < sizeof vcpus / sizeof vcpus[0]; i++) {
    n = add(sense, ops, n, first_write(arch, vcpus[i].thread, vcpus[i].slot));
    vs_op look = op_of(arch, VS_CALL_vcpu_read_state, vcpus[i].thread, vcpus[i].slot);
    look.optional = true;
    n = add(sense, ops, n, look);
  }
  return n;
}

bool vs_fuzz_admit_call(vs_sense* sense, vs_op* op) {
  op->args[0].slot %= VS_FUZZ_SCENE_SLOTS;
  return vs_sense_admit(sense, op);
}

// Another vCPU than the one that is meant is none.
static size_t look(vs_sense* sense, uint8_t code, uint8_t thread, uint8_t slot, vs_op* op) {
  const vs_book_vcpu* v = vs_books_vcpu(&sense->books, slot);
  *op = op_of(sense->books.arch, code, thread, slot);
  op->optional = true;
  if (code == VS_CALL_vcpu_enter && v != NULL && v->stops) return 0;
  return vs_sense_admit(sense, op) && op->args[0].slot == slot;
}

size_t vs_fuzz_looks(vs_sense* sense, unsigned looks, vs_op* ops) {
  size_t n = 0;
  if (looks & VS_FUZZ_LOOK_READ) n += look(sense, VS_CALL_vcpu_read_state, CALLER, VCPU, &ops[n]);
  if (looks & VS_FUZZ_LOOK_ENTER) n += look(sense, VS_CALL_vcpu_enter, CALLER, VCPU, &ops[n]);
  if (looks & VS_FUZZ_LOOK_COMPANY)
    n += look(sense, VS_CALL_vcpu_read_state, OTHER, COMPANY, &ops[n]);
  return n;
}
