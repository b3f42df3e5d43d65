// SPDX-License-Identifier: BSD-3-Clause
#include <zircon/syscalls/hypervisor.h>

#include "logic.h"
#include "rules.h"

/*@ requires \valid_read(c);
  @ assigns \nothing;
  @ ensures \result <==> (!defect_access_size_overruns(profile, c) && !(io(c) && c->arm64)); */
bool vs_rules_effect_known(vs_rules_profile profile, const vs_rules_call* c) {
  if (c->kind != ZX_VCPU_IO) return true;
  if (c->arm64) return false;
  if (profile != VS_RULES_ZIRCON_2018) return true;
  return c->first <= 4;
}

/*@ requires \valid(m);
  @ assigns *m;
  @ ensures kernels(profile, arm64, m); */
void vs_rules_made(vs_rules_profile profile, bool arm64, vs_rules_choices* m) {
  m->gated = !arm64;
  m->keeps_nt = false;
  m->keeps_ac = false;
  m->keeps_id = false;
  m->or_only = false;
  m->zeroes_upper = false;
  if (arm64 && profile == VS_RULES_ZIRCON_ARM64) m->or_only = true;
  if (arm64 && profile == VS_RULES_ZIRCON_2018) m->or_only = true;
  if (arm64 && profile == VS_RULES_ZIRCON_2023) m->or_only = true;
  if (arm64 && profile == VS_RULES_ZIRCON_2026) m->or_only = true;
}

// Bit numbers of rflags: CF 0, PF 2, AF 4, ZF 6, SF 7, TF 8, DF 10, OF 11, NT 14, AC 18, ID 21; of
// cpsr: V 28, C 29, Z 30, N 31.
/*@ requires 0 <= bit < 64;
  @ assigns \nothing;
  @ ensures \result <==> callers_flag(arm64, bit); */
static bool is_callers(bool arm64, int bit) {
  if (arm64) return bit / 4 == 7;
  if (bit < 9) return bit == 0 || bit == 2 || bit == 4 || bit == 6 || bit == 7 || bit == 8;
  if (bit < 12) return bit != 9;
  return bit == 14 || bit == 18 || bit == 21;
}

/*@ requires \valid_read(choices);
  @ requires 0 <= bit < 64;
  @ assigns \nothing;
  @ ensures \result <==> kept_flag(arm64, choices, bit); */
static bool is_kept(bool arm64, const vs_rules_choices* choices, int bit) {
  if (arm64) return false;
  if (bit == 14) return choices->keeps_nt;
  if (bit == 18) return choices->keeps_ac;
  if (bit == 21) return choices->keeps_id;
  return false;
}

/*@ requires \valid_read(choices) && \valid_read(given);
  @ requires flags_are_bits(given);
  @ requires 0 <= bit < 64;
  @ assigns \nothing;
  @ ensures \result <==> flag_written(arm64, choices, given, bit); */
static bool is_written(bool arm64, const vs_rules_choices* choices, const vs_rules_registers* given,
                       int bit) {
  if (!is_callers(arm64, bit)) return false;
  if (is_kept(arm64, choices, bit)) return false;
  if (!arm64 && choices->gated && given->flags[1] == 0) return false;
  if (choices->or_only) return given->flags[bit] != 0;
  return true;
}

/*@ requires \valid_read(choices) && \valid_read(given) && \valid(now);
  @ requires \separated(choices, given, now);
  @ requires flags_are_bits(given);
  @ assigns now->bytes[0 .. 255], now->flags[0 .. 63];
  @ ensures state_written{Pre, Post}(arm64, choices, given, now); */
