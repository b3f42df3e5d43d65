// SPDX-License-Identifier: BSD-3-Clause
// Markdown for a comment on a merge request or the summary of a CI job. Such places take 65,536
// characters: what no longer fits is left out, and counted.
#include <stdlib.h>
#include <string.h>

#include "escape.h"
#include "problem.h"
#include "render.h"
#include "view.h"

enum {
  ROOM = 60000,      // bytes of all sections
  TEXT_MOST = 1000,  // characters of one text
  OPS_MOST = 60,     // lines of one failure
  CASES_SHOWN = 3,   // of one reason
  EXCUSE = 2048
};

static void put_md(FILE* out, const char* text) {
  vs_escape_some(out, VS_DIALECT_MARKDOWN, text, TEXT_MOST);
}

static void put_code(FILE* out, const char* text) {
  fputs("<code>", out);
  put_md(out, text);
  fputs("</code>", out);
}

// --- the head ---------------------------------------------------------------------------------

static void put_head(FILE* out, const json_t* results) {
  const json_t* end = json_object_get(results, "exit");
  fprintf(out, "### vcpuspec: %s\n\n", vs_headline(results));
  fprintf(out, "Expected %zu results, judged %zu, **not judged %zu**. Exit status %zu: ",
          vs_results_count(results, "expected"), vs_results_count(results, "judged"),
          vs_results_count(results, "not_judged"), vs_num(end, "status"));
  put_md(out, vs_str(end, "why"));
  fputs(".\n\n", out);
}

static void put_problems(FILE* out, const json_t* results) {
  vs_problem problem;
  for (size_t i = 0; vs_problem_at(results, i, &problem); i++) {
    fprintf(out, "- **%s**: ", problem.kind);
    put_md(out, problem.name);
    fputs(": ", out);
    put_md(out, problem.text);
    fputc('\n', out);
  }
  if (vs_problem_count(results) > 0) fputc('\n', out);
}

static const vs_verdict columns[] = {
    VS_VERDICT_PASS,   VS_VERDICT_PERMITTED,   VS_VERDICT_FAIL,
    VS_VERDICT_FLAKY,  VS_VERDICT_KNOWN,       VS_VERDICT_DISPUTED,
    VS_VERDICT_BROKEN, VS_VERDICT_UNSUPPORTED, VS_VERDICT_NOT_JUDGED};
enum { COLUMNS = sizeof columns / sizeof columns[0] };

static void put_counts(FILE* out, const json_t* results) {
  size_t i = 0;
  json_t* backend = NULL;
  fputs("| backend | profile |", out);
  for (size_t c = 0; c < COLUMNS; c++) fprintf(out, " %s |", vs_verdict_names[columns[c]]);
  fputs("\n|---|---|", out);
  for (size_t c = 0; c < COLUMNS; c++) fputs("--:|", out);
  fputc('\n', out);
  json_array_foreach(json_object_get(results, "backends"), i, backend) {
    vs_tally tally = vs_tally_of(results, (int)i);
    fputs("| ", out);
    put_code(out, vs_str(backend, "name"));
    fputs(" | ", out);
    put_md(out, vs_str(backend, "profile"));
    fputs(" |", out);
    for (size_t c = 0; c < COLUMNS; c++) {
      const char* mark = tally.of[columns[c]] > 0 && vs_verdict_is_failure(columns[c]) ? "**" : "";
      fprintf(out, " %s%zu%s |", mark, tally.of[columns[c]], mark);
    }
    fputc('\n', out);
  }
  fputc('\n', out);
}

// --- failures ---------------------------------------------------------------------------------

static size_t fence_for(const json_t* ops, const char* command) {
  size_t fence = vs_fence_for(command);
  size_t i = 0;
  json_t* op = NULL;
  json_array_foreach(ops, i, op) {
    size_t more = vs_fence_for(json_string_value(op));
    if (more > fence) fence = more;
  }
  return fence;
}

static void put_fence(FILE* out, size_t length) {
  for (size_t i = 0; i < length; i++) fputc('`', out);
  fputc('\n', out);
}

