// SPDX-License-Identifier: BSD-3-Clause
#include "oracle.h"

#include <string.h>

#include "observe.h"

// What one world makes of one op. `attests` and `why` are filled as the verdict demands.
typedef struct step_context {
  vs_oracle* oracle;
  vs_world* world;
  const vs_op* op;
  const vs_observation* seen;
  vs_clause_set attests;
  vs_violation why;
} step_context;

void vs_oracle_init(vs_oracle* oracle, const vs_profile* profile, const vs_arch_info* arch) {
  oracle->profile = profile;
  oracle->arch = arch;
  oracle->attested = 0;
  oracle->count = 1;
  vs_world_init(&oracle->worlds[0]);
}

// A second explanation of the trace joins the set.
static vs_world* spare_world(vs_oracle* oracle) {
  return oracle->count < VS_WORLDS_MAX ? &oracle->worlds[oracle->count] : NULL;
}

static vs_step violation(step_context* c, vs_violation_kind kind, vs_clause_code clause) {
  c->why.kind = c->seen->outcome == VS_IN_CALL ? VS_VIOLATION_NO_RETURN : kind;
  c->why.clause = clause;
  c->why.got = c->seen->status;
  return VS_STEP_VIOLATION;
}

// For calls around the one under test: exactly `status` is right.
static bool answered(step_context* c, zx_status_t status) {
  c->why.decision.count = 1;
  c->why.decision.allowed[0] = (vs_allowed){status, VS_CHECK_NONE, (uint8_t)VS_LATITUDE_COUNT};
  return c->seen->outcome != VS_IN_CALL && c->seen->status == status;
}

static bool new_handle_is_fresh(const step_context* c, zx_handle_t value) {
  return value != ZX_HANDLE_INVALID && vs_world_resolve(c->world, value) == NULL;
}

// --- zx_vcpu_write_state ----------------------------------------------------------------------

static vs_clause_code blame_refusal(const vs_op* op, zx_status_t got) {
  switch (got) {
    case ZX_ERR_ACCESS_DENIED:
      return VS_CLAUSE_RIGHTS_WRITE;
    case ZX_ERR_WRONG_TYPE:
      return VS_CLAUSE_RIGHTS_TYPE;
    case ZX_ERR_BAD_HANDLE:
      return VS_CLAUSE_BAD_HANDLE;
    case ZX_ERR_BAD_STATE:
      return VS_CLAUSE_PAUSED;
    case ZX_ERR_INVALID_ARGS:
      if (op->buffer.at != VS_AT_PLAIN) return VS_CLAUSE_FROM_BUFFER;
      return op->kind == ZX_VCPU_IO ? VS_CLAUSE_KIND : VS_CLAUSE_RETURN_OK;
    default:
      return VS_CLAUSE_RETURN_OK;
  }
}

static vs_check_code first_fault(vs_check_set faults) {
  vs_check_code check = 1;
  while (check < VS_CHECK_COUNT && !(faults & VS_BIT(check))) check++;
  return check;
}

static bool is_fixed_bit_form(const vs_op* op) {
  return op->handle.form == VS_HANDLE_CLEARED &&
         (op->handle.value & ZX_HANDLE_FIXED_BITS_MASK) != 0;
}

static vs_clause_code blame_answer(const step_context* c, zx_status_t got) {
  vs_check_set faults = c->why.decision.faults;
  bool no_answer = c->seen->outcome == VS_IN_CALL;
  if (faults == 0) return blame_refusal(c->op, no_answer ? ZX_ERR_INVALID_ARGS : got);
  vs_check_code check = first_fault(faults);
  if (check == VS_CHECK_BAD_HANDLE && is_fixed_bit_form(c->op)) return VS_CLAUSE_FIXED_BITS;
  if (got == ZX_OK || no_answer) return vs_checks[check].rule;
  bool several = (faults & (faults - 1)) != 0;
  return several ? VS_CLAUSE_RETURN_ERROR : vs_checks[check].error;
}

static vs_clause_set attested_by_success(const vs_op* op) {
  vs_clause_set set = VS_BIT(VS_CLAUSE_RETURN_OK) | VS_BIT(VS_CLAUSE_KIND) |
                      VS_BIT(VS_CLAUSE_PAUSED) | VS_BIT(VS_CLAUSE_SAME_THREAD) |
                      VS_BIT(VS_CLAUSE_RIGHTS_TYPE) | VS_BIT(VS_CLAUSE_RIGHTS_WRITE);
  return op->buffer.at == VS_AT_PLAIN ? set : set | VS_BIT(VS_CLAUSE_FROM_BUFFER);
}

