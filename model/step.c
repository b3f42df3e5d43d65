// SPDX-License-Identifier: BSD-3-Clause
#include "step.h"
#include "place.h"

vs_step vs_step_violation(vs_step_context* c, vs_violation_kind kind, vs_clause_code clause) {
  c->why.kind = c->seen->outcome == VS_IN_CALL ? VS_VIOLATION_NO_RETURN : kind;
  c->why.clause = clause;
  c->why.got = c->seen->status;
  return VS_STEP_VIOLATION;
}

bool vs_step_answered(vs_step_context* c, zx_status_t status) {
  c->why.decision.count = 1;
  c->why.decision.allowed[0] = (vs_allowed){status, VS_CHECK_NONE, (uint8_t)VS_LATITUDE_COUNT};
  return c->seen->outcome != VS_IN_CALL && c->seen->status == status;
}

bool vs_step_is_fresh(const vs_step_context* c, zx_handle_t value) {
  return value != ZX_HANDLE_INVALID && vs_world_resolve(c->world, value) == NULL;
}

const vs_slot* vs_step_slot(vs_step_context* c) {
  return vs_world_resolve(c->world, vs_world_value(c->world, &c->op->args[0]));
}

// --- ops that are no calls ----------------------------------------------------------------------

// Guests share the memory in which they show it.
static bool may_live(const vs_world* world) {
  for (size_t i = 0; i < VS_VCPUS; i++) {
    if (world->vcpus[i].entered) return true;
  }
  return false;
}

static vs_step step_await(vs_step_context* c) {
  if (!vs_step_answered(c, ZX_OK) || !may_live(c->world))
    return vs_step_violation(c, VS_VIOLATION_SILENCE, VS_CLAUSE_RUNS_GUEST);
  c->attests |= VS_MEMBER(VS_CLAUSE_RUNS_GUEST);
  return VS_STEP_ALLOWED;
}

static vs_step step_join(vs_step_context* c) {
  if (c->world->racing[c->op->thread] != VS_RACING_NONE) return vs_race_join(c);
  return c->world->async_vcpu[c->op->thread] != 0 ? vs_step_enter_end(c) : VS_STEP_BROKEN;
}

// Whoever takes the number of a thread that has ended is another thread.
static vs_step step_thread_exit(vs_step_context* c) {
  for (size_t i = 0; i < VS_VCPUS; i++) {
    vs_vcpu* vcpu = &c->world->vcpus[i];
    if (vcpu->creator == c->op->thread) vcpu->creator = VS_THREADS;
  }
  return VS_STEP_ALLOWED;
}

// The traps by which guest programs leave, as the executor sets them.
static bool add_traps(vs_step_context* c, uint8_t guest) {
  static const uint64_t ports[] = {VS_PORT_DUMP, VS_PORT_IN, VS_PORT_OUT};
  if (!c->oracle->arch->has_ports) {
    return vs_world_set_trap(c->world, &(vs_trap){.guest = guest,
                                                  .kind = ZX_GUEST_TRAP_MEM,
                                                  .first = VS_MMIO_DUMP,
                                                  .last = VS_MMIO_DUMP + VS_PLACE_PAGE - 1,
                                                  .key = VS_TRAP_KEY(VS_MMIO_DUMP)});
  }
  bool room = true;
  for (size_t i = 0; i < sizeof ports / sizeof ports[0]; i++) {
    const vs_trap trap = {true, guest, ZX_GUEST_TRAP_IO, ports[i], ports[i], VS_TRAP_KEY(ports[i])};
    room = room && vs_world_set_trap(c->world, &trap);
  }
  return room;
}

// The calls of which it is made have all to succeed, if its guest is there and has none of its
// traps.
static vs_step step_guest_load(vs_step_context* c) {
  const vs_slot* slot = vs_step_slot(c);
  bool guest = slot != NULL && c->world->objects[slot->object].code == VS_OBJECT_GUEST;
  bool good = guest && (slot->rights & ZX_RIGHT_WRITE) && !c->world->objects[slot->object].loaded;
  if (!vs_step_answered(c, ZX_OK)) {
    if (good) return vs_step_violation(c, VS_VIOLATION_STATUS, VS_CLAUSE_OBJECTS);
    c->world->lost = true;  // what guest code then runs is not one of the programs
    return VS_STEP_ALLOWED;
  }
  if (!vs_step_is_fresh(c, c->seen->handle))
    return vs_step_violation(c, VS_VIOLATION_HANDLE, VS_CLAUSE_DERIVED);
  if (!guest) return VS_STEP_BROKEN;
  c->world->objects[slot->object].loaded = true;
  if (!add_traps(c, slot->object)) c->world->lost = true;
  bool room = vs_world_add(c->world, vs_op_out(c->op, 0)->slot, VS_OBJECT_VMO, c->seen->handle);
  c->attests |= VS_MEMBER(VS_CLAUSE_OBJECTS);
  return room ? VS_STEP_ALLOWED : VS_STEP_BROKEN;
}

vs_step vs_step_local(vs_step_context* c) {
  switch (c->op->code) {
    case VS_OP_guest_load:
      return step_guest_load(c);
    case VS_OP_await_guest:
      return step_await(c);
    case VS_OP_join:
      return step_join(c);
    default:  // VS_OP_thread_exit
      return step_thread_exit(c);
  }
}
