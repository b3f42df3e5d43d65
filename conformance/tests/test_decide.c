// SPDX-License-Identifier: BSD-3-Clause
// The decision, held against the page's law and the kernels' orders written down a second time,
// here, as plain conditions. Neither consults the tables of the model.
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "decide.h"

// --- every consistent combination of facts -----------------------------------------------------

enum { FACT_COUNT = 17 };

static vs_facts facts_from(unsigned bits) {
  return (vs_facts){
      .call = VS_CALL_vcpu_write_state,
      .handle.valid = bits & 1u << 0,
      .handle.right_type = bits & 1u << 1,
      .handle.has_rights = bits & 1u << 2,
      .handle.rights_unknown = bits & 1u << 3,
      .kind_known = bits & 1u << 4,
      .io = bits & 1u << 5,
      .size_exact = bits & 1u << 6,
      .buffer_readable = bits & 1u << 7,
      .on_creator = bits & 1u << 8,
      .running = bits & 1u << 9,
      .access_size_odd = bits & 1u << 10,
      .io_without_ports = bits & 1u << 11,
      .access_size_large = bits & 1u << 12,
      .size_unbounded = bits & 1u << 13,
      .copy_unreadable = bits & 1u << 14,
      .pointer_null = bits & 1u << 15,
      .pointer_misaligned = bits & 1u << 16,
  };
}

// What cannot be read whole cannot be copied; only of ZX_VCPU_IO do fewer bytes have to be readable
// than a buffer_size within bounds; and of the null pointer no byte can be read.
static bool pointer_is_consistent(const vs_facts* f) {
  bool whole = f->buffer_readable || f->copy_unreadable;
  bool same = f->size_unbounded || (f->io && !f->size_exact);
  bool copy = same || f->copy_unreadable == !f->buffer_readable;
  bool bound = !(f->size_exact && f->size_unbounded);
  bool empty = !f->copy_unreadable && !f->size_exact && !f->size_unbounded;
  bool null = !f->pointer_null || (!f->pointer_misaligned && (!f->buffer_readable || empty));
  return whole && copy && bound && null && (f->kind_known || !f->pointer_misaligned);
}

// What names nothing has neither type nor rights; only a vCPU has a creator; and so on.
static bool is_consistent(const vs_facts* f) {
  bool handle = f->handle.valid ||
                !(f->handle.right_type || f->handle.has_rights || f->handle.rights_unknown);
  bool object = f->handle.right_type ? !f->handle.rights_unknown : !(f->on_creator || f->running);
  bool kind = f->kind_known || !(f->io || f->size_exact);
  bool odd = !f->access_size_odd || (f->io && f->size_exact && f->buffer_readable);
  bool large = !f->access_size_large || f->access_size_odd;
  bool ports = !f->io_without_ports || f->io;
  return handle && object && kind && odd && large && ports && pointer_is_consistent(f);
}

static const char* text_of_facts(const vs_facts* f) {
  static char text[300];
  snprintf(text, sizeof text,
           "valid %d vcpu %d write %d unknown %d kind %d io %d size %d readable %d creator %d "
           "running %d odd %d portless %d large %d unbounded %d copy %d null %d misaligned %d",
           f->handle.valid, f->handle.right_type, f->handle.has_rights, f->handle.rights_unknown,
           f->kind_known, f->io, f->size_exact, f->buffer_readable, f->on_creator, f->running,
           f->access_size_odd, f->io_without_ports, f->access_size_large, f->size_unbounded,
           !f->copy_unreadable, f->pointer_null, f->pointer_misaligned);
  return text;
}

// --- sets of statuses --------------------------------------------------------------------------

typedef uint64_t status_set;

static status_set just(zx_status_t status) {
  return UINT64_C(1) << -status;
}

static status_set set_of(const vs_decision* decision) {
  status_set set = 0;
  for (size_t i = 0; i < decision->count; i++) set |= just(decision->allowed[i].status);
  return set;
}

static const char* text_of_set(status_set set) {
  static char texts[2][100];
  static unsigned turn;
  char* text = texts[turn++ % 2];
  int at = snprintf(text, sizeof texts[0], "{");
  for (int i = 0; i < 64; i++) {
    if (set >> i & 1) at += snprintf(text + at, sizeof texts[0] - (size_t)at, " %d", -i);
  }
  snprintf(text + at, sizeof texts[0] - (size_t)at, " }");
  return text;
}

static const vs_profile* profile_named(const char* id) {
  const vs_profile* profile = vs_profile_find(id);
  cr_assert(profile != NULL, "there is no profile %s", id);
  return profile;
}

// --- the page's law ----------------------------------------------------------------------------

static bool cannot_be_written_from_here(const vs_facts* f) {
  return f->handle.right_type && (f->running || !f->on_creator);
}

static bool has_bad_arguments(const vs_facts* f) {
  return !f->kind_known || !f->size_exact || !f->buffer_readable;
}

// Every documented error whose condition holds may be answered. ZX_OK is left when none does, and
// then it is the only answer, unless the page is silent on what the buffer asks for.
static status_set page_allows(const vs_facts* f) {
  status_set errors = 0;
  if (!f->handle.valid) errors |= just(ZX_ERR_BAD_HANDLE);
  if (f->handle.valid && !f->handle.right_type) errors |= just(ZX_ERR_WRONG_TYPE);
  if (f->handle.valid && (!f->handle.has_rights || f->handle.rights_unknown))
    errors |= just(ZX_ERR_ACCESS_DENIED);
  if (has_bad_arguments(f)) errors |= just(ZX_ERR_INVALID_ARGS);
  if (cannot_be_written_from_here(f)) {
    errors |= just(ZX_ERR_BAD_STATE);
    if (f->io) errors |= just(ZX_ERR_INVALID_ARGS);
  }
  bool silent = f->access_size_odd || f->io_without_ports;
  return errors | (errors == 0 ? just(ZX_OK) : 0) | (silent ? just(ZX_ERR_INVALID_ARGS) : 0);
}

Test(documented, allows_what_the_page_allows) {
  const vs_profile* documented = profile_named("documented");
  unsigned judged = 0;
  for (unsigned bits = 0; bits < 1u << FACT_COUNT; bits++) {
    vs_facts facts = facts_from(bits);
    if (!is_consistent(&facts)) continue;
    vs_decision decision = vs_decide(&facts, documented);
    status_set law = page_allows(&facts);
    cr_assert(set_of(&decision) == law, "write_state.errors, %s: page allows %s, got %s",
              text_of_facts(&facts), text_of_set(law), text_of_set(set_of(&decision)));
    judged++;
  }
  cr_assert(judged == 13 * 74, "%u combinations of handle and arguments were judged", judged);
}