static vs_clause_set attested_by_refusal(const step_context* c) {
  vs_clause_set set = 0;
  vs_check_set faults = c->why.decision.faults;
  bool several = (faults & (faults - 1)) != 0;
  for (vs_check_code check = 1; check < VS_CHECK_COUNT; check++) {
    if (!(faults & VS_BIT(check))) continue;
    set |= VS_BIT(vs_checks[check].rule) | VS_BIT(vs_checks[check].error);
  }
  if (several) set |= VS_BIT(VS_CLAUSE_RETURN_ERROR);
  if (is_fixed_bit_form(c->op)) set |= VS_BIT(VS_CLAUSE_FIXED_BITS);
  return set;
}

// A cleared fixed bit makes a value that names nothing, whatever the implementation issued.
static vs_facts facts_of(step_context* c) {
  vs_facts facts = vs_facts_of(c->world, c->op, c->oracle->arch);
  if (is_fixed_bit_form(c->op)) {
    facts.handle_valid = facts.is_vcpu = facts.has_write = false;
    facts.running = facts.on_creator = facts.write_unknown = false;
  }
  return facts;
}

static vs_step step_write(step_context* c) {
  vs_facts facts = facts_of(c);
  c->why.decision = vs_decide(&facts, c->oracle->profile);
  const vs_allowed* row = vs_decision_find(&c->why.decision, c->seen->status);
  if (row == NULL || c->seen->outcome == VS_IN_CALL) {
    return violation(c, VS_VIOLATION_STATUS, blame_answer(c, c->seen->status));
  }
  if (row->latitude != VS_LATITUDE_COUNT) {
    c->world->used |= (vs_latitude_set)VS_BIT(row->latitude);
  }
  if (c->seen->status != ZX_OK) {
    c->attests |= attested_by_refusal(c);
    vs_touch_all(c->world, 0, VS_TOUCH_REFUSED);
    return VS_STEP_ALLOWED;
  }
  c->attests |= attested_by_success(c->op);
  const vs_slot* slot = vs_world_resolve(c->world, vs_world_value(c->world, c->op->handle));
  uint8_t vcpu = c->world->objects[slot->object].vcpu;
  vs_world* other = spare_world(c->oracle);
  if (other == NULL) return VS_STEP_BROKEN;
  if (vs_apply_write(c->world, vcpu, c->op, c->oracle->profile, c->oracle->arch, other)) {
    c->oracle->count++;
  }
  return VS_STEP_ALLOWED;
}

// --- the calls around it ----------------------------------------------------------------------

static const vs_slot* slot_of(step_context* c) {
  return vs_world_resolve(c->world, vs_world_value(c->world, c->op->handle));
}

// The vCPU of a valid call with `right` on its creator's thread; NULL: the script is broken.
static vs_vcpu* vcpu_of(step_context* c, zx_rights_t right, bool any_thread) {
  const vs_slot* slot = slot_of(c);
  vs_vcpu* vcpu = slot ? vs_world_vcpu(c->world, slot) : NULL;
  if (vcpu == NULL || (slot->rights & right) != right) return NULL;
  return any_thread || vcpu->creator == c->op->thread ? vcpu : NULL;
}

static vs_step observe(step_context* c, vs_vcpu* vcpu, bool guest_view) {
  vs_clause_set attests = vs_observe_attests(vcpu, guest_view);
  if (!vs_observe_registers(c->world, vcpu, c->oracle->arch, c->seen->state, guest_view, &c->why)) {
    c->why.got = c->seen->status;
    return VS_STEP_VIOLATION;
  }
  c->attests |= attests;
  return VS_STEP_ALLOWED;
}

static vs_step step_read(step_context* c) {
  vs_vcpu* vcpu = vcpu_of(c, ZX_RIGHT_READ, false);
  if (vcpu == NULL) return VS_STEP_BROKEN;
  if (!answered(c, ZX_OK)) return violation(c, VS_VIOLATION_STATUS, VS_CLAUSE_READ_BACK);
  return observe(c, vcpu, false);
}

