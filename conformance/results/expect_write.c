// SPDX-License-Identifier: BSD-3-Clause
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "expect.h"
#include "make.h"

static char* copy(const char* text) {
  return text != NULL ? strdup(text) : NULL;
}

static bool copy_entry(vs_expectations* to, const vs_expectation* from) {
  bool good = true;
  vs_expectation* entry = vs_expectations_add(to);
  if (entry == NULL) return false;
  *entry = (vs_expectation){.disputed = from->disputed,
                            .sometimes = from->sometimes,
                            .matches = from->matches,
                            .comment = copy(from->comment)};
  for (size_t i = 0; i < VS_EXPECT_WORDS; i++) {
    entry->words[i] = copy(from->words[i]);
    good &= entry->words[i] != NULL || from->words[i] == NULL;
  }
  for (size_t i = 0; i < from->answer_count; i++) {
    entry->answers[i] = copy(from->answers[i]);
    entry->answer_count++;
    good &= entry->answers[i] != NULL;
  }
  return good;
}

// A name as a glob that matches it; what the text form has no room for becomes a '?'.
static char* escape(const char* name) {
  char* glob = malloc(2 * strlen(name) + 1);
  char* at = glob;
  if (glob == NULL) return NULL;
  for (const char* c = name; *c != '\0'; c++) {
    bool edge = c == name || c[1] == '\0';
    bool foreign = (unsigned char)*c < ' ' || (unsigned char)*c >= 0x7f || (*c == ' ' && edge);
    if (strchr("*?[\\", *c) != NULL) *at++ = '\\';
    *at++ = foreign ? '?' : *c;
  }
  *at = '\0';
  return glob;
}

// Whoever fails only now and then is not expected for ever.
static char* day_ahead(void) {
  enum { DAYS = 90 };
  char now[32];
  char text[32];
  struct tm day = {0};
  vs_results_time(now);
  if (strptime(now, "%Y-%m-%d", &day) == NULL) return NULL;
  day.tm_mday += DAYS;
  timegm(&day);
  strftime(text, sizeof text, "%Y-%m-%d", &day);
  return copy(text);
}

static bool has(char* const* list, size_t count, const char* text) {
  for (size_t i = 0; i < count; i++) {
    if (list[i] != NULL && strcmp(list[i], text) == 0) return true;
  }
  return false;
}

// Every clause that is broken, once, with blanks between.
static char* clauses_of(const json_t* failure) {
  char text[4096] = "";
  size_t length = 0;
  size_t i;
  const json_t* other;
  const char* first = vs_results_text(failure, "clause");
  if (first == NULL) return NULL;
  length += (size_t)snprintf(text, sizeof text, "%s", first);
  json_array_foreach(json_object_get(failure, "others"), i, other) {
    const char* clause = vs_results_text(other, "clause");
    bool there = clause == NULL || strstr(text, clause) != NULL;
    if (there || length + strlen(clause) + 2 > sizeof text) continue;
    length += (size_t)snprintf(text + length, sizeof text - length, " %s", clause);
  }
  return copy(text);
}

// Every sort of failure, once.
static void put_answers(vs_expectation* entry, const json_t* failure) {
  size_t i;
  const json_t* other;
  entry->answers[entry->answer_count++] = copy(vs_results_text(failure, "key"));
  json_array_foreach(json_object_get(failure, "others"), i, other) {
    const char* key = vs_results_text(other, "key");
    bool there = key == NULL || has(entry->answers, entry->answer_count, key);
    if (there || entry->answer_count == VS_ANSWERS_MAX) continue;
    entry->answers[entry->answer_count++] = copy(key);
  }
}

static bool is_before(const char* expires, const char* today) {
  return expires != NULL && strcmp(expires, today) < 0;
}

