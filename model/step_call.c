// SPDX-License-Identifier: BSD-3-Clause
// A call, whichever it is: what may be answered, whether that was, and whose sentence is broken if
// not.
#include "step.h"

// --- what is broken -----------------------------------------------------------------------------

// `faults` is not empty.
static vs_check_code first_fault(vs_check_set faults) {
  return vs_check_take(&faults);
}

// True if the faults are of more than one sort: some rows say the same in two ways.
static bool are_several(vs_check_set faults) {
  const vs_check* first = &vs_checks[vs_check_take(&faults)];
  bool several = false;
  while (faults != 0) several |= vs_checks[vs_check_take(&faults)].rule != first->rule;
  return several;
}

static bool is_fixed_bit_form(const vs_op* op) {
  return op->args[0].form == VS_HANDLE_CLEARED &&
         (op->args[0].number & ZX_HANDLE_FIXED_BITS_MASK) != 0;
}

bool vs_step_is_misshapen(const vs_step_context* c) {
  bool found = false;
  for (size_t i = 0; i < VS_ARGS_MAX; i++) {
    const bool handle = vs_ops[c->op->code].params[i].type == VS_PARAM_HANDLE;
    const bool slot = handle && c->op->args[i].form == VS_HANDLE_SLOT;
    const zx_handle_t value = slot ? vs_world_value(c->world, &c->op->args[i]) : 0;
    const bool open = slot && vs_world_resolve(c->world, value) != NULL;
    found |= open && (value & ZX_HANDLE_FIXED_BITS_MASK) != ZX_HANDLE_FIXED_BITS_MASK;
  }
  return found && c->seen->status == ZX_ERR_BAD_HANDLE &&
         !vs_has_quirk(c->oracle->profile, VS_QUIRK_HANDLE_BITS);
}

// True if the port's handle was made with fewer rights than it may have, and the guest's was not: a
// refusal is about those.
static bool blames_port(const vs_step_context* c) {
  if (c->facts.call != VS_CALL_guest_set_trap) return false;
  const vs_world* world = c->world;
  const vs_arg* port = &VS_OP_ARG(c->op, guest_set_trap, port_handle);
  const vs_slot* guest = vs_world_resolve(world, vs_world_value(world, &c->op->args[0]));
  const vs_slot* its = vs_world_resolve(world, vs_world_value(world, port));
  return its != NULL && !its->born && guest->born;
}

vs_clause_code vs_step_sentence(uint8_t call, zx_status_t status, bool last) {
  vs_clause_code sentence = vs_judged_calls[call].accepted;
  bool found = false;
  for (vs_check_code check = 1; check < VS_CHECK_COUNT; check++) {
    const vs_check* row = &vs_checks[check];
    bool page = row->sort == VS_SORT_PAGE && row->call == call && row->status == status;
    page &= status != ZX_ERR_INVALID_ARGS;  // it may speak of anything
    if (page && (last || !found)) sentence = row->rule;
    found |= page;
  }
  return sentence;
}

// True of an answer that speaks of what is there already, where nothing is but what a refused call
// has left. A trap that has other faults as well is no such sign.
static bool is_left_over(const vs_step_context* c) {
  const bool again = (c->world->refused & VS_BIT(c->facts.call)) != 0;
  const bool busy = c->facts.call == VS_CALL_vcpu_create && c->seen->status == ZX_ERR_BAD_STATE;
  const bool exists = c->why.decision.faults == 0 && c->seen->status == ZX_ERR_ALREADY_EXISTS;
  return again && (busy || exists);
}

// A valid call was refused: the sentence that the refusal speaks of, as far as it is a refusal of
// this call.
static vs_clause_code blame_refusal(const vs_step_context* c) {
  zx_status_t got = c->seen->status;
  vs_clause_code accepted = vs_judged_calls[c->facts.call].accepted;
  bool enters = c->facts.call == VS_CALL_vcpu_enter && got == ZX_ERR_BAD_STATE;
  // Of the handle calls two sentences speak of what must not be refused.
  bool nothing = c->facts.call == VS_CALL_handle_close && !c->facts.handle.given;
  bool denied = c->facts.call == VS_CALL_handle_duplicate && got == ZX_ERR_ACCESS_DENIED;
  if (nothing) return VS_CLAUSE_CLOSE_BAD_HANDLE;
  if (denied) return VS_CLAUSE_DERIVE_ACCESS_DENIED;
  if (accepted == VS_CLAUSE_DERIVED || enters) return accepted;
  // A port's checks come after the guest's.
  return vs_step_sentence(c->facts.call, got, blames_port(c));
}