static bool packet_is(const step_context* c, uint16_t port, uint8_t width, bool input) {
  const zx_packet_guest_io_t* io = &c->seen->io;
  return c->seen->has_packet && c->seen->packet_type == ZX_PKT_TYPE_GUEST_IO && io->port == port &&
         io->access_size == width && io->input == input;
}

// What an OUT sends is the accumulator's low bytes, as far as they are known.
static bool sent_accumulator(const step_context* c, const vs_vcpu* vcpu, uint8_t width) {
  const vs_reg* reg = &vcpu->regs[c->oracle->arch->accumulator];
  uint64_t mask = (UINT64_C(1) << (8 * width)) - 1;
  return ((reg->value ^ c->seen->io.u32) & reg->known & mask) == 0;
}

// What an IN leaves in the accumulator until it is answered, the page does not say.
static void leave_by_in(const step_context* c, vs_vcpu* vcpu, uint8_t width) {
  vs_reg* reg = &vcpu->regs[c->oracle->arch->accumulator];
  if (!c->oracle->profile->in32_clears)
    *reg = (vs_reg){0};
  else if (width == 4)
    *reg = (vs_reg){0, UINT64_MAX};
}

static vs_step left_by_program(step_context* c, vs_vcpu* vcpu) {
  const vs_program_info* program = &vs_programs[vcpu->program];
  bool in = program->exit == VS_PROGRAM_EXIT_IN;
  if (!packet_is(c, in ? VS_PORT_IN : VS_PORT_OUT, program->width, in)) {
    return violation(c, VS_VIOLATION_PACKET, VS_CLAUSE_RUNS_GUEST);
  }
  if (!in && !sent_accumulator(c, vcpu, program->width)) {
    return violation(c, VS_VIOLATION_PACKET, VS_CLAUSE_GUEST_SEES);
  }
  vcpu->stage = VS_STAGE_DUMP;
  c->attests |= VS_BIT(VS_CLAUSE_RUNS_GUEST);
  if (in) leave_by_in(c, vcpu, program->width);
  return VS_STEP_ALLOWED;
}

static vs_step left_guest(step_context* c, vs_vcpu* vcpu) {
  vcpu->flags_read.known &= vcpu->stage == VS_STAGE_SPIN ? UINT64_MAX : 0;
  if (vcpu->stage == VS_STAGE_ENTRY) return left_by_program(c, vcpu);
  if (vcpu->stage == VS_STAGE_SPIN) return violation(c, VS_VIOLATION_STATUS, VS_CLAUSE_RUNS_GUEST);
  if (!packet_is(c, VS_PORT_DUMP, 1, false) || !c->seen->has_state) {
    return violation(c, VS_VIOLATION_PACKET, VS_CLAUSE_RUNS_GUEST);
  }
  return observe(c, vcpu, true);
}

static vs_step finish_enter(step_context* c, vs_vcpu* vcpu) {
  if (vcpu->kicked) {
    if (!answered(c, ZX_ERR_CANCELED)) return violation(c, VS_VIOLATION_STATUS, VS_CLAUSE_KICK);
    vcpu->kicked = false;
    c->attests |= VS_BIT(VS_CLAUSE_KICK);
    return VS_STEP_ALLOWED;
  }
  if (!answered(c, ZX_OK)) return violation(c, VS_VIOLATION_STATUS, VS_CLAUSE_RUNS_GUEST);
  return left_guest(c, vcpu);
}

static vs_step step_enter(step_context* c) {
  vs_vcpu* vcpu = vcpu_of(c, ZX_RIGHT_EXECUTE, false);
  if (vcpu == NULL || vcpu->running) return VS_STEP_BROKEN;
  if (!c->op->async) return finish_enter(c, vcpu);
  vcpu->running = true;
  c->world->async_vcpu[c->op->thread] = (uint8_t)(1 + (vcpu - c->world->vcpus));
  return VS_STEP_ALLOWED;
}

static vs_step step_join(step_context* c) {
  uint8_t index = c->world->async_vcpu[c->op->thread];
  if (index == 0) return VS_STEP_BROKEN;
  vs_vcpu* vcpu = &c->world->vcpus[index - 1];
  c->world->async_vcpu[c->op->thread] = 0;
  vcpu->running = false;
  return finish_enter(c, vcpu);
}

