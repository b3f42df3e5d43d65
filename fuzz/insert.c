// SPDX-License-Identifier: BSD-3-Clause
#include "insert.h"

#include <string.h>

#include "sense.h"
#include "sweep/compose.h"
#include "sweep/forms.h"
#include "sweep/scene.h"

enum { ROOM = VS_FUZZ_OPS, CALLS_MOST = 6 };

// --- scenes -----------------------------------------------------------------------------------

static vs_op new_write(const vs_mutator* m, uint8_t thread, vs_arg handle) {
  vs_op op = vs_op_new(VS_CALL_vcpu_write_state, m->arch);
  op.thread = thread;
  op.args[0] = handle;
  return op;
}

void vs_script_add(vs_fuzz_script* script, vs_op op) {
  if (script->count < ROOM) script->ops[script->count++] = op;
}

static void add_looks(const vs_mutator* m, vs_fuzz_script* script, const vs_scene* scene) {
  if (scene->looks) vs_script_add(script, vs_scene_look(m->arch));
  if (scene->company) vs_script_add(script, vs_scene_look_company(m->arch));
}

// A call other than a write on what the scene's writes are on.
static vs_op call_in(vs_mutator* m, const vs_scene* scene) {
  static const uint8_t calls[] = {VS_CALL_vcpu_read_state, VS_CALL_vcpu_read_state,
                                  VS_CALL_vcpu_enter,      VS_CALL_vcpu_enter,
                                  VS_CALL_vcpu_kick,       VS_CALL_vcpu_interrupt,
                                  VS_CALL_handle_close,    VS_CALL_handle_replace};
  vs_op op = vs_op_new(calls[vs_mutator_pick(m, sizeof calls)], m->arch);
  const uint8_t out = vs_param_find(op.code, VS_PARAM_OUT_HANDLE, 0);
  op.thread = scene->thread;
  op.args[0] = scene->handle;
  if (out < VS_ARGS_MAX) op.args[out].slot = VS_SCENE_OUT;
  if (vs_mutator_one_in(m, 4)) vs_change_argument(m, &op, vs_any_parameter(m, op.code, 0));
  return op;
}

// The thread's ops are those of the thread that stays as it is told, and the other way round.
static void tell_thread(vs_fuzz_script* script, uint8_t thread) {
  for (size_t i = 0; i < script->count && thread != 0; i++) {
    uint8_t* t = &script->ops[i].thread;
    if (*t == thread || *t == VS_SENSE_AS_TOLD) *t ^= thread ^ VS_SENSE_AS_TOLD;
  }
}

// The value of the factor that stands for a vCPU whose guest runs.
static uint16_t running_vcpu(const vs_space* space) {
  uint16_t value = 0;
  while (space->values[0][VS_FACTOR_VCPU][value].form != VS_FORM_VCPU_RUNNING) value++;
  return value;
}

void vs_make_scene(vs_mutator* m, vs_fuzz_script* script) {
  const bool writes = !vs_mutator_one_in(m, 3);
  vs_scene scene;
  vs_combination c = {0};
  do {
    vs_choose(m, &c, VS_FACTOR_HANDLE, VS_FACTOR_KIND, 3);
    if (!writes && vs_mutator_one_in(m, 3)) c.value[VS_FACTOR_VCPU] = running_vcpu(m->space);
  } while (!vs_scene_is_possible(m->space, &c));
  vs_scene_make(m->space, &c, vs_mutator_one_in(m, 2), &scene);
  script->count = 0;
  for (size_t i = 0; i < scene.count; i++) vs_script_add(script, scene.ops[i]);
  uint64_t calls = 1 + vs_mutator_pick(m, CALLS_MOST);
  for (uint64_t i = 0; i < calls; i++) {
    vs_op call = writes ? new_write(m, scene.thread, scene.handle) : call_in(m, &scene);
    if (writes) vs_compose_write(m, &call);
    if (writes && vs_mutator_one_in(m, 6)) vs_change_rewrite(m, &call);
    vs_script_add(script, call);
    if (!vs_mutator_one_in(m, 4)) add_looks(m, script, &scene);
  }
  for (size_t i = 0; i < scene.end_count; i++) vs_script_add(script, scene.end[i]);
  if (!writes) tell_thread(script, scene.thread);
}

// --- operations -------------------------------------------------------------------------------

size_t vs_script_place(vs_mutator* m, const vs_fuzz_script* script) {
  size_t first = 0;
  while (first < script->count && vs_op_makes_object(script->ops[first].code)) first++;
  if (vs_mutator_one_in(m, 8)) first = 0;
  return first + (size_t)vs_mutator_pick(m, script->count - first + 1);
}

void vs_script_insert(vs_fuzz_script* script, size_t at, const vs_op* ops, size_t count) {
  if (count > ROOM - script->count) count = ROOM - script->count;
  memmove(script->ops + at + count, script->ops + at, (script->count - at) * sizeof *ops);
  memcpy(script->ops + at, ops, count * sizeof *ops);
  script->count += count;
}

