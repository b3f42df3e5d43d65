// SPDX-License-Identifier: BSD-3-Clause
// Calls that are nearly right.
#include "insert.h"
#include "sense.h"
#include "sweep/compose.h"

enum { PORTS = 1 << 16 };

// --- ranges: where a call takes two numbers of 64 bits, they are a start and a size
// ------------------

typedef struct range {
  uint64_t* start;  // NULL: the call takes none
  uint64_t* size;
} range;

static range range_of(vs_op* op) {
  const uint8_t first = vs_param_find(op->code, VS_PARAM_U64, 0);
  const bool some = first < VS_ARGS_MAX;
  const uint8_t second = some ? vs_param_find(op->code, VS_PARAM_U64, first + 1) : first;
  if (second >= VS_ARGS_MAX) return (range){0};
  return (range){&op->args[first].number, &op->args[second].number};
}

// One that a kernel may take: of a kind that there is, in whole pages but for ports, and with a
// port only where one has to be.
static void draw_range(vs_mutator* m, const vs_fuzz_script* script, vs_op* op) {
  const range r = range_of(op);
  const uint8_t kind = vs_param_find(op->code, VS_PARAM_U32, 0);
  const uint8_t other = vs_param_find(op->code, VS_PARAM_HANDLE, 1);
  if (r.start == NULL || kind == VS_ARGS_MAX || other == VS_ARGS_MAX) return;
  op->args[kind].number = vs_mutator_pick(m, 3);
  const bool io = op->args[kind].number == ZX_GUEST_TRAP_IO;
  const bool bell = op->args[kind].number == ZX_GUEST_TRAP_BELL;
  const uint8_t port = bell ? vs_script_slot_of(m, script, ZX_OBJ_TYPE_PORT) : VS_SLOTS;
  op->args[other] = port < VS_SLOTS ? vs_arg_slot(port) : (vs_arg){.form = VS_HANDLE_RAW};
  const uint64_t unit = io ? 1 : VS_FUZZ_PAGE;
  *r.start = unit * vs_mutator_pick(m, UINT64_C(1) << vs_mutator_pick(m, io ? 17 : 24));
  *r.size = unit * (1 + vs_mutator_pick(m, 4));
  // The last of all ports, or next to it.
  if (io && vs_mutator_one_in(m, 4)) *r.start = PORTS - *r.size + vs_mutator_pick(m, 3) - 1;
}

// --- calls that are nearly right
// --------------------------------------------------------------------

static uint8_t any_code(vs_mutator* m) {
  uint8_t code = VS_CALL_vcpu_write_state;
  if (vs_mutator_one_in(m, 4)) return code;
  do {
    code = (uint8_t)vs_mutator_pick(m, VS_CALL_COUNT);
  } while (vs_ops[code].phase != VS_PHASE_JUDGED);
  return code;
}

// A call of the pages, on objects as it asks for.
static vs_op any_call(vs_mutator* m, const vs_fuzz_script* script) {
  vs_op op = vs_op_new(any_code(m), m->arch);
  for (uint8_t i = 0; i != VS_ARGS_MAX; i++) {
    const vs_param* param = &vs_ops[op.code].params[i];
    bool handle = param->type == VS_PARAM_HANDLE && param->object != ZX_OBJ_TYPE_RESOURCE;
    uint8_t slot = handle ? vs_script_slot_of(m, script, param->object) : VS_SLOTS;
    vs_draw_argument(m, script, param, &op.args[i]);
    if (slot < VS_SLOTS) op.args[i] = vs_arg_slot(slot);
  }
  draw_range(m, script, &op);
  if (vs_is_write(&op)) vs_compose_ordinary(m->space, vs_mutator_word(m), &op);
  op.thread = vs_mutator_one_in(m, 4) ? (uint8_t)vs_mutator_pick(m, VS_THREADS) : 0;
  return op;
}