static vs_step step_kick(step_context* c) {
  vs_vcpu* vcpu = vcpu_of(c, ZX_RIGHT_EXECUTE, true);
  if (vcpu == NULL) return VS_STEP_BROKEN;
  if (!answered(c, ZX_OK)) return violation(c, VS_VIOLATION_STATUS, VS_CLAUSE_KICK);
  vcpu->kicked = true;
  return VS_STEP_ALLOWED;
}

static vs_step step_await(step_context* c) {
  if (!answered(c, ZX_OK)) return violation(c, VS_VIOLATION_SILENCE, VS_CLAUSE_RUNS_GUEST);
  c->attests |= VS_BIT(VS_CLAUSE_RUNS_GUEST);
  return VS_STEP_ALLOWED;
}

static vs_step step_close(step_context* c) {
  const vs_slot* slot = slot_of(c);
  if (slot == NULL) return VS_STEP_BROKEN;
  if (!answered(c, ZX_OK)) return violation(c, VS_VIOLATION_STATUS, VS_CLAUSE_DERIVED);
  vs_world_close(c->world, slot);
  c->attests |= VS_BIT(VS_CLAUSE_DERIVED);
  return VS_STEP_ALLOWED;
}

static vs_step step_derive(step_context* c) {
  const vs_slot* from = slot_of(c);
  bool replace = c->op->code == VS_OP_REPLACE;
  if (from == NULL || (!replace && !(from->rights & ZX_RIGHT_DUPLICATE))) return VS_STEP_BROKEN;
  bool same = c->op->rights == ZX_RIGHT_SAME_RIGHTS;
  zx_rights_t rights = same ? from->rights : c->op->rights;
  if (rights & ~from->rights) return VS_STEP_BROKEN;
  if (!answered(c, ZX_OK)) return violation(c, VS_VIOLATION_STATUS, VS_CLAUSE_DERIVED);
  vs_slot source = *from;
  uint8_t source_slot = (uint8_t)(from - c->world->slots);
  if (replace) c->world->slots[source_slot].state = VS_SLOT_CLOSED;
  if (!new_handle_is_fresh(c, c->seen->handle)) {
    return violation(c, VS_VIOLATION_HANDLE, VS_CLAUSE_DERIVED);
  }
  if (!vs_world_alias(c->world, c->op->out, &source, rights, c->seen->handle)) {
    return VS_STEP_BROKEN;
  }
  if (replace) c->world->objects[source.object].handles--;
  c->attests |= VS_BIT(VS_CLAUSE_DERIVED);
  return VS_STEP_ALLOWED;
}

// --- setup ------------------------------------------------------------------------------------

static bool add_created(step_context* c) {
  vs_world* world = c->world;
  const vs_op* op = c->op;
  switch (op->code) {
    case VS_OP_GUEST_CREATE:
      return vs_world_add(world, op->out, VS_OBJECT_GUEST, c->seen->handle) &&
             vs_world_add(world, op->out2, VS_OBJECT_VMAR, c->seen->handle2);
    case VS_OP_EVENT_CREATE:
      return vs_world_add(world, op->out, VS_OBJECT_EVENT, c->seen->handle);
    case VS_OP_PORT_CREATE:
      return vs_world_add(world, op->out, VS_OBJECT_PORT, c->seen->handle);
    case VS_OP_VMO_CREATE:
      return vs_world_add(world, op->out, VS_OBJECT_VMO, c->seen->handle);
    case VS_OP_VCPU_CREATE:
      return vs_world_add_vcpu(world, op, c->oracle->profile, c->oracle->arch, c->seen->handle);
    default:
      return true;
  }
}

static vs_step step_setup(step_context* c) {
  if (!answered(c, ZX_OK)) return violation(c, VS_VIOLATION_STATUS, VS_CLAUSE_RETURN_OK);
  if (c->op->code == VS_OP_GUEST_LOAD) return VS_STEP_ALLOWED;
  bool two = c->op->code == VS_OP_GUEST_CREATE;
  bool fresh =
      new_handle_is_fresh(c, c->seen->handle) &&
      (!two || (new_handle_is_fresh(c, c->seen->handle2) && c->seen->handle != c->seen->handle2));
  if (!fresh) return violation(c, VS_VIOLATION_HANDLE, VS_CLAUSE_DERIVED);
  return add_created(c) ? VS_STEP_ALLOWED : VS_STEP_BROKEN;
}

