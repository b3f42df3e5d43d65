// SPDX-License-Identifier: BSD-3-Clause
// SARIF 2.1.0: a rule for each clause, a result for each failure, a notification for each reason
// why something was not judged. docs/sarif.subset.schema.json is what it promises.
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "common/digest.h"
#include "escape.h"
#include "problem.h"
#include "render.h"
#include "view.h"

#define OTHER_RULE "vcpuspec.failure"
#define SCHEMA \
  "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"

enum { TEXT = 4096, WORD = 32, SUITE = 64 };

// Jansson frees what it is given also when it has no memory to add it: only `failed` is to be kept.
typedef struct writer {
  const json_t* results;
  bool failed;
  bool has_other;  // a failure names no clause
} writer;

static void put(writer* w, json_t* to, const char* name, json_t* value) {
  w->failed |= json_object_set_new(to, name, value) != 0;
}

static void put_text(writer* w, json_t* to, const char* name, const char* text) {
  put(w, to, name, json_string(text));
}

static void append(writer* w, json_t* to, json_t* value) {
  w->failed |= json_array_append_new(to, value) != 0;
}

static json_t* message(const char* text) {
  return json_pack("{s:s}", "text", text);
}

// --- rules ------------------------------------------------------------------------------------

static json_t* rule(const char* id, const char* sentence, const char* section, const char* help) {
  return json_pack("{s:s, s:s, s:{s:s}, s:{s:s}, s:{s:s}, s:{s:s}, s:{s:[s, s], s:s}}",  //
                   "id", id, "name", id, "shortDescription", "text", sentence,           //
                   "fullDescription", "text", sentence, "help", "text", help,            //
                   "defaultConfiguration", "level", "error",                             //
                   "properties", "tags", "conformance", section, "section", section);
}

static json_t* rule_of_clause(const json_t* clause) {
  char help[TEXT];
  const char* id = vs_str(clause, "id");
  const char* status = vs_str(clause, "status");
  snprintf(help, sizeof help,
           "%s%s%s\n\nvcpuspec explain %s: what it asks, and which cases judge it.\n"
           "vcpuspec run --filter %s: judges it alone.",
           vs_str(clause, "sentence"), status[0] ? "\n\nStatus: " : "", status, id, id);
  vs_trim(help);
  return rule(id, vs_str(clause, "sentence"), vs_str(clause, "section"), help);
}

static json_t* rules_of(writer* w) {
  json_t* all = json_array();
  size_t i = 0;
  json_t* clause = NULL;
  json_array_foreach(json_object_get(w->results, "clauses"), i, clause) {
    append(w, all, rule_of_clause(clause));
  }
  if (w->has_other) {
    append(w, all,
           rule(OTHER_RULE, "An implementation answers each call, and as the page allows.",
                "derived", "The case names no clause: its result says what was allowed."));
  }
  return all;
}

static size_t rule_index(const writer* w, const char* id) {
  const json_t* clauses = json_object_get(w->results, "clauses");
  size_t i = 0;
  json_t* clause = NULL;
  json_array_foreach(clauses, i, clause) {
    if (vs_is(clause, "id", id)) return i;
  }
  return json_array_size(clauses);
}

static bool is_rule(const writer* w, const char* id) {
  return rule_index(w, id) < json_array_size(json_object_get(w->results, "clauses"));
}

// --- where ------------------------------------------------------------------------------------

// Everything that a URI does not hold as it is becomes "%20".
static void say_uri(char* uri, size_t size, const char* path) {
  static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~/";
  size_t length = strlen(uri);
  for (; *path != '\0' && length + 4 < size; path++) {
    bool as_is = strchr(plain, *path) != NULL;
    const char* form = as_is ? "%c" : "%%%02X";
    length += (size_t)snprintf(uri + length, size - length, form, (unsigned char)*path);
  }
}

// Of a case of the suites its script in the tree; of "my.vcpu#2" the file.
static json_t* artifact_of(const char* id) {
  char uri[TEXT] = "";
  char path[TEXT];
  char suite[SUITE];
  if (vs_suite_of(id, suite, sizeof suite)) {
    snprintf(path, sizeof path, "conformance/scripts/%s/%s.vcpu", suite, strchr(id, '.') + 1);
  } else {
    const char* mark = strrchr(id, '#');
    bool numbered =
        mark != NULL && mark[1] != '\0' && mark[1 + strspn(mark + 1, "0123456789")] == 0;
    snprintf(path, sizeof path, "%.*s", (int)(numbered ? (size_t)(mark - id) : strlen(id)), id);
  }
  bool absolute = path[0] == '/';
  if (absolute) snprintf(uri, sizeof uri, "file://");
  say_uri(uri, sizeof uri, strncmp(path, "./", 2) == 0 ? path + 2 : path);
  if (absolute) return json_pack("{s:s}", "uri", uri);
  return json_pack("{s:s, s:s}", "uri", uri, "uriBaseId", "%SRCROOT%");
}

