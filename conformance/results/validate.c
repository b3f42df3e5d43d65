// SPDX-License-Identifier: BSD-3-Clause
// The shape of a tree of results, as a table, and whether a tree has it.
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "results.h"
#include "text/file.h"

enum { MOST_SHARDS = 100000 };  // as of --shard

typedef enum sort {
  TEXT,
  WORD,     // one of `words`
  DIGITS,   // a 64-bit number as text
  SECONDS,  // a number, not below 0
  SHARD,    // "2/3"
  NUMBER,   // an integer, not below 0
  BOOLEAN,
  LIST,    // of objects of `shape`, or of texts
  OBJECT,  // of `shape`
  ANY_OBJECT
} sort;

typedef struct member {
  const char* name;
  sort sort;
  bool may_be_null;
  bool may_be_absent;
  const struct member* shape;  // ends with a member without a name
  const char* const* words;    // ends with NULL
} member;

static const char* const verdicts[] = {"pass",        "permitted", "fail",       "flaky",
                                       "unsupported", "broken",    "not judged", NULL};
static const char* const sayings[] = {"pass",      "permitted",   "fail",   "flaky",
                                      "cut short", "unsupported", "broken", NULL};
static const char* const target_states[] = {"ready", "absent", "broken", NULL};
static const char* const expectation_states[] = {"known", "different", "disputed", NULL};
static const char* const problems[] = {"passes",  "different", "not judged", "names nothing",
                                       "expired", "too broad", NULL};

#define MEMBER(NAME, SORT) \
  { .name = (NAME), .sort = (SORT) }
#define MEMBER_WITH(NAME, SORT, ...) \
  { .name = (NAME), .sort = (SORT), __VA_ARGS__ }
#define END \
  { .name = NULL }

static const member counts_shape[] = {MEMBER("expected", NUMBER), MEMBER("judged", NUMBER),
                                      MEMBER("not_judged", NUMBER), END};
static const member clause_shape[] = {MEMBER("id", TEXT), MEMBER("section", TEXT),
                                      MEMBER("sentence", TEXT),
                                      MEMBER_WITH("status", TEXT, .may_be_null = true), END};
static const member backend_shape[] = {MEMBER("name", TEXT),
                                       MEMBER("spec", TEXT),
                                       MEMBER("arch", TEXT),
                                       MEMBER("profile", TEXT),
                                       MEMBER_WITH("state", WORD, .words = target_states),
                                       MEMBER("reason", TEXT),
                                       MEMBER("required", BOOLEAN),
                                       MEMBER_WITH("named", BOOLEAN, .may_be_absent = true),
                                       END};
static const member failure_shape[] = {MEMBER_WITH("clause", TEXT, .may_be_null = true),
                                       MEMBER("sentence", TEXT),
                                       MEMBER_WITH("op", NUMBER, .may_be_null = true),
                                       MEMBER("allowed", TEXT),
                                       MEMBER("got", TEXT),
                                       MEMBER_WITH("key", TEXT, .may_be_absent = true),
                                       MEMBER("ops", LIST),
                                       MEMBER("remarks", LIST),
                                       END};
static const member expectation_shape[] = {
    MEMBER_WITH("state", WORD, .words = expectation_states), MEMBER("reason", TEXT),
    MEMBER_WITH("link", TEXT, .may_be_null = true), MEMBER("line", NUMBER), END};
static const member result_shape[] = {
    MEMBER("backend", NUMBER),
    MEMBER("case", TEXT),
    MEMBER("title", TEXT),
    MEMBER("clauses", LIST),
    MEMBER_WITH("verdict", WORD, .words = verdicts),
    MEMBER("seconds", SECONDS),
    MEMBER("says", ANY_OBJECT),
    MEMBER("latitudes", LIST),
    MEMBER("note", TEXT),
    MEMBER_WITH("remarks", LIST, .may_be_absent = true),
    MEMBER_WITH("failure", OBJECT, .may_be_null = true, .shape = failure_shape),
    MEMBER_WITH("command", TEXT, .may_be_null = true),
    MEMBER_WITH("script", TEXT, .may_be_null = true),
    MEMBER_WITH("expectation", OBJECT, .may_be_null = true, .shape = expectation_shape),
    END};
