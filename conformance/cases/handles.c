// SPDX-License-Identifier: BSD-3-Clause
// Cases about what the handle names, and with which rights.
#include "cases.h"

static const zx_rights_t documented_rights[] = {ZX_RIGHT_DUPLICATE, ZX_RIGHT_TRANSFER,
                                                ZX_RIGHT_READ,      ZX_RIGHT_WRITE,
                                                ZX_RIGHT_EXECUTE,   ZX_RIGHT_SIGNAL};
enum { RIGHTS = sizeof documented_rights / sizeof documented_rights[0] };

static zx_rights_t subset(unsigned bits) {
  zx_rights_t rights = ZX_RIGHT_NONE;
  for (unsigned i = 0; i < RIGHTS; i++) rights |= bits & 1u << i ? documented_rights[i] : 0;
  return rights;
}

// Both kinds through a handle, with a read-back after each.
static void write_both(vs_build* b, vs_handle_ref handle, unsigned seed) {
  write_state(b, seed)->handle = handle;
  read_back(b);
  write_io(b, 4, 0xa1a2a3a4u * seed)->handle = handle;
  read_back(b);
}

static void with_handle(vs_build* b, vs_handle_ref handle) {
  usual_vcpu(b, VS_PROGRAM_DUMP);
  write_both(b, handle, 2);
  look(b);
}

static vs_handle_ref raw(uint32_t value) {
  return (vs_handle_ref){.form = VS_HANDLE_RAW, .value = value};
}

static vs_handle_ref cleared(uint32_t bits) {
  return (vs_handle_ref){.form = VS_HANDLE_CLEARED, .slot = SLOT_VCPU, .value = bits};
}

void case_handles_zero(vs_build* b) {
  with_handle(b, raw(ZX_HANDLE_INVALID));
}

void case_handles_never_issued(vs_build* b) {
  static const uint32_t values[] = {0xdeadbeef, 0x7fffffff, 0xffffffff, 0xfffffff3, 0x80000003};
  usual_vcpu(b, VS_PROGRAM_DUMP);
  for (size_t i = 0; i < sizeof values / sizeof values[0]; i++) write_both(b, raw(values[i]), 2);
  look(b);
}

void case_handles_high_bit_flipped(vs_build* b) {
  usual_vcpu(b, VS_PROGRAM_DUMP);
  for (unsigned bit = 16; bit < 32; bit++) {
    vs_handle_ref handle = {VS_HANDLE_FLIPPED, SLOT_VCPU, UINT32_C(1) << bit};
    write_both(b, handle, bit);
  }
  look(b);
}

void case_handles_mid_bit_flipped(vs_build* b) {
  usual_vcpu(b, VS_PROGRAM_DUMP);
  for (unsigned bit = 2; bit < 16; bit++) {
    vs_handle_ref handle = {VS_HANDLE_FLIPPED, SLOT_VCPU, UINT32_C(1) << bit};
    write_both(b, handle, bit);
  }
  look(b);
}

void case_handles_closed(vs_build* b) {
  usual_vcpu(b, VS_PROGRAM_DUMP);
  derive(b, VS_OP_DUPLICATE, SLOT_VCPU, SLOT_DERIVED, ZX_RIGHT_SAME_RIGHTS);
  close_slot(b, SLOT_DERIVED);
  write_both(b, slot(SLOT_DERIVED), 2);
  look(b);
}

void case_handles_closed_then_others(vs_build* b) {
  usual_vcpu(b, VS_PROGRAM_DUMP);
  derive(b, VS_OP_DUPLICATE, SLOT_VCPU, SLOT_DERIVED, ZX_RIGHT_SAME_RIGHTS);
  close_slot(b, SLOT_DERIVED);
  for (unsigned at = SLOT_SPARE; at < VS_SLOTS; at++) {
    derive(b, VS_OP_DUPLICATE, SLOT_VCPU, (uint8_t)at, ZX_RIGHT_SAME_RIGHTS);
    write_both(b, slot(SLOT_DERIVED), at);
  }
  look(b);
}

