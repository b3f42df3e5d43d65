// SPDX-License-Identifier: BSD-3-Clause
#include "minimize.h"

#include <string.h>

vs_differences vs_duel_fight(vs_duel* duel, const vs_snippet* s, vs_snippet_result* first,
                             vs_snippet_result* other) {
  vs_flags undefined;
  if (duel->broken || !vs_snippet_is_sound(s, &undefined)) return 0;
  vs_station_begin(duel->first, s, 1);
  vs_station_begin(duel->other, s, 1);
  const bool first_good = vs_station_end(duel->first, first);
  const bool other_good = vs_station_end(duel->other, other);
  duel->broken = !first_good || !other_good;
  return duel->broken ? 0 : vs_results_differ(s, first, other) & ~duel->ignored;
}

static bool still_differs(vs_duel* duel, const vs_snippet* s) {
  vs_snippet_result first, other;
  return vs_duel_fight(duel, s, &first, &other) != 0;
}

static void drop(vs_snippet* s, uint32_t at) {
  s->count--;
  memmove(&s->insns[at], &s->insns[at + 1], (s->count - at) * sizeof s->insns[0]);
}

// From the end on, again until none can go.
static void drop_instructions(vs_duel* duel, vs_snippet* s) {
  bool dropped = true;
  while (dropped) {
    dropped = false;
    for (uint32_t i = s->count; i > 0; i--) {
      vs_snippet trial = *s;
      drop(&trial, i - 1);
      if (!still_differs(duel, &trial)) continue;
      *s = trial;
      dropped = true;
    }
  }
}

// Makes `size` bytes at an offset of the snippet zero, if it still differs then.
static void clear(vs_duel* duel, vs_snippet* s, uint8_t* at, size_t size) {
  static const uint8_t zeros[VS_SNIPPET_PAGE];
  const size_t offset = (size_t)(at - (uint8_t*)s);
  vs_snippet trial = *s;
  if (memcmp(at, zeros, size) == 0) return;
  memset((uint8_t*)&trial + offset, 0, size);
  if (still_differs(duel, &trial)) *s = trial;
}

// What the harness needs stays: the stack pointer and the base of the data, and that the flags are
// meant.
static bool is_needed(vs_arch arch, size_t word) {
  return arch == VS_ARCH_X64 ? word == 4 || word >= 15 : word == 28 || word == 31;
}

static void clear_state(vs_duel* duel, vs_snippet* s) {
  const size_t words = vs_state_size(s->arch) / sizeof(uint64_t);
  for (size_t i = 0; i < words; i++) {
    if (!is_needed(s->arch, i)) clear(duel, s, s->state + i * sizeof(uint64_t), sizeof(uint64_t));
  }
}

static void clear_page(vs_duel* duel, vs_snippet* s) {
  enum { REGISTER = 16, ST = 32, XMM = 160, END = 160 + 256 };
  const bool is_x64 = s->arch == VS_ARCH_X64;
  uint8_t* vectors = s->page + VS_PAGE_FLOAT + (is_x64 ? XMM : REGISTER);
  const size_t count = is_x64 ? 16 : 32;
  clear(duel, s, s->page + VS_PAGE_DATA, VS_SNIPPET_PAGE - VS_PAGE_DATA);
  clear(duel, s, vectors, count * REGISTER);
  for (size_t i = 0; i < count; i++) clear(duel, s, vectors + i * REGISTER, REGISTER);
  for (size_t i = 0; i < 8 && is_x64; i++)
    clear(duel, s, s->page + VS_PAGE_FLOAT + ST + i * REGISTER, REGISTER);
  for (size_t at = VS_PAGE_DATA; at < VS_PAGE_DATA + 0x90; at += sizeof(uint64_t))
    clear(duel, s, s->page + at, sizeof(uint64_t));
}

void vs_duel_minimize(vs_duel* duel, vs_snippet* s) {
  drop_instructions(duel, s);
  clear_state(duel, s);
  clear_page(duel, s);
}
