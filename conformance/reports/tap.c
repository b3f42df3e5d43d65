// SPDX-License-Identifier: BSD-3-Clause
// Test Anything Protocol: a point for each case and backend, and one for each problem beyond them.
// It is written as version 13, which version 14 can be read as; "\#" is as both have it.
#include "escape.h"
#include "render.h"

static void put_member(FILE* out, const char* name, const char* text) {
  if (text == NULL || text[0] == '\0') return;
  vs_print(out, VS_DIALECT_YAML, "  %s: \"%s\"\n", name, text);
}

static void put_list(FILE* out, const char* name, const vs_texts* list) {
  if (list->count > 0) fprintf(out, "  %s:\n", name);
  vs_print_each(out, VS_DIALECT_YAML, "    - \"%s\"\n", list);
}

static void put_failure(FILE* out, const vs_view* v, const vs_result* result) {
  put_member(out, "clause", vs_clause_of(result));
  put_member(out, "sentence", vs_sentence_of(v, result));
  put_member(out, "allowed", result->failure->allowed);
  put_member(out, "got", result->failure->got);
  put_list(out, "ops", &result->failure->ops);
  put_list(out, "remarks", &result->failure->remarks);
}

static void put_block(FILE* out, const vs_view* v, const vs_result* result) {
  fputs("  ---\n", out);
  put_member(out, "verdict", vs_results_words[result->verdict]);
  put_member(out, "title", result->title);
  if (result->failure != NULL) put_failure(out, v, result);
  put_list(out, "latitudes", &result->latitudes);
  put_member(out, "because", result->note);
  put_member(out, "again", result->command);
  fputs("  ...\n", out);
}

static void put_point(FILE* out, vs_view* v, size_t number, const vs_result* result) {
  const vs_column* backend = vs_backend_of(v, result);
  vs_verdict shown = vs_result_shown(result);
  bool skipped = shown == VS_VERDICT_UNSUPPORTED || shown == VS_VERDICT_NOT_JUDGED;
  bool todo = shown == VS_VERDICT_KNOWN || shown == VS_VERDICT_DISPUTED;
  bool ok = skipped || shown == VS_VERDICT_PASS || shown == VS_VERDICT_PERMITTED;
  vs_print(out, VS_DIALECT_TAP, "%s %zu - %s on %s, profile %s", ok ? "ok" : "not ok", number,
           result->id, backend->name, backend->profile);
  if (todo) vs_print(out, VS_DIALECT_TAP, " # TODO %s", vs_excuse(v, result));
  if (skipped)
    vs_print(out, VS_DIALECT_TAP, " # SKIP %s: %s", vs_results_words[shown], result->note);
  fputc('\n', out);
  if (result->verdict != VS_VERDICT_PASS) put_block(out, v, result);
}

static void put_problem(FILE* out, size_t number, const vs_problem* problem) {
  vs_print(out, VS_DIALECT_TAP, "not ok %zu - %s: %s\n  ---\n", number, problem->kind,
           problem->name);
  put_member(out, "because", problem->text);
  fputs("  ...\n", out);
}

void vs_render_tap(FILE* out, vs_view* view) {
  const vs_results* all = view->results;
  size_t count = all->results.count;
  fprintf(out, "TAP version 13\n1..%zu\n", count + view->problems.count);
  for (size_t i = 0; i < count; i++) put_point(out, view, i + 1, &all->results.at[i]);
  for (size_t i = 0; i < view->problems.count; i++) {
    put_problem(out, count + i + 1, &view->problems.at[i]);
  }
  vs_print(out, VS_DIALECT_TAP,
           "# expected %zu, judged %zu, not judged %zu\n# exit status %zu: %s\n",
           all->counts.expected, all->counts.judged, all->counts.not_judged, all->end.status,
           all->end.why);
  if (all->counts.judged == 0) {
    fputs("Bail out! Nothing was judged\n", out);
  } else if (all->interrupted) {
    fputs("Bail out! The run was stopped before its end\n", out);
  }
}
