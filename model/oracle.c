// SPDX-License-Identifier: BSD-3-Clause
#include "oracle.h"

#include <string.h>

#include "observe.h"
#include "step.h"

void vs_oracle_init(vs_oracle* oracle, const vs_profile* profile, const vs_arch_info* arch) {
  oracle->profile = profile;
  oracle->arch = arch;
  oracle->listener = NULL;
  oracle->attested = VS_NO_CLAUSE;
  oracle->raced = oracle->unordered = oracle->overflow = oracle->unpredicted = false;
  oracle->asked_count = 0;
  oracle->count = 1;
  vs_world_init(&oracle->worlds[0], profile);
}

// Whatever comes back will do; only who is busy is still known.
static vs_step step_lost(vs_step_context* c) {
  if (c->op->code == VS_OP_join) {
    c->world->racing[c->op->thread] = VS_RACING_NONE;
    c->world->async_vcpu[c->op->thread] = 0;
  }
  return VS_STEP_ALLOWED;
}

// Nothing is said of the call, nor of what it has left behind.
static vs_step step_unpredicted(vs_step_context* c) {
  c->oracle->unpredicted = c->world->lost = true;
  return VS_STEP_ALLOWED;
}

vs_step vs_step_world(vs_step_context* c) {
  if (c->world->lost) return step_lost(c);
  if (!vs_op_is_predicted(c->op)) return step_unpredicted(c);
  if (c->op->code >= VS_CALL_COUNT) return vs_step_local(c);
  if (c->op->code == VS_CALL_vcpu_enter && c->op->async) return vs_step_enter_begin(c);
  return c->seen->held ? vs_race_write(c) : vs_step_call(c);
}

// A thread that is within a call can do nothing else.
static bool thread_is_busy(const vs_oracle* oracle, const vs_op* op) {
  const vs_world* any = &oracle->worlds[0];
  bool busy = any->async_vcpu[op->thread] != 0 || any->racing[op->thread] != VS_RACING_NONE;
  return busy && op->code != VS_OP_join;
}

static bool has_guest(const vs_world* world) {
  bool found = false;
  for (size_t i = 0; i < VS_OBJECTS; i++) found |= world->objects[i].code == VS_OBJECT_GUEST;
  return found;
}

// True if the call may succeed: one that may not is refused for what is wrong with it. Of memory
// that is short, calls without a mistake tell.
static bool may_succeed(vs_oracle* oracle, const vs_op* op) {
  bool may = vs_ops[op->code].phase == VS_PHASE_SETUP;
  for (uint8_t i = 0; i < oracle->count && !may; i++) {
    const vs_facts facts = vs_facts_of(&oracle->worlds[i], op, oracle->arch);
    const vs_decision decision = vs_decide(&facts, oracle->profile);
    may = oracle->worlds[i].lost || vs_decision_find(&decision, ZX_OK) != NULL;
  }
  return may;
}

// The backend lacks the call, or says that this machine does: that there is no hypervisor, as long
// as no guest says otherwise, or no memory.
static bool is_missing(vs_oracle* oracle, const vs_op* op, const vs_observation* seen) {
  if (seen->outcome == VS_UNSUPPORTED) return true;
  if (seen->outcome != VS_RETURNED || !vs_op_is_predicted(op)) return false;
  bool around = vs_ops[op->code].phase == VS_PHASE_SETUP;
  bool makes = around || op->code == VS_CALL_guest_create || op->code == VS_CALL_vcpu_create ||
               op->code == VS_CALL_guest_set_trap;
  bool guest = op->code == VS_CALL_guest_create && !has_guest(&oracle->worlds[0]);
  if (seen->status == ZX_ERR_NOT_SUPPORTED) return around || guest;
  // New memory has no right to be executed by the page of zx_vmo_create: who insists on it runs no
  // guest of ours.
  bool maps = op->code == VS_OP_guest_load && seen->call == VS_CALL_vmar_map;
  if (seen->status == ZX_ERR_ACCESS_DENIED && maps) return true;
  return seen->status == ZX_ERR_NO_MEMORY && makes && may_succeed(oracle, op);
}

// What either decision allows.
static void allow_also(vs_decision* decision, const vs_decision* other) {
  for (uint8_t k = 0; k < other->count; k++) vs_decision_allow(decision, &other->allowed[k]);
}

void vs_oracle_note_asked(vs_oracle* oracle, const vs_op* op, const vs_observation* answer) {
  const bool refused = answer->outcome == VS_RETURNED && answer->status != ZX_OK;
  if (op->code != VS_CALL_vcpu_write_state || !refused) return;
  vs_asked* asked = &oracle->asked[oracle->asked_count++ % VS_ASKED_MAX];
  asked->io = VS_OP_ARG(op, vcpu_write_state, kind).number == ZX_VCPU_IO;
  memcpy(asked->bytes, op->bytes, sizeof asked->bytes);
}

