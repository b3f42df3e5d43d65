// SPDX-License-Identifier: BSD-3-Clause
// zx_vcpu_write_state: choices that an implementation makes once, and what an answer breaks or
// bears out (step.h).
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

vs_clause_code vs_write_blame(const vs_step_context* c) {
  return blame_invalid_args(c->op, c->oracle->arch);
}

vs_clause_set vs_write_attests(const vs_op* op) {
  vs_clause_set set = VS_MEMBER(VS_CLAUSE_RETURN_OK) | VS_MEMBER(VS_CLAUSE_KIND) |
                      VS_MEMBER(VS_CLAUSE_PAUSED) | VS_MEMBER(VS_CLAUSE_SAME_THREAD);
  bool plain = VS_OP_ARG(op, vcpu_write_state, buffer).at == VS_AT_PLAIN;
  return plain ? set : set | VS_MEMBER(VS_CLAUSE_FROM_BUFFER);
}

// --- choices that are made once -----------------------------------------------------------------

// True if the thread is all that is wrong with a write of ZX_VCPU_IO: which status says so is a
// choice. That the vCPU runs may be noticed before anything else, and is another matter.
static bool is_thread_choice(const vs_step_context* c) {
  bool alone = c->why.decision.faults == VS_CHECK_IN(VS_CHECK_CREATOR) && !c->facts.access_size_odd;
  return alone && c->facts.io && !c->why.decision.ordered && !c->facts.io_without_ports;
}

static bool is_size_choice(const vs_step_context* c) {
  return c->facts.access_size_odd && c->why.decision.faults == 0 && !c->facts.io_without_ports;
}

static void disallow(vs_decision* decision, zx_status_t status) {
  uint8_t kept = 0;
  for (uint8_t i = 0; i < decision->count; i++) {
    if (decision->allowed[i].status != status) decision->allowed[kept++] = decision->allowed[i];
  }
  decision->count = kept;
}

// Takes out of the decision what contradicts an earlier choice.
void vs_write_hold_to_choices(vs_step_context* c) {
  vs_world* world = c->world;
  vs_decision* decision = &c->why.decision;
  if (is_thread_choice(c)) {
    if (world->thread_io == VS_CHOICE_BASE) disallow(decision, ZX_ERR_INVALID_ARGS);
    if (world->thread_io == VS_CHOICE_LATITUDE) disallow(decision, ZX_ERR_BAD_STATE);
  }
  if (is_size_choice(c)) {
    uint8_t size = c->op->bytes[0];
    if (world->odd_refused[size / 64] & VS_BIT(size % 64)) disallow(decision, ZX_OK);
    if (world->odd_accepted[size / 64] & VS_BIT(size % 64)) {
      disallow(decision, ZX_ERR_INVALID_ARGS);
    }
  }
}

void vs_write_note_choices(vs_step_context* c) {
  bool invalid = c->seen->status == ZX_ERR_INVALID_ARGS;
  uint8_t size = c->op->bytes[0];
  if (is_thread_choice(c)) {
    c->world->thread_io = invalid ? VS_CHOICE_LATITUDE : VS_CHOICE_BASE;
  }
  if (is_size_choice(c)) {
    uint64_t* made = invalid ? c->world->odd_refused : c->world->odd_accepted;
    made[size / 64] |= VS_BIT(size % 64);
  }
}

// An odd size that is refused now and accepted then breaks what is said of ZX_VCPU_IO.
bool vs_write_is_choice(const vs_step_context* c) {
  bool either = c->seen->status == ZX_OK || c->seen->status == ZX_ERR_INVALID_ARGS;
  return either && is_size_choice(c);
}
