// SPDX-License-Identifier: BSD-3-Clause
// What each call does once it was accepted, and what a refusal leaves.
#include "observe.h"
#include "ports.h"
#include "step.h"

#include <string.h>

vs_step vs_step_observe(vs_step_context* c, bool guest_view) {
  vs_clause_set attests = vs_observe_attests(c->vcpu, guest_view);
  if (!vs_observe_registers(c->oracle, c->world, c->vcpu, c->seen->state, guest_view, &c->why)) {
    c->why.got = c->seen->status;
    return VS_STEP_VIOLATION;
  }
  c->attests |= attests;
  return VS_STEP_ALLOWED;
}

static vs_step bears_out(vs_step_context* c, vs_clause_code clause) {
  c->attests |= VS_MEMBER(clause);
  return VS_STEP_ALLOWED;
}

// --- new handles --------------------------------------------------------------------------------

static bool are_fresh(const vs_step_context* c, bool two) {
  zx_handle_t first = c->seen->handle;
  zx_handle_t second = c->seen->handle2;
  return vs_step_is_fresh(c, first) && (!two || (vs_step_is_fresh(c, second) && first != second));
}

static bool add_object(vs_step_context* c, vs_object_code code) {
  return vs_world_add(c->world, vs_op_out(c->op, 0)->slot, code, c->seen->handle);
}

static bool add_guest(vs_step_context* c) {
  const uint8_t vmar = vs_op_out(c->op, 1)->slot;
  const vs_slot* slots = c->world->slots;
  bool added = add_object(c, VS_OBJECT_GUEST) &&
               vs_world_add(c->world, vmar, VS_OBJECT_VMAR, c->seen->handle2);
  const uint8_t guest = slots[vs_op_out(c->op, 0)->slot].object;
  if (added) c->world->objects[slots[vmar].object].guest = (uint8_t)(1 + guest);
  return added;
}

static bool add_created(vs_step_context* c) {
  switch (c->facts.call) {
    case VS_CALL_guest_create:
      return add_guest(c);
    case VS_CALL_event_create:
      return add_object(c, VS_OBJECT_EVENT);
    case VS_CALL_port_create:
      return add_object(c, VS_OBJECT_PORT);
    case VS_CALL_vmo_create:
      return add_object(c, VS_OBJECT_VMO);
    default:  // VS_CALL_vcpu_create
      return vs_world_add_vcpu(c->world, c->op, c->oracle->profile, c->oracle->arch,
                               c->seen->handle);
  }
}

static vs_step stale_value(vs_step_context* c) {
  return vs_step_violation(c, VS_VIOLATION_HANDLE, VS_CLAUSE_DERIVED);
}

// Of more than a world holds, nothing is said.
static vs_step lose(vs_step_context* c) {
  c->world->lost = true;
  return VS_STEP_ALLOWED;
}

static vs_step created(vs_step_context* c) {
  if (!are_fresh(c, c->facts.call == VS_CALL_guest_create)) return stale_value(c);
  if (!add_created(c)) return lose(c);
  return bears_out(c, vs_judged_calls[c->facts.call].accepted);
}

static vs_clause_set rights_attested(const vs_step_context* c, const vs_slot* from) {
  bool all = VS_OP_ARG(c->op, handle_duplicate, rights).number == ZX_RIGHT_SAME_RIGHTS;
  if (!from->born || all) return VS_NO_CLAUSE;
  uint8_t code = c->world->objects[from->object].code;
  if (code == VS_OBJECT_GUEST) return VS_MEMBER(VS_CLAUSE_GUEST_RIGHTS);
  return code == VS_OBJECT_VCPU ? VS_MEMBER(VS_CLAUSE_VCPU_RIGHTS) : VS_NO_CLAUSE;
}

static vs_step derived(vs_step_context* c) {
  const vs_slot* from = vs_step_slot(c);
  bool replace = c->facts.call == VS_CALL_handle_replace;
  zx_rights_t asked = (zx_rights_t)VS_OP_ARG(c->op, handle_duplicate, rights).number;
  bool loses = replace && asked == ZX_RIGHT_SAME_RIGHTS &&
               vs_has_quirk(c->oracle->profile, VS_QUIRK_REPLACE_LOSES);
  vs_slot source = *from;
  uint8_t source_slot = (uint8_t)(from - c->world->slots);
  c->attests |= rights_attested(c, &source);
  if (replace) {
    c->world->slots[source_slot].state = VS_SLOT_CLOSED;
    c->world->slots[source_slot].replaced = true;
  }
  if (!vs_step_is_fresh(c, c->seen->handle)) return stale_value(c);
  vs_world_alias(c->world, vs_op_out(c->op, 0)->slot, &source, loses ? 0 : asked, c->seen->handle);
  if (replace) c->world->objects[source.object].handles--;
  return bears_out(c, VS_CLAUSE_DERIVED);
}