static bool latitude_is_right(const vs_facts* f, const vs_allowed* row) {
  bool refusal = !f->handle.valid || !f->handle.right_type || !f->handle.has_rights ||
                 has_bad_arguments(f) || cannot_be_written_from_here(f);
  bool sized = f->access_size_odd && !f->io_without_ports;  // without ports there is no access
  if (row->status == ZX_OK) {
    return row->latitude == (sized ? VS_LATITUDE_ACCESS_SIZE : VS_LATITUDE_COUNT);
  }
  if (row->status != ZX_ERR_INVALID_ARGS || has_bad_arguments(f)) {
    return row->latitude == VS_LATITUDE_COUNT;
  }
  bool odd = sized && row->latitude == VS_LATITUDE_ACCESS_SIZE;
  bool portless = f->io_without_ports && row->latitude == VS_LATITUDE_NO_PORTS;
  bool elsewhere = refusal && cannot_be_written_from_here(f) && f->io &&
                   row->latitude == VS_LATITUDE_WRONG_THREAD_IO;
  return odd || portless || elsewhere;
}

Test(documented, names_the_latitude_of_every_choice) {
  const vs_profile* documented = profile_named("documented");
  for (unsigned bits = 0; bits < 1u << FACT_COUNT; bits++) {
    vs_facts facts = facts_from(bits);
    if (!is_consistent(&facts)) continue;
    vs_decision decision = vs_decide(&facts, documented);
    for (size_t i = 0; i < decision.count; i++) {
      const vs_allowed* row = &decision.allowed[i];
      cr_assert(latitude_is_right(&facts, row), "%s: status %d is allowed under latitude %d",
                text_of_facts(&facts), row->status, row->latitude);
    }
  }
}

static bool fault_applies(const vs_facts* f, vs_check_code check) {
  switch (check) {
    case VS_CHECK_BAD_HANDLE:
      return !f->handle.valid;
    case VS_CHECK_WRONG_TYPE:
      return f->handle.valid && !f->handle.right_type;
    case VS_CHECK_ACCESS_DENIED:
      return f->handle.valid && !f->handle.has_rights && !f->handle.rights_unknown;
    case VS_CHECK_KIND:
      return !f->kind_known;
    case VS_CHECK_SIZE:
      return f->kind_known && !f->size_exact;
    case VS_CHECK_BUFFER:
      return !f->buffer_readable;
    case VS_CHECK_RUNNING:
      return f->running;
    case VS_CHECK_CREATOR:
      return f->handle.right_type && !f->on_creator;
    default:
      return false;  // choices, not faults
  }
}

Test(documented, lists_exactly_the_faults_that_apply) {
  const vs_profile* documented = profile_named("documented");
  for (unsigned bits = 0; bits < 1u << FACT_COUNT; bits++) {
    vs_facts facts = facts_from(bits);
    if (!is_consistent(&facts)) continue;
    vs_decision decision = vs_decide(&facts, documented);
    for (vs_check_code check = 1; check < VS_CHECK_COUNT; check++) {
      bool listed = decision.faults & VS_CHECK_IN(check);
      cr_assert(listed == fault_applies(&facts, check), "%s: fault %s is %slisted",
                text_of_facts(&facts), vs_checks[check].name, listed ? "" : "not ");
    }
  }
}

// --- the order of a kernel ---------------------------------------------------------------------

static zx_status_t x64_answers(const vs_facts* f) {
  if (!f->handle.valid) return ZX_ERR_BAD_HANDLE;
  if (!f->handle.right_type) return ZX_ERR_WRONG_TYPE;
  if (!f->handle.has_rights) return ZX_ERR_ACCESS_DENIED;
  if (!f->kind_known) return ZX_ERR_INVALID_ARGS;
  if (!f->size_exact) return ZX_ERR_INVALID_ARGS;
  if (!f->buffer_readable) return ZX_ERR_INVALID_ARGS;
  if (!f->on_creator || f->running) return ZX_ERR_BAD_STATE;
  if (f->access_size_odd) return ZX_ERR_INVALID_ARGS;
  return ZX_OK;
}

Test(zircon_x64, answers_in_its_kernels_order) {
  const vs_profile* x64 = profile_named("zircon-x64");
  for (unsigned bits = 0; bits < 1u << FACT_COUNT; bits++) {
    vs_facts facts = facts_from(bits);
    if (!is_consistent(&facts) || facts.io_without_ports) continue;
    vs_decision decision = vs_decide(&facts, x64);
    status_set answer = just(x64_answers(&facts));
    cr_assert(set_of(&decision) == answer, "zircon-x64, %s: kernel answers %s, got %s",
              text_of_facts(&facts), text_of_set(answer), text_of_set(set_of(&decision)));
  }
}

// Of a handle that may have WRITE or not, an order that asks for it before the type has two
// answers.
Test(ordered_profiles, answer_once_and_without_latitude) {
  for (size_t p = 0; p < vs_profile_count; p++) {
    if (!vs_profiles[p].ordered) continue;
    for (unsigned bits = 0; bits < 1u << FACT_COUNT; bits++) {
      vs_facts facts = facts_from(bits);
      if (!is_consistent(&facts)) continue;
      vs_decision decision = vs_decide(&facts, &vs_profiles[p]);
      unsigned answers = decision.count + decision.anything;
      bool single = answers == 1 || (answers == 2 && facts.handle.rights_unknown);
      for (size_t i = 0; i < decision.count; i++) {
        single &= decision.allowed[i].latitude == VS_LATITUDE_COUNT;
      }
      cr_assert(single, "%s, %s: got %s", vs_profiles[p].id, text_of_facts(&facts),
                text_of_set(set_of(&decision)));
    }
  }
}

Test(ordered_profiles, answer_twice_where_the_right_is_asked_for_before_the_type) {
  const status_set denied = just(ZX_ERR_ACCESS_DENIED);
  const status_set type = just(ZX_ERR_WRONG_TYPE);
  for (unsigned has = 0; has < 2; has++) {
    vs_facts vmar = {.call = VS_CALL_vcpu_write_state,
                     .handle.valid = true,
                     .handle.has_rights = has,
                     .handle.rights_unknown = true};
    vs_decision zcore = vs_decide(&vmar, profile_named("zcore"));
    vs_decision x64 = vs_decide(&vmar, profile_named("zircon-x64"));
    cr_assert(set_of(&zcore) == (denied | type), "zcore: got %s", text_of_set(set_of(&zcore)));
    cr_assert(set_of(&x64) == type, "zircon-x64: got %s", text_of_set(set_of(&x64)));
  }
}

