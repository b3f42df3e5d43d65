// SPDX-License-Identifier: BSD-3-Clause
#include <ctype.h>
#include <string.h>
#include <time.h>

#include "expect.h"
#include "results/make.h"

// A name as a glob that matches it; what the text form has no room for becomes a '?'.
static const char* escape(vs_store* store, const char* name) {
  char* glob = vs_take(store, 2 * strlen(name) + 1);
  char* at = glob;
  for (const char* c = name; *c != '\0'; c++) {
    bool edge = c == name || c[1] == '\0';
    bool foreign = (unsigned char)*c < ' ' || (unsigned char)*c >= 0x7f || (*c == ' ' && edge);
    if (strchr("*?[\\", *c) != NULL) *at++ = '\\';
    *at++ = foreign ? '?' : *c;
  }
  return glob;
}

// What fails only now and then is not expected for ever.
static const char* day_ahead(vs_store* store) {
  enum { DAYS = 90 };
  char text[VS_DAY];
  struct tm day = {0};
  vs_results_today(text);
  if (strptime(text, "%Y-%m-%d", &day) == NULL) return NULL;
  day.tm_mday += DAYS;
  timegm(&day);
  strftime(text, sizeof text, "%Y-%m-%d", &day);
  return vs_keep(store, text);
}

static const char* say_answer(vs_store* store, vs_way way) {
  char answer[VS_ANSWER_TEXT];
  char touched[VS_TOUCHED_TEXT];
  vs_way_answer(way, vs_way_touched(way, touched), answer);
  return vs_keep(store, answer);
}

// Every clause that is broken, once, with blanks between; and every sort of failure, once.
static void add_ways(vs_store* store, vs_expectation* entry, const vs_failure_told* failure) {
  vs_index keys = {0};
  size_t number;
  const char** clauses = &entry->words[VS_EXPECT_CLAUSE];
  *clauses = failure->clause;
  for (size_t i = 0; i < vs_failure_ways(failure); i++) {
    vs_way way = vs_failure_way(failure, i);
    bool there = *clauses == NULL || way.clause == NULL || strstr(*clauses, way.clause) != NULL;
    if (!there) *clauses = vs_said(store, "%s %s", *clauses, way.clause);
    if (way.key == NULL || entry->answers.count == VS_ANSWERS_MAX) continue;
    const char* answer = say_answer(store, way);
    if (vs_index_add(&keys, answer, &number)) vs_add(store, &entry->answers, answer);
  }
  vs_index_free(&keys);
}

// An entry for one result; `from`, unless NULL, is an old one that covers it.
static void add_for(vs_expectations* to, const vs_results* results, const vs_result* result,
                    const vs_expectation* from, const char* today) {
  static const vs_expectation nothing = {.words = {[VS_EXPECT_REASON] = "?"}};
  const vs_column* backend = &results->backends.at[result->backend];
  vs_expectation* entry = vs_grow(&to->store, &to->entries, sizeof *entry);
  if (from == NULL) from = &nothing;
  entry->disputed = from->disputed;
  entry->sometimes = result->verdict == VS_VERDICT_FLAKY || from->sometimes;
  entry->words[VS_EXPECT_CASE] = escape(&to->store, result->id);
  // A recording is called what it calls itself, wherever it lies.
  bool recorded = strncmp(backend->spec, "recorded:", 9) == 0;
  entry->words[VS_EXPECT_BACKEND] = escape(&to->store, recorded ? backend->name : backend->spec);
  entry->words[VS_EXPECT_PROFILE] = backend->profile;
  entry->words[VS_EXPECT_REASON] = from->words[VS_EXPECT_REASON];
  entry->words[VS_EXPECT_LINK] = from->words[VS_EXPECT_LINK];
  add_ways(&to->store, entry, result->failure);
  const char* expires = from->words[VS_EXPECT_EXPIRES];
  if (expires != NULL && strcmp(expires, today) >= 0) {
    entry->words[VS_EXPECT_EXPIRES] = expires;
  } else if (entry->sometimes) {
    entry->words[VS_EXPECT_EXPIRES] = day_ahead(&to->store);
  }
}

