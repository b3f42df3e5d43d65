// SPDX-License-Identifier: BSD-3-Clause
// What is proved of family.c: of each status, of which calls it may be the answer, where the code
// goes through the checks one after the other. Ends of ranges are integers here, which do not
// overflow.
#ifndef VCPUSPEC_RULES_LOGIC_FAMILY_H_
#define VCPUSPEC_RULES_LOGIC_FAMILY_H_

#include "family.h"
#include "logic.h"

// clang-format off
/*@
  // ------------------------------------------------------------------ handles, places, threads
  predicate may_lack(vs_rules_handle* h) = h->right_known ==> !h->right;
  predicate may_have(vs_rules_handle* h) = h->right_known ==> h->right;
  predicate may_pass(vs_rules_handle* h) = h->valid && h->type && may_have(h);
  predicate page_handle(vs_rules_handle* h, integer s) =
    (s == ZX_ERR_BAD_HANDLE && !h->valid) ||
    (s == ZX_ERR_WRONG_TYPE && h->valid && !h->type) ||
    (s == ZX_ERR_ACCESS_DENIED && h->valid && may_lack(h));
  predicate type_first(vs_rules_handle* h, integer s) =
    (s == ZX_ERR_BAD_HANDLE && !h->valid) ||
    (s == ZX_ERR_WRONG_TYPE && h->valid && !h->type) ||
    (s == ZX_ERR_ACCESS_DENIED && h->valid && h->type && may_lack(h));
  predicate rights_first(vs_rules_handle* h, integer s) =
    (s == ZX_ERR_BAD_HANDLE && !h->valid) ||
    (s == ZX_ERR_WRONG_TYPE && h->valid && may_have(h) && !h->type) ||
    (s == ZX_ERR_ACCESS_DENIED && h->valid && may_lack(h));
  predicate early(integer p) = p == VS_RULES_ZIRCON_2018 || p == VS_RULES_ZCORE;
  predicate kernel_handle(integer p, vs_rules_handle* h, integer s) =
    (early(p) ==> rights_first(h, s)) && (!early(p) ==> type_first(h, s));
  predicate bad_pointer(vs_rules_place* o, integer align) = o->null || o->residue % align != 0;
  predicate away(integer creator, integer running) = creator == 0 || running != 0;

  // ------------------------------------------------------------------ zx_guest_create
  predicate no_room(vs_rules_guest_call* c) = c->guest.writable < 4 || c->vmar.writable < 4;
  predicate right_resource(vs_rules_guest_call* c) =
    c->valid && c->resource && c->system && c->hypervisor;
  predicate page_guest(vs_rules_guest_call* c, integer s) =
    (s == ZX_OK && right_resource(c) && c->options == 0 && !no_room(c)) ||
    (s == ZX_ERR_INVALID_ARGS && (c->options != 0 || no_room(c))) ||
    (s == ZX_ERR_BAD_HANDLE && !c->valid) ||
    (s == ZX_ERR_WRONG_TYPE && (!c->valid || !c->resource)) ||
    (s == ZX_ERR_ACCESS_DENIED && (c->resource || !c->valid) && !right_resource(c));
  logic integer resource_answer(vs_rules_guest_call* c) =
    !c->valid ? ZX_ERR_BAD_HANDLE :
    !c->resource || !c->system ? ZX_ERR_WRONG_TYPE :
    !c->hypervisor ? ZX_ERR_OUT_OF_RANGE : ZX_OK;
  predicate zircon_guest(integer first, vs_rules_guest_call* c, integer s) =
    (s == ZX_OK && right_resource(c) && c->options == 0 && !no_room(c)) ||
    (s == ZX_ERR_INVALID_ARGS && c->options != 0 && (first != 0 || right_resource(c))) ||
    (s == ZX_ERR_INVALID_ARGS && right_resource(c) && no_room(c)) ||
    (s == resource_answer(c) && !right_resource(c) && (first == 0 || c->options == 0));
  predicate zcore_guest_faults(vs_rules_guest_call* c) =
    right_resource(c) && c->options == 0 && !bad_pointer(&c->guest, 4) &&
    (c->guest.writable < 4 || (!bad_pointer(&c->vmar, 4) && c->vmar.writable < 4));
  predicate zcore_guest_pointers(vs_rules_guest_call* c) =
    bad_pointer(&c->guest, 4) || (c->guest.writable >= 4 && bad_pointer(&c->vmar, 4));
  predicate zcore_guest(vs_rules_guest_call* c, integer s) =
    zcore_guest_faults(c) ||
    (s == ZX_OK && right_resource(c) && c->options == 0 && !zcore_guest_pointers(c)) ||
    (s == ZX_ERR_INVALID_ARGS &&
      (c->options != 0 || (right_resource(c) && zcore_guest_pointers(c)))) ||
    (s == resource_answer(c) && !right_resource(c) && c->options == 0);
  predicate guest_says(integer p, vs_rules_guest_call* c, integer s) =
    speaks(p, c->arm64) ==>
      ((p == VS_RULES_DOCUMENTED ==> page_guest(c, s)) &&
       (p == VS_RULES_ZCORE ==> zcore_guest(c, s)) &&
       (p != VS_RULES_DOCUMENTED && p != VS_RULES_ZCORE ==>
         zircon_guest(p == VS_RULES_ZIRCON_2018 ? 1 : 0, c, s)));

  // ------------------------------------------------------------------ zx_guest_set_trap
  predicate in_memory(integer kind) = kind == 0 || kind == 1;
  predicate io_trap(vs_rules_trap_call* c) = c->kind == 2;
  predicate unfit(vs_rules_trap_call* c) = c->kind > 2 || (c->port_given <==> c->kind != 0);
  predicate broken(vs_rules_trap_call* c) = c->addr % 4096 != 0 || c->size % 4096 != 0;
  predicate beyond(vs_rules_trap_call* c, integer end) = c->addr + c->size > end;
  predicate outside(vs_rules_trap_call* c) = beyond(c, c->kind == 2 ? 65536 : 4503599627370496);
  predicate maybe_outside(vs_rules_trap_call* c) = beyond(c, c->kind == 2 ? 65536 : 68719476736);
  predicate wraps(vs_rules_trap_call* c) = beyond(c, 18446744073709551615);
  predicate overlaps(vs_rules_trap_call* c) =
    c->trapped && c->size > 0 && c->trapped_size > 0 &&
    c->addr < c->trapped_addr + c->trapped_size && c->trapped_addr < c->addr + c->size;
  predicate one_space(vs_rules_trap_call* c) =
    c->kind == 2 ? c->trapped_kind == 2 : in_memory(c->trapped_kind);
  predicate same_begin(vs_rules_trap_call* c) =
    c->trapped && one_space(c) && c->addr == c->trapped_addr;
  predicate odd_apic(vs_rules_trap_call* c) =
    !c->arm64 && in_memory(c->kind) && c->addr == 4276092928 && c->size != 4096;
  predicate portless(vs_rules_trap_call* c) = c->arm64 && io_trap(c);
  predicate left_open(vs_rules_trap_call* c) = odd_apic(c) || (c->kind <= 2 && c->size == 0);

  predicate page_refuses_trap(vs_rules_trap_call* c) =
    unfit(c) || (in_memory(c->kind) && broken(c)) || outside(c) ||
    (c->trapped_kind == c->kind && overlaps(c));
  predicate page_trap_arguments(vs_rules_trap_call* c, integer s) =
    (s == ZX_ERR_INVALID_ARGS &&
      (unfit(c) || (in_memory(c->kind) && broken(c)) || left_open(c) || portless(c))) ||
    (s == ZX_ERR_OUT_OF_RANGE && (left_open(c) || (c->kind <= 2 && maybe_outside(c)))) ||
    (s == ZX_ERR_ALREADY_EXISTS && c->kind <= 2 && one_space(c) && overlaps(c)) ||
    (s == ZX_ERR_BAD_HANDLE && c->kind == 0 && !c->port_given) ||
    (s == ZX_ERR_NOT_SUPPORTED && portless(c));
  predicate trap_let_in(vs_rules_trap_call* c) =
    may_pass(&c->guest) && (c->port_given ==> may_pass(&c->port));
  predicate page_trap(vs_rules_trap_call* c, integer s) =
    page_handle(&c->guest, s) || (c->port_given && page_handle(&c->port, s)) ||
    page_trap_arguments(c, s) || (s == ZX_OK && trap_let_in(c) && !page_refuses_trap(c));

  // A memory range that the kernel does, and may, unmap.
  predicate unmapped(vs_rules_trap_call* c) = !broken(c) && c->size > 0 && !outside(c);
  predicate maybe_refused(vs_rules_trap_call* c) = broken(c) || c->size == 0 || maybe_outside(c);
  predicate last_ports(vs_rules_trap_call* c) = c->size == 0 || beyond(c, 65535);
  predicate zircon_trap(vs_rules_trap_call* c, integer s) =
    (s == ZX_ERR_NOT_SUPPORTED && portless(c)) ||
    (s == ZX_ERR_INVALID_ARGS && !portless(c) &&
      (unfit(c) || (in_memory(c->kind) && maybe_refused(c)))) ||
    (s == ZX_ERR_OUT_OF_RANGE && !portless(c) && !unfit(c) && io_trap(c) && last_ports(c)) ||
    ((s == ZX_OK || s == ZX_ERR_ALREADY_EXISTS) && !portless(c) && !unfit(c) &&
      (c->kind == 2 ? !last_ports(c) : unmapped(c)) &&
      (s == ZX_ERR_ALREADY_EXISTS <==> one_space(c) && overlaps(c)));
  predicate x64_2018_trap(vs_rules_trap_call* c, integer s) =
    (s == ZX_ERR_OUT_OF_RANGE && c->size > 0 &&
      (wraps(c) || (!unfit(c) && io_trap(c) && last_ports(c)))) ||
    (s == ZX_ERR_INVALID_ARGS &&
      (c->size == 0 || (!wraps(c) && (unfit(c) || (in_memory(c->kind) && maybe_refused(c)))))) ||
    ((s == ZX_OK || s == ZX_ERR_ALREADY_EXISTS) && c->size > 0 && !unfit(c) &&
      (c->kind == 2 ? !last_ports(c) : unmapped(c)) &&
      (s == ZX_ERR_ALREADY_EXISTS <==> same_begin(c)));
  predicate arm64_2018_trap(vs_rules_trap_call* c, integer s) =
    (s == ZX_ERR_NOT_SUPPORTED && io_trap(c)) ||
    (s == ZX_ERR_OUT_OF_RANGE && !unfit(c) && !io_trap(c) && wraps(c)) ||
    (s == ZX_ERR_INVALID_ARGS && !io_trap(c) &&
      (unfit(c) || (!wraps(c) && maybe_refused(c)))) ||
    ((s == ZX_OK || s == ZX_ERR_ALREADY_EXISTS) && !io_trap(c) && !unfit(c) && unmapped(c) &&
      (s == ZX_ERR_ALREADY_EXISTS <==> same_begin(c)));
  predicate zcore_trap(vs_rules_trap_call* c, integer s) =
    (s == ZX_ERR_OUT_OF_RANGE && c->kind <= 2 && c->size > 0 &&
      (wraps(c) || (!unfit(c) && io_trap(c) && last_ports(c)))) ||
    (s == ZX_ERR_INVALID_ARGS &&
      (c->kind > 2 || c->size == 0 ||
       (!wraps(c) && (unfit(c) || (in_memory(c->kind) && broken(c)) ||
                      (same_begin(c) && !(io_trap(c) && last_ports(c))))))) ||
    (s == ZX_OK && c->size > 0 && !unfit(c) && !wraps(c) &&
      (c->kind == 2 ? !last_ports(c) : !broken(c)) && !same_begin(c));
  predicate kernel_trap_arguments(integer p, vs_rules_trap_call* c, integer s) =
    (p == VS_RULES_ZCORE ==> zcore_trap(c, s)) &&
    (p == VS_RULES_ZIRCON_2018 && c->arm64 ==> arm64_2018_trap(c, s)) &&
    (p == VS_RULES_ZIRCON_2018 && !c->arm64 ==> x64_2018_trap(c, s)) &&
    (!early(p) ==> zircon_trap(c, s));
  predicate kernel_trap(integer p, vs_rules_trap_call* c, integer s) =
    kernel_handle(p, &c->guest, s) ||
    (may_pass(&c->guest) && c->port_given && kernel_handle(p, &c->port, s)) ||
    (trap_let_in(c) && kernel_trap_arguments(p, c, s));
  predicate trap_says(integer p, vs_rules_trap_call* c, integer s) =
    speaks(p, c->arm64) ==>
      ((p == VS_RULES_DOCUMENTED ==> page_trap(c, s)) &&
       (p != VS_RULES_DOCUMENTED ==> kernel_trap(p, c, s)));

  // ------------------------------------------------------------------ zx_vcpu_create
  predicate far(vs_rules_vcpu_call* c) = c->entry >= 4503599627370496;
  predicate maybe_far(vs_rules_vcpu_call* c) = c->entry >= 68719476736;
  predicate page_vcpu(vs_rules_vcpu_call* c, integer s) =
    page_handle(&c->guest, s) ||
    (s == ZX_ERR_BAD_STATE && c->owner) ||
    (s == ZX_ERR_INVALID_ARGS && (c->options != 0 || c->out.writable < 4 || maybe_far(c))) ||
    (s == ZX_OK && may_pass(&c->guest) && !c->owner && c->options == 0 && c->out.writable >= 4 &&
     !far(c));
  predicate vcpu_let_in(vs_rules_vcpu_call* c) = c->options == 0 && may_pass(&c->guest);
  predicate zircon_vcpu(integer p, vs_rules_vcpu_call* c, integer s) =
    (c->options == 0 && kernel_handle(p, &c->guest, s)) ||
    (s == ZX_ERR_BAD_STATE && vcpu_let_in(c) && !far(c) && c->owner && p != VS_RULES_ZIRCON_2018) ||
    (s == ZX_ERR_INVALID_ARGS && (c->options != 0 || (vcpu_let_in(c) &&
      (maybe_far(c) || (c->out.writable < 4 && (c->owner ==> p == VS_RULES_ZIRCON_2018)))))) ||
    (s == ZX_OK && vcpu_let_in(c) && !far(c) && (c->owner ==> p == VS_RULES_ZIRCON_2018) &&
     c->out.writable >= 4);
  predicate zcore_vcpu_faults(vs_rules_vcpu_call* c) =
    vcpu_let_in(c) && !c->owner && !far(c) && !bad_pointer(&c->out, 4) && c->out.writable < 4;
  predicate zcore_vcpu(vs_rules_vcpu_call* c, integer s) =
    zcore_vcpu_faults(c) ||
    (c->options == 0 && rights_first(&c->guest, s)) ||
    (s == ZX_ERR_BAD_STATE && vcpu_let_in(c) && c->owner) ||
    (s == ZX_ERR_INVALID_ARGS && (c->options != 0 ||
      (vcpu_let_in(c) && !c->owner && (maybe_far(c) || bad_pointer(&c->out, 4))))) ||
    (s == ZX_OK && vcpu_let_in(c) && !c->owner && !far(c) && !bad_pointer(&c->out, 4));
  predicate vcpu_says(integer p, vs_rules_vcpu_call* c, integer s) =
    speaks(p, c->arm64) ==>
      ((p == VS_RULES_DOCUMENTED ==> page_vcpu(c, s)) &&
       (p == VS_RULES_ZCORE ==> zcore_vcpu(c, s)) &&
       (p != VS_RULES_DOCUMENTED && p != VS_RULES_ZCORE ==> zircon_vcpu(p, c, s)));

  // ------------------------------------------------------------------ zx_vcpu_read_state
  predicate misfits(vs_rules_read_call* c) = c->kind != 0 || c->size != bytes_of_state(c->arm64);
  predicate unwritable(vs_rules_read_call* c) = c->buffer.writable < c->size;
  predicate read_away(vs_rules_read_call* c) = away(c->creator, c->running);
  predicate page_read(vs_rules_read_call* c, integer s) =
    page_handle(&c->vcpu, s) ||
    (s == ZX_ERR_INVALID_ARGS && (misfits(c) || unwritable(c))) ||
    (s == ZX_ERR_BAD_STATE && c->vcpu.valid && c->vcpu.type && read_away(c)) ||
    (s == ZX_OK && may_pass(&c->vcpu) && !misfits(c) && !unwritable(c) && !read_away(c));
  // What is refused before the thread is looked at.
  predicate read_misfits_early(integer p, vs_rules_read_call* c) =
    p == VS_RULES_ZIRCON_2018 ? c->size > bytes_of_state(c->arm64) : misfits(c);
  predicate zircon_read(integer p, vs_rules_read_call* c, integer s) =
    kernel_handle(p, &c->vcpu, s) ||
    (s == ZX_ERR_INVALID_ARGS && may_pass(&c->vcpu) &&
      (read_misfits_early(p, c) || (!read_away(c) && (misfits(c) || unwritable(c))))) ||
    (s == ZX_ERR_BAD_STATE && may_pass(&c->vcpu) && !read_misfits_early(p, c) && read_away(c)) ||
    (s == ZX_OK && may_pass(&c->vcpu) && !misfits(c) && !unwritable(c) && !read_away(c));
  predicate zcore_read_faults(vs_rules_read_call* c) =
    !misfits(c) && may_pass(&c->vcpu) && !read_away(c) && !bad_pointer(&c->buffer, 8) &&
    unwritable(c);
  predicate zcore_read(vs_rules_read_call* c, integer s) =
    zcore_read_faults(c) ||
    (s == ZX_ERR_INVALID_ARGS && misfits(c)) ||
    (!misfits(c) && rights_first(&c->vcpu, s)) ||
    (!misfits(c) && may_pass(&c->vcpu) &&
      ((s == ZX_ERR_BAD_STATE && read_away(c)) ||
       (s == ZX_ERR_INVALID_ARGS && !read_away(c) && bad_pointer(&c->buffer, 8)) ||
       (s == ZX_OK && !read_away(c) && !bad_pointer(&c->buffer, 8))));
  predicate read_says(integer p, vs_rules_read_call* c, integer s) =
    speaks(p, c->arm64) ==>
      ((p == VS_RULES_DOCUMENTED ==> page_read(c, s)) &&
       (p == VS_RULES_ZCORE ==> zcore_read(c, s)) &&
       (p != VS_RULES_DOCUMENTED && p != VS_RULES_ZCORE ==> zircon_read(p, c, s)));

  // ------------------------------------------------------------------ the other three
  predicate page_interrupt(vs_rules_interrupt_call* c, integer s) =
    page_handle(&c->vcpu, s) || (s == ZX_ERR_OUT_OF_RANGE && c->vector > 255) ||
    (s == ZX_OK && may_pass(&c->vcpu) && c->vector <= 255);
  predicate kernel_interrupt(integer p, vs_rules_interrupt_call* c, integer s) =
    kernel_handle(p, &c->vcpu, s) ||
    (may_pass(&c->vcpu) &&
      s == (c->vector > 255 && p != VS_RULES_ZIRCON_2023 ? ZX_ERR_OUT_OF_RANGE : ZX_OK));
  predicate interrupt_says(integer p, vs_rules_interrupt_call* c, integer s) =
    speaks(p, c->arm64) ==>
      ((p == VS_RULES_DOCUMENTED ==> page_interrupt(c, s)) &&
       (p != VS_RULES_DOCUMENTED ==> kernel_interrupt(p, c, s)));

  // Nothing is known of how the guest ends.
  predicate untold(vs_rules_enter_call* c) =
    may_pass(&c->vcpu) && !away(c->creator, c->running) && !c->kicked && !c->leaves;
  predicate page_enter(vs_rules_enter_call* c, integer s) =
    untold(c) || page_handle(&c->vcpu, s) ||
    (s == ZX_ERR_INVALID_ARGS && c->packet.writable < 48) ||
    (s == ZX_ERR_BAD_STATE && c->vcpu.valid && c->vcpu.type && away(c->creator, c->running)) ||
    (s == ZX_ERR_CANCELED && c->vcpu.valid && c->vcpu.type && c->kicked) ||
    (s == ZX_OK && may_pass(&c->vcpu) && !away(c->creator, c->running) && !c->kicked &&
     c->packet.writable >= 48) ||
    (s == ZX_ERR_BAD_STATE && may_pass(&c->vcpu) && !away(c->creator, c->running) && !c->kicked &&
     c->rings_nothing);
  predicate zircon_enter(integer p, vs_rules_enter_call* c, integer s) =
    untold(c) || kernel_handle(p, &c->vcpu, s) ||
    (may_pass(&c->vcpu) &&
      s == (!c->creator || c->running ? ZX_ERR_BAD_STATE :
            c->kicked ? ZX_ERR_CANCELED :
            c->rings_nothing ? ZX_ERR_BAD_STATE :
            c->packet.writable < 48 ? ZX_ERR_INVALID_ARGS : ZX_OK));
  predicate of_page(integer p) = p == VS_RULES_DOCUMENTED || p == VS_RULES_ZCORE;
  predicate enter_says(integer p, vs_rules_enter_call* c, integer s) =
    speaks(p, c->arm64) ==>
      ((of_page(p) ==> page_enter(c, s)) && (!of_page(p) ==> zircon_enter(p, c, s)));
  predicate kick_says(integer p, vs_rules_kick_call* c, integer s) =
    speaks(p, c->arm64) ==>
      ((s == ZX_OK && may_pass(&c->vcpu)) ||
       (of_page(p) && page_handle(&c->vcpu, s)) || (!of_page(p) && kernel_handle(p, &c->vcpu, s)));

  // ------------------------------------------------------------------ effects
  predicate unchanged_but_kick{L1, L2}(vs_rules_world* w) =
    \at(w->handles, L1) == \at(w->handles, L2) && \at(w->traps, L1) == \at(w->traps, L2) &&
    \at(w->owner, L1) == \at(w->owner, L2) && \at(w->interrupted, L1) == \at(w->interrupted, L2) &&
    \at(w->ran, L1) == \at(w->ran, L2) && \at(w->filled, L1) == \at(w->filled, L2);
  predicate unchanged{L1, L2}(vs_rules_world* w) =
    unchanged_but_kick{L1, L2}(w) && \at(w->kicked, L1) == \at(w->kicked, L2);

  // ------------------------------------------------------------------ theorems
  predicate known(vs_rules_handle* h) = h->right_known != 0;
  // What published kernels do and the pages do not allow; docs/clauses.md has their names.
  predicate defect_other_resource(integer p, vs_rules_guest_call* c) =
    p != VS_RULES_DOCUMENTED && c->valid && c->resource && !right_resource(c);
  predicate defect_guest_pointers(integer p, vs_rules_guest_call* c) =
    p == VS_RULES_ZCORE && (bad_pointer(&c->guest, 4) || bad_pointer(&c->vmar, 4) || no_room(c));
  predicate defect_unmap_first(integer p, vs_rules_trap_call* c) =
    p != VS_RULES_DOCUMENTED && in_memory(c->kind) && maybe_outside(c);
  predicate defect_last_port(integer p, vs_rules_trap_call* c) =
    p != VS_RULES_DOCUMENTED && io_trap(c) && c->addr + c->size == 65536;
  predicate defect_end_before_kind(integer p, vs_rules_trap_call* c) =
    p == VS_RULES_ZIRCON_2018 && c->kind > 2 && wraps(c);
  predicate defect_first_address(integer p, vs_rules_trap_call* c) =
    early(p) && c->trapped && one_space(c) && (overlaps(c) || same_begin(c));
  predicate defect_several_vcpus(integer p, vs_rules_vcpu_call* c) =
    p == VS_RULES_ZIRCON_2018 && c->owner;
  predicate defect_out_pointer(integer p, vs_rules_vcpu_call* c) =
    p == VS_RULES_ZCORE && (bad_pointer(&c->out, 4) || c->out.writable < 4);
  predicate defect_read_buffer(integer p, vs_rules_read_call* c) =
    p == VS_RULES_ZCORE && (bad_pointer(&c->buffer, 8) || unwritable(c));
  predicate defect_any_vector(integer p, vs_rules_interrupt_call* c) =
    p == VS_RULES_ZIRCON_2023 && c->vector > 255;
*/
// clang-format on

#endif  // VCPUSPEC_RULES_LOGIC_FAMILY_H_
