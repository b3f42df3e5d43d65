// SPDX-License-Identifier: BSD-3-Clause
#include <stdlib.h>
#include <string.h>

#include "encode.h"

// --- random numbers -----------------------------------------------------------------------------

// splitmix64.
uint64_t vs_roll(vs_dice* dice) {
  uint64_t x = dice->state += UINT64_C(0x9e3779b97f4a7c15);
  x = (x ^ x >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
  x = (x ^ x >> 27) * UINT64_C(0x94d049bb133111eb);
  return x ^ x >> 31;
}

uint64_t vs_roll_below(vs_dice* dice, uint64_t limit) {
  return vs_roll(dice) % limit;
}

uint64_t vs_roll_value(vs_dice* dice) {
  const uint64_t random = vs_roll(dice);
  const unsigned bit = (unsigned)vs_roll_below(dice, 64);
  switch (vs_roll_below(dice, 8)) {
    case 0:
      return vs_roll_below(dice, 4);
    case 1:
      return UINT64_MAX - vs_roll_below(dice, 3);
    case 2:
      return UINT64_C(1) << bit;
    case 3:
      return (UINT64_C(1) << bit) - 1;
    case 4:
      return (uint64_t)(int64_t)(int8_t)random;
    case 5:
      return UINT64_C(0x8000000080008080) ^ (UINT64_C(1) << bit);
    default:
      return random;
  }
}

// Of floating point: zeros, ones, infinities, NaNs of both sorts, the smallest and the largest.
static uint64_t roll_double(vs_dice* dice) {
  static const uint64_t edges[] = {
      0x0,
      0x3ff0000000000000,
      0xbff8000000000000,
      0x7ff0000000000000,
      0x7ff8000000000001,
      0x7ff0000000000001,
      0x1,
      0x000fffffffffffff,
      0x7fefffffffffffff,
      0x4008000000000000,
      0xc1e0000000000000,
      0x43e0000000000000,
  };
  const uint64_t edge = edges[vs_roll_below(dice, sizeof edges / sizeof edges[0])];
  return edge ^ (vs_roll(dice) & UINT64_C(1) << 63);
}

static uint64_t roll_floats(vs_dice* dice) {
  static const uint32_t edges[] = {0x0,        0x3f800000, 0x7f800000, 0x7fc00001,
                                   0x7f800001, 0x1,        0x7f7fffff, 0x4b000001};
  uint64_t value = 0;
  for (int i = 0; i < 2; i++) {
    const uint32_t edge = edges[vs_roll_below(dice, sizeof edges / sizeof edges[0])];
    value = value << 32 | (edge ^ (uint32_t)(vs_roll(dice) & 0x80000000));
  }
  return value;
}

static uint64_t roll_vector(vs_dice* dice) {
  switch (vs_roll_below(dice, 4)) {
    case 0:
      return roll_double(dice);
    case 1:
      return roll_floats(dice);
    default:
      return vs_roll_value(dice);
  }
}

// --- what a snippet starts with -----------------------------------------------------------------

static void put64(uint8_t* at, uint64_t value) {
  memcpy(at, &value, sizeof value);
}

static void draw_words(vs_dice* dice, uint8_t* at, size_t size) {
  for (size_t i = 0; i < size; i += sizeof(uint64_t)) put64(at + i, roll_vector(dice));
}

// An 80-bit number: 1 or more, a fraction, an infinity, a NaN, a denormal, or 0.
static void draw_x87(vs_dice* dice, uint8_t* at) {
  static const uint16_t exponents[] = {0x3fff, 0x4000, 0x3ffe, 0x403e, 0x7fff, 0x7ffe, 0x0001, 0};
  const uint64_t whole = UINT64_C(1) << 63;
  const uint64_t which = vs_roll_below(dice, sizeof exponents / sizeof exponents[0]);
  uint64_t mantissa = vs_roll_value(dice);
  uint16_t exponent = exponents[which];
  mantissa = exponent == 0 ? mantissa & ~whole : mantissa | whole;
  exponent |= (uint16_t)(vs_roll(dice) & 0x8000);
  memcpy(at, &mantissa, sizeof mantissa);
  memcpy(at + sizeof mantissa, &exponent, sizeof exponent);
}

// As of FXSAVE: the x87 with six numbers, top of stack 2; every exception masked.
static void draw_float_x64(vs_dice* dice, uint8_t* area) {
  enum {
    FCW = 0x37f,
    FSW = 2 << 11,
    FTW = 0xfc,
    MXCSR = 0x1f80,
    ST = 32,
    XMM = 160,
    REGISTER = 16
  };
  const uint16_t words[] = {FCW, FSW, FTW};
  const uint32_t mxcsr = MXCSR;
  memcpy(area, words, sizeof words);
  memcpy(area + 24, &mxcsr, sizeof mxcsr);
  for (size_t i = 0; i < 6; i++) draw_x87(dice, area + ST + i * REGISTER);
  draw_words(dice, area + XMM, 16 * REGISTER);
}

static void draw_state_x64(vs_dice* dice, bool exceptions, vs_snippet* out) {
  enum { GATE = 2, COMPUTED = 0xcd5, NESTED = 0x4000, ID = 0x200000, TF = 0x100 };
  uint64_t words[17];
  for (size_t i = 0; i < 16; i++) words[i] = vs_roll_value(dice);
  words[4] = VS_SNIPPET_PAGE_AT + VS_PAGE_STACK;
  words[15] = VS_SNIPPET_PAGE_AT + VS_PAGE_DATA + VS_DATA_AT;
  words[16] = vs_roll(dice) & COMPUTED;
  if (vs_roll_below(dice, 16) == 0) words[16] |= vs_roll(dice) & (NESTED | ID);
  const bool steps = vs_roll_below(dice, 32) == 0;
  words[16] |= GATE | (steps && exceptions ? TF : 0);
  memcpy(out->state, words, sizeof words);
  draw_float_x64(dice, out->page + VS_PAGE_FLOAT);
}

static void draw_state_arm64(vs_dice* dice, vs_snippet* out) {
  uint64_t words[33];
  for (size_t i = 0; i < 31; i++) words[i] = vs_roll_value(dice);
  words[28] = VS_SNIPPET_PAGE_AT + VS_PAGE_DATA + VS_DATA_AT;
  words[31] = VS_SNIPPET_PAGE_AT + VS_PAGE_STACK;
  words[32] = vs_roll(dice) & 0xf0000000;
  memcpy(out->state, words, sizeof words);
  draw_words(dice, out->page + VS_PAGE_FLOAT + 16, 32 * 16);
}

// --- instructions -------------------------------------------------------------------------------

const vs_form* vs_forms_of(vs_arch arch, size_t* count) {
  return arch == VS_ARCH_X64 ? vs_x64_forms(count) : vs_arm64_forms(count);
}

const vs_form vs_form_entry = {.name = "entry", .feature = VS_FEATURE_NONE};

const vs_form* vs_snippet_form(const vs_snippet* snippet) {
  size_t count;
  const vs_form* forms = vs_forms_of(snippet->arch, &count);
  return snippet->count == 0 ? &vs_form_entry : &forms[snippet->insns[snippet->count - 1].form];
}

size_t vs_state_size(vs_arch arch) {
  return arch == VS_ARCH_X64 ? sizeof(zx_vcpu_state_x64_t) : sizeof(zx_vcpu_state_arm64_t);
}

bool vs_form_is_had(const vs_form* form, const vs_features* features) {
  if (form->feature == VS_FEATURE_NONE) return true;
  if (form->feature == VS_FEATURE_EXCEPTIONS) return features->exceptions;
  return features->words[form->feature / 32] >> form->feature % 32 & 1;
}

// What an instruction does to the set of flags that are not defined. False: it reads one of them.
static bool step_flags(const vs_form* form, vs_flags* undefined) {
  const bool sound = (form->reads & *undefined) == 0;
  *undefined = (*undefined & ~form->sets) | form->undefined;
  return sound;
}

// Where an exception may end the snippet, a flag that a later instruction would define may be left.
bool vs_snippet_is_sound(const vs_snippet* snippet, vs_flags* undefined) {
  size_t count;
  const vs_form* forms = vs_forms_of(snippet->arch, &count);
  bool sound = true, may_end = false;
  vs_flags now = 0, ever = 0;
  for (uint32_t i = 0; i < snippet->count; i++) {
    const vs_form* form = &forms[snippet->insns[i].form];
    sound &= step_flags(form, &now);
    ever |= now;
    may_end |= form->feature == VS_FEATURE_EXCEPTIONS;
  }
  *undefined = may_end ? ever : now;
  return sound;
}

static void draw_insn(vs_dice* dice, vs_arch arch, size_t forms, vs_insn* out) {
  *out = (vs_insn){.form = (uint16_t)vs_roll_below(dice, forms)};
  out->size = (uint8_t)(arch == VS_ARCH_X64 ? vs_x64_encode(dice, out->form, out->bytes)
                                            : vs_arm64_encode(dice, out->form, out->bytes));
}

void vs_snippet_draw(vs_arch arch, uint64_t seed, uint64_t number, const vs_features* features,
                     vs_snippet* out) {
  vs_dice dice = {seed * UINT64_C(0xd1342543de82ef95) + number};
  size_t count;
  const vs_form* forms = vs_forms_of(arch, &count);
  const uint64_t wanted =
      vs_roll_below(&dice, 4) == 0 ? 1 : 2 + vs_roll_below(&dice, VS_SNIPPET_INSNS - 1);
  vs_flags undefined = 0;
  memset(out, 0, sizeof *out);
  out->arch = arch;
  out->seed = seed;
  out->number = number;
  draw_words(&dice, out->page + VS_PAGE_DATA, VS_SNIPPET_PAGE - VS_PAGE_DATA);
  if (arch == VS_ARCH_X64) {
    draw_state_x64(&dice, features->exceptions, out);
  } else {
    draw_state_arm64(&dice, out);
  }
  for (uint64_t i = 0; i < wanted; i++) {
    vs_insn* insn = &out->insns[out->count];
    draw_insn(&dice, arch, count, insn);
    const vs_flags before = undefined;
    if (vs_form_is_had(&forms[insn->form], features) &&
        step_flags(&forms[insn->form], &undefined)) {
      out->count++;
    } else {
      undefined = before;
    }
  }
}

size_t vs_snippet_code(const vs_snippet* snippet, uint8_t* out, size_t size) {
  size_t at = 0;
  for (uint32_t i = 0; i < snippet->count && at + VS_SNIPPET_BYTES < size; i++) {
    memcpy(out + at, snippet->insns[i].bytes, snippet->insns[i].size);
    at += snippet->insns[i].size;
  }
  return at + (snippet->arch == VS_ARCH_X64 ? vs_x64_encode_back(at, out + at)
                                            : vs_arm64_encode_back(at, out + at));
}
