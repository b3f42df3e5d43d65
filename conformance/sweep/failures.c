// SPDX-License-Identifier: BSD-3-Clause
#include "failures.h"

#include <stdlib.h>

static int order(const void* left, const void* right) {
  const vs_failure* a = left;
  const vs_failure* b = right;
  if (a->stage != b->stage) return a->stage < b->stage ? -1 : 1;
  if (a->to != b->to) return a->to < b->to ? -1 : 1;
  return vs_failure_compare(&a->key, &b->key);
}

void vs_failures_note(vs_failures* failures, const vs_failure* failure) {
  for (size_t i = 0; i < failures->count; i++) {
    vs_failure* known = &failures->items[i];
    if (!vs_failure_same(&known->key, &failure->key)) continue;
    uint64_t count = known->count + failure->count;
    if (order(failure, known) < 0) *known = *failure;
    known->count = count;
    return;
  }
  if (failures->count == VS_FAILURES_MAX) {
    failures->beyond += failure->count;
  } else {
    failures->items[failures->count++] = *failure;
  }
}

void vs_failures_sort(vs_failures* failures) {
  qsort(failures->items, failures->count, sizeof failures->items[0], order);
}
