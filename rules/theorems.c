// SPDX-License-Identifier: BSD-3-Clause
// For the prover alone; no compiler sees this file, and the two that it includes come with their
// own contracts. What the kernels' profiles answer, and what they do to the registers, is what the
// page allows, but for the defects that have a name.
#include "effects.c"
#include "logic.h"
#include "rules.c"

/*@ requires \valid_read(c);
  @ requires c->null ==> c->readable == 0;
  @ requires speaks(profile, c->arm64);
  @ requires !defect_misaligned_refused(profile, c);
  @ requires !defect_unreadable_faults(profile, c);
  @ assigns \nothing;
  @ ensures refines: \result; */
bool theorem_answer(vs_rules_profile profile, const vs_rules_call* c) {
  vs_rules_answers kernel = vs_rules_answer(profile, c);
  vs_rules_answers page = vs_rules_answer(VS_RULES_DOCUMENTED, c);
  if (kernel.anything) return false;
  if (kernel.ok && !page.ok) return false;
  if (kernel.access_denied && !page.access_denied) return false;
  if (kernel.bad_handle && !page.bad_handle) return false;
  if (kernel.bad_state && !page.bad_state) return false;
  if (kernel.invalid_args && !page.invalid_args) return false;
  return !kernel.wrong_type || page.wrong_type;
}

/*@ requires \valid_read(c) && \valid_read(choices) && \valid_read(given);
  @ requires \valid_read(data + (0 .. 3)) && \valid_read(before) && \valid(now);
  @ requires \separated(c, choices, given, data + (0 .. 3), before, now);
  @ requires flags_are_bits(given) && flags_are_bits(before);
  @ requires same_bytes(before, now, 0, 256) && same_flags(before, now);
  @ requires kernels(profile, c->arm64, choices);
  @ requires !defect_flags_or_only(profile, c, given, before);
  @ requires !defect_access_size_overruns(profile, c);
  @ assigns now->bytes[0 .. 255], now->flags[0 .. 63];
  @ ensures refines: \result; */
bool theorem_effect(vs_rules_profile profile, const vs_rules_call* c,
                    const vs_rules_choices* choices, const vs_rules_registers* given,
                    const uint8_t* data, const vs_rules_registers* before,
                    vs_rules_registers* now) {
  vs_rules_apply(c, ZX_OK, choices, given, data, now);
  // What it read is as it was; then the parts, one by one.
  /*@ assert \forall integer i; 0 <= i < 64 ==> given->flags[i] == \at(given->flags[i], Pre); */
  /*@ assert \forall integer i; 0 <= i < 4 ==> data[i] == \at(data[i], Pre); */
  /*@ assert c->kind == \at(c->kind, Pre) && c->first == \at(c->first, Pre); */
  /*@ assert c->arm64 == \at(c->arm64, Pre); */
  /*@ assert io(c) && !c->arm64 ==> same_flags(before, now); */
  /*@ assert io(c) && !c->arm64 ==> same_bytes(before, now, 8, 256); */
  /*@ assert io(c) && c->arm64 ==> same_flags(before, now); */
  /*@ assert io(c) && !c->arm64 ==> page_accumulator(c->first, data, before, now); */
  /*@ assert !io(c) ==> same_bytes(given, now, 0, general(c->arm64)); */
  /*@ assert !io(c) ==> same_bytes(before, now, general(c->arm64), 256); */
  /*@ assert !io(c) && gate_shut(c->arm64, choices, given) ==> same_flags(before, now); */
  /*@ assert !io(c) && !gate_shut(c->arm64, choices, given) ==>
    @   \forall integer i; 0 <= i < 64 ==> page_flag(c->arm64, given, before, now, i); */
  return vs_rules_may_become(c, given, data, before, now);
}
