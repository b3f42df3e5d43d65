// SPDX-License-Identifier: BSD-3-Clause
// What an accepted call does under each ordered profile, held against `documented`: it allows the
// effect, or a row of model/defects.def names it; and every such row is needed.
#include <criterion/criterion.h>
#include <string.h>

#include "oracle.h"

enum { GUEST, VMAR, VCPU };

typedef struct scene {
  const vs_profile* profile;
  const vs_arch_info* arch;
  vs_oracle own;         // what the profile expects
  vs_oracle documented;  // what the page allows
  vs_defect_set last;    // defects that the last write can show
} scene;

static scene s;

static vs_step step(const vs_op* op, const vs_observation* seen) {
  vs_step own = vs_oracle_step(&s.own, op, seen, NULL);
  cr_assert(own == VS_STEP_ALLOWED, "%s does not follow itself", s.profile->id);
  return vs_oracle_step(&s.documented, op, seen, NULL);
}

static vs_op op_of(vs_op_code code, uint8_t slot) {
  vs_op op = vs_op_new((uint8_t)code, s.arch);
  op.args[0] = vs_arg_slot(slot);
  return op;
}

static void start(const vs_profile* profile, vs_arch arch) {
  s.profile = profile;
  s.arch = vs_arch_find(arch);
  vs_oracle_init(&s.own, profile, s.arch);
  vs_oracle_init(&s.documented, vs_profile_find("documented"), s.arch);
  vs_op guest = vs_op_new(VS_CALL_guest_create, s.arch);
  vs_op_give(&guest, 0, GUEST);
  vs_op_give(&guest, 1, VMAR);
  vs_op vcpu = op_of(VS_CALL_vcpu_create, GUEST);
  vs_op_give(&vcpu, 0, VCPU);
  vs_observation made = {.outcome = VS_RETURNED, .handle = 0x13, .handle2 = 0x17};
  cr_assert(step(&guest, &made) == VS_STEP_ALLOWED);
  made.handle = 0x1b;
  cr_assert(step(&vcpu, &made) == VS_STEP_ALLOWED);
}

// Reads back what the profile expects; where it expects nothing, what nobody would.
static bool read_is_allowed(void) {
  vs_op op = op_of(VS_CALL_vcpu_read_state, VCPU);
  vs_observation seen = {.outcome = VS_RETURNED, .has_state = true};
  const vs_vcpu* vcpu = &s.own.worlds[0].vcpus[0];
  for (size_t i = 0; i < s.arch->register_count; i++) {
    const vs_register* reg = &s.arch->registers[i];
    uint64_t odd = i == s.arch->flags ? 0 : UINT64_C(0x0dd0dd0dd0dd0dd0) + i;
    uint64_t value = vcpu->regs[i].value & vcpu->regs[i].known;
    value |= odd & ~vcpu->regs[i].known;
    memcpy(seen.state + reg->offset, &value, reg->width / 8u);
  }
  return step(&op, &seen) == VS_STEP_ALLOWED;
}

// False: the profile does not accept it.
static bool write(const vs_op* op) {
  vs_facts facts = vs_facts_of(&s.own.worlds[0], op, s.arch);
  vs_decision decision = vs_decide(&facts, s.profile);
  s.last = vs_defects_of(&facts);
  if (decision.anything || !vs_decision_find(&decision, ZX_OK)) return false;
  vs_observation seen = {.outcome = VS_RETURNED, .status = ZX_OK};
  cr_assert(step(op, &seen) == VS_STEP_ALLOWED, "the answer is another test's business");
  return true;
}

static vs_op state_with(uint64_t flags) {
  vs_op op = op_of(VS_CALL_vcpu_write_state, VCPU);
  for (size_t i = 0; i < s.arch->register_count; i++) {
    const vs_register* reg = &s.arch->registers[i];
    uint64_t value = i == s.arch->flags ? flags : ~(UINT64_C(0x0123456789abcdef) * (i + 1));
    memcpy(op.bytes + reg->offset, &value, reg->width / 8u);
  }
  return op;
}

