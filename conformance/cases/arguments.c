// SPDX-License-Identifier: BSD-3-Clause
// Cases about kind, buffer_size and buffer.
#include "cases.h"

enum { ROOM = 2048 };  // bytes that are there when a size lies
static const uint32_t kinds[] = {ZX_VCPU_STATE, ZX_VCPU_IO};

// --- kinds ------------------------------------------------------------------------------------

void case_kinds_both(vs_build* b) {
  usual_vcpu(b, VS_PROGRAM_DUMP);
  write_state(b, 2);
  read_back(b);
  write_io(b, 4, 0x12345678);
  look(b);
}

// The content of a known kind under the name of another: an alias would be written.
static void unknown_kind(vs_build* b, uint32_t kind, unsigned seed) {
  for (size_t i = 0; i < 2; i++) {
    write_kind(b, kinds[i], seed)->kind = kind;
    read_back(b);
  }
}

void case_kinds_single_bits(vs_build* b) {
  usual_vcpu(b, VS_PROGRAM_DUMP);
  for (unsigned bit = 1; bit < 32; bit++) unknown_kind(b, UINT32_C(1) << bit, bit + 1);
  look(b);
}

void case_kinds_aliases(vs_build* b) {
  static const uint32_t aliases[] = {2,          3,          0xff,       0x100,      0x101,
                                     0x10000,    0x10001,    0x7fffffff, 0x80000000, 0x80000001,
                                     0xfffffffe, 0xffffffff, 0xffff0000, 0xffff0001, 0xffffff01};
  usual_vcpu(b, VS_PROGRAM_DUMP);
  for (unsigned i = 0; i < sizeof aliases / sizeof aliases[0]; i++) {
    unknown_kind(b, aliases[i], i + 2);
  }
  for (uint32_t kind = 2; kind < 64; kind++) {
    vs_op* op = write_state(b, kind);
    op->kind = kind;
    op->size = 0;
  }
  look(b);
}

// --- sizes ------------------------------------------------------------------------------------

static void wrong_size(vs_build* b, uint32_t kind, uint64_t size) {
  vs_op* op = write_kind(b, kind, 2);
  op->size = size;
  op->buffer.length = ROOM;
  read_back(b);
}

static void sizes_to_300(vs_build* b, uint32_t kind) {
  usual_vcpu(b, VS_PROGRAM_DUMP);
  for (uint64_t size = 0; size <= 300; size++) {
    if (size != exact_size(b, kind)) wrong_size(b, kind, size);
  }
  look(b);
}

void case_sizes_state_0_to_300(vs_build* b) {
  sizes_to_300(b, ZX_VCPU_STATE);
}
void case_sizes_io_0_to_300(vs_build* b) {
  sizes_to_300(b, ZX_VCPU_IO);
}

void case_sizes_larger(vs_build* b) {
  usual_vcpu(b, VS_PROGRAM_DUMP);
  for (uint64_t size = 301; size <= ROOM; size++) {
    wrong_size(b, ZX_VCPU_STATE, size);
    wrong_size(b, ZX_VCPU_IO, size);
  }
  for (uint64_t size = 4096; size <= 65536; size *= 2) {
    wrong_size(b, ZX_VCPU_STATE, size);
    wrong_size(b, ZX_VCPU_IO, size);
  }
  look(b);
}

void case_sizes_of_the_other_kind(vs_build* b) {
  usual_vcpu(b, VS_PROGRAM_DUMP);
  wrong_size(b, ZX_VCPU_STATE, exact_size(b, ZX_VCPU_IO));
  wrong_size(b, ZX_VCPU_IO, exact_size(b, ZX_VCPU_STATE));
  look(b);
}

void case_sizes_beyond_32_bits(vs_build* b) {
  usual_vcpu(b, VS_PROGRAM_DUMP);
  for (size_t i = 0; i < 2; i++) {
    uint64_t exact = exact_size(b, kinds[i]);
    // Bits below 8 are covered by the sweeps to 300.
    for (unsigned bit = 9; bit < 64; bit++) wrong_size(b, kinds[i], exact + (UINT64_C(1) << bit));
    wrong_size(b, kinds[i], UINT64_C(1) << 63);
    wrong_size(b, kinds[i], UINT64_MAX);
    wrong_size(b, kinds[i], 0 - exact);
  }
  look(b);
}

// --- buffers that must be refused -------------------------------------------------------------

