// SPDX-License-Identifier: BSD-3-Clause
// The parts of the page that reports a run to people: one file, which asks the network for nothing
// and can be read without its script.
#ifndef VS_CONFORMANCE_HTML_H_
#define VS_CONFORMANCE_HTML_H_

#include "escape.h"
#include "render.h"

#define VS_HTML(...) vs_print(out, VS_DIALECT_XML, __VA_ARGS__)

// A verdict as a word with a sign, so that no colour is needed to tell it.
void vs_html_verdict(FILE* out, vs_verdict verdict);
// What the style and the script call it: "cut-short".
const char* vs_html_class(vs_verdict verdict);

void vs_html_calls(FILE* out, const vs_view* view);
void vs_html_clauses(FILE* out, vs_view* view);
void vs_html_cases(FILE* out, const vs_view* view);
void vs_html_failures(FILE* out, vs_view* view);
void vs_html_coverage(FILE* out, const vs_view* view);
void vs_html_reasons(FILE* out, const vs_view* view);

#endif  // VS_CONFORMANCE_HTML_H_
