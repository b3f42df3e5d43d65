// SPDX-License-Identifier: BSD-3-Clause
#include "world.h"

#include <string.h>

void vs_world_init(vs_world* world, const vs_profile* profile) {
  memset(world, 0, sizeof *world);
  world->bells_stay = profile->latitudes & VS_BIT(VS_LATITUDE_BELLS_STAY);
  world->manage_process = vs_has_quirk(profile, VS_QUIRK_MANAGE_PROCESS);
}

zx_handle_t vs_world_value(const vs_world* world, const vs_arg* ref) {
  zx_handle_t value = ref->slot < VS_SLOTS ? world->slots[ref->slot].value : ZX_HANDLE_INVALID;
  switch (ref->form) {
    case VS_HANDLE_SLOT:
      return value;
    case VS_HANDLE_CLEARED:
      return value & ~(zx_handle_t)ref->number;
    case VS_HANDLE_FLIPPED:
      return value ^ (zx_handle_t)ref->number;
    default:  // of the resource it is 0: no slot has its value
      return (zx_handle_t)ref->number;
  }
}

const vs_slot* vs_world_resolve(const vs_world* world, zx_handle_t value) {
  if (value == ZX_HANDLE_INVALID) return NULL;
  for (size_t i = 0; i < VS_SLOTS; i++) {
    const vs_slot* slot = &world->slots[i];
    if (slot->state == VS_SLOT_OPEN && slot->value == value) return slot;
  }
  return NULL;
}

vs_vcpu* vs_world_vcpu(vs_world* world, const vs_slot* slot) {
  const vs_object* object = &world->objects[slot->object];
  return object->code == VS_OBJECT_VCPU ? &world->vcpus[object->vcpu] : NULL;
}

zx_rights_t vs_world_right(const vs_world* world, zx_rights_t right) {
  bool other = world->manage_process && (right & ZX_RIGHT_MANAGE_THREAD);
  return other ? (right & ~ZX_RIGHT_MANAGE_THREAD) | ZX_RIGHT_MANAGE_PROCESS : right;
}

bool vs_world_is_busy(const vs_world* world, uint8_t thread) {
  for (size_t i = 0; i < VS_VCPUS; i++) {
    if (world->vcpus[i].live && world->vcpus[i].creator == thread) return true;
  }
  return false;
}

const vs_trap* vs_world_trap(const vs_world* world, uint8_t guest, uint64_t kind, uint64_t first,
                             uint64_t last) {
  const vs_trap* met = NULL;
  for (size_t i = 0; i < VS_TRAPS; i++) {
    const vs_trap* trap = &world->traps[i];
    bool space = (trap->kind == ZX_GUEST_TRAP_IO) == (kind == ZX_GUEST_TRAP_IO);
    if (!trap->live || trap->guest != guest || !space) continue;
    if (trap->first > last || first > trap->last) continue;
    if (met == NULL || trap->kind == kind) met = trap;
  }
  return met;
}

bool vs_world_set_trap(vs_world* world, const vs_trap* trap) {
  size_t i = 0;
  while (i < VS_TRAPS && world->traps[i].live) i++;
  if (i == VS_TRAPS) return false;
  world->traps[i] = *trap;
  world->traps[i].live = true;
  return true;
}

static void init_registers(vs_vcpu* vcpu, const vs_profile* profile, const vs_arch_info* arch) {
  if (!vs_has_quirk(profile, VS_QUIRK_INITIAL_ZERO)) return;
  for (size_t i = 0; i < arch->register_count; i++) vcpu->regs[i].known = UINT64_MAX;
  vcpu->regs[arch->flags].known = arch->flags_required | arch->flags_optional;
  vcpu->flags_read.known = ~vcpu->regs[arch->flags].known;
}

// Guest programs are for a guest's first vCPU: on x86-64 the others start in real mode (Zircon's
// vcpu.cc, by the vCPU's number, of which nothing is said once it comes back), and everywhere they
// share the memory in which programs leave what they found.
static bool starts_as_expected(vs_world* world, const vs_op* op) {
  const vs_slot* slot = vs_world_resolve(world, vs_world_value(world, &op->args[0]));
  if (slot == NULL) return false;
  vs_object* guest = &world->objects[slot->object];
  bool first = !guest->bred;
  guest->bred = true;
  return first;
}

// 1 + the guest's object.
static uint8_t guest_of(const vs_world* world, const vs_op* op) {
  const vs_slot* slot = vs_world_resolve(world, vs_world_value(world, &op->args[0]));
  return slot != NULL ? (uint8_t)(1 + slot->object) : 0;
}

static uint8_t first_stage(uint8_t program) {
  switch (vs_programs[program].exit) {
    case VS_PROGRAM_EXIT_NONE:
      return VS_STAGE_DUMP;
    case VS_PROGRAM_EXIT_SPIN:
      return VS_STAGE_SPIN;
    case VS_PROGRAM_EXIT_TURN:
      return VS_STAGE_TURN;
    case VS_PROGRAM_EXIT_KEEP:
      return VS_STAGE_KEEP;
    case VS_PROGRAM_EXIT_TAKE:
      return VS_STAGE_TAKE;
    case VS_PROGRAM_EXIT_SEND:
      return VS_STAGE_SEND;
    case VS_PROGRAM_EXIT_UNKNOWN:
      return VS_STAGE_UNKNOWN;
    default:
      return VS_STAGE_ENTRY;
  }
}

bool vs_world_add_vcpu(vs_world* world, const vs_op* op, const vs_profile* profile,
                       const vs_arch_info* arch, zx_handle_t value) {
  const uint8_t slot = vs_op_out(op, 0)->slot;
  const uint8_t program = vs_op_program(op);
  uint8_t index = 0;
  while (index < VS_VCPUS && world->vcpus[index].live) index++;
  if (index == VS_VCPUS || !vs_world_add(world, slot, VS_OBJECT_VCPU, value)) return false;
  world->objects[world->slots[slot].object].vcpu = index;
  vs_vcpu* vcpu = &world->vcpus[index];
  *vcpu = (vs_vcpu){.live = true, .creator = op->thread, .program = program};
  vcpu->guest = guest_of(world, op);
  vcpu->blind = vcpu->guest != 0 && world->objects[vcpu->guest - 1].blind;
  vcpu->stage = first_stage(program);
  if (!starts_as_expected(world, op)) vcpu->stage = VS_STAGE_UNKNOWN;
  init_registers(vcpu, profile, arch);
  return true;
}

void vs_world_settle_kick(vs_vcpu* vcpu) {
  vcpu->kick_refused = false;
  vcpu->refused_since = 0;
}

void vs_world_forget(vs_vcpu* vcpu) {
  for (size_t i = 0; i < VS_REGISTERS_MAX; i++) vcpu->regs[i].known = 0;
  vcpu->flags_read.known = vcpu->flags_guest.known = 0;
  vcpu->flags_alt = vcpu->flags_tell = 0;
  vcpu->unread = vcpu->unseen = false;
}
