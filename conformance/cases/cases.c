// SPDX-License-Identifier: BSD-3-Clause
#include "cases.h"

#include <stdlib.h>
#include <string.h>

// The clauses of a row as initialisers, counted by a second look at the same list.
#define C(code) VS_CLAUSE_##code,
#define VS_CASE(suite, name, title_text, list) \
  {.id = #suite "." #name,                     \
   .title = title_text,                        \
   .clause_count = sizeof((uint8_t[]){list}),  \
   .clauses = {list},                          \
   .build = case_##suite##_##name},
const vs_case vs_cases[] = {
#include "cases.def"
};
#undef VS_CASE
#undef C
const size_t vs_case_count = sizeof vs_cases / sizeof vs_cases[0];

const vs_case* vs_case_find(const char* id) {
  for (size_t i = 0; i < vs_case_count; i++) {
    if (strcmp(vs_cases[i].id, id) == 0) return &vs_cases[i];
  }
  return NULL;
}

vs_clause_set vs_case_clauses(const vs_case* c) {
  vs_clause_set set = 0;
  for (size_t i = 0; i < c->clause_count; i++) set |= VS_BIT(c->clauses[i]);
  return set;
}

bool vs_case_script(const vs_case* c, vs_arch arch, uint64_t seed, vs_script* script) {
  vs_build b = {.seed = seed, .info = vs_arch_find(arch)};
  if (b.info == NULL) return false;
  c->build(&b);
  *script = (vs_script){.title = c->title, .ops = b.ops, .count = b.count};
  if (b.failed) vs_case_script_free(script);
  return !b.failed;
}

void vs_case_script_free(vs_script* script) {
  free((void*)(uintptr_t)script->ops);
  *script = (vs_script){0};
}
