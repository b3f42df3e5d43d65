// SPDX-License-Identifier: BSD-3-Clause
#include "view.h"

#include <stdio.h>
#include <string.h>

#include "escape.h"

// --- members ----------------------------------------------------------------------------------

const char* vs_str(const json_t* object, const char* name) {
  const char* text = vs_results_text(object, name);
  return text != NULL ? text : "";
}

bool vs_is(const json_t* object, const char* name, const char* value) {
  return strcmp(vs_str(object, name), value) == 0;
}

size_t vs_num(const json_t* object, const char* name) {
  json_int_t value = json_integer_value(json_object_get(object, name));
  return value > 0 ? (size_t)value : 0;
}

const json_t* vs_backend_of(const json_t* results, const json_t* result) {
  return json_array_get(json_object_get(results, "backends"), vs_num(result, "backend"));
}

const char* vs_backend_name(const json_t* results, const json_t* result) {
  return vs_str(vs_backend_of(results, result), "name");
}

// --- one result -------------------------------------------------------------------------------

bool vs_is_failure(const json_t* result) {
  return vs_is(result, "verdict", "fail") || vs_is(result, "verdict", "flaky");
}

const char* vs_clause_of(const json_t* result) {
  const char* broken = vs_str(json_object_get(result, "failure"), "clause");
  const char* subject = json_string_value(json_array_get(json_object_get(result, "clauses"), 0));
  if (broken[0] != '\0' || subject == NULL) return broken;
  return subject;
}

static const json_t* clause_row(const json_t* results, const char* id) {
  size_t i = 0;
  json_t* clause = NULL;
  json_array_foreach(json_object_get(results, "clauses"), i, clause) {
    if (vs_is(clause, "id", id)) return clause;
  }
  return NULL;
}

const char* vs_sentence_of(const json_t* results, const json_t* result) {
  const char* own = vs_str(json_object_get(result, "failure"), "sentence");
  return own[0] != '\0' ? own : vs_str(clause_row(results, vs_clause_of(result)), "sentence");
}

bool vs_suite_of(const char* id, char* suite, size_t size) {
  static const char plain[] = "abcdefghijklmnopqrstuvwxyz0123456789_";
  size_t first = strspn(id, plain);
  size_t second = id[first] == '.' ? strspn(id + first + 1, plain) : 0;
  bool whole = second > 0 && id[first + 1 + second] == '\0' && first > 0 && first < size;
  if (!whole || strcmp(id + first, ".vcpu") == 0) return false;
  snprintf(suite, size, "%.*s", (int)first, id);
  return true;
}

void vs_trim(char* text) {
  size_t bytes = 0;
  for (; *text != '\0'; text += bytes) {
    bool partial = vs_rune(text, &bytes) == 0xfffd && bytes == 1 && strlen(text) < 4;
    if (partial) *text = '\0';
    if (partial) return;
  }
}

void vs_excuse(const json_t* result, char* text, size_t size) {
  const json_t* e = json_object_get(result, "expectation");
  const char* reason = vs_str(e, "reason");
  const char* link = vs_str(e, "link");
  text[0] = '\0';
  if (!json_is_object(e)) return;
  snprintf(text, size, "%s%s%s%s%s%s", vs_str(e, "state"), reason[0] ? ": " : "", reason,
           link[0] ? " (" : "", link, link[0] ? ")" : "");
  vs_trim(text);
}

// --- sums -------------------------------------------------------------------------------------

static void count_in(vs_tally* tally, const json_t* result) {
  vs_verdict shown = vs_results_shown(result);
  bool known = shown == VS_VERDICT_KNOWN || shown == VS_VERDICT_DISPUTED;
  bool judged = known || vs_results_is_judged(shown);
  tally->all++;
  tally->of[shown]++;
  tally->failed += vs_verdict_is_failure(shown);
  tally->judged += judged;
  tally->skipped += known || shown == VS_VERDICT_UNSUPPORTED || shown == VS_VERDICT_NOT_JUDGED;
  tally->seconds += json_number_value(json_object_get(result, "seconds"));
}

vs_tally vs_tally_of(const json_t* results, int backend) {
  vs_tally tally = {0};
  size_t i = 0;
  json_t* result = NULL;
  json_array_foreach(json_object_get(results, "results"), i, result) {
    bool counts = backend < 0 || vs_num(result, "backend") == (size_t)backend;
    if (counts) count_in(&tally, result);
  }
  return tally;
}

const char* vs_headline(const json_t* results) {
  vs_tally tally = vs_tally_of(results, VS_ALL_BACKENDS);
  size_t excused = tally.of[VS_VERDICT_KNOWN] + tally.of[VS_VERDICT_DISPUTED];
  if (json_is_true(json_object_get(results, "interrupted"))) return "stopped before its end";
  if (tally.failed > 0) return "does not conform";
  if (tally.judged == 0) return "nothing was judged";
  if (vs_num(json_object_get(results, "exit"), "status") != 0) return "not all is well";
  return excused > 0 ? "fails only as expected" : "conforms";
}

// --- why not ----------------------------------------------------------------------------------

static bool has_reason(vs_verdict shown) {
  return shown == VS_VERDICT_UNSUPPORTED || shown == VS_VERDICT_NOT_JUDGED ||
         shown == VS_VERDICT_BROKEN;
}

static json_t* new_reason(const json_t* result) {
  return json_pack("{s:O, s:O, s:O, s:[]}", "backend", json_object_get(result, "backend"),
                   "verdict", json_object_get(result, "verdict"), "note",
                   json_object_get(result, "note"), "cases");
}

// The group of the result's like, made if it is the first.
static json_t* reason_of(json_t* groups, const json_t* result) {
  json_t* by_verdict = NULL;
  char key[48];
  snprintf(key, sizeof key, "%zu %s", vs_num(result, "backend"), vs_str(result, "verdict"));
  by_verdict = json_object_get(groups, key);
  if (by_verdict == NULL) {
    if (json_object_set_new(groups, key, json_object()) != 0) return NULL;
    by_verdict = json_object_get(groups, key);
  }
  const char* note = vs_str(result, "note");
  if (json_object_get(by_verdict, note) == NULL) {
    if (json_object_set_new(by_verdict, note, new_reason(result)) != 0) return NULL;
  }
  return json_object_get(by_verdict, note);
}

static json_t* flattened(json_t* groups) {
  json_t* all = json_array();
  const char* key = NULL;
  json_t* by_verdict = NULL;
  bool good = all != NULL;
  json_object_foreach(groups, key, by_verdict) {
    const char* note = NULL;
    json_t* reason = NULL;
    json_object_foreach(by_verdict, note, reason) {
      good = good && json_array_append(all, reason) == 0;
    }
  }
  if (good) return all;
  json_decref(all);
  return NULL;
}

json_t* vs_reasons_of(const json_t* results) {
  json_t* groups = json_object();
  bool good = groups != NULL;
  size_t i = 0;
  json_t* result = NULL;
  json_array_foreach(json_object_get(results, "results"), i, result) {
    if (!has_reason(vs_results_shown(result))) continue;
    json_t* reason = good ? reason_of(groups, result) : NULL;
    json_t* cases = json_object_get(reason, "cases");
    good = good && json_array_append(cases, json_object_get(result, "case")) == 0;
  }
  json_t* all = good ? flattened(groups) : NULL;
  json_decref(groups);
  return all;
}