Test(ordered_profiles, list_the_faults_that_they_look_for) {
  vs_facts nothing = {.call = VS_CALL_vcpu_write_state};
  vs_decision decision = vs_decide(&nothing, profile_named("zircon-x64"));
  vs_check_set looked_for =
      (vs_check_set)(VS_CHECK_IN(VS_CHECK_BAD_HANDLE) | VS_CHECK_IN(VS_CHECK_KIND) |
                     VS_CHECK_IN(VS_CHECK_BUFFER));
  cr_assert(decision.faults == looked_for, "faults 0x%x", decision.faults);
}

Test(documented, tells_which_check_each_answer_is_of) {
  vs_facts io = {.call = VS_CALL_vcpu_write_state,
                 .handle.valid = true,
                 .handle.right_type = true,
                 .handle.has_rights = true,
                 .kind_known = true,
                 .io = true,
                 .size_exact = true,
                 .buffer_readable = true};
  vs_decision elsewhere = vs_decide(&io, profile_named("documented"));
  io.on_creator = true;
  vs_decision fine = vs_decide(&io, profile_named("documented"));
  for (size_t i = 0; i < elsewhere.count; i++) {
    cr_assert_eq(elsewhere.allowed[i].check, VS_CHECK_CREATOR);
  }
  cr_assert(elsewhere.count == 2 && fine.count == 1 && fine.allowed[0].check == VS_CHECK_NONE);
}

// A profile of the user's own may name as many checks as there is room for, or one twice.
Test(ordered_profiles, may_fill_the_whole_order) {
  vs_profile full = {.id = "full", .ordered = true};
  for (size_t i = 0; i < VS_CHECK_COUNT; i++) full.order[i] = VS_CHECK_KIND;
  full.order[VS_CHECK_COUNT - 1] = VS_CHECK_SIZE;
  vs_facts facts = {.call = VS_CALL_vcpu_write_state, .handle.valid = true, .kind_known = true};
  vs_decision decision = vs_decide(&facts, &full);
  cr_assert(decision.count == 1 && decision.allowed[0].check == VS_CHECK_SIZE,
            "the last one counts");
  cr_assert(decision.faults == VS_CHECK_IN(VS_CHECK_SIZE), "faults 0x%x", decision.faults);
}

// --- refinement --------------------------------------------------------------------------------

static bool is_of_arch(const vs_facts* facts, const vs_profile* profile) {
  if (!facts->io || profile->arch == 0) return true;
  return facts->io_without_ports == (profile->arch == VS_ARCH_ARM64);
}

static vs_defect_set rows_of(const vs_profile* profile, vs_aspect aspect, uint8_t call) {
  vs_defect_set rows = 0;
  for (size_t i = 0; i < VS_DEFECT_COUNT; i++) {
    bool its = vs_defect_is_of(&vs_defects[i], profile->id) && vs_defects[i].aspect == aspect;
    if (its && vs_defects[i].call == call) rows |= (vs_defect_set)VS_BIT(i);
  }
  return rows;
}

// The rows that name what the profile answers and the page does not allow; adds to `needed` the one
// without which nothing would.
static void refine(const vs_profile* profile, const vs_facts* facts, const vs_decision* page,
                   vs_defect_set* needed) {
  vs_decision answer = vs_decide(facts, profile);
  bool refines = !answer.anything && (set_of(&answer) & ~set_of(page)) == 0;
  if (refines) return;
  vs_defect_set named = vs_defects_of(facts) & rows_of(profile, VS_ASPECT_ANSWER, facts->call);
  cr_assert(named != 0, "%s, %s: documented allows %s, the profile answers %s%s", profile->id,
            text_of_facts(facts), text_of_set(set_of(page)), text_of_set(set_of(&answer)),
            answer.anything ? " or anything" : "");
  if ((named & (named - 1)) == 0) *needed |= named;
}

Test(ordered_profiles, refine_documented_but_for_the_named_defects) {
  const vs_profile* documented = profile_named("documented");
  vs_defect_set needed = 0;
  vs_defect_set rows = 0;
  for (size_t p = 0; p < vs_profile_count; p++) {
    const vs_profile* profile = &vs_profiles[p];
    rows |= rows_of(profile, VS_ASPECT_ANSWER, VS_CALL_vcpu_write_state);
    for (unsigned bits = 0; bits < 1u << FACT_COUNT; bits++) {
      vs_facts facts = facts_from(bits);
      if (!is_consistent(&facts) || !is_of_arch(&facts, profile)) continue;
      const vs_decision page = vs_decide(&facts, documented);
      refine(profile, &facts, &page, &needed);
    }
  }
  cr_assert(needed == rows, "defects 0x%x are listed, 0x%x are needed", rows, needed);
}

// --- the calls around it ------------------------------------------------------------------------

// Nothing, a value that names nothing, and handles of another type or without the rights, or both.
static const vs_handle_facts handles[] = {
    {false, false, false, false, false}, {true, false, false, false, false},
    {true, true, false, false, false},   {true, true, true, false, false},
    {true, true, false, true, false},    {true, true, true, true, false}};
enum { HANDLES = sizeof handles / sizeof handles[0] };

static vs_tristate third(unsigned number) {
  return (vs_tristate)(number % 3);
}

// Facts of a call, number `n` of them; those that contradict each other do no harm.
static vs_facts family_facts(uint8_t call, unsigned n) {
  vs_facts f = {.call = call, .handle = handles[n % HANDLES]};
  unsigned m = n / HANDLES;
  f.out_lost[0] = m & 1;
  f.out_lost[1] = call == VS_CALL_guest_create && (m & 2);
  f.options_set = m & 4;
  f.other_resource = call == VS_CALL_guest_create && f.handle.right_type && (m & 8);
  f.thread_busy = m & 8;
  f.kicked = m & 8;
  f.vector_beyond = m & 8;
  f.on_creator = f.handle.right_type && (m & 2);
  f.kind_known = m & 16;
  f.size_exact = f.kind_known && (m & 32);
  f.size_unbounded = !f.size_exact && (m & 64);
  f.pointer_misaligned = call == VS_CALL_vcpu_read_state && f.kind_known && (m & 64);
  f.entry_outside = third(m >> 4);
  f.rights_beyond = third(m >> 4);
  return f;
}

