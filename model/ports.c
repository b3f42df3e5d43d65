// SPDX-License-Identifier: BSD-3-Clause
#include "ports.h"

// --- packets ------------------------------------------------------------------------------------

bool vs_ports_put(vs_world* world, const vs_queued* packet) {
  if (world->queued == VS_PACKETS) return false;
  world->packets[world->queued++] = *packet;
  return true;
}

uint8_t vs_ports_first(const vs_world* world, uint8_t port) {
  uint8_t i = 0;
  while (i < world->queued && world->packets[i].port != port) i++;
  return i < world->queued ? i : VS_PACKETS;
}

void vs_ports_take(vs_world* world, uint8_t index) {
  world->queued--;
  for (uint8_t i = index; i < world->queued; i++) world->packets[i] = world->packets[i + 1];
  world->packets[world->queued] = (vs_queued){0};
}

void vs_ports_drop(vs_world* world, uint8_t port) {
  for (uint8_t i = world->queued; i > 0; i--) {
    if (world->packets[i - 1].port == port) vs_ports_take(world, (uint8_t)(i - 1));
  }
}

vs_tristate vs_ports_is_empty(const vs_world* world, uint8_t port) {
  vs_tristate empty = VS_YES;
  for (uint8_t i = 0; i < world->queued && empty != VS_NO; i++) {
    if (world->packets[i].port == port) empty = world->packets[i].orphan ? VS_UNKNOWN : VS_NO;
  }
  return empty;
}

void vs_ports_close(vs_world* world, uint8_t port) {
  vs_ports_drop(world, port);
  for (size_t i = 0; i < VS_TRAPS; i++) {
    vs_trap* trap = &world->traps[i];
    if (trap->live && trap->kind == ZX_GUEST_TRAP_BELL && trap->port == port) trap->closed = true;
  }
}

void vs_ports_end_guest(vs_world* world, uint8_t guest) {
  for (uint8_t i = world->queued; i > 0; i--) {
    vs_queued* packet = &world->packets[i - 1];
    if (packet->guest != 1 + guest) continue;
    packet->guest = 0;
    packet->orphan = true;
    if (!world->bells_stay) vs_ports_take(world, (uint8_t)(i - 1));
  }
}

// --- accesses -----------------------------------------------------------------------------------

vs_meeting vs_meeting_of(const vs_world* world, const vs_vcpu* vcpu, const vs_arch_info* arch,
                         uint8_t nth, const vs_access** access, const vs_trap** trap) {
  *access = vs_access_find(arch, vcpu->program, nth);
  if (*access == NULL) return VS_MEETS_NOTHING;
  const uint8_t guest = (uint8_t)(vcpu->guest - 1);
  const uint64_t at = (*access)->addr;
  const vs_trap* bell = vs_world_trap(world, guest, ZX_GUEST_TRAP_BELL, at, at);
  *trap = vs_world_trap(world, guest, ZX_GUEST_TRAP_MEM, at, at);
  // Where one of each is set, which of them is met is open.
  if (*trap == NULL || *trap != bell) return VS_MEETS_UNKNOWN;
  if (bell->kind == ZX_GUEST_TRAP_MEM) return VS_MEETS_MEM;
  if (!(*access)->write) return VS_MEETS_UNKNOWN;
  return bell->closed ? VS_MEETS_CLOSED : VS_MEETS_BELL;
}

bool vs_vcpu_touches(const vs_vcpu* vcpu) {
  return vcpu->stage == VS_STAGE_ENTRY && vs_programs[vcpu->program].exit == VS_PROGRAM_EXIT_ACCESS;
}

vs_meeting vs_meeting_next(const vs_world* world, const vs_vcpu* vcpu, const vs_arch_info* arch) {
  const vs_access* access;
  const vs_trap* trap;
  vs_meeting meeting = VS_MEETS_NOTHING;
  uint8_t nth = vcpu->access;
  if (!vs_vcpu_touches(vcpu)) return meeting;
  do {
    meeting = vs_meeting_of(world, vcpu, arch, nth++, &access, &trap);
  } while (meeting == VS_MEETS_BELL);
  return meeting;
}

bool vs_vcpu_may_ring(const vs_world* world, const vs_vcpu* vcpu) {
  bool bells = false;
  for (size_t i = 0; i < VS_TRAPS; i++) {
    const vs_trap* trap = &world->traps[i];
    bells |= trap->live && trap->kind == ZX_GUEST_TRAP_BELL && 1 + trap->guest == vcpu->guest;
  }
  return bells && (vcpu->stage == VS_STAGE_UNKNOWN || vs_vcpu_touches(vcpu));
}
