// SPDX-License-Identifier: BSD-3-Clause
// Cases about chains of handles, about vCPUs that come and go, and about what a refusal or a kick
// leaves behind for the calls after it.
#include "cases.h"

static const zx_rights_t same = ZX_RIGHT_SAME_RIGHTS;

// The last op, made by thread 1.
static void by_other(vs_build* b) {
  b->ops[b->count - 1].thread = 1;
}

// --- chains of handles ------------------------------------------------------------------------

void case_chains_duplicate_of_duplicate(vs_build* b) {
  usual_vcpu(b, VS_PROGRAM_DUMP);
  derive(b, VS_OP_DUPLICATE, SLOT_VCPU, SLOT_DERIVED, ZX_RIGHT_READ | ZX_RIGHT_DUPLICATE);
  derive(b, VS_OP_DUPLICATE, SLOT_DERIVED, SLOT_OBJECT, same);
  write_state(b, 2)->handle = slot(SLOT_OBJECT);
  look(b);
}

void case_chains_replaced_duplicate(vs_build* b) {
  usual_vcpu(b, VS_PROGRAM_DUMP);
  derive(b, VS_OP_DUPLICATE, SLOT_VCPU, SLOT_DERIVED, ZX_RIGHT_READ);
  derive(b, VS_OP_REPLACE, SLOT_DERIVED, SLOT_OBJECT, same);
  write_state(b, 2)->handle = slot(SLOT_OBJECT);
  look(b);
}

void case_chains_source_of_narrower(vs_build* b) {
  usual_vcpu(b, VS_PROGRAM_DUMP);
  derive(b, VS_OP_REPLACE, SLOT_VCPU, SLOT_DERIVED, ZX_RIGHT_READ | ZX_RIGHT_EXECUTE);
  write_state(b, 2);
  read_back_of(b, 0, SLOT_DERIVED);
  write_io(b, 4, 0xffffffff);
  look_of(b, 0, SLOT_DERIVED);
}

void case_chains_closed_elsewhere(vs_build* b) {
  usual_vcpu(b, VS_PROGRAM_DUMP);
  derive(b, VS_OP_DUPLICATE, SLOT_VCPU, SLOT_DERIVED, same);
  write_state(b, 2)->handle = slot(SLOT_DERIVED);
  read_back(b);
  close_slot(b, SLOT_DERIVED);
  by_other(b);
  write_state(b, 3)->handle = slot(SLOT_DERIVED);
  look(b);
}

void case_chains_replaced_elsewhere(vs_build* b) {
  usual_vcpu(b, VS_PROGRAM_DUMP);
  derive(b, VS_OP_REPLACE, SLOT_VCPU, SLOT_DERIVED, same);
  by_other(b);
  on(write_state(b, 2), 1, SLOT_DERIVED);
  read_back_of(b, 0, SLOT_DERIVED);
  on(write_state(b, 3), 0, SLOT_DERIVED);
  look_of(b, 0, SLOT_DERIVED);
}

void case_chains_many(vs_build* b) {
  usual_vcpu(b, VS_PROGRAM_DUMP);
  for (unsigned i = 0; i < 300; i++) {
    derive(b, VS_OP_DUPLICATE, SLOT_VCPU, SLOT_DERIVED, same);
    close_slot(b, SLOT_DERIVED);
  }
  write_state(b, 2);
  look(b);
  write_io(b, 4, 0x01020304);
  look(b);
}

static void write_after_close(vs_build* b, uint8_t closed) {
  usual_vcpu(b, VS_PROGRAM_DUMP);
  close_slot(b, closed);
  write_state(b, 2);
  read_back(b);
  write_io(b, 2, 0x0708);
  look(b);
}

void case_chains_guest_closed(vs_build* b) {
  write_after_close(b, SLOT_GUEST);
}
void case_chains_vmar_closed(vs_build* b) {
  write_after_close(b, SLOT_VMAR);
}

// --- vCPUs that come and go -------------------------------------------------------------------

// A second vCPU on the thread that had one before.
static void next_vcpu(vs_build* b) {
  close_slot(b, SLOT_VCPU);
  guest(b, SLOT_GUEST_2, SLOT_VMAR_2, SLOT_MEMORY_2);
  vcpu(b, 0, SLOT_GUEST_2, SLOT_VCPU_2, VS_PROGRAM_DUMP);
}

void case_lives_next_on_thread(vs_build* b) {
  usual_vcpu(b, VS_PROGRAM_DUMP);
  next_vcpu(b);
  read_back_of(b, 0, SLOT_VCPU_2);
  on(write_state(b, 2), 0, SLOT_VCPU_2);
  look_of(b, 0, SLOT_VCPU_2);
  on(write_io(b, 4, 7), 0, SLOT_VCPU_2);
  look_of(b, 0, SLOT_VCPU_2);
}