static vs_facts trap_facts(unsigned n) {
  vs_facts f = {.call = VS_CALL_guest_set_trap, .handle = handles[n % HANDLES]};
  f.port = handles[n / HANDLES % HANDLES];
  unsigned m = n / (HANDLES * HANDLES);
  f.trap_known = (m & 3) != 3;
  f.trap_bell = (m & 3) == 0;
  f.trap_io = (m & 3) == 2;
  f.trap_io_without_ports = f.trap_io && (m & 4);
  f.trap_unaligned = f.trap_known && !f.trap_io && (m & 8);
  f.trap_empty = m & 16;
  f.trap_apic = f.trap_known && !f.trap_io && (m & 32);
  m >>= 6;
  f.trap_outside = (uint8_t)(f.trap_known ? third(m) : VS_NO);
  if (f.trap_io && f.trap_outside == VS_UNKNOWN) f.trap_outside = VS_NO;
  m /= 3;
  f.trap_meets = (uint8_t)(f.trap_known && !f.trap_empty ? third(m) : VS_NO);
  f.trap_begins_with_one = f.trap_meets != VS_NO && (m / 3 & 1);
  f.trap_wraps = !f.trap_empty && (f.trap_outside == VS_YES || !f.trap_known) && (m / 6 & 1);
  f.trap_last_port = f.trap_io && !f.trap_empty && f.trap_outside == VS_NO && (m / 6 & 1);
  return f;
}

static void refine_family(const vs_facts* facts, vs_defect_set* needed) {
  const vs_decision page = vs_decide(facts, profile_named("documented"));
  for (size_t p = 0; p < vs_profile_count; p++) {
    if (vs_profiles[p].ordered) refine(&vs_profiles[p], facts, &page, needed);
  }
}

Test(ordered_profiles, refine_documented_of_every_call_but_for_the_named_defects) {
  static const uint8_t calls[] = {
      VS_CALL_guest_create,     VS_CALL_vcpu_create,    VS_CALL_vcpu_enter,
      VS_CALL_vcpu_kick,        VS_CALL_vcpu_interrupt, VS_CALL_handle_close,
      VS_CALL_handle_duplicate, VS_CALL_handle_replace, VS_CALL_vcpu_read_state};
  vs_defect_set needed = 0;
  vs_defect_set rows = 0;
  for (size_t i = 0; i < VS_DEFECT_COUNT; i++) {
    bool its = vs_defects[i].call != VS_CALL_vcpu_write_state;
    if (its && vs_defects[i].aspect == VS_ASPECT_ANSWER) rows |= (vs_defect_set)VS_BIT(i);
  }
  for (size_t c = 0; c < sizeof calls; c++) {
    for (unsigned n = 0; n < HANDLES << 7; n++) {
      vs_facts facts = family_facts(calls[c], n);
      refine_family(&facts, &needed);
    }
  }
  for (unsigned n = 0; n < HANDLES * HANDLES * 36 << 6; n += 5) {  // of so many, each fifth
    vs_facts facts = trap_facts(n);
    refine_family(&facts, &needed);
  }
  cr_assert(needed == rows, "defects 0x%x are listed, 0x%x are needed", rows, needed);
}

// Exactly the checks whose mistake the facts are, however they are ordered.
typedef struct alone {
  uint8_t call;
  uint8_t handle;  // of `handles`
  vs_facts facts;  // beside them
  vs_check_set faults;
} alone;

enum { NOTHING, NAMES_NOTHING, OTHER_TYPE = 4, NO_RIGHTS = 3, GOOD = 5 };
#define FAULT(check) VS_CHECK_IN(VS_CHECK_##check)
#define OF(call) VS_CALL_##call

