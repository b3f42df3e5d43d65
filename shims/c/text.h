// SPDX-License-Identifier: BSD-3-Clause
// The text of lines, for shim.c: what is on one, and what is to be.
#ifndef VCPUSPEC_SHIMS_C_TEXT_H_
#define VCPUSPEC_SHIMS_C_TEXT_H_

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "platform.h"

enum { LINE = 16384, SUM = sizeof " sum=00000000" - 1 };

// --- a line that is written ---------------------------------------------------------------------

typedef struct answer {
  size_t length;
  char text[LINE + 1];
} answer;

static void add(answer* a, const char* text) {
  while (*text != '\0' && a->length < LINE) a->text[a->length++] = *text++;
}

// `before`, and a number of at least so many digits.
static void add_number(answer* a, const char* before, uint64_t n, unsigned base, int least) {
  char text[24] = "";
  char* first = text + sizeof text - 1;
  for (; n != 0 || least > 0; n /= base, least--) *--first = "0123456789abcdef"[n % base];
  add(a, before);
  add(a, first);
}

static void add_status(answer* a, int32_t status) {
  add_number(a, status < 0 ? " -" : " ", (uint64_t)(status < 0 ? -(int64_t)status : status), 10, 1);
}

static void add_bytes(answer* a, const uint8_t* bytes, size_t size) {
  for (size_t i = 0; i < size && a->length + 2 <= LINE; i++) {
    a->text[a->length++] = "0123456789abcdef"[bytes[i] >> 4];
    a->text[a->length++] = "0123456789abcdef"[bytes[i] & 15];
  }
}

// At most so many characters of a word; what may not stand in one becomes "_".
static void add_word(answer* a, const char* word, size_t most) {
  for (; *word != '\0' && most > 0 && a->length < LINE; word++, most--) {
    a->text[a->length++] = *word > ' ' && *word <= '~' ? *word : '_';
  }
}

// The sum of a line.
static void add_sum(answer* a, const char* line, size_t length) {
  uint32_t sum = 2166136261;
  for (size_t i = 0; i < length; i++) sum = (sum ^ (uint8_t)line[i]) * 16777619;
  add_number(a, " sum=", sum, 16, 8);
}

// --- a line that is read ------------------------------------------------------------------------

typedef struct reader {
  const char* at;
  bool bad;  // something was missing, or was no number
} reader;

static unsigned digit(char c) {
  if (c >= '0' && c <= '9') return (unsigned)(c - '0');
  return c >= 'a' && c <= 'f' ? (unsigned)(c - 'a') + 10 : 16;
}

// True, and the text is behind us, if it comes next.
static bool eat(reader* r, const char* text) {
  const char* at = r->at;
  for (; *text != '\0'; text++, at++) {
    if (*at != *text) return false;
  }
  r->at = at;
  return true;
}

// `before`, and a number below 2^64.
static uint64_t eat_number(reader* r, const char* before, unsigned base) {
  uint64_t n = 0;
  r->bad |= !eat(r, before) || digit(*r->at) >= base;
  for (; digit(*r->at) < base; r->at++) {
    r->bad |= n > (UINT64_MAX - digit(*r->at)) / base;
    n = n * base + digit(*r->at);
  }
  return n;
}

// A blank, and at least one byte.
static size_t eat_bytes(reader* r, uint8_t bytes[LINE / 2]) {
  size_t size = 0;
  r->bad |= !eat(r, " ");
  for (; digit(r->at[0]) < 16 && digit(r->at[1]) < 16; r->at += 2) {
    bytes[size++] = (uint8_t)(digit(r->at[0]) << 4 | digit(r->at[1]));
  }
  r->bad |= size == 0;
  return size;
}

// The sum at the end of a line is right, and is then no part of it.
static bool take_sum(char* line, size_t length) {
  static answer sum;
  if (length < SUM) return false;
  sum.length = 0;
  add_sum(&sum, line, length - SUM);
  for (size_t i = 0; i < SUM; i++) {
    if (line[length - SUM + i] != sum.text[i]) return false;
  }
  line[length - SUM] = '\0';
  return true;
}

static bool is_hello(const char* line) {
  reader r = {line, false};
  if (!eat(&r, "hello")) return false;
  eat_number(&r, " ", 10);
  return !r.bad && *r.at == '\0';
}

// --- lines that come ----------------------------------------------------------------------------

typedef struct input {
  char bytes[2 * LINE];  // from `at` to `end` nothing was done about them
  size_t at;
  size_t end;
  char line[LINE + 1];  // the line, without its end
  size_t length;        // more than LINE: it was too long, and this is its beginning
} input;

// The next line. False: there is none.
static bool read_line(input* in) {
  for (in->length = 0;;) {
    if (in->at == in->end) {
      in->at = 0;
      in->end = platform_read(in->bytes, sizeof in->bytes);
      if (in->end == 0) return false;
    }
    char c = in->bytes[in->at++];
    if (c == '\n') break;
    // What is no text is no part of any line that is understood.
    if (in->length++ < LINE) in->line[in->length - 1] = c == '\0' ? '\1' : c;
  }
  size_t kept = in->length < LINE ? in->length : LINE;
  if (kept > 0 && kept == in->length && in->line[kept - 1] == '\r') kept = --in->length;
  in->line[kept] = '\0';
  return true;
}

#endif  // VCPUSPEC_SHIMS_C_TEXT_H_
