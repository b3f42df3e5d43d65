// SPDX-License-Identifier: BSD-3-Clause
#include "apply.h"

#include <string.h>

static bool may(const vs_profile* profile, vs_latitude_code latitude) {
  return profile->latitudes & VS_BIT(latitude);
}

static uint64_t load(const vs_op* op, const vs_register* reg) {
  uint64_t value = 0;
  memcpy(&value, op->bytes + reg->offset, reg->width / 8u);
  return value;
}

static void touch_by(vs_vcpu* vcpu, vs_touch touch) {
  vcpu->touch = (uint8_t)touch;
  vcpu->raced.mode = VS_REWRITE_NONE;
  vcpu->raced_open = 0;
  vcpu->read_since = false;
}

void vs_touch_written(vs_world* world, uint8_t index, vs_touch touch) {
  for (unsigned i = 0; i < VS_VCPUS; i++) {
    touch_by(&world->vcpus[i], i == index ? touch : VS_TOUCH_OTHER);
    world->vcpus[i].crossed = i != index;
  }
}

// What was accepted is likelier to have done something, as long as it has not been looked at.
void vs_touch_refused(vs_world* world, uint8_t code) {
  for (unsigned i = 0; i < VS_VCPUS; i++) {
    vs_vcpu* vcpu = &world->vcpus[i];
    vcpu->refused_since = (uint8_t)(1 + code);
    vcpu->kick_refused |= code == VS_CALL_vcpu_kick;
    if (vcpu->touch == VS_TOUCH_CALLED && !vcpu->read_since) continue;
    touch_by(vcpu, VS_TOUCH_REFUSED);
    vcpu->called = code;
  }
}

// Each optional flag is either written or left alone; which, the next observation shows, unless an
// earlier one has.
static void apply_optional_flags(const vs_world* world, vs_vcpu* vcpu, vs_reg* flags,
                                 uint64_t optional, uint64_t supplied) {
  uint64_t honoured = optional & world->flags_honoured;
  uint64_t mask = optional & ~honoured & ~world->flags_ignored;
  uint64_t differs = (flags->value ^ supplied) | vcpu->flags_alt;
  uint64_t unknown = mask & ~flags->known;
  uint64_t sure = (flags->value ^ supplied) & ~vcpu->flags_alt & ~unknown;
  vcpu->flags_tell = (vcpu->flags_tell & ~optional) | (mask & sure);
  vcpu->flags_alt = (vcpu->flags_alt & ~mask & ~honoured) | (mask & differs & ~unknown);
  uint64_t written = mask | honoured;
  flags->value = (flags->value & ~written) | (supplied & written);
  flags->known |= honoured;
}

static void apply_flags(const vs_world* world, vs_vcpu* vcpu, uint64_t supplied,
                        const vs_profile* profile, const vs_arch_info* arch) {
  vs_reg* flags = &vcpu->regs[arch->flags];
  uint64_t written = ~(profile->flags_kept | profile->flags_or_only);
  uint64_t sure = arch->flags_required | arch->flags_optional;
  if (may(profile, VS_LATITUDE_SYSTEM_FLAGS)) {
    apply_optional_flags(world, vcpu, flags, arch->flags_optional & written, supplied);
    sure = arch->flags_required;
  }
  uint64_t raised = sure & profile->flags_or_only & ~profile->flags_kept & supplied;
  sure &= written;
  flags->value = (flags->value & ~sure) | (supplied & sure) | raised;
  flags->known |= sure | raised;
}

// With the gate bit clear, the flags stay as they are; by the page alone, they are written.
static bool fork_flags(vs_world* world, uint8_t index, uint64_t supplied, const vs_profile* profile,
                       const vs_arch_info* arch, vs_world* other) {
  if (!may(profile, VS_LATITUDE_FLAGS_GATE) || world->flags_gate == VS_CHOICE_LATITUDE) {
    return false;
  }
  bool fork = world->flags_gate == VS_CHOICE_OPEN;
  if (fork) {
    *other = *world;
    other->flags_gate = VS_CHOICE_LATITUDE;
    other->used |= (vs_latitude_set)VS_BIT(VS_LATITUDE_FLAGS_GATE);
    world->flags_gate = VS_CHOICE_BASE;
  }
  apply_flags(world, &world->vcpus[index], supplied, profile, arch);
  return fork;
}

static bool apply_state(vs_world* world, uint8_t index, const vs_op* op, const vs_profile* profile,
                        const vs_arch_info* arch, vs_world* other) {
  vs_vcpu* vcpu = &world->vcpus[index];
  for (size_t i = 0; i < arch->register_count; i++) {
    if (i != arch->flags) vcpu->regs[i] = (vs_reg){load(op, &arch->registers[i]), UINT64_MAX};
  }
  uint64_t supplied = load(op, &arch->registers[arch->flags]);
  bool gated = arch->flags_gate != 0 && (supplied & arch->flags_gate) == 0;
  if (gated && !vs_has_quirk(profile, VS_QUIRK_FLAGS_UNGATED)) {
    return fork_flags(world, index, supplied, profile, arch, other);
  }
  apply_flags(world, vcpu, supplied, profile, arch);
  return false;
}