void vs_script_erase(vs_fuzz_script* script, size_t at, size_t count) {
  size_t rest = script->count - at - count;
  memmove(script->ops + at, script->ops + at + count, rest * sizeof script->ops[0]);
  script->count -= count;
}

bool vs_op_makes(const vs_op* op, unsigned which, zx_obj_type_t type) {
  const vs_arg* out = vs_op_out(op, which);
  return out != NULL && vs_ops[op->code].params[out - op->args].object == type;
}

uint8_t vs_script_slot_of(vs_mutator* m, const vs_fuzz_script* script, zx_obj_type_t type) {
  size_t start = script->count > 0 ? (size_t)vs_mutator_pick(m, script->count) : 0;
  for (size_t i = 0; i < script->count; i++) {
    const vs_op* op = &script->ops[(start + i) % script->count];
    for (unsigned k = 0; k < 2; k++) {
      if (vs_op_makes(op, k, type)) return vs_op_out(op, k)->slot;
    }
  }
  return VS_SLOTS;
}

uint8_t vs_script_slot_in(vs_mutator* m, const vs_fuzz_script* script) {
  size_t start = script->count > 0 ? (size_t)vs_mutator_pick(m, script->count) : 0;
  for (size_t i = 0; i < script->count && !vs_mutator_one_in(m, 16); i++) {
    const vs_op* op = &script->ops[(start + i) % script->count];
    if (vs_op_makes(op, 0, ZX_OBJ_TYPE_VCPU) || vs_op_makes(op, 0, ZX_OBJ_TYPE_NONE))
      return vs_op_out(op, 0)->slot;
  }
  return (uint8_t)vs_mutator_pick(m, VS_SLOTS);
}

// Where what is given back can be written, as a rule where it always is.
static void place_out(vs_mutator* m, uint8_t type, vs_arg* pointer) {
  static const uint8_t places[] = {VS_AT_PLAIN, VS_AT_MISALIGNED, VS_AT_CROSSING, VS_AT_EDGE,
                                   VS_AT_LOW};
  bool out = vs_param_is_pointer(type) && type != VS_PARAM_IN && type != VS_PARAM_IN_PACKET;
  if (!out || !vs_mutator_one_in(m, 8)) return;
  pointer->at = places[vs_mutator_pick(m, sizeof places)];
  pointer->argument = vs_any_offset(m);
}

void vs_draw_argument(vs_mutator* m, const vs_fuzz_script* script, const vs_param* param,
                      vs_arg* arg) {
  switch (param->type) {
    case VS_PARAM_HANDLE:
      if (param->object != ZX_OBJ_TYPE_RESOURCE) *arg = vs_arg_slot(vs_script_slot_in(m, script));
      return;
    case VS_PARAM_RIGHTS:
      return vs_change_rights(m, arg);
    case VS_PARAM_VECTOR:
      return vs_change_vector(m, arg);
    case VS_PARAM_ENTRY:
      *arg = (vs_arg){.slot = (uint8_t)vs_mutator_pick(m, VS_PROGRAM_CODE)};
      if (vs_mutator_one_in(m, 8))
        *arg =
            (vs_arg){.form = VS_ENTRY_RAW, .number = vs_mutator_word(m) >> vs_mutator_pick(m, 64)};
      return;
    case VS_PARAM_OUT_HANDLE:
      arg->slot = (uint8_t)vs_mutator_pick(m, VS_SLOTS);
      return place_out(m, param->type, arg);
    default:
      place_out(m, param->type, arg);
  }
}

static uint8_t any_code(vs_mutator* m) {
  // What is under test, what looks at it and what disturbs it come up more often than the rest.
  static const uint8_t often[] = {VS_CALL_vcpu_read_state, VS_CALL_vcpu_enter,
                                  VS_CALL_vcpu_kick,       VS_CALL_handle_duplicate,
                                  VS_CALL_vcpu_interrupt,  VS_CALL_handle_close};
  uint8_t code;
  do {
    code = (uint8_t)vs_mutator_pick(m, VS_OP_COUNT);
  } while (vs_ops[code].phase == VS_PHASE_RECORDED);
  return vs_mutator_one_in(m, 3) ? code : often[vs_mutator_pick(m, sizeof often)];
}

vs_op vs_draw_op(vs_mutator* m, const vs_fuzz_script* script) {
  vs_op op = vs_op_new(any_code(m), m->arch);
  op.thread = vs_mutator_one_in(m, 3) ? (uint8_t)vs_mutator_pick(m, VS_THREADS) : 0;
  for (size_t i = 0; i < VS_ARGS_MAX; i++) {
    vs_draw_argument(m, script, &vs_ops[op.code].params[i], &op.args[i]);
  }
  op.async = op.thread != 0 && vs_mutator_one_in(m, 3);
  return op;
}

