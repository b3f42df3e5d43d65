// SPDX-License-Identifier: BSD-3-Clause
#include "show.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

vs_screen vs_screen_of(FILE* out) {
  const char* none = getenv("NO_COLOR");
  const char* term = getenv("TERM");
  bool wanted = (none == NULL || none[0] == '\0') && term != NULL && strcmp(term, "dumb") != 0;
  return (vs_screen){out, wanted && isatty(fileno(out)) == 1};
}

// --- one result ---------------------------------------------------------------------------------

static const char* colour_of(vs_verdict verdict) {
  static const char* const colours[VS_VERDICT_COUNT] = {
      [VS_VERDICT_PASS] = "32",     [VS_VERDICT_PERMITTED] = "32", [VS_VERDICT_FAIL] = "1;31",
      [VS_VERDICT_FLAKY] = "1;31",  [VS_VERDICT_BROKEN] = "1;35",  [VS_VERDICT_KNOWN] = "33",
      [VS_VERDICT_DISPUTED] = "33", [VS_VERDICT_CUT_SHORT] = "33", [VS_VERDICT_UNSUPPORTED] = "2",
  };
  return colours[verdict];
}

static void paint(const vs_screen* s, vs_verdict verdict, const char* word) {
  const char* colour = s->colours && word[0] != '\0' ? colour_of(verdict) : NULL;
  if (colour == NULL) {
    fputs(word, s->out);
  } else {
    fprintf(s->out, "\033[%sm%s\033[0m", colour, word);
  }
}

static const json_t* last_op(const json_t* failure) {
  const json_t* ops = json_object_get(failure, "ops");
  return json_array_get(ops, json_array_size(ops) - 1);
}

// "33  T0: ..." without the number.
static const char* without_number(const char* op) {
  op += strspn(op, "0123456789");
  return op + strspn(op, " ");
}

char* vs_show_alike_key(const json_t* result) {
  const json_t* failure = json_object_get(result, "failure");
  const char* op = json_string_value(last_op(failure));
  const char* clause = vs_results_text(failure, "clause");
  char* key = NULL;
  if (op == NULL || clause == NULL || !json_is_integer(json_object_get(failure, "op"))) return NULL;
  int length =
      asprintf(&key, "%" JSON_INTEGER_FORMAT "\n%s\n%s\n%s\n%s",
               json_integer_value(json_object_get(result, "backend")), clause, without_number(op),
               vs_results_text(failure, "allowed"), vs_results_text(failure, "got"));
  return length >= 0 ? key : NULL;
}

static void show_ops(FILE* out, const json_t* failure) {
  const json_t* ops = json_object_get(failure, "ops");
  size_t i;
  const json_t* op;
  json_array_foreach(ops, i, op) {
    const char* text = json_string_value(op);
    size_t digits = strspn(text, "0123456789");
    bool last = i + 1 == json_array_size(ops);
    if (digits == 0) {
      fprintf(out, "           %s\n", text);
    } else {
      fprintf(out, "  %s %4.*s  %s\n", last ? "->" : "  ", (int)digits, text, without_number(text));
    }
  }
}

// Of a failure, or of a result: those that are, or are not, of its standard error.
static void show_remarks(FILE* out, const json_t* of, bool errors) {
  size_t i;
  const json_t* remark;
  json_array_foreach(json_object_get(of, "remarks"), i, remark) {
    const char* text = json_string_value(remark);
    size_t word = strcspn(text, " ");
    if (errors != (strncmp(text, "stderr", 6) == 0)) continue;
    fprintf(out, "  %-8.*s%s\n", (int)word, text, text + word);
  }
}

static void show_failure(FILE* out, const json_t* failure) {
  const char* clause = vs_results_text(failure, "clause");
  if (clause != NULL) {
    fprintf(out, "  clause   %s\n           %s\n", clause, vs_results_text(failure, "sentence"));
  }
  if (json_is_null(json_object_get(failure, "op"))) return;
  fputs("  ops\n", out);
  show_ops(out, failure);
  fprintf(out, "  allowed  %s\n  got      %s\n", vs_results_text(failure, "allowed"),
          vs_results_text(failure, "got"));
  show_remarks(out, failure, false);
}

