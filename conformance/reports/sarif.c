// SPDX-License-Identifier: BSD-3-Clause
// SARIF 2.1.0: a rule for each clause, a result for each failure, a notification for each reason
// why something was not judged. conformance/tests/sarif.schema.json is what it promises.
#include <inttypes.h>
#include <string.h>

#include "common/digest.h"
#include "render.h"

#define OTHER_RULE "vcpuspec.failure"
#define SCHEMA \
  "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"

// Members as they are in results, unless they are null or absent.
static void copy(json_t* to, const vs_field* shape, const void* from, const char* const* names) {
  for (; *names != NULL; names++) {
    json_t* value = vs_form_member(shape, from, *names);
    if (value != NULL) vs_form_set(to, *names, value);
  }
}

static json_t* message(const char* text) {
  return json_pack("{s:s}", "text", text);
}

// --- rules --------------------------------------------------------------------------------------

static json_t* rule(const char* id, const char* sentence, const char* section, const char* help) {
  return json_pack("{s:s, s:s, s:{s:s}, s:{s:s}, s:{s:s}, s:{s:s}, s:{s:[s, s], s:s}}",  //
                   "id", id, "name", id, "shortDescription", "text", sentence,           //
                   "fullDescription", "text", sentence, "help", "text", help,            //
                   "defaultConfiguration", "level", "error",                             //
                   "properties", "tags", "conformance", section, "section", section);
}

static json_t* rules_of(vs_view* v, bool has_other) {
  json_t* all = json_array();
  for (size_t i = 0; i < v->results->clauses.count; i++) {
    const vs_clause_row* c = &v->results->clauses.at[i];
    const char* help =
        vs_said(&v->store,
                "%s%s%s\n\nvcpuspec explain %s: what it asks, and which cases judge it.\n"
                "vcpuspec run --filter %s: judges it alone.",
                c->sentence, vs_or_empty(c->status)[0] ? "\n\nStatus: " : "",
                vs_or_empty(c->status), c->id, c->id);
    vs_form_add(all, rule(c->id, c->sentence, c->section, help));
  }
  if (has_other) {
    vs_form_add(
        all,
        rule(OTHER_RULE, "An implementation answers each call, and as the page allows.", "derived",
             "The backend ended, of which no clause speaks, or the case names no clause: its "
             "result says what was allowed, and what came."));
  }
  return all;
}

// The number of clauses: it is none of them.
static size_t rule_index(const vs_view* v, const char* id) {
  size_t i = 0;
  while (i < v->results->clauses.count && strcmp(v->results->clauses.at[i].id, id) != 0) i++;
  return i;
}

// --- where --------------------------------------------------------------------------------------

// Everything that a URI does not hold as it is becomes "%20".
static const char* uri_of(vs_store* store, const char* path) {
  static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~/";
  char* uri = vs_take(store, 3 * strlen(path) + 1);
  for (char* at = uri; *path != '\0'; at += strlen(at), path++) {
    sprintf(at, strchr(plain, *path) != NULL ? "%c" : "%%%02X", (unsigned char)*path);
  }
  return uri;
}

// Of a case of the suites its script in the tree; of "my.vcpu#2" the file.
static const char* path_of(vs_store* store, const char* id) {
  const char* suite = vs_suite_of(store, id);
  const char* mark = strrchr(id, '#');
  if (suite != NULL)
    return vs_said(store, "conformance/scripts/%s/%s.vcpu", suite, strchr(id, '.') + 1);
  bool numbered = mark != NULL && mark[1] != '\0' && mark[1 + strspn(mark + 1, "0123456789")] == 0;
  return numbered ? vs_said(store, "%.*s", (int)(mark - id), id) : id;
}

static json_t* artifact_of(vs_store* store, const char* id) {
  const char* path = path_of(store, id);
  const char* uri = uri_of(store, strncmp(path, "./", 2) == 0 ? path + 2 : path);
  if (path[0] == '/') return json_pack("{s:o}", "uri", json_sprintf("file://%s", uri));
  return json_pack("{s:s, s:s}", "uri", uri, "uriBaseId", "%SRCROOT%");
}

static json_t* locations_of(vs_view* v, const vs_result* result) {
  json_t* place = json_pack("{s:o, s:{s:i}}", "artifactLocation",
                            artifact_of(&v->store, result->id), "region", "startLine", 1);
  json_t* logical =
      json_pack("{s:s, s:s}", "name", vs_backend_of(v, result)->name, "kind", "module");
  return json_pack("[{s:o, s:[o]}]", "physicalLocation", place, "logicalLocations", logical);
}

// --- results ------------------------------------------------------------------------------------

// Of what stays the same while the seed, and with it the values of registers, changes.
static json_t* fingerprints_of(const vs_view* v, const vs_result* result) {
  const vs_column* backend = vs_backend_of(v, result);
  const char* parts[] = {backend->name, backend->profile, result->id, vs_clause_of(result)};
  uint64_t value = VS_DIGEST64;
  for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
    value = vs_digest64(value, parts[i], strlen(parts[i]) + 1);  // the end is part of it
  }
  return json_pack("{s:o, s:o}", "vcpuspec/v1", json_sprintf("%016" PRIx64, value),
                   "primaryLocationLineHash", json_sprintf("%016" PRIx64 ":1", value));
}