// An ordered profile asks for the answer of its first check; by the page alone any will do.
static vs_clause_code blame_wrong_error(const vs_step_context* c, vs_check_set faults) {
  const vs_decision* decision = &c->why.decision;
  if (decision->ordered) return vs_checks[decision->allowed[0].check].error;
  return are_several(faults) ? vs_judged_calls[c->facts.call].several
                             : vs_checks[first_fault(faults)].error;
}

// What a new handle may do is first seen by who asks for a part of it.
static vs_clause_code blame_rights(const vs_step_context* c, vs_clause_code clause) {
  const vs_slot* slot = vs_world_resolve(c->world, vs_world_value(c->world, &c->op->args[0]));
  if (c->facts.call != VS_CALL_handle_duplicate || slot == NULL || !slot->born) return clause;
  uint8_t code = c->world->objects[slot->object].code;
  bool rights = clause == VS_CLAUSE_DERIVE_RIGHTS || clause == VS_CLAUSE_DERIVE_ACCESS_DENIED ||
                (clause == VS_CLAUSE_DERIVED && c->seen->status == ZX_ERR_INVALID_ARGS);
  if (!rights) return clause;
  if (code == VS_OBJECT_GUEST) return VS_CLAUSE_GUEST_RIGHTS;
  return code == VS_OBJECT_VCPU ? VS_CLAUSE_VCPU_RIGHTS : clause;
}

// A right that a new handle has may as well be missing, as not be looked for rightly.
static void doubt_rights(vs_step_context* c) {
  const vs_slot* slot = vs_world_resolve(c->world, vs_world_value(c->world, &c->op->args[0]));
  if (slot == NULL || !slot->born || c->facts.call == VS_CALL_handle_duplicate) return;
  const uint8_t code = c->world->objects[slot->object].code;
  if (code == VS_OBJECT_GUEST) c->why.also = 1 + VS_CLAUSE_GUEST_RIGHTS;
  if (code == VS_OBJECT_VCPU) c->why.also = 1 + VS_CLAUSE_VCPU_RIGHTS;
}

// True if the handle's value is one that zx_handle_replace should have closed.
static bool was_replaced(const vs_step_context* c) {
  const vs_arg* handle = &c->op->args[0];
  return handle->form == VS_HANDLE_SLOT && !c->facts.handle.valid &&
         c->world->slots[handle->slot].replaced;
}

// A kick that was never given is the doing of what was refused meanwhile. So is one that is lost,
// if kicks are known to come where nothing is refused; else it may never have been there.
static vs_clause_code blame_kick(vs_step_context* c, const vs_vcpu* vcpu) {
  const bool came = c->seen->status == ZX_ERR_CANCELED;
  if (vcpu->refused_since == 0) return VS_CLAUSE_KICK;
  const uint8_t call = came && vcpu->kick_refused ? VS_CALL_vcpu_kick : vcpu->refused_since - 1;
  if (came || c->world->kick_came) return vs_judged_calls[call].refused;
  c->why.also = (uint8_t)(1 + vs_judged_calls[call].refused);
  return VS_CLAUSE_KICK;
}

// The vCPU of an entry that may be made, and answers as if there were a kick, or were none; else
// NULL.
static const vs_vcpu* with_wrong_kick(const vs_step_context* c) {
  if (!vs_step_may_enter(c)) return NULL;
  const bool came = c->seen->status == ZX_ERR_CANCELED;
  const bool lost = c->why.decision.faults == VS_CHECK_IN(VS_CHECK_ENTER_KICKED);
  return (came ? !c->facts.kicked : lost) ? c->vcpu : NULL;
}

