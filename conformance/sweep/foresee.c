// SPDX-License-Identifier: BSD-3-Clause
#include "foresee.h"

#include "scene.h"

// The value of the first handle that a scene makes, and how far the next call's are.
enum { FIRST_HANDLE = 0x103, HANDLES_PER_OP = 8 };

static vs_observation done(const vs_op* op, zx_handle_t handle) {
  vs_observation seen = {.outcome = op->async ? VS_STARTED : VS_RETURNED};
  seen.handle = handle;
  seen.handle2 = handle + HANDLES_PER_OP / 2;
  return seen;
}

bool vs_foresee_ops(const vs_op* ops, size_t count, vs_oracle* oracle) {
  zx_handle_t next = FIRST_HANDLE;
  for (size_t i = 0; i < count; i++) {
    const vs_op* op = &ops[i];
    const vs_observation seen = done(op, next);
    next += HANDLES_PER_OP;
    bool look = op->code == VS_CALL_vcpu_read_state || op->code == VS_CALL_vcpu_enter;
    if (look && !op->async) continue;
    if (vs_oracle_step(oracle, op, &seen, NULL) != VS_STEP_ALLOWED) return false;
  }
  return true;
}

static void enter_stage(vs_foresight* f, const vs_space* space, size_t stage) {
  vs_odometer start;
  if (f->made && f->stage == stage) return;
  f->made = true;
  f->stage = stage;
  vs_odometer_set(&start, space, stage, 0);
  vs_scene_make(space, &start.c, true, &f->scene);
  vs_oracle_init(&f->oracle, vs_profile_find("documented"), vs_arch_find(space->arch));
  if (!vs_foresee_ops(f->scene.ops, f->scene.count, &f->oracle))
    vs_world_init(&f->oracle.worlds[0], f->oracle.profile);
  f->start = f->oracle.worlds[0];
}

// True if the oracle has something to say of the op.
static bool makes_sense(vs_oracle* oracle, const vs_op* op, zx_handle_t handle) {
  const vs_observation seen = done(op, handle);
  return vs_oracle_step(oracle, op, &seen, NULL) != VS_STEP_BROKEN;
}

enum { BEYOND = 0x10003 };  // a handle that no scene has

bool vs_foresee_op(vs_oracle* oracle, const vs_op* op) {
  return makes_sense(oracle, op, BEYOND);
}

bool vs_foresee(vs_foresight* f, const vs_space* space, size_t stage, const vs_combination* c) {
  vs_op parts[VS_PARTS];
  if (space->call == VS_CALL_vcpu_write_state) return true;
  if (vs_ops[space->call].phase != VS_PHASE_JUDGED) return false;
  enter_stage(f, space, stage);
  vs_compose_parts(space, &f->scene, c, 0, parts);
  if (!vs_op_is_predicted(&parts[VS_PART_CALL])) return false;
  f->oracle.worlds[0] = f->start;
  f->oracle.count = 1;
  f->oracle.overflow = false;
  const vs_op* taken = &parts[VS_PART_TAKEN];
  if (taken->code != VS_OP_COUNT && !vs_foresee_op(&f->oracle, taken)) return false;
  return makes_sense(&f->oracle, &parts[VS_PART_CALL], BEYOND + HANDLES_PER_OP);
}

static void list_some(vs_foresight* f, const vs_space* space, uint64_t from, uint64_t to,
                      bool judged, vs_batch_of_sweep* list) {
  vs_odometer o;
  vs_odometer_set(&o, space, list->stage, from);
  for (; from < to; from++) {
    if (vs_foresee(f, space, list->stage, &o.c) == judged) {
      list->c[list->count] = o.c;
      list->at[list->count++] = o.at;
    }
    vs_odometer_next(&o);
  }
}

void vs_foresee_batch(vs_foresight* f, const vs_space* space, uint64_t batch,
                      vs_batch_of_sweep* list) {
  uint64_t from;
  uint64_t to;
  list->stage = vs_space_batch(space, batch, &from, &to);
  list->last = to == space->stages[list->stage].count;
  list->count = 0;
  list_some(f, space, from, to, true, list);
  list->judged = list->count;
  if (list->count < to - from) list_some(f, space, from, to, false, list);
}
