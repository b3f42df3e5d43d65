// SPDX-License-Identifier: BSD-3-Clause
// Each failure: what was done, what was allowed, what came, and how to see it again.
#include <string.h>

#include "html.h"

enum { EXCUSE = 2048 };

static void put_summary(FILE* out, const json_t* results, const json_t* result) {
  fputs("<summary>", out);
  vs_html_verdict(out, vs_results_shown(result));
  fputs(" <span class=\"what\"><code>", out);
  vs_html_name(out, vs_str(result, "case"));
  fputs("</code> on <code>", out);
  vs_html_name(out, vs_backend_name(results, result));
  fputs("</code></span> <span class=\"breaks\">", out);
  vs_html_name(out, vs_clause_of(result));
  fputs("</span></summary>\n", out);
}

static void put_pair(FILE* out, const char* name, const char* text) {
  if (text[0] == '\0') return;
  fprintf(out, "<div><dt>%s</dt><dd>", name);
  vs_html(out, text);
  fputs("</dd></div>\n", out);
}

// The last of them is the one that was answered wrongly.
static void put_ops(FILE* out, const json_t* failure) {
  const json_t* ops = json_object_get(failure, "ops");
  size_t i = 0;
  json_t* op = NULL;
  if (json_array_size(ops) == 0) return;
  fputs("<div><h4>What was done</h4>\n<pre class=\"ops\" tabindex=\"0\">", out);
  json_array_foreach(ops, i, op) {
    bool last = i + 1 == json_array_size(ops) && json_is_integer(json_object_get(failure, "op"));
    fputs(last ? "<mark>" : "", out);
    vs_html(out, json_string_value(op));
    fputs(last ? "</mark>\n" : "\n", out);
  }
  fputs("</pre></div>\n", out);
}

static void put_remarks(FILE* out, const json_t* failure) {
  const json_t* remarks = json_object_get(failure, "remarks");
  size_t i = 0;
  json_t* remark = NULL;
  if (json_array_size(remarks) == 0) return;
  fputs("<ul class=\"remarks\">", out);
  json_array_foreach(remarks, i, remark) {
    fputs("<li>", out);
    vs_html(out, json_string_value(remark));
    fputs("</li>", out);
  }
  fputs("</ul>\n", out);
}

static void put_copied(FILE* out, const char* title, const char* text) {
  if (text[0] == '\0') return;
  fprintf(out, "<div class=\"copied\"><h4>%s</h4>\n<pre tabindex=\"0\">", title);
  if (text[0] == '\n') fputc('\n', out);  // the first one after <pre> is not shown
  vs_html(out, text);
  fputs("</pre></div>\n", out);
}

static void put_excuse(FILE* out, const json_t* result) {
  const json_t* expectation = json_object_get(result, "expectation");
  char excuse[EXCUSE];
  if (!json_is_object(expectation)) return;
  vs_excuse(result, excuse, sizeof excuse);
  fprintf(out, "<p class=\"excuse\">Expectations, line %zu: ", vs_num(expectation, "line"));
  vs_html(out, excuse);
  fputs("</p>\n", out);
}

static void put_latitudes(FILE* out, const json_t* result) {
  size_t i = 0;
  json_t* latitude = NULL;
  json_array_foreach(json_object_get(result, "latitudes"), i, latitude) {
    put_pair(out, "latitude", json_string_value(latitude));
  }
}

static void put_failure(FILE* out, const json_t* results, size_t i, const json_t* result) {
  const json_t* failure = json_object_get(result, "failure");
  fprintf(
      out,
      "<details class=\"failure\" id=\"r%zu\" data-row=\"failure\" data-b=\"%zu\" data-v=\"%s\">\n",
      i + 1, vs_num(result, "backend"), vs_html_class(vs_results_shown(result)));
  put_summary(out, results, result);
  fputs("<div class=\"body\">\n<h3>", out);
  vs_html(out, vs_str(result, "title"));
  fputs("</h3>\n<p class=\"rule\">", out);
  vs_html(out, vs_sentence_of(results, result));
  fputs("</p>\n<dl class=\"pairs\">\n", out);
  put_pair(out, "allowed", vs_str(failure, "allowed"));
  put_pair(out, "got", vs_str(failure, "got"));
  put_pair(out, "because", vs_str(result, "note"));
  put_latitudes(out, result);
  fputs("</dl>\n", out);
  put_remarks(out, failure);
  put_excuse(out, result);
  put_ops(out, failure);
  put_copied(out, "See it again", vs_str(result, "command"));
  put_copied(out, "The script up to there", vs_str(result, "script"));
  fputs("</div>\n</details>\n", out);
}

void vs_html_failures(FILE* out, const json_t* results) {
  size_t i = 0;
  size_t count = 0;
  json_t* result = NULL;
  fputs("<section id=\"failures\">\n<h2>Failures</h2>\n", out);
  json_array_foreach(json_object_get(results, "results"), i, result) {
    if (!vs_is_failure(result)) continue;
    put_failure(out, results, i, result);
    count++;
  }
  if (count == 0) fputs("<p class=\"none\">No judged case fails.</p>\n", out);
  fputs("</section>\n", out);
}
