// SPDX-License-Identifier: BSD-3-Clause
#include <string.h>

#include "encode.h"

static const vs_form forms[] = {
#define VS_A64(name, value, free) {name, VS_FEATURE_NONE, 0, 0, 0},
#include "arm64_forms.def"
};

static const struct {
  uint32_t value;
  uint32_t free;
} encodings[] = {
#define VS_A64(name, value, free) {value, free},
#include "arm64_forms.def"
};

const vs_form* vs_arm64_forms(size_t* count) {
  *count = sizeof forms / sizeof forms[0];
  return forms;
}

size_t vs_arm64_encode(vs_dice* dice, size_t form, uint8_t* out) {
  enum { FIELD = 0x1f, BASE = 28 };
  const uint32_t free = encodings[form].free;
  uint32_t insn = encodings[form].value | ((uint32_t)vs_roll(dice) & free);
  const uint32_t target = insn & FIELD;
  if ((free & FIELD) == FIELD && (target == BASE || target == FIELD)) insn ^= 2;
  memcpy(out, &insn, sizeof insn);
  return sizeof insn;
}

// A branch by 26 bits of words.
size_t vs_arm64_encode_back(size_t at, uint8_t* out) {
  enum { BACK = VS_SNIPPET_HARNESS + 0x100 };
  const uint32_t words = (uint32_t)(BACK - (VS_SNIPPET_CODE + at)) / 4;
  const uint32_t insn = 0x14000000u | (words & 0x3ffffff);
  memcpy(out, &insn, sizeof insn);
  return sizeof insn;
}