static const member stale_shape[] = {MEMBER("line", NUMBER), MEMBER("entry", TEXT),
                                     MEMBER_WITH("problem", WORD, .words = problems),
                                     MEMBER("explanation", TEXT), END};
static const member expectations_shape[] = {MEMBER("file", TEXT),
                                            MEMBER("entries", NUMBER),
                                            MEMBER("known", NUMBER),
                                            MEMBER("disputed", NUMBER),
                                            MEMBER_WITH("stale", LIST, .shape = stale_shape),
                                            END};
static const member exit_shape[] = {MEMBER("status", NUMBER), MEMBER("why", TEXT),
                                    MEMBER_WITH("remarks", LIST, .may_be_absent = true), END};
static const member results_shape[] = {
    MEMBER("program", TEXT),
    MEMBER("started", TEXT),
    MEMBER("interrupted", BOOLEAN),
    MEMBER("shard", SHARD),
    MEMBER("seed", DIGITS),
    MEMBER_WITH("missing", LIST, .may_be_absent = true),
    MEMBER("filters", LIST),
    MEMBER_WITH("counts", OBJECT, .shape = counts_shape),
    MEMBER_WITH("clauses", LIST, .shape = clause_shape),
    MEMBER_WITH("backends", LIST, .shape = backend_shape),
    MEMBER_WITH("results", LIST, .shape = result_shape),
    MEMBER_WITH("expectations", OBJECT, .may_be_null = true, .shape = expectations_shape),
    MEMBER_WITH("exit", OBJECT, .shape = exit_shape),
    END};

// Where the checker stands, for its messages: "results[3].failure".
typedef struct place {
  char path[128];
  char* why;
} place;

static bool fault(const place* at, const char* name, const char* expected) {
  bool dot = at->path[0] != '\0' && name[0] != '\0';
  snprintf(at->why, VS_RESULTS_WHY, "%s%s%s: expected %s", at->path, dot ? "." : "", name,
           expected);
  return false;
}

static bool has_shape(const json_t* object, const member* shape, const place* at);

static bool is_digits(const char* text) {
  errno = 0;
  bool digits = text[0] != '\0' && strspn(text, "0123456789") == strlen(text);
  return digits && (strtoull(text, NULL, 10) < ULLONG_MAX || errno == 0);
}

static bool is_shard(const json_t* value) {
  const char* text = json_is_string(value) ? json_string_value(value) : "";
  size_t first = strspn(text, "0123456789");
  if (text[first] != '/' || !is_digits(text + first + 1) || first == 0) return false;
  unsigned long long shard = strtoull(text, NULL, 10);
  unsigned long long shards = strtoull(text + first + 1, NULL, 10);
  return shard >= 1 && shard <= shards && shards <= MOST_SHARDS;
}

static bool is_one_of(const char* word, const char* const* words) {
  while (*words != NULL && strcmp(word, *words) != 0) words++;
  return *words != NULL;
}

static bool is_word(const json_t* value, const member* m, const place* at) {
  char expected[VS_RESULTS_WHY / 2];
  size_t length = (size_t)snprintf(expected, sizeof expected, "one of");
  if (json_is_string(value) && is_one_of(json_string_value(value), m->words)) return true;
  for (const char* const* word = m->words; *word != NULL; word++) {
    length += (size_t)snprintf(expected + length, sizeof expected - length, " '%s'", *word);
  }
  return fault(at, m->name, expected);
}

