// SPDX-License-Identifier: BSD-3-Clause
#include "wire.h"

#include <stdio.h>
#include <string.h>

#include "refuse.h"

static const char digits[] = "0123456789abcdef";

uint32_t vs_wire_sum(const char* bytes, size_t length) {
  uint32_t sum = UINT32_C(2166136261);
  for (size_t i = 0; i < length; i++) sum = (sum ^ (uint8_t)bytes[i]) * UINT32_C(16777619);
  return sum;
}

// --- words and numbers ------------------------------------------------------------------------

typedef struct word {
  const char* at;
  size_t length;
} word;

// Takes the next word off. False: the line is at its end, or there is not one blank between words.
static bool next_word(word* rest, word* w) {
  if (rest->length == 0) return false;
  const char* blank = memchr(rest->at, ' ', rest->length);
  w->at = rest->at;
  w->length = blank != NULL ? (size_t)(blank - rest->at) : rest->length;
  size_t taken = w->length + (blank != NULL);
  if (blank != NULL && taken == rest->length) return false;
  rest->at += taken;
  rest->length -= taken;
  return w->length > 0;
}

static bool is(const word* w, const char* text) {
  return strlen(text) == w->length && memcmp(text, w->at, w->length) == 0;
}

static bool after(const word* w, const char* prefix, word* value) {
  size_t length = strlen(prefix);
  if (w->length < length || memcmp(w->at, prefix, length) != 0) return false;
  *value = (word){w->at + length, w->length - length};
  return true;
}

// What the digit stands for, and 1; 0: it is none.
static const uint8_t digit_values[256] = {
    ['0'] = 1, ['1'] = 2,  ['2'] = 3,  ['3'] = 4,  ['4'] = 5,  ['5'] = 6,  ['6'] = 7,  ['7'] = 8,
    ['8'] = 9, ['9'] = 10, ['a'] = 11, ['b'] = 12, ['c'] = 13, ['d'] = 14, ['e'] = 15, ['f'] = 16,
};

static unsigned digit(char c) {
  return digit_values[(uint8_t)c];
}

static bool read_number(const word* w, uint64_t* number) {
  if (w->length < 3 || w->length > 18 || w->at[0] != '0' || w->at[1] != 'x') return false;
  *number = 0;
  for (size_t i = 2; i < w->length; i++) {
    unsigned value = digit(w->at[i]);
    if (value == 0) return false;
    *number = *number << 4 | (value - 1);
  }
  return true;
}

// Below 10^18.
static bool read_decimal(const word* w, uint64_t* number) {
  if (w->length < 1 || w->length > 18) return false;
  *number = 0;
  for (size_t i = 0; i < w->length; i++) {
    if (w->at[i] < '0' || w->at[i] > '9') return false;
    *number = 10 * *number + (uint64_t)(w->at[i] - '0');
  }
  return true;
}

static bool is_printable(const char* line, size_t length) {
  for (size_t i = 0; i < length; i++) {
    if ((uint8_t)line[i] < ' ' || (uint8_t)line[i] >= 0x7f) return false;
  }
  return true;
}

// --- greetings --------------------------------------------------------------------------------

#define VS_CALL(name, word, phase, text, ...) "zx_" #name,
const char* const vs_wire_words[] = {
#include <vcpuspec/calls.def>
    "hold", "flip", "sums"};
const size_t vs_wire_word_count = sizeof vs_wire_words / sizeof vs_wire_words[0];

_Static_assert(VS_CALL_COUNT <= 32, "a bit for each call");

static const uint32_t needed =
    UINT32_C(1) << VS_CALL_guest_create | UINT32_C(1) << VS_CALL_vcpu_create |
    UINT32_C(1) << VS_CALL_vcpu_write_state | UINT32_C(1) << VS_CALL_handle_close;

static bool refuse(vs_wire_fault* fault, const word* w, const char* why) {
  vs_refuse(&fault->why, "%s", why);
  fault->word = w != NULL ? w->at : NULL;
  fault->word_length = w != NULL ? w->length : 0;
  return false;
}

bool vs_wire_is_greeting(const char* line, size_t length) {
  return length > 6 && memcmp(line, "hello ", 6) == 0;
}

static bool read_version(const word* w, vs_wire_fault* fault) {
  uint64_t version;
  if (!read_decimal(w, &version)) return refuse(fault, w, "expected a number");
  if (version == VS_WIRE_VERSION) return true;
  refuse(fault, NULL, "");
  return vs_refuse(
      &fault->why,
      "it speaks version %llu of the protocol, and this vcpuspec version %d: rebuild the one "
      "that is older",
      (unsigned long long)version, VS_WIRE_VERSION);
}

