// SPDX-License-Identifier: BSD-3-Clause
#include "matrix.h"

#include <string.h>

enum { LABEL = 38, COLUMN = 11 };  // what they have at least

// The table, and how wide it is.
typedef struct table {
  const vs_showing* of;
  int label;
  int* columns;  // of each backend
} table;

// A line of it: what stands before a column is padded when the column comes.
typedef struct row {
  const table* of;
  int padding;  // spaces owed
} row;

static row row_start(const table* t, const char* word, const char* more) {
  return (row){t, t->label - fprintf(t->of->screen->out, "%s%s", word, more)};
}

static void row_cell(row* r, size_t backend, vs_verdict verdict, const char* text) {
  const vs_showing* s = r->of->of;
  if (!vs_view_has_backend(s->view, backend)) return;
  int gap = r->padding > 0 ? r->padding : 0;
  fprintf(s->screen->out, "%*s", 2 + gap, "");
  vs_paint(s->screen, verdict, text);
  r->padding = r->of->columns[backend] - (int)strlen(text);
}

static void row_end(const table* t) {
  fputc('\n', t->of->screen->out);
}

// --- calls and clauses --------------------------------------------------------------------------

static const char* word(vs_verdict verdict) {
  if (verdict == VS_VERDICT_NOT_JUDGED) return "";
  return verdict == VS_VERDICT_UNSUPPORTED ? "-" : vs_verdict_names[verdict];
}

static const char* told(const vs_showing* s, size_t page, size_t backend, vs_verdict* worst) {
  const char* unsupported = word(VS_VERDICT_UNSUPPORTED);
  return vs_view_told(s->view, &s->view->pages.at[page], backend, unsupported, worst);
}

static void show_calls(const table* t) {
  const vs_showing* s = t->of;
  for (size_t i = 0; i < s->view->pages.count; i++) {
    row r = row_start(t, s->view->pages.at[i].name, "");
    for (size_t b = 0; b < s->count; b++) {
      vs_verdict worst;
      const char* text = told(s, i, b, &worst);
      row_cell(&r, b, worst, text);
    }
    row_end(t);
  }
}

static void show_clause(const table* t, size_t clause) {
  const vs_showing* s = t->of;
  row r = row_start(t, s->view->results->clauses.at[clause].id, "");
  for (size_t b = 0; b < s->count; b++) {
    vs_verdict verdict = vs_view_cell(s->view, clause, b);
    row_cell(&r, b, verdict, word(verdict));
  }
  row_end(t);
}

static bool is_listed(const vs_view* view, size_t clause) {
  return vs_view_has_clause(view, clause) && !vs_view_is_plain(view, clause);
}

static void show_every_clause(const table* t) {
  for (size_t i = 0; i < t->of->view->results->clauses.count; i++) {
    if (vs_view_has_clause(t->of->view, i)) show_clause(t, i);
  }
}

// By page, as the rows above them.
static void show_clauses(const table* t) {
  const vs_view* v = t->of->view;
  for (size_t i = 0; i < v->pages.count; i++) {
    for (size_t k = 0; k < v->pages.at[i].clauses.count; k++) {
      size_t clause = v->pages.at[i].clauses.at[k];
      if (is_listed(v, clause)) show_clause(t, clause);
    }
  }
}

static void show_plain(const table* t) {
  const vs_showing* s = t->of;
  size_t plain = vs_view_clauses(s->view, true);
  size_t all = vs_view_clauses(s->view, false);
  if (plain == 0) return;
  fprintf(s->screen->out, "%zu of %zu clauses pass on every backend: --full shows each\n", plain,
          all);
}

// --- sums and names -----------------------------------------------------------------------------

// Results with the verdict, on every backend that is shown.
static size_t total(const vs_showing* s, vs_verdict verdict) {
  size_t sum = 0;
  for (size_t b = 0; b < s->count; b++) {
    if (vs_view_has_backend(s->view, b)) sum += s->view->of[b].of[verdict];
  }
  return sum;
}

static void show_total(const table* t, vs_verdict verdict) {
  row r = row_start(t, "cases: ", vs_verdict_names[verdict]);
  for (size_t b = 0; b < t->of->count; b++) {
    char text[32];
    size_t count = t->of->view->of[b].of[verdict];
    snprintf(text, sizeof text, "%zu", count);
    row_cell(&r, b, count > 0 ? verdict : VS_VERDICT_NOT_JUDGED, text);
  }
  row_end(t);
}

static void show_totals(const table* t) {
  static const struct {
    vs_verdict verdict;
    bool always;
  } rows[] = {
      {VS_VERDICT_PASS, true},        {VS_VERDICT_PERMITTED, true}, {VS_VERDICT_FAIL, true},
      {VS_VERDICT_FLAKY, false},      {VS_VERDICT_KNOWN, false},    {VS_VERDICT_DISPUTED, false},
      {VS_VERDICT_UNSUPPORTED, true}, {VS_VERDICT_BROKEN, true},    {VS_VERDICT_NOT_JUDGED, false}};
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    bool shown = rows[i].always || total(t->of, rows[i].verdict) > 0;
    if (shown) show_total(t, rows[i].verdict);
  }
}

static bool is_one_profile(const vs_showing* s) {
  for (size_t b = 1; b < s->count; b++) {
    if (strcmp(s->backends[b].profile, s->backends[0].profile) != 0) return false;
  }
  return true;
}

static void show_names(const table* t) {
  const vs_showing* s = t->of;
  bool one = is_one_profile(s);
  row r = row_start(t, one ? "profile " : "backend", one ? s->backends[0].profile : "");
  for (size_t b = 0; b < s->count; b++) {
    row_cell(&r, b, VS_VERDICT_NOT_JUDGED, s->backends[b].name);
  }
  row_end(t);
  if (one) return;
  r = row_start(t, "profile", "");
  for (size_t b = 0; b < s->count; b++) {
    row_cell(&r, b, VS_VERDICT_NOT_JUDGED, s->backends[b].profile);
  }
  row_end(t);
}

// --- the whole ----------------------------------------------------------------------------------

static int wider(int width, const char* text) {
  int length = (int)strlen(text);
  return length > width ? length : width;
}

static int column_width(const vs_showing* s, size_t backend) {
  int width = wider(COLUMN, s->backends[backend].name);
  for (size_t i = 0; i < s->view->pages.count && !s->screen->full; i++) {
    vs_verdict worst;
    width = wider(width, told(s, i, backend, &worst));
  }
  return width;
}

static table table_of(const vs_showing* s) {
  table t = {s, LABEL, vs_take(&s->view->store, s->count * sizeof *t.columns)};
  for (size_t b = 0; b < s->count; b++) t.columns[b] = column_width(s, b);
  for (size_t i = 0; i < s->view->results->clauses.count; i++) {
    bool has_row = s->screen->full ? vs_view_has_clause(s->view, i) : is_listed(s->view, i);
    if (has_row) t.label = wider(t.label, s->view->results->clauses.at[i].id);
  }
  return t;
}

static void show_rows(const table* t) {
  show_names(t);
  if (t->of->screen->full) {
    show_every_clause(t);
  } else {
    show_calls(t);
    row_end(t);
    show_clauses(t);
    show_plain(t);
  }
  row_end(t);
  show_totals(t);
  row_end(t);
}

void vs_show_matrix(const vs_showing* showing) {
  bool any = false;
  for (size_t b = 0; b < showing->count; b++) any |= vs_view_has_backend(showing->view, b);
  if (!any || showing->view->results->counts.expected == 0) return;
  const table t = table_of(showing);
  show_rows(&t);
}
