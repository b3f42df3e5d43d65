// SPDX-License-Identifier: BSD-3-Clause
#include "combinations.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "sweep/compose.h"
#include "sweep/scene.h"
#include "words/describe.h"

enum { FAULTS = 3 };

// A look every so many calls: what is refused changes nothing.
enum { CALLS_A_LOOK = 8 };

typedef struct writing {
  vs_space* space;
  vs_scene scene;
  vs_op* ops;  // room for every call of a stage, with looks
  size_t count;
  vs_combined now;
  bool (*take)(const vs_combined* combined, void* context);
  void* context;
} writing;

// --- words --------------------------------------------------------------------------------------

// "combinations.handle_cleared_0x2_thread_other"
static void name(writing* w, const vs_combination* c) {
  vs_text id = vs_text_in(w->now.id, sizeof w->now.id);
  vs_text title = vs_text_in(w->now.title, sizeof w->now.title);
  bool any = false;
  vs_say(&id, "combinations.");
  for (unsigned f = 0; f < VS_STAGE_FACTORS; f++) {
    const vs_class_value* value = vs_space_value(w->space, c, f);
    if (c->value[f] == 0) continue;
    vs_say(&id, "%s%s_%s", any ? "_" : "", vs_factor_names[f], value->name);
    if (value->number != 0) vs_say(&id, "_0x%" PRIx64, value->number);
    vs_say(&title, "%s%s %s", any ? ", " : "", vs_factor_names[f], value->name);
    any = true;
  }
  if (!any) vs_say(&id, "valid");
  vs_say(&title, "%s: kinds, sizes and placements", any ? "" : "all valid");
}

// --- scripts ------------------------------------------------------------------------------------

static void put_look(writing* w) {
  if (w->scene.looks) w->ops[w->count++] = vs_scene_look(w->scene.arch);
}

// A profile may say nothing of some of the calls.
static void put_call(writing* w, const vs_combination* c) {
  vs_op parts[VS_PARTS];
  vs_compose_parts(w->space, &w->scene, c, 0, parts);
  parts[VS_PART_CALL].optional = true;
  w->ops[w->count++] = parts[VS_PART_CALL];
}

static bool take_stage(writing* w, size_t stage) {
  vs_odometer o;
  vs_odometer_set(&o, w->space, stage, 0);
  vs_scene_make(w->space, &o.c, false, &w->scene);
  name(w, &o.c);
  memcpy(w->ops, w->scene.ops, w->scene.count * sizeof w->ops[0]);
  w->count = w->scene.count;
  const uint64_t count = w->space->stages[stage].count;
  for (uint64_t i = 1; i <= count; i++) {
    put_call(w, &o.c);
    if (i % CALLS_A_LOOK == 0 || i == count) put_look(w);
    if (i < count) vs_odometer_next(&o);
  }
  w->now.script = (vs_script){w->now.title, w->ops, w->count};
  return w->take(&w->now, w->context);
}

static bool take_stages(writing* w) {
  bool goes_on = true;
  for (size_t i = 0; i < w->space->stage_count && goes_on; i++) goes_on = take_stage(w, i);
  return goes_on;
}

static bool make_room(writing* w) {
  uint64_t most = 0;
  for (size_t i = 0; i < w->space->stage_count; i++) {
    if (w->space->stages[i].count > most) most = w->space->stages[i].count;
  }
  w->ops = calloc(VS_SCENE_OPS + 2 * (size_t)most + 1, sizeof *w->ops);
  return w->ops != NULL;
}

bool vs_combined_each(vs_arch arch, bool (*take)(const vs_combined* combined, void* context),
                      void* context) {
  writing* w = calloc(1, sizeof *w);
  if (w == NULL) return false;
  w->take = take;
  w->context = context;
  w->space = vs_space_of_call(VS_CALL_vcpu_write_state, arch, FAULTS, VS_RANK_OF_VECTORS,
                              vs_scene_is_possible);
  const bool all = w->space != NULL && make_room(w) && take_stages(w);
  vs_space_free(w->space);
  free(w->ops);
  free(w);
  return all;
}
