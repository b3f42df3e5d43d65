// SPDX-License-Identifier: BSD-3-Clause
// What guest code does to its own registers before it dumps them: the programs `turn`, `keep` and
// `take` (programs.def).
#include <string.h>

#include "step.h"

enum { STACK = 0x6000, DEBUG_EXCEPTION = 1, WORD_BITS = 64, WORDS = VS_VECTORS / WORD_BITS };

// From here on a wrong register is this clause's, in what guest code shows.
static void ran(vs_vcpu* vcpu, vs_clause_code clause) {
  vcpu->touch = VS_TOUCH_RAN;
  vcpu->ran = (uint8_t)clause;
  vcpu->raced.mode = VS_REWRITE_NONE;
  vcpu->raced_open = 0;
  vcpu->crossed = vcpu->unread = vcpu->unseen = false;
  vcpu->stage = VS_STAGE_DUMP;
}

// Of a register that was written from a changing buffer, nothing is known once it is inverted.
static void turn(const vs_arch_info* arch, vs_vcpu* vcpu) {
  if (vcpu->raced_open != 0) vs_world_forget(vcpu);
  for (size_t i = 0; i < arch->register_count; i++) {
    const uint64_t turned = i == arch->flags ? arch->flags_turned : UINT64_MAX;
    vcpu->regs[i].value ^= turned;
  }
  ran(vcpu, VS_CLAUSE_GUEST_SEES);
}

void vs_program_keep(const vs_arch_info* arch, vs_vcpu* vcpu) {
  vcpu->kept_known = 0;
  for (size_t i = 0; i < arch->register_count; i++) {
    const vs_reg* reg = &vcpu->regs[i];
    vcpu->kept[i] = reg->value;
    if (reg->known == UINT64_MAX) vcpu->kept_known |= VS_BIT(i);
  }
}

// `keep` fetches them all. `send` has put three aside, and leaves the others as they are.
static bool keeps_all(const vs_vcpu* vcpu) {
  return vs_programs[vcpu->program].exit == VS_PROGRAM_EXIT_KEEP;
}

static vs_clause_code clause_of(const vs_vcpu* vcpu) {
  return keeps_all(vcpu) ? VS_CLAUSE_ENTER_KEEPS : VS_CLAUSE_GUEST_SEES;
}

static void fetch(const vs_arch_info* arch, vs_vcpu* vcpu) {
  const size_t count = keeps_all(vcpu) ? arch->register_count : VS_SEND_BORROWS;
  for (size_t i = 0; i < count; i++) {
    const bool known = vcpu->kept_known & VS_BIT(i);
    if (i != arch->flags) vcpu->regs[i] = (vs_reg){vcpu->kept[i], known ? UINT64_MAX : 0};
  }
  ran(vcpu, clause_of(vcpu));
}

// --- what a guest takes that waits for it -------------------------------------------------------

static bool is_raised(const vs_vcpu* vcpu, uint64_t vector) {
  return vector < VS_VECTORS && (vcpu->raised[vector / WORD_BITS] >> vector % WORD_BITS & 1);
}

// The highest that was raised; VS_VECTORS: none.
static unsigned highest(const vs_vcpu* vcpu) {
  unsigned vector = VS_VECTORS;
  for (unsigned i = 0; i < VS_VECTORS; i++) {
    if (is_raised(vcpu, i)) vector = i;
  }
  return vector;
}

static bool has_exception(const vs_vcpu* vcpu, unsigned exceptions) {
  return (vcpu->raised[0] & (VS_BIT(exceptions) - 1)) != 0;
}

void vs_program_raise(vs_vcpu* vcpu, uint8_t vector) {
  vcpu->raised[vector / WORD_BITS] |= VS_BIT(vector % WORD_BITS);
}

// Whether the guest is stopped behind its first instruction.
static vs_tristate steps(const vs_step_context* c) {
  const vs_reg* flags = &c->vcpu->regs[c->oracle->arch->flags];
  const uint64_t step = c->oracle->arch->flags_step;
  if ((flags->known & step) == 0) return VS_UNKNOWN;
  return (flags->value & step) != 0 ? VS_YES : VS_NO;
}

// Exceptions, NMIs and the single step may come before the program has its stack again, and so may
// all of a guest that was stopped while it waited.
bool vs_program_is_unknown(const vs_step_context* c) {
  enum { ROOM = 0xe00 };
  const vs_arch_info* arch = c->oracle->arch;
  const vs_reg* stack = &c->vcpu->regs[arch->stack];
  if (c->vcpu->stage != VS_STAGE_WAIT) return false;
  const bool early =
      steps(c) != VS_NO || c->vcpu->halted || has_exception(c->vcpu, arch->exceptions);
  const bool stands =
      stack->known == UINT64_MAX && stack->value <= STACK && stack->value >= STACK - ROOM;
  return early && !stands;
}

vs_clause_code vs_program_clause(const vs_step_context* c) {
  return steps(c) == VS_YES ? VS_CLAUSE_GUEST_SEES : VS_CLAUSE_INTERRUPT_TAKEN;
}

bool vs_program_waits(const vs_step_context* c) {
  return c->facts.call == VS_CALL_vcpu_enter && c->vcpu->stage == VS_STAGE_WAIT &&
         vs_program_may_take(c);
}

