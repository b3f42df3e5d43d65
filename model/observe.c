// SPDX-License-Identifier: BSD-3-Clause
#include "observe.h"

#include <string.h>

// True if bytes that the register was written from changed during the call.
static bool is_raced(const vs_vcpu* vcpu, const vs_register* reg) {
  const vs_rewrite* raced = &vcpu->raced;
  if (raced->mode == VS_REWRITE_NONE) return false;
  if (vcpu->touch == VS_TOUCH_IO) return reg->role == VS_ROLE_ACCUMULATOR;
  return raced->offset < reg->offset + reg->width / 8 &&
         reg->offset < raced->offset + raced->length;
}

// Each byte that was written from a changing buffer is the old one, which `expected` holds, or the
// new.
static bool agrees_with_race(const vs_vcpu* vcpu, const vs_register* reg, uint64_t expected,
                             uint64_t got) {
  const vs_rewrite* raced = &vcpu->raced;
  unsigned from = vcpu->touch == VS_TOUCH_IO ? offsetof(zx_vcpu_io_t, data) : reg->offset;
  for (unsigned i = 0; i < raced->length && is_raced(vcpu, reg); i++) {
    unsigned byte = raced->offset + i - from;
    if (!(vcpu->raced_open & VS_BIT(i)) || byte >= reg->width / 8u) continue;
    uint8_t seen = (uint8_t)(got >> (8 * byte));
    if (seen != (uint8_t)(expected >> (8 * byte)) && seen != raced->bytes[i]) return false;
  }
  return true;
}

static vs_clause_code blame(const vs_vcpu* vcpu, const vs_register* reg, bool system_bits,
                            bool guest_view) {
  if (!guest_view && vcpu->read_since) return VS_CLAUSE_READ_BACK;
  if (vcpu->touch == VS_TOUCH_REFUSED) return vs_judged_calls[vcpu->called].refused;
  if (vcpu->touch == VS_TOUCH_CALLED) return vs_judged_calls[vcpu->called].accepted;
  if (vcpu->touch == VS_TOUCH_OTHER) return VS_CLAUSE_OF_HANDLE;
  if (is_raced(vcpu, reg)) return VS_CLAUSE_ONE_SNAPSHOT;
  if (system_bits) return VS_CLAUSE_SYSTEM_FLAGS;
  if (guest_view) return VS_CLAUSE_GUEST_SEES;
  if (vcpu->touch == VS_TOUCH_NONE) return VS_CLAUSE_READ_BACK;
  if (vcpu->touch == VS_TOUCH_IO) {
    return reg->role == VS_ROLE_ACCUMULATOR ? VS_CLAUSE_IO : VS_CLAUSE_IO_ALONE;
  }
  return reg->role == VS_ROLE_FLAGS ? VS_CLAUSE_FLAGS : VS_CLAUSE_REGISTERS;
}

static bool differs(const vs_vcpu* vcpu, const vs_register* reg, vs_reg expected, uint64_t got,
                    bool guest_view, bool system_bits, vs_violation* why) {
  why->kind = VS_VIOLATION_REGISTER;
  why->clause = blame(vcpu, reg, system_bits, guest_view);
  why->guest_view = guest_view;
  why->expected = expected.value & expected.known;
  why->known = expected.known;
  why->value = got;
  return false;
}

static void learn(vs_reg* reg, uint64_t got, uint64_t mask) {
  reg->value = (reg->value & ~mask) | (got & mask);
  reg->known |= mask;
}

static bool observe_flags(vs_world* world, vs_vcpu* vcpu, const vs_arch_info* arch, uint64_t got,
                          bool guest_view, vs_violation* why) {
  const vs_register* reg = &arch->registers[arch->flags];
  vs_reg* user = &vcpu->regs[arch->flags];
  vs_reg* system = guest_view ? &vcpu->flags_guest : &vcpu->flags_read;
  uint64_t mask = arch->flags_required | arch->flags_optional;
  uint64_t wrong = (user->value ^ got) & user->known & mask;
  // A flag that may be ignored is ignored always or never.
  uint64_t ignored = wrong & vcpu->flags_tell;
  uint64_t honoured = vcpu->flags_tell & ~wrong;
  bool fickle = (ignored & world->flags_honoured) || (honoured & world->flags_ignored);
  if ((wrong & ~vcpu->flags_alt) || fickle) {
    return differs(vcpu, reg, *user, got, guest_view, false, why);
  }
  world->flags_ignored |= ignored;
  world->flags_honoured |= honoured;
  if (wrong) world->used |= (vs_latitude_set)VS_BIT(VS_LATITUDE_SYSTEM_FLAGS);
  vcpu->flags_alt = vcpu->flags_tell = 0;
  learn(user, got, mask);
  uint64_t others = ~mask & ~(guest_view ? arch->flags_blind : 0);
  if ((system->value ^ got) & system->known & others) {
    return differs(vcpu, reg, *system, got, guest_view, true, why);
  }
  learn(system, got, others);
  return true;
}

bool vs_observe_registers(vs_world* world, vs_vcpu* vcpu, const vs_arch_info* arch,
                          const uint8_t* state, bool guest_view, vs_violation* why) {
  for (uint8_t i = 0; i < arch->register_count; i++) {
    const vs_register* reg = &arch->registers[i];
    uint64_t got = 0;
    memcpy(&got, state + reg->offset, reg->width / 8u);
    why->reg = i;
    if (i == arch->flags) {
      if (!observe_flags(world, vcpu, arch, got, guest_view, why)) return false;
      continue;
    }
    vs_reg* known = &vcpu->regs[i];
    bool wrong = (known->value ^ got) & known->known;
    if (wrong || !agrees_with_race(vcpu, reg, known->value, got)) {
      return differs(vcpu, reg, *known, got, guest_view, false, why);
    }
    *known = (vs_reg){got, UINT64_MAX};
  }
  vcpu->read_since |= !guest_view;
  vcpu->raced_open = 0;
  return true;
}

vs_clause_set vs_observe_attests(const vs_vcpu* vcpu, bool guest_view) {
  static const vs_clause_set by_touch[] = {
      [VS_TOUCH_NONE] = 0,
      [VS_TOUCH_STATE] = VS_MEMBER(VS_CLAUSE_REGISTERS) | VS_MEMBER(VS_CLAUSE_FLAGS) |
                         VS_MEMBER(VS_CLAUSE_SYSTEM_FLAGS),
      [VS_TOUCH_IO] = VS_MEMBER(VS_CLAUSE_IO) | VS_MEMBER(VS_CLAUSE_IO_ALONE),
      [VS_TOUCH_OTHER] = VS_MEMBER(VS_CLAUSE_OF_HANDLE),
  };
  vs_clause_set view = VS_MEMBER(VS_CLAUSE_READ_BACK);
  if (guest_view) view = VS_MEMBER(VS_CLAUSE_GUEST_SEES) | VS_MEMBER(VS_CLAUSE_RUNS_GUEST);
  bool raced = vcpu->raced.mode != VS_REWRITE_NONE;
  if (raced) view |= VS_MEMBER(VS_CLAUSE_ONE_SNAPSHOT);
  if (vcpu->touch == VS_TOUCH_REFUSED) view |= VS_MEMBER(vs_judged_calls[vcpu->called].refused);
  if (vcpu->touch == VS_TOUCH_CALLED && vcpu->refused_since != 0)
    view |= VS_MEMBER(vs_judged_calls[vcpu->refused_since - 1].refused);
  return by_touch[vcpu->touch] | view;
}