static json_t* locations_of(const writer* w, const json_t* result) {
  const char* id = vs_str(result, "case");
  json_t* place =
      json_pack("{s:o, s:{s:i}}", "artifactLocation", artifact_of(id), "region", "startLine", 1);
  json_t* logical =
      json_pack("{s:s, s:s}", "name", vs_backend_name(w->results, result), "kind", "module");
  return json_pack("[{s:o, s:[o]}]", "physicalLocation", place, "logicalLocations", logical);
}

// --- results ----------------------------------------------------------------------------------

static uint64_t digest(uint64_t so_far, const char* text) {
  return vs_digest64(so_far, text, strlen(text) + 1);  // the end is part of it
}

// Of what stays the same while the seed, and with it the values of registers, changes.
static json_t* fingerprints_of(const writer* w, const json_t* result) {
  char word[WORD];
  char line[WORD];
  const json_t* backend = vs_backend_of(w->results, result);
  uint64_t value = digest(VS_DIGEST64, vs_str(backend, "name"));
  value = digest(value, vs_str(backend, "profile"));
  value = digest(value, vs_str(result, "case"));
  value = digest(value, vs_clause_of(result));
  snprintf(word, sizeof word, "%016" PRIx64, value);
  snprintf(line, sizeof line, "%016" PRIx64 ":1", value);
  return json_pack("{s:s, s:s}", "vcpuspec/v1", word, "primaryLocationLineHash", line);
}

static json_t* message_of(const writer* w, const json_t* result) {
  char text[TEXT];
  const json_t* failure = json_object_get(result, "failure");
  const char* note = vs_str(result, "note");
  bool differs = vs_str(failure, "allowed")[0] != '\0';
  snprintf(text, sizeof text, "%s on %s (profile %s): %s%s%s%s%s%s", vs_str(result, "case"),
           vs_backend_name(w->results, result),
           vs_str(vs_backend_of(w->results, result), "profile"), differs ? "allowed " : "",
           vs_str(failure, "allowed"), differs ? ", got " : "", vs_str(failure, "got"),
           note[0] ? "; " : "", note);
  vs_trim(text);
  return message(text);
}

static json_t* suppressions_of(const json_t* result) {
  char excuse[TEXT];
  vs_excuse(result, excuse, sizeof excuse);
  return json_pack("[{s:s, s:s, s:s}]", "kind", "external", "status", "accepted", "justification",
                   excuse);
}

static void copy(writer* w, json_t* to, const char* name, const json_t* from) {
  json_t* value = json_object_get(from, name);
  if (value != NULL && !json_is_null(value)) put(w, to, name, json_incref(value));
}

static json_t* properties_of(writer* w, const json_t* result) {
  const json_t* failure = json_object_get(result, "failure");
  const json_t* backend = vs_backend_of(w->results, result);
  json_t* all = json_object();
  put_text(w, all, "case", vs_str(result, "case"));
  put_text(w, all, "backend", vs_str(backend, "name"));
  put_text(w, all, "profile", vs_str(backend, "profile"));
  static const char* const of_result[] = {"title", "verdict", "note", "command", "expectation"};
  static const char* const of_failure[] = {"sentence", "op", "allowed", "got", "ops", "remarks"};
  for (size_t i = 0; i < sizeof of_result / sizeof of_result[0]; i++)
    copy(w, all, of_result[i], result);
  for (size_t i = 0; i < sizeof of_failure / sizeof of_failure[0]; i++)
    copy(w, all, of_failure[i], failure);
  return all;
}

static json_t* result_of(writer* w, const json_t* result) {
  vs_verdict shown = vs_results_shown(result);
  const char* clause = vs_clause_of(result);
  bool known = is_rule(w, clause);
  json_t* one = json_object();
  w->has_other |= !known;
  put_text(w, one, "ruleId", known ? clause : OTHER_RULE);
  put(w, one, "ruleIndex", json_integer((json_int_t)rule_index(w, clause)));
  put_text(w, one, "kind", "fail");
  put_text(w, one, "level", shown == VS_VERDICT_DISPUTED ? "note" : "error");
  put(w, one, "message", message_of(w, result));
  put(w, one, "locations", locations_of(w, result));
  put(w, one, "partialFingerprints", fingerprints_of(w, result));
  if (shown == VS_VERDICT_KNOWN) put(w, one, "suppressions", suppressions_of(result));
  put(w, one, "properties", properties_of(w, result));
  return one;
}