// A failure that was expected: it was told in full when it was new.
static void show_expected(const vs_screen* s, const json_t* result, const char* backend) {
  const json_t* expectation = json_object_get(result, "expectation");
  const char* link = vs_results_text(expectation, "link");
  vs_verdict shown = vs_results_shown(result);
  paint(s, shown, vs_verdict_names[shown]);
  fprintf(s->out, " %s on %s: %s", vs_results_text(result, "case"), backend,
          vs_results_text(expectation, "reason"));
  if (link != NULL) fprintf(s->out, " (%s)", link);
  fputc('\n', s->out);
}

void vs_show_result(const vs_screen* screen, const json_t* result, const char* backend,
                    const char* same_as) {
  FILE* out = screen->out;
  vs_verdict verdict = vs_results_shown(result);
  const char* note = vs_results_text(result, "note");
  const char* command = vs_results_text(result, "command");
  if (verdict == VS_VERDICT_KNOWN || verdict == VS_VERDICT_DISPUTED) {
    show_expected(screen, result, backend);
    return;
  }
  if (!vs_verdict_is_failure(verdict) && verdict != VS_VERDICT_BROKEN) return;
  paint(screen, verdict, vs_verdict_names[verdict]);
  fprintf(out, " %s on %s: %s\n", vs_results_text(result, "case"), backend,
          vs_results_text(result, "title"));
  if (same_as != NULL) {
    fprintf(out, "  same     as %s: the same op, answered in the same way\n", same_as);
  } else {
    const json_t* failure = json_object_get(result, "failure");
    if (json_is_object(failure)) show_failure(out, failure);
    if (note[0] != '\0') fprintf(out, "  because  %s\n", note);
    show_remarks(out, json_is_object(failure) ? failure : result, true);
  }
  if (command != NULL) fprintf(out, "  again    %s\n", command);
  fputc('\n', out);
}

// --- the matrix ---------------------------------------------------------------------------------

enum { CLAUSE_WIDTH = 38, COLUMN = 11, TEXT = 160 };

// What is shown: the tree, what was made of it, and where.
typedef struct view {
  const vs_screen* screen;
  const json_t* results;
  const json_t* backends;
  vs_matrix matrix;
} view;

static const char* name_of(const view* v, size_t backend) {
  return vs_results_text(json_array_get(v->backends, backend), "name");
}

static bool is_ready(const view* v, size_t backend) {
  const char* state = vs_results_text(json_array_get(v->backends, backend), "state");
  return strcmp(state, "ready") == 0;
}

static size_t judged_on(const view* v, size_t backend) {
  size_t judged = 0;
  for (vs_verdict i = 0; i < VS_VERDICT_COUNT; i++) {
    bool counts = i == VS_VERDICT_KNOWN || i == VS_VERDICT_DISPUTED || vs_results_is_judged(i);
    if (counts) judged += v->matrix.totals[backend][i];
  }
  return judged;
}

static bool is_shown(const view* v, size_t backend) {
  return is_ready(v, backend) || judged_on(v, backend) > 0;
}

// A line of the matrix: what stands before a column is padded when the column comes.
typedef struct row {
  const view* view;
  int padding;  // spaces owed
} row;

__attribute__((format(printf, 2, 3))) static row row_start(const view* v, const char* format, ...) {
  va_list arguments;
  va_start(arguments, format);
  int length = vfprintf(v->screen->out, format, arguments);
  va_end(arguments);
  return (row){v, CLAUSE_WIDTH - length};
}

static void row_cell(row* r, size_t backend, vs_verdict verdict, const char* text) {
  int width = (int)strlen(name_of(r->view, backend));
  if (width < COLUMN) width = COLUMN;
  int gap = r->padding > 0 ? r->padding : 0;
  fprintf(r->view->screen->out, "%*s", 2 + gap, "");
  paint(r->view->screen, verdict, text);
  r->padding = width - (int)strlen(text);
}

static void row_end(const view* v) {
  fputc('\n', v->screen->out);
}