void case_handles_vcpu_gone(vs_build* b) {
  usual_vcpu(b, VS_PROGRAM_DUMP);
  close_slot(b, SLOT_VCPU);
  write_state(b, 2);
  write_io(b, 1, 0xff);
}

void case_handles_low_bit_0_cleared(vs_build* b) {
  with_handle(b, cleared(1));
}
void case_handles_low_bit_1_cleared(vs_build* b) {
  with_handle(b, cleared(2));
}
void case_handles_low_bits_cleared(vs_build* b) {
  with_handle(b, cleared(3));
}

void case_handles_duplicate(vs_build* b) {
  usual_vcpu(b, VS_PROGRAM_DUMP);
  derive(b, VS_OP_DUPLICATE, SLOT_VCPU, SLOT_DERIVED, ZX_RIGHT_SAME_RIGHTS);
  write_both(b, slot(SLOT_DERIVED), 2);
  close_slot(b, SLOT_DERIVED);
  write_both(b, slot(SLOT_VCPU), 3);
  look(b);
}

void case_handles_replaced(vs_build* b) {
  usual_vcpu(b, VS_PROGRAM_DUMP);
  derive(b, VS_OP_REPLACE, SLOT_VCPU, SLOT_DERIVED, ZX_RIGHT_SAME_RIGHTS);
  write_state(b, 2);
  read_back_of(b, 0, SLOT_DERIVED);
  write_state(b, 3)->handle = slot(SLOT_DERIVED);
  read_back_of(b, 0, SLOT_DERIVED);
  enter(b)->handle = slot(SLOT_DERIVED);
}

// --- types ------------------------------------------------------------------------------------

static void with_object(vs_build* b, vs_op_code code) {
  usual_vcpu(b, VS_PROGRAM_DUMP);
  create(b, code, SLOT_OBJECT);
  write_both(b, slot(SLOT_OBJECT), 2);
  look(b);
}

void case_types_guest(vs_build* b) {
  with_handle(b, slot(SLOT_GUEST));
}
void case_types_vmar(vs_build* b) {
  with_handle(b, slot(SLOT_VMAR));
}
void case_types_event(vs_build* b) {
  with_object(b, VS_OP_EVENT_CREATE);
}
void case_types_port(vs_build* b) {
  with_object(b, VS_OP_PORT_CREATE);
}
void case_types_vmo(vs_build* b) {
  with_object(b, VS_OP_VMO_CREATE);
}

// --- rights -----------------------------------------------------------------------------------

static void with_rights(vs_build* b, zx_rights_t rights) {
  usual_vcpu(b, VS_PROGRAM_DUMP);
  derive(b, VS_OP_DUPLICATE, SLOT_VCPU, SLOT_DERIVED, rights);
  write_both(b, slot(SLOT_DERIVED), 2);
  look(b);
}

void case_rights_without_write(vs_build* b) {
  with_rights(b, subset((1u << RIGHTS) - 1) & ~ZX_RIGHT_WRITE);
}
void case_rights_none(vs_build* b) {
  with_rights(b, ZX_RIGHT_NONE);
}
void case_rights_write_alone(vs_build* b) {
  with_rights(b, ZX_RIGHT_WRITE);
}

void case_rights_every_subset(vs_build* b) {
  usual_vcpu(b, VS_PROGRAM_DUMP);
  for (unsigned bits = 0; bits < 1u << RIGHTS; bits++) {
    derive(b, VS_OP_DUPLICATE, SLOT_VCPU, SLOT_DERIVED, subset(bits));
    write_both(b, slot(SLOT_DERIVED), bits);
    close_slot(b, SLOT_DERIVED);
  }
  look(b);
}

void case_rights_replaced_without_write(vs_build* b) {
  usual_vcpu(b, VS_PROGRAM_DUMP);
  derive(b, VS_OP_REPLACE, SLOT_VCPU, SLOT_DERIVED, ZX_RIGHT_READ | ZX_RIGHT_EXECUTE);
  write_state(b, 2)->handle = slot(SLOT_DERIVED);
  read_back_of(b, 0, SLOT_DERIVED);
  write_io(b, 1, 0xff)->handle = slot(SLOT_DERIVED);
  enter(b)->handle = slot(SLOT_DERIVED);
}
