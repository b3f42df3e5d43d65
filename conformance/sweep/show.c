// SPDX-License-Identifier: BSD-3-Clause
#include "show.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "compose.h"
#include "minimize/minimize.h"
#include "runner/describe.h"
#include "runner/record.h"

enum { OPS_PER_CALL = 3, TRIES = 300, TRIES_OF_HANGS = 12, HANG_MS = 500 };

typedef struct attempt {
  const vs_showing* showing;
  const vs_failure_key* key;
  vs_oracle* oracle;
  double timeout;
  unsigned tries;  // that are left
  vs_script script;
  vs_op* ops;  // the script's
  size_t scene_ops;
  size_t ops_per_call;
  // Of the last run that failed in the same way.
  size_t at;
  vs_violation violation;
  vs_death death;
  char note[VS_REASON_MAX];
} attempt;

// --- words ------------------------------------------------------------------------------------

void vs_combination_say(const vs_space* space, const vs_combination* c, char* text, size_t size) {
  vs_text out = vs_text_in(text, size);
  vs_say(&out, "%s", c->io ? "ZX_VCPU_IO" : "ZX_VCPU_STATE");
  bool any = false;
  for (vs_factor f = 0; f < VS_FACTOR_COUNT; f++) {
    const vs_class_value* value = vs_space_value(space, c, f);
    if (c->value[f] == 0) continue;
    vs_say(&out, ", %s %s", vs_factor_names[f], value->name);
    if (value->number != 0) vs_say(&out, ":%#llx", (unsigned long long)value->number);
    any = true;
  }
  if (!any) vs_say(&out, ", all valid");
}

// --- one run ----------------------------------------------------------------------------------

static bool is_alike(const vs_violation* violation, void* context) {
  const attempt* a = context;
  vs_failure_key key = vs_failure_key_of(violation);
  return vs_failure_same(&key, a->key);
}

// The first op of the trace that fails in the way that is asked for.
static bool find(attempt* a, const vs_trace* trace) {
  const vs_failure_search search = {a->showing->profile, is_alike, a};
  return vs_failure_find(&search, a->oracle, trace, &a->at, &a->violation);
}

// Runs the script; keeps nothing of it but how it ended.
static bool fails_alike(attempt* a, const vs_script* script) {
  vs_recording recording;
  if (a->tries == 0) return false;
  a->tries--;
  if (!vs_recording_start(&recording, a->showing->target, script, a->timeout)) return false;
  vs_recording_wait(&recording);
  vs_trace trace = vs_recording_trace(&recording);
  bool alike = find(a, &trace);
  if (alike && trace.end != VS_TRACE_DONE) {
    a->death = recording.child.death;
    snprintf(a->note, sizeof a->note, "%s", trace.death);
  }
  vs_recording_free(&recording);
  return alike;
}

// --- scripts ----------------------------------------------------------------------------------

static size_t put(vs_op* ops, size_t at, const vs_op* from, size_t count) {
  memcpy(ops + at, from, count * sizeof *from);
  return at + count;
}

// The scene, `count` calls from the odometer on, each with its looks, and the end.
static bool write_script(attempt* a, vs_odometer* first, uint64_t count) {
  vs_scene* scene = malloc(sizeof *scene);
  size_t most = VS_SCENE_OPS + VS_SCENE_END_OPS + OPS_PER_CALL * (size_t)count;
  vs_op* ops = calloc(most, sizeof *ops);
  free(a->ops);
  a->ops = ops;
  if (scene == NULL || ops == NULL) {
    free(scene);
    return false;
  }
  vs_scene_make(first->space, &first->c, true, scene);
  const vs_op look = vs_scene_look(scene->arch);
  const vs_op company = vs_scene_look_company(scene->arch);
  size_t n = put(ops, 0, scene->ops, scene->count);
  a->scene_ops = n;
  a->ops_per_call = 1u + scene->looks + scene->company;
  for (uint64_t i = 0; i < count; i++) {
    vs_compose_call(first->space, scene, &first->c, first->at, &ops[n++]);
    if (scene->looks) ops[n++] = look;
    if (scene->company) ops[n++] = company;
    if (i + 1 < count) vs_odometer_next(first);
  }
  n = put(ops, n, scene->end, scene->end_count);
  a->script = (vs_script){"", ops, n};
  free(scene);
  return true;
}

static bool fails_from(attempt* a, uint64_t stage, uint64_t from, uint64_t to) {
  vs_odometer odometer;
  vs_odometer_set(&odometer, a->showing->space, stage, from);
  return write_script(a, &odometer, to - from + 1) && fails_alike(a, &a->script);
}

// Alone, the combination fails too.
static bool fails_alone(attempt* a, const vs_combination* c, uint64_t salt) {
  vs_odometer odometer = {.space = a->showing->space, .at = salt, .c = *c};
  return write_script(a, &odometer, 1) && fails_alike(a, &a->script);
}

// The number within the stage of the call that the failing op belongs to, in a script that was
// written from call `from` to `to`.
static uint64_t failing_call(const attempt* a, uint64_t from, uint64_t to) {
  if (a->at < a->scene_ops) return from;
  uint64_t call = from + (a->at - a->scene_ops) / a->ops_per_call;
  return call < to ? call : to;
}

// --- smaller ----------------------------------------------------------------------------------

