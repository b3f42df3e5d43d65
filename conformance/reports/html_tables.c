// SPDX-License-Identifier: BSD-3-Clause
// Tables with a column a backend, of calls, clauses and cases; and each failure: what was done,
// what was allowed, what came, and how to see it again.
#include <inttypes.h>
#include <string.h>

#include "common/digest.h"
#include "html.h"

#define PUT VS_HTML

// --- permalinks ---------------------------------------------------------------------------------

// A name that is the same in every report: a word of the text, and a digest of all that it is of.
static void put_anchor(FILE* out, char sort, const char* text, const char* const* parts,
                       size_t count) {
  enum { WORD = 48 };
  uint32_t digest = VS_DIGEST32;
  fprintf(out, "%c-", sort);
  for (size_t i = 0; i < WORD && text[i] != '\0'; i++) {
    bool plain = strchr("abcdefghijklmnopqrstuvwxyz0123456789_", text[i]) != NULL;
    fputc(plain ? text[i] : '-', out);
  }
  for (size_t i = 0; i < count; i++) {
    digest = vs_digest32(digest, parts[i], strlen(parts[i]) + 1);  // the end is part of it
  }
  fprintf(out, "-%08" PRIx32, digest);
}

static void put_result_anchor(FILE* out, const vs_results* all, const vs_result* one) {
  const vs_column* backend = &all->backends.at[one->backend];
  const char* const parts[] = {backend->name, backend->profile, one->id};
  put_anchor(out, 'r', one->id, parts, 3);
}

// Values of registers are no part of it.
static void put_cause_anchor(FILE* out, vs_view* v, const vs_cause* cause) {
  const vs_result* one = cause->first;
  const vs_column* backend = vs_backend_of(v, one);
  const char* key = vs_or_empty(vs_cause_key(&v->store, one));
  const char* alone = key[0] == '\0' ? one->id : "";
  const char* const parts[] = {backend->name, backend->profile, key + strcspn(key, " "), alone};
  put_anchor(out, 'g', vs_heading_of(&v->store, one), parts, 4);
}

// --- tables -------------------------------------------------------------------------------------

static void put_table_start(FILE* out, const vs_results* all, const char* title, const char* what) {
  PUT("<div class=\"scroll tall\" tabindex=\"0\" role=\"region\" aria-label=\"%s\">\n"
      "<table class=\"matrix of-%ss\"><thead><tr><th scope=\"col\">%s</th>",
      title, what, what);
  for (size_t b = 0; b < all->backends.count; b++) {
    PUT("<th scope=\"col\" data-b=\"%zu\"><code>%-s</code></th>", b, all->backends.at[b].name);
  }
  PUT("</tr></thead>\n<tbody>\n");
}

static void put_table_end(FILE* out) {
  PUT("</tbody></table></div>\n");
}

// `link` is the result that tells more; NULL: nothing does.
static void put_cell(FILE* out, const vs_results* all, size_t backend, vs_verdict verdict,
                     const vs_result* link) {
  PUT("<td data-b=\"%zu\" data-name=\"%s\" data-v=\"%s\">", backend, all->backends.at[backend].name,
      vs_html_class(verdict));
  if (link != NULL) {
    fputs("<a href=\"#", out);
    put_result_anchor(out, all, link);
    fputs("\">", out);
  }
  vs_html_verdict(out, verdict);
  fputs(link != NULL ? "</a></td>" : "</td>", out);
}

static void put_empty(FILE* out, size_t backend) {
  PUT("<td data-b=\"%zu\" data-v=\"\"><span class=\"unseen\">no case judges it</span></td>",
      backend);
}

// --- clauses ------------------------------------------------------------------------------------

// The first failure of the clause on the backend that is shown as this verdict; NULL: none is.
static const vs_result* failure_of(const vs_results* all, const char* clause, size_t backend,
                                   vs_verdict verdict) {
  for (size_t i = 0; i < all->results.count; i++) {
    const vs_result* one = &all->results.at[i];
    bool here = one->backend == backend && vs_result_shown(one) == verdict && one->failure != NULL;
    if (here && vs_verdict_is_failure(vs_result_says_of(one, clause))) return one;
  }
  return NULL;
}

// "write_state.errors." is the same in many rows: it stands back.
static void put_clause(FILE* out, vs_store* store, const vs_clause_row* clause) {
  const char* last = strrchr(clause->id, '.');
  size_t stem = last != NULL ? (size_t)(last - clause->id) + 1 : 0;
  PUT("<tr data-row=\"clause\"><th scope=\"row\"><code><span class=\"stem\">%-s</span>%-s</code>"
      "<span class=\"sentence\">%s</span></th>",
      vs_said(store, "%.*s", (int)stem, clause->id), clause->id + stem, clause->sentence);
}

