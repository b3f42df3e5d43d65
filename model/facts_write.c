// SPDX-License-Identifier: BSD-3-Clause
// The numbers of zx_vcpu_write_state: proved, as they stand (conformance/tests/prove_facts.c).
#include "facts.h"
#include "place.h"

static bool access_size_is_odd(uint8_t size) {
  return size != 1 && size != 2 && size != 4;
}

// What a pointer has to be for a kernel that looks at it as a structure: that of ZX_VCPU_IO is
// bytes.
static bool is_misaligned(const vs_facts* facts, const vs_place* place) {
  return facts->kind_known && !facts->io && place->address % VS_STATE_ALIGN != 0;
}

static void buffer_facts(vs_facts* facts, const vs_op* op, uint64_t exact, uint64_t bound) {
  vs_place place = vs_place_of(&VS_OP_ARG(op, vcpu_write_state, buffer));
  uint64_t size = VS_OP_ARG(op, vcpu_write_state, buffer_size).number;
  uint64_t most = facts->kind_known ? exact : bound;
  uint64_t needed = size < most ? size : most;
  facts->buffer_readable = place.user && place.readable >= needed;
  facts->copy_unreadable = !place.user || place.readable < size;
  facts->pointer_null = place.null;
  facts->pointer_misaligned = is_misaligned(facts, &place);
  facts->size_unbounded = size > bound;
}

void vs_write_facts(vs_facts* facts, const vs_op* op, const vs_arch_info* arch) {
  uint64_t kind = VS_OP_ARG(op, vcpu_write_state, kind).number;
  facts->io = kind == ZX_VCPU_IO;
  facts->kind_known = kind == ZX_VCPU_STATE || facts->io;
  uint64_t exact = facts->io ? sizeof(zx_vcpu_io_t) : arch->state_size;
  facts->size_exact =
      facts->kind_known && VS_OP_ARG(op, vcpu_write_state, buffer_size).number == exact;
  buffer_facts(facts, op, exact, arch->state_size);
  uint8_t access_size = op->bytes[0];
  bool looked_at = facts->io && facts->size_exact && facts->buffer_readable;
  facts->access_size_odd = looked_at && access_size_is_odd(access_size);
  facts->access_size_large = looked_at && access_size > sizeof(((zx_vcpu_io_t*)0)->data);
  facts->io_without_ports = facts->io && !arch->has_ports;
}