static json_t* message_of(vs_view* v, const vs_result* result) {
  const vs_column* backend = vs_backend_of(v, result);
  const vs_failure_told* failure = result->failure;
  bool differs = failure->allowed[0] != '\0';
  return message(vs_said(&v->store, "%s on %s (profile %s): %s%s%s%s%s%s", result->id,
                         backend->name, backend->profile, differs ? "allowed " : "",
                         failure->allowed, differs ? ", got " : "", failure->got,
                         result->note[0] ? "; " : "", result->note));
}

static json_t* properties_of(const vs_view* v, const vs_result* result) {
  static const char* const of_result[] = {"title",   "verdict",     "note",
                                          "command", "expectation", NULL};
  static const char* const of_failure[] = {"sentence", "op",      "allowed", "got",
                                           "ops",      "remarks", NULL};
  const vs_column* backend = vs_backend_of(v, result);
  json_t* all = json_pack("{s:s, s:s, s:s}", "case", result->id, "backend", backend->name,
                          "profile", backend->profile);
  copy(all, vs_form_result, result, of_result);
  copy(all, vs_form_failure_told, result->failure, of_failure);
  return all;
}

static json_t* result_of(vs_view* v, const vs_result* result, bool* has_other) {
  vs_verdict shown = vs_result_shown(result);
  size_t index = rule_index(v, vs_clause_of(result));
  bool known = index < v->results->clauses.count;
  *has_other |= !known;
  json_t* one = json_pack("{s:s, s:I, s:s, s:s, s:o, s:o, s:o}", "ruleId",
                          known ? vs_clause_of(result) : OTHER_RULE, "ruleIndex", (json_int_t)index,
                          "kind", "fail", "level", shown == VS_VERDICT_DISPUTED ? "note" : "error",
                          "message", message_of(v, result), "locations", locations_of(v, result),
                          "partialFingerprints", fingerprints_of(v, result));
  if (shown == VS_VERDICT_KNOWN) {
    vs_form_set(one, "suppressions",
                json_pack("[{s:s, s:s, s:s}]", "kind", "external", "status", "accepted",
                          "justification", vs_excuse(v, result)));
  }
  vs_form_set(one, "properties", properties_of(v, result));
  return one;
}

static json_t* results_of(vs_view* v, bool* has_other) {
  json_t* all = json_array();
  for (size_t i = 0; i < v->results->results.count; i++) {
    const vs_result* one = &v->results->results.at[i];
    if (one->failure != NULL) vs_form_add(all, result_of(v, one, has_other));
  }
  return all;
}

// --- how the run went ---------------------------------------------------------------------------

static json_t* notification(const char* level, const char* text) {
  return json_pack("{s:s, s:o}", "level", level, "message", message(text));
}

static json_t* notification_of(vs_view* v, const vs_reason* reason) {
  static const vs_field cases[] = {
      {.name = "cases", .sort = VS_SORT_LIST, .offset = offsetof(vs_reason, cases)},
      {.name = NULL}};
  size_t count = reason->cases.count;
  const char* text =
      vs_said(&v->store, "%s: %zu case%s %s: %s", v->results->backends.at[reason->backend].name,
              count, count == 1 ? "" : "s", vs_results_words[reason->verdict], reason->note);
  json_t* one = notification(reason->verdict == VS_VERDICT_BROKEN ? "error" : "warning", text);
  vs_form_set(one, "properties", vs_form_write(cases, reason));
  return one;
}

static json_t* notifications_of(vs_view* v) {
  json_t* all = json_array();
  for (size_t i = 0; i < v->problems.count; i++) {
    const vs_problem* p = &v->problems.at[i];
    vs_form_add(all,
                notification("error", vs_said(&v->store, "%s: %s: %s", p->kind, p->name, p->text)));
  }
  for (size_t i = 0; i < v->reasons.count; i++) {
    vs_form_add(all, notification_of(v, &v->reasons.at[i]));
  }
  return all;
}

// Expectations that are stale, or failures, are what a run is for: 0, 1 and 4 are its success.
static json_t* invocation_of(vs_view* v) {
  const vs_results* all = v->results;
  size_t status = all->end.status;
  bool good = !all->interrupted && (status == 0 || status == 1 || status == 4);
  return json_pack("{s:b, s:I, s:s, s:s, s:o}", "executionSuccessful", good, "exitCode",
                   (json_int_t)status, "exitCodeDescription", all->end.why, "startTimeUtc",
                   all->started, "toolExecutionNotifications", notifications_of(v));
}

// "0.1.0" of "vcpuspec 0.1.0".
static const char* version_of(const char* program) {
  const char* blank = strrchr(program, ' ');
  return blank != NULL ? blank + 1 : program;
}

void vs_render_sarif(FILE* out, vs_view* view) {
  static const char* const members[] = {"seed", "shard", "counts", "filters", "interrupted", NULL};
  bool has_other = false;
  json_t* results = results_of(view, &has_other);
  json_t* properties = json_object();
  copy(properties, vs_form_results, view->results, members);
  json_t* run =
      json_pack("{s:{s:{s:s, s:s, s:o}}, s:[o], s:s, s:o, s:o}", "tool", "driver", "name",
                "vcpuspec", "version", version_of(view->results->program), "rules",
                rules_of(view, has_other), "invocations", invocation_of(view), "columnKind",
                "unicodeCodePoints", "results", results, "properties", properties);
  vs_put_json(out,
              json_pack("{s:s, s:s, s:[o]}", "$schema", SCHEMA, "version", "2.1.0", "runs", run),
              JSON_INDENT(1));
}
