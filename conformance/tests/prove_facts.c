// SPDX-License-Identifier: BSD-3-Clause
// For the prover alone: what the model makes of the numbers of a call, the shipped source as it is.
// The contracts stand before it, on declarations of its functions.
#include "place.h"

#include "facts.h"

// clang-format off
// The arguments of zx_vcpu_write_state, by the order of its row.
_Static_assert(VS_ARG(vcpu_write_state, kind) == 1 && VS_ARG(vcpu_write_state, buffer_size) == 3,
               "the contracts below say so");
/*@
  logic integer kind_of(vs_op* op) = op->args[1].number;
  logic integer size_of(vs_op* op) = op->args[3].number;
  logic integer exact_size(vs_op* op, vs_arch_info* arch) =
    kind_of(op) == 1 ? 8 : (integer)arch->state_size;
  predicate known_kind(vs_op* op) = kind_of(op) == 0 || kind_of(op) == 1;
  predicate odd_size(integer n) = n != 1 && n != 2 && n != 4;
  // What a kernel that reads the size of the kind reads: of an unknown kind, at most a state.
  logic integer least(integer a, integer b) = a < b ? a : b;
*/
// clang-format on

/*@ assigns \nothing;
  @ ensures \result <==> odd_size(size); */
static bool access_size_is_odd(uint8_t size);

/*@ requires \valid_read(facts) && \valid_read(place);
  @ assigns \nothing;
  @ ensures \result <==> (facts->kind_known && !facts->io && place->address % 8 != 0); */
static bool is_misaligned(const vs_facts* facts, const vs_place* place);

// Not proved here: test_rules.c asks for it at every placement.
/*@ requires \valid_read(pointer);
  @ assigns \nothing;
  @ ensures \result.null ==> \result.readable == 0 && \result.user && \result.address == 0;
  @ ensures !\result.user ==> \result.readable == 0; */
vs_place vs_place_of(const vs_arg* pointer);

/*@ requires \valid(facts) && \valid_read(op) && \separated(facts, op);
  @ assigns facts->buffer_readable, facts->copy_unreadable, facts->pointer_null,
  @   facts->pointer_misaligned, facts->size_unbounded;
  @ ensures facts->size_unbounded <==> size_of(op) > bound;
  @ ensures facts->pointer_null ==>
  @   (facts->buffer_readable <==> least(size_of(op), facts->kind_known != 0 ? exact : bound) == 0);
  @ ensures size_of(op) == exact && facts->kind_known ==>
  @   (facts->buffer_readable <==> !facts->copy_unreadable);
  @ ensures !facts->copy_unreadable ==> facts->buffer_readable; */
static void buffer_facts(vs_facts* facts, const vs_op* op, uint64_t exact, uint64_t bound);

/*@ requires \valid(facts) && \valid_read(op) && \valid_read(arch);
  @ requires \separated(facts, op, arch);
  @ assigns *facts;
  @ ensures facts->kind_known <==> known_kind(op);
  @ ensures facts->io <==> kind_of(op) == 1;
  @ ensures facts->size_exact <==> (known_kind(op) && size_of(op) == exact_size(op, arch));
  @ ensures facts->size_unbounded <==> size_of(op) > arch->state_size;
  @ ensures facts->io_without_ports <==> (kind_of(op) == 1 && !arch->has_ports);
  @ ensures facts->access_size_odd <==> (facts->io && facts->size_exact &&
  @   facts->buffer_readable && odd_size(op->bytes[0]));
  @ ensures facts->access_size_large <==> (facts->io && facts->size_exact &&
  @   facts->buffer_readable && op->bytes[0] > 4); */
void vs_write_facts(vs_facts* facts, const vs_op* op, const vs_arch_info* arch);

#include "facts_write.c"
