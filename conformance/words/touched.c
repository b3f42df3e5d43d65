// SPDX-License-Identifier: BSD-3-Clause
#include "touched.h"

#include <stdlib.h>
#include <string.h>

vs_touched vs_touched_of(const vs_violation* v) {
  switch (v->kind) {
    case VS_VIOLATION_REGISTER:
      return (vs_touched){.mask = (v->expected ^ v->value) & v->known};
    case VS_VIOLATION_PACKET:
      return (vs_touched){.mask = UINT64_C(1) << v->field};
    case VS_VIOLATION_BUFFER:
      return (vs_touched){.from = v->change.from, .to = v->change.to};
    default:
      return (vs_touched){0};
  }
}

static bool has_bytes(vs_touched t) {
  return t.from < t.to;
}

void vs_touched_add(vs_touched* all, vs_touched more) {
  all->mask |= more.mask;
  if (!has_bytes(more)) return;
  if (!has_bytes(*all) || more.from < all->from) all->from = more.from;
  if (more.to > all->to) all->to = more.to;
}

bool vs_touched_is_within(vs_touched part, vs_touched whole) {
  const bool bytes = !has_bytes(part) || (part.from >= whole.from && part.to <= whole.to);
  return (part.mask & ~whole.mask) == 0 && bytes;
}

// The bits from `low` to `high`, each 0 to 63.
static uint64_t run_of(unsigned high, unsigned low) {
  return UINT64_MAX >> (63 - high + low) << low;
}

vs_touched vs_touched_in_bytes(vs_touched t) {
  if (t.mask == 0) return t;
  const unsigned low = (unsigned)__builtin_ctzll(t.mask);
  const unsigned high = 63 - (unsigned)__builtin_clzll(t.mask);
  t.mask = run_of(high | 7u, low & ~7u);
  return t;
}

// --- as text ------------------------------------------------------------------------------------

static const char* field_name(unsigned i) {
  return i < VS_PACKET_FIELD_COUNT ? vs_packet_fields[i].name : "none";
}

static void say_fields(vs_text* text, uint64_t mask) {
  const char* between = ".";
  for (unsigned i = 0; i <= VS_PACKET_FIELD_COUNT; i++) {
    if ((mask >> i & 1) == 0) continue;
    vs_say(text, "%s%s", between, field_name(i));
    between = ",";
  }
}

// Each run of bits, the highest first.
static void say_bits(vs_text* text, uint64_t mask) {
  const char* between = "[";
  while (mask != 0) {
    const unsigned high = 63 - (unsigned)__builtin_clzll(mask);
    unsigned low = high;
    while (low > 0 && (mask >> (low - 1) & 1) != 0) low--;
    vs_say(text, low < high ? "%s%u:%u" : "%s%u", between, high, low);
    mask &= ~run_of(high, low);
    between = ",";
  }
  vs_say(text, "]");
}

void vs_touched_say(vs_text* text, vs_violation_kind kind, vs_touched touched) {
  if (has_bytes(touched)) return vs_say(text, "[%d..%d]", touched.from, touched.to - 1);
  if (touched.mask == 0) return;
  if (kind == VS_VIOLATION_PACKET) return say_fields(text, touched.mask);
  say_bits(text, touched.mask);
}

// A number of at most four digits, and a sign if it may be below 0; `*at` goes behind it.
static bool read_number(const char** at, int lowest, int highest, int* number) {
  const char* digits = *at + (lowest < 0 && **at == '-');
  const size_t length = strspn(digits, "0123456789");
  if (length == 0 || length > 4) return false;
  *number = (int)strtol(*at, NULL, 10);
  *at = digits + length;
  return *number >= lowest && *number <= highest;
}

static bool read_bytes(const char* at, vs_touched* touched) {
  int last;
  if (!read_number(&at, -9999, 9999, &touched->from)) return false;
  if (strncmp(at, "..", 2) != 0) return false;
  at += 2;
  if (!read_number(&at, touched->from, 9999, &last)) return false;
  touched->to = last + 1;
  return strcmp(at, "]") == 0;
}

static bool read_bits(const char* at, vs_touched* touched) {
  for (;; at++) {
    int high;
    int low;
    if (!read_number(&at, 0, 63, &high)) return false;
    low = high;
    if (*at == ':') {
      at++;
      if (!read_number(&at, 0, high, &low)) return false;
    }
    touched->mask |= run_of((unsigned)high, (unsigned)low);
    if (*at != ',') return strcmp(at, "]") == 0;
  }
}

static bool read_fields(const char* at, vs_touched* touched) {
  for (;; at++) {
    const size_t length = strcspn(at, ",");
    unsigned i = 0;
    while (i <= VS_PACKET_FIELD_COUNT &&
           (strlen(field_name(i)) != length || strncmp(field_name(i), at, length) != 0))
      i++;
    if (i > VS_PACKET_FIELD_COUNT) return false;
    touched->mask |= UINT64_C(1) << i;
    at += length;
    if (*at == '\0') return true;
  }
}

bool vs_touched_read(const char* text, vs_touched* touched) {
  *touched = (vs_touched){0};
  if (text[0] == '.') return read_fields(text + 1, touched);
  if (text[0] != '[') return false;
  return strstr(text, "..") != NULL ? read_bytes(text + 1, touched) : read_bits(text + 1, touched);
}