static place within(const place* at, const char* name, size_t index, bool is_index) {
  place inner = {.why = at->why};
  const char* dot = at->path[0] != '\0' ? "." : "";
  if (is_index) {
    snprintf(inner.path, sizeof inner.path, "%.60s%s%.40s[%zu]", at->path, dot, name, index);
  } else {
    snprintf(inner.path, sizeof inner.path, "%.80s%s%.40s", at->path, dot, name);
  }
  return inner;
}

static bool is_list(const json_t* value, const member* m, const place* at) {
  if (!json_is_array(value)) return fault(at, m->name, "a list");
  size_t i;
  const json_t* element;
  json_array_foreach(value, i, element) {
    place inner = within(at, m->name, i, true);
    if (m->shape == NULL && !json_is_string(element)) return fault(&inner, "", "a text");
    if (m->shape != NULL && !has_shape(element, m->shape, &inner)) return false;
  }
  return true;
}

static bool is_object(const json_t* value, const member* m, const place* at) {
  place inner = within(at, m->name, 0, false);
  return has_shape(value, m->shape, &inner);
}

static bool is_number(const json_t* value, const member* m, const place* at) {
  bool good = json_is_integer(value) && json_integer_value(value) >= 0;
  return good || fault(at, m->name, "a whole number, not below 0");
}

static bool is_of_sort(const json_t* value, const member* m, const place* at) {
  switch (m->sort) {
    case TEXT:
      return json_is_string(value) || fault(at, m->name, "a text");
    case WORD:
      return is_word(value, m, at);
    case DIGITS:
      return (json_is_string(value) && is_digits(json_string_value(value))) ||
             fault(at, m->name, "a number of 64 bits as a text");
    case SHARD:
      return is_shard(value) || fault(at, m->name, "'I/N', I from 1 to N, N not above 100000");
    case SECONDS:
      return (json_is_number(value) && json_number_value(value) >= 0) ||
             fault(at, m->name, "a number, not below 0");
    case NUMBER:
      return is_number(value, m, at);
    case BOOLEAN:
      return json_is_boolean(value) || fault(at, m->name, "true or false");
    case LIST:
      return is_list(value, m, at);
    case OBJECT:
      return is_object(value, m, at);
    default:
      return json_is_object(value) || fault(at, m->name, "an object");
  }
}

static bool has_shape(const json_t* object, const member* shape, const place* at) {
  if (!json_is_object(object)) return fault(at, "", "an object");
  for (const member* m = shape; m->name != NULL; m++) {
    const json_t* value = json_object_get(object, m->name);
    if (value == NULL && m->may_be_absent) continue;
    if (value == NULL) return fault(at, m->name, "this member, and it is absent");
    if (json_is_null(value) && m->may_be_null) continue;
    if (!is_of_sort(value, m, at)) return false;
  }
  return true;
}

// --- what is between members --------------------------------------------------------------------

static bool says_words(const json_t* says, const place* at) {
  const char* id;
  const json_t* word;
  member m = {.sort = WORD, .words = sayings};
  json_object_foreach((json_t*)says, id, word) {
    m.name = id;
    if (!is_word(word, &m, at)) return false;
  }
  return true;
}

static bool is_sound_result(const json_t* result, size_t backends, const place* at) {
  place says = within(at, "says", 0, false);
  size_t backend = (size_t)json_integer_value(json_object_get(result, "backend"));
  vs_verdict verdict = vs_results_verdict(vs_results_text(result, "verdict"));
  bool failure = json_is_object(json_object_get(result, "failure"));
  if (backend >= backends) return fault(at, "backend", "the number of one of the backends");
  if (failure != vs_verdict_is_failure(verdict))
    return fault(at, "failure", "it where the verdict is fail or flaky, and null elsewhere");
  return says_words(json_object_get(result, "says"), &says);
}

static bool count_is(const json_t* results, const char* name, size_t real, const place* at) {
  char expected[64];
  if (vs_results_count(results, name) == real) return true;
  snprintf(expected, sizeof expected, "%zu, as the results are", real);
  return fault(at, name, expected);
}

