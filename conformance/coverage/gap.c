// SPDX-License-Identifier: BSD-3-Clause
#include "gap.h"

#include "text/books.h"

typedef struct gap {
  const vs_arch_info* arch;
  vs_books books;
  vs_op* ops;
  size_t count;
} gap;

static void add(gap* g, const vs_op* op) {
  if (g->count == VS_GAP_OPS) return;
  vs_books_note(&g->books, op, g->count);
  g->ops[g->count++] = *op;
}

// An open slot of the vCPU, by a handle with the right; VS_SLOTS: there is none.
static uint8_t slot_of(const gap* g, const vs_book_vcpu* vcpu, zx_rights_t right) {
  uint8_t slot = 0;
  while (slot < VS_SLOTS &&
         (vs_books_vcpu(&g->books, slot) != vcpu || (g->books.slots[slot].rights & right) == 0)) {
    slot++;
  }
  return slot;
}

static void stop(gap* g, const vs_book_vcpu* vcpu) {
  const uint8_t thread = (uint8_t)(vcpu->runs_on - 1);
  const uint8_t slot = slot_of(g, vcpu, ZX_RIGHT_EXECUTE);
  vs_op kick = vs_op_new(VS_CALL_vcpu_kick, g->arch);
  vs_op join = vs_op_new(VS_OP_join, g->arch);
  join.thread = thread;
  kick.args[0] = vs_arg_slot(slot);
  if (slot < VS_SLOTS) add(g, &kick);
  add(g, &join);
}

// The registers are as they were.
static void look(gap* g, const vs_book_vcpu* vcpu) {
  const uint8_t slot = slot_of(g, vcpu, ZX_RIGHT_READ);
  vs_op read = vs_op_new(VS_CALL_vcpu_read_state, g->arch);
  if (slot == VS_SLOTS || vcpu->creator == VS_THREADS) return;
  read.args[0] = vs_arg_slot(slot);
  read.thread = vcpu->creator;
  read.optional = true;
  add(g, &read);
}

size_t vs_gap_script(const vs_reachable* all, size_t point, vs_op ops[VS_GAP_OPS]) {
  const vs_reached_by* by = &all->points[point];
  const vs_document* situation = &all->situations.items[by->situation];
  gap g = {.arch = vs_arch_find(all->arch), .ops = ops};
  vs_books_open(&g.books, g.arch);
  for (size_t i = 0; i < situation->count; i++) add(&g, &situation->ops[i]);
  add(&g, &by->op);
  for (size_t i = 0; i < VS_BOOKS_VCPUS; i++) {
    const vs_book_vcpu* vcpu = &g.books.vcpus[i];
    if (vcpu->live && vcpu->runs_on != 0) stop(&g, vcpu);
  }
  for (size_t i = 0; i < VS_BOOKS_VCPUS; i++) {
    if (g.books.vcpus[i].live) look(&g, &g.books.vcpus[i]);
  }
  return g.count;
}