// --- who listens --------------------------------------------------------------------------------

// What all worlds that explain a call agree on.
typedef struct agreement {
  bool some;
  bool differs;
  vs_passage passage;
} agreement;

static uint8_t made_by(const vs_world* world, const vs_op* op, unsigned which) {
  const vs_arg* out = vs_op_out(op, which);
  return out != NULL ? world->slots[out->slot].object : (uint8_t)VS_OBJECTS;
}

// What the call has made, and ended, is known once it has had its effect.
static void complete(vs_step_context* c) {
  vs_passage* p = &c->passage;
  const bool made = vs_op_makes_object(c->op->code) && c->seen->status == ZX_OK;
  for (unsigned i = 0; i < 2 && made; i++) p->made[i] = made_by(c->world, c->op, i);
  p->ended = p->object < VS_OBJECTS && c->world->objects[p->object].handles == 0;
}

static bool is_same_passage(const vs_passage* a, const vs_passage* b) {
  bool same = vs_point_same(&a->point, &b->point);
  same &= a->object == b->object;
  same &= a->ended == b->ended;
  same &= memcmp(a->made, b->made, sizeof a->made) == 0;
  return same;
}

static void agree(agreement* all, vs_step_context* c) {
  if (c->passes) complete(c);
  if (!all->some) all->passage = c->passage;
  all->some = true;
  all->differs |= !c->passes || !is_same_passage(&all->passage, &c->passage);
  all->passage.forced &= c->passage.forced;
}

// Of an op that is no call, what it has made.
static vs_passage passage_of_other(const vs_oracle* oracle, const vs_op* op) {
  return (vs_passage){.sort = VS_MADE,
                      .made = {made_by(&oracle->worlds[0], op, 0), (uint8_t)VS_OBJECTS}};
}

static void tell(const vs_oracle* oracle, const vs_op* op, const agreement* all) {
  const vs_listener* listener = oracle->listener;
  const bool call = op->code < VS_CALL_COUNT || op->code == VS_OP_join;
  vs_passage passage = all->passage;
  if (listener == NULL) return;
  if (all->differs || oracle->unordered) passage = (vs_passage){.sort = VS_UNCLEAR};
  if (!call) passage = passage_of_other(oracle, op);
  listener->passed(&passage, listener->context);
}

void vs_oracle_tell_unclear(const vs_oracle* oracle, const vs_op* op) {
  const vs_passage passage = {.sort = VS_UNCLEAR};
  const vs_listener* listener = oracle->listener;
  if (listener == NULL || op->code == VS_CALL_vcpu_enter) return;
  listener->passed(&passage, listener->context);
}

void vs_oracle_note_order(vs_oracle* oracle, const vs_op* op) {
  bool beside = false;
  for (uint8_t i = 0; i < oracle->count; i++) {
    for (size_t thread = 0; thread < VS_THREADS; thread++) {
      const bool waits = oracle->worlds[i].racing[thread] == VS_RACING_BEFORE;
      beside |= waits && thread != op->thread;
    }
  }
  oracle->unordered |= beside && op->code != VS_OP_await_guest;
}

// --- steps --------------------------------------------------------------------------------------

vs_step vs_oracle_step(vs_oracle* oracle, const vs_op* op, const vs_observation* observation,
                       vs_violation* why) {
  if (oracle->count == 0 || oracle->overflow || !vs_op_is_valid(op)) return VS_STEP_BROKEN;
  if (thread_is_busy(oracle, op)) return VS_STEP_BROKEN;
  if (is_missing(oracle, op, observation))
    return op->optional ? VS_STEP_SKIPPED : VS_STEP_UNSUPPORTED;
  if (op->async && op->code != VS_CALL_vcpu_enter) return VS_STEP_BROKEN;
  vs_oracle_note_asked(oracle, op, observation);
  vs_oracle_note_order(oracle, op);
  vs_race_merge(oracle);
  if (!vs_race_settle(oracle)) return VS_STEP_BROKEN;
  uint8_t before = oracle->count;
  uint8_t alive = 0;
  vs_step otherwise = VS_STEP_BROKEN;
  bool told = false;
  bool explained[VS_WORLDS_MAX];
  agreement all = {0};
  for (uint8_t i = 0; i < before; i++) {
    vs_step_context c = {
        .oracle = oracle, .world = &oracle->worlds[i], .op = op, .seen = observation};
    vs_step step = vs_step_world(&c);
    explained[i] = step == VS_STEP_ALLOWED;
    if (explained[i]) oracle->attested |= c.attests;
    if (explained[i] && oracle->listener != NULL) agree(&all, &c);
    // Of several worlds, the one that explains most says what is wrong.
    bool further = told && c.why.kind == VS_VIOLATION_REGISTER && c.why.reg > why->reg;
    bool status = told && c.why.kind == VS_VIOLATION_STATUS && why->kind == c.why.kind;
    if (step == VS_STEP_VIOLATION && status) allow_also(&why->decision, &c.why.decision);
    if (step == VS_STEP_VIOLATION && (!told || further) && why) {
      *why = c.why;
      told = true;
    }
    if (step == VS_STEP_VIOLATION) otherwise = step;
  }
  if (oracle->overflow) return VS_STEP_BROKEN;
  for (uint8_t i = 0; i < oracle->count; i++) {
    bool keep = i >= before || explained[i];
    if (keep && alive != i) oracle->worlds[alive] = oracle->worlds[i];
    alive += keep;
  }
  oracle->count = alive;
  if (alive > 0) tell(oracle, op, &all);
  return alive > 0 ? VS_STEP_ALLOWED : otherwise;
}

