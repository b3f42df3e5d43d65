// SPDX-License-Identifier: BSD-3-Clause
#include "decide.h"

static bool access_size_is_odd(uint8_t size) {
  return size != 1 && size != 2 && size != 4;
}

static void handle_facts(vs_facts* facts, vs_world* world, const vs_op* op) {
  const vs_slot* slot = vs_world_resolve(world, vs_world_value(world, op->handle));
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

vs_facts vs_facts_of(vs_world* world, const vs_op* op, const vs_arch_info* arch) {
  vs_facts facts = {0};
  handle_facts(&facts, world, op);
  facts.io = op->kind == ZX_VCPU_IO;
  facts.kind_known = op->kind == ZX_VCPU_STATE || facts.io;
  uint64_t exact = facts.io ? sizeof(zx_vcpu_io_t) : arch->state_size;
  facts.size_exact = facts.kind_known && op->size == exact;
  facts.buffer_readable = vs_placements[op->buffer.at].readable;
  facts.access_size_odd = facts.io && facts.size_exact && facts.buffer_readable &&
                          access_size_is_odd(op->buffer.bytes[0]);
  facts.io_without_ports = facts.io && !arch->has_ports;
  return facts;
}

vs_check_set vs_faults_of(const vs_facts* f) {
  vs_check_set faults = 0;
#define VS_CHECK(code, name, when, status, rule, error, reason) \
  faults |= (vs_check_set)((when) ? VS_BIT(VS_CHECK_##code) : 0);
#include "checks.def"
#undef VS_CHECK
  return faults;
}

static void allow(vs_decision* decision, zx_status_t status, vs_check_code check,
                  vs_latitude_code latitude) {
  vs_allowed row = {status, (uint8_t)check, (uint8_t)latitude};
  for (size_t i = 0; i < decision->count; i++) {
    vs_allowed* known = &decision->allowed[i];
    if (known->status != status) continue;
    if (latitude == VS_LATITUDE_COUNT && known->latitude != VS_LATITUDE_COUNT) *known = row;
    return;
  }
  if (decision->count < VS_ALLOWED_MAX) decision->allowed[decision->count++] = row;
}

// The checks that the page does not make, so that applying is a choice.
static vs_latitude_code latitude_of(vs_check_code check) {
  if (check == VS_CHECK_ACCESS_SIZE) return VS_LATITUDE_ACCESS_SIZE;
  if (check == VS_CHECK_NO_PORTS) return VS_LATITUDE_NO_PORTS;
  return VS_LATITUDE_COUNT;
}

static void decide_unordered(vs_decision* decision, const vs_facts* facts) {
  const vs_check_set optional =
      (vs_check_set)(VS_BIT(VS_CHECK_ACCESS_SIZE) | VS_BIT(VS_CHECK_NO_PORTS));
  vs_check_set certain = decision->faults & ~optional;
  if (facts->write_unknown) certain |= (vs_check_set)VS_BIT(VS_CHECK_ACCESS_DENIED);
  for (vs_check_code check = 1; check < VS_CHECK_COUNT; check++) {
    if ((certain | decision->faults) & VS_BIT(check)) {
      allow(decision, vs_checks[check].status, check, latitude_of(check));
    }
  }
  bool elsewhere = certain & (VS_BIT(VS_CHECK_CREATOR) | VS_BIT(VS_CHECK_RUNNING));
  if (elsewhere && facts->io) {
    allow(decision, ZX_ERR_INVALID_ARGS, VS_CHECK_CREATOR, VS_LATITUDE_WRONG_THREAD_IO);
  }
  if (certain == 0) {
    bool odd = decision->faults & VS_BIT(VS_CHECK_ACCESS_SIZE);
    allow(decision, ZX_OK, VS_CHECK_NONE, odd ? VS_LATITUDE_ACCESS_SIZE : VS_LATITUDE_COUNT);
  }
  decision->faults = certain;
}

static void decide_ordered(vs_decision* decision, const vs_profile* profile) {
  vs_check_set made = 0;
  vs_check_code first = VS_CHECK_NONE;
  for (size_t i = 0; i < VS_CHECK_COUNT && profile->order[i] != VS_CHECK_NONE; i++) {
    vs_check_code check = profile->order[i];
    made |= (vs_check_set)VS_BIT(check);
    if (first == VS_CHECK_NONE && (decision->faults & VS_BIT(check))) first = check;
  }
  decision->faults &= made;
  decision->ordered = true;
  allow(decision, vs_checks[first].status, first, VS_LATITUDE_COUNT);
}

vs_decision vs_decide(const vs_facts* facts, const vs_profile* profile) {
  vs_decision decision = {.faults = vs_faults_of(facts)};
  if (decision.faults == 0 && !facts->write_unknown) {
    allow(&decision, ZX_OK, VS_CHECK_NONE, VS_LATITUDE_COUNT);
  } else if (profile->ordered) {
    decide_ordered(&decision, profile);
  } else {
    decide_unordered(&decision, facts);
  }
  return decision;
}

const vs_allowed* vs_decision_find(const vs_decision* decision, zx_status_t status) {
  for (size_t i = 0; i < decision->count; i++) {
    if (decision->allowed[i].status == status) return &decision->allowed[i];
  }
  return NULL;
}