static void put_ops(FILE* out, const json_t* result) {
  const json_t* ops = json_object_get(json_object_get(result, "failure"), "ops");
  const char* command = vs_str(result, "command");
  size_t fence = fence_for(ops, command);
  size_t count = json_array_size(ops);
  size_t from = count > OPS_MOST ? count - OPS_MOST : 0;
  put_fence(out, fence);
  if (from > 0) fprintf(out, "(%zu more)\n", from);
  for (size_t i = from; i < count; i++) {
    vs_escape_some(out, VS_DIALECT_FENCED, json_string_value(json_array_get(ops, i)), TEXT_MOST);
    fputc('\n', out);
  }
  if (command[0] != '\0') fputs("\n$ ", out);
  vs_escape_some(out, VS_DIALECT_FENCED, command, TEXT_MOST);
  fputc('\n', out);
  put_fence(out, fence);
}

static void put_point(FILE* out, const char* name, const char* text) {
  if (text[0] == '\0') return;
  fprintf(out, "- %s: ", name);
  put_md(out, text);
  fputc('\n', out);
}

static void put_failure(FILE* out, const json_t* results, const json_t* result) {
  const json_t* failure = json_object_get(result, "failure");
  size_t i = 0;
  json_t* remark = NULL;
  fprintf(out, "<details><summary>%s ", vs_verdict_names[vs_results_shown(result)]);
  put_code(out, vs_str(result, "case"));
  fputs(" on ", out);
  put_code(out, vs_backend_name(results, result));
  fputs(": ", out);
  put_md(out, vs_clause_of(result));
  fputs("</summary>\n\n", out);
  put_point(out, "asked", vs_sentence_of(results, result));
  put_point(out, "allowed", vs_str(failure, "allowed"));
  put_point(out, "got", vs_str(failure, "got"));
  put_point(out, "because", vs_str(result, "note"));
  json_array_foreach(json_object_get(failure, "remarks"), i, remark) {
    put_point(out, "also", json_string_value(remark));
  }
  fputc('\n', out);
  put_ops(out, result);
  fputs("\n</details>\n\n", out);
}

static void put_known(FILE* out, const json_t* results, const json_t* result) {
  char excuse[EXCUSE];
  vs_excuse(result, excuse, sizeof excuse);
  fputs("- ", out);
  put_code(out, vs_str(result, "case"));
  fputs(" on ", out);
  put_code(out, vs_backend_name(results, result));
  fputs(": ", out);
  put_md(out, excuse);
  fputc('\n', out);
}

// --- what stands on its own -------------------------------------------------------------------

static void put_matrix(FILE* out, const json_t* results) {
  const json_t* clauses = json_object_get(results, "clauses");
  const json_t* backends = json_object_get(results, "backends");
  vs_matrix matrix;
  if (!vs_matrix_make(results, &matrix)) return;
  fputs("<details><summary>Every clause</summary>\n\n| clause |", out);
  for (size_t b = 0; b < matrix.backends; b++) {
    fputc(' ', out);
    put_code(out, vs_str(json_array_get(backends, b), "name"));
    fputs(" |", out);
  }
  fputs("\n|---|", out);
  for (size_t b = 0; b < matrix.backends; b++) fputs("---|", out);
  fputc('\n', out);
  for (size_t c = 0; c < matrix.clauses; c++) {
    fputs("| ", out);
    put_md(out, vs_str(json_array_get(clauses, c), "id"));
    fputs(" |", out);
    for (size_t b = 0; b < matrix.backends; b++) {
      vs_verdict cell = vs_matrix_at(&matrix, c, b);
      fprintf(out, " %s |", cell == VS_VERDICT_NOT_JUDGED ? "" : vs_verdict_names[cell]);
    }
    fputc('\n', out);
  }
  fputs("\n</details>\n\n", out);
  vs_matrix_free(&matrix);
}