void case_lives_stale_beside_next(vs_build* b) {
  usual_vcpu(b, VS_PROGRAM_DUMP);
  next_vcpu(b);
  on(write_state(b, 2), 0, SLOT_VCPU_2);
  read_back_of(b, 0, SLOT_VCPU_2);
  write_state(b, 3);
  read_back_of(b, 0, SLOT_VCPU_2);
  write_io(b, 4, 7);
  look_of(b, 0, SLOT_VCPU_2);
}

// The new vCPU is first looked at after a write that must not let the old one's registers through.
void case_lives_nothing_inherited(vs_build* b) {
  usual_vcpu(b, VS_PROGRAM_DUMP);
  next_vcpu(b);
  on(write_io(b, 1, 0xff), 0, SLOT_VCPU_2);
  read_back_of(b, 0, SLOT_VCPU_2);
}

void case_lives_refused_then_next(vs_build* b) {
  usual_vcpu(b, VS_PROGRAM_DUMP);
  write_state(b, 2)->size--;
  write_state(b, 2)->buffer.at = VS_AT_NULL;
  write_state(b, 2)->thread = 1;
  read_back(b);
  next_vcpu(b);
  on(write_state(b, 2), 0, SLOT_VCPU_2);
  read_back_of(b, 0, SLOT_VCPU_2);
}

static void third_vcpu(vs_build* b) {
  guest(b, SLOT_GUEST_3, SLOT_VMAR_3, SLOT_MEMORY_3);
  vcpu(b, 2, SLOT_GUEST_3, SLOT_VCPU_3, VS_PROGRAM_DUMP);
  on(write_state(b, 30), 2, SLOT_VCPU_3);
}

void case_lives_three_threads(vs_build* b) {
  usual_vcpu(b, VS_PROGRAM_DUMP);
  guest(b, SLOT_GUEST_2, SLOT_VMAR_2, SLOT_MEMORY_2);
  vcpu(b, 1, SLOT_GUEST_2, SLOT_VCPU_2, VS_PROGRAM_DUMP);
  on(write_state(b, 20), 1, SLOT_VCPU_2);
  third_vcpu(b);
  on(write_io(b, 4, 0x11111111), 0, SLOT_VCPU);
  on(write_io(b, 4, 0x22222222), 1, SLOT_VCPU_2);
  on(write_io(b, 4, 0x33333333), 2, SLOT_VCPU_3);
  look(b);
  look_of(b, 1, SLOT_VCPU_2);
  look_of(b, 2, SLOT_VCPU_3);
  on(write_state(b, 31), 2, SLOT_VCPU_3);
  look_of(b, 2, SLOT_VCPU_3);
  look_of(b, 1, SLOT_VCPU_2);
  look(b);
}

// --- the first thing that is done -------------------------------------------------------------

static void untouched_vcpu(vs_build* b) {
  guest(b, SLOT_GUEST, SLOT_VMAR, SLOT_MEMORY);
  vcpu(b, 0, SLOT_GUEST, SLOT_VCPU, VS_PROGRAM_DUMP);
}

void case_first_io(vs_build* b) {
  untouched_vcpu(b);
  write_io(b, 4, 0x12345678);
  look(b);
  write_io(b, 1, 0x9a);
  look(b);
}

void case_first_without_gate(vs_build* b) {
  untouched_vcpu(b);
  read_back(b);
  set_register(&write_state(b, 2)->buffer, b->info, b->info->flags, 0x44 & ~b->info->flags_gate);
  look(b);
  set_register(&write_state(b, 3)->buffer, b->info, b->info->flags, 0x801);
  look(b);
}

// The guest has shown its flags before anything was written: what a write adds to them shows.
void case_first_entered(vs_build* b) {
  untouched_vcpu(b);
  enter(b)->optional = false;
  write_state(b, 2);
  enter(b)->optional = false;
  read_back(b);
}

// --- after a refusal --------------------------------------------------------------------------

void case_after_fault(vs_build* b) {
  static const uint8_t places[] = {VS_AT_NULL, VS_AT_KERNEL, VS_AT_UNMAPPED, VS_AT_PROT_NONE};
  usual_vcpu(b, VS_PROGRAM_DUMP);
  for (unsigned i = 0; i < sizeof places; i++) {
    write_state(b, 2)->buffer.at = places[i];
    write_state(b, 3 + i);
    look(b);
    write_io(b, 4, 1)->buffer.at = places[i];
    write_io(b, 4, 0x01010101u * (i + 3));
    look(b);
  }
}

static vs_op* refused(vs_build* b, unsigned sort) {
  vs_op* op = sort % 2 == 0 ? write_state(b, 2) : write_io(b, 4, 0xffffffff);
  if (sort / 2 == 0) op->thread = 1;
  if (sort / 2 == 1) op->buffer.at = VS_AT_NULL;
  if (sort / 2 == 2) op->handle = slot(SLOT_DERIVED);
  if (sort / 2 == 3) op->handle = (vs_handle_ref){.form = VS_HANDLE_RAW};
  if (sort / 2 == 4) op->size++;
  return op;
}
enum { SORTS = 10 };

