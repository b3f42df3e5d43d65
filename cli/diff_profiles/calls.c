// SPDX-License-Identifier: BSD-3-Clause
#include "calls.h"

#include <stdlib.h>
#include <string.h>

#include "oracle.h"
#include "sweep/foresee.h"
#include "sweep/scene.h"

typedef struct walk {
  const vs_space* space;
  const vs_profile* const* profiles;
  bool (*meet)(const vs_call_met* met, void* context);
  void* context;
  vs_scene scene;
  vs_oracle oracle[2];
  vs_world start[2];  // of a stage: where the scene stands
  vs_op ops[VS_SCENE_OPS + VS_PARTS];
} walk;

// What holds of the op once `taken` was done. False: a profile says nothing of it.
static bool facts_of(walk* w, const vs_op* taken, const vs_op* op, vs_call_met* met) {
  bool speaks = true;
  for (size_t k = 0; k < 2 && speaks; k++) {
    vs_oracle* oracle = &w->oracle[k];
    if (taken->code != VS_OP_COUNT) {
      oracle->worlds[0] = w->start[k];
      oracle->count = 1;
      speaks = vs_foresee_op(oracle, taken);
    }
    speaks = speaks && !oracle->worlds[0].lost;
    met->facts[k] = vs_facts_of(&oracle->worlds[0], op, oracle->arch);
  }
  return speaks;
}

// Of two faults together, one that stands for others is enough.
static bool stands_for_others(const vs_space* space, const vs_combination* c) {
  unsigned away = 0;
  uint8_t rank = 0;
  for (unsigned f = 0; f < space->factor_count; f++) {
    if (c->value[f] == 0) continue;
    const uint8_t own = vs_space_value(space, c, f)->rank;
    rank = own > rank ? own : rank;
    away++;
  }
  return away < 2 || rank >= VS_RANK_OF_SETS;
}

static bool meet_one(walk* w, const vs_combination* c) {
  vs_op parts[VS_PARTS];
  if (!stands_for_others(w->space, c)) return true;
  vs_compose_parts(w->space, &w->scene, c, 0, parts);
  vs_call_met met = {.ops = w->ops, .count = w->scene.count};
  const vs_op* op = &parts[VS_PART_CALL];
  if (!vs_op_is_predicted(op) || !facts_of(w, &parts[VS_PART_TAKEN], op, &met)) return true;
  memcpy(w->ops, w->scene.ops, w->scene.count * sizeof w->ops[0]);
  if (parts[VS_PART_TAKEN].code != VS_OP_COUNT) w->ops[met.count++] = parts[VS_PART_TAKEN];
  w->ops[met.count++] = *op;
  return w->meet(&met, w->context);
}

static bool meet_stage(walk* w, size_t stage) {
  vs_odometer o;
  vs_odometer_set(&o, w->space, stage, 0);
  vs_scene_make(w->space, &o.c, true, &w->scene);
  for (size_t k = 0; k < 2; k++) {
    vs_oracle_init(&w->oracle[k], w->profiles[k], vs_arch_find(w->space->arch));
    if (!vs_foresee_scene(&w->scene, &w->oracle[k])) return true;
    w->start[k] = w->oracle[k].worlds[0];
  }
  bool goes_on = true;
  for (uint64_t left = w->space->stages[stage].count; left > 0 && goes_on; left--) {
    goes_on = meet_one(w, &o.c);
    if (left > 1) vs_odometer_next(&o);
  }
  return goes_on;
}

static bool meet_depth(walk* w, vs_call_index call, vs_arch arch, uint8_t depth) {
  vs_space* space = vs_space_of_call(call, arch, depth, vs_scene_is_possible);
  bool goes_on = space != NULL;
  w->space = space;
  for (size_t i = 0; goes_on && i < space->stage_count; i++) goes_on = meet_stage(w, i);
  if (space != NULL) vs_space_free(space);
  return goes_on;
}

bool vs_diff_each(vs_call_index call, vs_arch arch, const vs_profile* const profiles[2],
                  bool (*meet)(const vs_call_met* met, void* context), void* context) {
  enum { PAIRS = 2 };
  walk* w = calloc(1, sizeof *w);
  if (w == NULL) return false;
  w->profiles = profiles;
  w->meet = meet;
  w->context = context;
  bool goes_on = true;
  for (uint8_t depth = 1; depth <= PAIRS && goes_on; depth++) {
    goes_on = meet_depth(w, call, arch, depth);
  }
  free(w);
  return goes_on;
}
