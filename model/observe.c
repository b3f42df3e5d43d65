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

// --- whose doing a wrong register is ------------------------------------------------------------

// A register that is not what it must be.
typedef struct vs_wrong {
  const vs_oracle* oracle;
  const vs_world* world;
  const vs_vcpu* vcpu;
  const vs_register* reg;
  uint8_t index;  // of the register
  uint64_t bits;  // that are wrong
  uint64_t got;
  bool system_bits;  // of the flags, those that are not the caller's
  bool guest_view;
} vs_wrong;

// A flag is a bit, and other registers are bytes: all bits of those of which one is wrong.
static uint64_t parts_of(const vs_wrong* w) {
  uint64_t parts = w->reg->role == VS_ROLE_FLAGS ? w->bits : 0;
  for (unsigned shift = 0; shift < 64 && parts != w->bits; shift += 8) {
    const uint64_t byte = UINT64_C(0xff) << shift;
    if ((w->bits & byte) != 0) parts |= byte;
  }
  return parts;
}

// True if accepted writes did not store what they were given, by the value: each part that is wrong
// is as it was before them, or lacks bits of what they wrote. Of bits that are not the caller's
// nothing is given.
static bool was_not_stored(const vs_wrong* w) {
  if (w->system_bits) return w->vcpu->wrote & VS_BIT(VS_TOUCH_STATE);
  const uint64_t changed = w->got ^ w->vcpu->before[w->index];
  const uint64_t added = w->bits & w->got;
  if (w->reg->role == VS_ROLE_FLAGS) return (added & changed) == 0;
  bool explained = true;
  for (unsigned shift = 0; shift < 64; shift += 8)
    explained &= (uint8_t)(added >> shift) == 0 || (uint8_t)(changed >> shift) == 0;
  return explained;
}

// What a refused write would have put into the register; false: nothing that explains what is
// wrong.
static bool has_asked(const vs_wrong* w, const vs_asked* asked) {
  const uint64_t parts = parts_of(w);
  const bool accumulator = w->reg->role == VS_ROLE_ACCUMULATOR && (parts >> 32) == 0;
  if (asked->io && !accumulator) return false;
  uint64_t value = 0;
  const size_t offset = asked->io ? offsetof(zx_vcpu_io_t, data) : w->reg->offset;
  memcpy(&value, asked->bytes + offset, asked->io ? 4u : w->reg->width / 8u);
  return ((value ^ w->got) & parts) == 0;
}

static bool was_asked(const vs_wrong* w) {
  const size_t count = w->oracle->asked_count;
  bool found = false;
  for (size_t i = 0; i < VS_ASKED_MAX && i < count; i++)
    found |= has_asked(w, &w->oracle->asked[i]);
  return found;
}

// True if it is what another vCPU must have.
static bool is_of_other(const vs_wrong* w) {
  bool found = false;
  for (size_t i = 0; i < VS_VCPUS; i++) {
    const vs_reg* reg = &w->world->vcpus[i].regs[w->index];
    const uint64_t parts = parts_of(w);
    found |= (reg->known & parts) == parts && ((reg->value ^ w->got) & parts) == 0;
  }
  return found;
}

// By accepted writes of these sorts.
static vs_clause_code blame_write(const vs_wrong* w, uint8_t sorts) {
  if (w->system_bits) return VS_CLAUSE_SYSTEM_FLAGS;
  if (w->guest_view) return VS_CLAUSE_GUEST_SEES;
  const bool io = sorts & VS_BIT(VS_TOUCH_IO);
  if (io && w->reg->role == VS_ROLE_ACCUMULATOR) return VS_CLAUSE_IO;
  if ((sorts & VS_BIT(VS_TOUCH_STATE)) == 0) return io ? VS_CLAUSE_IO_ALONE : VS_CLAUSE_READ_BACK;
  return w->reg->role == VS_ROLE_FLAGS ? VS_CLAUSE_FLAGS : VS_CLAUSE_REGISTERS;
}

// By what happened last.
static vs_clause_code blame_last(const vs_wrong* w) {
  const vs_vcpu* vcpu = w->vcpu;
  const bool refused = vcpu->touch == VS_TOUCH_REFUSED;
  // Of several calls that were refused, the write whose value it is: a flag would be so by chance.
  const bool telling = refused && w->reg->role != VS_ROLE_FLAGS;
  if (telling && was_asked(w)) return VS_CLAUSE_UNCHANGED;
  // Or a write of another vCPU that was accepted before: the value is that one's.
  if (telling && vcpu->crossed && is_of_other(w)) return VS_CLAUSE_OF_HANDLE;
  if (refused) return vs_judged_calls[vcpu->called].refused;
  if (vcpu->touch == VS_TOUCH_CALLED) return vs_judged_calls[vcpu->called].accepted;
  if (vcpu->touch == VS_TOUCH_OTHER) return VS_CLAUSE_OF_HANDLE;
  if (vcpu->touch == VS_TOUCH_RAN)
    return w->guest_view ? (vs_clause_code)vcpu->ran : VS_CLAUSE_READ_BACK;
  if (is_raced(vcpu, w->reg)) return VS_CLAUSE_ONE_SNAPSHOT;
  return blame_write(w, (uint8_t)VS_BIT(vcpu->touch));
}

// True if what happened last came after accepted writes of which this view has shown nothing yet,
// and which were to write the register.
static bool is_in_doubt(const vs_wrong* w) {
  const vs_vcpu* vcpu = w->vcpu;
  const bool hidden = w->guest_view ? vcpu->unseen : vcpu->unread;
  if (vcpu->touch == VS_TOUCH_IO)
    return hidden && w->reg->role != VS_ROLE_ACCUMULATOR && vcpu->wrote != VS_BIT(VS_TOUCH_IO);
  return hidden && vcpu->touch != VS_TOUCH_STATE;
}

