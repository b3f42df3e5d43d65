// SPDX-License-Identifier: BSD-3-Clause
#include "view.h"

#include <string.h>

const char* vs_or_empty(const char* text) {
  return text != NULL ? text : "";
}

// --- one result ---------------------------------------------------------------------------------

const vs_column* vs_backend_of(const vs_view* view, const vs_result* result) {
  return &view->results->backends.at[result->backend];
}

const vs_failure_told* vs_failure_of(const vs_result* result) {
  static const vs_failure_told none = {.sentence = "", .op = VS_NONE, .allowed = "", .got = ""};
  return result->failure != NULL ? result->failure : &none;
}

const char* vs_clause_of(const vs_result* result) {
  const char* broken = vs_or_empty(vs_failure_of(result)->clause);
  return broken[0] != '\0' || result->clauses.count == 0 ? broken : result->clauses.at[0];
}

const char* vs_sentence_of(const vs_view* view, const vs_result* result) {
  const char* own = vs_failure_of(result)->sentence;
  const vs_results* all = view->results;
  for (size_t i = 0; i < all->clauses.count && own[0] == '\0'; i++) {
    bool same = strcmp(all->clauses.at[i].id, vs_clause_of(result)) == 0;
    if (same) return all->clauses.at[i].sentence;
  }
  return own;
}

const char* vs_suite_of(vs_store* store, const char* id) {
  static const char plain[] = "abcdefghijklmnopqrstuvwxyz0123456789_";
  size_t first = strspn(id, plain);
  size_t second = id[first] == '.' ? strspn(id + first + 1, plain) : 0;
  bool whole = second > 0 && id[first + 1 + second] == '\0' && first > 0;
  if (!whole || strcmp(id + first, ".vcpu") == 0) return NULL;
  return vs_said(store, "%.*s", (int)first, id);
}

const char* vs_excuse(vs_view* view, const vs_result* result) {
  const vs_expected* e = result->expectation;
  if (e == NULL) return "";
  const char* link = vs_or_empty(e->link);
  return vs_said(&view->store, "%s%s%s%s%s%s", vs_expected_states[e->state],
                 e->reason[0] ? ": " : "", e->reason, link[0] ? " (" : "", link,
                 link[0] ? ")" : "");
}

// --- sums ---------------------------------------------------------------------------------------

static void count_in(vs_tally* tally, const vs_result* result) {
  vs_verdict shown = vs_result_shown(result);
  bool excused = shown == VS_VERDICT_KNOWN || shown == VS_VERDICT_DISPUTED;
  tally->all++;
  tally->of[shown]++;
  tally->excused += excused;
  tally->failed += vs_verdict_is_failure(shown);
  tally->unknown += result->failure != NULL && result->expectation == NULL;
  tally->judged += excused || vs_verdict_is_judged(shown);
  tally->skipped += excused || shown == VS_VERDICT_UNSUPPORTED || shown == VS_VERDICT_NOT_JUDGED;
  tally->seconds += result->seconds;
}

const char* vs_headline(const vs_view* view) {
  if (view->results->interrupted) return "stopped before its end";
  if (view->all.failed > 0) return "does not conform";
  if (view->all.judged == 0) return "nothing was judged";
  if (view->results->end.status != 0) return "not all is well";
  return view->all.excused > 0 ? "fails only as expected" : "conforms";
}

// --- tables -------------------------------------------------------------------------------------

vs_verdict vs_view_cell(const vs_view* view, size_t clause, size_t backend) {
  return view->cells[clause * view->results->backends.count + backend];
}

bool vs_view_has_clause(const vs_view* view, size_t clause) {
  for (size_t b = 0; b < view->results->backends.count; b++) {
    if (vs_view_cell(view, clause, b) != VS_VERDICT_NOT_JUDGED) return true;
  }
  return false;
}

const vs_result* vs_view_find(const vs_view* view, const char* id, size_t backend) {
  size_t row;
  if (backend >= view->results->backends.count || !vs_index_find(&view->cases, id, &row))
    return NULL;
  return view->grid[row * view->results->backends.count + backend];
}

static void fill_cells(vs_view* v) {
  vs_index clauses = {0};
  size_t row;
  size_t columns = v->results->backends.count;
  for (size_t i = 0; i < v->results->clauses.count; i++) {
    vs_index_add(&clauses, v->results->clauses.at[i].id, &row);
  }
  v->cells = vs_take(&v->store, v->results->clauses.count * columns * sizeof *v->cells);
  for (size_t i = 0; i < v->results->results.count; i++) {
    const vs_result* one = &v->results->results.at[i];
    for (size_t k = 0; k < one->says.count; k++) {
      if (!vs_index_find(&clauses, one->says.at[k].clause, &row)) continue;
      vs_verdict says = vs_result_shown_as(one, one->says.at[k].verdict);
      vs_verdict* cell = &v->cells[row * columns + one->backend];
      *cell = vs_verdict_worse(*cell, says);
    }
  }
  vs_index_free(&clauses);
}

