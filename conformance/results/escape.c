// SPDX-License-Identifier: BSD-3-Clause
#include "escape.h"

#include <inttypes.h>
#include <stdbool.h>
#include <string.h>

enum { REPLACEMENT = 0xfffd, LONGEST = 12, LEAST_FENCE = 3 };

static size_t length_by_lead(uint8_t lead) {
  if (lead < 0x80) return 1;
  if (lead >= 0xc2 && lead < 0xe0) return 2;
  if (lead >= 0xe0 && lead < 0xf0) return 3;
  return lead >= 0xf0 && lead < 0xf5 ? 4 : 0;
}

static bool is_character(uint32_t rune, size_t bytes) {
  static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
  bool surrogate = rune >= 0xd800 && rune < 0xe000;
  return rune >= least[bytes] && rune <= 0x10ffff && !surrogate;
}

uint32_t vs_rune(const char* text, size_t* bytes) {
  static const uint8_t lead_bits[] = {0, 0x7f, 0x1f, 0x0f, 0x07};
  uint8_t lead = (uint8_t)text[0];
  size_t length = length_by_lead(lead);
  *bytes = 1;
  if (length <= 1) return length == 1 ? lead : REPLACEMENT;
  uint32_t rune = lead & lead_bits[length];
  for (size_t i = 1; i < length; i++) {
    uint8_t next = (uint8_t)text[i];
    if ((next & 0xc0) != 0x80) return REPLACEMENT;
    rune = rune << 6 | (next & 0x3fu);
  }
  if (!is_character(rune, length)) return REPLACEMENT;
  *bytes = length;
  return rune;
}

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

// What stands for the character in the dialect; false: itself.
static bool replace(vs_dialect dialect, uint32_t rune, char* text) {
  bool line = rune == '\n' || rune == '\t';
  if (is_hidden(rune)) {
    const char* form = dialect == VS_DIALECT_YAML ? "\\\\u{%" PRIx32 "}" : "\\u{%" PRIx32 "}";
    if (dialect == VS_DIALECT_MARKDOWN) form = "&#92;u{%" PRIx32 "}";
    if (dialect == VS_DIALECT_TAP) form = "\\\\u{%" PRIx32 "}";
    return snprintf(text, LONGEST + 8, form, rune) > 0;
  }
  switch (dialect) {
    case VS_DIALECT_XML:
    case VS_DIALECT_ATTRIBUTE:
      if (line && dialect == VS_DIALECT_XML) return false;
      if (!line && (rune > 0x7e || !strchr("&<>\"'", (int)rune))) return false;
      return snprintf(text, LONGEST, "&#%" PRIu32 ";", rune) > 0;
    case VS_DIALECT_MARKDOWN:
      if (line) return snprintf(text, LONGEST, " ") > 0;
      if (rune > 0x7e || !strchr("&<>|`*_[]\\@#~:$", (int)rune)) return false;
      return snprintf(text, LONGEST, "&#%" PRIu32 ";", rune) > 0;
    case VS_DIALECT_TAP:
      if (line) return snprintf(text, LONGEST, " ") > 0;
      if (rune != '#' && rune != '\\') return false;
      return snprintf(text, LONGEST, "\\%c", (int)rune) > 0;
    case VS_DIALECT_YAML:
      if (line) return snprintf(text, LONGEST, "%s", rune == '\n' ? "\\n" : "\\t") > 0;
      if (rune != '"' && rune != '\\') return false;
      return snprintf(text, LONGEST, "\\%c", (int)rune) > 0;
    default:
      return false;
  }
}

void vs_escape_some(FILE* out, vs_dialect dialect, const char* text, size_t most) {
  size_t bytes = 0;
  for (size_t i = 0; *text != '\0'; i++, text += bytes) {
    char other[LONGEST + 8];
    if (i == most) {
      fputs("...", out);
      return;
    }
    uint32_t rune = vs_rune(text, &bytes);
    if (replace(dialect, rune, other)) {
      fputs(other, out);
    } else if (rune == REPLACEMENT) {
      fputs("\xef\xbf\xbd", out);
    } else {
      fwrite(text, 1, bytes, out);
    }
  }
}

void vs_escape(FILE* out, vs_dialect dialect, const char* text) {
  vs_escape_some(out, dialect, text, SIZE_MAX);
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
