// SPDX-License-Identifier: BSD-3-Clause
#include "ratchet.h"

#include <string.h>

#include "text/file.h"

// --- reading ------------------------------------------------------------------------------------

static bool refuse(vs_fault* fault, size_t line, const char* message) {
  fault->line = line;
  fault->column = 1;
  snprintf(fault->message, sizeof fault->message, "%.*s", (int)sizeof fault->message - 1, message);
  return false;
}

// The word before the next blank, which the text is then behind.
static const char* take_word(vs_store* store, const char** text) {
  const size_t length = strcspn(*text, " ");
  if (length == 0 || (*text)[length] == '\0') return NULL;
  const char* word = vs_said(store, "%.*s", (int)length, *text);
  *text += length + 1;
  return word;
}

static bool read_line(vs_ratchet* r, const char* text, size_t number, vs_fault* fault) {
  if (text[0] == '\0' || text[0] == '#') return true;
  const char* profile = take_word(&r->store, &text);
  const char* arch = profile != NULL ? take_word(&r->store, &text) : NULL;
  if (arch == NULL)
    return refuse(fault, number,
                  "expected a profile, an architecture, and a combination or a transition, such as "
                  "'documented x86-64 kick: bad_handle'");
  vs_ratchet_line* line = vs_grow(&r->store, &r->lines, sizeof *line);
  *line = (vs_ratchet_line){number, profile, arch, vs_keep(&r->store, text)};
  return true;
}

static bool read_text(vs_ratchet* r, char* text, vs_fault* fault) {
  size_t number = 0;
  for (char* at = text; at != NULL && *at != '\0';) {
    char* end = strchr(at, '\n');
    if (end != NULL) *end = '\0';
    if (!read_line(r, at, ++number, fault)) return false;
    at = end != NULL ? end + 1 : NULL;
  }
  return true;
}

bool vs_ratchet_read(const char* path, vs_ratchet* ratchet, vs_fault* fault) {
  vs_why why;
  vs_file file;
  *ratchet = (vs_ratchet){0};
  if (!vs_file_read(path, &file, &why)) return refuse(fault, 0, why.text);
  bool good = strlen(file.text) == file.length;
  good = good ? read_text(ratchet, file.text, fault)
              : refuse(fault, 1, "expected text, found a byte that is 0");
  vs_file_free(&file);
  return good;
}

void vs_ratchet_free(vs_ratchet* ratchet) {
  vs_store_free(&ratchet->store);
}

// --- checking -----------------------------------------------------------------------------------

static const vs_covered_item* find(const vs_covered_item* items, size_t count, const char* name) {
  for (size_t i = 0; i < count; i++) {
    if (strcmp(items[i].name, name) == 0) return &items[i];
  }
  return NULL;
}

static const vs_covered_item* find_in(const vs_covered* row, const char* name) {
  const vs_covered_item* item = find(row->combinations.at, row->combinations.count, name);
  return item != NULL ? item : find(row->transitions.at, row->transitions.count, name);
}

vs_ratchet_state vs_ratchet_check(const vs_ratchet_line* line, const vs_accounts* accounts,
                                  const vs_covered** by) {
  bool judged = false;
  for (size_t i = 0; i < accounts->told.backends.count; i++) {
    const vs_covered* row = &accounts->told.backends.at[i];
    if (strcmp(row->profile, line->profile) != 0 || strcmp(row->arch, line->arch) != 0) continue;
    const vs_covered_item* item = find_in(row, line->name);
    *by = row;
    if (item == NULL) return VS_RATCHET_STALE;
    if (!item->reached) return VS_RATCHET_LOST;
    judged = true;
  }
  if (!judged) *by = NULL;
  return judged ? VS_RATCHET_HOLDS : VS_RATCHET_LOST;
}

// --- writing ------------------------------------------------------------------------------------

// True of the first row of its profile and architecture.
static bool is_first(const vs_accounts* a, size_t at) {
  for (size_t i = 0; i < at; i++) {
    if (a->told.backends.at[i].all == a->told.backends.at[at].all) return false;
  }
  return true;
}

static bool all_reached(const vs_accounts* a, const vs_covered* like, const char* name) {
  for (size_t i = 0; i < a->told.backends.count; i++) {
    const vs_covered* row = &a->told.backends.at[i];
    if (row->all == like->all && !find_in(row, name)->reached) return false;
  }
  return true;
}

static void print_items(FILE* out, const vs_accounts* a, const vs_covered* row,
                        const vs_covered_item* items, size_t count) {
  for (size_t i = 0; i < count; i++) {
    if (all_reached(a, row, items[i].name))
      fprintf(out, "%s %s %s\n", row->profile, row->arch, items[i].name);
  }
}

bool vs_ratchet_print(FILE* out, const void* accounts) {
  const vs_accounts* a = accounts;
  fputs("# What was reached: vcpuspec coverage --ratchet FILE fails if some of it is lost.\n", out);
  for (size_t i = 0; i < a->told.backends.count; i++) {
    const vs_covered* row = &a->told.backends.at[i];
    if (!is_first(a, i)) continue;
    print_items(out, a, row, row->combinations.at, row->combinations.count);
    print_items(out, a, row, row->transitions.at, row->transitions.count);
  }
  return !ferror(out);
}