static void put_clause_row(FILE* out, vs_view* view, size_t clause) {
  const vs_results* all = view->results;
  const vs_clause_row* its = &all->clauses.at[clause];
  put_clause(out, &view->store, its);
  for (size_t b = 0; b < all->backends.count; b++) {
    vs_verdict verdict = vs_view_cell(view, clause, b);
    bool ready = all->backends.at[b].state == VS_TARGET_READY;
    if (verdict == VS_VERDICT_NOT_JUDGED && ready) {
      put_empty(out, b);
    } else {
      put_cell(out, all, b, verdict, failure_of(all, its->id, b, verdict));
    }
  }
  PUT("</tr>\n");
}

// Those that pass on each backend, or the others, by call.
static void put_clauses(FILE* out, vs_view* view, bool plain) {
  put_table_start(out, view->results, plain ? "Clauses that pass" : "Clauses", "clause");
  for (size_t i = 0; i < view->pages.count; i++) {
    const vs_page* page = &view->pages.at[i];
    for (size_t k = 0; k < page->clauses.count; k++) {
      size_t clause = page->clauses.at[k];
      if (vs_view_is_plain(view, clause) == plain) put_clause_row(out, view, clause);
    }
  }
  put_table_end(out);
}

void vs_html_clauses(FILE* out, vs_view* view) {
  size_t all = vs_view_clauses(view, false);
  size_t plain = vs_view_clauses(view, true);
  PUT("<section id=\"clauses\">\n<h2>Clauses that do not pass on every backend</h2>\n");
  if (all > plain) {
    put_clauses(out, view, false);
  } else {
    PUT("<p class=\"none\">There is none.</p>\n");
  }
  if (plain > 0) {
    PUT("<details class=\"plain\">\n<summary><span><b>%zu</b> of %zu clauses pass on every "
        "backend</span></summary>\n",
        plain, all);
    put_clauses(out, view, true);
    PUT("</details>\n");
  }
  PUT("</section>\n");
}

// --- calls --------------------------------------------------------------------------------------

// How many of its clauses came out as what, and by `data-v` which of that there is.
static void put_sums(FILE* out, const vs_results* all, const vs_page* page, size_t backend,
                     vs_verdict from) {
  const char* blank = "";
  PUT("<td data-name=\"%s\" data-b=\"%zu\" data-v=\"", all->backends.at[backend].name, backend);
  for (vs_verdict v = from; v < VS_VERDICT_COUNT; v++) {
    if (vs_view_sum(page, backend, v) == 0) continue;
    PUT("%s%s", blank, vs_html_class(v));
    blank = " ";
  }
  PUT("\"><ul class=\"sums\">");
  for (vs_verdict v = from; v < VS_VERDICT_COUNT; v++) {
    size_t count = vs_view_sum(page, backend, v);
    if (count == 0) continue;
    PUT("<li><b>%zu</b> ", count);
    vs_html_verdict(out, v);
    PUT("</li>");
  }
  PUT("</ul></td>");
}

// A search for one of its clauses finds it too.
static void put_page(FILE* out, const vs_results* all, const vs_page* page) {
  PUT("<tr data-row=\"call\" data-text=\"");
  for (size_t i = 0; i < page->clauses.count; i++) {
    PUT("%s ", all->clauses.at[page->clauses.at[i]].id);
  }
  PUT("\"><th scope=\"row\"><code>%-s</code></th>", page->name);
  for (size_t b = 0; b < all->backends.count; b++) {
    bool ready = all->backends.at[b].state == VS_TARGET_READY;
    if (ready && vs_view_sum(page, b, VS_VERDICT_NOT_JUDGED) == page->clauses.count) {
      put_empty(out, b);
    } else {
      put_sums(out, all, page, b, ready ? VS_VERDICT_PASS : VS_VERDICT_NOT_JUDGED);
    }
  }
  PUT("</tr>\n");
}

void vs_html_calls(FILE* out, const vs_view* view) {
  PUT("<section id=\"matrix\">\n<h2>Calls, and how many of their clauses pass</h2>\n");
  put_table_start(out, view->results, "Calls", "call");
  for (size_t i = 0; i < view->pages.count; i++) {
    put_page(out, view->results, &view->pages.at[i]);
  }
  put_table_end(out);
  PUT("</section>\n");
}

