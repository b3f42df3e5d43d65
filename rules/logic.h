// SPDX-License-Identifier: BSD-3-Clause
// What is proved of rules.c, as predicates of ACSL, which are comments to a compiler. The code goes
// through the checks one after the other. Here it is said the other way round: for each status, of
// which calls it may be the answer.
#ifndef VCPUSPEC_RULES_LOGIC_H_
#define VCPUSPEC_RULES_LOGIC_H_

#include "rules.h"

// Stands among statuses for "whatever it likes": no status is positive.
#define ANYTHING 1

// clang-format off
/*@
  // ------------------------------------------------------------------ what is a fault of a call
  // `w` is whether the handle has ZX_RIGHT_WRITE: of a handle whose rights are not known, each of the two.
  predicate may_be_right(vs_rules_call* c, integer w) =
    (w == 0 || w == 1) && (c->right_known ==> w == c->right);

  logic integer bytes_of_state(integer arm64) = arm64 != 0 ? 8 * (31 + 1) + 4 + 4 : 8 * (16 + 1);
  logic integer bytes_of_kind(vs_rules_call* c) = c->kind == 0 ? bytes_of_state(c->arm64) : 1 + 3 + 4;
  predicate io(vs_rules_call* c) = c->kind == 1;
  predicate known(vs_rules_call* c) = c->kind == 0 || io(c);
  predicate sized(vs_rules_call* c) = known(c) && c->size == bytes_of_kind(c);
  predicate whole(vs_rules_call* c) = sized(c) && c->readable >= c->size;
  predicate usual_width(vs_rules_call* c) = c->first == 1 || c->first == 2 || c->first == 4;
  predicate odd_width(vs_rules_call* c) = whole(c) && io(c) && !usual_width(c);
  predicate of_vcpu(vs_rules_call* c) = c->valid && c->vcpu;
  predicate elsewhere(vs_rules_call* c) = !c->creator || c->running;

  // ------------------------------------------------------------------ the page, and its latitudes
  predicate page_bad_handle(vs_rules_call* c) = !c->valid;
  predicate page_wrong_type(vs_rules_call* c) = c->valid && !c->vcpu;
  predicate page_access_denied(vs_rules_call* c, integer w) = c->valid && w == 0;
  predicate page_bad_state(vs_rules_call* c) = of_vcpu(c) && elsewhere(c);
  predicate page_invalid_args(vs_rules_call* c) = !whole(c);

  predicate latitude_wrong_thread_io(vs_rules_call* c) = of_vcpu(c) && !c->creator && io(c);
  predicate latitude_access_size(vs_rules_call* c) = odd_width(c);
  predicate latitude_without_ports(vs_rules_call* c) = c->arm64 && io(c);

  predicate page_refuses(vs_rules_call* c, integer w) =
    page_bad_handle(c) || page_wrong_type(c) || page_access_denied(c, w) || page_bad_state(c) ||
    page_invalid_args(c);

  // Whether the page lets the call be answered so: a sentence promises it, or a named latitude.
  predicate documented(vs_rules_call* c, integer w, integer status) =
    (status == ZX_OK && !page_refuses(c, w)) ||
    (status == ZX_ERR_BAD_HANDLE && page_bad_handle(c)) ||
    (status == ZX_ERR_WRONG_TYPE && page_wrong_type(c)) ||
    (status == ZX_ERR_ACCESS_DENIED && page_access_denied(c, w)) ||
    (status == ZX_ERR_BAD_STATE && page_bad_state(c)) ||
    (status == ZX_ERR_INVALID_ARGS &&
      (page_invalid_args(c) || latitude_wrong_thread_io(c) || latitude_access_size(c) ||
       latitude_without_ports(c)));

  // ------------------------------------------------------------------ the kernels, status by status
  // All but zCore look at handle, type and rights first, and in this order.
  predicate let_in(vs_rules_call* c, integer w) = of_vcpu(c) && w == 1;
  predicate zircon_door(vs_rules_call* c, integer w, integer status) =
    (status == ZX_ERR_BAD_HANDLE <==> !c->valid) &&
    (status == ZX_ERR_WRONG_TYPE <==> (c->valid && !c->vcpu)) &&
    (status == ZX_ERR_ACCESS_DENIED <==> (of_vcpu(c) && w == 0));

  predicate zircon_x64(vs_rules_call* c, integer w, integer status) =
    zircon_door(c, w, status) &&
    (status == ZX_ERR_BAD_STATE <==> (let_in(c, w) && whole(c) && elsewhere(c))) &&
    (status == ZX_ERR_INVALID_ARGS <==>
      (let_in(c, w) && (!whole(c) || (odd_width(c) && !elsewhere(c))))) &&
    (status == ZX_OK <==> (let_in(c, w) && whole(c) && !odd_width(c) && !elsewhere(c)));

  predicate zircon_arm64(vs_rules_call* c, integer w, integer status) =
    zircon_door(c, w, status) &&
    (status == ZX_ERR_BAD_STATE <==> (let_in(c, w) && whole(c) && !io(c) && elsewhere(c))) &&
    (status == ZX_ERR_INVALID_ARGS <==> (let_in(c, w) && (!whole(c) || io(c)))) &&
    (status == ZX_OK <==> (let_in(c, w) && whole(c) && !io(c) && !elsewhere(c)));

  // Copies first, as much as it is told to; of nothing, the address alone is looked at.
  predicate copied_2018(vs_rules_call* c) =
    c->size <= bytes_of_state(c->arm64) && c->readable >= c->size && (c->size == 0 ==> c->user);
  predicate taken_2018(vs_rules_call* c) = sized(c) && (io(c) ==> !c->arm64);
  predicate zircon_2018(vs_rules_call* c, integer w, integer status) =
    (status == ZX_ERR_BAD_HANDLE <==> !c->valid) &&
    (status == ZX_ERR_ACCESS_DENIED <==> (c->valid && w == 0)) &&
    (status == ZX_ERR_WRONG_TYPE <==> (c->valid && w == 1 && !c->vcpu)) &&
    (status == ZX_ERR_BAD_STATE <==> (let_in(c, w) && copied_2018(c) && elsewhere(c))) &&
    (status == ZX_ERR_INVALID_ARGS <==>
      (let_in(c, w) && (!copied_2018(c) || (!elsewhere(c) && !taken_2018(c))))) &&
    (status == ZX_OK <==> (let_in(c, w) && copied_2018(c) && !elsewhere(c) && taken_2018(c)));

  // zCore's structure of ZX_VCPU_IO is bytes.
  predicate misaligned(vs_rules_call* c) = c->kind != 1 && c->residue % 8 != 0;
  predicate pointed_zcore(vs_rules_call* c) = sized(c) && !c->null && !misaligned(c);
  predicate faults_zcore(vs_rules_call* c, integer w) =
    let_in(c, w) && !elsewhere(c) && pointed_zcore(c) && !whole(c);
  predicate zcore(vs_rules_call* c, integer w, integer status) =
    (status == ZX_ERR_BAD_HANDLE <==> !c->valid) &&
    (status == ZX_ERR_ACCESS_DENIED <==> (c->valid && w == 0)) &&
    (status == ZX_ERR_WRONG_TYPE <==> (c->valid && w == 1 && !c->vcpu)) &&
    (status == ZX_ERR_BAD_STATE <==> (let_in(c, w) && elsewhere(c))) &&
    (status == ANYTHING <==> faults_zcore(c, w)) &&
    (status == ZX_ERR_INVALID_ARGS <==>
      (let_in(c, w) && !elsewhere(c) && (!pointed_zcore(c) || odd_width(c)))) &&
    (status == ZX_OK <==>
      (let_in(c, w) && !elsewhere(c) && pointed_zcore(c) && whole(c) && !odd_width(c)));

  predicate one_of_the_six(integer s) =
    s == ZX_OK || s == ZX_ERR_BAD_HANDLE || s == ZX_ERR_WRONG_TYPE || s == ZX_ERR_ACCESS_DENIED ||
    s == ZX_ERR_BAD_STATE || s == ZX_ERR_INVALID_ARGS;

  // ------------------------------------------------------------------ any profile
  predicate since_2023(integer p) = p == VS_RULES_ZIRCON_2023 || p == VS_RULES_ZIRCON_2026;
  predicate speaks(integer p, integer arm64) =
    p == VS_RULES_DOCUMENTED || p == VS_RULES_ZIRCON_2018 || since_2023(p) ||
    ((p == VS_RULES_ZIRCON_X64 || p == VS_RULES_ZCORE) && arm64 == 0) ||
    (p == VS_RULES_ZIRCON_ARM64 && arm64 != 0);
  predicate says_knowing(integer p, vs_rules_call* c, integer w, integer status) =
    (p == VS_RULES_DOCUMENTED && documented(c, w, status)) ||
    (p == VS_RULES_ZIRCON_X64 && zircon_x64(c, w, status)) ||
    (p == VS_RULES_ZIRCON_ARM64 && zircon_arm64(c, w, status)) ||
    (p == VS_RULES_ZIRCON_2018 && zircon_2018(c, w, status)) ||
    (since_2023(p) && !c->arm64 && zircon_x64(c, w, status)) ||
    (since_2023(p) && c->arm64 && zircon_arm64(c, w, status)) ||
    (p == VS_RULES_ZCORE && zcore(c, w, status));
  // Not knowing the right, the profile says what it would say with it, and what without.
  predicate says(integer p, vs_rules_call* c, integer status) =
    (may_be_right(c, 0) && says_knowing(p, c, 0, status)) ||
    (may_be_right(c, 1) && says_knowing(p, c, 1, status));

  logic integer how_many(vs_rules_answers a) =
    (a.ok ? 1 : 0) + (a.access_denied ? 1 : 0) + (a.bad_handle ? 1 : 0) + (a.bad_state ? 1 : 0) +
    (a.invalid_args ? 1 : 0) + (a.wrong_type ? 1 : 0) + (a.anything ? 1 : 0);

  // ------------------------------------------------------------------ effects
  // Which flags are the caller's: CF PF AF ZF SF TF DF OF NT AC ID; V C Z N.
  predicate callers_flag(integer arm64, integer i) =
    arm64 != 0 ? 28 <= i <= 31
               : (i == 0 || i == 2 || i == 4 || i == 6 || i == 7 || i == 8 || i == 10 || i == 11 ||
                  i == 14 || i == 18 || i == 21);
  predicate may_be_ignored(integer arm64, integer i) =
    arm64 == 0 && (i == 14 || i == 18 || i == 21);
  predicate kept_flag(integer arm64, vs_rules_choices* m, integer i) =
    arm64 == 0 && ((i == 14 && m->keeps_nt) || (i == 18 && m->keeps_ac) || (i == 21 && m->keeps_id));
  predicate gate_shut(integer arm64, vs_rules_choices* m, vs_rules_registers* given) =
    arm64 == 0 && m->gated && given->flags[1] == 0;
  predicate flag_written(integer arm64, vs_rules_choices* m, vs_rules_registers* given, integer i) =
    callers_flag(arm64, i) && !kept_flag(arm64, m, i) && !gate_shut(arm64, m, given) &&
    (m->or_only ==> given->flags[i] == 1);
  // What the profiles' kernels have chosen.
  predicate or_only_kernel(integer p) =
    p == VS_RULES_ZIRCON_ARM64 || p == VS_RULES_ZIRCON_2018 || since_2023(p);
  predicate kernels(integer p, integer arm64, vs_rules_choices* m) =
    (m->gated <==> arm64 == 0) &&
    !m->keeps_nt && !m->keeps_ac && !m->keeps_id && !m->zeroes_upper &&
    (m->or_only <==> (or_only_kernel(p) && arm64 != 0));
  predicate flags_are_bits(vs_rules_registers* r) =
    \forall integer i; 0 <= i < 64 ==> (r->flags[i] == 0 || r->flags[i] == 1);

  logic integer general(integer arm64) = arm64 != 0 ? 8 * (31 + 1) : 8 * 16;
  logic integer width(vs_rules_call* c) = c->first < 4 ? c->first : 4;

  predicate bytes_kept{L1, L2}(vs_rules_registers* r, integer from) =
    \forall integer i; from <= i < 256 ==> \at(r->bytes[i], L1) == \at(r->bytes[i], L2);
  predicate flags_kept{L1, L2}(vs_rules_registers* r) =
    \forall integer i; 0 <= i < 64 ==> \at(r->flags[i], L1) == \at(r->flags[i], L2);
  predicate nothing_changed{L1, L2}(vs_rules_registers* r) =
    bytes_kept{L1, L2}(r, 0) && flags_kept{L1, L2}(r);

  predicate state_written{L1, L2}(integer arm64, vs_rules_choices* m, vs_rules_registers* given,
                                  vs_rules_registers* r) =
    (\forall integer i; 0 <= i < general(arm64) ==> \at(r->bytes[i], L2) == \at(given->bytes[i], L1)) &&
    bytes_kept{L1, L2}(r, general(arm64)) &&
    (\forall integer i; 0 <= i < 64 ==>
      (flag_written{L1}(arm64, m, given, i) ==> \at(r->flags[i], L2) == \at(given->flags[i], L1)) &&
      (!flag_written{L1}(arm64, m, given, i) ==> \at(r->flags[i], L2) == \at(r->flags[i], L1)));

  predicate io_written{L1, L2}(integer wide, vs_rules_choices* m, uint8_t* data,
                               vs_rules_registers* r) =
    (\forall integer i; 0 <= i < wide ==> \at(r->bytes[i], L2) == \at(data[i], L1)) &&
    (\forall integer i; wide <= i < 8 ==>
       \at(r->bytes[i], L2) == (\at(m->zeroes_upper, L1) != 0 ? 0 : \at(r->bytes[i], L1))) &&
    bytes_kept{L1, L2}(r, 8) && flags_kept{L1, L2}(r);

  // What the page lets become of registers, `b` before and `a` after.
  predicate same_bytes(vs_rules_registers* b, vs_rules_registers* a, integer from, integer to) =
    \forall integer i; from <= i < to ==> a->bytes[i] == b->bytes[i];
  predicate same_flags(vs_rules_registers* b, vs_rules_registers* a) =
    \forall integer i; 0 <= i < 64 ==> a->flags[i] == b->flags[i];
  predicate page_flag(integer arm64, vs_rules_registers* given, vs_rules_registers* b,
                      vs_rules_registers* a, integer i) =
    (callers_flag(arm64, i) && a->flags[i] == given->flags[i]) ||
    ((!callers_flag(arm64, i) || may_be_ignored(arm64, i)) && a->flags[i] == b->flags[i]);
  predicate page_state(integer arm64, vs_rules_registers* given, vs_rules_registers* b,
                       vs_rules_registers* a) =
    same_bytes(given, a, 0, general(arm64)) && same_bytes(b, a, general(arm64), 256) &&
    ((arm64 == 0 && given->flags[1] == 0 && same_flags(b, a)) ||
     (\forall integer i; 0 <= i < 64 ==> page_flag(arm64, given, b, a, i)));
  predicate page_accumulator(integer first, uint8_t* data, vs_rules_registers* b,
                             vs_rules_registers* a) =
    (first == 1 || first == 2 || first == 4) ==>
      ((\forall integer i; 0 <= i < first ==> a->bytes[i] == data[i]) &&
       (same_bytes(b, a, first, 8) || (\forall integer i; first <= i < 8 ==> a->bytes[i] == 0)));
  // Without ports, nobody says which registers ZX_VCPU_IO is about.
  predicate page_io(integer arm64, integer first, uint8_t* data, vs_rules_registers* b,
                    vs_rules_registers* a) =
    (arm64 != 0 ==> (\forall integer i; 0 <= i < 64 && !callers_flag(arm64, i) ==>
                       a->flags[i] == b->flags[i])) &&
    (arm64 == 0 ==> same_flags(b, a) && same_bytes(b, a, 8, 256) &&
                    page_accumulator(first, data, b, a));
  predicate page_effect(vs_rules_call* c, vs_rules_registers* given, uint8_t* data,
                        vs_rules_registers* b, vs_rules_registers* a) =
    (io(c) ==> page_io(c->arm64, c->first, data, b, a)) &&
    (!io(c) ==> page_state(c->arm64, given, b, a));

  // What published kernels do and the page does not allow, by the names of docs/clauses.md.
  predicate defect_misaligned_refused(integer p, vs_rules_call* c) =
    p == VS_RULES_ZCORE && misaligned(c);
  predicate defect_unreadable_faults(integer p, vs_rules_call* c) =
    p == VS_RULES_ZCORE && sized(c) && !whole(c);
  predicate defect_flags_or_only(integer p, vs_rules_call* c, vs_rules_registers* given,
                                 vs_rules_registers* b) =
    or_only_kernel(p) && c->arm64 && !io(c) &&
    (\exists integer i; callers_flag(1, i) && b->flags[i] == 1 && given->flags[i] == 0);
  predicate defect_access_size_overruns(integer p, vs_rules_call* c) =
    p == VS_RULES_ZIRCON_2018 && io(c) && c->first > 4;
*/
// clang-format on

#endif  // VCPUSPEC_RULES_LOGIC_H_
