// SPDX-License-Identifier: BSD-3-Clause
#include "observe.h"
#include "step.h"

// The vCPU of a valid call with `right` on its creator's thread; NULL: the script is broken.
static vs_vcpu* vcpu_of(vs_step_context* c, zx_rights_t right, bool any_thread) {
  const vs_slot* slot = vs_step_slot(c);
  vs_vcpu* vcpu = slot ? vs_world_vcpu(c->world, slot) : NULL;
  if (vcpu == NULL || (slot->rights & right) != right) return NULL;
  return any_thread || vcpu->creator == c->op->thread ? vcpu : NULL;
}

static vs_step observe(vs_step_context* c, vs_vcpu* vcpu, bool guest_view) {
  vs_clause_set attests = vs_observe_attests(vcpu, guest_view);
  if (!vs_observe_registers(c->world, vcpu, c->oracle->arch, c->seen->state, guest_view, &c->why)) {
    c->why.got = c->seen->status;
    return VS_STEP_VIOLATION;
  }
  c->attests |= attests;
  return VS_STEP_ALLOWED;
}

static vs_step step_read(vs_step_context* c) {
  vs_vcpu* vcpu = vcpu_of(c, ZX_RIGHT_READ, false);
  if (vcpu == NULL) return VS_STEP_BROKEN;
  if (!vs_step_answered(c, ZX_OK))
    return vs_step_violation(c, VS_VIOLATION_STATUS, VS_CLAUSE_READ_BACK);
  return observe(c, vcpu, false);
}

static bool packet_is(const vs_step_context* c, uint16_t port, uint8_t width, bool input) {
  const zx_packet_guest_io_t* io = &c->seen->packet.guest_io;
  return c->seen->has_packet && c->seen->packet.type == ZX_PKT_TYPE_GUEST_IO && io->port == port &&
         io->access_size == width && io->input == input;
}

// A guest that has stored its registers leaves by a trapped OUT, or, without ports, a trapped
// store.
static bool left_by_dump(const vs_step_context* c) {
  if (c->oracle->arch->has_ports) return packet_is(c, VS_PORT_DUMP, 1, false);
  return c->seen->has_packet && c->seen->packet.type == ZX_PKT_TYPE_GUEST_MEM &&
         c->seen->packet.guest_mem_arm64.addr == VS_MMIO_DUMP;
}

// What an OUT sends is the accumulator's low bytes, as far as they are known.
static bool sent_accumulator(const vs_step_context* c, const vs_vcpu* vcpu, uint8_t width) {
  const vs_reg* reg = &vcpu->regs[c->oracle->arch->accumulator];
  uint64_t mask = (UINT64_C(1) << (8 * width)) - 1;
  return ((reg->value ^ c->seen->packet.guest_io.u32) & reg->known & mask) == 0;
}

// What an IN leaves in the accumulator until it is answered, the page does not say.
static void leave_by_in(const vs_step_context* c, vs_vcpu* vcpu, uint8_t width) {
  vs_reg* reg = &vcpu->regs[c->oracle->arch->accumulator];
  vcpu->unanswered = true;
  if (!vs_has_quirk(c->oracle->profile, VS_QUIRK_IN32_CLEARS)) {
    *reg = (vs_reg){0};
  } else if (width == 4) {
    *reg = (vs_reg){0, UINT64_MAX};
  }
}

static vs_step left_by_program(vs_step_context* c, vs_vcpu* vcpu) {
  const vs_program_info* program = &vs_programs[vcpu->program];
  bool in = program->exit == VS_PROGRAM_EXIT_IN;
  if (!packet_is(c, in ? VS_PORT_IN : VS_PORT_OUT, program->width, in)) {
    return vs_step_violation(c, VS_VIOLATION_PACKET, VS_CLAUSE_RUNS_GUEST);
  }
  if (!in && !sent_accumulator(c, vcpu, program->width)) {
    return vs_step_violation(c, VS_VIOLATION_PACKET, VS_CLAUSE_GUEST_SEES);
  }
  vcpu->stage = VS_STAGE_DUMP;
  c->attests |= VS_BIT(VS_CLAUSE_RUNS_GUEST);
  if (in) leave_by_in(c, vcpu, program->width);
  return VS_STEP_ALLOWED;
}

// What an IN that nobody answered puts into the accumulator when the guest goes on, the page does
// not say either.
static void go_on(const vs_step_context* c, vs_vcpu* vcpu) {
  bool told = vs_has_quirk(c->oracle->profile, VS_QUIRK_IN32_CLEARS);
  bool forget = vcpu->unanswered && !told;
  if (forget) vcpu->regs[c->oracle->arch->accumulator].known = 0;
  vcpu->unanswered = false;
}