static void write_registers(bool arm64, const vs_rules_choices* choices,
                            const vs_rules_registers* given, vs_rules_registers* now) {
  int general = 128;
  if (arm64) general = 256;
  /*@ loop invariant 0 <= i <= general;
    @ loop invariant \forall integer j; 0 <= j < i ==> now->bytes[j] == given->bytes[j];
    @ loop invariant bytes_kept{Pre, Here}(now, i);
    @ loop assigns i, now->bytes[0 .. 255];
    @ loop variant general - i; */
  for (int i = 0; i < general; i++) now->bytes[i] = given->bytes[i];
  /*@ loop invariant 0 <= i <= 64;
    @ loop invariant \forall integer j; 0 <= j < i ==>
    @   (flag_written(arm64, choices, given, j) ==> now->flags[j] == given->flags[j]) &&
    @   (!flag_written(arm64, choices, given, j) ==> now->flags[j] == \at(now->flags[j], Pre));
    @ loop invariant \forall integer j; i <= j < 64 ==> now->flags[j] == \at(now->flags[j], Pre);
    @ loop assigns i, now->flags[0 .. 63];
    @ loop variant 64 - i; */
  for (int i = 0; i < 64; i++) {
    if (is_written(arm64, choices, given, i)) now->flags[i] = given->flags[i];
  }
}

// The accumulator is the first register: its lowest byte is bytes[0].
/*@ requires \valid_read(choices) && \valid_read(data + (0 .. 3)) && \valid(now);
  @ requires \separated(choices, data + (0 .. 3), now);
  @ requires 0 <= wide <= 4;
  @ assigns now->bytes[0 .. 7];
  @ ensures io_written{Pre, Post}(wide, choices, data, now); */
static void write_accumulator(int wide, const vs_rules_choices* choices, const uint8_t* data,
                              vs_rules_registers* now) {
  /*@ loop invariant 0 <= i <= 8;
    @ loop invariant \forall integer j; 0 <= j < i && j < wide ==> now->bytes[j] == data[j];
    @ loop invariant \forall integer j; wide <= j < i ==>
    @   now->bytes[j] == (choices->zeroes_upper != 0 ? 0 : \at(now->bytes[j], Pre));
    @ loop invariant bytes_kept{Pre, Here}(now, i);
    @ loop assigns i, now->bytes[0 .. 7];
    @ loop variant 8 - i; */
  for (int i = 0; i < 8; i++) {
    if (i < wide) {
      now->bytes[i] = data[i];
    } else if (choices->zeroes_upper) {
      now->bytes[i] = 0;
    }
  }
}

/*@ requires \valid_read(c) && \valid_read(choices) && \valid_read(given);
  @ requires \valid_read(data + (0 .. 3)) && \valid(now);
  @ requires \separated(c, choices, given, data + (0 .. 3), now);
  @ requires flags_are_bits(given);
  @ assigns now->bytes[0 .. 255], now->flags[0 .. 63];
  @ behavior refused:
  @   assumes status != ZX_OK;
  @   ensures nothing_changed{Pre, Post}(now);
  @ behavior state:
  @   assumes status == ZX_OK && !io(c);
  @   ensures state_written{Pre, Post}(c->arm64, choices, given, now);
  @ behavior io_with_ports:
  @   assumes status == ZX_OK && io(c) && !c->arm64;
  @   ensures io_written{Pre, Post}(width(c), choices, data, now);
  @ behavior io_without_ports:
  @   assumes status == ZX_OK && io(c) && c->arm64;
  @   ensures nothing_changed{Pre, Post}(now);
  @ complete behaviors;
  @ disjoint behaviors; */
void vs_rules_apply(const vs_rules_call* c, zx_status_t status, const vs_rules_choices* choices,
                    const vs_rules_registers* given, const uint8_t* data, vs_rules_registers* now) {
  if (status != ZX_OK) return;
  if (c->kind != ZX_VCPU_IO) {
    write_registers(c->arm64, choices, given, now);
  } else if (!c->arm64) {
    int wide = 4;
    if (c->first < 4) wide = c->first;
    write_accumulator(wide, choices, data, now);
  }
}

/*@ requires \valid_read(b) && \valid_read(a);
  @ requires 0 <= from && to <= 256;
  @ assigns \nothing;
  @ ensures \result <==> same_bytes(b, a, from, to); */
static bool are_same_bytes(const vs_rules_registers* b, const vs_rules_registers* a, int from,
                           int to) {
  /*@ loop invariant from <= i;
    @ loop invariant same_bytes(b, a, from, i);
    @ loop assigns i;
    @ loop variant to - i; */
  for (int i = from; i < to; i++) {
    if (a->bytes[i] != b->bytes[i]) return false;
  }
  return true;
}