static vs_op look_at(vs_mutator* m, uint8_t slot) {
  vs_op op =
      vs_op_new(vs_mutator_one_in(m, 2) ? VS_CALL_vcpu_read_state : VS_CALL_vcpu_enter, m->arch);
  op.optional = true;
  op.args[0] = vs_arg_slot(slot);
  for (size_t i = 0; i < VS_ARGS_MAX; i++) {
    place_out(m, vs_ops[op.code].params[i].type, &op.args[i]);
  }
  return op;
}

// A write, and a look at what it has done.
void vs_insert_write(vs_mutator* m, vs_fuzz_script* script) {
  uint8_t slot = vs_script_slot_in(m, script);
  uint8_t thread = vs_mutator_one_in(m, 3) ? (uint8_t)vs_mutator_pick(m, VS_THREADS) : 0;
  vs_op ops[2] = {new_write(m, thread, vs_arg_slot(slot))};
  vs_compose_write(m, &ops[0]);
  if (vs_mutator_one_in(m, 8)) vs_change_rewrite(m, &ops[0]);
  ops[0].async = ops[0].thread != 0 && vs_mutator_one_in(m, 4);
  ops[1] = look_at(m, slot);
  vs_script_insert(script, vs_script_place(m, script), ops, vs_mutator_one_in(m, 4) ? 1 : 2);
}

// A write that another thread's call meets, and what has become of both.
void vs_insert_meeting(vs_mutator* m, vs_fuzz_script* script) {
  static const uint8_t calls[] = {VS_CALL_vcpu_kick,        VS_CALL_vcpu_kick,
                                  VS_CALL_handle_close,     VS_CALL_handle_close,
                                  VS_CALL_vcpu_write_state, VS_CALL_handle_replace};
  uint8_t slot = vs_script_slot_in(m, script);
  vs_op ops[5] = {vs_op_new(calls[vs_mutator_pick(m, sizeof calls)], m->arch),
                  new_write(m, 0, vs_arg_slot(slot)), vs_op_new(VS_OP_join, m->arch)};
  ops[0].args[0] = vs_arg_slot(vs_mutator_one_in(m, 2) ? slot : vs_script_slot_in(m, script));
  ops[0].thread = (uint8_t)(1 + vs_mutator_pick(m, VS_THREADS - 1));
  ops[0].async = true;
  if (vs_is_write(&ops[0])) vs_compose_write(m, &ops[0]);
  if (vs_mutator_one_in(m, 4)) {
    vs_compose_write(m, &ops[1]);
  } else {
    vs_compose_ordinary(m->space, vs_mutator_word(m), &ops[1]);
  }
  ops[2].thread = ops[0].thread;
  ops[3] = look_at(m, slot);
  ops[4] = look_at(m, slot);
  vs_script_insert(script, vs_script_place(m, script), ops, 5);
}

static void put_flags(vs_mutator* m, vs_op* op, uint64_t flags) {
  vs_set_register(&m->arch->registers[m->arch->flags], flags, op->bytes);
}

// A choice is made known, and then the buffer changes from one side of it to the other.
void vs_insert_snapshot(vs_mutator* m, vs_fuzz_script* script) {
  const vs_arch_info* a = m->arch;
  bool io = vs_mutator_one_in(m, 2) && a->has_ports;
  uint8_t slot = vs_script_slot_in(m, script);
  vs_op ops[5];
  const vs_scene scene = {.handle = vs_arg_slot(slot)};
  const vs_combination valid = {.io = io};
  for (size_t i = 0; i < 3; i++) {
    ops[i] = new_write(m, 0, scene.handle);
    vs_compose_call(m->space, &scene, &valid, vs_mutator_word(m), &ops[i]);
  }
  uint8_t other = (uint8_t)vs_mutator_pick(m, vs_mutator_one_in(m, 2) ? 5 : 256);
  if (io) {
    ops[1].bytes[0] = other;
    ops[2].bytes[0] = (uint8_t)(1u << vs_mutator_pick(m, 3));
  } else {
    uint64_t flags = vs_flags_of_interest(m) & ~UINT64_C(0x100);
    put_flags(m, &ops[0], (a->flags_required & ~UINT64_C(0x100)) | a->flags_gate);
    put_flags(m, &ops[1], flags & ~a->flags_gate);
    put_flags(m, &ops[2], vs_mutator_one_in(m, 2) ? a->flags_gate : flags | a->flags_gate);
    other &= (uint8_t)~a->flags_gate;
  }
  ops[2].rewrite = (vs_rewrite){.mode = VS_REWRITE_HELD, .length = 1, .bytes = {other}};
  if (!io) ops[2].rewrite.offset = a->registers[a->flags].offset;
  ops[3] = ops[2];
  ops[2] = look_at(m, slot);
  ops[4] = look_at(m, slot);
  vs_script_insert(script, vs_script_place(m, script), ops, 5);
}

void vs_insert_any(vs_mutator* m, vs_fuzz_script* script) {
  vs_op op = vs_draw_op(m, script);
  vs_script_insert(script, vs_script_place(m, script), &op, 1);
}
