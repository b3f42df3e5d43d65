// SPDX-License-Identifier: BSD-3-Clause
#include "world.h"

#include "ports.h"

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

static void drop_traps(vs_world* world, uint8_t guest) {
  for (size_t i = 0; i < VS_TRAPS; i++) {
    if (world->traps[i].guest == guest) world->traps[i] = (vs_trap){0};
  }
}

static void blind(vs_world* world, uint8_t guest) {
  for (size_t i = 0; i < VS_VCPUS; i++) world->vcpus[i].blind |= world->vcpus[i].guest == guest;
  world->objects[guest - 1].blind = true;
}

// A guest without a handle is there for as long as one of its vCPUs is.
static void settle_guest(vs_world* world, uint8_t guest) {
  bool there = world->objects[guest].handles > 0;
  for (size_t i = 0; i < VS_VCPUS; i++) {
    there |= world->vcpus[i].live && world->vcpus[i].guest == 1 + guest;
  }
  if (there) return;
  drop_traps(world, guest);
  vs_ports_end_guest(world, guest);
  // Its region and its memory may be there longer, and are not those of a guest to come.
  for (size_t i = 0; i < VS_OBJECTS; i++) {
    if (world->objects[i].guest == 1 + guest) world->objects[i].guest = 0;
  }
  world->objects[guest].code = VS_OBJECT_FREE;
}

void vs_world_end_vcpu(vs_world* world, vs_vcpu* vcpu) {
  vcpu->live = false;
  if (vcpu->guest != 0) settle_guest(world, (uint8_t)(vcpu->guest - 1));
}

void vs_world_close(vs_world* world, const vs_slot* slot) {
  vs_object* object = &world->objects[slot->object];
  world->slots[slot - world->slots].state = VS_SLOT_CLOSED;
  if (--object->handles > 0) return;
  if (object->code == VS_OBJECT_GUEST) return settle_guest(world, slot->object);
  // One that runs is there until its thread leaves it.
  vs_vcpu* vcpu = object->code == VS_OBJECT_VCPU ? &world->vcpus[object->vcpu] : NULL;
  if (vcpu != NULL && !vcpu->running) vs_world_end_vcpu(world, vcpu);
  if (object->code == VS_OBJECT_VMO && object->guest != 0) blind(world, object->guest);
  if (object->code == VS_OBJECT_PORT) vs_ports_close(world, slot->object);
  object->code = VS_OBJECT_FREE;
}

// What the slot held is closed: the executor does so.
static void open_slot(vs_world* world, uint8_t slot, uint8_t object, zx_rights_t rights,
                      zx_handle_t value) {
  world->objects[object].handles++;
  if (world->slots[slot].state == VS_SLOT_OPEN) vs_world_close(world, &world->slots[slot]);
  world->slots[slot] =
      (vs_slot){.state = VS_SLOT_OPEN, .object = object, .rights = rights, .value = value};
}

bool vs_world_add(vs_world* world, uint8_t slot, vs_object_code code, zx_handle_t value) {
  uint8_t object = 0;
  while (object < VS_OBJECTS && world->objects[object].code != VS_OBJECT_FREE) object++;
  if (object == VS_OBJECTS) return false;
  world->objects[object] = (vs_object){.code = (uint8_t)code};
  open_slot(world, slot, object, vs_world_right(world, vs_object_types[code].rights), value);
  world->slots[slot].maybe = vs_object_types[code].maybe;
  if (world->manage_process) world->slots[slot].maybe &= ~ZX_RIGHT_MANAGE_PROCESS;
  world->slots[slot].born = true;
  return true;
}

void vs_world_alias(vs_world* world, uint8_t slot, const vs_slot* from, zx_rights_t rights,
                    zx_handle_t value) {
  const bool same = rights == ZX_RIGHT_SAME_RIGHTS;
  const zx_rights_t maybe = same ? from->maybe : 0;
  open_slot(world, slot, from->object, same ? from->rights : rights, value);
  world->slots[slot].maybe = maybe;
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
