// SPDX-License-Identifier: BSD-3-Clause
// Cases about ZX_VCPU_IO, and about writes around the guest's exits.
#include <string.h>

#include "cases.h"

static const uint8_t widths[] = {1, 2, 4};

static void write_accumulator(vs_build* b, uint64_t value) {
  set_register(&write_state(b, 1)->buffer, b->info, b->info->accumulator, value);
}

void case_io_every_access_size(vs_build* b) {
  usual_vcpu(b, VS_PROGRAM_DUMP);
  for (unsigned size = 0; size <= 255; size++) {
    write_state(b, size + 2);
    read_back(b);
    write_io(b, (uint8_t)size, 0xa1b2c3d4);
    look(b);
    write_io(b, (uint8_t)size, 0x14253647);  // what a size is answered with is a choice made once
    read_back(b);
  }
}

void case_io_neighbours(vs_build* b) {
  static const uint64_t stands[] = {0, UINT64_MAX, 0x8877665544332211, 0x00000000ffffffff};
  static const uint32_t data[] = {0, 0xffffffff, 0x80808080, 0x7f7f7f7f, 0xf1e2d3c4};
  usual_vcpu(b, VS_PROGRAM_DUMP);
  for (size_t i = 0; i < sizeof stands / sizeof stands[0]; i++) {
    for (size_t j = 0; j < sizeof data / sizeof data[0]; j++) {
      for (size_t k = 0; k < sizeof widths; k++) {
        write_accumulator(b, stands[i]);
        write_io(b, widths[k], data[j]);
        look(b);
      }
    }
  }
}

void case_io_upper_half(vs_build* b) {
  usual_vcpu(b, VS_PROGRAM_DUMP);
  write_accumulator(b, 0xffffffff00000000);
  write_io(b, 4, 0x7fffffff);
  look(b);
  write_accumulator(b, 0x00000000ffffffff);
  write_io(b, 4, 0x80000000);
  look(b);
  write_accumulator(b, 0x8000000000000001);
  write_io(b, 4, 0xffffffff);
  look(b);
}

void case_io_padding(vs_build* b) {
  usual_vcpu(b, VS_PROGRAM_DUMP);
  for (size_t i = 0; i < sizeof widths; i++) {
    for (unsigned bit = 0; bit < 24; bit++) {
      write_state(b, 2);
      vs_op* op = write_io(b, widths[i], 0x11223344);
      op->buffer.bytes[1 + bit / 8] = (uint8_t)(1u << bit % 8);
      read_back(b);
    }
    write_state(b, 3);
    vs_op* op = write_io(b, widths[i], 0);
    memset(op->buffer.bytes + 1, 0xff, 3);
    memset(op->buffer.bytes + 4 + widths[i], 0xff, 4u - widths[i]);
    look(b);
  }
}

void case_io_repeated(vs_build* b) {
  usual_vcpu(b, VS_PROGRAM_DUMP);
  for (unsigned i = 0; i < 24; i++) {
    write_io(b, widths[i % 3], 0x9e3779b9u * (i + 1));
    if (i % 2 == 0) read_back(b);
    if (i % 5 == 0) enter(b);
  }
  look(b);
}

void case_io_seen_by_guest(vs_build* b) {
  usual_vcpu(b, VS_PROGRAM_DUMP);
  enter(b)->optional = false;
  for (unsigned i = 0; i < 12; i++) {
    write_io(b, widths[i % 3], 0x9e3779b9u * (i + 7));
    enter(b)->optional = false;
  }
  read_back(b);
}

// --- exits ------------------------------------------------------------------------------------

static void left_at_exit(vs_build* b, vs_program program) {
  usual_vcpu(b, program);
  enter(b)->optional = false;
}

// The answer to the IN first, then other widths before the guest goes on.
static void io_after_in(vs_build* b, vs_program program, uint8_t width) {
  left_at_exit(b, program);
  write_io(b, width, 0xc5d6e7f8);
  read_back(b);
  for (size_t i = 0; i < sizeof widths; i++) {
    write_io(b, widths[i], 0x12345678u * (unsigned)(i + 3));
    read_back(b);
  }
  enter(b)->optional = false;
  write_io(b, width, 0x0a0b0c0d);
  look(b);
}

