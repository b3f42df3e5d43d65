// SPDX-License-Identifier: BSD-3-Clause
#include "cases.h"

#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>

#define VS_CASE(suite, name, title_text, about, script_text, ...) \
  {.id = #suite "." #name,                                        \
   .title = title_text,                                           \
   .arch = about,                                                 \
   .clause_count = sizeof((uint8_t[]){__VA_ARGS__}),              \
   .clauses = {__VA_ARGS__},                                      \
   .text = script_text},
const vs_case vs_cases[] = {
#include "cases.inc"
};
#undef VS_CASE
const size_t vs_case_count = sizeof vs_cases / sizeof vs_cases[0];

const vs_case* vs_case_find(const char* id) {
  for (size_t i = 0; i < vs_case_count; i++) {
    if (strcmp(vs_cases[i].id, id) == 0) return &vs_cases[i];
  }
  return NULL;
}

bool vs_case_matches(const vs_case* c, const char* glob) {
  if (fnmatch(glob, c->id, 0) == 0) return true;
  for (size_t i = 0; i < c->clause_count; i++) {
    if (fnmatch(glob, vs_clauses[c->clauses[i]].id, 0) == 0) return true;
  }
  return false;
}

vs_clause_set vs_case_clauses(const vs_case* c) {
  vs_clause_set set = VS_NO_CLAUSE;
  for (size_t i = 0; i < c->clause_count; i++) set |= VS_MEMBER(c->clauses[i]);
  return set;
}

bool vs_case_script(const vs_case* c, vs_arch arch, uint64_t seed, vs_script* script) {
  vs_source source = vs_source_of(c->text, strlen(c->text));
  vs_reading reading = {.arch = arch, .seed = seed};
  vs_document document;
  vs_fault fault;
  if (vs_document_read(&source, &reading, &document, &fault) != VS_READ_OK) return false;
  *script = (vs_script){.title = c->title, .ops = document.ops, .count = document.count};
  document.ops = NULL;
  vs_document_free(&document);
  return true;
}

void vs_case_script_free(vs_script* script) {
  free((void*)(uintptr_t)script->ops);
  *script = (vs_script){0};
}
