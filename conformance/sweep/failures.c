// SPDX-License-Identifier: BSD-3-Clause
#include "failures.h"

#include <stdlib.h>
#include <string.h>

static void insert(vs_failure_key* key, zx_status_t status) {
  uint8_t at = key->count++;
  for (; at > 0 && key->allowed[at - 1] > status; at--) key->allowed[at] = key->allowed[at - 1];
  key->allowed[at] = status;
}

vs_failure_key vs_failure_key_of(const vs_violation* v) {
  vs_failure_key key;
  memset(&key, 0, sizeof key);
  key.clause = (uint8_t)v->clause;
  key.kind = (uint8_t)v->kind;
  if (v->kind == VS_VIOLATION_REGISTER) {
    key.reg = v->reg;
    key.guest_view = v->guest_view;
    return key;
  }
  if (v->kind == VS_VIOLATION_STATUS) key.got = v->got;
  for (uint8_t i = 0; i < v->decision.count; i++) insert(&key, v->decision.allowed[i].status);
  return key;
}

static int compare(int64_t a, int64_t b) {
  return a < b ? -1 : a > b;
}

static int compare_keys(const vs_failure_key* a, const vs_failure_key* b) {
  int by[] = {compare(a->clause, b->clause), compare(a->kind, b->kind),
              compare(a->reg, b->reg),       compare(a->guest_view, b->guest_view),
              compare(a->got, b->got),       compare(a->count, b->count)};
  for (size_t i = 0; i < sizeof by / sizeof by[0]; i++) {
    if (by[i] != 0) return by[i];
  }
  for (size_t i = 0; i < a->count; i++) {
    if (a->allowed[i] != b->allowed[i]) return compare(a->allowed[i], b->allowed[i]);
  }
  return 0;
}

bool vs_failure_same(const vs_failure_key* a, const vs_failure_key* b) {
  return compare_keys(a, b) == 0;
}

static int order(const void* left, const void* right) {
  const vs_failure* a = left;
  const vs_failure* b = right;
  if (a->stage != b->stage) return a->stage < b->stage ? -1 : 1;
  if (a->to != b->to) return a->to < b->to ? -1 : 1;
  return compare_keys(&a->key, &b->key);
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
