// SPDX-License-Identifier: BSD-3-Clause
#include "show.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "matrix.h"
#include "results/make.h"

// --- one result ---------------------------------------------------------------------------------

// "33  T0: ..." without the number.
static const char* without_number(const char* op) {
  op += strspn(op, "0123456789");
  return op + strspn(op, " ");
}

static void show_ops(FILE* out, const vs_texts* ops) {
  for (size_t i = 0; i < ops->count; i++) {
    const char* op = ops->at[i];
    int digits = (int)strspn(op, "0123456789");
    if (digits == 0) {
      fprintf(out, "           %s\n", op);
    } else {
      fprintf(out, "  %s %4.*s  %s\n", i + 1 == ops->count ? "->" : "  ", digits, op,
              without_number(op));
    }
  }
}

// Those that are, or are not, of its standard error.
static void show_remarks(FILE* out, const vs_texts* remarks, bool errors) {
  for (size_t i = 0; i < remarks->count; i++) {
    const char* text = remarks->at[i];
    size_t word = strcspn(text, " ");
    if (errors != (strncmp(text, "stderr", 6) == 0)) continue;
    fprintf(out, "  %-8.*s%s\n", (int)word, text, text + word);
  }
}

static void show_failure(FILE* out, const vs_failure_told* f) {
  const bool between = f->ended != NULL && f->op == VS_NONE;
  if (f->clause != NULL && !between)
    fprintf(out, "  clause   %s\n           %s\n", f->clause, f->sentence);
  if (f->ended != NULL)
    fprintf(out, "  ended    %s%s\n", vs_ended_words(f->ended),
            between ? ", whatever the case is about" : "");
  if (f->op == VS_NONE) return;
  fputs("  ops\n", out);
  show_ops(out, &f->ops);
  fprintf(out, "  allowed  %s\n  got      %s\n", f->allowed, f->got);
  show_remarks(out, &f->remarks, false);
}

// What else is wrong in a case whose first failure was told before.
static void show_others(FILE* out, const vs_failure_told* f) {
  for (size_t i = 0; f != NULL && i < f->remarks.count; i++) {
    const char* text = f->remarks.at[i];
    if (strncmp(text, "also ", 5) == 0) fprintf(out, "  also     %s\n", text + 5);
  }
}

void vs_show_result(const vs_screen* screen, const vs_result* result, const char* backend,
                    const char* same_as) {
  FILE* out = screen->out;
  vs_verdict verdict = vs_result_shown(result);
  bool expected = verdict == VS_VERDICT_KNOWN || verdict == VS_VERDICT_DISPUTED;
  if (!expected && result->failure == NULL && verdict != VS_VERDICT_BROKEN) return;
  if (expected && screen->quiet) return;
  vs_paint(screen, verdict, vs_verdict_names[verdict]);
  if (screen->quiet && same_as != NULL) {
    fprintf(out, " %s on %s: the same as %s\n", result->id, backend, same_as);
    return;
  }
  fprintf(out, " %s on %s: %s", result->id, backend,
          expected ? result->expectation->reason : result->title);
  // A failure that was expected was told in full when it was new.
  if (expected && result->expectation->link != NULL)
    fprintf(out, " (%s)", result->expectation->link);
  fputc('\n', out);
  if (expected) return;
  if (same_as != NULL) {
    const bool ended = vs_failure_of(result)->ended != NULL;
    fprintf(out, "  same     as %s: %s in the same way\n", same_as,
            ended ? "the backend ended" : "the same clause, broken");
    show_others(out, result->failure);
  } else {
    if (result->failure != NULL) show_failure(out, result->failure);
    if (result->note[0] != '\0') fprintf(out, "  because  %s\n", result->note);
    show_remarks(out, result->failure != NULL ? &result->failure->remarks : &result->remarks, true);
  }
  if (result->command != NULL) fprintf(out, "  again    %s\n", result->command);
  if (same_as == NULL && result->smaller != NULL) fprintf(out, "  smaller  %s\n", result->smaller);
  fputc('\n', out);
}

