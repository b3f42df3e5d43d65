// SPDX-License-Identifier: BSD-3-Clause
// Markdown for a comment on a merge request or the summary of a CI job. Such places take 65,536
// characters: what no longer fits is left out, and counted.
#include <stdlib.h>
#include <string.h>

#include "escape.h"
#include "render.h"
#include "text/file.h"

enum {
  ROOM = 60000,    // bytes of all sections
  OPS_MOST = 60,   // lines of one failure
  CASES_SHOWN = 3  // of one reason
};

// Each text has 1000 characters at most.
#define PUT(...) vs_print(out, VS_DIALECT_MARKDOWN, __VA_ARGS__)

// --- the head -----------------------------------------------------------------------------------

static void put_head(FILE* out, const vs_view* v) {
  const vs_results* all = v->results;
  PUT("### vcpuspec: %s\n\n", vs_headline(v));
  PUT("Expected %zu results, judged %zu, **not judged %zu**. Exit status %zu: %.1000s.\n\n",
      all->counts.expected, all->counts.judged, all->counts.not_judged, all->end.status,
      all->end.why);
}

static void put_problems(FILE* out, const vs_view* v) {
  for (size_t i = 0; i < v->problems.count; i++) {
    const vs_problem* p = &v->problems.at[i];
    PUT("- **%s**: %.1000s: %.1000s\n", p->kind, p->name, p->text);
  }
  if (v->problems.count > 0) fputc('\n', out);
}

static const vs_verdict columns[] = {
    VS_VERDICT_PASS,   VS_VERDICT_PERMITTED,   VS_VERDICT_FAIL,
    VS_VERDICT_FLAKY,  VS_VERDICT_KNOWN,       VS_VERDICT_DISPUTED,
    VS_VERDICT_BROKEN, VS_VERDICT_UNSUPPORTED, VS_VERDICT_NOT_JUDGED};
enum { COLUMNS = sizeof columns / sizeof columns[0] };

static void put_counts(FILE* out, const vs_view* v) {
  bool stated = false;
  for (size_t i = 0; i < v->results->backends.count; i++) {
    const vs_column* backend = &v->results->backends.at[i];
    if (backend->machine == NULL) continue;
    PUT("- <code>%.1000s</code>: a statement that was checked, of %.1000s", backend->name,
        backend->machine);
    if (backend->digest != NULL) PUT(", SHA-256 <code>%.1000s</code>", backend->digest);
    PUT("\n");
    stated = true;
  }
  if (stated) PUT("\n");
  PUT("| backend | profile |");
  for (size_t c = 0; c < COLUMNS; c++) PUT(" %s |", vs_verdict_names[columns[c]]);
  PUT("\n|---|---|");
  for (size_t c = 0; c < COLUMNS; c++) PUT("--:|");
  PUT("\n");
  for (size_t i = 0; i < v->results->backends.count; i++) {
    const vs_column* backend = &v->results->backends.at[i];
    PUT("| <code>%.1000s</code> | %.1000s |", backend->name, backend->profile);
    for (size_t c = 0; c < COLUMNS; c++) {
      size_t count = v->of[i].of[columns[c]];
      bool marked = count > 0 && vs_verdict_is_failure(columns[c]);
      fprintf(out, marked ? " **%zu** |" : " %zu |", count);
    }
    PUT("\n");
  }
  PUT("\n");
}

// --- failures -----------------------------------------------------------------------------------

static void put_ops(FILE* out, const vs_result* result) {
  const vs_texts* ops = &result->failure->ops;
  const char* command = vs_or_empty(result->command);
  size_t fence = vs_fence_for(command);
  size_t from = ops->count > OPS_MOST ? ops->count - OPS_MOST : 0;
  for (size_t i = 0; i < ops->count; i++) {
    size_t more = vs_fence_for(ops->at[i]);
    if (more > fence) fence = more;
  }
  for (size_t i = 0; i < fence; i++) fputc('`', out);
  if (from > 0) fprintf(out, "\n(%zu more)", from);
  for (size_t i = from; i < ops->count; i++) {
    vs_print(out, VS_DIALECT_FENCED, "\n%.1000s", ops->at[i]);
  }
  vs_print(out, VS_DIALECT_FENCED, "\n%s%.1000s\n", command[0] != '\0' ? "\n$ " : "", command);
  for (size_t i = 0; i < fence; i++) fputc('`', out);
  fputc('\n', out);
}

