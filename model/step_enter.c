// SPDX-License-Identifier: BSD-3-Clause
// zx_vcpu_enter: how the guest left, and what a call that did not enter has used up.
#include <string.h>

#include "place.h"
#include "step.h"

// --- the packet ---------------------------------------------------------------------------------

// True if the bits that are known of the field are as expected; else `why` tells of it.
static bool is_field(vs_step_context* c, vs_packet_field field, vs_reg expected,
                     vs_clause_code clause) {
  uint64_t value = 0;
  const vs_packet_field_info* info = &vs_packet_fields[field];
  memcpy(&value, (const uint8_t*)&c->seen->packet + info->offset, info->size);
  if (((value ^ expected.value) & expected.known) == 0) return true;
  (void)vs_step_violation(c, VS_VIOLATION_PACKET, clause);
  c->why.field = (uint8_t)field;
  c->why.expected = expected.value & expected.known;
  c->why.known = expected.known;
  c->why.value = value;
  return false;
}

// Of the way in which a program leaves, and of what the page says of every packet.
static bool is_exit(vs_step_context* c, vs_packet_field field, uint64_t expected) {
  return is_field(c, field, (vs_reg){expected, UINT64_MAX}, VS_CLAUSE_RUNS_GUEST);
}

static bool is_told(vs_step_context* c, vs_packet_field field, uint64_t expected) {
  return is_field(c, field, (vs_reg){expected, UINT64_MAX}, VS_CLAUSE_ENTER_PACKET);
}

// A trap that was refused is blamed for another key.
static bool is_of_trap(vs_step_context* c, uint64_t kind, uint64_t at) {
  const uint8_t guest = (uint8_t)(c->vcpu->guest - 1);
  const vs_trap* trap = vs_world_trap(c->world, guest, kind, at, at);
  const bool refused = (c->world->refused & VS_BIT(VS_CALL_guest_set_trap)) != 0;
  const vs_reg key = {trap != NULL ? trap->key : 0, trap != NULL ? UINT64_MAX : 0};
  return is_field(c, VS_PACKET_KEY, key,
                  refused ? VS_CLAUSE_TRAP_REFUSED : VS_CLAUSE_ENTER_PACKET) &&
         is_told(c, VS_PACKET_STATUS, ZX_OK);
}

// Of an IN nothing is sent, of an OUT as many bytes as it has: the accumulator's, as far as they
// are known.
static bool is_io(vs_step_context* c, uint16_t port, uint8_t width, bool input) {
  const vs_reg* reg = &c->vcpu->regs[c->oracle->arch->accumulator];
  const uint64_t sent = input ? 0 : (UINT64_C(1) << (8 * width)) - 1;
  const bool dump = port == VS_PORT_DUMP;  // it has stored what it sends
  return is_exit(c, VS_PACKET_TYPE, ZX_PKT_TYPE_GUEST_IO) && is_exit(c, VS_PACKET_IO_PORT, port) &&
         is_exit(c, VS_PACKET_IO_SIZE, width) && is_exit(c, VS_PACKET_IO_INPUT, input) &&
         is_of_trap(c, ZX_GUEST_TRAP_IO, port) &&
         is_field(c, VS_PACKET_IO_DATA, (vs_reg){0, ~sent}, VS_CLAUSE_ENTER_PACKET) &&
         is_told(c, VS_PACKET_IO_RESERVED, 0) && is_told(c, VS_PACKET_IO_RESERVED_1, 0) &&
         is_told(c, VS_PACKET_IO_RESERVED_2, 0) &&
         is_field(c, VS_PACKET_IO_DATA, (vs_reg){reg->value, dump ? 0 : reg->known & sent},
                  VS_CLAUSE_GUEST_SEES);
}

// The dump's store on arm64: of the whole of x0 (conformance/guest/arm64.S), as the guest had it.
static bool is_store(vs_step_context* c) {
  vs_reg stored = {0, c->seen->has_state ? UINT64_MAX : 0};
  memcpy(&stored.value, c->seen->state, sizeof stored.value);
  return is_exit(c, VS_PACKET_TYPE, ZX_PKT_TYPE_GUEST_MEM) &&
         is_exit(c, VS_PACKET_MEM_ADDR, VS_MMIO_DUMP) &&
         is_of_trap(c, ZX_GUEST_TRAP_MEM, VS_MMIO_DUMP) &&
         is_told(c, VS_PACKET_MEM_SIZE, sizeof stored.value) && is_told(c, VS_PACKET_MEM_SIGN, 0) &&
         is_told(c, VS_PACKET_MEM_XT, 0) && is_told(c, VS_PACKET_MEM_READ, 0) &&
         is_told(c, VS_PACKET_MEM_PADDING, 0) && is_told(c, VS_PACKET_MEM_RESERVED, 0) &&
         is_field(c, VS_PACKET_MEM_DATA, stored, VS_CLAUSE_ENTER_PACKET);
}

