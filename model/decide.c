// SPDX-License-Identifier: BSD-3-Clause
#include "decide.h"

#include "place.h"

static bool access_size_is_odd(uint8_t size) {
  return size != 1 && size != 2 && size != 4;
}

static void handle_facts(vs_facts* facts, vs_world* world, const vs_op* op) {
  const vs_slot* slot = vs_world_resolve(world, vs_world_value(world, &op->args[0]));
  facts->handle_valid = slot != NULL;
  if (!slot) return;
  const vs_object_type* type = &vs_object_types[world->objects[slot->object].code];
  const vs_vcpu* vcpu = vs_world_vcpu(world, slot);
  facts->has_write = (slot->rights & ZX_RIGHT_WRITE) != 0;
  facts->write_unknown = type->write == VS_UNKNOWN;
  facts->is_vcpu = vcpu != NULL;
  if (!vcpu) return;
  facts->on_creator = vcpu->creator == op->thread;
  facts->running = vcpu->running;
}

// What a pointer has to be for a kernel that looks at it as a structure.
static bool is_misaligned(const vs_facts* facts, const vs_place* place) {
  unsigned alignment = facts->io ? _Alignof(zx_vcpu_io_t) : VS_STATE_ALIGN;
  return facts->kind_known && place->address % alignment != 0;
}

static void buffer_facts(vs_facts* facts, const vs_op* op, uint64_t exact, uint64_t bound) {
  vs_place place = vs_place_of(&VS_OP_ARG(op, vcpu_write_state, buffer));
  uint64_t size = VS_OP_ARG(op, vcpu_write_state, buffer_size).number;
  uint64_t most = facts->kind_known ? exact : bound;
  uint64_t needed = size < most ? size : most;
  facts->buffer_readable = place.user && place.readable >= needed;
  facts->copy_unreadable = !place.user || place.readable < size;
  facts->pointer_null = place.null;
  facts->pointer_misaligned = is_misaligned(facts, &place);
  facts->size_unbounded = size > bound;
}

vs_facts vs_facts_of(vs_world* world, const vs_op* op, const vs_arch_info* arch) {
  vs_facts facts = {0};
  handle_facts(&facts, world, op);
  uint64_t kind = VS_OP_ARG(op, vcpu_write_state, kind).number;
  facts.io = kind == ZX_VCPU_IO;
  facts.kind_known = kind == ZX_VCPU_STATE || facts.io;
  uint64_t exact = facts.io ? sizeof(zx_vcpu_io_t) : arch->state_size;
  facts.size_exact =
      facts.kind_known && VS_OP_ARG(op, vcpu_write_state, buffer_size).number == exact;
  buffer_facts(&facts, op, exact, arch->state_size);
  uint8_t access_size = op->bytes[0];
  bool looked_at = facts.io && facts.size_exact && facts.buffer_readable;
  facts.access_size_odd = looked_at && access_size_is_odd(access_size);
  facts.access_size_large = looked_at && access_size > sizeof(((zx_vcpu_io_t*)0)->data);
  facts.io_without_ports = facts.io && !arch->has_ports;
  return facts;
}

