// SPDX-License-Identifier: BSD-3-Clause
#include "html.h"

#include <ctype.h>
#include <string.h>

#include "escape.h"
#include "problem.h"
#include "render.h"
#include "sha256.h"

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

// --- words ------------------------------------------------------------------------------------

void vs_html(FILE* out, const char* text) {
  vs_escape(out, VS_DIALECT_XML, text);
}

void vs_html_name(FILE* out, const char* text) {
  while (*text != '\0') {
    char part[256];
    size_t length = strcspn(text, "._:/");
    if (text[length] != '\0') length++;
    if (length >= sizeof part) length = sizeof part - 1;
    snprintf(part, sizeof part, "%.*s", (int)length, text);
    vs_trim(part);
    vs_html(out, part);
    text += strlen(part) > 0 ? strlen(part) : length;
    if (*text != '\0') fputs("<wbr>", out);
  }
}

const char* vs_html_class(vs_verdict verdict) {
  return looks[verdict].class;
}

void vs_html_verdict(FILE* out, vs_verdict verdict) {
  fprintf(out, "<span class=\"v %s\"><i aria-hidden=\"true\">%s</i>%s</span>", looks[verdict].class,
          looks[verdict].sign, vs_verdict_names[verdict]);
}

// --- head and top -----------------------------------------------------------------------------

static void put_head(FILE* out, const json_t* results) {
  char style[VS_SHA256_BASE64];
  char script[VS_SHA256_BASE64];
  vs_sha256_base64(vs_page_style, strlen(vs_page_style), style);
  vs_sha256_base64(vs_page_script, strlen(vs_page_script), script);
  fprintf(out,
          "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
          "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; "
          "style-src 'sha256-%s'; script-src 'sha256-%s'; base-uri 'none'; form-action 'none'\">\n"
          "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
          "<meta name=\"color-scheme\" content=\"light dark\">\n"
          "<meta name=\"referrer\" content=\"no-referrer\">\n<title>",
          style, script);
  fprintf(out, "vcpuspec: %s</title>\n<style>%s</style>\n</head>\n", vs_headline(results),
          vs_page_style);
}

// "documented", or each profile that a column has.
static void put_profiles(FILE* out, const json_t* results) {
  const json_t* backends = json_object_get(results, "backends");
  size_t i = 0;
  size_t shown = 0;
  json_t* backend = NULL;
  json_array_foreach(backends, i, backend) {
    const char* profile = vs_str(backend, "profile");
    bool first = true;
    for (size_t k = 0; k < i; k++) first &= !vs_is(json_array_get(backends, k), "profile", profile);
    if (!first) continue;
    if (shown++ > 0) fputs(", ", out);
    vs_html(out, profile);
  }
}

static void put_fact(FILE* out, const char* name, const char* value) {
  fprintf(out, "<li><span>%s</span> ", name);
  vs_html(out, value);
  fputs("</li>", out);
}

static void put_facts(FILE* out, const json_t* results) {
  size_t i = 0;
  json_t* filter = NULL;
  fputs("<ul class=\"facts\"><li>", out);
  vs_html(out, vs_str(results, "program"));
  fputs("</li><li><span>profile</span> ", out);
  put_profiles(out, results);
  fputs("</li>", out);
  put_fact(out, "started", vs_str(results, "started"));
  put_fact(out, "seed", vs_str(results, "seed"));
  if (!vs_is(results, "shard", "1/1")) put_fact(out, "shard", vs_str(results, "shard"));
  json_array_foreach(json_object_get(results, "filters"), i, filter) {
    fputs(i == 0 ? "<li><span>filter</span> " : ", ", out);
    vs_html(out, json_string_value(filter));
  }
  if (i > 0) fputs("</li>", out);
  fputs("</ul>\n", out);
}