static void placed(vs_build* b, uint32_t kind, vs_placement at, unsigned argument, unsigned seed) {
  vs_op* op = write_kind(b, kind, seed);
  op->buffer.at = (uint8_t)at;
  op->buffer.argument = (uint16_t)argument;
  read_back(b);
}

// Both kinds with each argument from first to last.
static void placed_at_each(vs_build* b, vs_placement at, unsigned first, unsigned last) {
  usual_vcpu(b, VS_PROGRAM_DUMP);
  for (unsigned n = first; n <= last; n++) {
    placed(b, ZX_VCPU_STATE, at, n, n + 2);
    placed(b, ZX_VCPU_IO, at, n, n + 2);
  }
  look(b);
}

// One kind with each argument that leaves something on either side.
static void each_part(vs_build* b, uint32_t kind, vs_placement at) {
  for (unsigned n = 1; n < exact_size(b, kind); n++) placed(b, kind, at, n, n + 2);
}

static void each_part_of_both(vs_build* b, vs_placement at) {
  usual_vcpu(b, VS_PROGRAM_DUMP);
  each_part(b, ZX_VCPU_STATE, at);
  each_part(b, ZX_VCPU_IO, at);
  look(b);
}

void case_buffers_null(vs_build* b) {
  placed_at_each(b, VS_AT_NULL, 0, 0);
}
void case_buffers_one(vs_build* b) {
  placed_at_each(b, VS_AT_ONE, 0, 0);
}
void case_buffers_unmapped(vs_build* b) {
  placed_at_each(b, VS_AT_UNMAPPED, 0, 0);
}
void case_buffers_prot_none(vs_build* b) {
  placed_at_each(b, VS_AT_PROT_NONE, 0, 0);
}
void case_buffers_beyond_eof(vs_build* b) {
  placed_at_each(b, VS_AT_BEYOND_EOF, 0, 0);
}
void case_buffers_kernel_half(vs_build* b) {
  placed_at_each(b, VS_AT_KERNEL, 0, 3);
}
void case_buffers_noncanonical(vs_build* b) {
  placed_at_each(b, VS_AT_NONCANONICAL, 47, 63);
}
void case_buffers_wrapping(vs_build* b) {
  each_part_of_both(b, VS_AT_WRAPPING);
}
void case_buffers_user_end(vs_build* b) {
  each_part_of_both(b, VS_AT_USER_END);
}

void case_buffers_state_straddles(vs_build* b) {
  usual_vcpu(b, VS_PROGRAM_DUMP);
  each_part(b, ZX_VCPU_STATE, VS_AT_STRADDLE);
  look(b);
}

void case_buffers_io_straddles(vs_build* b) {
  usual_vcpu(b, VS_PROGRAM_DUMP);
  each_part(b, ZX_VCPU_IO, VS_AT_STRADDLE);
  look(b);
}

void case_buffers_straddle_heads(vs_build* b) {
  each_part_of_both(b, VS_AT_STRADDLE_HEAD);
}
void case_buffers_straddles_prot_none(vs_build* b) {
  each_part_of_both(b, VS_AT_STRADDLE_NONE);
}

// --- buffers that must be accepted ------------------------------------------------------------

void case_buffers_readonly(vs_build* b) {
  placed_at_each(b, VS_AT_READONLY, 0, 0);
}
void case_buffers_misaligned(vs_build* b) {
  placed_at_each(b, VS_AT_MISALIGNED, 0, 63);
}
void case_buffers_crossing(vs_build* b) {
  each_part_of_both(b, VS_AT_CROSSING);
}
void case_buffers_low(vs_build* b) {
  placed_at_each(b, VS_AT_LOW, 0, 0);
}

// Every sort of answer, and the buffer is afterwards as it was before.
void case_buffers_kept(vs_build* b) {
  usual_vcpu(b, VS_PROGRAM_DUMP);
  for (size_t i = 0; i < 2; i++) {
    placed(b, kinds[i], VS_AT_PLAIN, 0, 2);
    placed(b, kinds[i], VS_AT_EDGE, 0, 3);
    wrong_size(b, kinds[i], exact_size(b, kinds[i]) - 1);
    wrong_size(b, kinds[i], exact_size(b, kinds[i]) + 1);
    write_kind(b, kinds[i], 4)->kind = 2;
    write_kind(b, kinds[i], 5)->thread = 1;
    write_kind(b, kinds[i], 6)->handle = (vs_handle_ref){.form = VS_HANDLE_RAW};
  }
  look(b);
}

void case_buffers_edge(vs_build* b) {
  placed_at_each(b, VS_AT_EDGE, 0, 0);
}
