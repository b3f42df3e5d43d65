// SPDX-License-Identifier: BSD-3-Clause
#include "show.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "foresee.h"
#include "minimize/minimize.h"
#include "runner/record.h"
#include "scene.h"

enum { OPS_PER_CALL = VS_PARTS + 2, TRIES = 300, TRIES_OF_HANGS = 12, HANG_MS = 500 };

typedef struct attempt {
  const vs_showing* showing;
  const vs_failure_key* key;
  vs_oracle* oracle;
  vs_foresight* foresight;
  double timeout;
  unsigned tries;  // that are left
  vs_script script;
  vs_op* ops;       // the script's
  uint64_t* calls;  // of each op: the number within the stage of the combination it is made for
  // Of the last run that failed in the same way.
  size_t at;
  vs_violation violation;
  vs_death death;
  char note[VS_WHY_MAX];
} attempt;

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
  if (!vs_recording_wait(&recording)) {
    vs_recording_free(&recording);
    a->tries = 0;
    return false;
  }
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

// The call, with what goes before and after it. Returns the number of ops.
static size_t put_call(vs_op* ops, const vs_scene* scene, const vs_odometer* o) {
  vs_op parts[VS_PARTS];
  size_t count = 0;
  if (o->space->call == VS_CALL_vcpu_write_state) {
    vs_compose_call(o->space, scene, &o->c, o->at, &ops[0]);
    return 1;
  }
  vs_compose_parts(o->space, scene, &o->c, o->at, parts);
  for (unsigned i = 0; i < VS_PART_KEPT; i++) {
    if (parts[i].code != VS_OP_COUNT) ops[count++] = parts[i];
  }
  return count;
}

// Room for a script of so many calls. False: no memory.
static bool make_room(attempt* a, uint64_t count) {
  size_t most = VS_SCENE_OPS + VS_SCENE_END_OPS + OPS_PER_CALL * (size_t)count;
  free(a->ops);
  free(a->calls);
  a->ops = calloc(most, sizeof *a->ops);
  a->calls = calloc(most, sizeof *a->calls);
  return a->ops != NULL && a->calls != NULL;
}

// Looks at what must not have changed.
static size_t put_looks(vs_op* ops, size_t n, const vs_scene* scene) {
  if (scene->looks) ops[n++] = vs_scene_look(scene->arch);
  if (scene->company) ops[n++] = vs_scene_look_company(scene->arch);
  return n;
}