static vs_clause_code blame(vs_step_context* c) {
  vs_check_set faults = c->why.decision.faults;
  bool write = c->facts.call == VS_CALL_vcpu_write_state;
  bool no_answer = c->seen->outcome == VS_IN_CALL;
  bool invalid = c->seen->status == ZX_ERR_INVALID_ARGS;
  if (c->facts.call == VS_CALL_port_wait) return vs_step_blame_wait(c);
  if (write && vs_write_is_choice(c)) return VS_CLAUSE_IO;
  if (!no_answer && vs_step_is_misshapen(c)) return VS_CLAUSE_FIXED_BITS;
  if (!no_answer && is_left_over(c)) return vs_judged_calls[c->facts.call].refused;
  const vs_vcpu* kicked = with_wrong_kick(c);
  if (kicked != NULL) return blame_kick(c, kicked);
  if (faults == 0 && write && (no_answer || invalid)) return vs_write_blame(c);
  if (faults == 0 && no_answer && vs_program_waits(c)) return vs_program_clause(c);
  if (faults == 0 && no_answer) return vs_judged_calls[c->facts.call].accepted;
  if (faults == 0 && c->seen->status == ZX_ERR_ACCESS_DENIED) doubt_rights(c);
  if (faults == 0) return blame_rights(c, blame_refusal(c));
  vs_check_code first = first_fault(faults);
  bool nothing = vs_checks[first].status == ZX_ERR_BAD_HANDLE;
  if (nothing && is_fixed_bit_form(c->op)) return VS_CLAUSE_FIXED_BITS;
  if (nothing && was_replaced(c) && c->seen->status == ZX_OK) return VS_CLAUSE_REPLACE_CONSUMES;
  if (c->seen->status == ZX_OK || no_answer) return blame_rights(c, vs_checks[first].rule);
  return blame_wrong_error(c, faults);
}

// --- what is borne out --------------------------------------------------------------------------

