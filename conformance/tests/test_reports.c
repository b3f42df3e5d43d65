// SPDX-License-Identifier: BSD-3-Clause
// What reports are made of: escaping by dialect, views of a result model, and the forms themselves
// on small models. tools/check-reports holds whole reports against the rules of their forms.
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "reports/escape.h"
#include "reports/render.h"

// --- escaping ---------------------------------------------------------------------------------

static char text[1 << 16];  // what was put last

static const char* escaped(vs_dialect dialect, const char* from) {
  FILE* out = fmemopen(text, sizeof text, "w");
  vs_escape(out, dialect, from);
  cr_assert_eq(fclose(out), 0);
  return text;
}

Test(escape, markup_of_xml) {
  cr_assert_str_eq(escaped(VS_DIALECT_XML, "<a href=\"x\">&amp;'\n\t"),
                   "&#60;a href=&#34;x&#34;&#62;&#38;amp;&#39;\n\t");
  cr_assert_str_eq(escaped(VS_DIALECT_ATTRIBUTE, "a\nb\tc\""), "a&#10;b&#9;c&#34;");
}

Test(escape, directives_and_lines_of_tap) {
  cr_assert_str_eq(escaped(VS_DIALECT_TAP, "a # TODO b\nok 2 \\"), "a \\# TODO b ok 2 \\\\");
}

Test(escape, quotes_of_yaml) {
  cr_assert_str_eq(escaped(VS_DIALECT_YAML, "say \"\\\"\n\t---"), "say \\\"\\\\\\\"\\n\\t---");
}

Test(escape, tables_and_mentions_of_markdown) {
  cr_assert_str_eq(escaped(VS_DIALECT_MARKDOWN, "a|b\n`c` @d #1 <e>"),
                   "a&#124;b &#96;c&#96; &#64;d &#35;1 &#60;e&#62;");
}

Test(escape, what_is_not_seen_is_written_out) {
  // A bell, an escape, a right-to-left override, a zero-width space, a byte order mark.
  const char* hidden = "\a\x1b\u202e\u200b\ufeff";
  cr_assert_str_eq(escaped(VS_DIALECT_XML, hidden), "\\u{7}\\u{1b}\\u{202e}\\u{200b}\\u{feff}");
  cr_assert_str_eq(escaped(VS_DIALECT_FENCED, hidden), "\\u{7}\\u{1b}\\u{202e}\\u{200b}\\u{feff}");
  cr_assert_str_eq(escaped(VS_DIALECT_YAML, "\a"), "\\\\u{7}");
  cr_assert_str_eq(escaped(VS_DIALECT_TAP, "\a"), "\\\\u{7}");
  cr_assert_str_eq(escaped(VS_DIALECT_MARKDOWN, "\a"), "&#92;u{7}");
}

Test(escape, other_letters_stay) {
  for (vs_dialect d = 0; d < VS_DIALECT_COUNT; d++) {
    cr_assert_str_eq(escaped(d, "é 中 \U0001f980"), "é 中 \U0001f980");
  }
}

Test(escape, bytes_that_are_no_characters) {
  // A lone continuation, an overlong '/', a surrogate, past the last character, one cut off.
  const char* const bad[] = {"\x80", "\xc0\xaf", "\xed\xa0\x80", "\xf4\x90\x80\x80", "\xe4\xb8"};
  for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
    for (vs_dialect d = 0; d < VS_DIALECT_COUNT; d++) {
      const char* got = escaped(d, bad[i]);
      size_t bytes = 0;
      cr_assert_neq(got[0], '\0');
      for (; *got != '\0'; got += bytes) cr_assert_eq(vs_rune(got, &bytes), 0xfffd);
    }
  }
}

Test(escape, every_byte_of_every_dialect_is_utf8) {
  for (int a = 1; a < 256; a++) {
    for (int b = 1; b < 256; b++) {
      char pair[] = {(char)a, (char)b, '\0'};
      for (vs_dialect d = 0; d < VS_DIALECT_COUNT; d++) {
        json_t* string = json_string(escaped(d, pair));
        cr_assert_not_null(string, "%02x %02x in dialect %d", (unsigned)a, (unsigned)b, (int)d);
        json_decref(string);
      }
    }
  }
}

Test(escape, some_of_it) {
  FILE* out = fmemopen(text, sizeof text, "w");
  vs_escape_some(out, VS_DIALECT_XML, "<中>b", 2);
  fclose(out);
  cr_assert_str_eq(text, "&#60;中...");
}

