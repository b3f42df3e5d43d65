// SPDX-License-Identifier: BSD-3-Clause
#include "html.h"

#include <ctype.h>
#include <string.h>

#define PUT VS_HTML

extern const char vs_page_style[];   // page.css
extern const char vs_page_script[];  // page.js

static const struct {
  const char* sign;
  const char* class;
  const char* means;
} looks[VS_VERDICT_COUNT] = {
    [VS_VERDICT_PASS] = {"✓", "pass", "answered as the page asks"},
    [VS_VERDICT_PERMITTED] = {"≈", "permitted",
                              "also allowed, by a choice that the page leaves and that has a name"},
    [VS_VERDICT_FAIL] = {"✗", "fail", "an answer broke this clause"},
    [VS_VERDICT_FLAKY] = {"≁", "flaky", "went wrong, but not each time: no pass"},
    [VS_VERDICT_KNOWN] = {"◇", "known", "fails as the list of expectations says"},
    [VS_VERDICT_DISPUTED] = {"?", "disputed",
                             "fails, and the list of expectations disputes the case"},
    [VS_VERDICT_BROKEN] = {"!", "broken", "nothing was learnt: our side, or the machine"},
    [VS_VERDICT_UNSUPPORTED] = {"–", "unsupported", "the backend lacks what it is judged with"},
    [VS_VERDICT_CUT_SHORT] = {"…", "cut-short",
                              "every case for the clause failed for another one first"},
    [VS_VERDICT_NOT_JUDGED] = {"·", "not-judged", "was asked for and not reached"},
};

const char* vs_html_class(vs_verdict verdict) {
  return looks[verdict].class;
}

void vs_html_verdict(FILE* out, vs_verdict verdict) {
  PUT("<span class=\"v %s\"><i aria-hidden=\"true\">%s</i>%s</span>", looks[verdict].class,
      looks[verdict].sign, vs_verdict_names[verdict]);
}

// --- head and top -------------------------------------------------------------------------------

// 64 hexadecimal digits as base64: two characters for every three of them.
static void put_digest(FILE* out, const char* name, const char* hex) {
  static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  unsigned three = 0;
  fprintf(out, "%s 'sha256-", name);
  for (; sscanf(hex, "%3x", &three) == 1 && hex[1] != '\0'; hex += 3) {
    fprintf(out, "%c%c", digits[three >> 6], digits[three & 63]);
  }
  fprintf(out, "%c='; ", digits[three << 2]);
}

static void put_head(FILE* out, const vs_view* v) {
  PUT("<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
      "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; ");
  put_digest(out, "style-src", VS_DIGEST_style);
  put_digest(out, "script-src", VS_DIGEST_script);
  PUT("base-uri 'none'; form-action 'none'\">\n"
      "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
      "<meta name=\"color-scheme\" content=\"light dark\">\n"
      "<meta name=\"referrer\" content=\"no-referrer\">\n<title>vcpuspec: %s</title>\n<style>",
      vs_headline(v));
  fprintf(out, "%s</style>\n</head>\n", vs_page_style);
}

// "documented", or each profile that a column has.
static void put_profiles(FILE* out, const vs_results* all) {
  vs_index seen = {0};
  size_t number;
  for (size_t i = 0; i < all->backends.count; i++) {
    const char* profile = all->backends.at[i].profile;
    if (vs_index_add(&seen, profile, &number)) PUT("%s%s", number > 0 ? ", " : "", profile);
  }
  vs_index_free(&seen);
}

static void put_facts(FILE* out, const vs_results* all) {
  PUT("<ul class=\"facts\"><li>%s</li><li><span>profile</span> ", all->program);
  put_profiles(out, all);
  PUT("</li>");
  if (strcmp(all->started, VS_NO_TIME) != 0) PUT("<li><span>started</span> %s</li>", all->started);
  PUT("<li><span>seed</span> %s</li>", all->seed);
  if (strcmp(all->shard, "1/1") != 0) PUT("<li><span>shard</span> %s</li>", all->shard);
  for (size_t i = 0; i < all->filters.count; i++) {
    fputs(i == 0 ? "<li><span>filter</span> " : ", ", out);
    PUT("%s", all->filters.at[i]);
  }
  if (all->filters.count > 0) PUT("</li>");
  PUT("</ul>\n");
}

static vs_verdict mood_of(const vs_view* v) {
  if (v->all.failed > 0) return VS_VERDICT_FAIL;
  if (v->results->end.status != 0 || v->all.judged == 0 || v->results->interrupted)
    return VS_VERDICT_BROKEN;
  return v->all.excused > 0 ? VS_VERDICT_KNOWN : VS_VERDICT_PASS;
}

static void put_title(FILE* out, const vs_view* v) {
  const vs_ending* end = &v->results->end;
  vs_verdict mood = mood_of(v);
  const char* headline = vs_headline(v);
  PUT("<header class=\"top %s\">\n<h1><i aria-hidden=\"true\">%s</i>", looks[mood].class,
      looks[mood].sign);
  fputc(toupper((unsigned char)headline[0]), out);  // as titles begin
  PUT("%s</h1>\n<p class=\"lede\">%zu of %zu judged results fail", headline + 1, v->all.failed,
      v->all.judged);
  if (v->all.excused > 0) PUT(", and %zu more as was expected", v->all.excused);
  PUT(". Exit status %zu: %s.</p>\n", end->status, end->why);
  put_facts(out, v->results);
  PUT("</header>\n");
}