// A guest that has stored its registers leaves by a trapped OUT, or, without ports, a trapped
// store.
static bool is_dump(vs_step_context* c) {
  return c->oracle->arch->has_ports ? is_io(c, VS_PORT_DUMP, 1, false) : is_store(c);
}

// --- how the guest left -------------------------------------------------------------------------

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
  if (!is_io(c, in ? VS_PORT_IN : VS_PORT_OUT, program->width, in)) return VS_STEP_VIOLATION;
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

// Code that the model does not know may have done anything, also never leave. If it left by itself,
// a kick that came while it ran is still to be answered, or was.
static vs_step left_unknown(vs_step_context* c) {
  vs_world_forget(c->vcpu);
  c->world->lost |= c->seen->outcome == VS_IN_CALL || c->vcpu->beside;
  return VS_STEP_ALLOWED;
}

static vs_step left_as_told(vs_step_context* c) {
  vs_vcpu* vcpu = c->vcpu;
  go_on(c, vcpu);
  vcpu->flags_read.known &= vcpu->stage == VS_STAGE_SPIN ? UINT64_MAX : 0;
  if (vcpu->stage == VS_STAGE_SPIN)
    return vs_step_violation(c, VS_VIOLATION_STATUS, VS_CLAUSE_RUNS_GUEST);
  const bool stored = vcpu->stage == VS_STAGE_ENTRY || vcpu->blind || c->seen->has_state;
  if (!c->seen->has_packet || !stored) {
    c->why.field = VS_PACKET_FIELD_COUNT;
    return vs_step_violation(c, VS_VIOLATION_PACKET, VS_CLAUSE_RUNS_GUEST);
  }
  if (vcpu->stage == VS_STAGE_ENTRY) return left_by_program(c);
  if (!is_dump(c)) return VS_STEP_VIOLATION;
  if (vcpu->blind) c->attests |= VS_MEMBER(VS_CLAUSE_RUNS_GUEST);
  if (!vcpu->blind && !vcpu->torn) return vs_step_observe(c, true);
  vcpu->torn = false;
  vs_world_forget(vcpu);
  return VS_STEP_ALLOWED;
}

// What was read before has nothing to say of what is read after.
static vs_step left_guest(vs_step_context* c) {
  const vs_step step = left_as_told(c);
  c->vcpu->read_since = false;
  return step;
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

bool vs_step_may_enter(const vs_step_context* c) {
  if (c->facts.call != VS_CALL_vcpu_enter || c->vcpu == NULL) return false;
  return c->facts.handle.has_rights && c->facts.on_creator;
}

bool vs_step_enters_unknown(const vs_step_context* c) {
  const bool runs = vs_step_may_enter(c) && (!c->facts.kicked || c->vcpu->beside);
  return runs && c->vcpu->stage == VS_STAGE_UNKNOWN;
}

vs_step vs_step_left(vs_step_context* c) {
  c->vcpu->entered = true;
  if (c->vcpu->stage == VS_STAGE_UNKNOWN) return left_unknown(c);
  vs_world_settle_kick(c->vcpu);
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
    c->world->kick_came |= c->vcpu->refused_since == 0;
    vs_world_settle_kick(c->vcpu);
    stop_anywhere(c->oracle->arch, c->vcpu);
    c->attests |= VS_MEMBER(VS_CLAUSE_KICK);
    return VS_STEP_ALLOWED;
  }
  bool could = vs_step_may_enter(c);
  return could ? ran_for_nothing(c) : VS_STEP_ALLOWED;
}

// --- beside other calls -------------------------------------------------------------------------

// A call that is refused before the guest runs is refused at once.
vs_step vs_step_enter_begin(vs_step_context* c) {
  const vs_slot* slot = vs_step_slot(c);
  c->facts = vs_facts_of(c->world, c->op, c->oracle->arch);
  c->vcpu = slot != NULL ? vs_world_vcpu(c->world, slot) : NULL;
  if (!vs_step_may_enter(c)) return VS_STEP_VIOLATION;
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
