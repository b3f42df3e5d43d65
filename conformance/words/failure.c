// SPDX-License-Identifier: BSD-3-Clause
#include "failure.h"

#include <string.h>

#include "common/digest.h"

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

vs_failure_key vs_failure_key_of_part(const vs_violation* v, const vs_arch_info* arch) {
  vs_failure_key key = vs_failure_key_of(v);
  const uint64_t wrong = (v->expected ^ v->value) & v->known;
  if (v->kind == VS_VIOLATION_PACKET) key.part = (uint8_t)(1 + v->field);
  if (v->kind == VS_VIOLATION_REGISTER && v->reg == arch->flags)
    key.part = (uint8_t)__builtin_ffsll((long long)wrong);
  return key;
}

static int compare(int64_t a, int64_t b) {
  return a < b ? -1 : a > b;
}

int vs_failure_compare(const vs_failure_key* a, const vs_failure_key* b) {
  int by[] = {compare(a->clause, b->clause), compare(a->kind, b->kind),
              compare(a->reg, b->reg),       compare(a->guest_view, b->guest_view),
              compare(a->part, b->part),     compare(a->got, b->got),
              compare(a->count, b->count)};
  for (size_t i = 0; i < sizeof by / sizeof by[0]; i++) {
    if (by[i] != 0) return by[i];
  }
  for (size_t i = 0; i < a->count; i++) {
    if (a->allowed[i] != b->allowed[i]) return compare(a->allowed[i], b->allowed[i]);
  }
  return 0;
}

bool vs_failure_same(const vs_failure_key* a, const vs_failure_key* b) {
  return vs_failure_compare(a, b) == 0;
}

static uint32_t digest(uint32_t so_far, int64_t number) {
  return vs_digest32(so_far, &number, sizeof number);
}

uint32_t vs_failure_digest(const vs_failure_key* key) {
  uint32_t sum = VS_DIGEST32;
  for (const char* c = vs_clauses[key->clause].id; *c != '\0'; c++) sum = digest(sum, *c);
  sum = digest(sum, key->kind);
  sum = digest(sum, key->reg);
  sum = digest(sum, key->guest_view);
  if (key->part != 0) sum = digest(sum, key->part);
  sum = digest(sum, key->got);
  for (uint8_t i = 0; i < key->count; i++) sum = digest(sum, key->allowed[i]);
  return sum;
}

bool vs_failure_find(const vs_failure_search* search, vs_oracle* oracle, const vs_trace* trace,
                     size_t* at, vs_violation* violation) {
  vs_oracle_init(oracle, search->profile, vs_arch_find(trace->arch));
  for (size_t i = 0; i < trace->script.count; i++) {
    vs_violation why = {0};
    vs_oracle_save(oracle);
    vs_step step = vs_oracle_step_of(oracle, trace, i, &why);
    if (step == VS_STEP_ALLOWED || step == VS_STEP_SKIPPED) continue;
    if (step != VS_STEP_VIOLATION) return false;
    if (search->is_it(&why, search->context)) {
      *at = i;
      *violation = why;
      return true;
    }
    const vs_op* op = &trace->script.ops[i];
    if (!vs_oracle_recover(oracle, op, &trace->observations[i], why.kind)) return false;
  }
  return false;
}
