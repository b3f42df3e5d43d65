// SPDX-License-Identifier: BSD-3-Clause
// zx_vcpu_enter: how the guest left, and what a call that did not enter has used up.
#include <string.h>

#include "place.h"
#include "ports.h"
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

static bool is_of_mem(vs_step_context* c, vs_packet_field field, uint64_t expected) {
  return is_field(c, field, (vs_reg){expected, UINT64_MAX}, VS_CLAUSE_MEM_PACKET);
}

// A trap that was refused is blamed for another key.
static bool is_of_trap(vs_step_context* c, uint64_t kind, uint64_t at) {
  const uint8_t guest = (uint8_t)(c->vcpu->guest - 1);
  const vs_trap* trap = vs_world_trap(c->world, guest, kind, at, at);
  const bool refused = (c->world->refused & VS_BIT(VS_CALL_guest_set_trap)) != 0;
  const vs_reg key = {trap != NULL ? trap->key : 0, trap != NULL ? UINT64_MAX : 0};
  if (trap != NULL) c->attests |= VS_MEMBER(VS_CLAUSE_TRAP_KEY);
  return is_field(c, VS_PACKET_KEY, key, refused ? VS_CLAUSE_TRAP_REFUSED : VS_CLAUSE_TRAP_KEY) &&
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

// What the page keeps to itself, the data of a load and of a store what is beyond its size, is not
// looked at: published kernels tell all of the register.
static bool is_access_arm64(vs_step_context* c, const vs_access* a, vs_reg stored) {
  const uint64_t mask = UINT64_MAX >> (64 - 8 * a->width);
  const vs_reg data = {stored.value, a->write ? stored.known & mask : 0};
  return is_of_mem(c, VS_PACKET_MEM_SIZE, a->width) &&
         is_of_mem(c, VS_PACKET_MEM_SIGN, a->sign_extend) &&
         is_of_mem(c, VS_PACKET_MEM_XT, a->reg) && is_of_mem(c, VS_PACKET_MEM_READ, !a->write) &&
         is_told(c, VS_PACKET_MEM_PADDING, 0) && is_told(c, VS_PACKET_MEM_RESERVED, 0) &&
         is_field(c, VS_PACKET_MEM_DATA, data, VS_CLAUSE_MEM_PACKET);
}

// The page tables of the suite's guests lie at 0, and its programs run in 64-bit mode.
static bool is_access_x64(vs_step_context* c, const vs_access* a) {
  enum { OPERAND = 4 };
  return is_of_mem(c, VS_PACKET_MEM_CR3, 0) && is_of_mem(c, VS_PACKET_MEM_RIP, a->at) &&
         is_of_mem(c, VS_PACKET_MEM_LENGTH, a->length) &&
         is_of_mem(c, VS_PACKET_MEM_OPERAND, OPERAND) && is_told(c, VS_PACKET_MEM_RESERVED_X64, 0);
}

// An access to another page than the trap's did not meet that trap.
static bool is_access(vs_step_context* c, const vs_access* a) {
  const vs_reg type = {ZX_PKT_TYPE_GUEST_MEM, UINT64_MAX};
  const vs_reg page = {a->addr, ~(uint64_t)(VS_PLACE_PAGE - 1)};
  return is_field(c, VS_PACKET_TYPE, type, VS_CLAUSE_TRAP_MEM) &&
         is_field(c, VS_PACKET_MEM_ADDR, page, VS_CLAUSE_TRAP_MEM) &&
         is_of_mem(c, VS_PACKET_MEM_ADDR, a->addr) && is_of_trap(c, ZX_GUEST_TRAP_MEM, a->addr) &&
         (c->oracle->arch->has_ports ? is_access_x64(c, a)
                                     : is_access_arm64(c, a, c->vcpu->regs[a->reg]));
}

// The dump's store on arm64: of the whole of x0 (conformance/guest/arm64.S), as the guest had it.
static bool is_store(vs_step_context* c) {
  vs_reg stored = {0, c->seen->has_state ? UINT64_MAX : 0};
  const vs_access dump = {.width = sizeof stored.value, .write = true};
  memcpy(&stored.value, c->seen->state, sizeof stored.value);
  return is_exit(c, VS_PACKET_TYPE, ZX_PKT_TYPE_GUEST_MEM) &&
         is_exit(c, VS_PACKET_MEM_ADDR, VS_MMIO_DUMP) &&
         is_of_trap(c, ZX_GUEST_TRAP_MEM, VS_MMIO_DUMP) && is_access_arm64(c, &dump, stored);
}

// A guest that has stored its registers leaves by a trapped OUT, or, without ports, a trapped
// store.
static bool is_dump(vs_step_context* c) {
  return c->oracle->arch->has_ports ? is_io(c, VS_PORT_DUMP, 1, false) : is_store(c);
}

// --- what a guest sends -------------------------------------------------------------------------

static bool is_sent_field(vs_step_context* c, vs_packet_field field, uint64_t expected) {
  return is_field(c, field, (vs_reg){expected, UINT64_MAX}, VS_CLAUSE_ENTER_VCPU_PACKET);
}

static bool is_of_vcpu(vs_step_context* c, uint32_t type) {
  return is_sent_field(c, VS_PACKET_TYPE, ZX_PKT_TYPE_GUEST_VCPU) &&
         is_sent_field(c, VS_PACKET_VCPU_TYPE, type) && is_told(c, VS_PACKET_KEY, 0) &&
         is_told(c, VS_PACKET_STATUS, ZX_OK) && is_told(c, VS_PACKET_VCPU_RESERVED, 0);
}

// The two of `send` (conformance/guest/x64.S), one after the other. What it borrows meanwhile, it
// puts back afterwards.
static vs_step left_by_send(vs_step_context* c) {
  enum { TO = 1 << 2, VECTOR = 0x66, ID = 1, ENTRY = 0x8000 };
  vs_vcpu* vcpu = c->vcpu;
  const bool first = vcpu->access == 0;
  const bool right = first ? is_of_vcpu(c, ZX_PKT_GUEST_VCPU_INTERRUPT) &&
                                 is_sent_field(c, VS_PACKET_VCPU_MASK, TO) &&
                                 is_sent_field(c, VS_PACKET_VCPU_VECTOR, VECTOR)
                           : is_of_vcpu(c, ZX_PKT_GUEST_VCPU_STARTUP) &&
                                 is_sent_field(c, VS_PACKET_VCPU_ID, ID) &&
                                 is_sent_field(c, VS_PACKET_VCPU_ENTRY, ENTRY);
  if (!right) return VS_STEP_VIOLATION;
  if (first) vs_program_keep(c->oracle->arch, vcpu);
  vcpu->access++;
  for (size_t i = 0; i < VS_SEND_BORROWS; i++) vcpu->regs[i].known = 0;
  if (!first) vcpu->stage = VS_STAGE_KEPT;
  c->attests |= VS_MEMBER(VS_CLAUSE_RUNS_GUEST) | VS_MEMBER(VS_CLAUSE_ENTER_VCPU_PACKET);
  return VS_STEP_ALLOWED;
}

// --- how the guest left -------------------------------------------------------------------------

// What an IN leaves in the accumulator until it is answered, the page does not say.
static void leave_by_in(const vs_step_context* c, vs_vcpu* vcpu, uint8_t width) {
  vs_reg* reg = &vcpu->regs[c->oracle->arch->accumulator];
  if (!vs_has_quirk(c->oracle->profile, VS_QUIRK_IN32_CLEARS)) {
    vcpu->awaits = (uint8_t)(1 + c->oracle->arch->accumulator);
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

// Nor what a load leaves in its register.
static vs_step left_by_access(vs_step_context* c, const vs_access* access) {
  vs_vcpu* vcpu = c->vcpu;
  if (!is_access(c, access)) return VS_STEP_VIOLATION;
  vcpu->access++;
  c->attests |= VS_MEMBER(VS_CLAUSE_RUNS_GUEST) | VS_MEMBER(VS_CLAUSE_TRAP_MEM) |
                VS_MEMBER(VS_CLAUSE_MEM_PACKET);
  if (access->write || vs_has_quirk(c->oracle->profile, VS_QUIRK_LOAD_KEEPS))
    return VS_STEP_ALLOWED;
  vcpu->awaits = (uint8_t)(1 + access->reg);
  vcpu->regs[access->reg].known = 0;
  return VS_STEP_ALLOWED;
}

// An IN or a load that was left unanswered puts something into its register when the guest goes on:
// the page does not say what.
static void go_on(vs_vcpu* vcpu) {
  if (vcpu->awaits != 0) vcpu->regs[vcpu->awaits - 1].known = 0;
  vcpu->awaits = 0;
}

// Each bell from here on puts a packet into its port, one whose port is closed puts none.
// `access`: what the guest meets then; NULL: nothing.
static bool ring(vs_step_context* c, const vs_access** access) {
  vs_vcpu* vcpu = c->vcpu;
  const vs_trap* trap;
  bool rang = false;
  for (;; vcpu->access++, rang = true) {
    const vs_meeting meeting =
        vs_meeting_of(c->world, vcpu, c->oracle->arch, vcpu->access, access, &trap);
    if (meeting == VS_MEETS_CLOSED && c->seen->status != ZX_OK) return rang;
    if (meeting == VS_MEETS_CLOSED) continue;
    if (meeting != VS_MEETS_BELL) return rang;
    vs_queued bell = {.port = trap->port, .guest = vcpu->guest};
    bell.packet.key = trap->key;
    bell.packet.type = ZX_PKT_TYPE_GUEST_BELL;
    bell.packet.guest_bell.addr = (*access)->addr;
    c->world->lost |= !vs_ports_put(c->world, &bell);
  }
}

// A bell that makes the guest leave tells of itself, or of its access.
static bool goes_on_behind_bell(vs_step_context* c) {
  const bool ports = c->oracle->arch->has_ports;
  const vs_reg type = {ports ? ZX_PKT_TYPE_GUEST_IO : ZX_PKT_TYPE_GUEST_MEM, UINT64_MAX};
  const vs_reg dump = {VS_MMIO_DUMP, ports ? 0 : UINT64_MAX};
  return is_field(c, VS_PACKET_TYPE, type, VS_CLAUSE_TRAP_BELL) &&
         is_field(c, VS_PACKET_MEM_ADDR, dump, VS_CLAUSE_TRAP_BELL);
}

// Code that the model does not know may have done anything, also never leave. If it left by itself,
// a kick that came while it ran is still to be answered, or was.
static vs_step left_unknown(vs_step_context* c) {
  const bool rings = vs_vcpu_may_ring(c->world, c->vcpu);
  c->world->lost |= c->seen->outcome == VS_IN_CALL || c->vcpu->beside || rings;
  c->vcpu->stage = VS_STAGE_UNKNOWN;
  vs_world_forget(c->vcpu);
  return VS_STEP_ALLOWED;
}

static vs_step left_by_dump(vs_step_context* c) {
  vs_vcpu* vcpu = c->vcpu;
  const bool keeps = vcpu->stage == VS_STAGE_KEEP;
  if (!is_dump(c) || !vs_program_ran(c)) return VS_STEP_VIOLATION;
  vs_step step = VS_STEP_ALLOWED;
  if (vcpu->blind) c->attests |= VS_MEMBER(VS_CLAUSE_RUNS_GUEST);
  if (vcpu->blind || vcpu->torn) {
    vs_world_forget(vcpu);
  } else {
    step = vs_step_observe(c, true);
  }
  vcpu->torn = false;
  if (keeps) vs_program_keep(c->oracle->arch, vcpu);
  return step;
}

static vs_step left_as_told(vs_step_context* c) {
  vs_vcpu* vcpu = c->vcpu;
  const vs_access* access = NULL;
  go_on(vcpu);
  vcpu->flags_read.known &= vcpu->stage == VS_STAGE_SPIN ? UINT64_MAX : 0;
  if (vcpu->stage == VS_STAGE_SPIN)
    return vs_step_violation(c, VS_VIOLATION_STATUS, VS_CLAUSE_RUNS_GUEST);
  if (vs_vcpu_touches(vcpu) && c->seen->has_packet) {
    const bool rang = ring(c, &access);
    if (access == NULL) vcpu->stage = VS_STAGE_DUMP;
    if (access == NULL && rang && !goes_on_behind_bell(c)) return VS_STEP_VIOLATION;
  }
  const bool stored = vcpu->stage == VS_STAGE_ENTRY || vcpu->stage == VS_STAGE_SEND ||
                      vcpu->blind || c->seen->has_state;
  if (!c->seen->has_packet || !stored) {
    c->why.field = VS_PACKET_FIELD_COUNT;
    return vs_step_violation(c, VS_VIOLATION_PACKET, VS_CLAUSE_RUNS_GUEST);
  }
  if (access != NULL) return left_by_access(c, access);
  if (vcpu->stage == VS_STAGE_ENTRY) return left_by_program(c);
  if (vcpu->stage == VS_STAGE_SEND) return left_by_send(c);
  return left_by_dump(c);
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
static void stop_anywhere(const vs_step_context* c) {
  const vs_arch_info* arch = c->oracle->arch;
  vs_vcpu* vcpu = c->vcpu;
  bool beside = vcpu->beside;
  bool spins = vcpu->stage == VS_STAGE_SPIN;
  vcpu->kicked = vcpu->beside = false;
  if (beside && spins && arch->spin_borrows > 0) vcpu->regs[arch->spin_borrows - 1].known = 0;
  if (beside) vs_program_stopped(c);
  const bool touches = vs_vcpu_touches(vcpu);
  if (!beside || (vcpu->stage != VS_STAGE_DUMP && !touches)) return;
  if (touches) vcpu->stage = VS_STAGE_UNKNOWN;
  vcpu->torn = true;
  vs_world_forget(vcpu);
}

bool vs_step_may_enter(const vs_step_context* c) {
  if (c->facts.call != VS_CALL_vcpu_enter || c->vcpu == NULL) return false;
  return c->facts.handle.has_rights && c->facts.on_creator;
}

// A page without a trap, and without memory, is nothing that the pages speak of.
static bool is_unknown(const vs_step_context* c) {
  return c->vcpu->stage == VS_STAGE_UNKNOWN || vs_program_is_unknown(c) ||
         vs_meeting_next(c->world, c->vcpu, c->oracle->arch) == VS_MEETS_UNKNOWN;
}

bool vs_step_enters_unknown(const vs_step_context* c) {
  const bool runs = vs_step_may_enter(c) && (!c->facts.kicked || c->vcpu->beside);
  return runs && is_unknown(c);
}

vs_step vs_step_left(vs_step_context* c) {
  c->vcpu->entered = true;
  if (is_unknown(c)) return left_unknown(c);
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
  c->world->lost |= vs_vcpu_may_ring(c->world, vcpu);
  if (vcpu->stage != VS_STAGE_DUMP) {
    vcpu->stage = VS_STAGE_UNKNOWN;
    vs_world_forget(vcpu);
  }
  if (!vcpu->kicked) return VS_STEP_ALLOWED;
  vs_world* other = vs_spare_world(c->oracle);
  if (other == NULL) return VS_STEP_BROKEN;
  *other = *c->world;
  c->oracle->count++;
  stop_anywhere(c);
  return VS_STEP_ALLOWED;
}

vs_step vs_step_not_entered(vs_step_context* c) {
  if (c->seen->status == ZX_ERR_CANCELED) {
    c->vcpu->entered = true;
    c->world->kick_came |= c->vcpu->refused_since == 0;
    vs_world_settle_kick(c->vcpu);
    c->world->lost |= c->vcpu->beside && vs_vcpu_may_ring(c->world, c->vcpu);
    stop_anywhere(c);
    c->attests |= VS_MEMBER(VS_CLAUSE_KICK);
    return VS_STEP_ALLOWED;
  }
  bool could = vs_step_may_enter(c);
  return could ? ran_for_nothing(c) : VS_STEP_ALLOWED;
}

// The access is behind the guest, and the bells before it have been rung.
vs_step vs_step_rang_nothing(vs_step_context* c) {
  const vs_access* access;
  c->vcpu->entered = true;
  vs_world_settle_kick(c->vcpu);
  (void)ring(c, &access);
  c->vcpu->access++;
  c->vcpu->flags_read.known = 0;
  c->vcpu->read_since = false;
  return VS_STEP_ALLOWED;
}

// --- beside other calls -------------------------------------------------------------------------

// A call that is refused before the guest runs is refused at once.
vs_step vs_step_enter_begin(vs_step_context* c) {
  const vs_slot* slot = vs_step_slot(c);
  c->facts = vs_facts_of(c->world, c->op, c->oracle->arch);
  c->vcpu = slot != NULL ? vs_world_vcpu(c->world, slot) : NULL;
  if (!vs_step_may_enter(c)) return VS_STEP_VIOLATION;
  c->vcpu->running = c->vcpu->entered = true;
  c->world->lost |= vs_vcpu_touches(c->vcpu) || vs_vcpu_may_ring(c->world, c->vcpu);
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
