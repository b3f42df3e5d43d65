// SPDX-License-Identifier: BSD-3-Clause
// JUnit's XML, in the dialect that both Ant's and Jenkins' schemas allow: a suite for each backend,
// and one for what is wrong beyond the cases. conformance/tests/junit.xsd is what it promises.
#include "escape.h"
#include "render.h"

#define PUT(...) vs_print(out, VS_DIALECT_XML, __VA_ARGS__)

static void put_line(FILE* out, const char* name, const char* text) {
  if (text != NULL && text[0] != '\0') PUT("%s: %s\n", name, text);
}

// What a failure says to those who read it in a browser of a CI system.
static void put_story(FILE* out, const vs_view* v, const vs_result* result) {
  const vs_failure_told* failure = vs_failure_of(result);
  put_line(out, "title", result->title);
  put_line(out, "clause", vs_clause_of(result));
  put_line(out, "asks", vs_sentence_of(v, result));
  vs_print_each(out, VS_DIALECT_XML, "  %s\n", &failure->ops);
  put_line(out, "allowed", failure->allowed);
  put_line(out, "got", failure->got);
  vs_print_each(out, VS_DIALECT_XML, "%s\n", &failure->remarks);
  put_line(out, "because", result->note);
  put_line(out, "again", result->command);
  put_line(out, "script", result->script);
}

static void put_fault(FILE* out, const char* element, const char* type, const vs_view* v,
                      const vs_result* result) {
  const vs_failure_told* failure = vs_failure_of(result);
  PUT(">\n      <%s", element);
  if (failure->allowed[0] != '\0') {
    PUT(" message=\"allowed %s, got %s\"", failure->allowed, failure->got);
  } else {
    PUT(" message=\"%s\"", result->note);
  }
  PUT(" type=\"%s\">", type);
  put_story(out, v, result);
  PUT("</%s>\n    </testcase>\n", element);
}

static void put_skipped(FILE* out, const char* why, const char* text) {
  const char* between = why[0] != '\0' && text[0] != '\0' ? ": " : "";
  PUT(">\n      <skipped message=\"%s%s%s\"/>\n    </testcase>\n", why, between, text);
}

static void put_outcome(FILE* out, vs_view* v, const vs_result* result) {
  const char* heading = vs_heading_of(&v->store, result);
  switch (vs_result_shown(result)) {
    case VS_VERDICT_FAIL:
    case VS_VERDICT_FLAKY:
      return put_fault(out, "failure", heading[0] != '\0' ? heading : "failure", v, result);
    case VS_VERDICT_BROKEN:
      return put_fault(out, "error", "could not be judged", v, result);
    case VS_VERDICT_KNOWN:
    case VS_VERDICT_DISPUTED:
      return put_skipped(out, "", vs_excuse(v, result));
    case VS_VERDICT_UNSUPPORTED:
    case VS_VERDICT_NOT_JUDGED:
      return put_skipped(out, vs_results_words[result->verdict], result->note);
    default:
      PUT("/>\n");
  }
}

// Of a class "kvm.kinds" for "kinds.single_bits"; of a file, "kvm.scripts".
static void put_testcase(FILE* out, vs_view* v, const vs_result* result) {
  const char* suite = vs_suite_of(&v->store, result->id);
  PUT("    <testcase classname=\"%s.%s\" name=\"%s\" time=\"%.3f\"", vs_backend_of(v, result)->name,
      suite != NULL ? suite : "scripts", result->id, result->seconds);
  put_outcome(out, v, result);
}

static void put_property(FILE* out, const char* name, const char* value) {
  PUT("      <property name=\"%s\" value=\"%s\"/>\n", name, value);
}

// A time is "2026-11-22T19:00:00": the schemas have no place for a zone.
static void put_suite_start(FILE* out, vs_view* v, const char* name, size_t number,
                            const vs_tally* tally) {
  PUT("  <testsuite name=\"%s\" package=\"vcpuspec\" hostname=\"localhost\" timestamp=\"%s\"", name,
      vs_said(&v->store, "%.19s", v->results->started));
  PUT(" id=\"%zu\" tests=\"%zu\" failures=\"%zu\" errors=\"%zu\" skipped=\"%zu\"", number,
      tally->all, tally->failed, tally->of[VS_VERDICT_BROKEN], tally->skipped);
  PUT(" time=\"%.3f\">\n    <properties>\n", tally->seconds);
  put_property(out, "program", v->results->program);
}

static void put_suite_end(FILE* out) {
  PUT("    <system-out></system-out>\n    <system-err></system-err>\n  </testsuite>\n");
}

static void put_causes(FILE* out, vs_view* v, size_t backend) {
  for (size_t i = 0; i < v->causes.count; i++) {
    const vs_cause* cause = &v->causes.at[i];
    const char* says = vs_cause_says(v, cause);
    if (says[0] == '\0' || cause->first->backend != backend) continue;
    PUT("      <property name=\"cause\" value=\"%s:", says);
    for (size_t k = 0; k < cause->results.count; k++) PUT(" %s", cause->results.at[k]->id);
    PUT("\"/>\n");
  }
}

static void put_backend(FILE* out, vs_view* v, size_t number) {
  const vs_results* all = v->results;
  const vs_column* backend = &all->backends.at[number];
  put_suite_start(out, v, backend->name, number, &v->of[number]);
  put_property(out, "backend", backend->spec);
  put_property(out, "arch", backend->arch);
  put_property(out, "profile", backend->profile);
  put_property(out, "seed", all->seed);
  put_property(out, "shard", all->shard);
  put_causes(out, v, number);
  PUT("    </properties>\n");
  for (size_t i = 0; i < all->results.count; i++) {
    if (all->results.at[i].backend == number) put_testcase(out, v, &all->results.at[i]);
  }
  put_suite_end(out);
}

// What is wrong with the run itself is red too, in a suite of its own.
static void put_problems(FILE* out, vs_view* v) {
  size_t count = v->problems.count;
  const vs_tally tally = {.all = count, .of = {[VS_VERDICT_BROKEN] = count}};
  if (count == 0) return;
  put_suite_start(out, v, "vcpuspec", v->results->backends.count, &tally);
  PUT("    </properties>\n");
  for (size_t i = 0; i < count; i++) {
    const vs_problem* p = &v->problems.at[i];
    PUT("    <testcase classname=\"vcpuspec\" name=\"%s: %s\" time=\"0\">\n"
        "      <error message=\"%s\" type=\"%s\"/>\n    </testcase>\n",
        p->kind, p->name, p->text, p->kind);
  }
  put_suite_end(out);
}

void vs_render_junit(FILE* out, vs_view* view) {
  PUT("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites>\n");
  for (size_t i = 0; i < view->results->backends.count; i++) put_backend(out, view, i);
  put_problems(out, view);
  PUT("</testsuites>\n");
}