// True of the port of a bell: a guest may ring it before it is closed, and after.
static bool is_of_bell(const vs_world* world, uint8_t object) {
  bool found = false;
  for (size_t i = 0; i < VS_TRAPS; i++) {
    const vs_trap* trap = &world->traps[i];
    const bool bell = trap->live && trap->kind == ZX_GUEST_TRAP_BELL;
    found |= bell && !trap->closed && trap->port == object;
  }
  return found;
}

static vs_step closed(vs_step_context* c) {
  const vs_slot* slot = vs_step_slot(c);
  if (slot == NULL) return bears_out(c, VS_CLAUSE_CLOSE_BAD_HANDLE);  // ZX_HANDLE_INVALID
  c->world->lost |= c->op->async && is_of_bell(c->world, slot->object);
  vs_world_close(c->world, slot);
  return bears_out(c, VS_CLAUSE_DERIVED);
}

// --- guests and vCPUs ---------------------------------------------------------------------------

// Memory under a BELL or MEM trap is the guest's no more: where its programs lie (below
// VS_MMIO_DUMP), nothing is known of what they do.
static vs_step trapped(vs_step_context* c) {
  const vs_slot* slot = vs_step_slot(c);
  const vs_op* op = c->op;
  uint64_t first = VS_OP_ARG(op, guest_set_trap, addr).number;
  uint64_t size = VS_OP_ARG(op, guest_set_trap, size).number;
  const vs_arg* port_handle = &VS_OP_ARG(op, guest_set_trap, port_handle);
  const vs_slot* port = vs_world_resolve(c->world, vs_world_value(c->world, port_handle));
  const vs_trap trap = {.guest = slot->object,
                        .port = port != NULL ? port->object : 0,
                        .kind = (uint8_t)VS_OP_ARG(op, guest_set_trap, kind).number,
                        .first = first,
                        .last = first + size - 1,
                        .key = VS_OP_ARG(op, guest_set_trap, key).number};
  bool memory = trap.kind != ZX_GUEST_TRAP_IO && first < VS_MMIO_DUMP;
  for (size_t i = 0; i < VS_VCPUS && memory; i++) {
    vs_vcpu* vcpu = &c->world->vcpus[i];
    if (vcpu->guest == slot->object + 1) vcpu->stage = VS_STAGE_UNKNOWN;
  }
  if (memory) c->world->objects[slot->object].bred = true;
  if (size > 0 && !vs_world_set_trap(c->world, &trap)) return lose(c);
  return bears_out(c, VS_CLAUSE_TRAP_SET);
}

// It changes no register: a wrong one is its doing from now on, unless what was before it has not
// been looked at yet.
static void touch_called(vs_step_context* c) {
  vs_vcpu* vcpu = c->vcpu;
  if (vcpu->touch != VS_TOUCH_NONE && !vcpu->read_since) return;
  vcpu->touch = VS_TOUCH_CALLED;
  vcpu->called = c->facts.call;
  vcpu->read_since = false;
}

static vs_step kicked(vs_step_context* c) {
  touch_called(c);
  vs_world_settle_kick(c->vcpu);
  c->vcpu->kicked = true;
  c->vcpu->beside |= c->vcpu->running || c->op->async;
  return VS_STEP_ALLOWED;
}

// A pending interrupt changes no register. A guest that has no handlers (yet) does not let one in,
// but takes an exception at once: what becomes of it then, the page does not say.
static vs_step interrupted(vs_step_context* c) {
  const uint64_t vector = VS_OP_ARG(c->op, vcpu_interrupt, vector).number;
  const bool exists = vector < VS_VECTORS;
  touch_called(c);
  if (exists) vs_program_raise(c->vcpu, (uint8_t)vector);
  const bool exception = vector < c->oracle->arch->exceptions;
  const bool waits = c->vcpu->stage == VS_STAGE_WAIT;
  const bool handled = exception && waits && (c->oracle->arch->raisable >> vector & 1) != 0;
  if (exception && !handled) c->vcpu->stage = VS_STAGE_UNKNOWN;
  return exists ? bears_out(c, VS_CLAUSE_INTERRUPT) : VS_STEP_ALLOWED;
}

// True if the call has left the register's bytes in the buffer as they were.
static bool is_beyond_filled(const vs_step_context* c) {
  const vs_observation* seen = c->seen;
  const int end = seen->change_count == 1 ? seen->changes[0].to : VS_STATE_MAX;
  return c->oracle->arch->registers[c->why.reg].offset >= end;
}

static vs_step read(vs_step_context* c) {
  c->attests |= VS_MEMBER(VS_CLAUSE_READ_WITHIN) | VS_MEMBER(VS_CLAUSE_READ_THREAD) |
                VS_MEMBER(VS_CLAUSE_READ_PAUSED);
  const vs_step step = vs_step_observe(c, false);
  if (step == VS_STEP_VIOLATION && is_beyond_filled(c)) c->why.clause = VS_CLAUSE_READ_WITHIN;
  return step;
}