static void fill_grid(vs_view* v) {
  size_t row;
  size_t count = v->results->results.count;
  size_t columns = v->results->backends.count;
  v->of = vs_take(&v->store, columns * sizeof *v->of);
  for (size_t i = 0; i < count; i++) vs_index_add(&v->cases, v->results->results.at[i].id, &row);
  v->grid = vs_take(&v->store, v->cases.count * columns * sizeof(const vs_result*));
  for (size_t i = 0; i < count; i++) {
    const vs_result* one = &v->results->results.at[i];
    vs_index_find(&v->cases, one->id, &row);
    v->grid[row * columns + one->backend] = one;
    count_in(&v->all, one);
    count_in(&v->of[one->backend], one);
  }
}

// --- why not ------------------------------------------------------------------------------------

static bool has_reason(vs_verdict verdict) {
  return verdict == VS_VERDICT_UNSUPPORTED || verdict == VS_VERDICT_NOT_JUDGED ||
         verdict == VS_VERDICT_BROKEN;
}

// Those of one backend and verdict together, in the order in which they come.
static void find_reasons(vs_view* v) {
  vs_index groups = {0};
  vs_index notes = {0};
  VS_LIST(vs_reason) found = {0};
  for (size_t i = 0; i < v->results->results.count; i++) {
    size_t group;
    size_t number;
    const vs_result* one = &v->results->results.at[i];
    if (!has_reason(one->verdict)) continue;
    vs_index_add(&groups, vs_said(&v->store, "%zu %d", one->backend, (int)one->verdict), &group);
    if (vs_index_add(&notes, vs_said(&v->store, "%zu %s", group, one->note), &number)) {
      vs_reason* reason = vs_grow(&v->store, &found, sizeof *reason);
      *reason = (vs_reason){one->backend, one->verdict, one->note, {0}, group};
    }
    vs_add(&v->store, &found.at[number].cases, one->id);
  }
  for (size_t group = 0; group < groups.count; group++) {
    for (size_t i = 0; i < found.count; i++) {
      if (found.at[i].group != group) continue;
      vs_reason* reason = vs_grow(&v->store, &v->reasons, sizeof *reason);
      *reason = found.at[i];
    }
  }
  vs_index_free(&groups);
  vs_index_free(&notes);
}

// --- problems -----------------------------------------------------------------------------------

static void add_problem(vs_view* v, const char* kind, const char* name, const char* text) {
  vs_problem* problem = vs_grow(&v->store, &v->problems, sizeof *problem);
  *problem = (vs_problem){kind, name, text};
}

static void look_at_backend(vs_view* v, size_t i) {
  const vs_column* b = &v->results->backends.at[i];
  bool idle = v->of[i].all > 0 && v->of[i].judged == 0;
  bool missed = b->required && (b->state != VS_TARGET_READY || idle);
  if (b->state != VS_TARGET_BROKEN && !missed) return;
  const char* how = b->required ? "required, and could not be judged" : "could not be judged";
  const char* why = b->reason[0] != '\0' ? b->reason : "no case could be judged on it";
  add_problem(v, "backend", b->name, vs_said(&v->store, "%s: %s", how, why));
}

static void find_problems(vs_view* v) {
  const vs_results* all = v->results;
  const vs_expectations_told* e = all->expectations;
  if (all->interrupted) {
    add_problem(v, "interrupted", "the run was stopped before its end",
                vs_said(&v->store, "%zu of %zu results were judged", all->counts.judged,
                        all->counts.expected));
  }
  for (size_t i = 0; i < all->backends.count; i++) look_at_backend(v, i);
  for (size_t i = 0; e != NULL && i < e->stale.count; i++) {
    const vs_stale* s = &e->stale.at[i];
    add_problem(v, "expectation", s->entry,
                vs_said(&v->store, "%s:%zu: %s: %s", e->file, s->line,
                        vs_expect_problems[s->problem], s->explanation));
  }
  // A run that ends badly, and no case or problem says why.
  bool fails = all->end.status == 1 && v->all.failed > 0;
  if (all->end.status == 0 || v->problems.count > 0 || fails) return;
  add_problem(v, "run", "the run as a whole", all->end.why);
}

vs_view vs_view_of(const vs_results* results) {
  vs_view v = {.results = results};
  fill_grid(&v);
  fill_cells(&v);
  find_reasons(&v);
  find_problems(&v);
  return v;
}

void vs_view_free(vs_view* view) {
  vs_index_free(&view->cases);
  vs_store_free(&view->store);
}