// Some of them in a row, each with one argument that is anything.
void vs_insert_wrong(vs_mutator* m, vs_fuzz_script* script) {
  enum { MOST = 16 };
  const vs_op right = any_call(m, script);
  const size_t count = 1 + (size_t)vs_mutator_pick(m, MOST);
  vs_op ops[MOST];
  for (size_t i = 0; i < count; i++) {
    ops[i] = right;
    vs_change_argument(m, &ops[i], vs_any_parameter(m, right.code, 0));
  }
  vs_script_insert(script, vs_script_place(m, script), ops, count);
}

static zx_rights_t default_rights(zx_obj_type_t type) {
  for (size_t i = 0; i < VS_OBJECT_COUNT; i++) {
    if (vs_object_types[i].type == type) return vs_object_types[i].rights;
  }
  return ZX_RIGHT_SAME_RIGHTS;
}

// A slot that no op of the script fills; if each is filled, any.
static uint8_t unused_slot(vs_mutator* m, const vs_fuzz_script* script) {
  bool used[VS_SLOTS] = {false};
  for (size_t i = 0; i < script->count; i++) {
    for (unsigned k = 0; k < 2; k++) {
      const vs_arg* out = vs_op_out(&script->ops[i], k);
      if (out != NULL) used[out->slot % VS_SLOTS] = true;
    }
  }
  const uint8_t first = (uint8_t)vs_mutator_pick(m, VS_SLOTS);
  for (unsigned i = 0; i < VS_SLOTS; i++) {
    if (!used[(first + i) % VS_SLOTS]) return (uint8_t)((first + i) % VS_SLOTS);
  }
  return first;
}

static zx_rights_t any_right(vs_mutator* m) {
  enum { BITS = 23 };  // of zircon/rights.h
  return UINT32_C(1) << vs_mutator_pick(m, BITS);
}

// One of its handles has a right less than it could, or one alone; and, at times, the call then has
// all.
void vs_insert_narrowed(vs_mutator* m, vs_fuzz_script* script) {
  vs_op ops[3] = {vs_op_new(VS_CALL_handle_duplicate, m->arch), any_call(m, script)};
  const uint8_t slot = unused_slot(m, script);
  uint8_t which = vs_param_find(ops[1].code, VS_PARAM_HANDLE, 0);
  const uint8_t second = vs_param_find(ops[1].code, VS_PARAM_HANDLE, 1);
  if (second < VS_ARGS_MAX && vs_mutator_one_in(m, 2)) which = second;
  if (which == VS_ARGS_MAX || ops[1].args[which].form != VS_HANDLE_SLOT) return;
  const zx_rights_t right = any_right(m);
  const zx_rights_t all = default_rights(vs_ops[ops[1].code].params[which].object);
  ops[0].args[0] = ops[1].args[which];
  VS_OP_ARG(&ops[0], handle_duplicate, rights).number =
      vs_mutator_one_in(m, 2) ? right : all & ~right;
  vs_op_give(&ops[0], 0, slot);
  ops[2] = ops[1];
  ops[1].args[which] = vs_arg_slot(slot);
  vs_script_insert(script, vs_script_place(m, script), ops, vs_mutator_one_in(m, 2) ? 2 : 3);
}

// A handle is asked for a right that it may not have, or that it was made without.
static void insert_asked(vs_mutator* m, vs_fuzz_script* script) {
  static const uint8_t codes[] = {VS_CALL_handle_duplicate, VS_CALL_handle_replace};
  const uint8_t slot = unused_slot(m, script);
  vs_op ops[2];
  for (size_t i = 0; i < 2; i++) {
    ops[i] = vs_op_new(codes[vs_mutator_pick(m, 2)], m->arch);
    ops[i].thread = VS_SENSE_AS_TOLD;
    ops[i].args[0] = vs_arg_slot(i == 0 ? vs_script_slot_in(m, script) : slot);
    vs_op_give(&ops[i], 0, i == 0 ? slot : unused_slot(m, script));
  }
  const vs_object_type* type = &vs_object_types[vs_mutator_pick(m, VS_OBJECT_COUNT)];
  const uint8_t other = vs_script_slot_of(m, script, type->type);
  if (other < VS_SLOTS) ops[0].args[0] = vs_arg_slot(other);
  const zx_rights_t all = other < VS_SLOTS ? type->rights : ZX_DEFAULT_VCPU_RIGHTS;
  const zx_rights_t right = all & any_right(m);
  VS_OP_ARG(&ops[0], handle_duplicate, rights).number = all & ~right;
  VS_OP_ARG(&ops[1], handle_duplicate, rights).number = vs_mutator_one_in(m, 2) ? all : right;
  if (vs_mutator_one_in(m, 2)) return vs_script_insert(script, vs_script_place(m, script), ops, 2);
  ops[1].args[0] = ops[0].args[0];
  VS_OP_ARG(&ops[1], handle_duplicate, rights).number = any_right(m);
  vs_script_insert(script, vs_script_place(m, script), &ops[1], 1);
}

