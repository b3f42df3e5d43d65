// SPDX-License-Identifier: BSD-3-Clause
#include "view.h"

#include <string.h>

#include "exit.h"
#include "pages.h"

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

static bool ended_between_calls(const vs_result* result) {
  const vs_failure_told* f = vs_failure_of(result);
  return f->ended != NULL && f->op == VS_NONE;
}

const char* vs_clause_of(const vs_result* result) {
  if (ended_between_calls(result)) return "";
  const char* broken = vs_or_empty(vs_failure_of(result)->clause);
  return broken[0] != '\0' || result->clauses.count == 0 ? broken : result->clauses.at[0];
}

// The words of a shim's and of a hang, which no signal or exit status explains.
const char* vs_ended_words(const char* word) {
  static const char* const words[][2] = {{"no_return", "no answer in its time (no_return)"},
                                         {"garbage", "a breach of the shim protocol (garbage)"},
                                         {"hung_up", "its output was closed (hung_up)"}};
  for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
    if (strcmp(word, words[i][0]) == 0) return words[i][1];
  }
  return word;
}

const char* vs_heading_of(vs_store* store, const vs_result* result) {
  if (vs_failure_of(result)->ended == NULL) return vs_clause_of(result);
  const char* clause = vs_clause_of(result);
  return vs_said(store, "%s%sthe backend ended: %s", clause, clause[0] != '\0' ? ": " : "",
                 vs_ended_words(result->failure->ended));
}

