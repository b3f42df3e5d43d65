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

// Makes the snippet start with what a run of others has left.
static void start_behind(vs_snippet* s, const vs_snippet_result* run) {
  enum { RFLAGS = 128, GATE = 2, USER = 0x244dd5, FLOAT_SIZE = VS_PAGE_LOG_ARM64 - VS_PAGE_FLOAT };
  memcpy(s->state, run->page + VS_PAGE_STATE, vs_state_size(s->arch));
  memcpy(s->page + VS_PAGE_FLOAT, run->page + VS_PAGE_FLOAT, FLOAT_SIZE);
  memcpy(s->page + VS_PAGE_DATA, run->page + VS_PAGE_DATA, VS_SNIPPET_READ - VS_PAGE_DATA);
  if (s->arch != VS_ARCH_X64) return;
  uint64_t flags;
  memcpy(&flags, s->state + RFLAGS, sizeof flags);
  flags = (flags & USER) | GATE;
  memcpy(s->state + RFLAGS, &flags, sizeof flags);
}

// What instructions before the last one only prepare becomes what the last one starts with.
static void prepare_last(vs_duel* duel, vs_snippet* s) {
  vs_snippet before = *s, last = *s;
  vs_snippet_result first, other;
  if (s->count < 2) return;
  before.count--;
  if (vs_duel_fight(duel, &before, &first, &other) != 0) return;
  last.insns[0] = s->insns[s->count - 1];
  last.count = 1;
  start_behind(&last, &first);
  if (still_differs(duel, &last)) *s = last;
}

void vs_duel_minimize(vs_duel* duel, vs_snippet* s) {
  drop_instructions(duel, s);
  prepare_last(duel, s);
  clear_state(duel, s);
  clear_page(duel, s);
}