static const alone alones[] = {
    {OF(guest_create), GOOD, {.options_set = false}, 0},
    {OF(guest_create),
     NAMES_NOTHING,
     {.options_set = false},
     FAULT(GUEST_BAD_HANDLE) | FAULT(GUEST_NO_RESOURCE) | FAULT(GUEST_NOT_THIS)},
    {OF(guest_create), OTHER_TYPE, {.options_set = false}, FAULT(GUEST_WRONG_TYPE)},
    {OF(guest_create),
     GOOD,
     {.other_resource = true},
     FAULT(GUEST_OTHER) | FAULT(GUEST_OTHER_KIND)},
    {OF(guest_create), GOOD, {.options_set = true}, FAULT(GUEST_OPTIONS)},
    {OF(guest_create), GOOD, {.out_lost = {true, false}}, FAULT(GUEST_OUT)},
    {OF(guest_create), GOOD, {.out_lost = {false, true}}, FAULT(GUEST_OUT_VMAR)},
    {OF(guest_set_trap), GOOD, {.trap_known = true}, 0},
    {OF(guest_set_trap), NAMES_NOTHING, {.trap_known = true}, FAULT(TRAP_BAD_HANDLE)},
    {OF(guest_set_trap), OTHER_TYPE, {.trap_known = true}, FAULT(TRAP_WRONG_TYPE)},
    {OF(guest_set_trap), NO_RIGHTS, {.trap_known = true}, FAULT(TRAP_ACCESS_DENIED)},
    {OF(guest_set_trap),
     GOOD,
     {.trap_known = true, .trap_bell = true},
     FAULT(TRAP_PORT_MISSING) | FAULT(TRAP_PORT_NOTHING)},
    {OF(guest_set_trap),
     GOOD,
     {.trap_known = true, .trap_bell = true, .port = {.given = true}},
     FAULT(TRAP_PORT_BAD_HANDLE)},
    {OF(guest_set_trap),
     GOOD,
     {.trap_known = true, .trap_bell = true, .port = {true, true, false, true, false}},
     FAULT(TRAP_PORT_WRONG_TYPE)},
    {OF(guest_set_trap),
     GOOD,
     {.trap_known = true, .trap_bell = true, .port = {true, true, true, false, false}},
     FAULT(TRAP_PORT_ACCESS_DENIED)},
    {OF(guest_set_trap),
     GOOD,
     {.trap_known = true, .port = {true, true, true, true, false}},
     FAULT(TRAP_PORT_GIVEN)},
    {OF(guest_set_trap), GOOD, {.trap_known = false}, FAULT(TRAP_KIND)},
    {OF(guest_set_trap), GOOD, {.port = {true, true, true, true, false}}, FAULT(TRAP_KIND)},
    {OF(guest_set_trap),
     GOOD,
     {.trap_known = true, .trap_io = true, .trap_io_without_ports = true},
     FAULT(TRAP_NO_PORTS) | FAULT(TRAP_NO_PORT_SPACE)},
    {OF(guest_set_trap), GOOD, {.trap_known = true, .trap_unaligned = true}, FAULT(TRAP_ALIGNED)},
    {OF(guest_set_trap),
     GOOD,
     {.trap_known = true, .trap_apic = true},
     FAULT(TRAP_APIC) | FAULT(TRAP_APIC_RANGE)},
    {OF(guest_set_trap),
     GOOD,
     {.trap_known = true, .trap_empty = true},
     FAULT(TRAP_EMPTY) | FAULT(TRAP_EMPTY_RANGE)},
    {OF(guest_set_trap),
     GOOD,
     {.trap_known = true, .trap_io = true, .trap_empty = true},
     FAULT(TRAP_EMPTY_IO) | FAULT(TRAP_EMPTY_RANGE)},
    {OF(guest_set_trap),
     GOOD,
     {.trap_known = true, .trap_io = true, .trap_empty = true, .without_ports = true},
     FAULT(TRAP_EMPTY_RANGE)},
    {OF(guest_set_trap),
     GOOD,
     {.trap_known = true, .trap_outside = VS_YES},
     FAULT(TRAP_UNMAP) | FAULT(TRAP_RANGE)},
    {OF(guest_set_trap),
     GOOD,
     {.trap_known = true, .trap_io = true, .trap_outside = VS_YES},
     FAULT(TRAP_RANGE) | FAULT(TRAP_PORT_RANGE)},
    {OF(guest_set_trap),
     GOOD,
     {.trap_known = true, .trap_io = true, .trap_last_port = true},
     FAULT(TRAP_LAST_PORT)},
    {OF(guest_set_trap),
     GOOD,
     {.trap_known = true, .trap_meets = VS_YES},
     FAULT(TRAP_EXISTS) | FAULT(TRAP_SHARED)},
    {OF(guest_set_trap), GOOD, {.trap_known = true, .trap_meets = VS_UNKNOWN}, FAULT(TRAP_SHARED)},
    {OF(guest_set_trap),
     GOOD,
     {.trap_known = true, .trap_wraps = true},
     FAULT(TRAP_WRAPS) | FAULT(TRAP_WRAPS_LATE)},
    {OF(guest_set_trap),
     GOOD,
     {.trap_known = true, .trap_wraps = true, .without_ports = true},
     FAULT(TRAP_WRAPS_LATE)},
    {OF(guest_set_trap),
     GOOD,
     {.trap_known = true, .trap_begins_with_one = true},
     FAULT(TRAP_EXISTS_AT) | FAULT(TRAP_TAKEN)},
    {OF(vcpu_create), GOOD, {.options_set = false}, 0},
    {OF(vcpu_create), NAMES_NOTHING, {.options_set = false}, FAULT(CREATE_BAD_HANDLE)},
    {OF(vcpu_create), OTHER_TYPE, {.options_set = false}, FAULT(CREATE_WRONG_TYPE)},
    {OF(vcpu_create), NO_RIGHTS, {.options_set = false}, FAULT(CREATE_ACCESS_DENIED)},
    {OF(vcpu_create), GOOD, {.options_set = true}, FAULT(CREATE_OPTIONS)},
    {OF(vcpu_create), GOOD, {.entry_outside = VS_YES}, FAULT(CREATE_ENTRY)},
    {OF(vcpu_create), GOOD, {.thread_busy = true}, FAULT(CREATE_BUSY)},
    {OF(vcpu_create), GOOD, {.out_lost = {true, false}}, FAULT(CREATE_OUT)},
    {OF(vcpu_enter), GOOD, {.on_creator = true}, 0},
    {OF(vcpu_enter), NAMES_NOTHING, {.on_creator = false}, FAULT(ENTER_BAD_HANDLE)},
    {OF(vcpu_enter), OTHER_TYPE, {.on_creator = false}, FAULT(ENTER_WRONG_TYPE)},
    {OF(vcpu_enter), NO_RIGHTS, {.on_creator = true}, FAULT(ENTER_ACCESS_DENIED)},
    {OF(vcpu_enter), GOOD, {.on_creator = false}, FAULT(ENTER_CREATOR)},
    {OF(vcpu_enter), GOOD, {.on_creator = true, .kicked = true}, FAULT(ENTER_KICKED)},
    {OF(vcpu_enter), GOOD, {.on_creator = true, .out_lost = {true, false}}, FAULT(ENTER_OUT)},
    {OF(vcpu_enter), GOOD, {.on_creator = true, .rings_nothing = true}, FAULT(ENTER_BELL)},
    {OF(port_wait), GOOD, {.port_empty = VS_NO}, 0},
    {OF(port_wait), GOOD, {.port_empty = VS_YES}, FAULT(WAIT_EMPTY)},
    {OF(vcpu_kick), GOOD, {.on_creator = false}, 0},
    {OF(vcpu_kick), NAMES_NOTHING, {.on_creator = false}, FAULT(KICK_BAD_HANDLE)},
    {OF(vcpu_kick), OTHER_TYPE, {.on_creator = false}, FAULT(KICK_WRONG_TYPE)},
    {OF(vcpu_kick), NO_RIGHTS, {.on_creator = false}, FAULT(KICK_ACCESS_DENIED)},
    {OF(vcpu_interrupt), GOOD, {.on_creator = false}, 0},
    {OF(vcpu_interrupt), NAMES_NOTHING, {.on_creator = false}, FAULT(INTERRUPT_BAD_HANDLE)},
    {OF(vcpu_interrupt), OTHER_TYPE, {.on_creator = false}, FAULT(INTERRUPT_WRONG_TYPE)},
    {OF(vcpu_interrupt), NO_RIGHTS, {.on_creator = false}, FAULT(INTERRUPT_ACCESS_DENIED)},
    {OF(vcpu_interrupt), GOOD, {.vector_beyond = true}, FAULT(INTERRUPT_RANGE)},
    {OF(vcpu_read_state), GOOD, {.on_creator = true, .kind_known = true, .size_exact = true}, 0},
    {OF(vcpu_read_state),
     NAMES_NOTHING,
     {.kind_known = true, .size_exact = true},
     FAULT(READ_BAD_HANDLE)},
    {OF(vcpu_read_state),
     OTHER_TYPE,
     {.kind_known = true, .size_exact = true},
     FAULT(READ_WRONG_TYPE)},
    {OF(vcpu_read_state),
     NO_RIGHTS,
     {.on_creator = true, .kind_known = true, .size_exact = true},
     FAULT(READ_ACCESS_DENIED)},
    {OF(vcpu_read_state),
     GOOD,
     {.on_creator = true, .size_unbounded = true},
     FAULT(READ_SIZE_BOUND) | FAULT(READ_KIND)},
    {OF(vcpu_read_state), GOOD, {.on_creator = true, .kind_known = true}, FAULT(READ_SIZE)},
    {OF(vcpu_read_state), GOOD, {.kind_known = true, .size_exact = true}, FAULT(READ_CREATOR)},
    {OF(vcpu_read_state),
     GOOD,
     {.on_creator = true, .kind_known = true, .size_exact = true, .running = true},
     FAULT(READ_RUNNING)},
    {OF(vcpu_read_state),
     GOOD,
     {.on_creator = true, .kind_known = true, .size_exact = true, .pointer_misaligned = true},
     FAULT(READ_ALIGNMENT)},
    {OF(vcpu_read_state),
     GOOD,
     {.on_creator = true, .kind_known = true, .size_exact = true, .out_lost = {true, false}},
     FAULT(READ_BUFFER)},
    {OF(handle_close), NOTHING, {.kicked = false}, 0},
    {OF(handle_close), NAMES_NOTHING, {.kicked = false}, FAULT(CLOSE_BAD_HANDLE)},
    {OF(handle_duplicate), NOTHING, {.rights_beyond = VS_YES}, FAULT(DUPLICATE_BAD_HANDLE)},
    {OF(handle_duplicate), NO_RIGHTS, {.kicked = false}, FAULT(DUPLICATE_ACCESS_DENIED)},
    {OF(handle_duplicate), GOOD, {.rights_beyond = VS_YES}, FAULT(DUPLICATE_RIGHTS)},
    {OF(handle_duplicate), GOOD, {.out_lost = {true, false}}, FAULT(DUPLICATE_OUT)},
    {OF(handle_replace), NOTHING, {.rights_beyond = VS_YES}, FAULT(REPLACE_BAD_HANDLE)},
    {OF(handle_replace), GOOD, {.rights_beyond = VS_YES}, FAULT(REPLACE_RIGHTS)},
    {OF(handle_replace), GOOD, {.out_lost = {true, false}}, FAULT(REPLACE_OUT)},
};

