// SPDX-License-Identifier: BSD-3-Clause
#include "coverage.h"

#include <stdlib.h>

const vs_reachable* vs_coverage_of(vs_coverage* coverage, vs_arch arch) {
  vs_reachable** of = &coverage->of[arch];
  if (*of == NULL) *of = vs_reachable_new(coverage->profile, arch);
  return *of;
}

void vs_coverage_free(vs_coverage* coverage) {
  for (size_t i = 0; i < sizeof coverage->of / sizeof coverage->of[0]; i++) {
    vs_reachable_free(coverage->of[i]);
    coverage->of[i] = NULL;
  }
}

bool vs_reached_begin(vs_reached* reached, const vs_reachable* all) {
  *reached = (vs_reached){.all = all};
  reached->items = calloc(all->items > 0 ? all->items : 1, sizeof *reached->items);
  if (reached->items == NULL) reached->all = NULL;
  return reached->items != NULL;
}

void vs_reached_free(vs_reached* reached) {
  free(reached->items);
  *reached = (vs_reached){0};
}

static void pass(const vs_passage* passage, void* context) {
  vs_reached* reached = context;
  if (passage->sort != VS_PASSED) return;
  const size_t point = vs_reachable_find(reached->all, &passage->point);
  if (point < reached->all->count) reached->items[point] = true;
}

vs_listener vs_reached_listener(vs_reached* reached) {
  return (vs_listener){pass, reached};
}

void vs_reached_add(vs_reached* reached, const vs_reached* other) {
  for (size_t i = 0; i < reached->all->items; i++) reached->items[i] |= other->items[i];
}

size_t vs_reached_count(const vs_reached* reached) {
  size_t count = 0;
  for (size_t i = 0; i < reached->all->count; i++) count += reached->items[i];
  return count;
}
