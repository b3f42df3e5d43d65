// SPDX-License-Identifier: BSD-3-Clause
#include "mutate.h"

#include <string.h>

#include "insert.h"
#include "sense.h"
#include "sweep/scene.h"

enum { MUTATIONS_MOST = 4, LONG = 20 };
enum { ODD_ONE_IN = 32, ODD_MOST = 4 };  // scripts with calls that are not judged; such calls

// --- calls -----------------------------------------------------------------------------------

void vs_mutate_call(vs_mutator* m, vs_op* op) {
  uint64_t times = 1 + vs_mutator_pick(m, MUTATIONS_MOST);
  if (!vs_is_write(op)) *op = vs_op_new(VS_CALL_vcpu_write_state, m->arch);
  if (vs_mutator_one_in(m, 3)) {
    op->thread = vs_mutator_one_in(m, 4) ? (uint8_t)vs_mutator_pick(m, VS_THREADS) : 0;
    vs_compose_write(m, op);
    times--;
  }
  for (; times > 0; times--) vs_change_write(m, op);
  // What another thread does is handed over to it, which takes longer than most calls do.
  if (!vs_mutator_one_in(m, 8)) op->thread = 0;
}

static void tell(vs_mutator* m, vs_op* op) {
  op->args[0] = vs_arg_slot((uint8_t)vs_mutator_pick(m, VS_SLOTS));
  VS_OP_ARG(op, vcpu_write_state, kind).number = vs_mutator_pick(m, 4);
  VS_OP_ARG(op, vcpu_write_state, buffer_size).number = vs_mutator_pick(m, 2 * VS_STATE_MAX);
}

void vs_mutate_naive(vs_mutator* m, vs_op* op, bool told) {
  *op = vs_op_new(VS_CALL_vcpu_write_state, m->arch);
  op->thread = (uint8_t)vs_mutator_pick(m, VS_THREADS);
  op->args[0] = (vs_arg){.form = VS_HANDLE_RAW, .number = (uint32_t)vs_mutator_word(m)};
  VS_OP_ARG(op, vcpu_write_state, kind).number = (uint32_t)vs_mutator_word(m);
  VS_OP_ARG(op, vcpu_write_state, buffer_size).number = vs_mutator_word(m);
  VS_OP_ARG(op, vcpu_write_state, buffer) =
      (vs_arg){.at = (uint8_t)vs_mutator_pick(m, VS_PLACEMENT_COUNT),
               .argument = (uint16_t)vs_mutator_word(m),
               .length = VS_STATE_MAX};
  for (size_t i = 0; i < VS_STATE_MAX; i++) op->bytes[i] = (uint8_t)(vs_mutator_word(m) >> 32);
  if (told) tell(m, op);
}

// --- scripts ----------------------------------------------------------------------------------

static void drop_some(vs_mutator* m, vs_fuzz_script* script) {
  size_t at = (size_t)vs_mutator_pick(m, script->count);
  size_t most = script->count - at;
  vs_script_erase(script, at, 1 + (size_t)vs_mutator_pick(m, most < 4 ? most : 4));
}

static void repeat_one(vs_mutator* m, vs_fuzz_script* script) {
  vs_op op = script->ops[vs_mutator_pick(m, script->count)];
  vs_script_insert(script, vs_script_place(m, script), &op, 1);
}

static void move_one(vs_mutator* m, vs_fuzz_script* script) {
  size_t from = (size_t)vs_mutator_pick(m, script->count);
  vs_op op = script->ops[from];
  vs_script_erase(script, from, 1);
  vs_script_insert(script, (size_t)vs_mutator_pick(m, script->count + 1), &op, 1);
}

static void change_some(vs_mutator* m, vs_fuzz_script* script) {
  vs_op* op = &script->ops[vs_mutator_pick(m, script->count)];
  if (vs_is_write(op) && vs_mutator_one_in(m, 8)) return vs_change_rewrite(m, op);
  if (vs_is_write(op)) return vs_change_write(m, op);
  switch (vs_mutator_pick(m, 5)) {
    case 0:
      op->thread = (uint8_t)vs_mutator_pick(m, VS_THREADS);
      return;
    case 1:
      op->async = !op->async;
      return;
    case 2:
      return vs_change_argument(m, op, vs_any_parameter(m, op->code, 0));
    case 3:
      if (vs_ops[op->code].params[0].type == VS_PARAM_HANDLE)
        op->args[0].slot = vs_script_slot_in(m, script);
      return;
    default:
      *op = vs_draw_op(m, script);
  }
}

static void mutate_once(vs_mutator* m, vs_fuzz_script* script) {
  if (script->count == 0 || vs_mutator_one_in(m, 8))
    return vs_mutator_one_in(m, 2) ? vs_make_scene(m, script) : vs_make_family(m, script);
  switch (vs_mutator_pick(m, 20)) {
    case 17:
      return vs_insert_narrowed(m, script);
    case 18:
    case 19:
      return vs_insert_alike(m, script);
    case 14:
    case 15:
    case 16:
      return vs_insert_wrong(m, script);
    case 12:
      return vs_insert_meeting(m, script);
    case 13:
      return vs_insert_snapshot(m, script);
    case 0:
    case 1:
    case 2:
      return vs_insert_write(m, script);
    case 3:
    case 4:
      return vs_insert_any(m, script);
    case 5:
      return drop_some(m, script);
    case 6:
      return repeat_one(m, script);
    case 7:
      return move_one(m, script);
    default:
      return change_some(m, script);
  }
}

