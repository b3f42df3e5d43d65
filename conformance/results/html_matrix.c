// SPDX-License-Identifier: BSD-3-Clause
// Tables with a column a backend: clauses, and cases.
#include <string.h>

#include "html.h"

static void put_table_start(FILE* out, const json_t* results, const char* id, const char* what) {
  size_t i = 0;
  json_t* backend = NULL;
  fprintf(
      out,
      "<div class=\"scroll tall\" tabindex=\"0\" role=\"region\" aria-labelledby=\"%s-title\">\n"
      "<table class=\"matrix\"><thead><tr><th scope=\"col\">%s</th>",
      id, what);
  json_array_foreach(json_object_get(results, "backends"), i, backend) {
    fprintf(out, "<th scope=\"col\" data-b=\"%zu\"><code>", i);
    vs_html_name(out, vs_str(backend, "name"));
    fputs("</code></th>", out);
  }
  fputs("</tr></thead>\n<tbody>\n", out);
}

static void put_table_end(FILE* out) {
  fputs("</tbody></table></div>\n</section>\n", out);
}

// `link` is the number of the result that tells more; 0: nothing does.
static void put_cell(FILE* out, size_t backend, vs_verdict verdict, size_t link) {
  fprintf(out, "<td data-b=\"%zu\" data-v=\"%s\">", backend, vs_html_class(verdict));
  if (link > 0) fprintf(out, "<a href=\"#r%zu\">", link);
  vs_html_verdict(out, verdict);
  fputs(link > 0 ? "</a></td>" : "</td>", out);
}

static void put_empty(FILE* out, size_t backend) {
  fprintf(out,
          "<td data-b=\"%zu\" data-v=\"\"><span class=\"unseen\">no case judges it</span></td>",
          backend);
}

// --- clauses ----------------------------------------------------------------------------------

// "write_state.errors." is the same in many rows: it stands back.
static void put_clause(FILE* out, const json_t* clause) {
  const char* id = vs_str(clause, "id");
  const char* last = strrchr(id, '.');
  size_t stem = last != NULL ? (size_t)(last - id) + 1 : 0;
  char before[256];
  snprintf(before, sizeof before, "%.*s", (int)stem, id);
  vs_trim(before);
  fputs("<th scope=\"row\"><code><span class=\"stem\">", out);
  vs_html_name(out, before);
  fputs("</span>", out);
  vs_html_name(out, id + strlen(before));
  fputs("</code><span class=\"sentence\">", out);
  vs_html(out, vs_str(clause, "sentence"));
  fputs("</span></th>", out);
}

static bool is_row_empty(const vs_matrix* matrix, size_t clause) {
  for (size_t b = 0; b < matrix->backends; b++) {
    if (vs_matrix_at(matrix, clause, b) != VS_VERDICT_NOT_JUDGED) return false;
  }
  return true;
}

static bool says_fail(const json_t* result, const char* clause) {
  const char* word = vs_str(json_object_get(result, "says"), clause);
  return strcmp(word, "fail") == 0 || strcmp(word, "flaky") == 0;
}

// The first failure of the clause on the backend that is shown as this verdict; 0: there is none.
static size_t failure_of(const json_t* results, const char* clause, size_t backend,
                         vs_verdict verdict) {
  size_t i = 0;
  json_t* result = NULL;
  bool failed = vs_verdict_is_failure(verdict) || verdict == VS_VERDICT_KNOWN ||
                verdict == VS_VERDICT_DISPUTED;
  if (!failed) return 0;
  json_array_foreach(json_object_get(results, "results"), i, result) {
    bool here = vs_num(result, "backend") == backend && vs_results_shown(result) == verdict;
    if (here && says_fail(result, clause)) return i + 1;
  }
  return 0;
}

static bool is_ready(const json_t* results, size_t backend) {
  return vs_is(json_array_get(json_object_get(results, "backends"), backend), "state", "ready");
}

static void put_clause_row(FILE* out, const json_t* results, const vs_matrix* matrix, size_t row) {
  const json_t* clause = json_array_get(json_object_get(results, "clauses"), row);
  if (is_row_empty(matrix, row)) return;
  fputs("<tr data-row=\"clause\">", out);
  put_clause(out, clause);
  for (size_t b = 0; b < matrix->backends; b++) {
    vs_verdict verdict = vs_matrix_at(matrix, row, b);
    if (verdict == VS_VERDICT_NOT_JUDGED && is_ready(results, b)) {
      put_empty(out, b);
    } else {
      put_cell(out, b, verdict, failure_of(results, vs_str(clause, "id"), b, verdict));
    }
  }
  fputs("</tr>\n", out);
}