static void merge_low(vs_reg* reg, uint64_t value, uint64_t mask) {
  reg->value = (reg->value & ~mask) | (value & mask);
  reg->known |= mask;
}

static bool fork_upper(vs_world* world, uint8_t index, uint8_t accumulator, unsigned choice,
                       uint64_t mask, vs_world* other) {
  vs_reg* reg = &world->vcpus[index].regs[accumulator];
  uint8_t* made = &world->io_upper[choice];
  bool zero_already = (reg->known & ~mask) == ~mask && (reg->value & ~mask) == 0;
  if (*made == VS_CHOICE_LATITUDE) *reg = (vs_reg){reg->value & mask, UINT64_MAX};
  if (*made != VS_CHOICE_OPEN || zero_already) return false;
  *other = *world;
  other->io_upper[choice] = VS_CHOICE_LATITUDE;
  other->used |= (vs_latitude_set)VS_BIT(VS_LATITUDE_IO_UPPER);
  other->vcpus[index].regs[accumulator] = (vs_reg){reg->value & mask, UINT64_MAX};
  *made = VS_CHOICE_BASE;
  return true;
}

// Of a size outside 1, 2 and 4. Where the profile leaves the choice, the accumulator alone may have
// changed. Else the size is a count of bytes; of more than there are, nothing can be said.
static void apply_odd_io(vs_vcpu* vcpu, const zx_vcpu_io_t* io, const vs_profile* profile,
                         uint8_t accumulator) {
  if (may(profile, VS_LATITUDE_ACCESS_SIZE)) {
    vcpu->regs[accumulator].known = 0;
  } else if (io->access_size > sizeof io->data) {
    vs_world_forget(vcpu);
    vcpu->touch = VS_TOUCH_NONE;
  } else {
    merge_low(&vcpu->regs[accumulator], io->u32, (UINT64_C(1) << (8 * io->access_size)) - 1);
  }
}

static bool apply_io(vs_world* world, uint8_t index, const vs_op* op, const vs_profile* profile,
                     const vs_arch_info* arch, vs_world* other) {
  zx_vcpu_io_t io;
  memcpy(&io, op->bytes, sizeof io);
  vs_vcpu* vcpu = &world->vcpus[index];
  if (!arch->has_ports) {
    for (size_t i = 0; i < arch->register_count; i++) vcpu->regs[i].known = 0;
    return false;
  }
  unsigned choice = io.access_size == 1 ? 0 : io.access_size == 2 ? 1 : 2;
  if (io.access_size != 1u << choice) {
    apply_odd_io(vcpu, &io, profile, arch->accumulator);
    return false;
  }
  uint64_t mask = (UINT64_C(1) << (8 * io.access_size)) - 1;
  vs_reg* reg = &vcpu->regs[arch->accumulator];
  merge_low(reg, io.u32, mask);
  if (may(profile, VS_LATITUDE_IO_UPPER)) {
    return fork_upper(world, index, arch->accumulator, choice, mask, other);
  }
  bool zeroed = vs_has_quirk(profile, VS_QUIRK_IO_UPPER_ZEROED);
  if (zeroed) *reg = (vs_reg){reg->value & mask, UINT64_MAX};
  return false;
}

// Where a wrong value comes from is asked once it is seen: what each register had held is kept
// until both views have shown what became of it.
static void keep_before(vs_vcpu* vcpu, const vs_op* op, const vs_arch_info* arch, bool io) {
  if (!vcpu->unread || !vcpu->unseen) {
    for (size_t i = 0; i < arch->register_count; i++) {
      const vs_reg* reg = &vcpu->regs[i];
      const uint64_t written = io ? reg->value : load(op, &arch->registers[i]);
      vcpu->before[i] = (reg->value & reg->known) | (written & ~reg->known);
    }
    vcpu->wrote = 0;
  }
  vcpu->wrote |= (uint8_t)VS_BIT(io ? VS_TOUCH_IO : VS_TOUCH_STATE);
  vcpu->unread = vcpu->unseen = true;
}

bool vs_apply_write(vs_world* world, uint8_t index, const vs_op* op, const vs_profile* profile,
                    const vs_arch_info* arch, vs_world* other) {
  bool io = VS_OP_ARG(op, vcpu_write_state, kind).number == ZX_VCPU_IO;
  const bool answers = !io || world->vcpus[index].awaits == 1 + arch->accumulator;
  if (answers) world->vcpus[index].awaits = 0;
  keep_before(&world->vcpus[index], op, arch, io);
  vs_touch_written(world, index, io ? VS_TOUCH_IO : VS_TOUCH_STATE);
  return io ? apply_io(world, index, op, profile, arch, other)
            : apply_state(world, index, op, profile, arch, other);
}