static bool row_is_empty(const view* v, size_t clause) {
  for (size_t b = 0; b < v->matrix.backends; b++) {
    if (vs_matrix_at(&v->matrix, clause, b) != VS_VERDICT_NOT_JUDGED) return false;
  }
  return true;
}

static const char* word(vs_verdict verdict) {
  if (verdict == VS_VERDICT_NOT_JUDGED) return "";
  return verdict == VS_VERDICT_UNSUPPORTED ? "-" : vs_verdict_names[verdict];
}

static void show_clauses(const view* v) {
  size_t i;
  const json_t* clause;
  json_array_foreach(json_object_get(v->results, "clauses"), i, clause) {
    if (row_is_empty(v, i)) continue;
    row r = row_start(v, "%s", vs_results_text(clause, "id"));
    for (size_t b = 0; b < v->matrix.backends; b++) {
      vs_verdict verdict = vs_matrix_at(&v->matrix, i, b);
      if (is_shown(v, b)) row_cell(&r, b, verdict, word(verdict));
    }
    row_end(v);
  }
}

// Results with the verdict, on every backend that is shown.
static size_t total(const view* v, vs_verdict verdict) {
  size_t sum = 0;
  for (size_t b = 0; b < v->matrix.backends; b++) {
    if (is_shown(v, b)) sum += v->matrix.totals[b][verdict];
  }
  return sum;
}

static void show_totals(const view* v) {
  static const struct {
    vs_verdict verdict;
    bool always;
  } rows[] = {
      {VS_VERDICT_PASS, true},        {VS_VERDICT_PERMITTED, true}, {VS_VERDICT_FAIL, true},
      {VS_VERDICT_FLAKY, false},      {VS_VERDICT_KNOWN, false},    {VS_VERDICT_DISPUTED, false},
      {VS_VERDICT_UNSUPPORTED, true}, {VS_VERDICT_BROKEN, true},    {VS_VERDICT_NOT_JUDGED, false}};
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    vs_verdict verdict = rows[i].verdict;
    if (!rows[i].always && total(v, verdict) == 0) continue;
    row r = row_start(v, "cases: %s", vs_verdict_names[verdict]);
    for (size_t b = 0; b < v->matrix.backends; b++) {
      char text[32];
      size_t count = v->matrix.totals[b][verdict];
      snprintf(text, sizeof text, "%zu", count);
      if (is_shown(v, b)) row_cell(&r, b, count > 0 ? verdict : VS_VERDICT_NOT_JUDGED, text);
    }
    row_end(v);
  }
}

// The profile of every backend, or NULL where they differ.
static const char* one_profile(const view* v) {
  const char* first = vs_results_text(json_array_get(v->backends, 0), "profile");
  for (size_t b = 1; b < v->matrix.backends; b++) {
    const char* profile = vs_results_text(json_array_get(v->backends, b), "profile");
    if (strcmp(profile, first) != 0) return NULL;
  }
  return first;
}

static void show_names(const view* v) {
  const char* profile = one_profile(v);
  row r = profile != NULL ? row_start(v, "profile %s", profile) : row_start(v, "backend");
  for (size_t b = 0; b < v->matrix.backends; b++) {
    if (is_shown(v, b)) row_cell(&r, b, VS_VERDICT_NOT_JUDGED, name_of(v, b));
  }
  row_end(v);
  if (profile != NULL) return;
  r = row_start(v, "profile");
  for (size_t b = 0; b < v->matrix.backends; b++) {
    const char* own = vs_results_text(json_array_get(v->backends, b), "profile");
    if (is_shown(v, b)) row_cell(&r, b, VS_VERDICT_NOT_JUDGED, own);
  }
  row_end(v);
}

// --- below the matrix ---------------------------------------------------------------------------