// Each factor that can be valid without losing the failure becomes so.
static void make_valid(attempt* a, vs_combination* c, uint64_t salt) {
  for (vs_factor f = 0; f < VS_FACTOR_COUNT; f++) {
    vs_combination simpler = *c;
    if (c->value[f] == 0) continue;
    simpler.value[f] = 0;
    if (!vs_scene_is_possible(a->showing->space, &simpler)) continue;
    if (fails_alone(a, &simpler, salt)) *c = simpler;
  }
}

static void cut_after(attempt* a) {
  a->script.count = a->at + 1;
}

// Fewer ops, plainer arguments, only the bits that matter. What hangs stays as it is: each try
// would be waited for.
static void minimize(attempt* a) {
  const vs_minimizing how = {.target = a->showing->target,
                             .profile = a->showing->profile,
                             .timeout = a->timeout,
                             .keeps = is_alike,
                             .context = a};
  vs_minimized found;
  if (a->death == VS_DEATH_TIMEOUT || !vs_minimize(&how, &a->script, &found)) return;
  if (!found.fails || found.count == 0) {
    vs_minimized_free(&found);
    return;
  }
  free(a->ops);
  a->ops = found.ops;
  a->script = (vs_script){"", found.ops, found.count};
  a->at = found.count - 1;
  a->violation = found.violation;
}

// --- from a failure to a script -----------------------------------------------------------------

// Who waits for a hang does not wait long, nor often.
static void mind_hangs(attempt* a) {
  if (a->death != VS_DEATH_TIMEOUT) return;
  if (a->timeout > HANG_MS * 1e-3) a->timeout = HANG_MS * 1e-3;
  if (a->tries > TRIES_OF_HANGS) a->tries = TRIES_OF_HANGS;
}

// Leaves the combination whose call fails, alone, in the attempt's script. False: it takes what
// came before it, and `*at` is where that ends; or it does not fail at all.
static bool isolate(attempt* a, const vs_failure* failure, vs_combination* c, uint64_t* at) {
  const vs_space* space = a->showing->space;
  vs_odometer odometer;
  *at = failure->to;
  if (failure->from < failure->to && fails_from(a, failure->stage, failure->from, failure->to)) {
    *at = failing_call(a, failure->from, failure->to);
  }
  vs_odometer_set(&odometer, space, failure->stage, *at);
  *c = odometer.c;
  return fails_alone(a, c, *at);
}

// With all the calls of the batch before it, or else of the stage.
static bool fails_after_others(attempt* a, const vs_failure* failure, uint64_t at) {
  enum { MOST = 32768 };
  uint64_t first = at / VS_BATCH * VS_BATCH;
  if (fails_from(a, failure->stage, first, at)) return true;
  return first > 0 && at < MOST && fails_from(a, failure->stage, 0, at);
}

static bool confirm(attempt* a, const vs_failure* failure, vs_shown* shown) {
  uint64_t at;
  if (isolate(a, failure, &shown->c, &at)) {
    mind_hangs(a);
    make_valid(a, &shown->c, at);
    a->tries += a->tries == 0;
    // The last run may have been of one that does not fail.
    if (!fails_alone(a, &shown->c, at)) return false;
  } else if (!fails_after_others(a, failure, at)) {
    return false;
  }
  mind_hangs(a);
  cut_after(a);
  minimize(a);
  return true;
}

// Runs the script once more, for what the report tells.
static bool record_result(attempt* a, vs_shown* shown) {
  vs_case_result* result = &shown->result;
  vs_recording recording;
  if (!vs_recording_start(&recording, a->showing->target, &a->script, a->timeout)) return false;
  vs_recording_wait(&recording);
  size_t size = a->script.count * sizeof(vs_observation);
  result->observations = malloc(size);
  if (result->observations != NULL) {
    memcpy(result->observations, recording.record->observations, size);
  }
  vs_recording_free(&recording);
  return result->observations != NULL;
}

static void tell(attempt* a, vs_shown* shown) {
  vs_case_result* result = &shown->result;
  vs_combination_say(a->showing->space, &shown->c, shown->title, sizeof shown->title);
  shown->as_case = (vs_case){.id = "sweep", .title = shown->title};
  result->c = &shown->as_case;
  result->target = a->showing->target;
  result->script = a->script;
  result->script.title = shown->title;
  result->verdict = VS_VERDICT_FAIL;
  result->judgement = (vs_judgement){.step = VS_STEP_VIOLATION, .at = a->at};
  result->judgement.broken = VS_BIT(a->key->clause);
  result->judgement.violation = a->violation;
  result->judgement.violation.clause = a->key->clause;
  memcpy(result->note, a->note, sizeof result->note);
}

bool vs_failure_show(const vs_showing* showing, const vs_failure* failure, vs_shown* shown) {
  attempt a = {.showing = showing, .key = &failure->key, .timeout = showing->timeout};
  a.tries = TRIES;
  a.oracle = calloc(1, sizeof *a.oracle);
  memset(shown, 0, sizeof *shown);
  if (a.oracle == NULL) return false;
  shown->confirmed = confirm(&a, failure, shown);
  bool told = a.ops != NULL;
  if (told) tell(&a, shown);
  if (told && shown->confirmed) told = record_result(&a, shown);
  free(a.oracle);
  if (told) return true;
  free(a.ops);
  memset(shown, 0, sizeof *shown);
  return false;
}

void vs_shown_free(vs_shown* shown) {
  free((vs_op*)shown->result.script.ops);
  free(shown->result.observations);
  memset(shown, 0, sizeof *shown);
}