bool vs_html_matrix(FILE* out, const json_t* results) {
  vs_matrix matrix;
  if (!vs_matrix_make(results, &matrix)) return false;
  fputs("<section id=\"matrix\">\n<h2 id=\"matrix-title\">Clauses</h2>\n", out);
  put_table_start(out, results, "matrix", "clause");
  for (size_t c = 0; c < matrix.clauses; c++) put_clause_row(out, results, &matrix, c);
  put_table_end(out);
  vs_matrix_free(&matrix);
  return true;
}

// --- cases ------------------------------------------------------------------------------------

// From case to {column: number of the result}. NULL: no memory.
static json_t* by_case(const json_t* results) {
  json_t* cases = json_object();
  size_t i = 0;
  json_t* result = NULL;
  bool good = cases != NULL;
  json_array_foreach(json_object_get(results, "results"), i, result) {
    char column[32];
    const char* id = vs_str(result, "case");
    if (good && json_object_get(cases, id) == NULL) {
      good = json_object_set_new(cases, id, json_object()) == 0;
    }
    snprintf(column, sizeof column, "%zu", vs_num(result, "backend"));
    json_t* number = json_integer((json_int_t)i + 1);
    good = json_object_set_new(json_object_get(cases, id), column, number) == 0 && good;
  }
  if (good) return cases;
  json_decref(cases);
  return NULL;
}

static const json_t* first_of(const json_t* results, json_t* columns) {
  const json_t* number = json_object_iter_value(json_object_iter(columns));
  size_t i = (size_t)json_integer_value(number);
  return json_array_get(json_object_get(results, "results"), i - 1);
}

static void put_case_cell(FILE* out, const json_t* results, size_t backend, size_t number) {
  const json_t* result = json_array_get(json_object_get(results, "results"), number - 1);
  if (number == 0) {
    put_empty(out, backend);
  } else {
    put_cell(out, backend, vs_results_shown(result), vs_is_failure(result) ? number : 0);
  }
}

static void put_case_row(FILE* out, const json_t* results, const char* id, json_t* columns) {
  size_t count = json_array_size(json_object_get(results, "backends"));
  fputs("<tr data-row=\"case\"><th scope=\"row\"><code>", out);
  vs_html_name(out, id);
  fputs("</code><span class=\"sentence\">", out);
  vs_html(out, vs_str(first_of(results, columns), "title"));
  fputs("</span></th>", out);
  for (size_t b = 0; b < count; b++) {
    char column[32];
    snprintf(column, sizeof column, "%zu", b);
    put_case_cell(out, results, b, vs_num(columns, column));
  }
  fputs("</tr>\n", out);
}

bool vs_html_cases(FILE* out, const json_t* results) {
  json_t* cases = by_case(results);
  const char* id = NULL;
  json_t* columns = NULL;
  if (cases == NULL) return false;
  fputs("<section id=\"cases\">\n<h2 id=\"cases-title\">Cases</h2>\n", out);
  put_table_start(out, results, "cases", "case");
  json_object_foreach(cases, id, columns) {
    put_case_row(out, results, id, columns);
  }
  put_table_end(out);
  json_decref(cases);
  return true;
}

// --- what was not judged ----------------------------------------------------------------------

static void put_reason(FILE* out, const json_t* results, const json_t* reason) {
  const json_t* cases = json_object_get(reason, "cases");
  vs_verdict verdict = vs_results_verdict(vs_str(reason, "verdict"));
  size_t i = 0;
  json_t* id = NULL;
  fprintf(out,
          "<details class=\"reason\" data-row=\"reason\" data-b=\"%zu\" data-v=\"%s\"><summary>",
          vs_num(reason, "backend"), vs_html_class(verdict));
  vs_html_verdict(out, verdict);
  fprintf(out, " <b>%zu</b> on <code>", json_array_size(cases));
  vs_html_name(out, vs_backend_name(results, reason));
  fputs("</code>: ", out);
  vs_html(out, vs_str(reason, "note"));
  fputs("</summary>\n<p class=\"names\">", out);
  json_array_foreach(cases, i, id) {
    fputs("<code>", out);
    vs_html(out, json_string_value(id));
    fputs("</code> ", out);
  }
  fputs("</p></details>\n", out);
}

bool vs_html_reasons(FILE* out, const json_t* results) {
  json_t* reasons = vs_reasons_of(results);
  size_t i = 0;
  json_t* reason = NULL;
  if (reasons == NULL) return false;
  fputs("<section id=\"reasons\">\n<h2>Not judged, and why</h2>\n", out);
  json_array_foreach(reasons, i, reason) {
    put_reason(out, results, reason);
  }
  if (i == 0) fputs("<p class=\"none\">Everything that was asked for was judged.</p>\n", out);
  fputs("</section>\n", out);
  json_decref(reasons);
  return true;
}