Test(faults, of_the_calls_around_are_each_of_its_own_mistake) {
  vs_check_set met = 0;
  for (size_t i = 0; i < sizeof alones / sizeof alones[0]; i++) {
    vs_facts facts = alones[i].facts;
    facts.call = alones[i].call;
    facts.handle = handles[alones[i].handle];
    cr_expect(vs_faults_of(&facts) == alones[i].faults, "row %zu, of %s", i,
              vs_ops[facts.call].name);
    met |= alones[i].faults;
  }
  for (vs_check_code check = 1; check < VS_CHECK_COUNT; check++) {
    bool around = vs_checks[check].call != VS_CALL_vcpu_write_state;
    cr_expect(!around || (met & VS_CHECK_IN(check)), "%s has no row", vs_checks[check].name);
  }
}

// No call is at fault for making no mistake.
Test(faults, are_those_whose_predicate_holds) {
  for (unsigned bits = 0; bits < 1u << FACT_COUNT; bits++) {
    vs_facts facts = facts_from(bits);
    cr_assert(!(vs_faults_of(&facts) & VS_CHECK_IN(VS_CHECK_NONE)), "%s", text_of_facts(&facts));
  }
}

// --- why ZX_OK is allowed ----------------------------------------------------------------------

static vs_check_set page_checks(void) {
  vs_check_set set = 0;
  for (vs_check_code check = 1; check < VS_CHECK_COUNT; check++) {
    bool its = vs_checks[check].call == VS_CALL_vcpu_write_state;
    if (its && vs_checks[check].sort == VS_SORT_PAGE) set |= VS_CHECK_IN(check);
  }
  return set;
}

Test(held, are_all_checks_of_the_page_where_none_may_apply, .timeout = 600) {
  const vs_profile* documented = profile_named("documented");
  for (unsigned bits = 0; bits < 1u << FACT_COUNT; bits++) {
    vs_facts facts = facts_from(bits);
    if (!is_consistent(&facts)) continue;
    vs_decision decision = vs_decide(&facts, documented);
    bool accepted = vs_decision_find(&decision, ZX_OK) != NULL;
    vs_check_set expected = accepted ? page_checks() & ~vs_unsure_of(&facts) : 0;
    cr_assert(vs_held_of(&facts, documented) == expected, "%s", text_of_facts(&facts));
  }
}

Test(held, are_checks_of_the_profiles_order_that_do_not_apply, .timeout = 600) {
  for (unsigned bits = 0; bits < 1u << FACT_COUNT; bits++) {
    vs_facts facts = facts_from(bits);
    for (size_t i = 0; i < vs_profile_count && is_consistent(&facts); i++) {
      vs_check_set made = vs_profile_makes(&vs_profiles[i], facts.call);
      vs_check_set held = vs_held_of(&facts, &vs_profiles[i]);
      bool within = made == 0 || (held & ~made) == 0;
      cr_assert(within && (held & vs_faults_of(&facts)) == 0, "%s: %s", vs_profiles[i].id,
                text_of_facts(&facts));
    }
  }
}

// --- defects -----------------------------------------------------------------------------------

static vs_defect_set defects_that_can_show(const vs_facts* f) {
  vs_defect_set set = 0;
  if (f->kind_known && !f->io) {
    set |= VS_BIT(VS_DEFECT_FLAGS_OR_ONLY_ARM64) | VS_BIT(VS_DEFECT_FLAGS_OR_ONLY_2018);
  }
  if (f->access_size_large) set |= VS_BIT(VS_DEFECT_ACCESS_SIZE_OVERRUNS);
  if (f->pointer_misaligned) set |= VS_BIT(VS_DEFECT_MISALIGNED_REFUSED);
  if (!f->buffer_readable) set |= VS_BIT(VS_DEFECT_UNREADABLE_FAULTS);
  return set;
}

Test(defects, can_show_where_their_call_is_made) {
  for (unsigned bits = 0; bits < 1u << FACT_COUNT; bits++) {
    vs_facts facts = facts_from(bits);
    cr_assert(vs_defects_of(&facts) == defects_that_can_show(&facts), "%s: got 0x%x",
              text_of_facts(&facts), vs_defects_of(&facts));
  }
}