static bool read_name(const word* w, vs_greeting* g, vs_wire_fault* fault) {
  if (w->length >= sizeof g->name)
    return refuse(fault, w, "expected a name of at most 63 characters");
  memcpy(g->name, w->at, w->length);
  return true;
}

static bool read_arch(const word* w, vs_greeting* g, vs_wire_fault* fault) {
  if (is(w, "x86-64")) g->arch = VS_ARCH_X64;
  if (is(w, "arm64")) g->arch = VS_ARCH_ARM64;
  return g->arch != 0 || refuse(fault, w, "expected x86-64 or arm64");
}

static bool read_resource(const word* value, const word* w, zx_handle_t* resource,
                          vs_wire_fault* fault) {
  uint64_t number;
  bool good = read_number(value, &number) && number <= UINT32_MAX;
  if (!good) return refuse(fault, w, "expected a handle as 0xN");
  *resource = (zx_handle_t)number;
  return true;
}

static bool read_arena(const word* value, const word* w, vs_greeting* g, vs_wire_fault* fault) {
  const char* colon = memchr(value->at, ':', value->length);
  size_t first = colon != NULL ? (size_t)(colon - value->at) : 0;
  const word base = {value->at, first};
  const word size = {value->at + first + 1, colon != NULL ? value->length - first - 1 : 0};
  bool good = read_number(&base, &g->arena) && read_number(&size, &g->arena_size) &&
              g->arena_size >= 1 << 20 && g->arena_size - 1 <= UINT64_MAX - g->arena;
  return good || refuse(fault, w, "expected arena=0xBASE:0xSIZE, of at least 1 MiB");
}

static bool read_word(const word* w, vs_greeting* g, vs_wire_fault* fault) {
  word value;
  if (after(w, "resource=", &value)) return read_resource(&value, w, &g->resource, fault);
  if (after(w, "other_resource=", &value))
    return read_resource(&value, w, &g->other_resource, fault);
  if (after(w, "arena=", &value)) return read_arena(&value, w, g, fault);
  for (size_t i = 0; i < vs_wire_word_count; i++) {
    if (!is(w, vs_wire_words[i])) continue;
    if (i < VS_CALL_COUNT) g->calls |= UINT32_C(1) << i;
    g->hold |= i == VS_CALL_COUNT;
    g->flip |= i == VS_CALL_COUNT + 1;
    g->sums |= i == VS_CALL_COUNT + 2;
    return true;
  }
  return refuse(fault, w, "expected a documented call, or a word of a greeting");
}

static bool has_needed(const vs_greeting* g, vs_wire_fault* fault) {
  for (size_t i = 0; i < VS_CALL_COUNT; i++) {
    if (!(needed & ~g->calls & UINT32_C(1) << i)) continue;
    refuse(fault, NULL, "");
    return vs_refuse(&fault->why, "it lacks %s, without which nothing can be judged",
                     vs_wire_words[i]);
  }
  return true;
}

static bool is_apart(const vs_greeting* g, vs_wire_fault* fault) {
  bool apart = g->other_resource == ZX_HANDLE_INVALID || g->other_resource != g->resource;
  return apart || refuse(fault, NULL, "its other_resource= is the handle of its resource=");
}

bool vs_wire_read_greeting(const char* line, size_t length, vs_greeting* g, vs_wire_fault* fault) {
  word rest = {line, length};
  word w;
  memset(g, 0, sizeof *g);  // what lies between members too: greetings are compared
  *fault = (vs_wire_fault){.word = NULL};
  static const char form[] = "expected 'hello 2 NAME ARCH ...', with one blank between words";
  if (!is_printable(line, length)) return refuse(fault, NULL, "expected printable ASCII");
  if (!next_word(&rest, &w) || !is(&w, "hello") || !next_word(&rest, &w))
    return refuse(fault, NULL, form);
  if (!read_version(&w, fault)) return false;
  if (!next_word(&rest, &w)) return refuse(fault, NULL, form);
  if (!read_name(&w, g, fault)) return false;
  if (!next_word(&rest, &w)) return refuse(fault, NULL, form);
  if (!read_arch(&w, g, fault)) return false;
  while (rest.length > 0) {
    if (!next_word(&rest, &w)) return refuse(fault, NULL, form);
    if (!read_word(&w, g, fault)) return false;
  }
  return is_apart(g, fault) && has_needed(g, fault);
}