Test(escape, fences_are_longer_than_what_they_hold) {
  cr_assert_eq(vs_fence_for("none"), 3);
  cr_assert_eq(vs_fence_for("a ``` b"), 4);
  cr_assert_eq(vs_fence_for("``\n``````"), 7);
}

Test(escape, strings_of_a_format) {
  FILE* out = fmemopen(text, sizeof text, "w");
  vs_print(out, VS_DIALECT_XML, "<a b=\"%s\">%s %zu%% %.3f %.2s</a>", "x\ny", "x\ny<", (size_t)7,
           0.5, "abc");
  vs_print(out, VS_DIALECT_XML, "|%-s|%-s", "a.b_c/", "d:");
  fclose(out);
  cr_assert_str_eq(text, "<a b=\"x&#10;y\">x\ny&#60; 7% 0.500 ab...</a>|a.<wbr>b_<wbr>c/|d:");
}

// --- a small model ----------------------------------------------------------------------------

#define CLAUSE "{\"id\":\"a.b\",\"section\":\"page\",\"sentence\":\"It does.\",\"status\":null}"
#define BACKEND(state, required)                                                       \
  "{\"name\":\"one\",\"spec\":\"one\",\"arch\":\"x86-64\",\"profile\":\"documented\"," \
  "\"state\":\"" state "\",\"reason\":\"why\",\"required\":" required "}"
#define FAILURE                                                                             \
  "{\"clause\":\"a.b\",\"sentence\":\"It does.\",\"op\":0,\"allowed\":\"A\",\"got\":\"G\"," \
  "\"ops\":[\"0  T0: x\"],\"remarks\":[]}"
#define RESULT(id, verdict, failure, expectation)                                       \
  "{\"backend\":0,\"case\":\"" id                                                       \
  "\",\"title\":\"t\",\"clauses\":[\"a.b\"],\"verdict\":\"" verdict                     \
  "\",\"seconds\":0.5,\"says\":{},\"latitudes\":[],\"note\":\"n\",\"failure\":" failure \
  ",\"command\":null,\"script\":null,\"expectation\":" expectation "}"
#define MODEL(backend, results, expectations, end)                                 \
  "{\"format\":\"\",\"version\":1,\"program\":\"vcpuspec "                         \
  "0\",\"started\":\"2026-11-22T19:00:00Z\",\"interrupted\":false,"                \
  "\"shard\":\"1/1\",\"seed\":\"0\",\"filters\":[],\"counts\":{\"expected\":1,"    \
  "\"judged\":1,\"not_judged\":0},\"clauses\":[" CLAUSE "],\"backends\":[" backend \
  "],\"results\":[" results "],\"expectations\":" expectations ",\"exit\":" end "}"
#define GREEN "{\"status\":0,\"why\":\"conforms\"}"
#define KNOWN "{\"state\":\"known\",\"reason\":\"old\",\"link\":\"l\",\"line\":1}"

// Not all of them are sound: what they count is not looked at.
static vs_results* model(const char* source) {
  json_error_t error;
  vs_why why;
  vs_store store = {0};
  vs_results* results = vs_take(&store, sizeof *results);
  json_t* form = json_loads(source, 0, &error);
  cr_assert_not_null(form, "%s", error.text);
  cr_assert(vs_form_read(&store, vs_form_results, form, results, &why), "%s", why.text);
  json_decref(form);
  results->store = store;
  return results;
}

static const char* rendered(const char* format, const char* source) {
  vs_results* results = model(source);
  FILE* out = fmemopen(text, sizeof text, "w");
  bool found = false;
  for (size_t i = 0; i < VS_FORMAT_COUNT; i++) {
    if (strcmp(vs_formats[i].name, format) != 0) continue;
    cr_assert(vs_render(&vs_formats[i], out, results));
    found = true;
  }
  cr_assert(found, "no format %s", format);
  fclose(out);
  vs_results_free(results);
  return text;
}

static void assert_has(const char* format, const char* source, const char* part) {
  const char* got = rendered(format, source);
  cr_assert_not_null(strstr(got, part), "%s: no '%s' in: %.3000s", format, part, got);
}

#define ONE(verdict, failure, expectation) \
  MODEL(BACKEND("ready", "false"), RESULT("s.c", verdict, failure, expectation), "null", GREEN)