static size_t keep_old(const vs_expectations* old, const vs_results* results, const char* today,
                       vs_expectations* renewed) {
  size_t left_out = 0;
  for (size_t i = 0; i < old->entries.count; i++) {
    vs_expect_finding f = vs_expectation_check(&old->entries.at[i], results, today);
    left_out += f.problem != VS_PROBLEM_NONE;
    if (f.problem != VS_PROBLEM_NONE) continue;
    vs_expectation* entry = vs_grow(&renewed->store, &renewed->entries, sizeof *entry);
    *entry = old->entries.at[i];
  }
  renewed->comment = old->comment;
  return left_out;
}

void vs_expectations_renew(const vs_expectations* old, const vs_results* results,
                           vs_expectations* renewed, size_t* left_out) {
  static const vs_expectations none = {0};
  char today[VS_DAY];
  *renewed = (vs_expectations){0};
  if (old == NULL) old = &none;
  vs_results_today(today);
  *left_out = keep_old(old, results, today, renewed);
  size_t kept = renewed->entries.count;
  for (size_t i = 0; i < results->results.count; i++) {
    const vs_result* one = &results->results.at[i];
    if (one->failure == NULL) continue;
    if (vs_expectations_first(renewed, kept, results, one, true) != NULL) continue;
    add_for(renewed, results, one,
            vs_expectations_first(old, old->entries.count, results, one, true), today);
  }
}

bool vs_expectation_has_reason(const vs_expectation* entry) {
  const char* reason = entry->words[VS_EXPECT_REASON] != NULL ? entry->words[VS_EXPECT_REASON] : "";
  bool word = false;
  for (const char* c = reason; *c != '\0'; c++)
    word |= isalnum((unsigned char)*c) || (*c & 0x80) != 0;
  return word && reason[0] != '?';
}

size_t vs_expectations_without_reason(const vs_expectations* all) {
  size_t count = 0;
  for (size_t i = 0; i < all->entries.count; i++) {
    count += strcmp(all->entries.at[i].words[VS_EXPECT_REASON], "?") == 0;
  }
  return count;
}

// --- the text -----------------------------------------------------------------------------------

static void print_word(FILE* out, const char* name, const char* text) {
  if (text != NULL) fprintf(out, "  %s %s\n", name, text);
}

static void print_entry(FILE* out, const vs_expectation* e) {
  fprintf(out, "\n%s%s %s\n", e->comment != NULL ? e->comment : "",
          e->disputed ? "disputed" : "known", e->words[VS_EXPECT_CASE]);
  print_word(out, "backend", e->words[VS_EXPECT_BACKEND]);
  print_word(out, "profile", e->words[VS_EXPECT_PROFILE]);
  print_word(out, "clause", e->words[VS_EXPECT_CLAUSE]);
  for (size_t i = 0; i < e->answers.count; i++) print_word(out, "answer", e->answers.at[i]);
  print_word(out, "reason", e->words[VS_EXPECT_REASON]);
  print_word(out, "link", e->words[VS_EXPECT_LINK]);
  print_word(out, "expires", e->words[VS_EXPECT_EXPIRES]);
  if (e->matches > 0) fprintf(out, "  matches %zu\n", e->matches);
  if (e->sometimes) fputs("  sometimes\n", out);
}

bool vs_expectations_print(FILE* out, const void* what) {
  const vs_expectations* all = what;
  fputs("vcpuspec expectations 1\n", out);
  for (size_t i = 0; i < all->entries.count; i++) print_entry(out, &all->entries.at[i]);
  if (all->comment != NULL) fprintf(out, "\n%s", all->comment);
  return !ferror(out);
}