// The scene, `count` calls from the odometer on, each with its looks, and the end. Of several
// calls, those of which nothing is predicted are left out.
static bool write_script(attempt* a, vs_odometer* first, uint64_t count) {
  const size_t stage = first->stage != NULL ? (size_t)(first->stage - first->space->stages) : 0;
  vs_scene* scene = malloc(sizeof *scene);
  if (scene == NULL || !make_room(a, count)) {
    free(scene);
    return false;
  }
  vs_scene_make(first->space, &first->c, true, scene);
  size_t n = put(a->ops, 0, scene->ops, scene->count);
  for (size_t i = 0; i < n; i++) a->calls[i] = first->at;
  for (uint64_t i = 0; i < count; i++) {
    size_t from = n;
    if (count == 1 || vs_foresee(a->foresight, first->space, stage, &first->c)) {
      n += put_call(a->ops + n, scene, first);
      n = put_looks(a->ops, n, scene);
    }
    for (; from < n; from++) a->calls[from] = first->at;
    if (i + 1 < count) vs_odometer_next(first);
  }
  size_t whole = put(a->ops, n, scene->end, scene->end_count);
  for (; n < whole; n++) a->calls[n] = first->at;
  a->script = (vs_script){"", a->ops, whole};
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

// --- smaller ----------------------------------------------------------------------------------

// Each factor that can be valid without losing the failure becomes so.
static void make_valid(attempt* a, vs_combination* c, uint64_t salt) {
  for (unsigned f = 0; f < a->showing->space->factor_count; f++) {
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
  a->at = found.at;
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
    *at = a->calls[a->at];
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
  if (!vs_recording_wait(&recording)) {
    vs_recording_free(&recording);
    return false;
  }
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
  result->judgement.broken = VS_MEMBER(a->key->clause);
  result->judgement.violation = a->violation;
  result->judgement.violation.clause = a->key->clause;
  memcpy(result->note, a->note, sizeof result->note);
}

bool vs_failure_show(const vs_showing* showing, const vs_failure* failure, vs_shown* shown) {
  attempt a = {.showing = showing, .key = &failure->key, .timeout = showing->timeout};
  a.tries = TRIES;
  a.oracle = calloc(1, sizeof *a.oracle);
  a.foresight = calloc(1, sizeof *a.foresight);
  memset(shown, 0, sizeof *shown);
  bool ready = a.oracle != NULL && a.foresight != NULL;
  shown->confirmed = ready && confirm(&a, failure, shown);
  free(a.foresight);
  bool told = a.ops != NULL;
  free(a.calls);
  if (told) tell(&a, shown);
  if (told && shown->confirmed) told = record_result(&a, shown);
  free(a.oracle);
  if (told) return true;
  free(a.ops);
  memset(shown, 0, sizeof *shown);
  return false;
}

// Runs the script, and cuts it after the op that the run ended in. False: it did not, or there was
// no process to spare.
static bool ends_within(attempt* a, vs_shown* shown) {
  vs_recording recording;
  if (!vs_recording_start(&recording, a->showing->target, &a->script, a->timeout)) return false;
  if (!vs_recording_wait(&recording)) {
    vs_recording_free(&recording);
    return false;
  }
  vs_trace trace = vs_recording_trace(&recording);
  size_t at = 0;
  while (at < a->script.count && trace.observations[at].outcome != VS_IN_CALL) at++;
  bool ended = trace.end != VS_TRACE_DONE && at < a->script.count;
  if (ended) {
    a->script.count = at + 1;
    snprintf(shown->result.note, sizeof shown->result.note, "%s", trace.death);
  }
  vs_recording_free(&recording);
  return ended;
}

static void need_handles(const vs_op* op, bool needed[VS_SLOTS]) {
  for (size_t i = 0; i < VS_ARGS_MAX; i++) {
    bool handle = vs_ops[op->code].params[i].type == VS_PARAM_HANDLE;
    if (handle && vs_arg_names_slot(&op->args[i])) needed[op->args[i].slot] = true;
  }
}

// Leaves out what the last op needs no handle of, if that ends alike.
static void drop_unneeded(attempt* a, vs_shown* shown) {
  const vs_script whole = a->script;
  bool needed[VS_SLOTS] = {false};
  vs_op* ops = calloc(whole.count, sizeof *ops);
  size_t first = whole.count;
  for (size_t i = whole.count; ops != NULL && i-- > 0;) {
    const vs_op* op = &whole.ops[i];
    bool makes = false;
    for (unsigned k = 0; k < 2 && vs_op_out(op, k) != NULL; k++) {
      makes |= needed[vs_op_out(op, k)->slot];
    }
    bool closes = op->code == VS_CALL_handle_close && needed[op->args[0].slot];
    if (i + 1 < whole.count && !makes && !closes) continue;
    need_handles(op, needed);
    ops[--first] = *op;
  }
  a->script.ops = ops != NULL ? ops + first : whole.ops;
  a->script.count = whole.count - first;
  if (ops == NULL || !ends_within(a, shown)) {
    a->script = whole;
    free(ops);
    return;
  }
  memmove(ops, ops + first, a->script.count * sizeof *ops);
  a->script.ops = ops;
  free(a->ops);
  a->ops = ops;
}

bool vs_silent_show(const vs_showing* showing, const vs_sweep_counts* counts, vs_shown* shown) {
  attempt a = {.showing = showing, .timeout = showing->timeout};
  vs_odometer odometer;
  vs_odometer_set(&odometer, showing->space, counts->silent_stage, counts->silent_at);
  memset(shown, 0, sizeof *shown);
  shown->c = odometer.c;
  vs_combination_say(showing->space, &shown->c, shown->title, sizeof shown->title);
  bool told = write_script(&a, &odometer, 1);
  shown->confirmed = told && ends_within(&a, shown);
  if (shown->confirmed) drop_unneeded(&a, shown);
  free(a.calls);
  shown->result.script = (vs_script){shown->title, a.ops, a.script.count};
  return told;
}

void vs_shown_free(vs_shown* shown) {
  free((vs_op*)shown->result.script.ops);
  free(shown->result.observations);
  memset(shown, 0, sizeof *shown);
}
