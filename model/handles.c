// SPDX-License-Identifier: BSD-3-Clause
// Handles that open and close, and what is gone with the last of an object.
#include "ports.h"
#include "world.h"

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
