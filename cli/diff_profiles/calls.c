// SPDX-License-Identifier: BSD-3-Clause
#include "calls.h"

#include <stdlib.h>
#include <string.h>

#include "oracle.h"
#include "sweep/foresee.h"
#include "sweep/scene.h"

// What is combined on the architecture of a view, and where the stage stands.
typedef struct side {
  const vs_diff_view* view;
  vs_space* space;
  vs_odometer odometer;
  vs_scene scene;
  vs_oracle oracle;
  vs_world start;
  bool moved;  // the oracle stands elsewhere
  vs_op ops[VS_SCENE_OPS + VS_PARTS];
} side;

typedef struct walk {
  uint8_t depth;
  bool (*meet)(const vs_call_met* met, void* context);
  void* context;
  side sides[2];
} walk;

// Combinations of fewer faults than `depth` have been met before.
static bool is_met(const vs_space* space, const vs_combination* c, unsigned depth) {
  unsigned away = 0;
  uint8_t most = 0;
  for (unsigned f = 0; f < space->factor_count; f++) {
    if (c->value[f] == 0) continue;
    const uint8_t rank = vs_space_value(space, c, f)->rank;
    most = rank > most ? rank : most;
    away++;
  }
  return depth == 1 || (away == depth && (away > 2 || most >= VS_RANK_OF_SETS));
}

// --- one call -----------------------------------------------------------------------------------

// Writes the script and finds the facts. Returns false if the view says nothing of the call.
static bool meet_side(side* s, vs_script* script, vs_facts* facts) {
  vs_op parts[VS_PARTS];
  const vs_op* taken = &parts[VS_PART_TAKEN];
  size_t count = s->scene.count;
  vs_compose_parts(s->space, &s->scene, &s->odometer.c, 0, parts);
  if (!vs_op_is_predicted(&parts[VS_PART_CALL])) return false;
  if (s->moved) s->oracle.worlds[0] = s->start;
  s->moved = taken->code != VS_OP_COUNT;
  if (s->moved) {
    s->oracle.count = 1;
    if (!vs_foresee_op(&s->oracle, taken)) return false;
    s->ops[count++] = *taken;
  }
  s->ops[count++] = parts[VS_PART_CALL];
  *script = (vs_script){"", s->ops, count};
  *facts = vs_facts_of(&s->oracle.worlds[0], &s->ops[count - 1], s->oracle.arch);
  return !s->oracle.worlds[0].lost;
}

static bool meet_one(walk* w) {
  const side* first = &w->sides[0];
  vs_call_met met = {.space = first->space, .c = &first->odometer.c};
  if (!is_met(met.space, met.c, w->depth)) return true;
  for (size_t k = 0; k < 2; k++) {
    if (!meet_side(&w->sides[k], &met.scripts[k], &met.facts[k])) return true;
  }
  return w->meet(&met, w->context);
}

// --- all of them --------------------------------------------------------------------------------

// Returns false if the view says nothing of what is made before the calls.
static bool enter_stage(side* s, size_t stage) {
  vs_odometer_set(&s->odometer, s->space, stage, 0);
  vs_scene_make(s->space, &s->odometer.c, false, &s->scene);
  vs_oracle_init(&s->oracle, s->view->profile, vs_arch_find(s->view->arch));
  if (!vs_foresee_ops(s->scene.ops, s->scene.count, &s->oracle)) return false;
  s->start = s->oracle.worlds[0];
  s->moved = false;
  memcpy(s->ops, s->scene.ops, s->scene.count * sizeof s->ops[0]);
  return true;
}

static bool meet_stage(walk* w, size_t stage) {
  for (size_t k = 0; k < 2; k++) {
    if (!enter_stage(&w->sides[k], stage)) return true;
  }
  bool goes_on = true;
  for (uint64_t left = w->sides[0].space->stages[stage].count; left > 0 && goes_on; left--) {
    goes_on = meet_one(w);
    if (left == 1) break;
    vs_odometer_next(&w->sides[0].odometer);
    vs_odometer_next(&w->sides[1].odometer);
  }
  return goes_on;
}

static bool meet_depth(walk* w, vs_call_index call, uint8_t depth) {
  bool goes_on = true;
  w->depth = depth;
  for (size_t k = 0; k < 2; k++) {
    side* s = &w->sides[k];
    s->space =
        vs_space_of_call(call, s->view->arch, depth,
                         depth > 2 ? VS_RANK_OF_PRODUCT : VS_RANK_OF_PAIRS, vs_scene_is_possible);
    goes_on &= s->space != NULL;
  }
  for (size_t i = 0; goes_on && i < w->sides[0].space->stage_count; i++) goes_on = meet_stage(w, i);
  vs_space_free(w->sides[0].space);
  vs_space_free(w->sides[1].space);
  return goes_on;
}

bool vs_diff_each(vs_call_index call, const vs_diff_view views[2], uint8_t depth,
                  bool (*meet)(const vs_call_met* met, void* context), void* context) {
  walk* w = calloc(1, sizeof *w);
  if (w == NULL) return false;
  w->meet = meet;
  w->context = context;
  for (size_t k = 0; k < 2; k++) w->sides[k].view = &views[k];
  bool goes_on = true;
  for (uint8_t d = 1; d <= depth && goes_on; d++) goes_on = meet_depth(w, call, d);
  free(w);
  return goes_on;
}

bool vs_diff_facts(const vs_diff_view* view, const vs_op* ops, size_t count, vs_facts* facts) {
  static vs_oracle oracle;
  vs_oracle_init(&oracle, view->profile, vs_arch_find(view->arch));
  if (!vs_foresee_ops(ops, count - 1, &oracle) || oracle.worlds[0].lost) return false;
  *facts = vs_facts_of(&oracle.worlds[0], &ops[count - 1], oracle.arch);
  return true;
}