Test(view, suites_and_files) {
  vs_store store = {0};
  cr_assert_str_eq(vs_suite_of(&store, "kinds.single_bits"), "kinds");
  const char* const files[] = {"my.vcpu", "a/b.c", "./x.y", "kinds.", ".x", "my.vcpu#2", "A.b", ""};
  for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
    cr_assert_null(vs_suite_of(&store, files[i]), "%s", files[i]);
  }
  vs_store_free(&store);
}

Test(view, tallies) {
  vs_results* results =
      model(MODEL(BACKEND("ready", "false"),
                  RESULT("s.a", "pass", "null", "null") "," RESULT(
                      "s.b", "fail", FAILURE, KNOWN) "," RESULT("s.c", "flaky", FAILURE, "null"),
                  "null", GREEN));
  vs_view view = vs_view_of(results);
  cr_assert_eq(view.all.all, 3);
  cr_assert_eq(view.all.judged, 3);
  cr_assert_eq(view.all.failed, 1);
  cr_assert_eq(view.all.skipped, 1);
  cr_assert_eq(view.all.of[VS_VERDICT_KNOWN], 1);
  cr_assert_float_eq(view.all.seconds, 1.5, 1e-9);
  cr_assert_eq(view.of[0].all, 3);
  vs_view_free(&view);
  vs_results_free(results);
}

Test(view, reasons_are_told_once) {
  vs_results* results = model(
      MODEL(BACKEND("ready", "false"),
            RESULT("s.a", "unsupported", "null", "null") "," RESULT(
                "s.b", "unsupported", "null", "null") "," RESULT("s.c", "broken", "null", "null"),
            "null", GREEN));
  vs_view view = vs_view_of(results);
  cr_assert_eq(view.reasons.count, 2);
  cr_assert_eq(view.reasons.at[0].cases.count, 2);
  vs_view_free(&view);
  vs_results_free(results);
}

// --- what is wrong beyond the cases ------------------------------------------------------------

static void assert_problems(const char* source, size_t count, const char* kind) {
  vs_results* results = model(source);
  vs_view view = vs_view_of(results);
  cr_assert_eq(view.problems.count, count);
  if (count > 0) {
    cr_assert_str_eq(view.problems.at[count - 1].kind, kind);
    cr_assert_neq(view.problems.at[count - 1].text[0], '\0');
  }
  vs_view_free(&view);
  vs_results_free(results);
}

#define BAD "{\"status\":3,\"why\":\"could not\"}"

Test(problem, none) {
  assert_problems(ONE("pass", "null", "null"), 0, NULL);
}

Test(problem, of_a_backend) {
  const char* broken =
      MODEL(BACKEND("broken", "false"), RESULT("s.c", "not judged", "null", "null"), "null", BAD);
  const char* absent =
      MODEL(BACKEND("absent", "true"), RESULT("s.c", "not judged", "null", "null"), "null", BAD);
  const char* empty =
      MODEL(BACKEND("ready", "true"), RESULT("s.c", "unsupported", "null", "null"), "null", BAD);
  assert_problems(broken, 1, "backend");
  assert_problems(absent, 1, "backend");
  assert_problems(empty, 1, "backend");
}

Test(problem, of_an_expectation) {
  const char* source =
      MODEL(BACKEND("ready", "false"), RESULT("s.c", "pass", "null", "null"),
            "{\"file\":\"k\",\"entries\":1,\"known\":0,\"disputed\":0,\"stale\":[{\"line\":1,"
            "\"entry\":\"e\",\"problem\":\"passes\",\"explanation\":\"x\"}]}",
            "{\"status\":4,\"why\":\"stale\"}");
  assert_problems(source, 1, "expectation");
}

Test(problem, of_which_nothing_else_says_why) {
  assert_problems(
      MODEL(BACKEND("ready", "false"), RESULT("s.c", "unsupported", "null", "null"), "null", BAD),
      1, "run");
  // A failure says why the run fails, but not why it is not whole.
  assert_problems(MODEL(BACKEND("ready", "false"), RESULT("s.c", "fail", FAILURE, "null"), "null",
                        "{\"status\":1,\"why\":\"fails\"}"),
                  0, NULL);
  assert_problems(
      MODEL(BACKEND("ready", "false"), RESULT("s.c", "fail", FAILURE, "null"), "null", BAD), 1,
      "run");
}

// --- forms ------------------------------------------------------------------------------------