Test(defects, do_not_show_in_a_call_of_which_nothing_is_true) {
  for (unsigned code = 0; code < VS_CALL_COUNT; code++) {
    vs_facts facts = {.call = (uint8_t)code, .buffer_readable = true};
    cr_expect(vs_defects_of(&facts) == 0, "%s: 0x%x", vs_ops[code].name, vs_defects_of(&facts));
  }
}

Test(defects, of_ranges_of_memory_do_not_show_in_ports) {
  vs_facts facts = {.call = VS_CALL_guest_set_trap,
                    .buffer_readable = true,
                    .trap_known = true,
                    .trap_outside = VS_YES};
  cr_expect(vs_defects_of(&facts) ==
            (VS_BIT(VS_DEFECT_UNMAP_FIRST) | VS_BIT(VS_DEFECT_TRAP_ANYWHERE)));
  facts.trap_io = true;
  cr_expect(vs_defects_of(&facts) == 0);
}

// --- rows --------------------------------------------------------------------------------------

Test(decision, finds_the_row_of_each_allowed_status_only) {
  vs_facts facts = {.call = VS_CALL_vcpu_write_state,
                    .handle.valid = true,
                    .handle.right_type = true,
                    .kind_known = true,
                    .buffer_readable = true};
  vs_decision decision = vs_decide(&facts, profile_named("documented"));
  for (zx_status_t status = 0; status > -64; status--) {
    const vs_allowed* row = vs_decision_find(&decision, status);
    bool allowed = page_allows(&facts) & just(status);
    cr_assert((row != NULL) == allowed && (!row || row->status == status),
              "write_state.return.error: allowed %s, status %d is %sfound",
              text_of_set(set_of(&decision)), status, row ? "" : "not ");
  }
}

// --- the facts of a call -----------------------------------------------------------------------

enum { GUEST_SLOT, VMAR_SLOT, VCPU_SLOT, EVENT_SLOT, EMPTY_SLOT };

static vs_world world_with_a_vcpu(const vs_arch_info* arch) {
  vs_world world;
  vs_world_init(&world, &vs_profiles[0]);
  vs_op create = vs_op_new(VS_CALL_vcpu_create, arch);
  create.thread = 1;
  vs_op_give(&create, 0, VCPU_SLOT);
  bool made = vs_world_add(&world, GUEST_SLOT, VS_OBJECT_GUEST, 0x13) &&
              vs_world_add(&world, VMAR_SLOT, VS_OBJECT_VMAR, 0x17) &&
              vs_world_add_vcpu(&world, &create, profile_named("documented"), arch, 0x1b) &&
              vs_world_add(&world, EVENT_SLOT, VS_OBJECT_EVENT, 0x1f);
  cr_assert(made, "a world has room for four objects");
  return world;
}

static vs_op valid_op(uint32_t kind, const vs_arch_info* arch) {
  uint64_t size = kind == ZX_VCPU_IO ? 8 : arch->state_size;
  vs_op op = vs_op_new(VS_CALL_vcpu_write_state, arch);
  op.thread = 1;
  op.args[0] = vs_arg_slot(VCPU_SLOT);
  VS_OP_ARG(&op, vcpu_write_state, kind).number = kind;
  VS_OP_ARG(&op, vcpu_write_state, buffer_size).number = size;
  VS_OP_ARG(&op, vcpu_write_state, buffer).length = (uint16_t)size;
  op.bytes[0] = 1;
  return op;
}

Test(facts, of_a_valid_call_are_all_good) {
  for (unsigned arch = VS_ARCH_X64; arch <= VS_ARCH_ARM64; arch++) {
    const vs_arch_info* info = vs_arch_find(arch);
    vs_world world = world_with_a_vcpu(info);
    for (uint32_t kind = ZX_VCPU_STATE; kind <= ZX_VCPU_IO; kind++) {
      vs_op op = valid_op(kind, info);
      vs_facts f = vs_facts_of(&world, &op, info);
      status_set expected = just(ZX_OK);
      if (kind == ZX_VCPU_IO && arch == VS_ARCH_ARM64) expected |= just(ZX_ERR_INVALID_ARGS);
      cr_assert(page_allows(&f) == expected && f.io == (kind == ZX_VCPU_IO),
                "write_state.return.ok, %s kind %u: allowed %s, facts %s", info->name, kind,
                text_of_set(expected), text_of_facts(&f));
    }
  }
}

Test(facts, size_is_exact_for_one_size_alone) {
  for (unsigned arch = VS_ARCH_X64; arch <= VS_ARCH_ARM64; arch++) {
    const vs_arch_info* info = vs_arch_find(arch);
    vs_world world = world_with_a_vcpu(info);
    for (uint64_t kind_and_size = 0; kind_and_size < 1024; kind_and_size++) {
      vs_op op = valid_op((uint32_t)(kind_and_size & 1), info);
      unsigned kind = kind_and_size & 1;
      uint64_t size = kind_and_size >> 1;
      VS_OP_ARG(&op, vcpu_write_state, buffer_size).number = size;
      uint64_t exact = kind == ZX_VCPU_IO ? 8 : arch == VS_ARCH_X64 ? 136 : 264;
      vs_facts f = vs_facts_of(&world, &op, info);
      cr_assert(f.size_exact == (size == exact),
                "write_state.errors.invalid_args.size, %s: kind %u size %u must be %u", info->name,
                kind, (unsigned)size, (unsigned)exact);
    }
  }
}

Test(facts, size_is_compared_in_all_its_64_bits) {
  const vs_arch_info* info = vs_arch_find(VS_ARCH_X64);
  vs_world world = world_with_a_vcpu(info);
  for (unsigned bit = 8; bit < 64; bit++) {
    vs_op op = valid_op(ZX_VCPU_STATE, info);
    VS_OP_ARG(&op, vcpu_write_state, buffer_size).number |= UINT64_C(1) << bit;
    cr_assert(!vs_facts_of(&world, &op, info).size_exact,
              "write_state.errors.invalid_args.size: 136 with bit %u set is taken for exact", bit);
  }
}