static vs_verdict mood_of(const json_t* results, const vs_tally* tally) {
  bool bad = vs_num(json_object_get(results, "exit"), "status") != 0;
  if (tally->failed > 0) return VS_VERDICT_FAIL;
  if (bad || tally->judged == 0 || json_is_true(json_object_get(results, "interrupted")))
    return VS_VERDICT_BROKEN;
  bool excused = tally->of[VS_VERDICT_KNOWN] + tally->of[VS_VERDICT_DISPUTED] > 0;
  return excused ? VS_VERDICT_KNOWN : VS_VERDICT_PASS;
}

// With a capital, as titles begin.
static void put_headline(FILE* out, const json_t* results) {
  const char* text = vs_headline(results);
  fputc(toupper((unsigned char)text[0]), out);
  vs_html(out, text + 1);
}

static void put_title(FILE* out, const json_t* results, const vs_tally* tally) {
  const json_t* end = json_object_get(results, "exit");
  vs_verdict mood = mood_of(results, tally);
  fprintf(out, "<header class=\"top %s\">\n<h1><i aria-hidden=\"true\">%s</i>", looks[mood].class,
          looks[mood].sign);
  put_headline(out, results);
  fputs("</h1>\n<p class=\"lede\">", out);
  fprintf(out, "%zu of %zu judged results fail", tally->failed, tally->judged);
  size_t excused = tally->of[VS_VERDICT_KNOWN] + tally->of[VS_VERDICT_DISPUTED];
  if (excused > 0) fprintf(out, ", and %zu more as was expected", excused);
  fprintf(out, ". Exit status %zu: ", vs_num(end, "status"));
  vs_html(out, vs_str(end, "why"));
  fputs(".</p>\n", out);
  put_facts(out, results);
  fputs("</header>\n", out);
}

static void put_problems(FILE* out, const json_t* results) {
  vs_problem problem;
  if (!vs_problem_at(results, 0, &problem)) return;
  fputs(
      "<section class=\"alarm\" aria-label=\"What went wrong\">\n<h2>Read this first</h2>\n<ul>\n",
      out);
  for (size_t i = 0; vs_problem_at(results, i, &problem); i++) {
    fprintf(out, "<li><strong>%s: ", problem.kind);
    vs_html(out, problem.name);
    fputs("</strong> ", out);
    vs_html(out, problem.text);
    fputs("</li>\n", out);
  }
  fputs("</ul>\n</section>\n", out);
}

// --- figures ----------------------------------------------------------------------------------

// From good to bad, and then what was not judged.
static const vs_verdict shown[] = {
    VS_VERDICT_PASS,     VS_VERDICT_PERMITTED,   VS_VERDICT_KNOWN,
    VS_VERDICT_DISPUTED, VS_VERDICT_FLAKY,       VS_VERDICT_FAIL,
    VS_VERDICT_BROKEN,   VS_VERDICT_UNSUPPORTED, VS_VERDICT_NOT_JUDGED};
enum { SHOWN = sizeof shown / sizeof shown[0], BAR = 1000 };

static void put_figure(FILE* out, const char* name, size_t value, const char* class) {
  fprintf(out, "<div class=\"%s\"><dt>%s</dt><dd>%zu</dd></div>", class, name, value);
}

// Where the piece of the bar that begins after `sum` of `all` begins.
static size_t bar_at(size_t sum, size_t all) {
  return all > 0 ? sum * BAR / all : 0;
}

static void put_bar(FILE* out, const vs_tally* tally) {
  size_t sum = 0;
  fprintf(
      out,
      "<svg class=\"bar\" viewBox=\"0 0 %d 10\" preserveAspectRatio=\"none\" aria-hidden=\"true\">",
      (int)BAR);
  for (size_t i = 0; i < SHOWN; i++) {
    size_t count = tally->of[shown[i]];
    size_t from = bar_at(sum, tally->all);
    sum += count;
    if (count == 0) continue;
    fprintf(out, "<rect class=\"%s\" x=\"%zu\" y=\"0\" width=\"%zu\" height=\"10\"/>",
            looks[shown[i]].class, from, bar_at(sum, tally->all) - from + 1);
  }
  fputs("</svg>\n", out);
}