static void put_reason(FILE* out, const json_t* results, const json_t* reason) {
  const json_t* cases = json_object_get(reason, "cases");
  size_t count = json_array_size(cases);
  fputs("- ", out);
  put_code(out, vs_backend_name(results, reason));
  fprintf(out, ": %zu %s (", count, vs_str(reason, "verdict"));
  for (size_t i = 0; i < count && i < CASES_SHOWN; i++) {
    if (i > 0) fputs(", ", out);
    put_md(out, json_string_value(json_array_get(cases, i)));
  }
  fprintf(out, "%s): ", count > CASES_SHOWN ? ", ..." : "");
  put_md(out, vs_str(reason, "note"));
  fputc('\n', out);
}

static void put_reasons(FILE* out, const json_t* results) {
  json_t* reasons = vs_reasons_of(results);
  size_t i = 0;
  json_t* reason = NULL;
  if (json_array_size(reasons) > 0) {
    fputs("<details><summary>What was not judged, and why</summary>\n\n", out);
    json_array_foreach(reasons, i, reason) {
      put_reason(out, results, reason);
    }
    fputs("\n</details>\n\n", out);
  }
  json_decref(reasons);
}

// --- all within the room ----------------------------------------------------------------------

typedef struct page {
  FILE* out;
  size_t left;  // bytes
  bool failed;
} page;

// A section as text; the caller's. NULL: no memory.
static char* section_of(page* p, void (*put)(FILE*, const json_t*, const json_t*),
                        const json_t* results, const json_t* result) {
  char* text = NULL;
  size_t length = 0;
  FILE* memory = open_memstream(&text, &length);
  if (memory != NULL) put(memory, results, result);
  if (memory == NULL || fclose(memory) != 0) {
    p->failed = true;
    free(text);
    return NULL;
  }
  return text;
}

// False: it does not fit, and is left out.
static bool add(page* p, void (*put)(FILE*, const json_t*, const json_t*), const json_t* results,
                const json_t* result) {
  char* text = section_of(p, put, results, result);
  size_t length = text != NULL ? strlen(text) : 0;
  bool fits = length <= p->left;
  if (fits && text != NULL) {
    fputs(text, p->out);
    p->left -= length;
  }
  free(text);
  return fits;
}

static void add_all(page* p, const json_t* results, bool expected) {
  size_t left_out = 0;
  size_t shown = 0;
  size_t i = 0;
  json_t* result = NULL;
  json_array_foreach(json_object_get(results, "results"), i, result) {
    bool fails = vs_verdict_is_failure(vs_results_shown(result));
    if (!vs_is_failure(result) || fails == expected) continue;
    if (shown++ == 0) fputs(expected ? "#### Expected failures\n\n" : "#### Failures\n\n", p->out);
    left_out += left_out > 0 || !add(p, expected ? put_known : put_failure, results, result);
  }
  if (left_out > 0) fprintf(p->out, "\n%zu more do not fit here.\n", left_out);
  if (shown > 0) fputc('\n', p->out);
}

static void put_start(FILE* out, const json_t* results, const json_t* none) {
  (void)none;
  put_head(out, results);
  put_problems(out, results);
  put_counts(out, results);
}

static void put_all_clauses(FILE* out, const json_t* results, const json_t* none) {
  (void)none;
  put_matrix(out, results);
}

static void put_all_reasons(FILE* out, const json_t* results, const json_t* none) {
  (void)none;
  put_reasons(out, results);
}

bool vs_render_md(FILE* out, const json_t* results) {
  page p = {.out = out, .left = ROOM};
  if (!add(&p, put_start, results, NULL)) put_head(out, results);
  add_all(&p, results, false);
  add_all(&p, results, true);
  if (!add(&p, put_all_reasons, results, NULL)) {
    fputs("The reasons why cases were not judged do not fit here.\n\n", out);
  }
  if (!add(&p, put_all_clauses, results, NULL)) fputs("The matrix does not fit here.\n\n", out);
  fputs("Made by ", out);
  put_md(out, vs_str(results, "program"));
  fputs(", started ", out);
  put_md(out, vs_str(results, "started"));
  fputs(", seed ", out);
  put_md(out, vs_str(results, "seed"));
  fputs(", shard ", out);
  put_md(out, vs_str(results, "shard"));
  fputs(".\n", out);
  return !p.failed && fflush(out) == 0 && !ferror(out);
}