// --- cases --------------------------------------------------------------------------------------

static void put_case(FILE* out, const vs_results* all, const vs_result* const* row) {
  size_t first = 0;
  while (row[first] == NULL) first++;
  PUT("<tr data-row=\"case\"><th scope=\"row\"><code>%-s</code><span class=\"sentence\">%s</span>"
      "</th>",
      row[first]->id, row[first]->title);
  for (size_t b = 0; b < all->backends.count; b++) {
    if (row[b] == NULL) {
      put_empty(out, b);
    } else {
      put_cell(out, all, b, vs_result_shown(row[b]), row[b]->failure != NULL ? row[b] : NULL);
    }
  }
  PUT("</tr>\n");
}

void vs_html_cases(FILE* out, const vs_view* view) {
  const vs_results* all = view->results;
  PUT("<section id=\"cases\">\n<h2>Cases</h2>\n");
  put_table_start(out, all, "Cases", "case");
  for (size_t i = 0; i < view->cases.count; i++) {
    put_case(out, all, &view->grid[i * all->backends.count]);
  }
  put_table_end(out);
  PUT("</section>\n");
}

// --- failures -----------------------------------------------------------------------------------

static void put_pair(FILE* out, const char* name, const char* text) {
  if (text[0] != '\0') PUT("<div><dt>%s</dt><dd>%s</dd></div>\n", name, text);
}

// The last of them is the one that was answered wrongly.
static void put_ops(FILE* out, const vs_failure_told* failure) {
  const vs_texts* ops = &failure->ops;
  if (ops->count == 0) return;
  PUT("<div><h4>What was done</h4>\n<pre class=\"ops\" tabindex=\"0\">");
  for (size_t i = 0; i < ops->count; i++) {
    bool last = i + 1 == ops->count && failure->op != VS_NONE;
    if (last) {
      PUT("<mark>%s</mark>\n", ops->at[i]);
    } else {
      PUT("%s\n", ops->at[i]);
    }
  }
  PUT("</pre></div>\n");
}

static void put_remarks(FILE* out, const vs_texts* remarks) {
  if (remarks->count == 0) return;
  PUT("<ul class=\"remarks\">");
  vs_print_each(out, VS_DIALECT_XML, "<li>%s</li>", remarks);
  PUT("</ul>\n");
}

// A first line's end after <pre> is not shown.
static void put_copied(FILE* out, const char* title, const char* text) {
  if (text == NULL || text[0] == '\0') return;
  PUT("<div class=\"copied\"><h4>%s</h4>\n<pre tabindex=\"0\">%s%s</pre></div>\n", title,
      text[0] == '\n' ? "\n" : "", text);
}

static void put_failure(FILE* out, vs_view* v, const vs_result* result) {
  const vs_failure_told* failure = result->failure;
  vs_verdict shown = vs_result_shown(result);
  PUT("<details class=\"failure\" id=\"");
  put_result_anchor(out, v->results, result);
  PUT("\" data-row=\"failure\" data-b=\"%zu\" data-v=\"%s\">\n<summary>", result->backend,
      vs_html_class(shown));
  vs_html_verdict(out, shown);
  PUT(" <span class=\"what\"><code>%-s</code> on <code>%-s</code></span> "
      "<span class=\"breaks\">%-s</span></summary>\n<div class=\"body\">\n<h3>%s <a "
      "class=\"permalink\" aria-label=\"Link to this failure\" href=\"#",
      result->id, vs_backend_of(v, result)->name, vs_heading_of(&v->store, result), result->title);
  put_result_anchor(out, v->results, result);
  PUT("\">#</a></h3>\n");
  if (vs_sentence_of(v, result)[0] != '\0')
    PUT("<p class=\"rule\">%s</p>\n", vs_sentence_of(v, result));
  PUT("<dl class=\"pairs\">\n");
  put_pair(out, "allowed", failure->allowed);
  put_pair(out, "got", failure->got);
  put_pair(out, "because", result->note);
  for (size_t i = 0; i < result->latitudes.count; i++) {
    put_pair(out, "latitude", result->latitudes.at[i]);
  }
  PUT("</dl>\n");
  put_remarks(out, &failure->remarks);
  if (result->expectation != NULL) {
    PUT("<p class=\"excuse\">Expectations, line %zu: %s</p>\n", result->expectation->line,
        vs_excuse(v, result));
  }
  put_ops(out, failure);
  put_copied(out, "See it again", result->command);
  put_copied(out, "The script up to there", result->script);
  PUT("</div>\n</details>\n");
}