// The first case that failed for this cause, or could not be judged, and was told; NULL: this one
// is.
static const char* first_alike(vs_telling* t, const vs_result* one) {
  size_t number;
  const bool broken = one->verdict == VS_VERDICT_BROKEN;
  const char* key =
      broken ? vs_said(&t->store, "%zu %s", one->backend, one->note) : vs_cause_key(&t->store, one);
  if (key == NULL || !(broken || vs_verdict_is_failure(vs_result_shown(one)))) return NULL;
  if (!vs_index_add(&t->causes, key, &number)) return t->first.at[number];
  vs_add(&t->store, &t->first, one->id);
  return NULL;
}

// A line of its own between what is expected and what is not.
static void space_out(vs_telling* t, vs_verdict shown) {
  bool expected = shown == VS_VERDICT_KNOWN || shown == VS_VERDICT_DISPUTED;
  bool told = expected || vs_verdict_is_failure(shown) || shown == VS_VERDICT_BROKEN;
  if (!told || (expected && t->screen.quiet)) return;
  if (t->in_list && !expected) fputc('\n', t->screen.out);
  t->in_list = expected;
}

void vs_tell_result(vs_telling* telling, const vs_result* result, const char* backend) {
  const char* alike = first_alike(telling, result);
  if (alike != NULL && result->verdict == VS_VERDICT_BROKEN) return;  // counted at the end
  space_out(telling, vs_result_shown(result));
  vs_show_result(&telling->screen, result, backend, alike);
}

void vs_tell_end(vs_telling* telling) {
  if (telling->in_list) fputc('\n', telling->screen.out);
  vs_index_free(&telling->causes);
  vs_store_free(&telling->store);
}

void vs_report_result(FILE* out, const vs_case_result* result, const vs_plan* plan) {
  const vs_screen screen = vs_screen_of(out);
  vs_store store = {0};
  vs_result one = vs_results_of(&store, plan, result, 0);
  one.smaller = NULL;
  vs_show_result(&screen, &one, result->target->name, NULL);
  vs_store_free(&store);
}

// --- below the matrix ---------------------------------------------------------------------------

// What no implementation of the backend's architecture could do better.
static bool is_about_another(const vs_showing* s, const vs_reason* reason) {
  const char* about = vs_view_find(s->view, reason->cases.at[0], reason->backend)->about;
  return about != NULL && strcmp(about, s->backends[reason->backend].arch) != 0;
}

// Cases that could not be judged, with one line a reason; of what is broken, where it is no case
// alone, which was told above.
static void show_unjudged(const vs_showing* s) {
  for (size_t i = 0; i < s->view->reasons.count; i++) {
    const vs_reason* reason = &s->view->reasons.at[i];
    size_t count = reason->cases.count;
    const bool broken = reason->verdict == VS_VERDICT_BROKEN && count > 1;
    if (reason->verdict != VS_VERDICT_UNSUPPORTED && !broken) continue;
    if (s->screen->quiet && is_about_another(s, reason)) continue;
    fprintf(s->screen->out, "%s: %zu case%s %s (%s%s): %s\n", s->backends[reason->backend].name,
            count, count == 1 ? "" : "s", vs_verdict_names[reason->verdict], reason->cases.at[0],
            count == 1 ? "" : ", ...", reason->note);
  }
}

static bool is_ours(const char* latitude) {
  size_t code = 0;
  while (code < VS_LATITUDE_COUNT && strcmp(vs_latitudes[code].id, latitude) != 0) code++;
  return code < VS_LATITUDE_COUNT;
}

// In the order of the table, and then what this program does not know.
static void show_latitudes(const vs_showing* s, size_t backend) {
  const vs_results* all = s->view->results;
  vs_index used = {0};
  vs_texts others = {0};
  size_t number;
  for (size_t i = 0; i < all->results.count; i++) {
    const vs_result* one = &all->results.at[i];
    for (size_t k = 0; one->backend == backend && k < one->latitudes.count; k++) {
      const char* id = one->latitudes.at[k];
      if (vs_index_add(&used, id, &number) && !is_ours(id)) vs_add(&s->view->store, &others, id);
    }
  }
  if (used.count > 0) fprintf(s->screen->out, "%s is permitted by:", s->backends[backend].name);
  for (size_t code = 0; code < VS_LATITUDE_COUNT; code++) {
    const char* id = vs_latitudes[code].id;
    if (vs_index_find(&used, id, &number)) fprintf(s->screen->out, " %s", id);
  }
  for (size_t i = 0; i < others.count; i++) fprintf(s->screen->out, " %s", others.at[i]);
  if (used.count > 0) fputc('\n', s->screen->out);
  vs_index_free(&used);
}