// --- answers ----------------------------------------------------------------------------------

static bool read_status(const word* w, zx_status_t* status) {
  uint64_t number;
  bool minus = w->length > 0 && w->at[0] == '-';
  const word positive = {w->at + minus, w->length - minus};
  if (!read_decimal(&positive, &number)) return false;
  if (number > (uint64_t)INT32_MAX + minus) return false;
  *status = (zx_status_t)(minus ? -(int64_t)number : (int64_t)number);
  return true;
}

const char* vs_wire_read_answer(const char* line, size_t length, vs_wire_answer* a) {
  word rest = {line, length};
  word w;
  *a = (vs_wire_answer){.tag = 0};
  if (!next_word(&rest, &w) || !read_decimal(&w, &a->tag))
    return "expected a tag, and a status (text for people goes to standard error)";
  // The text of an error may be anything, or nothing.
  a->error = rest.length >= 5 && memcmp(rest.at, "error", 5) == 0 &&
             (rest.length == 5 || rest.at[5] == ' ');
  if (a->error) {
    size_t taken = rest.length == 5 ? 5 : 6;
    a->rest = rest.at + taken;
    a->length = rest.length - taken;
    return NULL;
  }
  if (!next_word(&rest, &w) || !read_status(&w, &a->status))
    return "expected a status, a signed decimal number of 32 bits, after the tag";
  word peeked = rest;
  if (next_word(&peeked, &w) && is(&w, "held")) {
    a->held = true;
    rest = peeked;
  }
  a->rest = rest.at;
  a->length = rest.length;
  return NULL;
}

static bool are_digits(const char* hex, size_t count) {
  for (size_t i = 0; i < count; i++) {
    if (digit(hex[i]) == 0) return false;
  }
  return true;
}

bool vs_wire_next_range(vs_wire_answer* a, vs_wire_range* range, const char** why) {
  word rest = {a->rest, a->length};
  word w;
  *why = NULL;
  if (rest.length == 0) return false;
  *why = "expected ranges that changed, as 0xADDRESS=HEX, with one blank between words";
  if (!next_word(&rest, &w)) return false;
  const char* equals = memchr(w.at, '=', w.length < 19 ? w.length : 19);
  if (equals == NULL) return false;
  const word address = {w.at, (size_t)(equals - w.at)};
  size_t count = w.length - address.length - 1;
  if (!read_number(&address, &range->address)) return false;
  if (count < 2 || count % 2 != 0 || !are_digits(equals + 1, count)) return false;
  range->hex = equals + 1;
  range->count = count / 2;
  *why = "a range goes past the end of all addresses";
  if (range->count - 1 > UINT64_MAX - range->address) return false;
  *why = NULL;
  a->rest = rest.at;
  a->length = rest.length;
  return true;
}

void vs_wire_bytes(const char* hex, size_t count, uint8_t* bytes) {
  for (size_t i = 0; i < count; i++) {
    bytes[i] = (uint8_t)((digit(hex[2 * i]) - 1) << 4 | (digit(hex[2 * i + 1]) - 1));
  }
}

// --- what goes --------------------------------------------------------------------------------

char* vs_wire_put_text(char* at, const char* text, size_t length) {
  memcpy(at, text, length);
  return at + length;
}

char* vs_wire_put_decimal(char* at, uint64_t number) {
  char text[20];
  size_t first = sizeof text;
  do {
    text[--first] = (char)('0' + number % 10);
    number /= 10;
  } while (number != 0);
  return vs_wire_put_text(at, text + first, sizeof text - first);
}

char* vs_wire_put_number(char* at, uint64_t number) {
  char text[16];
  size_t first = sizeof text;
  do {
    text[--first] = digits[number % 16];
    number /= 16;
  } while (number != 0);
  at = vs_wire_put_text(at, "0x", 2);
  return vs_wire_put_text(at, text + first, sizeof text - first);
}

char* vs_wire_put_bytes(char* at, const uint8_t* bytes, size_t count) {
  for (size_t i = 0; i < count; i++) {
    *at++ = digits[bytes[i] >> 4];
    *at++ = digits[bytes[i] & 15];
  }
  return at;
}

char* vs_wire_end(char* line, char* at, bool sums) {
  if (sums) {
    uint32_t sum = vs_wire_sum(line, (size_t)(at - line));
    at = vs_wire_put_text(at, " sum=", 5);
    for (unsigned shift = 32; shift > 0; shift -= 4) *at++ = digits[sum >> (shift - 4) & 15];
  }
  *at++ = '\n';
  return at;
}
