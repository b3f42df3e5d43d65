// SPDX-License-Identifier: BSD-3-Clause
// Recorded traces judged by the oracle; and the floor: each answer compared with the one that the
// model predicted beforehand, which learns and explains nothing.
#include <stdlib.h>
#include <string.h>

#include "oracle.h"
#include "recorded.h"
#include "sides.h"

typedef struct judging {
  vs_side_setup setup;
  vs_recorded recorded;
  vs_oracle oracle;
} judging;

static void close_judging(void* self) {
  judging* j = self;
  vs_recorded_free(&j->recorded);
  free(j);
}

static void* open_judging(const vs_side_setup* setup, vs_why* reason) {
  judging* j = calloc(1, sizeof *j);
  if (j == NULL) return NULL;
  j->setup = *setup;
  if (vs_record(&j->recorded, setup, reason)) return j;
  close_judging(j);
  return NULL;
}

// The ops of a case that were right: all of them, or the row is broken.
static size_t judge_one(judging* j, const vs_recorded_case* c) {
  const vs_script* script = &c->predicted.script;
  vs_oracle_init(&j->oracle, j->setup.profile, vs_arch_find(j->setup.backend->arch));
  for (size_t i = 0; i < script->count; i++) {
    const vs_observation* seen = &c->observations[i];
    if (vs_oracle_step(&j->oracle, &script->ops[i], seen, NULL) != VS_STEP_ALLOWED) return 0;
  }
  return script->count;
}

static bool is_predicted(const vs_prediction* p, const vs_arch_info* info,
                         const vs_observation* seen) {
  if (vs_decision_find(&p->allowed, seen->status) == NULL) return false;
  for (size_t i = 0; p->has_state && i < info->register_count; i++) {
    uint64_t got = 0;
    memcpy(&got, seen->state + info->registers[i].offset, info->registers[i].width / 8u);
    if (((got ^ p->regs[i].value) & p->regs[i].known) != 0) return false;
  }
  return true;
}

static size_t compare_one(judging* j, const vs_recorded_case* c) {
  const vs_arch_info* info = vs_arch_find(j->setup.backend->arch);
  const size_t count = c->predicted.script.count;
  for (size_t i = 0; i < count; i++) {
    if (!is_predicted(&c->predicted.predictions[i], info, &c->observations[i])) return 0;
  }
  return count;
}

static uint64_t turn(judging* j, size_t (*one)(judging*, const vs_recorded_case*), uint64_t count) {
  uint64_t done = 0;
  while (done < count) {
    for (size_t i = 0; i < j->recorded.count; i++) {
      const size_t right = one(j, &j->recorded.cases[i]);
      if (right == 0) return 0;
      done += right;
    }
  }
  return done;
}

static uint64_t turn_judging(void* self, uint64_t count) {
  return turn(self, judge_one, count);
}

static uint64_t turn_comparing(void* self, uint64_t count) {
  return turn(self, compare_one, count);
}

const vs_side vs_side_oracle = {open_judging, turn_judging, close_judging, false};
const vs_side vs_side_predicted = {open_judging, turn_comparing, close_judging, false};