static void put_figures(FILE* out, const json_t* results, const vs_tally* tally) {
  fputs("<section class=\"figures\" aria-label=\"Figures\">\n<dl class=\"whole\">", out);
  put_figure(out, "expected", vs_results_count(results, "expected"), "");
  put_figure(out, "judged", vs_results_count(results, "judged"), "");
  put_figure(out, "not judged", vs_results_count(results, "not_judged"),
             vs_results_count(results, "not_judged") > 0 ? "some" : "");
  fputs("</dl>\n", out);
  put_bar(out, tally);
  fputs("<ul class=\"parts\">", out);
  for (size_t i = 0; i < SHOWN; i++) {
    if (tally->of[shown[i]] == 0) continue;
    fputs("<li>", out);
    vs_html_verdict(out, shown[i]);
    fprintf(out, " <b>%zu</b></li>", tally->of[shown[i]]);
  }
  fputs("</ul>\n</section>\n", out);
}

static void put_state(FILE* out, const json_t* backend) {
  if (vs_is(backend, "state", "ready")) return;
  fprintf(out, "<span class=\"sentence\"><strong>%s</strong>: ", vs_str(backend, "state"));
  vs_html(out, vs_str(backend, "reason"));
  fputs("</span>", out);
}

static void put_backend(FILE* out, const json_t* results, const vs_tally* all, size_t i) {
  const json_t* backend = json_array_get(json_object_get(results, "backends"), i);
  vs_tally tally = vs_tally_of(results, (int)i);
  fputs("<tr><th scope=\"row\"><code>", out);
  vs_html_name(out, vs_str(backend, "name"));
  fputs("</code>", out);
  put_state(out, backend);
  fputs("</th><td>", out);
  vs_html(out, vs_str(backend, "arch"));
  fputs("</td><td>", out);
  vs_html(out, vs_str(backend, "profile"));
  fputs("</td>", out);
  for (size_t k = 0; k < SHOWN; k++) {
    size_t count = tally.of[shown[k]];
    if (all->of[shown[k]] == 0) continue;
    fprintf(out, "<td class=\"n %s\">%zu</td>", count > 0 ? looks[shown[k]].class : "zero", count);
  }
  fputs("</tr>\n", out);
}

static void put_backends(FILE* out, const json_t* results, const vs_tally* all) {
  size_t count = json_array_size(json_object_get(results, "backends"));
  fputs(
      "<section id=\"backends\">\n<h2>Backends</h2>\n<div class=\"scroll\" tabindex=\"0\" "
      "role=\"region\" aria-label=\"Backends\">\n<table class=\"counts\"><thead><tr><th "
      "scope=\"col\">backend</th>"
      "<th scope=\"col\">arch</th><th scope=\"col\">profile</th>",
      out);
  for (size_t k = 0; k < SHOWN; k++) {
    if (all->of[shown[k]] == 0) continue;
    fprintf(out, "<th scope=\"col\" class=\"n\">%s</th>", vs_verdict_names[shown[k]]);
  }
  fputs("</tr></thead>\n<tbody>\n", out);
  for (size_t i = 0; i < count; i++) put_backend(out, results, all, i);
  fputs("</tbody></table></div>\n</section>\n", out);
}

// --- controls: shown by the script, which is what they need ------------------------------------