void case_after_kick(vs_build* b) {
  usual_vcpu(b, VS_PROGRAM_DUMP);
  derive(b, VS_OP_DUPLICATE, SLOT_VCPU, SLOT_DERIVED, ZX_RIGHT_READ);
  for (unsigned sort = 0; sort < SORTS; sort++) {
    kick(b);
    refused(b, sort);
    enter(b)->optional = false;  // canceled all the same
    enter(b)->optional = false;
  }
}

void case_after_kick_other_thread(vs_build* b) {
  usual_vcpu(b, VS_PROGRAM_DUMP);
  kick(b);
  write_state(b, 2)->thread = 1;
  read_back(b);
  write_io(b, 4, 0xffffffff)->thread = 1;
  read_back(b);
}

static void refusal_then_answer(vs_build* b, unsigned sort) {
  refused(b, sort);
  write_io(b, 4, 0xa1b2c3d4);
  read_back(b);
  enter(b)->optional = false;
}

static void in_pending(vs_build* b) {
  usual_vcpu(b, VS_PROGRAM_IN32);
  derive(b, VS_OP_DUPLICATE, SLOT_VCPU, SLOT_DERIVED, ZX_RIGHT_READ);
  enter(b)->optional = false;
  read_back(b);
}

void case_after_in_other_thread(vs_build* b) {
  in_pending(b);
  refusal_then_answer(b, 1);
}
void case_after_in_fault(vs_build* b) {
  in_pending(b);
  refusal_then_answer(b, 3);
}
void case_after_in_rights(vs_build* b) {
  in_pending(b);
  refusal_then_answer(b, 5);
}
void case_after_in_size(vs_build* b) {
  in_pending(b);
  refusal_then_answer(b, 9);
}

// --- around exits -----------------------------------------------------------------------------

static void io_at_once(vs_build* b, vs_program program, uint8_t width) {
  usual_vcpu(b, program);
  enter(b)->optional = false;
  read_back(b);
  write_io(b, width, 0xa1b2c3d4);
  read_back(b);
  enter(b)->optional = false;
}

void case_exits_io_at_once_after_out16(vs_build* b) {
  io_at_once(b, VS_PROGRAM_OUT16, 4);
}
void case_exits_io_at_once_after_out32(vs_build* b) {
  io_at_once(b, VS_PROGRAM_OUT32, 4);
}
void case_exits_wider_io_after_in8(vs_build* b) {
  io_at_once(b, VS_PROGRAM_IN8, 4);
}
void case_exits_narrower_io_after_in32(vs_build* b) {
  io_at_once(b, VS_PROGRAM_IN32, 1);
}

static void canceled(vs_build* b) {
  kick(b);
  enter(b)->optional = false;
}

void case_exits_kick_after_answer(vs_build* b) {
  usual_vcpu(b, VS_PROGRAM_IN8);
  enter(b)->optional = false;
  write_io(b, 1, 0xa5);
  canceled(b);
  read_back(b);
  enter(b)->optional = false;
  read_back(b);
}

void case_exits_kick_before_answer(vs_build* b) {
  usual_vcpu(b, VS_PROGRAM_IN32);
  enter(b)->optional = false;
  canceled(b);
  write_io(b, 4, 0xa1b2c3d4);
  read_back(b);
  enter(b)->optional = false;
}

void case_exits_io_after_kick(vs_build* b) {
  usual_vcpu(b, VS_PROGRAM_DUMP);
  kick(b);
  enter(b)->optional = false;
  write_io(b, 4, 0x0000beef);
  look(b);
}

static void two_left(vs_build* b, vs_program program) {
  usual_vcpu(b, program);
  guest(b, SLOT_GUEST_2, SLOT_VMAR_2, SLOT_MEMORY_2);
  vcpu(b, 1, SLOT_GUEST_2, SLOT_VCPU_2, program);
  on(write_state(b, 20), 1, SLOT_VCPU_2);
  enter(b)->optional = false;
  on(enter(b), 1, SLOT_VCPU_2)->optional = false;
}

void case_exits_two_guests(vs_build* b) {
  two_left(b, VS_PROGRAM_DUMP);
  on(write_state(b, 21), 1, SLOT_VCPU_2);
  read_back(b);
  look_of(b, 1, SLOT_VCPU_2);
  look(b);
}

void case_exits_two_guests_at_in(vs_build* b) {
  two_left(b, VS_PROGRAM_IN32);
  write_io(b, 4, 0x11111111);
  on(write_io(b, 4, 0x22222222), 1, SLOT_VCPU_2);
  enter(b)->optional = false;
  on(enter(b), 1, SLOT_VCPU_2)->optional = false;
  read_back(b);
  read_back_of(b, 1, SLOT_VCPU_2);
}
