// SPDX-License-Identifier: BSD-3-Clause
// For the prover alone; no compiler sees this file, and the three that it includes come with their
// own contracts. What the kernels' profiles answer, and what they do to the registers, is what the
// page allows, but for the defects that have a name.
#include "effects.c"
#include "family.c"
#include "logic.h"
#include "logic_family.h"
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

// Of each of the other calls: some status is allowed (total); under a profile with an order it is
// one (one); and it is one that the page allows (refines).
/*@ requires \valid_read(c) && speaks(p, c->arm64);
  @ assigns \nothing;
  @ ensures total: guest_says(p, c, ZX_OK) || guest_says(p, c, ZX_ERR_BAD_HANDLE) ||
  @   guest_says(p, c, ZX_ERR_WRONG_TYPE) || guest_says(p, c, ZX_ERR_INVALID_ARGS) ||
  @   guest_says(p, c, ZX_ERR_ACCESS_DENIED) || guest_says(p, c, ZX_ERR_OUT_OF_RANGE);
  @ ensures one: p != VS_RULES_DOCUMENTED && !(p == VS_RULES_ZCORE && zcore_guest_faults(c)) &&
  @   guest_says(p, c, s) && guest_says(p, c, t) ==> s == t;
  @ ensures refines: guest_says(p, c, s) && !defect_other_resource(p, c) &&
  @   !defect_guest_pointers(p, c) ==> page_guest(c, s); */
void theorem_guest_create(vs_rules_profile p, const vs_rules_guest_call* c, zx_status_t s,
                          zx_status_t t) {}

/*@ requires \valid_read(c) && speaks(p, c->arm64);
  @ assigns \nothing;
  @ ensures total: trap_says(p, c, ZX_OK) || trap_says(p, c, ZX_ERR_BAD_HANDLE) ||
  @   trap_says(p, c, ZX_ERR_WRONG_TYPE) || trap_says(p, c, ZX_ERR_INVALID_ARGS) ||
  @   trap_says(p, c, ZX_ERR_ACCESS_DENIED) || trap_says(p, c, ZX_ERR_OUT_OF_RANGE) ||
  @   trap_says(p, c, ZX_ERR_ALREADY_EXISTS) || trap_says(p, c, ZX_ERR_NOT_SUPPORTED);
  @ ensures one: p != VS_RULES_DOCUMENTED && known(&c->guest) && known(&c->port) &&
  @   (maybe_outside(c) ==> outside(c)) && trap_says(p, c, s) && trap_says(p, c, t) ==> s == t;
  @ ensures refines: trap_says(p, c, s) && !defect_unmap_first(p, c) && !defect_last_port(p, c) &&
  @   !defect_end_before_kind(p, c) && !defect_first_address(p, c) ==> page_trap(c, s); */
void theorem_set_trap(vs_rules_profile p, const vs_rules_trap_call* c, zx_status_t s,
                      zx_status_t t) {}

/*@ requires \valid_read(c) && speaks(p, c->arm64);
  @ assigns \nothing;
  @ ensures total: vcpu_says(p, c, ZX_OK) || vcpu_says(p, c, ZX_ERR_BAD_HANDLE) ||
  @   vcpu_says(p, c, ZX_ERR_WRONG_TYPE) || vcpu_says(p, c, ZX_ERR_INVALID_ARGS) ||
  @   vcpu_says(p, c, ZX_ERR_ACCESS_DENIED) || vcpu_says(p, c, ZX_ERR_BAD_STATE);
  @ ensures one: p != VS_RULES_DOCUMENTED && known(&c->guest) && (maybe_far(c) ==> far(c)) &&
  @   !(p == VS_RULES_ZCORE && zcore_vcpu_faults(c)) && vcpu_says(p, c, s) &&
  @   vcpu_says(p, c, t) ==> s == t;
  @ ensures refines: vcpu_says(p, c, s) && !defect_several_vcpus(p, c) &&
  @   !defect_out_pointer(p, c) ==> page_vcpu(c, s); */