static void show_absent(const vs_showing* s) {
  for (size_t b = 0; b < s->count; b++) {
    const vs_column* backend = &s->backends[b];
    if (backend->state == VS_TARGET_READY) continue;
    fprintf(s->screen->out, "%s was not judged: %s%s\n", backend->name, backend->reason,
            backend->state == VS_TARGET_ABSENT ? "" : " (error)");
  }
}

// Results that were not judged of backends that could be opened, or of those that could not.
static size_t missing(const vs_showing* s, bool ready) {
  size_t sum = 0;
  for (size_t b = 0; b < s->count; b++) {
    bool counts = (s->backends[b].state == VS_TARGET_READY) == ready;
    if (counts) sum += s->view->of[b].of[VS_VERDICT_NOT_JUDGED];
  }
  return sum;
}

// Of all backends, also those that could not be opened.
static void show_counts(const vs_showing* s) {
  const vs_counts* counts = &s->view->results->counts;
  const struct {
    size_t count;
    const char* words;
  } sorts[] = {
      {s->view->all.of[VS_VERDICT_UNSUPPORTED], "unsupported"},
      {s->view->all.of[VS_VERDICT_BROKEN], "broken"},
      {missing(s, true), "not reached"},
      {missing(s, false), "for want of the backend"},
  };
  const char* separator = " (";
  fprintf(s->screen->out, "expected %zu, judged %zu, not judged %zu", counts->expected,
          counts->judged, counts->not_judged);
  for (size_t i = 0; i < sizeof sorts / sizeof sorts[0]; i++) {
    if (sorts[i].count == 0) continue;
    fprintf(s->screen->out, "%s%zu %s", separator, sorts[i].count, sorts[i].words);
    separator = ", ";
  }
  fprintf(s->screen->out, "%s\n", separator[0] == ',' ? ")" : "");
}

static void show_soonest(FILE* out, const vs_result* first) {
  fprintf(out, " (soonest in %s, ", first->id);
  if (first->failure->op == VS_NONE) {
    fputs("between two calls", out);
  } else {
    fprintf(out, "at op %zu", first->failure->op);
  }
}

static void show_causes(const vs_showing* s) {
  const size_t most = 8;  // names; all were told above
  for (size_t i = 0; i < s->view->causes.count; i++) {
    const vs_cause* cause = &s->view->causes.at[i];
    const char* says = vs_cause_says(s->view, cause);
    if (says[0] == '\0' || cause->first->expectation != NULL) continue;
    fprintf(s->screen->out, "%s: %s", s->backends[cause->first->backend].name, says);
    show_soonest(s->screen->out, cause->first);
    fputs("; also ", s->screen->out);
    for (size_t k = 1; k < cause->results.count && k < most; k++) {
      fprintf(s->screen->out, "%s%s", k > 1 ? ", " : "", cause->results.at[k]->id);
    }
    if (cause->results.count > most) fputs(", ...", s->screen->out);
    fputs(")\n", s->screen->out);
  }
}

// "coverage: 431 of 450 combinations"; of several backends, each with its name.
static void show_coverage(const vs_showing* s) {
  FILE* out = s->screen->out;
  const char* before = "coverage: ";
  for (size_t b = 0; b < s->count; b++) {
    const size_t reachable = s->backends[b].reachable;
    if (reachable == 0) continue;
    const size_t reached = vs_results_reached(s->view->results, b);
    fprintf(out, "%s%s%s%zu of %zu", before, s->count > 1 ? s->backends[b].name : "",
            s->count > 1 ? " " : "", reached, reachable);
    before = ", ";
  }
  if (before[0] == ',') fputs(" combinations\n", out);
}

