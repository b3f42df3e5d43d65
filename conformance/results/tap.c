// SPDX-License-Identifier: BSD-3-Clause
// Test Anything Protocol: a point for each case and backend, and one for each problem beyond them.
// It is written as version 13, which version 14 can be read as; "\#" is as both have it.
#include <string.h>

#include "escape.h"
#include "problem.h"
#include "render.h"
#include "view.h"

enum { EXCUSE = 2048 };

static void put_member(FILE* out, const char* name, const char* text) {
  if (text[0] == '\0') return;
  fprintf(out, "  %s: \"", name);
  vs_escape(out, VS_DIALECT_YAML, text);
  fputs("\"\n", out);
}

static void put_list(FILE* out, const char* name, const json_t* list) {
  size_t i = 0;
  json_t* text = NULL;
  if (json_array_size(list) == 0) return;
  fprintf(out, "  %s:\n", name);
  json_array_foreach(list, i, text) {
    fputs("    - \"", out);
    vs_escape(out, VS_DIALECT_YAML, json_string_value(text));
    fputs("\"\n", out);
  }
}

static void put_failure(FILE* out, const json_t* results, const json_t* result) {
  const json_t* failure = json_object_get(result, "failure");
  put_member(out, "clause", vs_clause_of(result));
  put_member(out, "sentence", vs_sentence_of(results, result));
  put_member(out, "allowed", vs_str(failure, "allowed"));
  put_member(out, "got", vs_str(failure, "got"));
  put_list(out, "ops", json_object_get(failure, "ops"));
  put_list(out, "remarks", json_object_get(failure, "remarks"));
}

static void put_block(FILE* out, const json_t* results, const json_t* result) {
  fputs("  ---\n", out);
  put_member(out, "verdict", vs_str(result, "verdict"));
  put_member(out, "title", vs_str(result, "title"));
  if (vs_is_failure(result)) put_failure(out, results, result);
  put_list(out, "latitudes", json_object_get(result, "latitudes"));
  put_member(out, "because", vs_str(result, "note"));
  put_member(out, "again", vs_str(result, "command"));
  fputs("  ...\n", out);
}

static void put_directive(FILE* out, const json_t* result) {
  char excuse[EXCUSE];
  switch (vs_results_shown(result)) {
    case VS_VERDICT_KNOWN:
    case VS_VERDICT_DISPUTED:
      vs_excuse(result, excuse, sizeof excuse);
      fputs(" # TODO ", out);
      vs_escape(out, VS_DIALECT_TAP, excuse);
      return;
    case VS_VERDICT_UNSUPPORTED:
    case VS_VERDICT_NOT_JUDGED:
      fprintf(out, " # SKIP %s: ", vs_str(result, "verdict"));
      vs_escape(out, VS_DIALECT_TAP, vs_str(result, "note"));
      return;
    default:
      return;
  }
}

static bool is_ok(vs_verdict shown) {
  return shown == VS_VERDICT_PASS || shown == VS_VERDICT_PERMITTED ||
         shown == VS_VERDICT_UNSUPPORTED || shown == VS_VERDICT_NOT_JUDGED;
}

static void put_point(FILE* out, const json_t* results, size_t number, const json_t* result) {
  const json_t* backend = vs_backend_of(results, result);
  fprintf(out, "%s %zu - ", is_ok(vs_results_shown(result)) ? "ok" : "not ok", number);
  vs_escape(out, VS_DIALECT_TAP, vs_str(result, "case"));
  fputs(" on ", out);
  vs_escape(out, VS_DIALECT_TAP, vs_str(backend, "name"));
  fputs(", profile ", out);
  vs_escape(out, VS_DIALECT_TAP, vs_str(backend, "profile"));
  put_directive(out, result);
  fputc('\n', out);
  if (!vs_is(result, "verdict", "pass")) put_block(out, results, result);
}

static void put_problem(FILE* out, size_t number, const vs_problem* problem) {
  fprintf(out, "not ok %zu - %s: ", number, problem->kind);
  vs_escape(out, VS_DIALECT_TAP, problem->name);
  fputs("\n  ---\n", out);
  put_member(out, "because", problem->text);
  fputs("  ...\n", out);
}

static void put_end(FILE* out, const json_t* results) {
  const json_t* counts = json_object_get(results, "counts");
  const json_t* end = json_object_get(results, "exit");
  bool interrupted = json_is_true(json_object_get(results, "interrupted"));
  fprintf(out, "# expected %zu, judged %zu, not judged %zu\n# exit status %zu: ",
          vs_num(counts, "expected"), vs_num(counts, "judged"), vs_num(counts, "not_judged"),
          vs_num(end, "status"));
  vs_escape(out, VS_DIALECT_TAP, vs_str(end, "why"));
  fputc('\n', out);
  if (vs_num(counts, "judged") == 0) {
    fputs("Bail out! Nothing was judged\n", out);
  } else if (interrupted) {
    fputs("Bail out! The run was stopped before its end\n", out);
  }
}

bool vs_render_tap(FILE* out, const json_t* results) {
  const json_t* all = json_object_get(results, "results");
  size_t count = json_array_size(all);
  size_t i = 0;
  json_t* result = NULL;
  vs_problem problem;
  fprintf(out, "TAP version 13\n1..%zu\n", count + vs_problem_count(results));
  json_array_foreach(all, i, result) {
    put_point(out, results, i + 1, result);
  }
  for (i = 0; vs_problem_at(results, i, &problem); i++) put_problem(out, count + i + 1, &problem);
  put_end(out, results);
  return fflush(out) == 0 && !ferror(out);
}