static vs_step step_world(step_context* c) {
  switch (c->op->code) {
    case VS_OP_WRITE_STATE:
      return step_write(c);
    case VS_OP_READ_STATE:
      return step_read(c);
    case VS_OP_ENTER:
      return step_enter(c);
    case VS_OP_JOIN:
      return step_join(c);
    case VS_OP_KICK:
      return step_kick(c);
    case VS_OP_AWAIT_GUEST:
      return step_await(c);
    case VS_OP_CLOSE:
      return step_close(c);
    case VS_OP_DUPLICATE:
    case VS_OP_REPLACE:
      return step_derive(c);
    case VS_OP_THREAD_EXIT:
      return VS_STEP_ALLOWED;
    default:
      return c->op->code < VS_OP_COUNT ? step_setup(c) : VS_STEP_BROKEN;
  }
}

// --- the set of worlds ------------------------------------------------------------------------

static bool op_is_valid(const vs_op* op) {
  return op->code < VS_OP_COUNT && op->thread < VS_THREADS && op->out < VS_SLOTS &&
         op->out2 < VS_SLOTS && op->program < VS_PROGRAM_COUNT && op->handle.slot < VS_SLOTS &&
         op->buffer.at < VS_PLACEMENT_COUNT;
}

// The backend lacks the call, or a setup did not succeed: nothing can be said of what follows.
static bool is_missing(const vs_op* op, const vs_observation* seen) {
  bool setup = vs_ops[op->code].phase == VS_PHASE_SETUP;
  return seen->outcome == VS_UNSUPPORTED ||
         (setup && seen->outcome == VS_RETURNED && seen->status != ZX_OK);
}

vs_step vs_oracle_step(vs_oracle* oracle, const vs_op* op, const vs_observation* observation,
                       vs_violation* why) {
  if (!op_is_valid(op)) return VS_STEP_BROKEN;
  if (is_missing(op, observation)) return op->optional ? VS_STEP_SKIPPED : VS_STEP_UNSUPPORTED;
  uint8_t before = oracle->count;
  uint8_t alive = 0;
  vs_step worst = VS_STEP_VIOLATION;
  bool explained[VS_WORLDS_MAX];
  for (uint8_t i = 0; i < before; i++) {
    step_context c = {.oracle = oracle, .world = &oracle->worlds[i], .op = op, .seen = observation};
    vs_step step = step_world(&c);
    explained[i] = step == VS_STEP_ALLOWED;
    if (explained[i]) oracle->attested |= c.attests;
    if (step == VS_STEP_VIOLATION && i == 0 && why) *why = c.why;
    if (!explained[i] && step != VS_STEP_VIOLATION) worst = step;
  }
  for (uint8_t i = 0; i < oracle->count; i++) {
    bool keep = i >= before || explained[i];
    if (keep && alive != i) oracle->worlds[alive] = oracle->worlds[i];
    alive += keep;
  }
  oracle->count = alive;
  return alive > 0 ? VS_STEP_ALLOWED : worst;
}

vs_latitude_set vs_oracle_latitudes(const vs_oracle* oracle) {
  vs_latitude_set needed = oracle->count > 0 ? VS_ALL_LATITUDES : 0;
  for (uint8_t i = 0; i < oracle->count; i++) needed &= oracle->worlds[i].used;
  return needed;
}

vs_judgement vs_judge(vs_oracle* oracle, const vs_trace* trace, const vs_profile* profile) {
  vs_judgement result = {.step = VS_STEP_BROKEN};
  const vs_arch_info* arch = vs_arch_find(trace->arch);
  if (arch == NULL) return result;
  vs_oracle_init(oracle, profile, arch);
  result.step = VS_STEP_ALLOWED;
  for (size_t i = 0; i < trace->script.count && result.step == VS_STEP_ALLOWED; i++) {
    const vs_observation* seen = &trace->observations[i];
    if (seen->outcome == VS_NOT_REACHED) break;
    vs_step step = vs_oracle_step(oracle, &trace->script.ops[i], seen, &result.violation);
    if (step == VS_STEP_SKIPPED) {
      result.skipped++;
      continue;
    }
    result.step = step;
    result.at = i;
  }
  result.attested = oracle->attested;
  result.latitudes = vs_oracle_latitudes(oracle);
  return result;
}
