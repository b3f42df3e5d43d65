// SPDX-License-Identifier: BSD-3-Clause
#include "rune.h"

#include <stdbool.h>

enum { REPLACEMENT = 0xfffd };

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
