// SPDX-License-Identifier: BSD-3-Clause
#include <string.h>

#include "step.h"

static bool has_system_flags(const vs_op* op, const vs_arch_info* arch) {
  const vs_register* reg = &arch->registers[arch->flags];
  uint64_t flags = 0;
  memcpy(&flags, op->bytes + reg->offset, reg->width / 8u);
  return flags & ~(arch->flags_required | arch->flags_optional | arch->flags_gate);
}

static bool has_padding(const vs_op* op) {
  zx_vcpu_io_t io;
  memcpy(&io, op->bytes, sizeof io);
  return io.padding1[0] || io.padding1[1] || io.padding1[2];
}

// Of a call that had to be accepted and was answered with INVALID_ARGS, the sentence that says so:
// what is unusual about the call is taken for the reason.
static vs_clause_code blame_invalid_args(const vs_op* op, const vs_arch_info* arch) {
  if (VS_OP_ARG(op, vcpu_write_state, buffer).at != VS_AT_PLAIN) return VS_CLAUSE_FROM_BUFFER;
  bool io = VS_OP_ARG(op, vcpu_write_state, kind).number == ZX_VCPU_IO;
  if (io) return has_padding(op) ? VS_CLAUSE_IO_ALONE : VS_CLAUSE_KIND;
  return has_system_flags(op, arch) ? VS_CLAUSE_SYSTEM_FLAGS : VS_CLAUSE_RETURN_OK;
}

static vs_clause_code blame_refusal(const vs_step_context* c, zx_status_t got) {
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
      return blame_invalid_args(c->op, c->oracle->arch);
    default:
      return VS_CLAUSE_RETURN_OK;
  }
}

// `faults` is not empty.
static vs_check_code first_fault(vs_check_set faults) {
  vs_check_code check = 1;
  while (!(faults & VS_BIT(check))) check++;
  return check;
}

static bool is_fixed_bit_form(const vs_op* op) {
  return op->args[0].form == VS_HANDLE_CLEARED &&
         (op->args[0].number & ZX_HANDLE_FIXED_BITS_MASK) != 0;
}

// An ordered profile asks for the answer of its first check; by the page alone any will do.
static vs_clause_code blame_wrong_error(const vs_step_context* c, vs_check_code first) {
  const vs_decision* decision = &c->why.decision;
  if (decision->ordered) return vs_checks[decision->allowed[0].check].error;
  bool several = (decision->faults & (decision->faults - 1)) != 0;
  return several ? VS_CLAUSE_RETURN_ERROR : vs_checks[first].error;
}

static vs_clause_code blame_answer(const vs_step_context* c, zx_status_t got) {
  vs_check_set faults = c->why.decision.faults;
  bool no_answer = c->seen->outcome == VS_IN_CALL;
  if (faults == 0 && no_answer) return blame_invalid_args(c->op, c->oracle->arch);
  if (faults == 0) return blame_refusal(c, got);
  vs_check_code first = first_fault(faults);
  if (first == VS_CHECK_BAD_HANDLE && is_fixed_bit_form(c->op)) return VS_CLAUSE_FIXED_BITS;
  if (got == ZX_OK || no_answer) return vs_checks[first].rule;
  return blame_wrong_error(c, first);
}

static vs_clause_set attested_by_success(const vs_op* op) {
  vs_clause_set set = VS_BIT(VS_CLAUSE_RETURN_OK) | VS_BIT(VS_CLAUSE_KIND) |
                      VS_BIT(VS_CLAUSE_PAUSED) | VS_BIT(VS_CLAUSE_SAME_THREAD) |
                      VS_BIT(VS_CLAUSE_RIGHTS_TYPE) | VS_BIT(VS_CLAUSE_RIGHTS_WRITE);
  bool plain = VS_OP_ARG(op, vcpu_write_state, buffer).at == VS_AT_PLAIN;
  return plain ? set : set | VS_BIT(VS_CLAUSE_FROM_BUFFER);
}

static vs_clause_set attested_by_refusal(const vs_step_context* c) {
  vs_clause_set set = 0;
  vs_check_set faults = c->why.decision.faults;
  bool several = (faults & (faults - 1)) != 0;
  for (vs_check_code check = 1; check < VS_CHECK_COUNT; check++) {
    if (!(faults & VS_BIT(check))) continue;
    set |= VS_BIT(vs_checks[check].rule);
    if (vs_checks[check].status == c->seen->status) set |= VS_BIT(vs_checks[check].error);
  }
  if (several) set |= VS_BIT(VS_CLAUSE_RETURN_ERROR);
  if (is_fixed_bit_form(c->op)) set |= VS_BIT(VS_CLAUSE_FIXED_BITS);
  return set;
}

// A cleared fixed bit makes a value that names nothing, whatever the implementation issued.
static vs_facts facts_of(vs_step_context* c) {
  vs_facts facts = vs_facts_of(c->world, c->op, c->oracle->arch);
  if (is_fixed_bit_form(c->op)) {
    facts.handle_valid = facts.is_vcpu = facts.has_write = false;
    facts.running = facts.on_creator = facts.write_unknown = false;
  }
  return facts;
}

