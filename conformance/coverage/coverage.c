// SPDX-License-Identifier: BSD-3-Clause
#include "coverage.h"

#include <stdlib.h>

const vs_reachable* vs_coverage_of(vs_coverage* coverage, vs_arch arch) {
  vs_reachable** of = &coverage->of[arch];
  if (*of == NULL) *of = vs_reachable_new(coverage->profile, arch);
  return *of;
}

const vs_explored* vs_coverage_explored(vs_coverage* coverage, vs_arch arch) {
  vs_explored** of = &coverage->explored[arch];
  if (*of == NULL) *of = vs_explored_new(coverage->profile, arch);
  return *of;
}

void vs_coverage_free(vs_coverage* coverage) {
  for (size_t i = 0; i < sizeof coverage->of / sizeof coverage->of[0]; i++) {
    vs_reachable_free(coverage->of[i]);
    vs_explored_free(coverage->explored[i]);
    coverage->of[i] = NULL;
    coverage->explored[i] = NULL;
  }
}

bool vs_reached_begin(vs_reached* reached, const vs_reachable* all) {
  *reached = (vs_reached){.all = all, .history = vs_history_begin()};
  reached->points = calloc(all->count > 0 ? all->count : 1, sizeof *reached->points);
  if (reached->points == NULL) reached->all = NULL;
  return reached->points != NULL;
}

void vs_reached_free(vs_reached* reached) {
  free(reached->points);
  vs_transitions_free(&reached->made);
  *reached = (vs_reached){0};
}

static void pass(const vs_passage* passage, void* context) {
  vs_reached* reached = context;
  vs_transition found;
  if (vs_history_note(&reached->history, passage, &found))
    (void)vs_transitions_add(&reached->made, &found);
  if (passage->sort != VS_PASSED) return;
  const size_t point = vs_reachable_find(reached->all, &passage->point);
  if (point < reached->all->count) reached->points[point] = true;
}

vs_listener vs_reached_listener(vs_reached* reached) {
  return (vs_listener){pass, reached};
}

void vs_reached_add(vs_reached* reached, const vs_reached* other) {
  for (size_t i = 0; i < reached->all->count; i++) reached->points[i] |= other->points[i];
  for (size_t i = 0; i < other->made.count; i++) {
    (void)vs_transitions_add(&reached->made, &other->made.items[i]);
  }
}

size_t vs_reached_count(const vs_reached* reached) {
  size_t count = 0;
  for (size_t i = 0; i < reached->all->count; i++) count += reached->points[i];
  return count;
}
