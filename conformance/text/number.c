// SPDX-License-Identifier: BSD-3-Clause
#include "number.h"

#include <stdio.h>
#include <string.h>

#include "common/refuse.h"
#include "names.h"

enum { DEPTH = 24, LEVELS = 6, PICK_MAX = 64 };

typedef struct reader {
  const char* text;
  size_t at;
  unsigned depth;
  const vs_scope* scope;
  vs_why* why;
} reader;

// splitmix64's finaliser.
static uint64_t finalise(uint64_t x) {
  x += UINT64_C(0x9e3779b97f4a7c15);
  x = (x ^ x >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
  x = (x ^ x >> 27) * UINT64_C(0x94d049bb133111eb);
  return x ^ x >> 31;
}

uint64_t vs_mix(uint64_t seed, uint64_t number) {
  return finalise(finalise(seed) + number);
}

uint64_t vs_calm_flags(const vs_arch_info* info, uint64_t flags) {
  const uint64_t trap = info->has_ports ? 0x100 : 0;  // TF stops the guest after one instruction
  return flags & ~trap;
}

static bool wants(reader* r, const char* what) {
  return r->why->text[0] == '\0' ? vs_refuse(r->why, "%s", what) : false;
}

static bool sum(reader* r, unsigned level, uint64_t* value);

static bool whole(reader* r, uint64_t* value) {
  if (r->depth == DEPTH) return wants(r, "at most 24 nested parentheses");
  r->depth++;
  bool good = sum(r, 0, value);
  r->depth--;
  return good;
}

static bool take(reader* r, char c) {
  if (r->text[r->at] != c) return false;
  r->at++;
  return true;
}

static int digit_of(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  return c >= 'A' && c <= 'F' ? c - 'A' + 10 : 16;
}

static bool literal(reader* r, uint64_t* value) {
  uint64_t base = 10;
  if (r->text[r->at] == '0' && r->text[r->at + 1] == 'x') {
    base = 16;
    r->at += 2;
  }
  size_t first = r->at;
  *value = 0;
  while ((uint64_t)digit_of(r->text[r->at]) < base) {
    uint64_t digit = (uint64_t)digit_of(r->text[r->at]);
    if (*value > (UINT64_MAX - digit) / base) return wants(r, "a number of at most 64 bits");
    *value = *value * base + digit;
    r->at++;
  }
  return r->at > first || wants(r, base == 16 ? "hexadecimal digits" : "a number");
}

// --- names ------------------------------------------------------------------------------------

static bool is_letter(char c) {
  return (c >= 'a' && c <= 'z') || c == '_';
}

static bool is_word(const char* name, size_t length, const char* word) {
  return strlen(word) == length && strncmp(name, word, length) == 0;
}

static bool right_named(const char* name, size_t length, uint64_t* value) {
  for (size_t i = 0; i < vs_right_name_count; i++) {
    if (!is_word(name, length, vs_right_names[i].name)) continue;
    *value = vs_right_names[i].right;
    return true;
  }
  return false;
}

// The chosen argument of "i,a,b,...)"; the others are read all the same.
static bool pick(reader* r, uint64_t* value) {
  uint64_t index = 0;
  uint64_t each = 0;
  bool found = false;
  if (!whole(r, &index)) return false;
  for (uint64_t i = 0; i < PICK_MAX && take(r, ','); i++) {
    if (!whole(r, &each)) return false;
    if (i == index) *value = each;
    found |= i == index;
  }
  if (!take(r, ')')) return wants(r, "',' or ')'");
  return found || wants(r, "an index that is in the list");
}

static bool random_word(reader* r, uint64_t* value) {
  if (!whole(r, value)) return false;
  *value = vs_mix(r->scope->seed, *value);
  return take(r, ')') || wants(r, "')'");
}

static bool flags_named(const reader* r, const char* name, size_t length, uint64_t* value) {
  const vs_arch_info* info = r->scope->info;
  uint64_t all = info->flags_required | info->flags_optional;
  if (is_word(name, length, "settable")) {
    *value = all;
  } else if (is_word(name, length, "user")) {
    *value = vs_calm_flags(info, all);
  } else if (is_word(name, length, "gate")) {
    *value = info->flags_gate;
  } else {
    return false;
  }
  return true;
}

static bool size_named(const reader* r, const char* name, size_t length, uint64_t* value) {
  const vs_scope* scope = r->scope;
  bool exact = is_word(name, length, "exact");
  if (exact) *value = scope->exact;
  if (is_word(name, length, "state_size")) *value = scope->info->state_size;
  if (is_word(name, length, "io_size")) *value = sizeof(zx_vcpu_io_t);
  return (exact && scope->has_exact) || is_word(name, length, "state_size") ||
         is_word(name, length, "io_size");
}

static bool named(reader* r, uint64_t* value) {
  const char* name = r->text + r->at;
  size_t length = 0;
  while (is_letter(name[length])) length++;
  bool call = name[length] == '(';
  if (call && (is_word(name, length, "pick") || is_word(name, length, "random"))) {
    r->at += length + 1;
    return name[0] == 'p' ? pick(r, value) : random_word(r, value);
  }
  if (!right_named(name, length, value) && !flags_named(r, name, length, value) &&
      !size_named(r, name, length, value)) {
    return wants(r, "a number, or the name of one");
  }
  r->at += length;
  return true;
}

// --- expressions ------------------------------------------------------------------------------

static bool unary(reader* r, uint64_t* value) {
  bool inverted = false;
  bool negative = false;
  unsigned signs = 0;
  for (; r->text[r->at] == '~' || r->text[r->at] == '-'; r->at++) {
    if (++signs > 1) return wants(r, "at most one of ~ and -");
    inverted = r->text[r->at] == '~';
    negative = r->text[r->at] == '-';
  }
  bool good;
  if (take(r, '(')) {
    good = whole(r, value) && (take(r, ')') || wants(r, "')'"));
  } else if (take(r, '@')) {
    *value = r->scope->index;
    good = r->scope->has_index || wants(r, "a number: '@' means something within each= alone");
  } else {
    good = is_letter(r->text[r->at]) ? named(r, value) : literal(r, value);
  }
  if (inverted) *value = ~*value;
  if (negative) *value = 0 - *value;
  return good;
}

// The operator of a level at the cursor, taken; 0: none.
static char operator_at(reader* r, unsigned level) {
  static const char* const operators[LEVELS] = {"|", "^", "&", "<>", "+-", "*/%"};
  char c = r->text[r->at];
  if (c == '\0' || strchr(operators[level], c) == NULL) return '\0';
  if (level == 3 && r->text[r->at + 1] != c) return '\0';
  r->at += level == 3 ? 2 : 1;
  return c;
}

static bool combine(reader* r, char op, uint64_t* left, uint64_t right) {
  switch (op) {
    case '|':
      *left |= right;
      return true;
    case '^':
      *left ^= right;
      return true;
    case '&':
      *left &= right;
      return true;
    case '<':
      *left = right < 64 ? *left << right : 0;
      return true;
    case '>':
      *left = right < 64 ? *left >> right : 0;
      return true;
    case '+':
      *left += right;
      return true;
    case '-':
      *left -= right;
      return true;
    case '*':
      *left *= right;
      return true;
    default:
      if (right == 0) return wants(r, "a divisor other than 0");
      *left = op == '/' ? *left / right : *left % right;
      return true;
  }
}

static bool sum(reader* r, unsigned level, uint64_t* value) {
  if (level == LEVELS) return unary(r, value);
  if (!sum(r, level + 1, value)) return false;
  for (char op = operator_at(r, level); op != '\0'; op = operator_at(r, level)) {
    uint64_t right = 0;
    if (!sum(r, level + 1, &right) || !combine(r, op, value, right)) return false;
  }
  return true;
}

bool vs_number_read(const char* text, const vs_scope* scope, uint64_t* value, size_t* at,
                    vs_why* why) {
  reader r = {.text = text, .scope = scope, .why = why};
  why->text[0] = '\0';
  *value = 0;
  bool good = whole(&r, value);
  if (good && text[r.at] != '\0') good = wants(&r, "an operator, or the end of the number");
  *at = r.at;
  return good;
}
