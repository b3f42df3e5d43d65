// SPDX-License-Identifier: BSD-3-Clause
// Calls that run beside others. Each takes effect at one moment between its start and its JOIN;
// which, is not known: a world for each order that the answers do not contradict.
#include <string.h>

#include "oracle.h"
#include "step.h"

vs_world* vs_spare_world(vs_oracle* oracle) {
  oracle->overflow |= oracle->count == VS_WORLDS_MAX;
  return oracle->overflow ? NULL : &oracle->worlds[oracle->count];
}

// True if another world from index `from` on is the same.
static bool is_known(const vs_oracle* oracle, const vs_world* world, uint8_t from) {
  for (uint8_t i = from; i < oracle->count; i++) {
    const vs_world* each = &oracle->worlds[i];
    // Padding that differs keeps two alike apart: that costs room, and no truth.
    // NOLINTNEXTLINE(bugprone-suspicious-memory-comparison)
    if (each != world && memcmp(each, world, sizeof *world) == 0) return true;
  }
  return false;
}

// Drops each world from index `first` on that is the same as another from `among` on.
static void drop_known(vs_oracle* oracle, uint8_t first, uint8_t among) {
  for (uint8_t i = first; i < oracle->count;) {
    if (is_known(oracle, &oracle->worlds[i], among)) {
      oracle->worlds[i] = oracle->worlds[oracle->count - 1];
      oracle->count--;
    } else {
      i++;
    }
  }
}

void vs_race_merge(vs_oracle* oracle) {
  enum { MANY = 16 };
  if (oracle->raced || oracle->count > MANY) drop_known(oracle, 0, 0);
}

// The next thing that the thread's call does; its state follows if that explains the answer.
static vs_step advance(vs_step_context* c, uint8_t thread) {
  uint8_t* state = &c->world->racing[thread];
  bool enter = c->op->code == VS_CALL_vcpu_enter;
  if (enter && *state == VS_RACING_BEFORE && vs_step_enter_begin(c) == VS_STEP_ALLOWED) {
    *state = VS_RACING_INSIDE;
    return VS_STEP_ALLOWED;
  }
  if (enter && c->seen->outcome == VS_NOT_REACHED) return VS_STEP_ENDED;  // it runs in the end
  bool inside = *state == VS_RACING_INSIDE;
  *state = VS_RACING_AFTER;
  if (inside) return vs_step_enter_end(c);
  return enter ? vs_step_call(c) : vs_step_world(c);
}

// The world `from`, in which the thread's call takes effect now, joins the set if it explains the
// call's answer. `why`, unless NULL, is filled if it does not.
static bool take_effect(vs_oracle* oracle, uint8_t from, uint8_t thread) {
  vs_race* race = &oracle->races[thread];
  uint8_t first = oracle->count;
  vs_world* world = vs_spare_world(oracle);
  if (world == NULL) return false;
  *world = oracle->worlds[from];
  oracle->count++;
  vs_step_context c = {.oracle = oracle, .world = world, .op = &race->op, .seen = &race->answer};
  vs_step step = advance(&c, thread);
  // Worlds that the step made stand behind `world`, and exist only if it explains the answer.
  if (step != VS_STEP_ALLOWED) oracle->count = first;
  if (step == VS_STEP_VIOLATION && c.why.kind == VS_VIOLATION_REGISTER && !race->told) {
    race->why = c.why;
    race->told = true;
  }
  for (uint8_t i = first; i < oracle->count; i++) {
    oracle->worlds[i].race_attests[thread] |= c.attests;
  }
  drop_known(oracle, first, 0);
  return true;
}

bool vs_race_settle(vs_oracle* oracle) {
  if (!oracle->raced) return true;
  for (uint8_t i = 0; i < oracle->count; i++) {
    for (unsigned thread = 1; thread < VS_THREADS; thread++) {
      uint8_t state = oracle->worlds[i].racing[thread];
      if (state != VS_RACING_BEFORE && state != VS_RACING_INSIDE) continue;
      if (!take_effect(oracle, i, (uint8_t)thread)) return false;
    }
  }
  return true;
}