// --- choices that are made once -----------------------------------------------------------------

// True if the thread is all that is wrong with a write of ZX_VCPU_IO: which status says so is a
// choice. That the vCPU runs may be noticed before anything else, and is another matter.
static bool is_thread_choice(const vs_step_context* c, const vs_facts* facts) {
  bool alone = c->why.decision.faults == VS_BIT(VS_CHECK_CREATOR) && !facts->access_size_odd;
  return alone && facts->io && !c->why.decision.ordered && !facts->io_without_ports;
}

static bool is_size_choice(const vs_step_context* c, const vs_facts* facts) {
  return facts->access_size_odd && c->why.decision.faults == 0 && !facts->io_without_ports;
}

static void disallow(vs_decision* decision, zx_status_t status) {
  uint8_t kept = 0;
  for (uint8_t i = 0; i < decision->count; i++) {
    if (decision->allowed[i].status != status) decision->allowed[kept++] = decision->allowed[i];
  }
  decision->count = kept;
}

// Takes out of the decision what contradicts an earlier choice.
static void hold_to_choices(vs_step_context* c, const vs_facts* facts) {
  vs_world* world = c->world;
  vs_decision* decision = &c->why.decision;
  if (is_thread_choice(c, facts)) {
    if (world->thread_io == VS_CHOICE_BASE) disallow(decision, ZX_ERR_INVALID_ARGS);
    if (world->thread_io == VS_CHOICE_LATITUDE) disallow(decision, ZX_ERR_BAD_STATE);
  }
  if (is_size_choice(c, facts)) {
    uint8_t size = c->op->bytes[0];
    if (world->odd_refused[size / 64] & VS_BIT(size % 64)) disallow(decision, ZX_OK);
    if (world->odd_accepted[size / 64] & VS_BIT(size % 64)) {
      disallow(decision, ZX_ERR_INVALID_ARGS);
    }
  }
}

static void note_choices(vs_step_context* c, const vs_facts* facts) {
  bool invalid = c->seen->status == ZX_ERR_INVALID_ARGS;
  uint8_t size = c->op->bytes[0];
  if (is_thread_choice(c, facts)) {
    c->world->thread_io = invalid ? VS_CHOICE_LATITUDE : VS_CHOICE_BASE;
  }
  if (is_size_choice(c, facts)) {
    uint64_t* made = invalid ? c->world->odd_refused : c->world->odd_accepted;
    made[size / 64] |= VS_BIT(size % 64);
  }
}

// An odd size that is refused now and accepted then breaks what is said of ZX_VCPU_IO.
static vs_clause_code blame_choice(const vs_step_context* c, const vs_facts* facts) {
  bool either = c->seen->status == ZX_OK || c->seen->status == ZX_ERR_INVALID_ARGS;
  if (either && is_size_choice(c, facts)) return VS_CLAUSE_IO;
  return blame_answer(c, c->seen->status);
}

vs_step vs_step_write(vs_step_context* c) {
  vs_facts facts = facts_of(c);
  c->why.decision = vs_decide(&facts, c->oracle->profile);
  if (c->why.decision.anything) {
    c->world->lost = true;
    return VS_STEP_ALLOWED;
  }
  hold_to_choices(c, &facts);
  const vs_allowed* row = vs_decision_find(&c->why.decision, c->seen->status);
  if (row == NULL || c->seen->outcome == VS_IN_CALL) {
    return vs_step_violation(c, VS_VIOLATION_STATUS, blame_choice(c, &facts));
  }
  if (vs_changed(c->seen, VS_ARG(vcpu_write_state, buffer))) {
    return vs_step_violation(c, VS_VIOLATION_BUFFER, VS_CLAUSE_BUFFER_KEPT);
  }
  c->attests |= VS_BIT(VS_CLAUSE_BUFFER_KEPT);
  note_choices(c, &facts);
  if (row->latitude != VS_LATITUDE_COUNT) {
    c->world->used |= (vs_latitude_set)VS_BIT(row->latitude);
  }
  if (c->seen->status != ZX_OK) {
    c->attests |= attested_by_refusal(c);
    vs_touch_all(c->world, 0, VS_TOUCH_REFUSED);
    return VS_STEP_ALLOWED;
  }
  c->attests |= attested_by_success(c->op);
  const vs_slot* slot = vs_world_resolve(c->world, vs_world_value(c->world, &c->op->args[0]));
  uint8_t vcpu = c->world->objects[slot->object].vcpu;
  vs_world* other = vs_spare_world(c->oracle);
  if (other == NULL) return VS_STEP_BROKEN;
  if (vs_apply_write(c->world, vcpu, c->op, c->oracle->profile, c->oracle->arch, other)) {
    c->oracle->count++;
  }
  return VS_STEP_ALLOWED;
}