// Code that the model does not know may have done anything, also never leave.
static vs_step left_unknown(vs_step_context* c, vs_vcpu* vcpu) {
  vs_world_forget(vcpu);
  c->world->lost |= c->seen->outcome == VS_IN_CALL;
  return VS_STEP_ALLOWED;
}

static vs_step left_guest(vs_step_context* c, vs_vcpu* vcpu) {
  go_on(c, vcpu);
  vcpu->read_since = false;
  vcpu->flags_read.known &= vcpu->stage == VS_STAGE_SPIN ? UINT64_MAX : 0;
  if (vcpu->stage == VS_STAGE_ENTRY) return left_by_program(c, vcpu);
  if (vcpu->stage == VS_STAGE_SPIN)
    return vs_step_violation(c, VS_VIOLATION_STATUS, VS_CLAUSE_RUNS_GUEST);
  if (!left_by_dump(c) || !c->seen->has_state) {
    return vs_step_violation(c, VS_VIOLATION_PACKET, VS_CLAUSE_RUNS_GUEST);
  }
  if (!vcpu->torn) return observe(c, vcpu, true);
  vcpu->torn = false;
  vs_world_forget(vcpu);
  return VS_STEP_ALLOWED;
}

// The dump loop puts its own value into the stack pointer for a while, and what it has stored is of
// before: whoever is stopped within it, by a kick that comes while it runs, has registers of which
// nothing is known. The spinning program borrows a register at most, before it shows a sign of
// life.
static void stop_anywhere(const vs_arch_info* arch, vs_vcpu* vcpu) {
  bool beside = vcpu->beside;
  bool spins = vcpu->stage == VS_STAGE_SPIN;
  vcpu->kicked = vcpu->beside = false;
  if (beside && spins && arch->spin_borrows > 0) vcpu->regs[arch->spin_borrows - 1].known = 0;
  if (!beside || vcpu->stage != VS_STAGE_DUMP) return;
  vcpu->torn = true;
  vs_world_forget(vcpu);
}

static vs_step finish_enter(vs_step_context* c, vs_vcpu* vcpu) {
  if (vcpu->kicked) {
    if (!vs_step_answered(c, ZX_ERR_CANCELED))
      return vs_step_violation(c, VS_VIOLATION_STATUS, VS_CLAUSE_KICK);
    stop_anywhere(c->oracle->arch, vcpu);
    c->attests |= VS_BIT(VS_CLAUSE_KICK);
    return VS_STEP_ALLOWED;
  }
  if (vcpu->stage == VS_STAGE_UNKNOWN) return left_unknown(c, vcpu);
  bool canceled = c->seen->status == ZX_ERR_CANCELED;
  vs_clause_code blamed = canceled ? VS_CLAUSE_KICK : VS_CLAUSE_RUNS_GUEST;
  if (!vs_step_answered(c, ZX_OK)) return vs_step_violation(c, VS_VIOLATION_STATUS, blamed);
  return left_guest(c, vcpu);
}

vs_step vs_step_enter_begin(vs_step_context* c) {
  vs_vcpu* vcpu = vcpu_of(c, ZX_RIGHT_EXECUTE, false);
  if (vcpu == NULL) return VS_STEP_BROKEN;
  vcpu->running = vcpu->entered = true;
  c->world->async_vcpu[c->op->thread] = (uint8_t)(1 + (vcpu - c->world->vcpus));
  return VS_STEP_ALLOWED;
}

static bool has_handle(const vs_world* world, uint8_t index) {
  for (size_t i = 0; i < VS_OBJECTS; i++) {
    const vs_object* object = &world->objects[i];
    if (object->code == VS_OBJECT_VCPU && object->vcpu == index) return true;
  }
  return false;
}

vs_step vs_step_enter_end(vs_step_context* c) {
  uint8_t index = (uint8_t)(c->world->async_vcpu[c->op->thread] - 1);
  vs_vcpu* vcpu = &c->world->vcpus[index];
  c->world->async_vcpu[c->op->thread] = 0;
  vcpu->running = false;
  vcpu->live = has_handle(c->world, index);
  return finish_enter(c, vcpu);
}

static vs_step step_enter(vs_step_context* c) {
  vs_vcpu* vcpu = vcpu_of(c, ZX_RIGHT_EXECUTE, false);
  if (vcpu == NULL) return VS_STEP_BROKEN;
  if (c->op->async) return vs_step_enter_begin(c);
  vcpu->entered = true;
  return finish_enter(c, vcpu);
}

static vs_step step_join(vs_step_context* c) {
  if (c->world->racing[c->op->thread] != VS_RACING_NONE) return vs_race_join(c);
  return c->world->async_vcpu[c->op->thread] != 0 ? vs_step_enter_end(c) : VS_STEP_BROKEN;
}

