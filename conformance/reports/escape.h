// SPDX-License-Identifier: BSD-3-Clause
// Text from outside (names, notes, what a backend printed) within each format of a report. Nothing
// that is put by these is markup where it lands. Characters that would not be seen, or would turn
// the text around it, are written out as "\u{7}" in every format.
#ifndef VS_CONFORMANCE_ESCAPE_H_
#define VS_CONFORMANCE_ESCAPE_H_

#include <stdio.h>

#include "results/rune.h"
#include "results/store.h"

typedef enum vs_dialect {
  VS_DIALECT_XML,        // text between tags; also of HTML
  VS_DIALECT_ATTRIBUTE,  // within quotes in a tag of either
  VS_DIALECT_TAP,        // a description, or a reason: one line
  VS_DIALECT_YAML,       // within double quotes
  VS_DIALECT_MARKDOWN,   // in a line or a cell of a table, also within <code>: one line
  VS_DIALECT_FENCED,     // within a fenced block of Markdown, as it is
  VS_DIALECT_COUNT
} vs_dialect;

void vs_escape(FILE* out, vs_dialect dialect, const char* text);

// At most `most` characters of it, and then "...".
void vs_escape_some(FILE* out, vs_dialect dialect, const char* text, size_t most);

// As printf does, and each string is escaped; one of VS_DIALECT_XML within double quotes of the
// format as VS_DIALECT_ATTRIBUTE. "%.80s": at most 80 characters of it, and then "...". "%-s": in
// HTML, a line may be broken after a dot, a colon, a slash or an underscore. Takes %s, %zu, %.3f.
__attribute__((format(printf, 3, 4))) void vs_print(FILE* out, vs_dialect dialect,
                                                    const char* format, ...);

// The same for each text of a list.
void vs_print_each(FILE* out, vs_dialect dialect, const char* format, const vs_texts* texts);

// How long a fence of backquotes must be to hold the text.
size_t vs_fence_for(const char* text);

#endif  // VS_CONFORMANCE_ESCAPE_H_