static vs_op io_with(uint8_t access_size) {
  vs_op op = op_of(VS_CALL_vcpu_write_state, VCPU);
  VS_OP_ARG(&op, vcpu_write_state, kind).number = ZX_VCPU_IO;
  VS_OP_ARG(&op, vcpu_write_state, buffer_size).number = sizeof(zx_vcpu_io_t);
  VS_OP_ARG(&op, vcpu_write_state, buffer).length = sizeof(zx_vcpu_io_t);
  const uint8_t bytes[] = {access_size, 0, 0, 0, 0x11, 0x22, 0x33, 0x44};
  memcpy(op.bytes, bytes, sizeof bytes);
  return op;
}

// After `first`, `second`: what it does is allowed, or named. Returns the rows needed for it.
static vs_defect_set rows_for(const vs_op* first, const vs_op* second) {
  vs_defect_set named = 0;
  if (!write(first) || !read_is_allowed() || !write(second) || read_is_allowed()) return 0;
  for (size_t i = 0; i < VS_DEFECT_COUNT; i++) {
    bool its = vs_defect_is_of(&vs_defects[i], s.profile->id);
    if (its && vs_defects[i].aspect == VS_ASPECT_EFFECT) named |= (vs_defect_set)VS_BIT(i);
  }
  named &= s.last;
  cr_assert(named != 0, "%s does to %s what documented does not allow, and no defect names it",
            s.profile->id, s.arch->name);
  return named & (named - 1) ? 0 : named;
}

// Each flag of the caller's and all of them, from clear to set and back, with the gate open and
// shut.
static vs_defect_set rows_for_flags(const vs_profile* profile, vs_arch arch) {
  vs_defect_set rows = 0;
  const vs_arch_info* info = vs_arch_find(arch);
  uint64_t user = info->flags_required | info->flags_optional;
  for (unsigned bit = 0; bit <= 64; bit++) {
    uint64_t flags = bit == 64 ? user : user & UINT64_C(1) << (bit % 64);
    for (unsigned way = 0; way < 4; way++) {
      start(profile, arch);
      uint64_t gate = way & 1 ? 0 : info->flags_gate;
      vs_op first = state_with((way & 2 ? 0 : flags) | info->flags_gate);
      vs_op second = state_with((way & 2 ? flags : 0) | gate);
      rows |= rows_for(&first, &second);
    }
  }
  return rows;
}

static vs_defect_set rows_for_io(const vs_profile* profile, vs_arch arch) {
  vs_defect_set rows = 0;
  for (unsigned size = 0; size < 256; size++) {
    start(profile, arch);
    vs_op first = state_with(0);
    vs_op second = io_with((uint8_t)size);
    rows |= rows_for(&first, &second);
  }
  return rows;
}

Test(ordered_profiles, do_what_documented_allows_but_for_the_named_defects) {
  static const vs_arch archs[] = {VS_ARCH_X64, VS_ARCH_ARM64};
  vs_defect_set needed = 0;
  vs_defect_set rows = 0;
  for (size_t p = 0; p < vs_profile_count; p++) {
    for (size_t a = 0; a < 2; a++) {
      const vs_profile* profile = &vs_profiles[p];
      if (!profile->ordered || (profile->arch != 0 && profile->arch != archs[a])) continue;
      needed |= rows_for_flags(profile, archs[a]) | rows_for_io(profile, archs[a]);
    }
  }
  for (size_t i = 0; i < VS_DEFECT_COUNT; i++) {
    bool effect = vs_defects[i].aspect == VS_ASPECT_EFFECT;
    rows |= effect ? (vs_defect_set)VS_BIT(i) : 0;
  }
  cr_assert(needed == rows, "defects 0x%x are listed, 0x%x are needed", rows, needed);
}