// An entry for one result; `from`, unless NULL, is an old one that covers it.
static bool add_for(vs_expectations* to, const json_t* results, const json_t* result,
                    const vs_expectation* from, const char* today) {
  size_t column = (size_t)json_integer_value(json_object_get(result, "backend"));
  const json_t* backend = json_array_get(json_object_get(results, "backends"), column);
  const json_t* failure = json_object_get(result, "failure");
  vs_expectation* entry = vs_expectations_add(to);
  if (entry == NULL) return false;
  bool flaky = strcmp(vs_results_text(result, "verdict"), "flaky") == 0;
  entry->disputed = from != NULL && from->disputed;
  entry->sometimes = flaky || (from != NULL && from->sometimes);
  entry->words[VS_EXPECT_CASE] = escape(vs_results_text(result, "case"));
  // A recording is called what it calls itself, wherever it lies.
  bool recorded = strncmp(vs_results_text(backend, "spec"), "recorded:", 9) == 0;
  entry->words[VS_EXPECT_BACKEND] = escape(vs_results_text(backend, recorded ? "name" : "spec"));
  entry->words[VS_EXPECT_PROFILE] = copy(vs_results_text(backend, "profile"));
  entry->words[VS_EXPECT_CLAUSE] = clauses_of(failure);
  entry->words[VS_EXPECT_REASON] = copy(from != NULL ? from->words[VS_EXPECT_REASON] : "?");
  entry->words[VS_EXPECT_LINK] = copy(from != NULL ? from->words[VS_EXPECT_LINK] : NULL);
  put_answers(entry, failure);
  const char* expires = from != NULL ? from->words[VS_EXPECT_EXPIRES] : NULL;
  if (expires != NULL && !is_before(expires, today)) {
    entry->words[VS_EXPECT_EXPIRES] = copy(expires);
  } else if (entry->sometimes) {
    entry->words[VS_EXPECT_EXPIRES] = day_ahead();
  }
  return entry->words[VS_EXPECT_CASE] && entry->words[VS_EXPECT_BACKEND] &&
         entry->words[VS_EXPECT_PROFILE] && entry->words[VS_EXPECT_REASON] && entry->answers[0];
}

static bool keep_old(const vs_expectations* old, const json_t* results, const char* today,
                     vs_expectations* renewed, size_t* left_out) {
  for (size_t i = 0; i < old->count; i++) {
    vs_expect_finding f = vs_expectation_check(&old->items[i], results, today);
    if (f.problem != VS_PROBLEM_NONE) {
      ++*left_out;
    } else if (!copy_entry(renewed, &old->items[i])) {
      return false;
    }
  }
  renewed->comment = copy(old->comment);
  return true;
}

static const vs_expectation* find_cover(const vs_expectations* all, size_t count,
                                        const json_t* results, const json_t* result) {
  for (size_t i = 0; i < count; i++) {
    const vs_expectation* entry = &all->items[i];
    if (vs_expectation_names(entry, results, result) && vs_expectation_covers(entry, result))
      return entry;
  }
  return NULL;
}

static bool renew(const vs_expectations* old, const json_t* results, vs_expectations* renewed,
                  size_t* left_out) {
  char today[32];
  vs_results_time(today);
  today[10] = '\0';
  if (old != NULL && !keep_old(old, results, today, renewed, left_out)) return false;
  size_t kept = renewed->count;
  size_t i;
  const json_t* result;
  json_array_foreach(json_object_get(results, "results"), i, result) {
    if (!json_is_object(json_object_get(result, "failure"))) continue;
    if (find_cover(renewed, kept, results, result) != NULL) continue;
    const vs_expectation* from = old != NULL ? find_cover(old, old->count, results, result) : NULL;
    if (!add_for(renewed, results, result, from, today)) return false;
  }
  return true;
}

bool vs_expectations_renew(const vs_expectations* old, const json_t* results,
                           vs_expectations* renewed, size_t* left_out) {
  *renewed = (vs_expectations){0};
  *left_out = 0;
  if (renew(old, results, renewed, left_out)) return true;
  vs_expectations_free(renewed);
  return false;
}

static void print_word(FILE* out, const char* name, const char* text) {
  if (text != NULL) fprintf(out, "  %s %s\n", name, text);
}

static void print_entry(FILE* out, const vs_expectation* e) {
  fprintf(out, "\n%s%s %s\n", e->comment != NULL ? e->comment : "",
          e->disputed ? "disputed" : "known", e->words[VS_EXPECT_CASE]);
  print_word(out, "backend", e->words[VS_EXPECT_BACKEND]);
  print_word(out, "profile", e->words[VS_EXPECT_PROFILE]);
  print_word(out, "clause", e->words[VS_EXPECT_CLAUSE]);
  for (size_t i = 0; i < e->answer_count; i++) print_word(out, "answer", e->answers[i]);
  print_word(out, "reason", e->words[VS_EXPECT_REASON]);
  print_word(out, "link", e->words[VS_EXPECT_LINK]);
  print_word(out, "expires", e->words[VS_EXPECT_EXPIRES]);
  if (e->matches > 0) fprintf(out, "  matches %zu\n", e->matches);
  if (e->sometimes) fputs("  sometimes\n", out);
}

bool vs_expectations_print(FILE* out, const void* what) {
  const vs_expectations* all = what;
  fputs("vcpuspec expectations 1\n", out);
  for (size_t i = 0; i < all->count; i++) print_entry(out, &all->items[i]);
  if (all->comment != NULL) fprintf(out, "\n%s", all->comment);
  return !ferror(out);
}