static vs_step written(vs_step_context* c) {
  vs_world* other = vs_spare_world(c->oracle);
  if (other == NULL) return VS_STEP_BROKEN;
  c->attests |= vs_write_attests(c->op);
  uint8_t index = (uint8_t)(c->vcpu - c->world->vcpus);
  bool two = vs_apply_write(c->world, index, c->op, c->oracle->profile, c->oracle->arch, other);
  c->oracle->count += two;
  return VS_STEP_ALLOWED;
}

static vs_step queued(vs_step_context* c) {
  vs_queued packet = {.port = vs_step_slot(c)->object};
  memcpy(&packet.packet, c->op->bytes, sizeof packet.packet);
  return vs_ports_put(c->world, &packet) ? VS_STEP_ALLOWED : lose(c);
}

// A profile of somebody's own may accept what names nothing, or something else: then it says
// nothing of what comes of it.
static bool is_beyond_words(const vs_step_context* c) {
  bool resource = vs_ops[c->facts.call].params[0].object == ZX_OBJ_TYPE_RESOURCE;
  bool handle = vs_ops[c->facts.call].params[0].type == VS_PARAM_HANDLE && !resource;
  bool closes = c->facts.call == VS_CALL_handle_close && !c->facts.handle.given;
  return handle && !closes && (!c->facts.handle.valid || !c->facts.handle.right_type);
}

vs_step vs_step_effect(vs_step_context* c) {
  // What succeeds after a refusal shows that that has left nothing in the way.
  bool refused = (c->world->refused & VS_BIT(c->facts.call)) != 0;
  bool leaves = c->facts.call == VS_CALL_guest_create || c->facts.call == VS_CALL_vcpu_create ||
                c->facts.call == VS_CALL_guest_set_trap;
  if (refused && leaves) c->attests |= VS_MEMBER(vs_judged_calls[c->facts.call].refused);
  c->world->refused &= ~VS_BIT(c->facts.call);
  if (is_beyond_words(c)) return lose(c);
  switch (c->facts.call) {
    case VS_CALL_guest_set_trap:
      return trapped(c);
    case VS_CALL_vcpu_enter:
      return vs_step_left(c);
    case VS_CALL_vcpu_kick:
      return kicked(c);
    case VS_CALL_vcpu_interrupt:
      return interrupted(c);
    case VS_CALL_vcpu_read_state:
      return read(c);
    case VS_CALL_vcpu_write_state:
      return written(c);
    case VS_CALL_handle_close:
      return closed(c);
    case VS_CALL_port_wait:
      return vs_step_waited(c);
    case VS_CALL_port_queue:
      return queued(c);
    case VS_CALL_handle_duplicate:
    case VS_CALL_handle_replace:
      return derived(c);
    default:  // the calls that create
      return created(c);
  }
}

// --- refusals -----------------------------------------------------------------------------------

// A replace closes its source also where it refuses the rights; where it cannot tell of the new
// handle, it may or may not have. Both are answered alike: of two reasons, or of rights that the
// handle may have, only an order of the checks tells which it was.
static vs_step not_replaced(vs_step_context* c) {
  const vs_slot* slot = vs_step_slot(c);
  if (slot == NULL) return VS_STEP_ALLOWED;
  const bool rights = c->facts.rights_beyond == VS_YES && c->oracle->profile->ordered;
  if (c->facts.rights_beyond == VS_NO || (c->facts.out_lost[0] && !rights)) {
    vs_world* other = vs_spare_world(c->oracle);
    if (other == NULL) return VS_STEP_BROKEN;
    *other = *c->world;
    c->oracle->count++;
  }
  c->world->slots[slot - c->world->slots].replaced = true;
  vs_world_close(c->world, slot);
  return VS_STEP_ALLOWED;
}

vs_step vs_step_refusal(vs_step_context* c) {
  if (c->facts.call == VS_CALL_port_wait) {
    vs_ports_drop(c->world, vs_step_slot(c)->object);
    return VS_STEP_ALLOWED;
  }
  if (c->facts.rings_nothing && c->seen->status == ZX_ERR_BAD_STATE) return vs_step_rang_nothing(c);
  c->world->refused |= VS_BIT(c->facts.call);
  if (c->facts.call == VS_CALL_vcpu_enter && c->seen->status == ZX_ERR_CANCELED)
    return vs_step_not_entered(c);
  vs_touch_refused(c->world, c->facts.call);
  if (c->facts.call == VS_CALL_vcpu_enter) return vs_step_not_entered(c);
  return c->facts.call == VS_CALL_handle_replace ? not_replaced(c) : VS_STEP_ALLOWED;
}
