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

// True if a guest runs, or is about to.
static bool some_guest_runs(const vs_step_context* c) {
  bool runs = false;
  for (size_t i = 0; i < VS_VCPUS; i++) runs |= c->world->vcpus[i].running;
  for (size_t i = 0; i < VS_THREADS; i++) {
    const bool before = c->world->racing[i] == VS_RACING_BEFORE;
    runs |= before && c->oracle->races[i].op.code == VS_CALL_vcpu_enter;
  }
  return runs;
}

static bool some_guest_ran(const vs_world* world) {
  bool ran = false;
  for (size_t i = 0; i < VS_VCPUS; i++) ran |= world->vcpus[i].entered;
  return ran;
}

// Guests share the memory in which they show life, and what one has shown stays.
static vs_step step_await(vs_step_context* c) {
  const bool life = vs_step_answered(c, ZX_OK);
  const bool wrong = life ? !some_guest_ran(c->world) : some_guest_runs(c);
  if (wrong || c->seen->outcome == VS_IN_CALL)
    return vs_step_violation(c, VS_VIOLATION_SILENCE, VS_CLAUSE_RUNS_GUEST);
  if (life) c->attests |= VS_MEMBER(VS_CLAUSE_RUNS_GUEST);
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

// The traps by which guest programs leave, as the executor sets them. Returns how many.
static size_t program_traps(const vs_step_context* c, uint8_t guest, vs_trap* traps) {
  size_t count = 0;
  for (size_t i = 0; i < vs_program_trap_count; i++) {
    const vs_program_trap* t = &vs_program_traps[i];
    if (vs_arch_find(t->arch) != c->oracle->arch) continue;
    traps[count++] = (vs_trap){.guest = guest,
                               .kind = (uint8_t)t->kind,
                               .first = t->first,
                               .last = t->first + t->size - 1,
                               .key = VS_TRAP_KEY(c->op->args[0].slot, t->first)};
  }
  return count;
}

// True of the region that came with the guest, by a handle that lacks none of its rights, of which
// kernels differ in most.
static bool is_region_of(const vs_world* world, const vs_arg* handle, uint8_t guest) {
  const vs_slot* slot = vs_world_resolve(world, vs_world_value(world, handle));
  if (slot == NULL || slot->maybe == 0) return false;
  const vs_object* region = &world->objects[slot->object];
  return region->code == VS_OBJECT_VMAR && region->guest == 1 + guest;
}

// Which of the calls of which it is made was refused, its observation says.
static vs_clause_code blame_load(const vs_step_context* c) {
  if (vs_step_is_misshapen(c)) return VS_CLAUSE_FIXED_BITS;
  const bool trap = c->seen->call == VS_CALL_guest_set_trap;
  return trap ? vs_step_sentence(VS_CALL_guest_set_trap, c->seen->status, false)
              : VS_CLAUSE_OBJECTS;
}

// The calls of which it is made have all to succeed, if guest and region are there, and no trap is
// where its own go.
static vs_step step_guest_load(vs_step_context* c) {
  vs_trap traps[3];
  const vs_slot* slot = vs_step_slot(c);
  bool guest = slot != NULL && c->world->objects[slot->object].code == VS_OBJECT_GUEST;
  bool good = guest && (slot->rights & ZX_RIGHT_WRITE) &&
              is_region_of(c->world, &VS_OP_ARG(c->op, guest_load, vmar), slot->object);
  const size_t count = guest ? program_traps(c, slot->object, traps) : 0;
  for (size_t i = 0; i < count; i++) {
    const vs_trap* t = &traps[i];
    good = good && vs_world_trap(c->world, t->guest, t->kind, t->first, t->last) == NULL;
  }
  if (!vs_step_answered(c, ZX_OK) && good)
    return vs_step_violation(c, VS_VIOLATION_STATUS, blame_load(c));
  // What guest code then runs is not one of the programs, or leaves by another trap.
  if (!good) c->world->lost = true;
  if (!vs_step_answered(c, ZX_OK)) return VS_STEP_ALLOWED;
  if (!vs_step_is_fresh(c, c->seen->handle))
    return vs_step_violation(c, VS_VIOLATION_HANDLE, VS_CLAUSE_DERIVED);
  if (!guest) return VS_STEP_BROKEN;
  for (size_t i = 0; i < count; i++) c->world->lost |= !vs_world_set_trap(c->world, &traps[i]);
  c->attests |= VS_MEMBER(VS_CLAUSE_OBJECTS);
  const uint8_t out = vs_op_out(c->op, 0)->slot;
  const bool added = vs_world_add(c->world, out, VS_OBJECT_VMO, c->seen->handle);
  if (added) c->world->objects[c->world->slots[out].object].guest = (uint8_t)(1 + slot->object);
  c->world->lost |= !added;
  return VS_STEP_ALLOWED;
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