// Lines of which each tells of several results: from backend and text to {count, first}.
static bool take_note(json_t* notes, const json_t* result) {
  char key[TEXT * 4];
  json_int_t backend = json_integer_value(json_object_get(result, "backend"));
  snprintf(key, sizeof key, "%" JSON_INTEGER_FORMAT " %s", backend,
           vs_results_text(result, "note"));
  json_t* note = json_object_get(notes, key);
  if (note == NULL) {
    note = json_pack("{s:i, s:O, s:o}", "count", 0, "result", result, "backend",
                     json_integer(backend));
    if (json_object_set_new(notes, key, note) != 0) return false;
  }
  json_t* count = json_object_get(note, "count");
  return json_integer_set(count, json_integer_value(count) + 1) == 0;
}

// Cases that could not be judged, with one line a reason.
static bool show_unsupported(const view* v) {
  json_t* notes = json_object();
  bool good = notes != NULL;
  size_t i;
  const json_t* result;
  json_array_foreach(json_object_get(v->results, "results"), i, result) {
    if (vs_results_shown(result) != VS_VERDICT_UNSUPPORTED) continue;
    good = good && take_note(notes, result);
  }
  const char* key;
  const json_t* note;
  json_object_foreach(notes, key, note) {
    const json_t* first = json_object_get(note, "result");
    json_int_t same = json_integer_value(json_object_get(note, "count"));
    size_t backend = (size_t)json_integer_value(json_object_get(note, "backend"));
    fprintf(v->screen->out, "%s: %" JSON_INTEGER_FORMAT " case%s unsupported (%s%s): %s\n",
            name_of(v, backend), same, same == 1 ? "" : "s", vs_results_text(first, "case"),
            same == 1 ? "" : ", ...", vs_results_text(first, "note"));
  }
  json_decref(notes);
  return good;
}

static bool take_latitudes(json_t* used, const json_t* result) {
  size_t i;
  const json_t* latitude;
  json_array_foreach(json_object_get(result, "latitudes"), i, latitude) {
    if (json_object_set_new(used, json_string_value(latitude), json_true()) != 0) return false;
  }
  return true;
}

// In the order of the table, as far as this program knows them.
static void list_latitudes(const view* v, size_t backend, json_t* used) {
  if (json_object_size(used) == 0) return;
  fprintf(v->screen->out, "%s is permitted by:", name_of(v, backend));
  for (size_t code = 0; code < VS_LATITUDE_COUNT; code++) {
    if (json_object_del(used, vs_latitudes[code].id) == 0)
      fprintf(v->screen->out, " %s", vs_latitudes[code].id);
  }
  const char* other;
  const json_t* value;
  json_object_foreach(used, other, value) {
    fprintf(v->screen->out, " %s", other);
  }
  row_end(v);
}

static bool show_latitudes(const view* v) {
  bool good = true;
  for (size_t b = 0; b < v->matrix.backends && good; b++) {
    json_t* used = json_object();
    size_t i;
    const json_t* result;
    json_array_foreach(json_object_get(v->results, "results"), i, result) {
      bool own = (size_t)json_integer_value(json_object_get(result, "backend")) == b;
      if (own) good &= take_latitudes(used, result);
    }
    list_latitudes(v, b, used);
    json_decref(used);
  }
  return good;
}

static void show_absent(const view* v) {
  for (size_t b = 0; b < v->matrix.backends; b++) {
    const json_t* backend = json_array_get(v->backends, b);
    bool absent = strcmp(vs_results_text(backend, "state"), "absent") == 0;
    if (is_ready(v, b)) continue;
    fprintf(v->screen->out, "%s was not judged: %s%s\n", name_of(v, b),
            vs_results_text(backend, "reason"), absent ? "" : " (error)");
  }
}

// Results of backends that could be opened, or of those that could not.
static size_t missing(const view* v, vs_verdict verdict, bool ready) {
  size_t sum = 0;
  for (size_t b = 0; b < v->matrix.backends; b++) {
    if (is_ready(v, b) == ready) sum += v->matrix.totals[b][verdict];
  }
  return sum;
}

