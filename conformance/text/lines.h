// SPDX-License-Identifier: BSD-3-Clause
// A text as lines of words: where it stands, and what is wrong there. Internal to the parsers.
#ifndef VS_CONFORMANCE_LINES_H_
#define VS_CONFORMANCE_LINES_H_

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "fault.h"

enum {
  VS_LINE_MAX = 8192,  // bytes of a line, after its variables were put in
  VS_WORDS_MAX = 160,  // words of a line
  VS_WORD_SHOWN = 40   // bytes of a word that a message shows
};

// A text that is being read, line by line. Borrowed; need not end in a NUL.
typedef struct vs_source {
  const char* text;
  size_t length;
  size_t at;    // offset of the next line
  size_t line;  // number of the next line, from 1; 0 before the first is read
} vs_source;

typedef struct vs_word {
  char* text;     // ends in a NUL; within vs_line.text
  size_t column;  // from 1, in the source
} vs_word;

// One line, cut into words at blanks.
typedef struct vs_line {
  size_t number;
  const char* raw;  // within the source
  size_t raw_length;
  size_t indent;  // blanks before the first word
  size_t count;
  size_t end_column;  // past the last word
  vs_word words[VS_WORDS_MAX];
  char text[VS_LINE_MAX];
} vs_line;

vs_source vs_source_of(const char* text, size_t length);

// Fetches the next line, not yet cut into words, without a carriage return at its end: elsewhere
// that is no blank, and where text is shown it would hide what stands before. False: there is none.
bool vs_line_next(vs_source* source, vs_line* line);

// What a variable stands for; NULL: there is no such variable.
typedef const char* (*vs_variable)(const void* context, const char* name, size_t length);

// Cuts a fetched line into words, "$NAME" replaced. `variable` may be NULL: then '$' is nothing
// special. False: `fault` says why.
bool vs_line_cut(vs_line* line, vs_variable variable, const void* context, vs_fault* fault);

// True for a line without words, or a comment.
bool vs_line_is_idle(const vs_line* line);

// Fills `fault` and returns false. The column is of word `index`; past the last: of the
// line's end; of a line that was not cut: of its first word.
__attribute__((format(printf, 4, 5))) bool vs_line_fault(const vs_line* line, size_t index,
                                                         vs_fault* fault, const char* format, ...);

// "expected WHAT, found 'word'", with the nearest of `names`, if any, as a suggestion.
bool vs_line_expected(const vs_line* line, size_t index, vs_fault* fault, const char* what,
                      const char* const* names, size_t count);

#endif  // VS_CONFORMANCE_LINES_H_