vs_check_set vs_faults_of(const vs_facts* f) {
  vs_check_set faults = 0;
#define VS_CHECK(code, name, sort, when, status, rule, error, reason) \
  faults |= (vs_check_set)((when) ? VS_BIT(VS_CHECK_##code) : 0);
#include "checks.def"
#undef VS_CHECK
  return faults;
}

vs_defect_set vs_defects_of(const vs_facts* f) {
  vs_defect_set defects = 0;
#define VS_DEFECT(code, id, profile, aspect, when, what, source) \
  defects |= (vs_defect_set)((when) ? VS_BIT(VS_DEFECT_##code) : 0);
#include "defects.def"
#undef VS_DEFECT
  return defects;
}

void vs_decision_allow(vs_decision* decision, const vs_allowed* row) {
  if (vs_decision_find(decision, row->status) != NULL) return;
  // GCOVR_EXCL_BR_LINE: each status has one row, and fewer are documented than there is room for
  if (decision->count < VS_ALLOWED_MAX) decision->allowed[decision->count++] = *row;
}

static void allow(vs_decision* decision, zx_status_t status, vs_check_code check,
                  vs_latitude_code latitude) {
  vs_decision_allow(decision, &(vs_allowed){status, (uint8_t)check, (uint8_t)latitude});
}

// Of the two checks that the page does not make, so that applying is a choice.
static vs_latitude_code latitude_of(vs_check_code check) {
  return check == VS_CHECK_ACCESS_SIZE ? VS_LATITUDE_ACCESS_SIZE : VS_LATITUDE_NO_PORTS;
}

static bool may(const vs_profile* profile, vs_latitude_code latitude) {
  return profile->latitudes & VS_BIT(latitude);
}

static vs_check_set of_sort(vs_check_set checks, vs_check_sort sort) {
  vs_check_set kept = 0;
  for (vs_check_code check = 1; check < VS_CHECK_COUNT; check++) {
    if (vs_checks[check].sort == sort) kept |= checks & (vs_check_set)VS_BIT(check);
  }
  return kept;
}

static void decide_unordered(vs_decision* decision, const vs_facts* facts,
                             const vs_profile* profile) {
  // Without ports there is no access to have a size.
  if (facts->io_without_ports) decision->faults &= ~(vs_check_set)VS_BIT(VS_CHECK_ACCESS_SIZE);
  vs_check_set certain = of_sort(decision->faults, VS_SORT_PAGE);
  vs_check_set optional = of_sort(decision->faults, VS_SORT_LATITUDE);
  if (facts->write_unknown) certain |= (vs_check_set)VS_BIT(VS_CHECK_ACCESS_DENIED);
  if (!may(profile, VS_LATITUDE_ACCESS_SIZE)) {
    certain |= optional & (vs_check_set)VS_BIT(VS_CHECK_ACCESS_SIZE);
  }
  if (!may(profile, VS_LATITUDE_NO_PORTS)) optional &= ~(vs_check_set)VS_BIT(VS_CHECK_NO_PORTS);
  optional &= ~certain;
  for (vs_check_code check = 1; check < VS_CHECK_COUNT; check++) {
    if (!((certain | optional) & VS_BIT(check))) continue;
    bool choice = optional & VS_BIT(check);
    allow(decision, vs_checks[check].status, check,
          choice ? latitude_of(check) : VS_LATITUDE_COUNT);
  }
  bool elsewhere = certain & (VS_BIT(VS_CHECK_CREATOR) | VS_BIT(VS_CHECK_RUNNING));
  if (elsewhere && facts->io && may(profile, VS_LATITUDE_WRONG_THREAD_IO)) {
    allow(decision, ZX_ERR_INVALID_ARGS, VS_CHECK_CREATOR, VS_LATITUDE_WRONG_THREAD_IO);
  }
  if (certain == 0) {
    bool odd = optional & VS_BIT(VS_CHECK_ACCESS_SIZE);
    allow(decision, ZX_OK, VS_CHECK_NONE, odd ? VS_LATITUDE_ACCESS_SIZE : VS_LATITUDE_COUNT);
  }
  decision->faults = certain;
}

// Allows what the first check of the order that applies asks for.
static void allow_first(vs_decision* decision, const vs_profile* profile, vs_check_set faults) {
  vs_check_code first = VS_CHECK_NONE;
  for (size_t i = 0; i < VS_CHECK_COUNT && profile->order[i] != VS_CHECK_NONE; i++) {
    vs_check_code check = profile->order[i];
    if (first == VS_CHECK_NONE && (faults & VS_BIT(check))) first = check;
  }
  if (vs_checks[first].sort == VS_SORT_UNDEFINED) {
    decision->anything = true;
  } else {
    allow(decision, vs_checks[first].status, first, VS_LATITUDE_COUNT);
  }
}

static void decide_ordered(vs_decision* decision, const vs_facts* facts,
                           const vs_profile* profile) {
  const vs_check_set denied = (vs_check_set)VS_BIT(VS_CHECK_ACCESS_DENIED);
  vs_check_set made = 0;
  for (size_t i = 0; i < VS_CHECK_COUNT && profile->order[i] != VS_CHECK_NONE; i++) {
    made |= (vs_check_set)VS_BIT(profile->order[i]);
  }
  decision->ordered = true;
  allow_first(decision, profile, decision->faults);
  if (facts->write_unknown) allow_first(decision, profile, decision->faults ^ denied);
  decision->faults &= made;
}

vs_decision vs_decide(const vs_facts* facts, const vs_profile* profile) {
  vs_decision decision = {.faults = vs_faults_of(facts)};
  if (profile->ordered) {
    decide_ordered(&decision, facts, profile);
  } else {
    decide_unordered(&decision, facts, profile);
  }
  return decision;
}

const vs_allowed* vs_decision_find(const vs_decision* decision, zx_status_t status) {
  for (size_t i = 0; i < decision->count; i++) {
    if (decision->allowed[i].status == status) return &decision->allowed[i];
  }
  return NULL;
}
