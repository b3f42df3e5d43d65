// SPDX-License-Identifier: BSD-3-Clause
#include "sweeping.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/refuse.h"
#include "executor/executor.h"
#include "process/child.h"
#include "sweep/compose.h"
#include "sweep/product.h"
#include "sweep/scene.h"
#include "sweep/sweep.h"

const vs_sweeping_row vs_sweepings[] = {{"sweep.soft", "soft"},
                                        {"sweep.unicorn", "unicorn"},
                                        {"sweep.kvm", "kvm"},
                                        {"sweep.model", NULL}};
const size_t vs_sweeping_count = sizeof vs_sweepings / sizeof vs_sweepings[0];

enum { DEPTH = 4, TABLE = 4096, PATIENCE = 60 };

// The floor: the first calls of the same sweep, again and again, from a table of their arguments,
// all with one readable buffer. In a process of its own, as the sweep's calls are.
typedef struct floor_run {
  const vs_target* target;
  const vs_space* space;
  double seconds;
  double rate;  // 0: it could not be done
} floor_run;

typedef struct bare_call {
  uint32_t kind;
  size_t size;
} bare_call;

static void list_calls(const vs_space* space, const vs_scene* scene, bare_call* calls) {
  vs_odometer o;
  vs_op op = {0};
  vs_odometer_set(&o, space, 0, 0);
  for (size_t i = 0; i < TABLE; i++) {
    vs_compose_call(space, scene, &o.c, 0, &op);
    calls[i] = (bare_call){(uint32_t)VS_OP_ARG(&op, vcpu_write_state, kind).number,
                           (size_t)VS_OP_ARG(&op, vcpu_write_state, buffer_size).number};
    vs_odometer_next(&o);
  }
}

static void run_floor(void* argument) {
  floor_run* f = argument;
  static bare_call calls[TABLE];
  static uint8_t buffer[VS_STATE_MAX];
  static vs_scene scene;
  vs_why reason;
  vs_opened opened;
  vs_odometer first;
  vs_observation seen;
  if (!vs_target_open(f->target, &opened, &reason)) return;
  vs_executor* executor = vs_opened_executor(&opened);
  if (executor == NULL) return;
  vs_odometer_set(&first, f->space, 0, 0);
  vs_scene_make(f->space, &first.c, false, &scene);
  for (size_t i = 0; i < scene.count; i++) vs_execute_op(executor, &scene.ops[i], &seen);
  const zx_handle_t vcpu = vs_executor_value(executor, &scene.handle);
  list_calls(f->space, &scene, calls);
  const double began = vs_now();
  uint64_t made = 0;
  do {
    for (size_t i = 0; i < TABLE; i++) {
      opened.calls->vcpu_write_state(vcpu, calls[i].kind, buffer, calls[i].size);
    }
    made += TABLE;
  } while (vs_now() - began < f->seconds);
  f->rate = (double)made / (vs_now() - began);
}

static double measure_floor(const vs_target* target, const vs_space* space, double seconds) {
  vs_child child = {0};
  floor_run* f = vs_shared_new(sizeof *f);
  if (f == NULL) return 0;
  *f = (floor_run){.target = target, .space = space, .seconds = seconds};
  if (vs_child_start(&child, seconds + PATIENCE, run_floor, f)) vs_child_wait(&child);
  double rate = f->rate;
  vs_shared_free(f, sizeof *f);
  return rate;
}

typedef struct swept {
  const vs_target* target;
  const vs_space* space;
} swept;

// So many combinations of the valid stage, counted in batches from its end: there, every few
// thousand are a mix of all placements.
static double sweep_some(void* what, uint64_t combinations, long* kib) {
  (void)kib;
  const swept* s = what;
  const uint64_t whole = s->space->stages[0].count / VS_BATCH;
  vs_sweep_outcome* outcome = calloc(1, sizeof *outcome);
  if (outcome == NULL) return -1;
  const vs_sweep_plan plan = {.target = s->target,
                              .profile = vs_profile_find("documented"),
                              .space = s->space,
                              .from = whole - combinations / VS_BATCH,
                              .to = whole,
                              .jobs = 1,
                              .timeout = PATIENCE};
  bool good = vs_sweep(&plan, outcome) == VS_SWEEP_DONE && outcome->failures.count == 0;
  double seconds = good ? outcome->seconds : -1;
  free(outcome);
  return seconds;
}

static bool measure(const vs_target* target, const vs_space* space, double seconds,
                    vs_sweeping* result) {
  const uint64_t most = space->stages[0].count / VS_BATCH * VS_BATCH;
  swept what = {target, space};
  if (!vs_growth_measure(sweep_some, &what, false, UINT64_C(4) * VS_BATCH, most, seconds,
                         &result->growth))
    return false;
  result->floor = measure_floor(target, space, seconds / 3);
  return result->floor > 0;
}

vs_target_state vs_sweeping_measure(const char* backend, double seconds, vs_sweeping* result,
                                    vs_why* reason) {
  vs_target target;
  vs_refuse(reason, "no memory, or a sweep that finds a failure");
  if (!vs_target_parse(backend, &target)) return VS_TARGET_BROKEN;
  vs_target_probe(&target, PATIENCE);
  if (target.state != VS_TARGET_READY) {
    *reason = target.reason;
    return target.state;
  }
  vs_space* space = vs_space_new(target.arch, DEPTH, vs_scene_is_possible);
  if (space == NULL) return VS_TARGET_BROKEN;
  bool measured = measure(&target, space, seconds, result);
  vs_space_free(space);
  return measured ? VS_TARGET_READY : VS_TARGET_BROKEN;
}

double vs_sweeping_model(void) {
  vs_product product;
  const vs_profile* page = vs_profile_find("documented");
  if (!vs_product_count_all(page, VS_ARCH_X64, 1, 1, &product)) return 0;
  return (double)product.combinations / product.seconds;
}
