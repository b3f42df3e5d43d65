// SPDX-License-Identifier: BSD-3-Clause
#include "escape.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

enum { REPLACEMENT = 0xfffd, LONGEST = 20, LEAST_FENCE = 3 };

// Not seen, not allowed in XML, or turning what follows it around.
static bool is_hidden(uint32_t rune) {
  static const struct {
    uint32_t first;
    uint32_t last;
  } ranges[] = {{0x1, 0x8},       {0xb, 0x1f},      {0x7f, 0x9f},     {0xad, 0xad},
                {0x61c, 0x61c},   {0x200b, 0x200f}, {0x2028, 0x202e}, {0x2060, 0x206f},
                {0xfeff, 0xfeff}, {0xfff9, 0xfffb}, {0xfffe, 0xffff}, {0xe0000, 0xe0fff}};
  for (size_t i = 0; i < sizeof ranges / sizeof ranges[0]; i++) {
    if (rune >= ranges[i].first && rune <= ranges[i].last) return true;
  }
  return (rune & 0xfffe) == 0xfffe;
}

// How each dialect writes what it cannot have as it is; NULL: it can.
static const struct {
  const char* special;  // characters of ASCII
  const char* form;     // of one of those, by its number
  const char* newline;
  const char* tab;
  const char* backslash;  // before what is written out
} dialects[VS_DIALECT_COUNT] = {
    [VS_DIALECT_XML] = {"&<>\"'", "&#%" PRIu32 ";", NULL, NULL, "\\"},
    [VS_DIALECT_ATTRIBUTE] = {"&<>\"'", "&#%" PRIu32 ";", "&#10;", "&#9;", "\\"},
    [VS_DIALECT_TAP] = {"#\\", "\\%c", " ", " ", "\\\\"},
    [VS_DIALECT_YAML] = {"\"\\", "\\%c", "\\n", "\\t", "\\\\"},
    [VS_DIALECT_MARKDOWN] = {"&<>|`*_[]\\@#~:$", "&#%" PRIu32 ";", " ", " ", "&#92;"},
    [VS_DIALECT_FENCED] = {"", "", NULL, NULL, "\\"},
};

// What stands for the character in the dialect; false: itself.
static bool replace(vs_dialect dialect, uint32_t rune, char* text) {
  const char* line = rune == '\n' ? dialects[dialect].newline : dialects[dialect].tab;
  bool special = rune < 0x7f && strchr(dialects[dialect].special, (int)rune) != NULL;
  if (is_hidden(rune))
    return snprintf(text, LONGEST, "%su{%" PRIx32 "}", dialects[dialect].backslash, rune) > 0;
  if (rune == '\n' || rune == '\t') return line != NULL && snprintf(text, LONGEST, "%s", line) > 0;
  return special && snprintf(text, LONGEST, dialects[dialect].form, rune) > 0;
}

static void put_rune(FILE* out, vs_dialect dialect, uint32_t rune, const char* text, size_t bytes) {
  char other[LONGEST];
  if (replace(dialect, rune, other)) {
    fputs(other, out);
  } else if (rune == REPLACEMENT) {
    fputs("\xef\xbf\xbd", out);
  } else {
    fwrite(text, 1, bytes, out);
  }
}

void vs_escape_some(FILE* out, vs_dialect dialect, const char* text, size_t most) {
  size_t bytes = 0;
  for (size_t i = 0; *text != '\0' && i < most; i++, text += bytes) {
    uint32_t rune = vs_rune(text, &bytes);
    put_rune(out, dialect, rune, text, bytes);
  }
  if (*text != '\0') fputs("...", out);
}

void vs_escape(FILE* out, vs_dialect dialect, const char* text) {
  vs_escape_some(out, dialect, text, SIZE_MAX);
}

// A line may be broken after some characters, and in words that are too long for one.
static void put_name(FILE* out, vs_dialect dialect, const char* text) {
  enum { LONGEST_WORD = 255 };
  size_t bytes = 0;
  for (size_t word = 0; *text != '\0'; text += bytes) {
    uint32_t rune = vs_rune(text, &bytes);
    bool too_long = word + bytes > LONGEST_WORD;
    if (too_long) fputs("<wbr>", out);
    word = too_long ? bytes : word + bytes;
    put_rune(out, dialect, rune, text, bytes);
    if (rune > 0x7e || !strchr("._:/", (int)rune) || text[bytes] == '\0') continue;
    fputs("<wbr>", out);
    word = 0;
  }
}

// The part of a format after '%'; how many bytes it is.
static size_t put_part(FILE* out, vs_dialect dialect, const char* part, va_list* arguments) {
  size_t length = strcspn(part, "sfu%") + 1;
  switch (part[length - 1]) {
    case 's': {
      const char* text = va_arg(*arguments, const char*);
      if (part[0] == '-') put_name(out, dialect, text);
      if (part[0] != '-')
        vs_escape_some(out, dialect, text, part[0] == '.' ? strtoul(part + 1, NULL, 10) : SIZE_MAX);
      break;
    }
    case 'f':
      fprintf(out, "%.3f", va_arg(*arguments, double));
      break;
    case 'u':
      fprintf(out, "%zu", va_arg(*arguments, size_t));
      break;
    default:
      fputc('%', out);
  }
  return length;
}

void vs_print(FILE* out, vs_dialect dialect, const char* format, ...) {
  bool quoted = false;
  va_list arguments;
  va_start(arguments, format);
  for (const char* c = format; *c != '\0'; c++) {
    bool within = quoted && dialect == VS_DIALECT_XML;
    quoted ^= *c == '"';
    if (*c == '%') {
      c += put_part(out, within ? VS_DIALECT_ATTRIBUTE : dialect, c + 1, &arguments);
    } else {
      fputc(*c, out);
    }
  }
  va_end(arguments);
}

void vs_print_each(FILE* out, vs_dialect dialect, const char* format, const vs_texts* texts) {
  for (size_t i = 0; i < texts->count; i++) vs_print(out, dialect, format, texts->at[i]);
}

size_t vs_fence_for(const char* text) {
  size_t longest = LEAST_FENCE - 1;
  while (*text != '\0') {
    size_t run = strspn(text, "`");
    if (run > longest) longest = run;
    text += run > 0 ? run : strcspn(text, "`");
  }
  return longest + 1;
}