static vs_step step_kick(vs_step_context* c) {
  vs_vcpu* vcpu = vcpu_of(c, ZX_RIGHT_EXECUTE, true);
  if (vcpu == NULL) return VS_STEP_BROKEN;
  if (!vs_step_answered(c, ZX_OK)) return vs_step_violation(c, VS_VIOLATION_STATUS, VS_CLAUSE_KICK);
  vcpu->kicked = true;
  vcpu->beside |= vcpu->running || c->op->async;
  return VS_STEP_ALLOWED;
}

// A pending interrupt changes no register: guest code of this suite never lets one in.
static vs_step step_interrupt(vs_step_context* c) {
  if (vcpu_of(c, ZX_RIGHT_SIGNAL, true) == NULL) return VS_STEP_BROKEN;
  bool exists = VS_OP_ARG(c->op, vcpu_interrupt, vector).number < VS_VECTORS;
  vs_clause_code clause = exists ? VS_CLAUSE_INTERRUPT : VS_CLAUSE_INTERRUPT_RANGE;
  if (!vs_step_answered(c, exists ? ZX_OK : ZX_ERR_OUT_OF_RANGE))
    return vs_step_violation(c, VS_VIOLATION_STATUS, clause);
  c->attests |= VS_BIT(clause);
  return VS_STEP_ALLOWED;
}

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
  c->attests |= VS_BIT(VS_CLAUSE_RUNS_GUEST);
  return VS_STEP_ALLOWED;
}

static vs_step step_close(vs_step_context* c) {
  const vs_slot* slot = vs_step_slot(c);
  if (slot == NULL) return VS_STEP_BROKEN;
  if (!vs_step_answered(c, ZX_OK))
    return vs_step_violation(c, VS_VIOLATION_STATUS, VS_CLAUSE_DERIVED);
  vs_world_close(c->world, slot);
  c->attests |= VS_BIT(VS_CLAUSE_DERIVED);
  return VS_STEP_ALLOWED;
}

static vs_step step_derive(vs_step_context* c) {
  const vs_slot* from = vs_step_slot(c);
  bool replace = c->op->code == VS_CALL_handle_replace;
  if (from == NULL || (!replace && !(from->rights & ZX_RIGHT_DUPLICATE))) return VS_STEP_BROKEN;
  zx_rights_t asked = (zx_rights_t)VS_OP_ARG(c->op, handle_duplicate, rights).number;
  zx_rights_t rights = asked == ZX_RIGHT_SAME_RIGHTS ? from->rights : asked;
  if (rights & ~from->rights) return VS_STEP_BROKEN;
  if (!vs_step_answered(c, ZX_OK))
    return vs_step_violation(c, VS_VIOLATION_STATUS, VS_CLAUSE_DERIVED);
  vs_slot source = *from;
  uint8_t source_slot = (uint8_t)(from - c->world->slots);
  if (replace) c->world->slots[source_slot].state = VS_SLOT_CLOSED;
  if (!vs_step_is_fresh(c, c->seen->handle)) {
    return vs_step_violation(c, VS_VIOLATION_HANDLE, VS_CLAUSE_DERIVED);
  }
  if (!vs_world_alias(c->world, vs_op_out(c->op, 0)->slot, &source, rights, c->seen->handle)) {
    return VS_STEP_BROKEN;
  }
  if (replace) c->world->objects[source.object].handles--;
  c->attests |= VS_BIT(VS_CLAUSE_DERIVED);
  return VS_STEP_ALLOWED;
}

// Another thread has closed the handle before.
static vs_step step_stale(vs_step_context* c) {
  if (vs_step_answered(c, ZX_ERR_BAD_HANDLE)) return VS_STEP_ALLOWED;
  return vs_step_violation(c, VS_VIOLATION_STATUS, VS_CLAUSE_DERIVED);
}

vs_step vs_step_family(vs_step_context* c) {
  if (c->op->code != VS_OP_join && vs_race_is_stale(c)) return step_stale(c);
  switch (c->op->code) {
    case VS_CALL_vcpu_read_state:
      return step_read(c);
    case VS_CALL_vcpu_enter:
      return step_enter(c);
    case VS_OP_join:
      return step_join(c);
    case VS_CALL_vcpu_kick:
      return step_kick(c);
    case VS_CALL_vcpu_interrupt:
      return step_interrupt(c);
    case VS_OP_await_guest:
      return step_await(c);
    case VS_CALL_handle_close:
      return step_close(c);
    default:  // VS_CALL_handle_duplicate, VS_CALL_handle_replace
      return step_derive(c);
  }
}