vs_step vs_race_join(vs_step_context* c) {
  uint8_t thread = c->op->thread;
  uint8_t* state = &c->world->racing[thread];
  if (*state == VS_RACING_AFTER) {
    *state = VS_RACING_NONE;
    c->attests |= c->world->race_attests[thread];
    c->world->race_attests[thread] = VS_NO_CLAUSE;
    return VS_STEP_ALLOWED;
  }
  // No order explains the answer, as far as this world goes: what the last possible one says.
  const vs_race* race = &c->oracle->races[thread];
  vs_world last = *c->world;
  uint8_t count = c->oracle->count;
  vs_step_context late = {
      .oracle = c->oracle, .world = &last, .op = &race->op, .seen = &race->answer};
  bool began = advance(&late, thread) == VS_STEP_ALLOWED;
  if (began && last.racing[thread] == VS_RACING_INSIDE) (void)advance(&late, thread);
  c->oracle->count = count;
  // Of several orders, the one that explains most says what is wrong.
  bool registers = race->told && late.why.kind != VS_VIOLATION_REGISTER;
  c->why = registers ? race->why : late.why;
  return VS_STEP_VIOLATION;
}

// --- a buffer that changes during the call ------------------------------------------------------

// True if what becomes of the call depends on byte i of those that change; else it only ends up in
// a register, or nowhere.
static bool is_decisive(const vs_op* op, const vs_arch_info* arch, unsigned i) {
  unsigned at = op->rewrite.offset + i;
  const vs_register* flags = &arch->registers[arch->flags];
  if (VS_OP_ARG(op, vcpu_write_state, kind).number == ZX_VCPU_IO)
    return at == offsetof(zx_vcpu_io_t, access_size);
  return at >= flags->offset && at < flags->offset + flags->width / 8u;
}

static unsigned decisive_of(const vs_op* op, const vs_arch_info* arch, uint8_t* which) {
  unsigned count = 0;
  for (unsigned i = 0; i < op->rewrite.length; i++) {
    if (is_decisive(op, arch, i)) which[count++] = (uint8_t)i;
  }
  return count;
}

// The buffer as a pass over it may find its decisive bytes, number `number`: each old or new. Of
// more than four of them, all old, or new up to some byte, or new from some byte on.
static bool snapshot(const vs_op* op, const vs_arch_info* arch, unsigned number, vs_op* found) {
  enum { FEW = 4 };
  uint8_t which[sizeof op->rewrite.bytes];
  unsigned count = decisive_of(op, arch, which);
  if (number >= (count <= FEW ? 1u << count : 2 * count)) return false;
  *found = *op;
  for (unsigned k = 0; k < count; k++) {
    bool new = count <= FEW ? number >> k & 1 : number <= count ? k < number : k >= number - count;
    unsigned at = op->rewrite.offset + which[k];
    if (new) found->bytes[at] = op->rewrite.bytes[which[k]];
  }
  return true;
}

// The register byte that byte i of those that change ends up in; NULL: it ends up in none.
static vs_reg* register_of(vs_vcpu* vcpu, const vs_op* op, const vs_arch_info* arch, unsigned i,
                           unsigned* byte) {
  unsigned at = op->rewrite.offset + i;
  if (VS_OP_ARG(op, vcpu_write_state, kind).number == ZX_VCPU_IO) {
    *byte = at - (unsigned)offsetof(zx_vcpu_io_t, data);
    bool data = at >= offsetof(zx_vcpu_io_t, data) && *byte < op->bytes[0];
    return data && arch->has_ports ? &vcpu->regs[arch->accumulator] : NULL;
  }
  for (size_t r = 0; r < arch->register_count; r++) {
    *byte = at - arch->registers[r].offset;
    if (*byte < arch->registers[r].width / 8u) return &vcpu->regs[r];
  }
  return NULL;
}

