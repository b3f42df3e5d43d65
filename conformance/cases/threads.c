// SPDX-License-Identifier: BSD-3-Clause
// Cases about who calls, and when.
#include "cases.h"

static void other_thread(vs_build* b, uint32_t kind) {
  usual_vcpu(b, VS_PROGRAM_DUMP);
  for (unsigned seed = 2; seed < 6; seed++) {
    write_kind(b, kind, seed)->thread = 1;
    read_back(b);
  }
  write_kind(b, kind, 6);
  look(b);
}

void case_threads_other_state(vs_build* b) {
  other_thread(b, ZX_VCPU_STATE);
}
void case_threads_other_io(vs_build* b) {
  other_thread(b, ZX_VCPU_IO);
}

void case_threads_other_same_values(vs_build* b) {
  usual_vcpu(b, VS_PROGRAM_DUMP);
  write_state(b, 1)->thread = 1;  // what stands there already
  read_back(b);
  write_io(b, 4, 77);
  write_io(b, 4, 77)->thread = 1;
  look(b);
}

void case_threads_other_first(vs_build* b) {
  guest(b, SLOT_GUEST, SLOT_VMAR, SLOT_MEMORY);
  vcpu(b, 0, SLOT_GUEST, SLOT_VCPU, VS_PROGRAM_DUMP);
  read_back(b);
  write_state(b, 2)->thread = 1;
  read_back(b);
  write_io(b, 4, 0xffffffff)->thread = 1;
  read_back(b);
  write_state(b, 3);
  look(b);
}

void case_threads_other_with_vcpu(vs_build* b) {
  usual_vcpu(b, VS_PROGRAM_DUMP);
  vcpu(b, 1, SLOT_GUEST, SLOT_VCPU_2, VS_PROGRAM_DUMP);
  vs_op* op = write_state(b, 2);
  op->thread = 1;
  op->handle = slot(SLOT_VCPU_2);
  read_back_of(b, 1, SLOT_VCPU_2);
  for (unsigned number = 3; number < 7; number++) {
    write_kind(b, number % 2, number)->thread = 1;
    read_back(b);
    read_back_of(b, 1, SLOT_VCPU_2);
  }
  enter(b);
}

static vs_op* from_other(vs_build* b, uint32_t kind) {
  vs_op* op = write_kind(b, kind, 2);
  op->thread = 1;
  return op;
}

void case_threads_other_with_faults(vs_build* b) {
  static const uint32_t kinds[] = {ZX_VCPU_STATE, ZX_VCPU_IO};
  usual_vcpu(b, VS_PROGRAM_DUMP);
  derive(b, VS_OP_DUPLICATE, SLOT_VCPU, SLOT_DERIVED, ZX_RIGHT_READ);
  for (size_t i = 0; i < 2; i++) {
    from_other(b, kinds[i])->kind = 2;
    read_back(b);
    from_other(b, kinds[i])->size++;
    read_back(b);
    from_other(b, kinds[i])->size--;
    read_back(b);
    from_other(b, kinds[i])->buffer.at = VS_AT_NULL;
    read_back(b);
    from_other(b, kinds[i])->buffer.bytes[0] = 3;  // of ZX_VCPU_IO: the access_size
    read_back(b);
    from_other(b, kinds[i])->handle = slot(SLOT_DERIVED);
    read_back(b);
  }
  look(b);
}

void case_threads_duplicate_on_other(vs_build* b) {
  usual_vcpu(b, VS_PROGRAM_DUMP);
  derive(b, VS_OP_DUPLICATE, SLOT_VCPU, SLOT_DERIVED, ZX_RIGHT_SAME_RIGHTS);
  b->ops[b->count - 1].thread = 1;
  from_other(b, ZX_VCPU_STATE)->handle = slot(SLOT_DERIVED);
  read_back(b);
  from_other(b, ZX_VCPU_IO)->handle = slot(SLOT_DERIVED);
  read_back(b);
  write_state(b, 3)->handle = slot(SLOT_DERIVED);
  look(b);
}

static void vcpu_on_second_thread(vs_build* b, vs_program program) {
  guest(b, SLOT_GUEST, SLOT_VMAR, SLOT_MEMORY);
  vcpu(b, 1, SLOT_GUEST, SLOT_VCPU, program);
  write_state(b, 1)->thread = 1;
  read_back_of(b, 1, SLOT_VCPU);
}

void case_threads_not_the_first(vs_build* b) {
  vcpu_on_second_thread(b, VS_PROGRAM_DUMP);
  write_state(b, 2);
  read_back_of(b, 1, SLOT_VCPU);
  write_io(b, 4, 0xffffffff);
  read_back_of(b, 1, SLOT_VCPU);
  write_state(b, 3)->thread = 2;
  read_back_of(b, 1, SLOT_VCPU);
  enter(b)->thread = 1;
}

void case_threads_creator_gone(vs_build* b) {
  vcpu_on_second_thread(b, VS_PROGRAM_DUMP);
  add(b, VS_OP_THREAD_EXIT)->thread = 1;
  write_state(b, 2);
  write_io(b, 4, 0xffffffff);
  write_state(b, 3)->thread = 2;  // a thread younger than the one that is gone
  write_io(b, 1, 0xff)->thread = 2;
}

// The spinning guest is entered on thread 1, and the ops after this find it running.
static void run_spinning(vs_build* b) {
  vs_op* run = enter(b);
  run->thread = 1;
  run->async = true;
  run->optional = false;
  add(b, VS_OP_AWAIT_GUEST)->handle = slot(SLOT_VCPU);
}

static void stop_spinning(vs_build* b) {
  kick(b);
  add(b, VS_OP_JOIN)->thread = 1;
}

void case_threads_running_again(vs_build* b) {
  vcpu_on_second_thread(b, VS_PROGRAM_SPIN);
  for (unsigned turn = 2; turn < 6; turn++) {
    run_spinning(b);
    stop_spinning(b);
    read_back_of(b, 1, SLOT_VCPU);
    write_io(b, 4, 0x01010101u * turn)->thread = 1;
    read_back_of(b, 1, SLOT_VCPU);
    write_state(b, turn)->thread = 1;
    if (turn % 2 == 0) read_back_of(b, 1, SLOT_VCPU);
  }
  read_back_of(b, 1, SLOT_VCPU);
}

void case_threads_another_runs(vs_build* b) {
  vcpu_on_second_thread(b, VS_PROGRAM_SPIN);
  guest(b, SLOT_GUEST_2, SLOT_VMAR_2, SLOT_MEMORY_2);
  vcpu(b, 0, SLOT_GUEST_2, SLOT_VCPU_2, VS_PROGRAM_DUMP);
  run_spinning(b);
  on(write_state(b, 2), 0, SLOT_VCPU_2);
  look_of(b, 0, SLOT_VCPU_2);
  on(write_io(b, 4, 7), 0, SLOT_VCPU_2);
  look_of(b, 0, SLOT_VCPU_2);
  stop_spinning(b);
  read_back_of(b, 1, SLOT_VCPU);
}

void case_threads_running(vs_build* b) {
  vcpu_on_second_thread(b, VS_PROGRAM_SPIN);
  run_spinning(b);
  write_state(b, 2);
  for (uint8_t width = 1; width <= 4; width *= 2) write_io(b, width, 0xffffffff);
  write_state(b, 3)->thread = 2;
  stop_spinning(b);
  read_back_of(b, 1, SLOT_VCPU);
  write_state(b, 4)->thread = 1;
  read_back_of(b, 1, SLOT_VCPU);
}