static void put_problems(FILE* out, const vs_view* v) {
  if (v->problems.count == 0) return;
  PUT("<section class=\"alarm\" aria-label=\"What went wrong\">\n<h2>Read this first</h2>\n"
      "<ul>\n");
  for (size_t i = 0; i < v->problems.count; i++) {
    const vs_problem* p = &v->problems.at[i];
    PUT("<li><strong>%s: %s</strong> %s</li>\n", p->kind, p->name, p->text);
  }
  PUT("</ul>\n</section>\n");
}

// --- figures ------------------------------------------------------------------------------------

// From good to bad, and then what was not judged.
static const vs_verdict shown[] = {
    VS_VERDICT_PASS,     VS_VERDICT_PERMITTED,   VS_VERDICT_KNOWN,
    VS_VERDICT_DISPUTED, VS_VERDICT_FLAKY,       VS_VERDICT_FAIL,
    VS_VERDICT_BROKEN,   VS_VERDICT_UNSUPPORTED, VS_VERDICT_NOT_JUDGED};
enum { SHOWN = sizeof shown / sizeof shown[0], BAR = 1000 };

// Where the piece of the bar that begins after `sum` of `all` begins.
static size_t bar_at(size_t sum, size_t all) {
  return all > 0 ? sum * BAR / all : 0;
}

static void put_bar(FILE* out, const vs_tally* tally) {
  size_t sum = 0;
  PUT("<svg class=\"bar\" viewBox=\"0 0 %zu 10\" preserveAspectRatio=\"none\" "
      "aria-hidden=\"true\">",
      (size_t)BAR);
  for (size_t i = 0; i < SHOWN; i++) {
    size_t from = bar_at(sum, tally->all);
    sum += tally->of[shown[i]];
    if (tally->of[shown[i]] == 0) continue;
    PUT("<rect class=\"%s\" x=\"%zu\" y=\"0\" width=\"%zu\" height=\"10\"/>", looks[shown[i]].class,
        from, bar_at(sum, tally->all) - from + 1);
  }
  PUT("</svg>\n");
}

static void put_figures(FILE* out, const vs_view* v) {
  const vs_counts* counts = &v->results->counts;
  PUT("<section class=\"figures\" aria-label=\"Figures\">\n<dl class=\"whole\">"
      "<div class=\"\"><dt>expected</dt><dd>%zu</dd></div>"
      "<div class=\"\"><dt>judged</dt><dd>%zu</dd></div>"
      "<div class=\"%s\"><dt>not judged</dt><dd>%zu</dd></div></dl>\n",
      counts->expected, counts->judged, counts->not_judged > 0 ? "some" : "", counts->not_judged);
  put_bar(out, &v->all);
  PUT("<ul class=\"parts\">");
  for (size_t i = 0; i < SHOWN; i++) {
    if (v->all.of[shown[i]] == 0) continue;
    PUT("<li>");
    vs_html_verdict(out, shown[i]);
    PUT(" <b>%zu</b></li>", v->all.of[shown[i]]);
  }
  PUT("</ul>\n</section>\n");
}

// Of a statement: who was judged, and where it is: beside the page.
static void put_identity(FILE* out, const vs_column* backend) {
  if (backend->digest != NULL)
    PUT("<span class=\"sentence\">SHA-256 <code>%s</code></span>", backend->digest);
  PUT("<span class=\"sentence\">judged on %s</span>", backend->machine);
  if (backend->statement == NULL) return;
  const char* slash = strrchr(backend->statement, '/');
  const char* name = slash != NULL ? slash + 1 : backend->statement;
  PUT("<span class=\"sentence\">checked: <a href=\"./");
  for (const char* c = name; *c != '\0'; c++) {
    const bool plain = isalnum((unsigned char)*c) || strchr("-._~", *c) != NULL;
    fprintf(out, plain ? "%c" : "%%%02X", (unsigned char)*c);
  }
  PUT("\">%s</a></span>", name);
}

static void put_backend(FILE* out, const vs_view* v, size_t i) {
  const vs_column* backend = &v->results->backends.at[i];
  PUT("<tr><th scope=\"row\"><code>%-s</code>", backend->name);
  if (backend->state != VS_TARGET_READY) {
    PUT("<span class=\"sentence\"><strong>%s</strong>: %s</span>", vs_target_states[backend->state],
        backend->reason);
  }
  if (backend->machine != NULL) put_identity(out, backend);
  PUT("</th><td data-name=\"arch\">%s</td><td data-name=\"profile\">%s</td>", backend->arch,
      backend->profile);
  for (size_t k = 0; k < SHOWN; k++) {
    size_t count = v->of[i].of[shown[k]];
    if (v->all.of[shown[k]] == 0) continue;
    PUT("<td class=\"n %s\" data-name=\"%s\">%zu</td>", count > 0 ? looks[shown[k]].class : "zero",
        vs_verdict_names[shown[k]], count);
  }
  PUT("</tr>\n");
}

