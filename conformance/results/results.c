// SPDX-License-Identifier: BSD-3-Clause
#include "results.h"

#include <stdlib.h>
#include <string.h>

#include "exit.h"
#include "text/file.h"

const char* const vs_results_words[VS_VERDICT_COUNT] = {
    [VS_VERDICT_NOT_JUDGED] = "not judged",
    [VS_VERDICT_PASS] = "pass",
    [VS_VERDICT_PERMITTED] = "permitted",
    [VS_VERDICT_FAIL] = "fail",
    [VS_VERDICT_UNSUPPORTED] = "unsupported",
    [VS_VERDICT_BROKEN] = "broken",
    [VS_VERDICT_CUT_SHORT] = "cut short",
    [VS_VERDICT_FLAKY] = "flaky",
    [VS_VERDICT_KNOWN] = "known",
    [VS_VERDICT_DISPUTED] = "disputed",
};

const char* const vs_expect_problems[VS_PROBLEM_COUNT] = {
    [VS_PROBLEM_NONE] = "none",
    [VS_PROBLEM_NAMES_NOTHING] = "names nothing",
    [VS_PROBLEM_EXPIRED] = "expired",
    [VS_PROBLEM_TOO_BROAD] = "too broad",
    [VS_PROBLEM_DIFFERENT] = "different",
    [VS_PROBLEM_PASSES] = "passes",
    [VS_PROBLEM_NOT_JUDGED] = "not judged",
};

// --- the form -----------------------------------------------------------------------------------

const char* const vs_target_states[] = {
    [VS_TARGET_READY] = "ready", [VS_TARGET_ABSENT] = "absent", [VS_TARGET_BROKEN] = "broken"};
const char* const vs_expected_states[] = {[VS_EXPECTED_KNOWN] = "known",
                                          [VS_EXPECTED_DIFFERENT] = "different",
                                          [VS_EXPECTED_DISPUTED] = "disputed"};

enum {
  MADE_UP = 1 << VS_VERDICT_KNOWN | 1 << VS_VERDICT_DISPUTED,  // by reports
  EVERY = (1 << VS_VERDICT_COUNT) - 1 - MADE_UP,
  VERDICTS = EVERY - (1 << VS_VERDICT_CUT_SHORT),
  SAYINGS = EVERY - (1 << VS_VERDICT_NOT_JUDGED)
};