// --- calls that are not judged ------------------------------------------------------------------

// The call that makes an object of the type of nothing; VS_OP_COUNT: there is none.
static uint8_t maker_of(zx_obj_type_t type) {
  for (uint8_t code = 0; code != VS_CALL_COUNT; code++) {
    const vs_op op = {.code = code};
    uint8_t handle = vs_param_find(code, VS_PARAM_HANDLE, 0);
    bool needs = handle < VS_ARGS_MAX && vs_ops[code].params[handle].object != ZX_OBJ_TYPE_RESOURCE;
    if (!needs && (vs_op_makes(&op, 0, type) || vs_op_makes(&op, 1, type))) return code;
  }
  return VS_OP_COUNT;
}

// A slot that holds an object of the type, which is made if there is none.
static uint8_t bring_slot(vs_mutator* m, vs_fuzz_script* script, zx_obj_type_t type) {
  uint8_t slot = vs_script_slot_of(m, script, type);
  uint8_t maker = maker_of(type);
  bool make = slot == VS_SLOTS && type != ZX_OBJ_TYPE_NONE && maker < VS_OP_COUNT;
  if (!make) return slot < VS_SLOTS ? slot : vs_script_slot_in(m, script);
  vs_op op = vs_op_new(maker, m->arch);
  for (size_t i = 0; i < VS_ARGS_MAX; i++) {
    vs_draw_argument(m, script, &vs_ops[maker].params[i], &op.args[i]);
  }
  vs_script_add(script, op);
  return vs_op_out(&op, vs_op_makes(&op, 0, type) ? 0 : 1)->slot;
}

// About half of its arguments are anything.
static void add_odd(vs_mutator* m, vs_fuzz_script* script) {
  vs_op op = vs_op_new((uint8_t)vs_mutator_pick(m, VS_CALL_COUNT), m->arch);
  for (uint8_t i = 0; i != VS_ARGS_MAX; i++) {
    const vs_param* param = &vs_ops[op.code].params[i];
    bool handle = param->type == VS_PARAM_HANDLE && param->object != ZX_OBJ_TYPE_RESOURCE;
    vs_draw_argument(m, script, param, &op.args[i]);
    if (handle) op.args[i] = vs_arg_slot(bring_slot(m, script, param->object));
    if (vs_mutator_one_in(m, 2)) vs_change_argument(m, &op, i);
  }
  op.thread = vs_mutator_one_in(m, 4) ? (uint8_t)vs_mutator_pick(m, VS_THREADS) : 0;
  op.async = op.thread != 0 && vs_mutator_one_in(m, 2);
  vs_script_add(script, op);
}

// After such a call nothing more is judged: they come last, and in few scripts.
static void drop_odd(const vs_mutator* m, vs_fuzz_script* script) {
  size_t kept = 0;
  for (size_t i = 0; i < script->count; i++) {
    vs_op* op = &script->ops[i];
    if (!vs_is_write(op)) vs_sense_tidy(m->arch, op);
    if (!vs_sense_is_judged(op)) continue;
    if (kept != i) script->ops[kept] = *op;
    kept++;
  }
  script->count = kept;
}

static void settle_odd(vs_mutator* m, vs_fuzz_script* script) {
  drop_odd(m, script);
  if (!vs_mutator_one_in(m, ODD_ONE_IN)) return;
  for (uint64_t left = 1 + vs_mutator_pick(m, ODD_MOST); left > 0; left--) add_odd(m, script);
}

// --- all of it ----------------------------------------------------------------------------------

// Scripts grow by themselves, and long ones take long.
static void shorten(vs_mutator* m, vs_fuzz_script* script) {
  size_t count = 1 + (size_t)vs_mutator_pick(m, script->count / 2);
  vs_script_erase(script, (size_t)vs_mutator_pick(m, script->count - count + 1), count);
}

void vs_mutate_script(vs_mutator* m, vs_fuzz_script* script) {
  uint64_t times = 1 + vs_mutator_pick(m, MUTATIONS_MOST);
  // What is made anew finds what one call can show; what is built upon what was kept finds the
  // rest.
  if (vs_mutator_one_in(m, 2)) script->count = 0;
  if (script->count > LONG && vs_mutator_one_in(m, 2)) shorten(m, script);
  for (; times > 0; times--) mutate_once(m, script);
  settle_odd(m, script);
}

void vs_mutate_cross(vs_mutator* m, vs_fuzz_script* script, const vs_fuzz_script* other) {
  if (other->count == 0) return;
  size_t from = (size_t)vs_mutator_pick(m, other->count);
  size_t count = 1 + (size_t)vs_mutator_pick(m, other->count - from);
  size_t at = (size_t)vs_mutator_pick(m, script->count + 1);
  if (vs_mutator_one_in(m, 2))
    vs_script_erase(script, at, (size_t)vs_mutator_pick(m, script->count - at + 1));
  vs_script_insert(script, at, other->ops + from, count);
  drop_odd(m, script);
}