const char* vs_sentence_of(const vs_view* view, const vs_result* result) {
  if (ended_between_calls(result)) return "";
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
  // No case fails that was not expected to.
  switch (view->results->end.status) {
    case VS_EXIT_CONFORMS:
      return view->all.excused > 0 ? "fails only as expected" : "conforms";
    case VS_EXIT_STALE:
      return "only the list of expectations is out of date";
    case VS_EXIT_FAILS:
      return "does not conform";
    case VS_EXIT_NOTHING:
      return "a backend could not be judged";
    default:
      return "not everything could be judged";
  }
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

bool vs_view_has_backend(const vs_view* view, size_t backend) {
  return view->results->backends.at[backend].state == VS_TARGET_READY ||
         view->of[backend].judged > 0;
}

bool vs_view_is_plain(const vs_view* view, size_t clause) {
  for (size_t b = 0; b < view->results->backends.count; b++) {
    bool pass = vs_view_cell(view, clause, b) == VS_VERDICT_PASS;
    if (vs_view_has_backend(view, b) && !pass) return false;
  }
  return vs_view_has_clause(view, clause);
}

size_t vs_view_clauses(const vs_view* view, bool plain) {
  size_t count = 0;
  for (size_t c = 0; c < view->results->clauses.count; c++) {
    count += plain ? vs_view_is_plain(view, c) : vs_view_has_clause(view, c);
  }
  return count;
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

// --- clauses by call ----------------------------------------------------------------------------

// The page of this name, which is put at the end if it is new.
static vs_page* page_of(vs_view* v, vs_index* names, const char* name) {
  size_t number;
  if (vs_index_add(names, name, &number)) {
    size_t size = v->results->backends.count * VS_VERDICT_COUNT * sizeof(size_t);
    vs_page* page = vs_grow(&v->store, &v->pages, sizeof *page);
    *page = (vs_page){.name = name, .of = vs_take(&v->store, size)};
  }
  return &v->pages.at[number];
}

static void fill_page(vs_view* v, vs_page* page, size_t clause) {
  if (!vs_view_has_clause(v, clause)) return;
  size_t* last = vs_grow(&v->store, &page->clauses, sizeof *last);
  *last = clause;
  for (size_t b = 0; b < v->results->backends.count; b++) {
    page->of[b * VS_VERDICT_COUNT + vs_view_cell(v, clause, b)]++;
  }
}

// In the order of the table, and then what this program does not know.
static void fill_pages(vs_view* v) {
  vs_index names = {0};
  size_t kept = 0;
  for (size_t i = 0; i < VS_PART_COUNT; i++) page_of(v, &names, vs_parts[i].page);
  for (size_t c = 0; c < v->results->clauses.count; c++) {
    const char* name = vs_page_of(&v->store, v->results->clauses.at[c].id);
    fill_page(v, page_of(v, &names, name), c);
  }
  for (size_t i = 0; i < v->pages.count; i++) {
    if (v->pages.at[i].clauses.count > 0) v->pages.at[kept++] = v->pages.at[i];
  }
  v->pages.count = kept;
  vs_index_free(&names);
}

size_t vs_view_sum(const vs_page* page, size_t backend, vs_verdict verdict) {
  return page->of[backend * VS_VERDICT_COUNT + verdict];
}

const char* vs_view_told(vs_view* view, const vs_page* page, size_t backend,
                         const char* unsupported, vs_verdict* worst) {
  static const vs_verdict good[] = {VS_VERDICT_PERMITTED, VS_VERDICT_PASS};
  static const vs_verdict bad[] = {VS_VERDICT_FAIL,       VS_VERDICT_FLAKY,    VS_VERDICT_BROKEN,
                                   VS_VERDICT_CUT_SHORT,  VS_VERDICT_DISPUTED, VS_VERDICT_KNOWN,
                                   VS_VERDICT_UNSUPPORTED};
  const char* told = "";
  size_t sum = 0;
  *worst = VS_VERDICT_NOT_JUDGED;
  for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
    size_t count = vs_view_sum(page, backend, bad[i]);
    const char* word = bad[i] == VS_VERDICT_UNSUPPORTED ? unsupported : vs_verdict_names[bad[i]];
    if (count == 0) continue;
    told = vs_said(&view->store, "%s%s%zu %s", told, told[0] != '\0' ? ", " : "", count, word);
    if (*worst == VS_VERDICT_NOT_JUDGED) *worst = bad[i];
  }
  for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
    size_t count = vs_view_sum(page, backend, good[i]);
    sum += count;
    if (count > 0 && *worst == VS_VERDICT_NOT_JUDGED) *worst = good[i];
  }
  if (sum == 0) return told;
  return vs_said(&view->store, "%zu ok%s%s", sum, told[0] != '\0' ? ", " : "", told);
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

// --- causes -------------------------------------------------------------------------------------

// The bits in which a register is wrong, where they are few.
static const char* mask_of(const vs_failure_told* f) {
  static const char differs[] = "differs in bit ";
  for (size_t i = 0; i < f->remarks.count; i++) {
    if (strncmp(f->remarks.at[i], differs, sizeof differs - 1) == 0) return f->remarks.at[i];
  }
  return "";
}

// What is wrong with a shim's line, "expected a tag, and a status (text ...", without the line
// itself and the op that it came after. "": it broke no protocol.
static const char* breach_of(vs_store* store, const vs_result* result) {
  static const char before[] = "': ";
  const char* at = strstr(result->note, before);
  if (at == NULL) return "";
  const char* end = strstr(at, " (done last was ");
  return vs_said(store, "%.*s", end != NULL ? (int)(end - at) : (int)strlen(at), at);
}

const char* vs_cause_key(vs_store* store, const vs_result* result) {
  const vs_failure_told* f = result->failure;
  if (f == NULL) return NULL;
  if (f->ended != NULL)
    return vs_said(store, "%zu %d\nended\n%s\n%s", result->backend, result->expectation != NULL,
                   f->ended, f->op != VS_NONE ? vs_or_empty(f->clause) : breach_of(store, result));
  if (f->op == VS_NONE || f->clause == NULL || f->key == NULL) return NULL;
  return vs_said(store, "%zu %d\n%s\n%s\n%s", result->backend, result->expectation != NULL,
                 f->clause, f->key, mask_of(f));
}

const char* vs_cause_says(vs_view* view, const vs_cause* cause) {
  const vs_failure_told* f = cause->first->failure;
  const char* mask = mask_of(f);
  if (cause->results.count < 2) return "";
  if (f->ended != NULL)
    return vs_said(&view->store, "the backend ended in the same way in %zu cases: %s%s%s",
                   cause->results.count, vs_ended_words(f->ended), f->op != VS_NONE ? ", of " : "",
                   f->op != VS_NONE ? vs_or_empty(f->clause) : "");
  return vs_said(&view->store, "%zu cases fail for one cause: %s: %s%s%s", cause->results.count,
                 f->clause, f->key, mask[0] != '\0' ? ", " : "", mask);
}

// The one that fails after the fewest ops first: it is the easiest to follow.
static void put_soonest_first(vs_cause* cause) {
  size_t soonest = 0;
  for (size_t i = 1; i < cause->results.count; i++) {
    if (cause->results.at[i]->failure->op < cause->results.at[soonest]->failure->op) soonest = i;
  }
  cause->first = cause->results.at[soonest];
  for (size_t i = soonest; i > 0; i--) cause->results.at[i] = cause->results.at[i - 1];
  cause->results.at[0] = cause->first;
}

static void find_causes(vs_view* v) {
  vs_index keys = {0};
  for (size_t i = 0; i < v->results->results.count; i++) {
    size_t number;
    const vs_result* one = &v->results->results.at[i];
    if (one->failure == NULL) continue;
    const char* key = vs_cause_key(&v->store, one);
    if (vs_index_add(&keys, key != NULL ? key : vs_said(&v->store, "%zu", i), &number)) {
      vs_grow(&v->store, &v->causes, sizeof(vs_cause));
    }
    const vs_result** last =
        vs_grow(&v->store, &v->causes.at[number].results, sizeof(const vs_result*));
    *last = one;
  }
  for (size_t i = 0; i < v->causes.count; i++) put_soonest_first(&v->causes.at[i]);
  vs_index_free(&keys);
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
  const char* why = all->end.why;
  for (size_t i = 0; i < all->end.remarks.count; i++) {
    why = vs_said(&v->store, "%s; %s", why, all->end.remarks.at[i]);
  }
  add_problem(v, "run", "the run as a whole", why);
}

vs_view vs_view_of(const vs_results* results) {
  vs_view v = {.results = results};
  fill_grid(&v);
  fill_cells(&v);
  fill_pages(&v);
  find_reasons(&v);
  find_causes(&v);
  find_problems(&v);
  return v;
}

void vs_view_free(vs_view* view) {
  vs_index_free(&view->cases);
  vs_store_free(&view->store);
}