static void show_below(const vs_showing* s, bool counts) {
  const vs_results* all = s->view->results;
  for (size_t b = 0; b < s->count; b++) show_latitudes(s, b);
  show_unjudged(s);
  show_absent(s);
  show_causes(s);
  show_coverage(s);
  if (counts || all->counts.not_judged > 0) show_counts(s);
  if (strcmp(all->seed, "0") != 0) fprintf(s->screen->out, "seed %s\n", all->seed);
}

// --- expectations and the end -------------------------------------------------------------------

static void show_stale(FILE* out, const vs_expectations_told* e) {
  for (size_t i = 0; i < e->stale.count; i++) {
    const vs_stale* one = &e->stale.at[i];
    fprintf(out, "%s:%zu: stale (%s): %s: %s\n", e->file, one->line,
            vs_expect_problems[one->problem], one->entry, one->explanation);
  }
}

static void show_expectations(const vs_screen* screen, const vs_expectations_told* e) {
  FILE* out = screen->out;
  if (e == NULL) return;
  show_stale(out, e);
  if (!screen->quiet) {
    fprintf(out, "%s: %zu known failure%s, %zu disputed, %zu stale\n", e->file, e->known,
            e->known == 1 ? "" : "s", e->disputed, e->stale.count);
  }
  if (e->without_reason > 0) {
    fprintf(out, "%s: %zu entr%s no reason yet: put one in the place of the '?'\n", e->file,
            e->without_reason, e->without_reason == 1 ? "y has" : "ies have");
  }
  if (e->not_run == 0) return;
  fprintf(out, "%s: %zu entr%s a backend that was not run\n", e->file, e->not_run,
          e->not_run == 1 ? "y names" : "ies name");
}

static void show_lines(FILE* out, const vs_texts* lines) {
  for (size_t i = 0; i < lines->count; i++) fprintf(out, "%s\n", lines->at[i]);
}

void vs_show_sum(const vs_screen* screen, const vs_results* results) {
  vs_view view = vs_view_of(results);
  const vs_tally* all = &view.all;
  fprintf(screen->out,
          "%s: %zu fail, %zu known to fail, %zu pass, %zu unsupported, %zu not judged, %zu broken; "
          "exit status %zu\n",
          vs_headline(&view), all->failed, all->excused,
          all->of[VS_VERDICT_PASS] + all->of[VS_VERDICT_PERMITTED], all->of[VS_VERDICT_UNSUPPORTED],
          all->of[VS_VERDICT_NOT_JUDGED], all->of[VS_VERDICT_BROKEN], results->end.status);
  vs_view_free(&view);
}

static void show_briefly(const vs_showing* s) {
  FILE* out = s->screen->out;
  const vs_results* all = s->view->results;
  show_unjudged(s);
  show_causes(s);
  for (size_t i = 0; i < s->view->problems.count; i++) {
    const vs_problem* p = &s->view->problems.at[i];
    const bool below = strcmp(p->kind, "run") == 0 && all->end.remarks.count > 0;
    if (below || strcmp(p->kind, "expectation") == 0) continue;
    fprintf(out, "%s: %s: %s\n", p->kind, p->name, p->text);
  }
  show_expectations(s->screen, all->expectations);
  show_lines(out, &all->missing);
  show_lines(out, &all->end.remarks);
}

void vs_show_end(const vs_screen* screen, const vs_results* results, bool counts) {
  vs_view view = vs_view_of(results);
  const vs_showing s = {screen, &view, results->backends.at, results->backends.count};
  if (screen->quiet) {
    show_briefly(&s);
    vs_view_free(&view);
    return;
  }
  vs_show_matrix(&s);
  show_below(&s, counts);
  show_expectations(screen, results->expectations);
  show_lines(screen->out, &results->missing);
  show_lines(screen->out, &results->end.remarks);
  vs_view_free(&view);
  if (results->end.status <= 1) return;
  fprintf(screen->out, "%s: exit status %zu\n", results->end.why, results->end.status);
}