vs_latitude_set vs_oracle_latitudes(const vs_oracle* oracle) {
  vs_latitude_set needed = oracle->count > 0 ? VS_ALL_LATITUDES : 0;
  for (uint8_t i = 0; i < oracle->count; i++) needed &= oracle->worlds[i].used;
  return needed;
}

// --- going on after a violation ---------------------------------------------------------------

// The vCPU that the op names in the world, or NULL.
static vs_vcpu* named_vcpu(vs_world* world, const vs_op* op) {
  const vs_slot* slot = vs_world_resolve(world, vs_world_value(world, &op->args[0]));
  return slot ? vs_world_vcpu(world, slot) : NULL;
}

// A write that may have happened, or not: of the vCPU that it named, or of whichever it took for
// it.
static void forget_write(vs_world* world, const vs_vcpu* vcpu) {
  for (size_t i = 0; i < VS_VCPUS; i++) {
    vs_vcpu* each = &world->vcpus[i];
    if (vcpu != NULL && each != vcpu) continue;
    vs_world_forget(each);
    each->touch = VS_TOUCH_NONE;
    each->read_since = false;
  }
}

static void recover_write(vs_world* world, const vs_op* op, zx_status_t status) {
  bool refused = status == ZX_ERR_ACCESS_DENIED || status == ZX_ERR_BAD_HANDLE ||
                 status == ZX_ERR_BAD_STATE || status == ZX_ERR_INVALID_ARGS ||
                 status == ZX_ERR_WRONG_TYPE;
  if (refused) {
    vs_touch_refused(world, op->code);
  } else {
    forget_write(world, named_vcpu(world, op));
  }
}

static bool recover_registers(const vs_oracle* oracle, vs_world* world, const vs_op* op,
                              const vs_observation* seen) {
  vs_violation ignored;
  bool guest_view = op->code != VS_CALL_vcpu_read_state;
  vs_vcpu* vcpu = named_vcpu(world, op);
  if (vcpu == NULL) return false;
  vs_world_forget(vcpu);
  const bool halfway = vcpu->stage == VS_STAGE_KEEP || vcpu->stage == VS_STAGE_TAKE;
  if (guest_view) vcpu->stage = halfway ? VS_STAGE_UNKNOWN : VS_STAGE_DUMP;
  return vs_observe_registers(oracle, world, vcpu, seen->state, guest_view, &ignored);
}

void vs_oracle_save(vs_oracle* oracle) {
  oracle->saved = oracle->count;
  memcpy(oracle->before, oracle->worlds, oracle->count * sizeof oracle->worlds[0]);
}

// What was observed is believed from here on, in every world that explained the trace so far, so
// that the rest still says something of other clauses. False: what the world is now cannot be
// known.
bool vs_oracle_recover(vs_oracle* oracle, const vs_op* op, const vs_observation* seen,
                       vs_violation_kind kind) {
  memcpy(oracle->worlds, oracle->before, oracle->saved * sizeof oracle->worlds[0]);
  oracle->count = oracle->saved;
  bool status = kind == VS_VIOLATION_STATUS || kind == VS_VIOLATION_BUFFER;
  for (uint8_t i = 0; i < oracle->count; i++) {
    vs_world* world = &oracle->worlds[i];
    if (kind == VS_VIOLATION_REGISTER) {
      if (!recover_registers(oracle, world, op, seen)) return false;
    } else if (status && op->code == VS_CALL_vcpu_write_state) {
      recover_write(world, op, seen->status);
    } else if (!status || op->code != VS_CALL_vcpu_read_state) {
      return false;
    }
  }
  return true;
}

static void note_violation(vs_judgement* result, size_t at, const vs_violation* violation) {
  result->broken |= VS_MEMBER(violation->clause);
  if (result->step == VS_STEP_VIOLATION) return;
  result->step = VS_STEP_VIOLATION;
  result->at = at;
  result->violation = *violation;
}