// Of all backends, also those that could not be opened.
static void show_counts(const view* v) {
  const struct {
    size_t count;
    const char* words;
  } sorts[] = {
      {missing(v, VS_VERDICT_UNSUPPORTED, true) + missing(v, VS_VERDICT_UNSUPPORTED, false),
       "unsupported"},
      {missing(v, VS_VERDICT_BROKEN, true) + missing(v, VS_VERDICT_BROKEN, false), "broken"},
      {missing(v, VS_VERDICT_NOT_JUDGED, true), "not reached"},
      {missing(v, VS_VERDICT_NOT_JUDGED, false), "for want of the backend"},
  };
  const char* separator = " (";
  fprintf(v->screen->out, "expected %zu, judged %zu, not judged %zu",
          vs_results_count(v->results, "expected"), vs_results_count(v->results, "judged"),
          vs_results_count(v->results, "not_judged"));
  for (size_t i = 0; i < sizeof sorts / sizeof sorts[0]; i++) {
    if (sorts[i].count == 0) continue;
    fprintf(v->screen->out, "%s%zu %s", separator, sorts[i].count, sorts[i].words);
    separator = ", ";
  }
  fprintf(v->screen->out, "%s\n", separator[0] == ',' ? ")" : "");
}

static bool any_shown(const view* v) {
  for (size_t b = 0; b < v->matrix.backends; b++) {
    if (is_shown(v, b)) return true;
  }
  return false;
}

bool vs_show_matrix(const vs_screen* screen, const json_t* results, bool counts) {
  view v = {screen, results, json_object_get(results, "backends"), {0}};
  if (!vs_matrix_make(results, &v.matrix)) return false;
  if (any_shown(&v) && vs_results_count(results, "expected") > 0) {
    show_names(&v);
    show_clauses(&v);
    row_end(&v);
    show_totals(&v);
    row_end(&v);
  }
  bool good = show_latitudes(&v) && show_unsupported(&v);
  show_absent(&v);
  if (counts || vs_results_count(results, "not_judged") > 0) show_counts(&v);
  const char* seed = vs_results_text(results, "seed");
  if (strcmp(seed, "0") != 0) fprintf(screen->out, "seed %s\n", seed);
  vs_matrix_free(&v.matrix);
  return good;
}

// --- expectations and the end -------------------------------------------------------------------

static const char* plural(size_t count) {
  return count == 1 ? "" : "s";
}

void vs_show_expectations(const vs_screen* screen, const json_t* results) {
  const json_t* all = json_object_get(results, "expectations");
  const json_t* stale = json_object_get(all, "stale");
  const char* file = vs_results_text(all, "file");
  size_t i;
  const json_t* one;
  if (!json_is_object(all)) return;
  json_array_foreach(stale, i, one) {
    fprintf(screen->out, "%s:%" JSON_INTEGER_FORMAT ": stale (%s): %s: %s\n", file,
            json_integer_value(json_object_get(one, "line")), vs_results_text(one, "problem"),
            vs_results_text(one, "entry"), vs_results_text(one, "explanation"));
  }
  size_t known = (size_t)json_integer_value(json_object_get(all, "known"));
  size_t disputed = (size_t)json_integer_value(json_object_get(all, "disputed"));
  size_t bare = (size_t)json_integer_value(json_object_get(all, "without_reason"));
  fprintf(screen->out, "%s: %zu known failure%s, %zu disputed, %zu stale\n", file, known,
          plural(known), disputed, json_array_size(stale));
  if (bare == 0) return;
  fprintf(screen->out, "%s: %zu entr%s no reason yet: put one in the place of the '?'\n", file,
          bare, bare == 1 ? "y has" : "ies have");
}

static void show_lines(FILE* out, const json_t* list) {
  size_t i;
  const json_t* line;
  json_array_foreach(list, i, line) {
    fprintf(out, "%s\n", json_string_value(line));
  }
}

void vs_show_exit(const vs_screen* screen, const json_t* results) {
  const json_t* end = json_object_get(results, "exit");
  json_int_t status = json_integer_value(json_object_get(end, "status"));
  show_lines(screen->out, json_object_get(results, "missing"));
  show_lines(screen->out, json_object_get(end, "remarks"));
  if (status <= 1) return;
  fprintf(screen->out, "%s: exit status %" JSON_INTEGER_FORMAT "\n", vs_results_text(end, "why"),
          status);
}
