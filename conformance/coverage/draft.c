// SPDX-License-Identifier: BSD-3-Clause
#include "draft.h"

void vs_draft_begin(vs_draft* script, vs_arch arch) {
  script->arch = vs_arch_find(arch);
  script->count = 0;
  vs_books_open(&script->books, script->arch);
}

void vs_draft_add(vs_draft* script, const vs_op* op) {
  if (script->count == VS_DRAFT_OPS) return;
  vs_books_note(&script->books, op, script->count);
  script->ops[script->count++] = *op;
}

// An open slot of the vCPU, by a handle with the right; VS_SLOTS: there is none.
static uint8_t slot_of(const vs_draft* script, const vs_book_vcpu* vcpu, zx_rights_t right) {
  const vs_books* b = &script->books;
  uint8_t slot = 0;
  while (slot < VS_SLOTS &&
         (vs_books_vcpu(b, slot) != vcpu || (b->slots[slot].rights & right) == 0)) {
    slot++;
  }
  return slot;
}

static void stop(vs_draft* script, const vs_book_vcpu* vcpu) {
  vs_op kick = vs_op_new(VS_CALL_vcpu_kick, script->arch);
  vs_op join = vs_op_new(VS_OP_join, script->arch);
  const uint8_t slot = slot_of(script, vcpu, ZX_RIGHT_EXECUTE);
  join.thread = (uint8_t)(vcpu->runs_on - 1);
  kick.args[0] = vs_arg_slot(slot);
  if (slot < VS_SLOTS) vs_draft_add(script, &kick);
  vs_draft_add(script, &join);
}

static void look(vs_draft* script, const vs_book_vcpu* vcpu) {
  const uint8_t slot = slot_of(script, vcpu, ZX_RIGHT_READ);
  vs_op read = vs_op_new(VS_CALL_vcpu_read_state, script->arch);
  if (slot == VS_SLOTS || vcpu->creator == VS_THREADS || vcpu->runs_on != 0) return;
  read.args[0] = vs_arg_slot(slot);
  read.thread = vcpu->creator;
  read.optional = true;
  vs_draft_add(script, &read);
}

void vs_draft_look(vs_draft* script) {
  for (size_t i = 0; i < VS_BOOKS_VCPUS; i++) {
    if (script->books.vcpus[i].live) look(script, &script->books.vcpus[i]);
  }
}

void vs_draft_end(vs_draft* script) {
  for (size_t i = 0; i < VS_BOOKS_VCPUS; i++) {
    const vs_book_vcpu* vcpu = &script->books.vcpus[i];
    if (vcpu->live && vcpu->runs_on != 0) stop(script, vcpu);
  }
  vs_draft_look(script);
}
