// SPDX-License-Identifier: BSD-3-Clause
#include <stdlib.h>

#include "oracle.h"
#include "recorded.h"
#include "sides.h"

typedef struct judging {
  const vs_profile* profile;
  const vs_arch_info* arch;
  vs_recorded recorded;
  vs_oracle oracle;
} judging;

static void close_judging(void* self) {
  judging* j = self;
  vs_recorded_free(&j->recorded);
  free(j);
}

static void* open_judging(const vs_side_setup* setup, char* reason) {
  judging* j = calloc(1, sizeof *j);
  if (j == NULL) return NULL;
  j->profile = setup->profile;
  j->arch = vs_arch_find(setup->backend->arch);
  if (vs_record(&j->recorded, setup->backend, reason)) return j;
  close_judging(j);
  return NULL;
}

static bool judge_one(judging* j, size_t at, size_t length) {
  vs_oracle_init(&j->oracle, j->profile, j->arch);
  for (size_t i = at; i < at + length; i++) {
    const vs_op* op = &j->recorded.ops[i];
    const vs_observation* seen = &j->recorded.observations[i];
    if (vs_oracle_step(&j->oracle, op, seen, NULL) != VS_STEP_ALLOWED) return false;
  }
  return true;
}

static uint64_t turn_judging(void* self, uint64_t count) {
  judging* j = self;
  uint64_t done = 0;
  while (done < count) {
    size_t at = 0;
    for (size_t i = 0; i < j->recorded.count; i++) {
      if (!judge_one(j, at, j->recorded.lengths[i])) return 0;
      at += j->recorded.lengths[i];
    }
    done += at;
  }
  return done;
}

const vs_side vs_side_oracle = {open_judging, turn_judging, close_judging};