/*@ requires \valid_read(b) && \valid_read(a);
  @ assigns \nothing;
  @ ensures \result <==> same_flags(b, a); */
static bool are_same_flags(const vs_rules_registers* b, const vs_rules_registers* a) {
  /*@ loop invariant 0 <= i <= 64;
    @ loop invariant \forall integer j; 0 <= j < i ==> a->flags[j] == b->flags[j];
    @ loop assigns i;
    @ loop variant 64 - i; */
  for (int i = 0; i < 64; i++) {
    if (a->flags[i] != b->flags[i]) return false;
  }
  return true;
}

// The flags of arm64 that are not the caller's.
/*@ requires \valid_read(b) && \valid_read(a);
  @ assigns \nothing;
  @ ensures \result <==> \forall integer i; 0 <= i < 64 && !callers_flag(1, i) ==>
  @   a->flags[i] == b->flags[i]; */
static bool are_same_others(const vs_rules_registers* b, const vs_rules_registers* a) {
  /*@ loop invariant 0 <= i <= 64;
    @ loop invariant \forall integer j; 0 <= j < i && !callers_flag(1, j) ==>
    @   a->flags[j] == b->flags[j];
    @ loop assigns i;
    @ loop variant 64 - i; */
  for (int i = 0; i < 64; i++) {
    if (!is_callers(true, i) && a->flags[i] != b->flags[i]) return false;
  }
  return true;
}

/*@ requires \valid_read(given) && \valid_read(b) && \valid_read(a);
  @ requires 0 <= bit < 64;
  @ assigns \nothing;
  @ ensures \result <==> page_flag(arm64, given, b, a, bit); */
static bool is_page_flag(bool arm64, const vs_rules_registers* given, const vs_rules_registers* b,
                         const vs_rules_registers* a, int bit) {
  if (!is_callers(arm64, bit)) return a->flags[bit] == b->flags[bit];
  if (a->flags[bit] == given->flags[bit]) return true;
  if (arm64) return false;
  if (bit != 14 && bit != 18 && bit != 21) return false;
  return a->flags[bit] == b->flags[bit];
}

/*@ requires \valid_read(given) && \valid_read(b) && \valid_read(a);
  @ assigns \nothing;
  @ ensures \result <==> page_state(arm64, given, b, a); */
static bool is_page_state(bool arm64, const vs_rules_registers* given, const vs_rules_registers* b,
                          const vs_rules_registers* a) {
  int general = 128;
  if (arm64) general = 256;
  if (!are_same_bytes(given, a, 0, general)) return false;
  if (!are_same_bytes(b, a, general, 256)) return false;
  if (!arm64 && given->flags[1] == 0 && are_same_flags(b, a)) return true;
  /*@ loop invariant 0 <= i <= 64;
    @ loop invariant \forall integer j; 0 <= j < i ==> page_flag(arm64, given, b, a, j);
    @ loop assigns i;
    @ loop variant 64 - i; */
  for (int i = 0; i < 64; i++) {
    if (!is_page_flag(arm64, given, b, a, i)) return false;
  }
  return true;
}

/*@ requires \valid_read(data + (0 .. 3)) && \valid_read(b) && \valid_read(a);
  @ assigns \nothing;
  @ ensures \result <==> page_accumulator(first, data, b, a); */
static bool is_page_accumulator(uint8_t first, const uint8_t* data, const vs_rules_registers* b,
                                const vs_rules_registers* a) {
  if (first != 1 && first != 2 && first != 4) return true;
  /*@ loop invariant 0 <= i <= first;
    @ loop invariant \forall integer j; 0 <= j < i ==> a->bytes[j] == data[j];
    @ loop assigns i;
    @ loop variant first - i; */
  for (int i = 0; i < first; i++) {
    if (a->bytes[i] != data[i]) return false;
  }
  if (are_same_bytes(b, a, first, 8)) return true;
  /*@ loop invariant first <= i <= 8;
    @ loop invariant \forall integer j; first <= j < i ==> a->bytes[j] == 0;
    @ loop assigns i;
    @ loop variant 8 - i; */
  for (int i = first; i < 8; i++) {
    if (a->bytes[i] != 0) return false;
  }
  return true;
}