void theorem_vcpu_create(vs_rules_profile p, const vs_rules_vcpu_call* c, zx_status_t s,
                         zx_status_t t) {}

/*@ requires \valid_read(c) && speaks(p, c->arm64);
  @ assigns \nothing;
  @ ensures total: read_says(p, c, ZX_OK) || read_says(p, c, ZX_ERR_BAD_HANDLE) ||
  @   read_says(p, c, ZX_ERR_WRONG_TYPE) || read_says(p, c, ZX_ERR_INVALID_ARGS) ||
  @   read_says(p, c, ZX_ERR_ACCESS_DENIED) || read_says(p, c, ZX_ERR_BAD_STATE);
  @ ensures one: p != VS_RULES_DOCUMENTED && known(&c->vcpu) &&
  @   !(p == VS_RULES_ZCORE && zcore_read_faults(c)) && read_says(p, c, s) &&
  @   read_says(p, c, t) ==> s == t;
  @ ensures refines: read_says(p, c, s) && !defect_read_buffer(p, c) ==> page_read(c, s); */
void theorem_read_state(vs_rules_profile p, const vs_rules_read_call* c, zx_status_t s,
                        zx_status_t t) {}

/*@ requires \valid_read(c) && speaks(p, c->arm64);
  @ assigns \nothing;
  @ ensures total: interrupt_says(p, c, ZX_OK) || interrupt_says(p, c, ZX_ERR_BAD_HANDLE) ||
  @   interrupt_says(p, c, ZX_ERR_WRONG_TYPE) || interrupt_says(p, c, ZX_ERR_ACCESS_DENIED) ||
  @   interrupt_says(p, c, ZX_ERR_OUT_OF_RANGE);
  @ ensures one: p != VS_RULES_DOCUMENTED && known(&c->vcpu) && interrupt_says(p, c, s) &&
  @   interrupt_says(p, c, t) ==> s == t;
  @ ensures refines: interrupt_says(p, c, s) && !defect_any_vector(p, c) ==>
  @   page_interrupt(c, s); */
void theorem_interrupt(vs_rules_profile p, const vs_rules_interrupt_call* c, zx_status_t s,
                       zx_status_t t) {}

/*@ requires \valid_read(c) && speaks(p, c->arm64);
  @ assigns \nothing;
  @ ensures total: enter_says(p, c, ZX_OK) || enter_says(p, c, ZX_ERR_BAD_HANDLE) ||
  @   enter_says(p, c, ZX_ERR_WRONG_TYPE) || enter_says(p, c, ZX_ERR_INVALID_ARGS) ||
  @   enter_says(p, c, ZX_ERR_ACCESS_DENIED) || enter_says(p, c, ZX_ERR_BAD_STATE) ||
  @   enter_says(p, c, ZX_ERR_CANCELED);
  @ ensures one: !of_page(p) && known(&c->vcpu) && !untold(c) && enter_says(p, c, s) &&
  @   enter_says(p, c, t) ==> s == t;
  @ ensures refines: enter_says(p, c, s) ==> page_enter(c, s); */
void theorem_enter(vs_rules_profile p, const vs_rules_enter_call* c, zx_status_t s, zx_status_t t) {
}

/*@ requires \valid_read(c) && speaks(p, c->arm64);
  @ assigns \nothing;
  @ ensures total: kick_says(p, c, ZX_OK) || kick_says(p, c, ZX_ERR_BAD_HANDLE) ||
  @   kick_says(p, c, ZX_ERR_WRONG_TYPE) || kick_says(p, c, ZX_ERR_ACCESS_DENIED);
  @ ensures one: !of_page(p) && known(&c->vcpu) && kick_says(p, c, s) && kick_says(p, c, t) ==>
  @   s == t;
  @ ensures refines: kick_says(p, c, s) ==> kick_says(VS_RULES_DOCUMENTED, c, s); */
void theorem_kick(vs_rules_profile p, const vs_rules_kick_call* c, zx_status_t s, zx_status_t t) {}
