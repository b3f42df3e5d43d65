// SPDX-License-Identifier: BSD-3-Clause
// The parts of the page that reports a run to people: one file, which asks the network for nothing
// and can be read without its script.
#ifndef VS_CONFORMANCE_HTML_H_
#define VS_CONFORMANCE_HTML_H_

#include <stdio.h>

#include "view.h"

// Text, escaped; between tags or within quotes.
void vs_html(FILE* out, const char* text);
// The same, and a line may be broken after a dot, a colon or an underscore.
void vs_html_name(FILE* out, const char* text);

// A verdict as a word with a sign, so that no colour is needed to tell it.
void vs_html_verdict(FILE* out, vs_verdict verdict);
// What the style and the script call it: "cut-short".
const char* vs_html_class(vs_verdict verdict);

// False: no memory.
bool vs_html_matrix(FILE* out, const json_t* results);
bool vs_html_cases(FILE* out, const json_t* results);
bool vs_html_reasons(FILE* out, const json_t* results);

void vs_html_failures(FILE* out, const json_t* results);

#endif  // VS_CONFORMANCE_HTML_H_
