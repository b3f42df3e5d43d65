// SPDX-License-Identifier: BSD-3-Clause
#include "mutants.h"

#include <string.h>

#include "track.h"

#define VS_MUTANT(id, base, clause, mistake) void alter_##id(vs_calls* calls);
#define VS_VARIANT(id, base, latitude, choice) void alter_##id(vs_calls* calls);
#include "mutants.def"
#undef VS_MUTANT
#undef VS_VARIANT

const vs_mutant vs_mutants[] = {
#define VS_MUTANT(id, base, clause, mistake) {#id, #base, clause, NULL, mistake, alter_##id, 0},
#define VS_VARIANT(id, base, latitude, choice) {#id, #base, NULL, latitude, choice, alter_##id, 0},
#include "mutants.def"
#undef VS_MUTANT
#undef VS_VARIANT
};
const size_t vs_mutant_count = sizeof vs_mutants / sizeof vs_mutants[0];

const vs_mutant* vs_mutant_find(const char* id) {
  for (size_t i = 0; i < vs_mutant_count; i++) {
    if (strcmp(vs_mutants[i].id, id) == 0) return &vs_mutants[i];
  }
  const vs_mutant* row = NULL;
  for (size_t i = 0; (row = vs_mutant_of_families(i)) != NULL; i++) {
    if (strcmp(row->id, id) == 0) return row;
  }
  return NULL;
}

const vs_calls* vs_mutant_over(const vs_mutant* mutant, const vs_backend* inner) {
  static vs_calls right;
  static vs_calls above;
  below = inner->calls;
  right = *inner->calls;
  other_resource = inner->other_resource;
  bool arm64 = strstr(mutant->base, "arm64") != NULL;
  altered_member = mutant->member;
  altered_words =
      (arm64 ? sizeof(zx_vcpu_state_arm64_t) : sizeof(zx_vcpu_state_x64_t)) / sizeof(uint64_t);
  track_all(&right);
  tracked_below = &right;
  above = right;
  mutant->alter(&above);
  return &above;
}