static bool has_statements(const vs_results* all) {
  bool some = false;
  for (size_t i = 0; i < all->backends.count; i++) some |= all->backends.at[i].statement != NULL;
  return some;
}

static void put_backends(FILE* out, const vs_view* v) {
  PUT("<section id=\"backends\">\n<h2>Backends</h2>\n<div class=\"scroll\" tabindex=\"0\" "
      "role=\"region\" aria-label=\"Backends\">\n<table class=\"counts\"><thead><tr><th "
      "scope=\"col\">backend</th><th scope=\"col\">arch</th><th scope=\"col\">profile</th>");
  for (size_t k = 0; k < SHOWN; k++) {
    if (v->all.of[shown[k]] == 0) continue;
    PUT("<th scope=\"col\" class=\"n\">%s</th>", vs_verdict_names[shown[k]]);
  }
  PUT("</tr></thead>\n<tbody>\n");
  for (size_t i = 0; i < v->results->backends.count; i++) put_backend(out, v, i);
  PUT("</tbody></table></div>\n</section>\n");
}

// --- controls: shown by the script, which is what they need -------------------------------------

static void put_controls(FILE* out, const vs_view* v) {
  PUT("<form id=\"find\" class=\"tools\" role=\"search\" aria-label=\"Find\" hidden>\n"
      "<label class=\"field\"><span>Search</span><input id=\"search\" type=\"search\" "
      "autocomplete=\"off\" spellcheck=\"false\" placeholder=\"case, clause, answer\"></label>\n"
      "<label class=\"field\"><span>Backend</span><select id=\"backend\"><option "
      "value=\"\">all</option>");
  for (size_t i = 0; i < v->results->backends.count; i++) {
    PUT("<option value=\"%zu\">%s</option>", i, v->results->backends.at[i].name);
  }
  PUT("</select></label>\n<div class=\"buttons\"><button type=\"button\" id=\"open\">Open "
      "all</button>"
      "<button type=\"reset\" "
      "id=\"clear\">Clear</button></div>\n<fieldset><legend>Verdict</legend>");
  for (size_t k = 0; k < SHOWN; k++) {
    if (v->all.of[shown[k]] == 0) continue;
    PUT("<label class=\"chip\"><input type=\"checkbox\" name=\"verdict\" value=\"%s\">",
        looks[shown[k]].class);
    vs_html_verdict(out, shown[k]);
    PUT("</label>");
  }
  PUT("</fieldset>\n<output id=\"shown\" aria-live=\"polite\"></output>\n</form>\n");
}

// --- the rest -----------------------------------------------------------------------------------

static void put_expectations(FILE* out, const vs_expectations_told* e) {
  if (e == NULL) return;
  PUT("<section id=\"expectations\">\n<h2>Expectations</h2>\n<p><code>%-s</code>: entries %zu; "
      "results that are known to fail %zu, disputed %zu; stale entries %zu.</p>\n",
      e->file, e->entries, e->known, e->disputed, e->stale.count);
  if (e->stale.count > 0) PUT("<ul class=\"stale\">\n");
  for (size_t i = 0; i < e->stale.count; i++) {
    const vs_stale* s = &e->stale.at[i];
    PUT("<li><strong>line %zu: %s</strong> <code>%s</code> %s</li>\n", s->line,
        vs_expect_problems[s->problem], s->entry, s->explanation);
  }
  if (e->stale.count > 0) PUT("</ul>\n");
  PUT("</section>\n");
}

static void put_legend(FILE* out) {
  PUT("<section id=\"legend\">\n<h2>What the words mean</h2>\n<dl class=\"legend\">\n");
  for (vs_verdict i = 0; i < VS_VERDICT_COUNT; i++) {
    PUT("<div><dt>");
    vs_html_verdict(out, i);
    PUT("</dt><dd>%s</dd></div>\n", looks[i].means);
  }
  PUT("</dl>\n<p>Only <em>pass</em> and <em>permitted</em> are good news. "
      "<code>vcpuspec explain NAME</code> says more of a clause, a case or a "
      "latitude.</p>\n</section>\n");
}

void vs_render_html(FILE* out, vs_view* view) {
  put_head(out, view);
  PUT("<body>\n<a class=\"skip\" href=\"#matrix\">To the matrix</a>\n<main>\n");
  put_title(out, view);
  put_problems(out, view);
  put_figures(out, view);
  const bool is_page_of_statements = has_statements(view->results);
  if (is_page_of_statements) put_backends(out, view);
  put_controls(out, view);
  vs_html_failures(out, view);
  if (!is_page_of_statements) put_backends(out, view);
  vs_html_calls(out, view);
  vs_html_clauses(out, view);
  put_expectations(out, view->results->expectations);
  vs_html_cases(out, view);
  vs_html_coverage(out, view);
  vs_html_reasons(out, view);
  put_legend(out);
  fprintf(out, "</main>\n<script>%s</script>\n</body>\n</html>\n", vs_page_script);
}