// True if the value says that it may come of what happened last: a write brings its own, and what
// ZX_VCPU_IO puts into another register may be anything.
static bool has_source(const vs_wrong* w) {
  switch (w->vcpu->touch) {
    case VS_TOUCH_REFUSED:
      return was_asked(w);
    case VS_TOUCH_OTHER:
      return is_of_other(w);
    case VS_TOUCH_IO:
      return true;
    default:  // VS_TOUCH_CALLED
      return false;
  }
}

// The clause that a wrong register breaks. If an accepted write has not been looked at since, and
// the value may come of it, the write is blamed, and `also` is 1 + the clause of the later call,
// which may have done it as well. Else the later call is blamed, and `also` is 0.
static vs_clause_code blame(const vs_wrong* w, uint8_t* also) {
  *also = 0;
  if (!w->guest_view && w->vcpu->read_since) return VS_CLAUSE_READ_BACK;
  const vs_clause_code last = blame_last(w);
  if (!is_in_doubt(w)) return last;
  const vs_clause_code write = blame_write(w, w->vcpu->wrote);
  if (w->vcpu->read_since) return write;  // what came later was looked at
  if (has_source(w) && !was_not_stored(w)) return last;
  *also = (uint8_t)(1 + last);
  return write;
}

static bool differs(const vs_wrong* wrong, vs_reg expected, vs_violation* why) {
  vs_wrong w = *wrong;
  w.bits = (expected.value ^ w.got) & expected.known;
  why->kind = VS_VIOLATION_REGISTER;
  why->clause = blame(&w, &why->also);
  why->guest_view = w.guest_view;
  why->expected = expected.value & expected.known;
  why->known = expected.known;
  why->value = w.got;
  return false;
}

// --- the comparison -----------------------------------------------------------------------------

static void learn(vs_reg* reg, uint64_t got, uint64_t mask) {
  reg->value = (reg->value & ~mask) | (got & mask);
  reg->known |= mask;
}

static bool observe_flags(vs_wrong* w, vs_world* world, vs_vcpu* vcpu, vs_violation* why) {
  const vs_arch_info* arch = w->oracle->arch;
  const uint64_t got = w->got;
  const bool guest_view = w->guest_view;
  vs_reg* user = &vcpu->regs[arch->flags];
  vs_reg* system = guest_view ? &vcpu->flags_guest : &vcpu->flags_read;
  uint64_t mask = arch->flags_required | arch->flags_optional;
  uint64_t wrong = (user->value ^ got) & user->known & mask;
  // A flag that may be ignored is ignored always or never.
  uint64_t ignored = wrong & vcpu->flags_tell;
  uint64_t honoured = vcpu->flags_tell & ~wrong;
  bool fickle = (ignored & world->flags_honoured) || (honoured & world->flags_ignored);
  if ((wrong & ~vcpu->flags_alt) || fickle) return differs(w, *user, why);
  world->flags_ignored |= ignored;
  world->flags_honoured |= honoured;
  if (wrong) world->used |= (vs_latitude_set)VS_BIT(VS_LATITUDE_SYSTEM_FLAGS);
  vcpu->flags_alt = vcpu->flags_tell = 0;
  learn(user, got, mask);
  uint64_t others = ~mask & ~(guest_view ? arch->flags_blind : 0);
  w->system_bits = true;
  if ((system->value ^ got) & system->known & others) return differs(w, *system, why);
  learn(system, got, others);
  return true;
}

bool vs_observe_registers(const vs_oracle* oracle, vs_world* world, vs_vcpu* vcpu,
                          const uint8_t* state, bool guest_view, vs_violation* why) {
  const vs_arch_info* arch = oracle->arch;
  for (uint8_t i = 0; i < arch->register_count; i++) {
    const vs_register* reg = &arch->registers[i];
    vs_wrong w = {oracle, world, vcpu, reg, .index = i, .guest_view = guest_view};
    memcpy(&w.got, state + reg->offset, reg->width / 8u);
    why->reg = i;
    if (i == arch->flags) {
      if (!observe_flags(&w, world, vcpu, why)) return false;
      continue;
    }
    vs_reg* known = &vcpu->regs[i];
    bool wrong = (known->value ^ w.got) & known->known;
    if (wrong || !agrees_with_race(vcpu, reg, known->value, w.got)) {
      return differs(&w, *known, why);
    }
    *known = (vs_reg){w.got, UINT64_MAX};
  }
  vcpu->read_since |= !guest_view;
  *(guest_view ? &vcpu->unseen : &vcpu->unread) = false;
  vcpu->raced_open = 0;
  vcpu->crossed = false;
  return true;
}

vs_clause_set vs_observe_attests(const vs_vcpu* vcpu, bool guest_view) {
  const vs_clause_set by_touch[] = {
      [VS_TOUCH_STATE] = VS_MEMBER(VS_CLAUSE_REGISTERS) | VS_MEMBER(VS_CLAUSE_FLAGS) |
                         VS_MEMBER(VS_CLAUSE_SYSTEM_FLAGS),
      [VS_TOUCH_IO] = VS_MEMBER(VS_CLAUSE_IO) | VS_MEMBER(VS_CLAUSE_IO_ALONE),
      [VS_TOUCH_OTHER] = VS_MEMBER(VS_CLAUSE_OF_HANDLE),
      [VS_TOUCH_RAN] = VS_NO_CLAUSE,
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