Test(facts, two_kinds_are_known) {
  const vs_arch_info* info = vs_arch_find(VS_ARCH_X64);
  vs_world world = world_with_a_vcpu(info);
  for (unsigned bit = 1; bit < 32; bit++) {
    vs_op op = valid_op((uint32_t)1 << bit | (bit & 1), info);
    vs_facts f = vs_facts_of(&world, &op, info);
    cr_assert(!f.kind_known && !f.size_exact && !f.io,
              "write_state.errors.invalid_args.kind: kind 0x%x gives %s",
              (unsigned)VS_OP_ARG(&op, vcpu_write_state, kind).number, text_of_facts(&f));
  }
}

Test(facts, access_size_is_odd_outside_1_2_4) {
  const vs_arch_info* info = vs_arch_find(VS_ARCH_X64);
  vs_world world = world_with_a_vcpu(info);
  for (unsigned size = 0; size < 256; size++) {
    vs_op op = valid_op(ZX_VCPU_IO, info);
    op.bytes[0] = (uint8_t)size;
    bool odd = size != 1 && size != 2 && size != 4;
    cr_assert(vs_facts_of(&world, &op, info).access_size_odd == odd,
              "write_state.description.io: access_size %u must %sbe odd", size, odd ? "" : "not ");
  }
}

Test(facts, access_size_counts_only_where_it_is_read) {
  const vs_arch_info* info = vs_arch_find(VS_ARCH_X64);
  vs_world world = world_with_a_vcpu(info);
  vs_op ops[3] = {valid_op(ZX_VCPU_STATE, info), valid_op(ZX_VCPU_IO, info),
                  valid_op(ZX_VCPU_IO, info)};
  VS_OP_ARG(&ops[1], vcpu_write_state, buffer_size).number = 7;
  VS_OP_ARG(&ops[2], vcpu_write_state, buffer).at = VS_AT_NULL;
  for (size_t i = 0; i < 3; i++) {
    ops[i].bytes[0] = 3;
    cr_assert(!vs_facts_of(&world, &ops[i], info).access_size_odd,
              "write_state.description.io: op %u has no access_size to be odd", (unsigned)i);
  }
}

Test(facts, buffer_is_readable_where_its_placement_is) {
  const vs_arch_info* info = vs_arch_find(VS_ARCH_X64);
  vs_world world = world_with_a_vcpu(info);
  for (unsigned at = 0; at < VS_PLACEMENT_COUNT; at++) {
    vs_op op = valid_op(ZX_VCPU_STATE, info);
    VS_OP_ARG(&op, vcpu_write_state, buffer).at = (uint8_t)at;
    VS_OP_ARG(&op, vcpu_write_state, buffer).argument = 63;
    cr_assert(vs_facts_of(&world, &op, info).buffer_readable == (at <= VS_AT_LOW),
              "write_state.errors.invalid_args.buffer: placement %s", vs_placements[at].name);
  }
}

static bool is_out(uint8_t type) {
  return type == VS_PARAM_OUT || type == VS_PARAM_OUT_HANDLE || type == VS_PARAM_OUT_PACKET ||
         type == VS_PARAM_OUT_U64;
}

// By where they point and by that alone, in order; what is only read is not one of them.
Test(facts, of_out_parameters_follow_their_placements) {
  const vs_arch_info* info = vs_arch_find(VS_ARCH_X64);
  vs_world world = world_with_a_vcpu(info);
  for (unsigned code = 0; code < VS_CALL_COUNT; code++) {
    if (code == VS_CALL_vcpu_write_state) continue;
    for (unsigned at = 0; at < VS_PLACEMENT_COUNT; at++) {
      vs_op op = vs_op_new((uint8_t)code, info);
      uint8_t size = vs_param_find(op.code, VS_PARAM_SIZE, 0);
      bool lost[VS_ARGS_MAX] = {0};
      unsigned count = 0;
      for (uint8_t i = 0; i < VS_ARGS_MAX; i++) {
        op.args[i].at = (uint8_t)at;
        op.args[i].argument = 3;
        op.args[i].length = 8;
        if (is_out(vs_ops[code].params[i].type))
          lost[count++] = at > VS_AT_LOW || at == VS_AT_READONLY;
      }
      if (size < VS_ARGS_MAX) op.args[size].number = 8;
      vs_facts f = vs_facts_of(&world, &op, info);
      cr_assert(f.out_lost[0] == lost[0] && f.out_lost[1] == lost[1], "%s %s: %d %d",
                vs_ops[code].name, vs_placements[at].name, f.out_lost[0], f.out_lost[1]);
    }
  }
}

Test(facts, creator_is_one_thread) {
  const vs_arch_info* info = vs_arch_find(VS_ARCH_X64);
  vs_world world = world_with_a_vcpu(info);
  for (unsigned thread = 0; thread < VS_THREADS; thread++) {
    vs_op op = valid_op(ZX_VCPU_STATE, info);
    op.thread = (uint8_t)thread;
    cr_assert(vs_facts_of(&world, &op, info).on_creator == (thread == 1),
              "write_state.description.same_thread: created on 1, called on %u", thread);
  }
}

Test(facts, of_handles_follow_the_object) {
  const vs_arch_info* info = vs_arch_find(VS_ARCH_X64);
  vs_world world = world_with_a_vcpu(info);
  static const struct {
    uint8_t slot;
    bool valid, is_vcpu, has_write, unknown;
  } rows[] = {{GUEST_SLOT, true, false, true, false},
              {VMAR_SLOT, true, false, true, true},
              {VCPU_SLOT, true, true, true, false},
              {EVENT_SLOT, true, false, false, false},
              {EMPTY_SLOT, false, false, false, false}};
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    vs_op op = valid_op(ZX_VCPU_STATE, info);
    op.args[0].slot = rows[i].slot;
    vs_facts f = vs_facts_of(&world, &op, info);
    cr_assert(f.handle.valid == rows[i].valid && f.handle.right_type == rows[i].is_vcpu &&
                  f.handle.has_rights == rows[i].has_write &&
                  f.handle.rights_unknown == rows[i].unknown,
              "write_state.rights, slot %u: got %s", rows[i].slot, text_of_facts(&f));
  }
}

Test(facts, write_right_is_bit_3_of_the_handle) {
  const vs_arch_info* info = vs_arch_find(VS_ARCH_X64);
  for (unsigned bit = 0; bit < 32; bit++) {
    vs_world world = world_with_a_vcpu(info);
    world.slots[VCPU_SLOT].rights = (zx_rights_t)1 << bit;
    vs_op op = valid_op(ZX_VCPU_STATE, info);
    cr_assert(vs_facts_of(&world, &op, info).handle.has_rights == (bit == 3),
              "write_state.rights.write: a handle with right %u alone", bit);
  }
}