// Each case once on each backend, or something was lost or is there twice.
static bool is_not_twice(json_t* seen, const json_t* result, const place* at) {
  char column[32];
  json_int_t backend = json_integer_value(json_object_get(result, "backend"));
  snprintf(column, sizeof column, "%" JSON_INTEGER_FORMAT, backend);
  json_t* cases = json_object_get(seen, column);
  if (cases == NULL) {
    cases = json_object();
    if (json_object_set_new(seen, column, cases) != 0) return fault(at, "", "more memory");
  }
  const char* id = vs_results_text(result, "case");
  if (json_object_get(cases, id) != NULL)
    return fault(at, "case", "each case once on each backend");
  return json_object_set_new(cases, id, json_true()) == 0 || fault(at, "", "more memory");
}

static bool is_sound(const json_t* results, json_t* seen, const place* at) {
  const json_t* all = json_object_get(results, "results");
  size_t backends = json_array_size(json_object_get(results, "backends"));
  size_t judged = 0;
  size_t i;
  const json_t* result;
  json_array_foreach(all, i, result) {
    place inner = within(at, "results", i, true);
    if (!is_sound_result(result, backends, &inner)) return false;
    if (!is_not_twice(seen, result, &inner)) return false;
    judged += vs_results_is_judged(vs_results_verdict(vs_results_text(result, "verdict")));
  }
  place counts = within(at, "counts", 0, false);
  return count_is(results, "expected", json_array_size(all), &counts) &&
         count_is(results, "judged", judged, &counts) &&
         count_is(results, "not_judged", json_array_size(all) - judged, &counts);
}

static bool has_format(const json_t* results, const place* at) {
  const char* format = vs_results_text(results, "format");
  const json_t* version = json_object_get(results, "version");
  if (format == NULL || strcmp(format, VS_RESULTS_FORMAT) != 0)
    return fault(at, "format", "'" VS_RESULTS_FORMAT "': these are no results of vcpuspec run");
  if (json_is_integer(version) && json_integer_value(version) == VS_RESULTS_VERSION) return true;
  return fault(at, "version", "1, the only one that this program understands");
}

bool vs_results_validate(const json_t* results, char why[VS_RESULTS_WHY]) {
  place at = {.why = why};
  if (!has_format(results, &at) || !has_shape(results, results_shape, &at)) return false;
  json_t* seen = json_object();
  bool good = seen != NULL ? is_sound(results, seen, &at) : fault(&at, "", "more memory");
  json_decref(seen);
  return good;
}

bool vs_results_validate_one(const json_t* result, size_t backends, char why[VS_RESULTS_WHY]) {
  place at = {.why = why};
  return has_shape(result, result_shape, &at) && is_sound_result(result, backends, &at);
}

// --- files ------------------------------------------------------------------------------------

static json_t* parse(const char* name, const vs_file* file, char why[VS_RESULTS_WHY]) {
  json_error_t error;
  char reason[VS_RESULTS_WHY];
  json_t* results = json_loadb(file->text, file->length, JSON_REJECT_DUPLICATES, &error);
  if (results == NULL) {
    snprintf(why, VS_RESULTS_WHY, "%.200s:%d:%d: %s: it is no whole JSON text", name, error.line,
             error.column, error.text);
    return NULL;
  }
  if (vs_results_validate(results, reason)) return results;
  snprintf(why, VS_RESULTS_WHY, "%.200s: at %.300s", name, reason);
  json_decref(results);
  return NULL;
}

json_t* vs_results_read(const char* path, char why[VS_RESULTS_WHY]) {
  vs_file file;
  char reason[VS_FILE_WHY];
  if (!vs_file_read(path, &file, reason)) {
    snprintf(why, VS_RESULTS_WHY, "%s", reason);
    return NULL;
  }
  json_t* results = parse(strcmp(path, "-") == 0 ? "standard input" : path, &file, why);
  vs_file_free(&file);
  return results;
}