void case_io_after_in8(vs_build* b) {
  io_after_in(b, VS_PROGRAM_IN8, 1);
}
void case_io_after_in16(vs_build* b) {
  io_after_in(b, VS_PROGRAM_IN16, 2);
}
void case_io_after_in32(vs_build* b) {
  io_after_in(b, VS_PROGRAM_IN32, 4);
}

static void state_after_exit(vs_build* b, vs_program program) {
  left_at_exit(b, program);
  write_state(b, 2);
  enter(b)->optional = false;
  write_state(b, 3);
  look(b);
}

void case_exits_state_after_in8(vs_build* b) {
  state_after_exit(b, VS_PROGRAM_IN8);
}
void case_exits_state_after_in16(vs_build* b) {
  state_after_exit(b, VS_PROGRAM_IN16);
}
void case_exits_state_after_in32(vs_build* b) {
  state_after_exit(b, VS_PROGRAM_IN32);
}

static void both_after_in(vs_build* b, vs_program program, bool state_last) {
  left_at_exit(b, program);
  if (!state_last) write_state(b, 2);
  write_io(b, vs_programs[program].width, 0xc5d6e7f8);
  if (state_last) write_state(b, 2);
  enter(b)->optional = false;
  read_back(b);
}

void case_exits_io_then_state_in8(vs_build* b) {
  both_after_in(b, VS_PROGRAM_IN8, true);
}
void case_exits_io_then_state_in32(vs_build* b) {
  both_after_in(b, VS_PROGRAM_IN32, true);
}
void case_exits_io_then_state_in16(vs_build* b) {
  both_after_in(b, VS_PROGRAM_IN16, true);
}
void case_exits_state_then_io_in16(vs_build* b) {
  both_after_in(b, VS_PROGRAM_IN16, false);
}
void case_exits_state_then_io_in8(vs_build* b) {
  both_after_in(b, VS_PROGRAM_IN8, false);
}
void case_exits_state_then_io_in32(vs_build* b) {
  both_after_in(b, VS_PROGRAM_IN32, false);
}

void case_exits_nothing_after_in8(vs_build* b) {
  left_at_exit(b, VS_PROGRAM_IN8);
  look(b);
  look(b);
}

void case_exits_refused_after_in32(vs_build* b) {
  left_at_exit(b, VS_PROGRAM_IN32);
  read_back(b);
  write_state(b, 2)->size--;
  read_back(b);
  write_io(b, 4, 0xffffffff)->size++;
  read_back(b);
  enter(b)->optional = false;
}

static void after_out(vs_build* b, vs_program program) {
  left_at_exit(b, program);
  look(b);
  write_state(b, 2);
  look(b);
  write_io(b, 4, 0x0badcafe);
  look(b);
}

// The write comes before anything else can complete the exit.
static void after_out_at_once(vs_build* b, vs_program program) {
  left_at_exit(b, program);
  write_state(b, 2);
  enter(b)->optional = false;
  read_back(b);
}

void case_exits_after_out8(vs_build* b) {
  after_out_at_once(b, VS_PROGRAM_OUT8);
}
void case_exits_after_out16(vs_build* b) {
  after_out(b, VS_PROGRAM_OUT16);
}
void case_exits_after_out32(vs_build* b) {
  after_out_at_once(b, VS_PROGRAM_OUT32);
}

void case_exits_kick_survives(vs_build* b) {
  usual_vcpu(b, VS_PROGRAM_DUMP);
  kick(b);
  write_state(b, 2)->size--;
  write_io(b, 4, 0xffffffff)->kind = 2;
  read_back(b);
  write_state(b, 3);
  write_io(b, 2, 0xbeef);
  enter(b)->optional = false;
  enter(b)->optional = false;
  read_back(b);
}

void case_exits_after_kick(vs_build* b) {
  usual_vcpu(b, VS_PROGRAM_DUMP);
  kick(b);
  enter(b)->optional = false;
  write_state(b, 2);
  look(b);
  write_io(b, 2, 0xbeef);
  look(b);
}