static void put_point(FILE* out, const char* name, const char* text) {
  if (text[0] != '\0') PUT("- %s: %.1000s\n", name, text);
}

// "differs in bit 2": its first word names it.
static void put_remark(FILE* out, const char* text) {
  const size_t word = strcspn(text, " ");
  fputs("- ", out);
  vs_escape_some(out, VS_DIALECT_MARKDOWN, text, word);
  PUT(":%.1000s\n", text + word);
}

static void put_failure(FILE* out, vs_view* v, const vs_result* result) {
  const vs_failure_told* failure = result->failure;
  PUT("<details><summary>%s <code>%.1000s</code> on <code>%.1000s</code>: %.1000s</summary>\n\n",
      vs_verdict_names[vs_result_shown(result)], result->id, vs_backend_of(v, result)->name,
      vs_heading_of(&v->store, result));
  put_point(out, "asked", vs_sentence_of(v, result));
  put_point(out, "allowed", failure->allowed);
  put_point(out, "got", failure->got);
  put_point(out, "because", result->note);
  for (size_t i = 0; i < failure->remarks.count; i++) {
    put_remark(out, failure->remarks.at[i]);
  }
  PUT("\n");
  put_ops(out, result);
  PUT("\n</details>\n\n");
}

// Above those of one cause, of which this is the first.
static void put_cause(FILE* out, vs_view* v, const vs_result* first) {
  for (size_t i = 0; i < v->causes.count; i++) {
    const vs_cause* cause = &v->causes.at[i];
    if (cause->first == first) PUT("%.1000s\n\n", vs_cause_says(v, cause));
  }
}

static void put_known(FILE* out, vs_view* v, const vs_result* result) {
  PUT("- <code>%.1000s</code> on <code>%.1000s</code>: %.1000s\n", result->id,
      vs_backend_of(v, result)->name, vs_excuse(v, result));
}

// --- what stands on its own ---------------------------------------------------------------------

static void put_names(FILE* out, const vs_view* v, const char* what) {
  PUT("| %s |", what);
  for (size_t b = 0; b < v->results->backends.count; b++) {
    PUT(" <code>%.1000s</code> |", v->results->backends.at[b].name);
  }
  PUT("\n|---|");
  for (size_t b = 0; b < v->results->backends.count; b++) PUT("---|");
  PUT("\n");
}

static void put_calls(FILE* out, vs_view* v, const vs_result* none) {
  (void)none;
  if (v->pages.count == 0) return;
  put_names(out, v, "clauses of");
  for (size_t i = 0; i < v->pages.count; i++) {
    PUT("| %.1000s |", v->pages.at[i].name);
    for (size_t b = 0; b < v->results->backends.count; b++) {
      vs_verdict worst;
      const char* word = vs_verdict_names[VS_VERDICT_UNSUPPORTED];
      const char* told = vs_view_told(v, &v->pages.at[i], b, word, &worst);
      PUT(vs_verdict_is_failure(worst) ? " **%s** |" : " %s |", told);
    }
    PUT("\n");
  }
  PUT("\n");
}

static void put_clause(FILE* out, const vs_view* v, size_t clause) {
  PUT("| %.1000s |", v->results->clauses.at[clause].id);
  for (size_t b = 0; b < v->results->backends.count; b++) {
    vs_verdict cell = vs_view_cell(v, clause, b);
    PUT(" %s |", cell == VS_VERDICT_NOT_JUDGED ? "" : vs_verdict_names[cell]);
  }
  PUT("\n");
}

// Each clause that is plain, or is not, by call.
static void put_each(FILE* out, const vs_view* v, bool plain,
                     void (*put)(FILE* out, const vs_view* v, size_t clause)) {
  for (size_t i = 0; i < v->pages.count; i++) {
    for (size_t k = 0; k < v->pages.at[i].clauses.count; k++) {
      size_t clause = v->pages.at[i].clauses.at[k];
      if (vs_view_is_plain(v, clause) == plain) put(out, v, clause);
    }
  }
}

static void put_name(FILE* out, const vs_view* v, size_t clause) {
  PUT("- %.1000s\n", v->results->clauses.at[clause].id);
}

static void put_clauses(FILE* out, vs_view* v, const vs_result* none) {
  size_t rest = vs_view_clauses(v, false) - vs_view_clauses(v, true);
  (void)none;
  if (rest == 0) return;
  PUT("<details><summary>%zu clause%s not a pass on every backend</summary>\n\n", rest,
      rest == 1 ? " is" : "s are");
  put_names(out, v, "clause");
  put_each(out, v, false, put_clause);
  PUT("\n</details>\n\n");
}

