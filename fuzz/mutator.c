// SPDX-License-Identifier: BSD-3-Clause
#include "mutator.h"

#include "sweep/scene.h"

static void note_first(vs_mutator* m, unsigned io, vs_factor f) {
  for (uint16_t v = 0; v < m->space->counts[io][f]; v++) {
    bool first = m->space->values[io][f][v].rank >= VS_RANK_OF_PRODUCT;
    uint16_t* count = &m->first_count[io][f];
    if (first && *count < VS_MUTATOR_FIRST) m->first[io][f][(*count)++] = v;
  }
}

bool vs_mutator_open(vs_mutator* m, vs_arch arch) {
  *m = (vs_mutator){.arch = vs_arch_find(arch), .random = 1};
  m->space = vs_space_new(arch, 1, vs_scene_is_possible);
  for (unsigned io = 0; io < 2 && m->space != NULL; io++) {
    for (vs_factor f = 0; f < VS_FACTOR_COUNT; f++) note_first(m, io, f);
  }
  return m->space != NULL;
}

void vs_mutator_close(vs_mutator* m) {
  vs_space_free(m->space);
  m->space = NULL;
}
void vs_mutator_seed(vs_mutator* m, uint64_t seed) {
  m->random = seed * UINT64_C(0x9e3779b97f4a7c15) | 1;
}

// xorshift64*.
uint64_t vs_mutator_word(vs_mutator* m) {
  m->random ^= m->random >> 12;
  m->random ^= m->random << 25;
  m->random ^= m->random >> 27;
  return m->random * UINT64_C(2685821657736338717);
}

uint64_t vs_mutator_pick(vs_mutator* m, uint64_t below) {
  return (vs_mutator_word(m) >> 11) % below;
}

bool vs_mutator_one_in(vs_mutator* m, uint64_t n) {
  return vs_mutator_pick(m, n) == 0;
}