/*@ requires \valid_read(c) && \valid_read(given) && \valid_read(data + (0 .. 3));
  @ requires \valid_read(before) && \valid_read(after);
  @ assigns \nothing;
  @ ensures \result <==> page_effect(c, given, data, before, after); */
bool vs_rules_may_become(const vs_rules_call* c, const vs_rules_registers* given,
                         const uint8_t* data, const vs_rules_registers* before,
                         const vs_rules_registers* after) {
  if (c->kind != ZX_VCPU_IO) return is_page_state(c->arm64, given, before, after);
  if (c->arm64) return are_same_others(before, after);
  if (!are_same_flags(before, after)) return false;
  if (!are_same_bytes(before, after, 8, 256)) return false;
  return is_page_accumulator(c->first, data, before, after);
}

/*@ requires \valid(registers);
  @ requires 0 <= at <= 56;
  @ assigns registers->flags[at .. at + 7];
  @ ensures registers->flags[at] == byte % 2;
  @ ensures registers->flags[at + 1] == byte / 2 % 2;
  @ ensures registers->flags[at + 2] == byte / 4 % 2;
  @ ensures registers->flags[at + 3] == byte / 8 % 2;
  @ ensures registers->flags[at + 4] == byte / 16 % 2;
  @ ensures registers->flags[at + 5] == byte / 32 % 2;
  @ ensures registers->flags[at + 6] == byte / 64 % 2;
  @ ensures registers->flags[at + 7] == byte / 128;
  @ ensures \forall integer j; at <= j < at + 8 ==>
  @   (registers->flags[j] == 0 || registers->flags[j] == 1); */
static void unpack_bits(uint8_t byte, int at, vs_rules_registers* registers) {
  registers->flags[at] = (uint8_t)(byte % 2);
  registers->flags[at + 1] = (uint8_t)(byte / 2 % 2);
  registers->flags[at + 2] = (uint8_t)(byte / 4 % 2);
  registers->flags[at + 3] = (uint8_t)(byte / 8 % 2);
  registers->flags[at + 4] = (uint8_t)(byte / 16 % 2);
  registers->flags[at + 5] = (uint8_t)(byte / 32 % 2);
  registers->flags[at + 6] = (uint8_t)(byte / 64 % 2);
  registers->flags[at + 7] = (uint8_t)(byte / 128);
}

/*@ requires \valid_read(buffer + (0 .. bytes_of_state(arm64) - 1)) && \valid(registers);
  @ requires \separated(buffer + (0 .. bytes_of_state(arm64) - 1), registers);
  @ assigns registers->bytes[0 .. 255], registers->flags[0 .. 63];
  @ ensures \forall integer i; 0 <= i < general(arm64) ==> registers->bytes[i] == buffer[i];
  @ ensures \forall integer i; general(arm64) <= i < 256 ==> registers->bytes[i] == 0;
  @ ensures flags_are_bits(registers); */
void vs_rules_unpack(bool arm64, const uint8_t* buffer, vs_rules_registers* registers) {
  int general = 128;
  int flag_bytes = 8;
  if (arm64) {
    general = 256;
    flag_bytes = 4;
  }
  /*@ loop invariant 0 <= i <= 256;
    @ loop invariant \forall integer j; 0 <= j < i && j < general ==>
    @   registers->bytes[j] == buffer[j];
    @ loop invariant \forall integer j; general <= j < i ==> registers->bytes[j] == 0;
    @ loop assigns i, registers->bytes[0 .. 255];
    @ loop variant 256 - i; */
  for (int i = 0; i < 256; i++) {
    registers->bytes[i] = 0;
    if (i < general) registers->bytes[i] = buffer[i];
  }
  /*@ loop invariant 0 <= i <= 8;
    @ loop invariant \forall integer j; 0 <= j < 8 * i ==>
    @   (registers->flags[j] == 0 || registers->flags[j] == 1);
    @ loop assigns i, registers->flags[0 .. 63];
    @ loop variant 8 - i; */
  for (int i = 0; i < 8; i++) {
    uint8_t byte = 0;
    if (i < flag_bytes) byte = buffer[general + i];
    unpack_bits(byte, 8 * i, registers);
  }
}