// Those of one cause together: several fold, and only those that come first are unfolded.
static void put_cause(FILE* out, vs_view* v, const vs_cause* cause, bool open) {
  const char* says = vs_cause_says(v, cause);
  const bool folds = says[0] != '\0';
  fprintf(out, "<%s class=\"cause\" id=\"", !folds ? "div" : open ? "details open" : "details");
  put_cause_anchor(out, v, cause);
  fputs("\">\n", out);
  if (folds) {
    PUT("<summary class=\"group\"><span>%s</span> <a class=\"permalink\" aria-label=\"Link to this "
        "group\" href=\"#",
        says);
    put_cause_anchor(out, v, cause);
    fputs("\">#</a></summary>\n", out);
  }
  for (size_t i = 0; i < cause->results.count; i++) put_failure(out, v, cause->results.at[i]);
  fputs(folds ? "</details>\n" : "</div>\n", out);
}

static bool is_expected(const vs_cause* cause) {
  return !vs_verdict_is_failure(vs_result_shown(cause->first));
}

static void put_entry(FILE* out, vs_view* v, const vs_cause* cause) {
  const vs_failure_told* failure = cause->first->failure;
  const bool told = failure->ended == NULL && failure->key != NULL;
  const size_t count = cause->results.count;
  fputs("<li><a href=\"#", out);
  put_cause_anchor(out, v, cause);
  PUT("\">%-s</a>", vs_heading_of(&v->store, cause->first));
  if (told) PUT(" %s", failure->key);
  PUT(" <span>%zu case%s on %s</span></li>\n", count, count == 1 ? "" : "s",
      vs_backend_of(v, cause->first)->name);
}

// What fails at a glance, a line a cause.
static void put_index(FILE* out, vs_view* v) {
  enum { MOST = 40 };
  size_t count = 0;
  for (size_t i = 0; i < v->causes.count; i++) count += !is_expected(&v->causes.at[i]);
  if (count < 2) return;
  PUT("<nav class=\"index\" aria-label=\"Failures by cause\"><ol>\n");
  size_t put = 0;
  for (size_t i = 0; i < v->causes.count && put < MOST; i++) {
    if (is_expected(&v->causes.at[i])) continue;
    put_entry(out, v, &v->causes.at[i]);
    put++;
  }
  PUT("</ol>\n");
  if (count > put) PUT("<p>and %zu more below</p>\n", count - put);
  PUT("</nav>\n");
}

static size_t put_causes(FILE* out, vs_view* v, bool expected) {
  enum { OPEN = 3 };
  size_t count = 0;
  for (size_t i = 0; i < v->causes.count; i++) {
    const vs_cause* cause = &v->causes.at[i];
    if (is_expected(cause) != expected) continue;
    if (count == 0 && expected)
      PUT("<section id=\"expected\">\n<h2>Failures that were expected</h2>\n");
    put_cause(out, v, cause, count < OPEN);
    count++;
  }
  return count;
}

void vs_html_failures(FILE* out, vs_view* view) {
  PUT("<section id=\"failures\">\n<h2>Failures</h2>\n");
  put_index(out, view);
  if (put_causes(out, view, false) == 0) {
    PUT("<p class=\"none\">No judged case fails%s.</p>\n",
        view->causes.count > 0 ? " that was not expected to" : "");
  }
  PUT("</section>\n");
  if (put_causes(out, view, true) > 0) PUT("</section>\n");
}

// --- what was not judged ------------------------------------------------------------------------

static void put_reason(FILE* out, const vs_results* all, const vs_reason* reason) {
  PUT("<details class=\"reason\" data-row=\"reason\" data-b=\"%zu\" data-v=\"%s\"><summary>",
      reason->backend, vs_html_class(reason->verdict));
  vs_html_verdict(out, reason->verdict);
  PUT(" <b>%zu</b> on <code>%-s</code>: %s</summary>\n<p class=\"names\">", reason->cases.count,
      all->backends.at[reason->backend].name, reason->note);
  vs_print_each(out, VS_DIALECT_XML, "<code>%s</code> ", &reason->cases);
  PUT("</p></details>\n");
}

void vs_html_reasons(FILE* out, const vs_view* view) {
  PUT("<section id=\"reasons\">\n<h2>Not judged, and why</h2>\n");
  for (size_t i = 0; i < view->reasons.count; i++) {
    put_reason(out, view->results, &view->reasons.at[i]);
  }
  if (view->reasons.count == 0)
    PUT("<p class=\"none\">Everything that was asked for was judged.</p>\n");
  PUT("</section>\n");
}
