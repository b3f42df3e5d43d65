// SPDX-License-Identifier: BSD-3-Clause
// JUnit's XML, in the dialect that both Ant's and Jenkins' schemas allow: a suite for each backend,
// and one for what is wrong beyond the cases. conformance/tests/junit.xsd is what it promises.
#include <string.h>

#include "escape.h"
#include "problem.h"
#include "render.h"
#include "view.h"

enum { EXCUSE = 2048, TIME = 32, SUITE = 64 };

static void put_xml(FILE* out, const char* text) {
  vs_escape(out, VS_DIALECT_XML, text);
}

static void put_quoted(FILE* out, const char* text) {
  vs_escape(out, VS_DIALECT_ATTRIBUTE, text);
}

static void put_attribute(FILE* out, const char* name, const char* text) {
  fprintf(out, " %s=\"", name);
  put_quoted(out, text);
  fputc('"', out);
}

static void put_line(FILE* out, const char* name, const char* text) {
  if (text[0] == '\0') return;
  fprintf(out, "%s: ", name);
  put_xml(out, text);
  fputc('\n', out);
}

static void put_lines(FILE* out, const json_t* list, const char* before) {
  size_t i = 0;
  json_t* text = NULL;
  json_array_foreach(list, i, text) {
    fputs(before, out);
    put_xml(out, json_string_value(text));
    fputc('\n', out);
  }
}

// What a failure says to those who read it in a browser of a CI system.
static void put_story(FILE* out, const json_t* results, const json_t* result) {
  const json_t* failure = json_object_get(result, "failure");
  put_line(out, "title", vs_str(result, "title"));
  put_line(out, "clause", vs_clause_of(result));
  put_line(out, "asks", vs_sentence_of(results, result));
  put_lines(out, json_object_get(failure, "ops"), "  ");
  put_line(out, "allowed", vs_str(failure, "allowed"));
  put_line(out, "got", vs_str(failure, "got"));
  put_lines(out, json_object_get(failure, "remarks"), "");
  put_line(out, "because", vs_str(result, "note"));
  put_line(out, "again", vs_str(result, "command"));
  put_line(out, "script", vs_str(result, "script"));
}

// "allowed X, got Y", or how it died.
static void put_message(FILE* out, const json_t* result) {
  const json_t* failure = json_object_get(result, "failure");
  fputs(" message=\"", out);
  if (vs_str(failure, "allowed")[0] != '\0') {
    fputs("allowed ", out);
    put_quoted(out, vs_str(failure, "allowed"));
    fputs(", got ", out);
    put_quoted(out, vs_str(failure, "got"));
  } else {
    put_quoted(out, vs_str(result, "note"));
  }
  fputc('"', out);
}

static void put_fault(FILE* out, const char* element, const char* type, const json_t* results,
                      const json_t* result) {
  fprintf(out, ">\n      <%s", element);
  put_message(out, result);
  put_attribute(out, "type", type);
  fputc('>', out);
  put_story(out, results, result);
  fprintf(out, "</%s>\n    </testcase>\n", element);
}

static void put_skipped(FILE* out, const char* why, const char* text) {
  fputs(">\n      <skipped message=\"", out);
  put_quoted(out, why);
  if (why[0] != '\0' && text[0] != '\0') fputs(": ", out);
  put_quoted(out, text);
  fputs("\"/>\n    </testcase>\n", out);
}

static void put_outcome(FILE* out, const json_t* results, const json_t* result) {
  char excuse[EXCUSE];
  const char* clause = vs_clause_of(result);
  switch (vs_results_shown(result)) {
    case VS_VERDICT_FAIL:
    case VS_VERDICT_FLAKY:
      put_fault(out, "failure", clause[0] != '\0' ? clause : "failure", results, result);
      return;
    case VS_VERDICT_BROKEN:
      put_fault(out, "error", "could not be judged", results, result);
      return;
    case VS_VERDICT_KNOWN:
    case VS_VERDICT_DISPUTED:
      vs_excuse(result, excuse, sizeof excuse);
      put_skipped(out, "", excuse);
      return;
    case VS_VERDICT_UNSUPPORTED:
    case VS_VERDICT_NOT_JUDGED:
      put_skipped(out, vs_str(result, "verdict"), vs_str(result, "note"));
      return;
    default:
      fputs("/>\n", out);
      return;
  }
}