// What an accepted write took from bytes that changed is the old byte or the new one.
static void open_bytes(vs_vcpu* vcpu, const vs_op* op, const vs_arch_info* arch) {
  for (unsigned i = 0; i < op->rewrite.length; i++) {
    unsigned byte;
    vs_reg* reg = is_decisive(op, arch, i) ? NULL : register_of(vcpu, op, arch, i, &byte);
    if (reg == NULL) continue;
    uint64_t mask = UINT64_C(0xff) << (8 * byte);
    bool known = (reg->known & mask) == mask;
    if (known) vcpu->raced_open |= (uint8_t)VS_BIT(i);
    reg->known &= ~mask;
  }
}

static void mark_raced(vs_world* world, const vs_op* op, const vs_arch_info* arch) {
  for (size_t i = 0; i < VS_VCPUS; i++) {
    vs_vcpu* vcpu = &world->vcpus[i];
    bool written = vcpu->touch == VS_TOUCH_STATE || vcpu->touch == VS_TOUCH_IO;
    if (!written) continue;
    vcpu->raced = op->rewrite;
    open_bytes(vcpu, op, arch);
  }
}

// One snapshot's explanation, in a world of its own; worlds of others stand from index `among` on.
static bool explain_by(vs_step_context* c, const vs_world* before, const vs_op* found,
                       uint8_t among) {
  vs_oracle* oracle = c->oracle;
  vs_violation* why = &c->why;
  uint8_t first = oracle->count;
  vs_world* world = vs_spare_world(oracle);
  if (world == NULL) return false;
  *world = *before;
  oracle->count++;
  vs_step_context one = {.oracle = oracle, .world = world, .op = found, .seen = c->seen};
  vs_step step = vs_step_call(&one);
  if (step != VS_STEP_ALLOWED) {
    // Wrong in the same way whichever way it was found: the change is not to blame.
    if (why->clause == VS_CLAUSE_COUNT) *why = one.why;
    if (why->clause != one.why.clause) why->clause = VS_CLAUSE_ONE_SNAPSHOT;
    oracle->count = first;
    return step == VS_STEP_VIOLATION;
  }
  for (uint8_t i = first; i < oracle->count && c->seen->status == ZX_OK; i++) {
    mark_raced(&oracle->worlds[i], found, oracle->arch);
  }
  drop_known(oracle, first, among);
  c->attests |= one.attests | VS_MEMBER(VS_CLAUSE_ONE_SNAPSHOT);
  return true;
}

vs_step vs_race_write(vs_step_context* c) {
  vs_oracle* oracle = c->oracle;
  uint8_t first = oracle->count;
  vs_world before = *c->world;
  oracle->raced = true;
  c->why.clause = VS_CLAUSE_COUNT;  // nobody is to blame yet
  vs_op found;
  for (unsigned number = 0; snapshot(c->op, oracle->arch, number, &found); number++) {
    if (!explain_by(c, &before, &found, first)) return VS_STEP_BROKEN;
  }
  if (oracle->count == first) return VS_STEP_VIOLATION;
  // The last of them takes the place of the world that they come from.
  *c->world = oracle->worlds[oracle->count - 1];
  oracle->count--;
  return VS_STEP_ALLOWED;
}

vs_step vs_oracle_start(vs_oracle* oracle, const vs_op* op, const vs_observation* answer) {
  bool endless = answer->outcome == VS_NOT_REACHED && op->code != VS_CALL_vcpu_enter;
  if (oracle->count == 0 || !vs_op_is_valid(op) || !op->async || endless) return VS_STEP_BROKEN;
  const vs_world* any = &oracle->worlds[0];
  if (any->racing[op->thread] != VS_RACING_NONE || any->async_vcpu[op->thread] != 0) {
    return VS_STEP_BROKEN;
  }
  oracle->raced = true;
  vs_oracle_note_order(oracle, op);
  vs_oracle_tell_unclear(oracle, op);
  vs_oracle_note_asked(oracle, op, answer);
  oracle->races[op->thread] = (vs_race){.op = *op, .answer = *answer};
  for (uint8_t i = 0; i < oracle->count; i++) {
    oracle->worlds[i].racing[op->thread] = VS_RACING_BEFORE;
  }
  return VS_STEP_ALLOWED;
}