Test(tap, points) {
  const char* where = "1 - s.c on one, profile documented";
  char line[128];
  snprintf(line, sizeof line, "\nok %s\n", where);
  assert_has("tap", ONE("pass", "null", "null"), line);
  snprintf(line, sizeof line, "\nnot ok %s\n", where);
  assert_has("tap", ONE("fail", FAILURE, "null"), line);
  assert_has("tap", ONE("broken", "null", "null"), line);
  snprintf(line, sizeof line, "\nnot ok %s # TODO known: old (l)\n", where);
  assert_has("tap", ONE("fail", FAILURE, KNOWN), line);
  snprintf(line, sizeof line, "\nok %s # SKIP unsupported: n\n", where);
  assert_has("tap", ONE("unsupported", "null", "null"), line);
}

Test(junit, outcomes) {
  assert_has("junit", ONE("pass", "null", "null"),
             "<testcase classname=\"one.s\" name=\"s.c\" time=\"0.500\"/>");
  assert_has("junit", ONE("fail", FAILURE, "null"),
             "<failure message=\"allowed A, got G\" type=\"a.b\">");
  assert_has("junit", ONE("fail", FAILURE, KNOWN), "<skipped message=\"known: old (l)\"/>");
  assert_has("junit", ONE("broken", "null", "null"), "<error message=\"n\"");
  assert_has("junit", ONE("unsupported", "null", "null"), "<skipped message=\"unsupported: n\"/>");
}

Test(sarif, levels) {
  assert_has("sarif", ONE("fail", FAILURE, "null"), "\"level\": \"error\"");
  assert_has("sarif", ONE("fail", FAILURE, KNOWN), "\"justification\": \"known: old (l)\"");
  assert_has("sarif", ONE("fail", FAILURE, "null"), "\"uri\": \"conformance/scripts/s/c.vcpu\"");
  assert_has("sarif", ONE("unsupported", "null", "null"), "\"level\": \"warning\"");
}

Test(md, headlines) {
  assert_has("md", ONE("pass", "null", "null"), "### vcpuspec: conforms\n");
  assert_has("md", ONE("fail", FAILURE, "null"), "### vcpuspec: does not conform\n");
  assert_has("md", ONE("fail", FAILURE, KNOWN), "### vcpuspec: fails only as expected\n");
}

// Where no case fails that was not expected to: what the exit status is for.
Test(md, headlines_of_other_exit_statuses) {
#define ENDED(status, results) \
  MODEL(BACKEND("ready", "false"), results, "null", "{\"status\":" status ",\"why\":\"as said\"}")
  static const char* const headlines[][2] = {
      {ENDED("1", RESULT("s.c", "pass", "null", "null")), "does not conform"},
      {ENDED("3", RESULT("s.c", "pass", "null", "null")), "not everything could be judged"},
      {ENDED("4", RESULT("s.c", "fail", FAILURE, KNOWN)),
       "only the list of expectations is out of date"},
      {ENDED("5", RESULT("s.c", "pass", "null", "null")), "a backend could not be judged"},
      {ENDED("5", RESULT("s.c", "unsupported", "null", "null")), "nothing was judged"},
  };
  for (size_t i = 0; i < sizeof headlines / sizeof headlines[0]; i++) {
    char line[128];
    snprintf(line, sizeof line, "### vcpuspec: %s\n", headlines[i][1]);
    assert_has("md", headlines[i][0], line);
  }
}

Test(badge, colors) {
  assert_has("badge", ONE("pass", "null", "null"), "\"color\":\"brightgreen\"");
  assert_has("badge", ONE("fail", FAILURE, "null"),
             "\"message\":\"1 of 1 fail\",\"color\":\"red\"");
  assert_has("badge", ONE("fail", FAILURE, KNOWN), "\"color\":\"yellow\"");
  assert_has("badge", ONE("unsupported", "null", "null"), "\"color\":\"lightgrey\"");
}

Test(html, says_what_was_judged) {
  assert_has("html", ONE("pass", "null", "null"), "<dt>judged</dt><dd>1</dd>");
  assert_has("html", ONE("fail", FAILURE, "null"), "<mark>0  T0: x</mark>");
  assert_has("html", ONE("fail", FAILURE, KNOWN), "<h2>Failures that were expected</h2>");
}

// --- streams that fail ------------------------------------------------------------------------

Test(render, a_full_disk_is_told) {
  vs_results* results = model(ONE("fail", FAILURE, "null"));
  for (size_t i = 0; i < VS_FORMAT_COUNT; i++) {
    FILE* full = fopen("/dev/full", "w");
    cr_assert_not_null(full);
    cr_assert_not(vs_render(&vs_formats[i], full, results), "%s", vs_formats[i].name);
    fclose(full);
  }
  vs_results_free(results);
}