static json_t* results_of(writer* w) {
  json_t* all = json_array();
  size_t i = 0;
  json_t* result = NULL;
  json_array_foreach(json_object_get(w->results, "results"), i, result) {
    if (vs_is_failure(result)) append(w, all, result_of(w, result));
  }
  return all;
}

// --- how the run went -------------------------------------------------------------------------

static json_t* notification(const char* level, const char* text) {
  return json_pack("{s:s, s:o}", "level", level, "message", message(text));
}

static void add_problems(writer* w, json_t* to) {
  char text[TEXT];
  vs_problem problem;
  for (size_t i = 0; vs_problem_at(w->results, i, &problem); i++) {
    snprintf(text, sizeof text, "%s: %s: %s", problem.kind, problem.name, problem.text);
    vs_trim(text);
    append(w, to, notification("error", text));
  }
}

static void add_reason(writer* w, json_t* to, const json_t* reason) {
  char text[TEXT];
  json_t* cases = json_object_get(reason, "cases");
  const char* verdict = vs_str(reason, "verdict");
  snprintf(text, sizeof text, "%s: %zu case%s %s: %s", vs_backend_name(w->results, reason),
           json_array_size(cases), json_array_size(cases) == 1 ? "" : "s", verdict,
           vs_str(reason, "note"));
  vs_trim(text);
  json_t* one = notification(strcmp(verdict, "broken") == 0 ? "error" : "warning", text);
  put(w, one, "properties", json_pack("{s:O}", "cases", cases));
  append(w, to, one);
}

static json_t* notifications_of(writer* w) {
  json_t* all = json_array();
  json_t* reasons = vs_reasons_of(w->results);
  size_t i = 0;
  json_t* reason = NULL;
  w->failed |= reasons == NULL;
  add_problems(w, all);
  json_array_foreach(reasons, i, reason) {
    add_reason(w, all, reason);
  }
  json_decref(reasons);
  return all;
}

// Expectations that are stale, or failures, are what a run is for: 0, 1 and 4 are its success.
static bool is_successful(const json_t* results) {
  size_t status = vs_num(json_object_get(results, "exit"), "status");
  bool interrupted = json_is_true(json_object_get(results, "interrupted"));
  return !interrupted && (status == 0 || status == 1 || status == 4);
}

static json_t* invocation_of(writer* w) {
  const json_t* end = json_object_get(w->results, "exit");
  json_t* one = json_object();
  put(w, one, "executionSuccessful", json_boolean(is_successful(w->results)));
  put(w, one, "exitCode", json_integer((json_int_t)vs_num(end, "status")));
  put_text(w, one, "exitCodeDescription", vs_str(end, "why"));
  put_text(w, one, "startTimeUtc", vs_str(w->results, "started"));
  put(w, one, "toolExecutionNotifications", notifications_of(w));
  return one;
}

// "0.1.0" of "vcpuspec 0.1.0".
static const char* version_of(const json_t* results) {
  const char* program = vs_str(results, "program");
  const char* blank = strrchr(program, ' ');
  return blank != NULL ? blank + 1 : program;
}

static json_t* run_of(writer* w) {
  json_t* all = results_of(w);  // first: it finds out which rules there are
  json_t* driver = json_pack("{s:s, s:s, s:o}", "name", "vcpuspec", "version",
                             version_of(w->results), "rules", rules_of(w));
  json_t* run = json_object();
  put(w, run, "tool", json_pack("{s:o}", "driver", driver));
  put(w, run, "invocations", json_pack("[o]", invocation_of(w)));
  put_text(w, run, "columnKind", "unicodeCodePoints");
  put(w, run, "results", all);
  json_t* properties = json_object();
  static const char* const members[] = {"seed", "shard", "counts", "filters", "interrupted"};
  for (size_t i = 0; i < sizeof members / sizeof members[0]; i++)
    copy(w, properties, members[i], w->results);
  put(w, run, "properties", properties);
  return run;
}

bool vs_render_sarif(FILE* out, const json_t* results) {
  writer w = {.results = results};
  json_t* all =
      json_pack("{s:s, s:s, s:[o]}", "$schema", SCHEMA, "version", "2.1.0", "runs", run_of(&w));
  bool good = all != NULL && !w.failed && json_dumpf(all, out, JSON_INDENT(1)) == 0;
  json_decref(all);
  return good && fputc('\n', out) != EOF && fflush(out) == 0 && !ferror(out);
}