static void put_plain(FILE* out, vs_view* v, const vs_result* none) {
  size_t all = vs_view_clauses(v, false);
  size_t plain = vs_view_clauses(v, true);
  (void)none;
  if (plain == 0) return;
  PUT("<details><summary>%zu of %zu clauses pass on every backend</summary>\n\n", plain, all);
  put_each(out, v, true, put_name);
  PUT("\n</details>\n\n");
}

static void put_reason(FILE* out, const vs_view* v, const vs_reason* reason) {
  size_t count = reason->cases.count;
  PUT("- <code>%.1000s</code>: %zu %s (", v->results->backends.at[reason->backend].name, count,
      vs_results_words[reason->verdict]);
  for (size_t i = 0; i < count && i < CASES_SHOWN; i++) {
    PUT("%s%.1000s", i > 0 ? ", " : "", reason->cases.at[i]);
  }
  PUT("%s): %.1000s\n", count > CASES_SHOWN ? ", ..." : "", reason->note);
}

static void put_reasons(FILE* out, vs_view* v, const vs_result* none) {
  (void)none;
  if (v->reasons.count == 0) return;
  PUT("<details><summary>What was not judged, and why</summary>\n\n");
  for (size_t i = 0; i < v->reasons.count; i++) put_reason(out, v, &v->reasons.at[i]);
  PUT("\n</details>\n\n");
}

static void put_start(FILE* out, vs_view* v, const vs_result* none) {
  (void)none;
  put_head(out, v);
  put_problems(out, v);
  put_counts(out, v);
}

// --- all within the room ------------------------------------------------------------------------

typedef struct page {
  FILE* out;
  vs_view* view;
  size_t left;  // bytes
} page;

// Puts a section. False: it does not fit, and is left out.
static bool add(page* p, void (*put)(FILE*, vs_view*, const vs_result*), const vs_result* result) {
  vs_file text;
  FILE* memory = vs_needed(vs_memory_open(&text));
  put(memory, p->view, result);
  if (!vs_memory_close(memory, &text)) vs_needed(NULL);
  bool fits = text.length <= p->left;
  if (fits) fwrite(text.text, 1, text.length, p->out);
  if (fits) p->left -= text.length;
  vs_file_free(&text);
  return fits;
}

static void add_all(page* p, bool expected) {
  size_t left_out = 0;
  size_t shown = 0;
  for (size_t i = 0; i < p->view->causes.count; i++) {
    const vs_cause* cause = &p->view->causes.at[i];
    bool fails = vs_verdict_is_failure(vs_result_shown(cause->first));
    if (fails == expected) continue;
    if (shown++ == 0) fputs(expected ? "#### Expected failures\n\n" : "#### Failures\n\n", p->out);
    if (fails && left_out == 0 && cause->results.count > 1) add(p, put_cause, cause->first);
    for (size_t k = 0; k < cause->results.count; k++) {
      const vs_result* one = cause->results.at[k];
      left_out += left_out > 0 || !add(p, expected ? put_known : put_failure, one);
    }
  }
  if (left_out > 0) fprintf(p->out, "\n%zu more do not fit here.\n", left_out);
  if (shown > 0) fputc('\n', p->out);
}

void vs_render_md(FILE* out, vs_view* view) {
  const vs_results* all = view->results;
  page p = {.out = out, .view = view, .left = ROOM};
  if (!add(&p, put_start, NULL)) put_head(out, view);
  if (!add(&p, put_calls, NULL)) PUT("The matrix of calls does not fit here.\n\n");
  if (!add(&p, put_clauses, NULL)) PUT("The matrix of clauses does not fit here.\n\n");
  add_all(&p, false);
  add_all(&p, true);
  if (!add(&p, put_reasons, NULL))
    PUT("The reasons why cases were not judged do not fit here.\n\n");
  if (!add(&p, put_plain, NULL)) PUT("The names of clauses that pass do not fit here.\n\n");
  PUT("Made by %.1000s, ", all->program);
  if (strcmp(all->started, VS_NO_TIME) != 0) PUT("started %.1000s, ", all->started);
  PUT("seed %.1000s, shard %.1000s.\n", all->seed, all->shard);
}