// Begins or ends where the one that it was does, or next to that, or a bit away.
static void move_range(vs_mutator* m, vs_op* op) {
  const range r = range_of(op);
  if (r.start == NULL) return vs_change_argument(m, op, vs_any_parameter(m, op->code, 1));
  const uint64_t unit = (*r.start | *r.size) % VS_FUZZ_PAGE == 0 ? VS_FUZZ_PAGE : 1;
  const uint64_t away = unit << vs_mutator_pick(m, 40);
  const uint64_t starts[] = {
      *r.start,           *r.start + unit, *r.start - unit,          *r.start + *r.size,
      *r.start - *r.size, *r.start ^ away, *r.start + *r.size - unit};
  const uint64_t sizes[] = {*r.size, *r.size + unit, *r.size - unit, 2 * *r.size,
                            unit,    away,           0 - *r.start};
  *r.start = starts[vs_mutator_pick(m, sizeof starts / sizeof starts[0])];
  *r.size = sizes[vs_mutator_pick(m, sizeof sizes / sizeof sizes[0])];
  if (vs_mutator_one_in(m, 4))
    op->args[vs_any_parameter(m, op->code, 1)].number ^= vs_mutator_pick(m, 4);
}

// Some calls in a row, each nearly as one before it.
void vs_insert_alike(vs_mutator* m, vs_fuzz_script* script) {
  enum { MOST = 6 };
  vs_op ops[MOST] = {any_call(m, script)};
  for (int tries = 0; range_of(&ops[0]).start == NULL && tries < 4; tries++)
    ops[0] = any_call(m, script);
  const size_t count = 2 + (size_t)vs_mutator_pick(m, MOST - 1);
  for (size_t i = 1; i < count; i++) {
    ops[i] = ops[vs_mutator_pick(m, i)];
    move_range(m, &ops[i]);
    if (vs_mutator_one_in(m, 3)) ops[i].thread = (uint8_t)vs_mutator_pick(m, VS_THREADS);
  }
  vs_script_insert(script, vs_script_place(m, script), ops, count);
}

static void insert_near(vs_mutator* m, vs_fuzz_script* script) {
  switch (vs_mutator_pick(m, 6)) {
    case 0:
    case 1:
      return vs_insert_wrong(m, script);
    case 2:
      return vs_insert_narrowed(m, script);
    case 3:
      return insert_asked(m, script);
    default:
      return vs_insert_alike(m, script);
  }
}

// An object of each sort, and calls that are right, or nearly: of the whole family alike.
void vs_make_family(vs_mutator* m, vs_fuzz_script* script) {
  static const uint8_t makers[] = {VS_CALL_guest_create, VS_OP_guest_load,     VS_CALL_vcpu_create,
                                   VS_CALL_port_create,  VS_CALL_event_create, VS_CALL_vmo_create};
  enum { FEW = 3, MORE = 8 };
  uint8_t slot = 0;
  script->count = 0;
  for (size_t i = 0; i < sizeof makers; i++) {
    vs_op op = vs_op_new(makers[i], m->arch);
    const bool needed = op.code == VS_CALL_guest_create || op.code == VS_CALL_vcpu_create;
    if (!needed && vs_mutator_one_in(m, 2)) continue;
    for (unsigned k = 0; vs_op_out(&op, k) != NULL && k < 2; k++) vs_op_give(&op, k, slot++);
    vs_script_add(script, op);
  }
  for (uint64_t left = FEW + vs_mutator_pick(m, MORE); left > 0; left--) insert_near(m, script);
}
