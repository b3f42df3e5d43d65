// SPDX-License-Identifier: BSD-3-Clause
// zx_vcpu_enter: how the guest left, and what a call that did not enter has used up.
#include <string.h>

#include "place.h"
#include "step.h"

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

static vs_step left_by_program(vs_step_context* c) {
  vs_vcpu* vcpu = c->vcpu;
  const vs_program_info* program = &vs_programs[vcpu->program];
  bool in = program->exit == VS_PROGRAM_EXIT_IN;
  if (!packet_is(c, in ? VS_PORT_IN : VS_PORT_OUT, program->width, in)) {
    return vs_step_violation(c, VS_VIOLATION_PACKET, VS_CLAUSE_RUNS_GUEST);
  }
  if (!in && !sent_accumulator(c, vcpu, program->width)) {
    return vs_step_violation(c, VS_VIOLATION_PACKET, VS_CLAUSE_GUEST_SEES);
  }
  vcpu->stage = VS_STAGE_DUMP;
  c->attests |= VS_MEMBER(VS_CLAUSE_RUNS_GUEST);
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
static vs_step left_unknown(vs_step_context* c) {
  vs_world_forget(c->vcpu);
  c->world->lost |= c->seen->outcome == VS_IN_CALL;
  return VS_STEP_ALLOWED;
}

static vs_step left_guest(vs_step_context* c) {
  vs_vcpu* vcpu = c->vcpu;
  go_on(c, vcpu);
  vcpu->read_since = false;
  vcpu->flags_read.known &= vcpu->stage == VS_STAGE_SPIN ? UINT64_MAX : 0;
  if (vcpu->stage == VS_STAGE_ENTRY) return left_by_program(c);
  if (vcpu->stage == VS_STAGE_SPIN)
    return vs_step_violation(c, VS_VIOLATION_STATUS, VS_CLAUSE_RUNS_GUEST);
  if (!left_by_dump(c) || !(vcpu->blind || c->seen->has_state)) {
    return vs_step_violation(c, VS_VIOLATION_PACKET, VS_CLAUSE_RUNS_GUEST);
  }
  if (vcpu->blind) c->attests |= VS_MEMBER(VS_CLAUSE_RUNS_GUEST);
  if (!vcpu->blind && !vcpu->torn) return vs_step_observe(c, true);
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

// Of an IN nothing is sent, of an OUT as many bytes as it has.
static bool port_is_told(const zx_packet_guest_io_t* io) {
  const bool whole = io->access_size >= sizeof io->u32;
  const uint32_t unsent = whole ? 0 : UINT32_MAX << (8 * io->access_size);
  const uint32_t beyond = io->input ? UINT32_MAX : unsent;
  return ((io->u32 & beyond) | io->reserved[0] | io->reserved[1] | io->reserved[2]) == 0;
}

// The dump's store on arm64: of the whole of x0 (conformance/guest/arm64.S), as the guest had it.
static bool store_is_told(const vs_observation* seen) {
  const zx_packet_guest_mem_arm64_t* mem = &seen->packet.guest_mem_arm64;
  const bool plain = mem->access_size == sizeof mem->data && mem->xt == 0 && mem->read == 0;
  const bool same = !seen->has_state || memcmp(&mem->data, seen->state, sizeof mem->data) == 0;
  uint64_t rest = mem->sign_extend | mem->reserved | !same;
  for (size_t i = 0; i < sizeof mem->padding1; i++) rest |= mem->padding1[i];
  return plain && rest == 0;
}

// What a packet holds beside how the guest left: the trap's key, a status, and no more.
static bool packet_is_whole(const vs_step_context* c) {
  const zx_port_packet_t* packet = &c->seen->packet;
  bool io = packet->type == ZX_PKT_TYPE_GUEST_IO;
  uint64_t at = io ? packet->guest_io.port : VS_MMIO_DUMP;
  uint64_t kind = io ? ZX_GUEST_TRAP_IO : ZX_GUEST_TRAP_MEM;
  uint8_t guest = (uint8_t)(c->vcpu->guest - 1);
  const vs_trap* trap = vs_world_trap(c->world, guest, kind, at, at);
  bool rest = packet->status == ZX_OK && (trap == NULL || packet->key == trap->key);
  if (io) return rest && port_is_told(&packet->guest_io);
  const bool dump = !c->oracle->arch->has_ports && packet->guest_mem_arm64.addr == VS_MMIO_DUMP;
  return rest && (!dump || store_is_told(c->seen));
}

// What holds of the handle and the thread does.
static bool may_enter(const vs_step_context* c) {
  return c->vcpu != NULL && c->facts.handle.has_rights && c->facts.on_creator;
}

bool vs_step_enters_unknown(const vs_step_context* c) {
  if (c->facts.call != VS_CALL_vcpu_enter) return false;
  return may_enter(c) && !c->facts.kicked && c->vcpu->stage == VS_STAGE_UNKNOWN;
}

vs_step vs_step_left(vs_step_context* c) {
  c->vcpu->entered = true;
  if (c->vcpu->stage == VS_STAGE_UNKNOWN) return left_unknown(c);
  if (c->seen->has_packet && !packet_is_whole(c))
    return vs_step_violation(c, VS_VIOLATION_PACKET, VS_CLAUSE_ENTER_PACKET);
  vs_step step = left_guest(c);
  if (step == VS_STEP_ALLOWED) {
    c->attests |= VS_MEMBER(VS_CLAUSE_ENTER_PACKET) | VS_MEMBER(VS_CLAUSE_ENTER_THREAD);
  }
  return step;
}

// Where the packet cannot be written, the guest may have run all the same, and a kick may have been
// used up, or not.
static vs_step ran_for_nothing(vs_step_context* c) {
  vs_vcpu* vcpu = c->vcpu;
  vcpu->entered = true;
  if (vcpu->stage != VS_STAGE_DUMP) {
    vcpu->stage = VS_STAGE_UNKNOWN;
    vs_world_forget(vcpu);
  }
  if (!vcpu->kicked) return VS_STEP_ALLOWED;
  vs_world* other = vs_spare_world(c->oracle);
  if (other == NULL) return VS_STEP_BROKEN;
  *other = *c->world;
  c->oracle->count++;
  stop_anywhere(c->oracle->arch, vcpu);
  return VS_STEP_ALLOWED;
}

vs_step vs_step_not_entered(vs_step_context* c) {
  if (c->seen->status == ZX_ERR_CANCELED) {
    c->vcpu->entered = true;
    stop_anywhere(c->oracle->arch, c->vcpu);
    c->attests |= VS_MEMBER(VS_CLAUSE_KICK);
    return VS_STEP_ALLOWED;
  }
  bool could = may_enter(c);
  return could ? ran_for_nothing(c) : VS_STEP_ALLOWED;
}

// --- beside other calls -------------------------------------------------------------------------

// A call that is refused before the guest runs is refused at once.
vs_step vs_step_enter_begin(vs_step_context* c) {
  const vs_slot* slot = vs_step_slot(c);
  c->facts = vs_facts_of(c->world, c->op, c->oracle->arch);
  c->vcpu = slot != NULL ? vs_world_vcpu(c->world, slot) : NULL;
  if (!may_enter(c)) return VS_STEP_VIOLATION;
  c->vcpu->running = c->vcpu->entered = true;
  c->world->async_vcpu[c->op->thread] = (uint8_t)(1 + (c->vcpu - c->world->vcpus));
  return VS_STEP_ALLOWED;
}

static bool has_handle(const vs_world* world, uint8_t index) {
  for (size_t i = 0; i < VS_OBJECTS; i++) {
    const vs_object* object = &world->objects[i];
    if (object->code == VS_OBJECT_VCPU && object->vcpu == index) return true;
  }
  return false;
}

// The handle was good when the call began, whatever became of it since.
vs_step vs_step_enter_end(vs_step_context* c) {
  uint8_t index = (uint8_t)(c->world->async_vcpu[c->op->thread] - 1);
  c->vcpu = &c->world->vcpus[index];
  c->world->async_vcpu[c->op->thread] = 0;
  c->vcpu->running = false;
  c->facts = (vs_facts){.call = VS_CALL_vcpu_enter, .on_creator = true, .kicked = c->vcpu->kicked};
  c->facts.handle = (vs_handle_facts){true, true, true, true, false};
  bool told = c->op->code == VS_CALL_vcpu_enter;  // a JOIN does not say where the packet goes
  c->facts.out_lost[0] = told && !vs_place_is_writable(c->op, VS_ARG(vcpu_enter, packet));
  const vs_step step = vs_step_judge(c);
  if (!has_handle(c->world, index)) vs_world_end_vcpu(c->world, c->vcpu);
  return step;
}