// "kvm.kinds" for "kinds.single_bits"; of a file, "kvm.scripts".
static void put_class(FILE* out, const json_t* results, const json_t* result) {
  char suite[SUITE];
  fputs(" classname=\"", out);
  put_quoted(out, vs_backend_name(results, result));
  fputc('.', out);
  put_quoted(out, vs_suite_of(vs_str(result, "case"), suite, sizeof suite) ? suite : "scripts");
  fputc('"', out);
}

static void put_testcase(FILE* out, const json_t* results, const json_t* result) {
  fputs("    <testcase", out);
  put_class(out, results, result);
  put_attribute(out, "name", vs_str(result, "case"));
  fprintf(out, " time=\"%.3f\"", json_number_value(json_object_get(result, "seconds")));
  put_outcome(out, results, result);
}

static void put_property(FILE* out, const char* name, const char* value) {
  fputs("      <property", out);
  put_attribute(out, "name", name);
  put_attribute(out, "value", value);
  fputs("/>\n", out);
}

// "2026-11-22T19:00:00": the schemas have no place for a zone.
static void put_time(FILE* out, const json_t* results) {
  char time[TIME];
  snprintf(time, sizeof time, "%.19s", vs_str(results, "started"));
  put_attribute(out, "timestamp", time);
}

static void put_suite_start(FILE* out, const json_t* results, const char* name, size_t number,
                            const vs_tally* tally) {
  fputs("  <testsuite", out);
  put_attribute(out, "name", name);
  put_attribute(out, "package", "vcpuspec");
  put_attribute(out, "hostname", "localhost");
  put_time(out, results);
  fprintf(out, " id=\"%zu\" tests=\"%zu\" failures=\"%zu\" errors=\"%zu\" skipped=\"%zu\"", number,
          tally->all, tally->failed, tally->of[VS_VERDICT_BROKEN], tally->skipped);
  fprintf(out, " time=\"%.3f\">\n    <properties>\n", tally->seconds);
}

static void put_suite_end(FILE* out) {
  fputs("    <system-out></system-out>\n    <system-err></system-err>\n  </testsuite>\n", out);
}

static void put_backend(FILE* out, const json_t* results, size_t number) {
  const json_t* backend = json_array_get(json_object_get(results, "backends"), number);
  vs_tally tally = vs_tally_of(results, (int)number);
  size_t i = 0;
  json_t* result = NULL;
  put_suite_start(out, results, vs_str(backend, "name"), number, &tally);
  put_property(out, "program", vs_str(results, "program"));
  put_property(out, "backend", vs_str(backend, "spec"));
  put_property(out, "arch", vs_str(backend, "arch"));
  put_property(out, "profile", vs_str(backend, "profile"));
  put_property(out, "seed", vs_str(results, "seed"));
  put_property(out, "shard", vs_str(results, "shard"));
  fputs("    </properties>\n", out);
  json_array_foreach(json_object_get(results, "results"), i, result) {
    if (vs_num(result, "backend") == number) put_testcase(out, results, result);
  }
  put_suite_end(out);
}

static void put_problem(FILE* out, const vs_problem* problem) {
  fputs("    <testcase", out);
  put_attribute(out, "classname", "vcpuspec");
  fprintf(out, " name=\"%s: ", problem->kind);
  put_quoted(out, problem->name);
  fputs("\" time=\"0\">\n      <error", out);
  put_attribute(out, "message", problem->text);
  put_attribute(out, "type", problem->kind);
  fputs("/>\n    </testcase>\n", out);
}

// What is wrong with the run itself is red too, in a suite of its own.
static void put_problems(FILE* out, const json_t* results, size_t number) {
  size_t count = vs_problem_count(results);
  vs_tally tally = {.all = count, .of = {[VS_VERDICT_BROKEN] = count}};
  vs_problem problem;
  if (count == 0) return;
  put_suite_start(out, results, "vcpuspec", number, &tally);
  put_property(out, "program", vs_str(results, "program"));
  fputs("    </properties>\n", out);
  for (size_t i = 0; vs_problem_at(results, i, &problem); i++) put_problem(out, &problem);
  put_suite_end(out);
}

bool vs_render_junit(FILE* out, const json_t* results) {
  size_t columns = json_array_size(json_object_get(results, "backends"));
  fputs("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites>\n", out);
  for (size_t i = 0; i < columns; i++) put_backend(out, results, i);
  put_problems(out, results, columns);
  fputs("</testsuites>\n", out);
  return fflush(out) == 0 && !ferror(out);
}
