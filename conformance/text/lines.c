// SPDX-License-Identifier: BSD-3-Clause
#include "lines.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "names.h"

vs_source vs_source_of(const char* text, size_t length) {
  return (vs_source){.text = text, .length = length};
}

static bool is_blank(char c) {
  return c == ' ' || c == '\t';
}

bool vs_line_next(vs_source* source, vs_line* line) {
  if (source->at >= source->length) return false;
  const char* start = source->text + source->at;
  const char* end = memchr(start, '\n', source->length - source->at);
  size_t length = end ? (size_t)(end - start) : source->length - source->at;
  source->at += length + (end != NULL);
  while (length > 0 && start[length - 1] == '\r') length--;
  source->line++;
  line->number = source->line;
  line->raw = start;
  line->raw_length = length;
  line->indent = 0;
  while (line->indent < length && is_blank(start[line->indent])) line->indent++;
  line->count = 0;
  line->end_column = length + 1;
  return true;
}

bool vs_line_is_idle(const vs_line* line) {
  return line->indent == line->raw_length || line->raw[line->indent] == '#';
}

static bool is_name(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

// --- what is wrong ----------------------------------------------------------------------------

static bool fault_at(const vs_line* line, size_t column, vs_fault* fault, const char* what,
                     const char* shown, size_t length) {
  fault->line = line->number;
  fault->column = column;
  int kept = length < VS_WORD_SHOWN ? (int)length : VS_WORD_SHOWN;
  snprintf(fault->message, sizeof fault->message, what, kept, shown);
  return false;
}

bool vs_line_fault(const vs_line* line, size_t index, vs_fault* fault, const char* format, ...) {
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(fault->message, sizeof fault->message, format, arguments);
  va_end(arguments);
  fault->line = line->number;
  bool cut = line->count > 0;
  fault->column = index < line->count ? line->words[index].column
                  : cut               ? line->end_column
                                      : line->indent + 1;
  return false;
}

bool vs_line_expected(const vs_line* line, size_t index, vs_fault* fault, const char* what,
                      const char* const* names, size_t count) {
  if (index >= line->count)
    return vs_line_fault(line, index, fault, "expected %s, found the end of the line", what);
  const char* word = line->words[index].text;
  const char* meant = count > 0 ? vs_nearest(word, names, count) : NULL;
  if (meant == NULL)
    return vs_line_fault(line, index, fault, "expected %s, found '%.*s'", what, VS_WORD_SHOWN,
                         word);
  return vs_line_fault(line, index, fault, "expected %s, found '%.*s'; did you mean '%s'?", what,
                       VS_WORD_SHOWN, word, meant);
}

// --- words ------------------------------------------------------------------------------------

typedef struct cutter {
  vs_line* line;
  size_t at;    // in the raw line
  size_t used;  // of line->text
} cutter;

static bool put(cutter* c, const char* text, size_t length, vs_fault* fault) {
  if (c->used + length + 1 >= VS_LINE_MAX)
    return fault_at(c->line, 1, fault, "the line is longer than 8191 bytes%.*s", "", 0);
  memcpy(c->line->text + c->used, text, length);
  c->used += length;
  return true;
}

static bool put_variable(cutter* c, vs_variable variable, const void* context, vs_fault* fault) {
  const vs_line* line = c->line;
  size_t first = ++c->at;
  while (c->at < line->raw_length && is_name(line->raw[c->at])) c->at++;
  const char* value = variable(context, line->raw + first, c->at - first);
  if (value == NULL)
    return fault_at(line, first, fault, "no loop around this line has a variable '%.*s'",
                    line->raw + first, c->at - first);
  return put(c, value, strlen(value), fault);
}

static bool cut_word(cutter* c, vs_variable variable, const void* context, vs_fault* fault) {
  vs_line* line = c->line;
  if (line->count == VS_WORDS_MAX)
    return fault_at(line, c->at + 1, fault, "the line has more than 160 words%.*s", "", 0);
  vs_word* word = &line->words[line->count++];
  *word = (vs_word){line->text + c->used, c->at + 1};
  while (c->at < line->raw_length && !is_blank(line->raw[c->at])) {
    const char* letter = &line->raw[c->at];
    if (*letter == '$' && variable != NULL) {
      if (!put_variable(c, variable, context, fault)) return false;
      continue;
    }
    if ((unsigned char)*letter < ' ' || (unsigned char)*letter >= 0x7f)
      return fault_at(line, c->at + 1, fault, "expected printable ASCII%.*s", "", 0);
    if (!put(c, letter, 1, fault)) return false;
    c->at++;
  }
  line->end_column = c->at + 1;
  line->text[c->used++] = '\0';
  return true;
}

bool vs_line_cut(vs_line* line, vs_variable variable, const void* context, vs_fault* fault) {
  cutter c = {line, line->indent, 0};
  line->count = 0;
  while (c.at < line->raw_length) {
    if (!cut_word(&c, variable, context, fault)) return false;
    while (c.at < line->raw_length && is_blank(line->raw[c.at])) c.at++;
  }
  return true;
}