#define OF(object) .shape = vs_form_##object, .size = sizeof(vs_##object)
#define VS_OBJECT(object) const vs_field vs_form_##object[] = {
#define VS_AS(object, type, member, label, form, when, ...) \
  {.name = (label),                                         \
   .sort = VS_SORT_##form,                                  \
   .need = VS_NEED_##when,                                  \
   .offset = offsetof(vs_##object, member),                 \
   ##__VA_ARGS__},
#define VS_ROW(object, type, member, ...) VS_AS(object, type, member, #member, __VA_ARGS__)
#define VS_ALSO(type, member)
#define VS_END(object) \
  { .name = NULL }     \
  }                    \
  ;
#include "common/refuse.h"
#include "results.def"

// --- what is between members --------------------------------------------------------------------

bool vs_result_is_sound(const vs_result* result, size_t backends, vs_why* why) {
  const char* fault = NULL;
  for (size_t i = 0; i < result->says.count; i++) {
    const bool fails = vs_verdict_is_failure(result->says.at[i].verdict);
    if (fails && !vs_verdict_is_failure(result->verdict))
      fault = "says: a clause fails, and the case does not";
  }
  if ((result->failure != NULL) != vs_verdict_is_failure(result->verdict))
    fault = "failure: expected it where the verdict is fail or flaky, and null elsewhere";
  if (result->backend >= backends) fault = "backend: expected the number of one of the backends";
  if (fault != NULL) vs_refuse(why, "%s", fault);
  return fault == NULL;
}

static bool count_is(const char* name, size_t count, size_t real, vs_why* why) {
  if (count == real) return true;
  return vs_refuse(why, "counts.%s: expected %zu, as the results are", name, real);
}

// What did not conform is there.
static bool ends_as_it_says(const vs_results* results, vs_why* why) {
  bool fails = results->end.status != VS_EXIT_FAILS;
  for (size_t i = 0; i < results->results.count && !fails; i++)
    fails = vs_verdict_is_failure(results->results.at[i].verdict);
  for (size_t i = 0; i < results->backends.count && !fails; i++)
    fails = results->backends.at[i].ended_between > 0;
  return fails || vs_refuse(why, "exit.status: it is %d, and nothing here fails", VS_EXIT_FAILS);
}

// Each case once on each backend, or something was lost or is there twice.
static bool are_sound(const vs_results* results, vs_store* store, vs_index* seen, vs_why* why) {
  size_t judged = 0;
  size_t count = results->results.count;
  for (size_t i = 0; i < count; i++) {
    vs_why fault;
    size_t number;
    const vs_result* one = &results->results.at[i];
    bool good = vs_result_is_sound(one, results->backends.count, &fault);
    if (good && !vs_index_add(seen, vs_said(store, "%zu %s", one->backend, one->id), &number)) {
      good = vs_refuse(&fault, "case: expected each case once on each backend");
    }
    if (!good) return vs_refuse(why, "results[%zu].%.300s", i, fault.text);
    judged += vs_verdict_is_judged(one->verdict);
  }
  return count_is("expected", results->counts.expected, count, why) &&
         count_is("judged", results->counts.judged, judged, why) &&
         count_is("not_judged", results->counts.not_judged, count - judged, why);
}

bool vs_results_are_sound(const vs_results* results, vs_why* why) {
  vs_store store = {0};
  vs_index seen = {0};
  bool good = are_sound(results, &store, &seen, why) && ends_as_it_says(results, why);
  vs_index_free(&seen);
  vs_store_free(&store);
  return good;
}

// --- files --------------------------------------------------------------------------------------

static bool has_format(const json_t* form, vs_why* why) {
  const char* format = json_string_value(json_object_get(form, "format"));
  const json_t* version = json_object_get(form, "version");
  if (format == NULL || strcmp(format, VS_RESULTS_FORMAT) != 0)
    return vs_refuse(why, "format: expected '%s': these are no results of vcpuspec run",
                     VS_RESULTS_FORMAT);
  if (json_is_integer(version) && json_integer_value(version) == VS_RESULTS_VERSION) return true;
  return vs_refuse(why, "version: expected 1, the only one that this program understands");
}

static vs_results* understand(const json_t* form, vs_why* why) {
  vs_store store = {0};
  vs_results* results = vs_take(&store, sizeof *results);
  bool good = has_format(form, why) && vs_form_read(&store, vs_form_results, form, results, why) &&
              vs_results_are_sound(results, why);
  results->store = store;
  if (good) return results;
  vs_results_free(results);
  return NULL;
}

vs_results* vs_results_parse(const char* name, const char* text, size_t length, vs_why* why) {
  json_error_t error;
  vs_why reason;
  json_t* form = json_loadb(text, length, JSON_REJECT_DUPLICATES, &error);
  if (form == NULL) {
    vs_refuse(why, "%.200s:%d:%d: %s: it is no whole JSON text", name, error.line, error.column,
              error.text);
    return NULL;
  }
  vs_results* results = understand(form, &reason);
  if (results == NULL) vs_refuse(why, "%.200s: at %.300s", name, reason.text);
  json_decref(form);
  return results;
}

vs_results* vs_results_read(const char* path, vs_why* why) {
  vs_file file;
  vs_why reason;
  if (!vs_file_read(path, &file, &reason)) {
    vs_refuse(why, "%s", reason.text);
    return NULL;
  }
  const char* name = strcmp(path, "-") == 0 ? "standard input" : path;
  vs_results* results = vs_results_parse(name, file.text, file.length, why);
  vs_file_free(&file);
  return results;
}

void vs_results_free(vs_results* results) {
  vs_store all = results != NULL ? results->store : (vs_store){0};
  vs_store_free(&all);  // and with it the results
}

// --- one result ---------------------------------------------------------------------------------

bool vs_is_same_text(const char* a, const char* b) {
  return a == NULL || b == NULL ? a == b : strcmp(a, b) == 0;
}

bool vs_verdict_is_judged(vs_verdict verdict) {
  return verdict == VS_VERDICT_PASS || verdict == VS_VERDICT_PERMITTED ||
         vs_verdict_is_failure(verdict);
}

vs_verdict vs_result_shown_as(const vs_result* result, vs_verdict verdict) {
  const vs_expected* e = result->expectation;
  bool expected = e != NULL && e->state != VS_EXPECTED_DIFFERENT;
  if (!expected || !vs_verdict_is_failure(verdict)) return verdict;
  return e->state == VS_EXPECTED_KNOWN ? VS_VERDICT_KNOWN : VS_VERDICT_DISPUTED;
}

vs_verdict vs_result_shown(const vs_result* result) {
  return vs_result_shown_as(result, result->verdict);
}

vs_verdict vs_result_says_of(const vs_result* result, const char* clause) {
  for (size_t i = 0; i < result->says.count; i++) {
    if (strcmp(result->says.at[i].clause, clause) == 0) return result->says.at[i].verdict;
  }
  return VS_VERDICT_NOT_JUDGED;
}

size_t vs_results_reached(const vs_results* results, size_t column) {
  vs_index seen = {0};
  size_t number;
  for (size_t i = 0; i < results->results.count; i++) {
    const vs_result* one = &results->results.at[i];
    for (size_t k = 0; one->backend == column && k < one->reached.count; k++) {
      (void)vs_index_add(&seen, one->reached.at[k], &number);
    }
  }
  number = seen.count;
  vs_index_free(&seen);
  return number;
}

size_t vs_failure_ways(const vs_failure_told* failure) {
  return 1 + failure->others.count;
}

vs_way vs_failure_way(const vs_failure_told* failure, size_t i) {
  return i == 0 ? (vs_way){failure->clause, failure->key, failure->touched}
                : failure->others.at[i - 1];
}

void vs_way_answer(vs_way way, const char* touched, char text[VS_ANSWER_TEXT]) {
  const char* key = way.key != NULL ? way.key : "";
  const int name = (int)strcspn(key, " ");
  snprintf(text, VS_ANSWER_TEXT, "%.*s%s%s", name, key, touched != NULL ? touched : "", key + name);
}

static bool is_flags(const char* key) {
  static const vs_arch archs[] = {VS_ARCH_X64, VS_ARCH_ARM64};
  for (size_t i = 0; i < 2; i++) {
    const vs_arch_info* info = vs_arch_find(archs[i]);
    const char* name = info->registers[info->flags].name;
    if (strncmp(key, name, strlen(name)) == 0) return true;
  }
  return false;
}

const char* vs_way_touched(vs_way way, char text[VS_TOUCHED_TEXT]) {
  vs_touched touched;
  const bool bits = way.touched != NULL && way.touched[0] == '[' && !is_flags(way.key);
  if (!bits || !vs_touched_read(way.touched, &touched)) return way.touched;
  vs_text out = vs_text_in(text, VS_TOUCHED_TEXT);
  if (touched.mask == 0) return way.touched;
  vs_touched_say(&out, VS_VIOLATION_REGISTER, vs_touched_in_bytes(touched));
  return text;
}

bool vs_way_is_within(vs_way way, vs_way other) {
  char text[VS_TOUCHED_TEXT];
  vs_touched part;
  vs_touched whole;
  const char* others = vs_way_touched(other, text);
  if (way.touched == NULL || others == NULL) return true;
  return !vs_touched_read(way.touched, &part) || !vs_touched_read(others, &whole) ||
         vs_touched_is_within(part, whole);
}

bool vs_way_is_same(vs_way a, vs_way b) {
  return vs_is_same_text(a.key, b.key) && vs_is_same_text(a.clause, b.clause);
}

bool vs_failure_is_same(const vs_failure_told* a, const vs_failure_told* b) {
  bool same = vs_failure_ways(a) == vs_failure_ways(b);
  for (size_t i = 0; same && i < vs_failure_ways(a); i++) {
    same = vs_way_is_same(vs_failure_way(a, i), vs_failure_way(b, i));
  }
  return same;
}