// Of a check of the page, a sentence about rights or types that is not about an error.
static vs_clause_set attested_by_success(const vs_step_context* c) {
  const uint8_t call = c->facts.call;
  vs_clause_set set = VS_NO_CLAUSE;
#define VS_CHECK(of, code, name, sort, when, status, rule, error, reason, holds)    \
  set |= VS_SORT_##sort == VS_SORT_PAGE && VS_CLAUSE_##rule != VS_CLAUSE_##error && \
                 (status == ZX_ERR_WRONG_TYPE || status == ZX_ERR_ACCESS_DENIED) && \
                 call == VS_CALL_##of                                               \
             ? VS_MEMBER(VS_CLAUSE_##rule)                                          \
             : VS_NO_CLAUSE;
#include "checks.def"
#undef VS_CHECK
  return set;
}

static vs_clause_set attested_by_refusal(const vs_step_context* c) {
  vs_clause_set set = VS_NO_CLAUSE;
  const vs_check_set faults = c->why.decision.faults;
  vs_check_set rest = faults;
  while (rest != 0) {
    const vs_check* check = &vs_checks[vs_check_take(&rest)];
    set |= VS_MEMBER(check->rule);
    if (check->status == c->seen->status) set |= VS_MEMBER(check->error);
  }
  if (faults != 0 && are_several(faults)) set |= VS_MEMBER(vs_judged_calls[c->facts.call].several);
  if (is_fixed_bit_form(c->op)) set |= VS_MEMBER(VS_CLAUSE_FIXED_BITS);
  if (was_replaced(c)) set |= VS_MEMBER(VS_CLAUSE_REPLACE_CONSUMES);
  return set;
}

// --- memory -------------------------------------------------------------------------------------

// Bytes at the parameter that the call may write.
static int writable_of(const vs_step_context* c, uint8_t parameter) {
  if (parameter >= VS_ARGS_MAX) return 0;  // a trace from elsewhere
  switch (vs_ops[c->facts.call].params[parameter].type) {
    case VS_PARAM_OUT_HANDLE:
      return (int)sizeof(zx_handle_t);
    case VS_PARAM_OUT_PACKET:
      return (int)sizeof(zx_port_packet_t);
    case VS_PARAM_OUT: {
      // One that cannot be written to its end may hold a part.
      bool part = c->facts.out_lost[0];
      bool read = c->seen->status == ZX_OK || part;
      return read ? c->op->args[parameter].length : 0;
    }
    default:
      return 0;
  }
}

static bool wrote_beside(vs_step_context* c) {
  for (uint8_t i = 0; i < c->seen->change_count && i < VS_CHANGES_MAX; i++) {
    const vs_change* change = &c->seen->changes[i];
    c->why.change = *change;
    c->why.room = writable_of(c, change->parameter);
    if (change->from < 0 || change->to > c->why.room) return true;
  }
  return false;
}

// --- the call -----------------------------------------------------------------------------------

// A cleared fixed bit makes a value that names nothing, whatever the implementation issued; where
// the lowest bit is ignored, it names what it did.
static void read_fixed_bits(vs_step_context* c) {
  if (!is_fixed_bit_form(c->op)) return;
  c->facts.handle = (vs_handle_facts){.given = true};
  c->facts.running = c->facts.on_creator = c->facts.kicked = false;
  c->vcpu = NULL;
}

// Where a bit of a handle's value is ignored, whoever clears it says nothing new, and the other one
// may make the value of another handle.
bool vs_step_is_unspoken(const vs_profile* profile, const vs_op* op) {
  bool changed = false;
  for (size_t i = 0; i < VS_ARGS_MAX; i++) {
    const vs_arg* arg = &op->args[i];
    bool handle = vs_ops[op->code].params[i].type == VS_PARAM_HANDLE;
    bool bits = arg->form == VS_HANDLE_CLEARED || arg->form == VS_HANDLE_FLIPPED;
    changed |= handle && bits && (arg->number & ZX_HANDLE_FIXED_BITS_MASK) != 0;
  }
  return changed && vs_has_quirk(profile, VS_QUIRK_HANDLE_BITS);
}

// What the call passes through, before it has had its effect.
static void note_passage(vs_step_context* c) {
  if (c->oracle->listener == NULL) return;
  const bool names = vs_ops[c->facts.call].params[0].type == VS_PARAM_HANDLE;
  const vs_slot* slot = names ? vs_step_slot(c) : NULL;
  c->passes = true;
  c->passage = (vs_passage){.point = vs_point_of(&c->facts, c->oracle->profile),
                            .status = c->seen->status,
                            .forced = c->why.decision.count == 1,
                            .object = slot != NULL ? slot->object : (uint8_t)VS_OBJECTS,
                            .made = {VS_OBJECTS, VS_OBJECTS}};
}

vs_step vs_step_judge(vs_step_context* c) {
  bool write = c->facts.call == VS_CALL_vcpu_write_state;
  c->why.decision = vs_decide(&c->facts, c->oracle->profile);
  if (c->why.decision.anything || vs_step_is_unspoken(c->oracle->profile, c->op)) {
    c->world->lost = true;
    return VS_STEP_ALLOWED;
  }
  if (vs_step_enters_unknown(c)) return vs_step_left(c);
  if (write) vs_write_hold_to_choices(c);
  const vs_allowed* row = vs_decision_find(&c->why.decision, c->seen->status);
  if (row == NULL || c->seen->outcome == VS_IN_CALL) {
    c->why.decision.held = vs_held_of(&c->facts, c->oracle->profile);
    return vs_step_violation(c, VS_VIOLATION_STATUS, blame(c));
  }
  vs_clause_code beside = vs_judged_calls[c->facts.call].beside;
  c->why.call = c->facts.call;
  if (wrote_beside(c)) {
    bool refused = c->seen->status != ZX_OK && c->facts.call == VS_CALL_vcpu_read_state;
    return vs_step_violation(c, VS_VIOLATION_BUFFER, refused ? VS_CLAUSE_READ_REFUSED : beside);
  }
  const bool left = vs_op_out(c->op, 0) != NULL && (c->seen->handle | c->seen->handle2) != 0;
  if (c->seen->status != ZX_OK && left)
    return vs_step_violation(c, VS_VIOLATION_HANDLE, vs_judged_calls[c->facts.call].refused);
  note_passage(c);
  if (write) c->attests |= VS_MEMBER(VS_CLAUSE_BUFFER_KEPT);
  if (write) vs_write_note_choices(c);
  if (row->latitude != VS_LATITUDE_COUNT) {
    c->world->used |= (vs_latitude_set)VS_BIT(row->latitude);
  }
  if (c->seen->status != ZX_OK) {
    c->attests |= attested_by_refusal(c);
    return vs_step_refusal(c);
  }
  c->attests |= attested_by_success(c);
  return vs_step_effect(c);
}

vs_step vs_step_call(vs_step_context* c) {
  const vs_slot* slot = vs_step_slot(c);
  c->facts = vs_facts_of(c->world, c->op, c->oracle->arch);
  c->vcpu = slot != NULL ? vs_world_vcpu(c->world, slot) : NULL;
  read_fixed_bits(c);
  return vs_step_judge(c);
}
