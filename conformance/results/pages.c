// SPDX-License-Identifier: BSD-3-Clause
#include "pages.h"

#include <string.h>

#include "tables.h"
#include "text/calls.h"

const vs_part vs_parts[VS_PART_COUNT] = {
#define VS_PART(page, start) {page, start},
#include "pages.def"
#undef VS_PART
};

const char* vs_page_of(vs_store* store, const char* clause) {
  for (size_t i = 0; i < VS_PART_COUNT; i++) {
    const vs_part* part = &vs_parts[i];
    if (strncmp(clause, part->start, strlen(part->start)) == 0) return part->page;
  }
  return vs_said(store, "%.*s", (int)strcspn(clause, "."), clause);
}

// The page whose ids begin with the word.
static const char* begun_by(const char* word) {
  size_t length = strlen(word);
  for (size_t i = 0; i < VS_PART_COUNT; i++) {
    const vs_part* part = &vs_parts[i];
    if (strncmp(part->start, word, length) == 0 && strcmp(part->start + length, ".") == 0)
      return part->page;
  }
  return NULL;
}

const char* vs_page_find(const char* word) {
  for (size_t i = 0; i < VS_PART_COUNT; i++) {
    if (strcmp(vs_parts[i].page, word) == 0) return vs_parts[i].page;
  }
  vs_call_index call = vs_call_find(word);
  if (call == VS_NO_CALL) return NULL;
  const char* page = begun_by(vs_ops[call].name);
  return page != NULL ? page : begun_by(vs_ops[call].symbol + strlen("zx_"));
}