const vs_observation* vs_trace_answer(const vs_trace* trace, size_t at) {
  const vs_op* start = &trace->script.ops[at];
  for (size_t i = at + 1; i < trace->script.count; i++) {
    const vs_op* op = &trace->script.ops[i];
    bool join = op->code == VS_OP_join && op->thread == start->thread;
    if (join)
      return trace->observations[i].outcome == VS_NOT_REACHED ? NULL : &trace->observations[i];
  }
  return NULL;
}

vs_step vs_oracle_step_of(vs_oracle* oracle, const vs_trace* trace, size_t at, vs_violation* why) {
  static const vs_observation running = {.outcome = VS_NOT_REACHED};
  const vs_op* op = &trace->script.ops[at];
  const vs_observation* seen = &trace->observations[at];
  if (seen->outcome == VS_NOT_REACHED) return VS_STEP_ENDED;
  if (!op->async || seen->outcome != VS_STARTED) return vs_oracle_step(oracle, op, seen, why);
  const vs_observation* answer = vs_trace_answer(trace, at);
  if (answer == NULL && op->code == VS_CALL_vcpu_enter) answer = &running;
  return answer != NULL ? vs_oracle_start(oracle, op, answer) : VS_STEP_ENDED;
}

void vs_oracle_allowed(vs_oracle* oracle, const vs_op* op, vs_decision* allowed) {
  *allowed = (vs_decision){0};
  if (op->code >= VS_CALL_COUNT || !vs_op_is_predicted(op)) return;
  allowed->anything = vs_step_is_unspoken(oracle->profile, op);
  for (uint8_t i = 0; i < oracle->count; i++) {
    vs_facts facts = vs_facts_of(&oracle->worlds[i], op, oracle->arch);
    vs_decision one = vs_decide(&facts, oracle->profile);
    allowed->faults |= one.faults;
    allowed->ordered |= one.ordered;
    allowed->anything |= one.anything || oracle->worlds[i].lost;
    allow_also(allowed, &one);
  }
}

vs_check_set vs_oracle_held(vs_oracle* oracle, const vs_op* op) {
  const bool call = op->code < VS_CALL_COUNT;
  vs_check_set held = call && oracle->count > 0 ? ~(vs_check_set)0 : 0;
  for (uint8_t i = 0; call && i < oracle->count; i++) {
    vs_facts facts = vs_facts_of(&oracle->worlds[i], op, oracle->arch);
    held &= vs_held_of(&facts, oracle->profile);
  }
  return held;
}

// `recovers`: goes on after a violation, for which each step is saved; else ends at the first.
static vs_judgement walk(vs_oracle* oracle, const vs_trace* trace, const vs_profile* profile,
                         const vs_listener* listener, bool recovers) {
  vs_judgement result = {.step = VS_STEP_ALLOWED};
  vs_oracle_init(oracle, profile, vs_arch_find(trace->arch));
  oracle->listener = listener;
  for (size_t i = 0; i < trace->script.count; i++) {
    const vs_op* op = &trace->script.ops[i];
    const vs_observation* seen = &trace->observations[i];
    vs_violation violation = {0};
    if (recovers) vs_oracle_save(oracle);
    vs_step step = vs_oracle_step_of(oracle, trace, i, &violation);
    if (step == VS_STEP_ALLOWED) continue;
    if (step == VS_STEP_ENDED) break;
    if (step == VS_STEP_SKIPPED) {
      result.skipped++;
    } else if (step == VS_STEP_VIOLATION) {
      note_violation(&result, i, &violation);
      if (!recovers || !vs_oracle_recover(oracle, op, seen, violation.kind)) break;
    } else {
      if (result.step == VS_STEP_ALLOWED) result.step = step, result.at = i;
      break;
    }
  }
  result.attested = oracle->attested & ~result.broken;
  result.latitudes = vs_oracle_latitudes(oracle);
  result.overflow = oracle->overflow;
  result.unpredicted = oracle->unpredicted;
  for (uint8_t i = 0; i < oracle->count; i++) result.lost |= oracle->worlds[i].lost;
  return result;
}

// Most traces hold no violation, and to save every step costs more than to judge it.
vs_judgement vs_judge_telling(vs_oracle* oracle, const vs_trace* trace, const vs_profile* profile,
                              const vs_listener* listener) {
  if (vs_arch_find(trace->arch) == NULL) return (vs_judgement){.step = VS_STEP_BROKEN};
  vs_judgement result = walk(oracle, trace, profile, listener, false);
  if (result.step == VS_STEP_VIOLATION) result = walk(oracle, trace, profile, listener, true);
  return result;
}

vs_judgement vs_judge(vs_oracle* oracle, const vs_trace* trace, const vs_profile* profile) {
  return vs_judge_telling(oracle, trace, profile, NULL);
}