static void put_controls(FILE* out, const json_t* results, const vs_tally* tally) {
  size_t i = 0;
  json_t* backend = NULL;
  fputs(
      "<form id=\"find\" class=\"tools\" role=\"search\" aria-label=\"Find\" hidden>\n"
      "<label class=\"field\"><span>Search</span><input id=\"search\" type=\"search\" "
      "autocomplete=\"off\" spellcheck=\"false\" placeholder=\"case, clause, answer\"></label>\n"
      "<label class=\"field\"><span>Backend</span><select id=\"backend\"><option "
      "value=\"\">all</option>",
      out);
  json_array_foreach(json_object_get(results, "backends"), i, backend) {
    fprintf(out, "<option value=\"%zu\">", i);
    vs_html(out, vs_str(backend, "name"));
    fputs("</option>", out);
  }
  fputs("</select></label>\n<fieldset><legend>Verdict</legend>", out);
  for (size_t k = 0; k < SHOWN; k++) {
    if (tally->of[shown[k]] == 0) continue;
    fprintf(out, "<label class=\"chip\"><input type=\"checkbox\" name=\"verdict\" value=\"%s\">",
            looks[shown[k]].class);
    vs_html_verdict(out, shown[k]);
    fputs("</label>", out);
  }
  fputs(
      "</fieldset>\n<div class=\"buttons\"><button type=\"button\" id=\"open\">Open all</button>"
      "<button type=\"reset\" id=\"clear\">Clear</button></div>\n"
      "<output id=\"shown\" aria-live=\"polite\"></output>\n</form>\n",
      out);
}

// --- the rest ---------------------------------------------------------------------------------

static void put_stale(FILE* out, const json_t* stale) {
  size_t i = 0;
  json_t* entry = NULL;
  if (json_array_size(stale) == 0) return;
  fputs("<ul class=\"stale\">\n", out);
  json_array_foreach(stale, i, entry) {
    fprintf(out, "<li><strong>line %zu: %s</strong> <code>", vs_num(entry, "line"),
            vs_str(entry, "problem"));
    vs_html(out, vs_str(entry, "entry"));
    fputs("</code> ", out);
    vs_html(out, vs_str(entry, "explanation"));
    fputs("</li>\n", out);
  }
  fputs("</ul>\n", out);
}

static void put_expectations(FILE* out, const json_t* results) {
  const json_t* expectations = json_object_get(results, "expectations");
  const json_t* stale = json_object_get(expectations, "stale");
  if (!json_is_object(expectations)) return;
  fputs("<section id=\"expectations\">\n<h2>Expectations</h2>\n<p><code>", out);
  vs_html_name(out, vs_str(expectations, "file"));
  fprintf(out,
          "</code>: entries %zu; results that are known to fail %zu, disputed %zu; stale entries "
          "%zu.</p>\n",
          vs_num(expectations, "entries"), vs_num(expectations, "known"),
          vs_num(expectations, "disputed"), json_array_size(stale));
  put_stale(out, stale);
  fputs("</section>\n", out);
}

static void put_legend(FILE* out) {
  fputs("<section id=\"legend\">\n<h2>What the words mean</h2>\n<dl class=\"legend\">\n", out);
  for (vs_verdict i = 0; i < VS_VERDICT_COUNT; i++) {
    fputs("<div><dt>", out);
    vs_html_verdict(out, i);
    fprintf(out, "</dt><dd>%s</dd></div>\n", looks[i].means);
  }
  fputs(
      "</dl>\n<p>Only <em>pass</em> and <em>permitted</em> are good news. "
      "<code>vcpuspec explain NAME</code> says more of a clause, a case or a "
      "latitude.</p>\n</section>\n",
      out);
}

bool vs_render_html(FILE* out, const json_t* results) {
  vs_tally tally = vs_tally_of(results, VS_ALL_BACKENDS);
  put_head(out, results);
  fputs("<body>\n<a class=\"skip\" href=\"#matrix\">To the matrix</a>\n<main>\n", out);
  put_title(out, results, &tally);
  put_problems(out, results);
  put_figures(out, results, &tally);
  put_backends(out, results, &tally);
  put_controls(out, results, &tally);
  bool good = vs_html_matrix(out, results);
  vs_html_failures(out, results);
  put_expectations(out, results);
  good = vs_html_cases(out, results) && good;
  good = vs_html_reasons(out, results) && good;
  put_legend(out);
  fprintf(out, "</main>\n<script>%s</script>\n</body>\n</html>\n", vs_page_script);
  return good && fflush(out) == 0 && !ferror(out);
}