bool vs_program_may_take(const vs_step_context* c) {
  return highest(c->vcpu) < VS_VECTORS || steps(c) != VS_NO;
}

// The single step comes behind the first instruction, and so before interrupts, which a later one
// lets in; an exception comes at once. Which of several is first the pages do not say.
static bool may_be(const vs_step_context* c, uint64_t vector) {
  const vs_arch_info* arch = c->oracle->arch;
  const vs_tristate step = steps(c);
  if (vector == DEBUG_EXCEPTION && step != VS_NO) return true;
  if (!is_raised(c->vcpu, vector) || (step == VS_YES && vector >= arch->exceptions)) return false;
  const bool ordered = vs_has_quirk(c->oracle->profile, VS_QUIRK_HIGHEST_FIRST);
  return !ordered || vector == arch->nmi || step != VS_NO || vector == highest(c->vcpu);
}

static bool is_other(vs_step_context* c, uint64_t vector, vs_clause_code clause) {
  const uint8_t accumulator = c->oracle->arch->accumulator;
  unsigned expected = 0;
  while (!may_be(c, expected)) expected++;
  (void)vs_step_violation(c, VS_VIOLATION_REGISTER, clause);
  c->why.reg = accumulator;
  c->why.guest_view = true;
  c->why.expected = expected;
  c->why.known = UINT64_MAX;
  c->why.value = vector;
  return false;
}

// What a handler finds of NT, AC and ID is the processor's: there are some that clear AC.
static void enter_handler(const vs_arch_info* arch, vs_vcpu* vcpu, uint64_t vector) {
  vs_reg* flags = &vcpu->regs[arch->flags];
  vcpu->regs[arch->accumulator] = (vs_reg){vector, UINT64_MAX};
  vcpu->regs[arch->stack] = (vs_reg){STACK, UINT64_MAX};
  flags->value &= ~arch->flags_step;
  flags->known = (flags->known | arch->flags_step) & ~arch->flags_optional;
  vcpu->flags_alt = vcpu->flags_tell = 0;
  vcpu->flags_read.known = vcpu->flags_guest.known = 0;
  vcpu->raised[vector / WORD_BITS] &= ~VS_BIT(vector % WORD_BITS);
}

// A refused interrupt is blamed for another vector.
static bool take(vs_step_context* c) {
  vs_vcpu* vcpu = c->vcpu;
  uint64_t vector = 0;
  const bool refused = (c->world->refused & VS_BIT(VS_CALL_vcpu_interrupt)) != 0;
  const vs_clause_code clause = vs_program_clause(c);
  if (!vs_program_may_take(c)) {
    (void)vs_step_violation(c, VS_VIOLATION_STATUS, VS_CLAUSE_RUNS_GUEST);
    return false;
  }
  memcpy(&vector, c->seen->state + c->oracle->arch->registers[c->oracle->arch->accumulator].offset,
         sizeof vector);
  if (vcpu->blind) {
    vs_world_forget(vcpu);
    vcpu->stage = VS_STAGE_UNKNOWN;
    return true;
  }
  if (!may_be(c, vector))
    return is_other(c, vector, refused ? VS_CLAUSE_INTERRUPT_REFUSED : clause);
  enter_handler(c->oracle->arch, vcpu, vector);
  ran(vcpu, clause);
  // Exceptions that were raised beside may be dropped then, or not: the pages do not say.
  vcpu->stage = has_exception(vcpu, c->oracle->arch->exceptions) ? VS_STAGE_UNKNOWN : VS_STAGE_WAIT;
  vcpu->halted = false;
  c->attests |= VS_MEMBER(clause);
  if (refused) c->attests |= VS_MEMBER(VS_CLAUSE_INTERRUPT_REFUSED);
  return true;
}

// ------------------------------------------------------------------------------------------------

bool vs_program_ran(vs_step_context* c) {
  vs_vcpu* vcpu = c->vcpu;
  const vs_arch_info* arch = c->oracle->arch;
  switch (vcpu->stage) {
    case VS_STAGE_TURN:
      turn(arch, vcpu);
      return true;
    case VS_STAGE_KEEP:
      vcpu->stage = VS_STAGE_KEPT;
      return true;
    case VS_STAGE_KEPT:
      fetch(arch, vcpu);
      c->attests |= VS_MEMBER(clause_of(vcpu));
      return true;
    case VS_STAGE_TAKE:
      vcpu->regs[arch->stack] = (vs_reg){STACK, UINT64_MAX};
      vcpu->stage = VS_STAGE_WAIT;
      return true;
    case VS_STAGE_WAIT:
      return take(c);
    default:  // VS_STAGE_DUMP
      return true;
  }
}

void vs_program_stopped(const vs_step_context* c) {
  vs_vcpu* vcpu = c->vcpu;
  const bool waits = vcpu->stage == VS_STAGE_WAIT && !vs_program_may_take(c);
  if (waits) {
    vcpu->flags_read.known = vcpu->flags_guest.known = 0;
    vcpu->regs[c->oracle->arch->stack].known = 0;
    vcpu->halted = true;
  }
  if (waits || vcpu->stage < VS_STAGE_TURN) return;
  vcpu->stage = VS_STAGE_UNKNOWN;
  vs_world_forget(vcpu);
}
