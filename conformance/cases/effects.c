// SPDX-License-Identifier: BSD-3-Clause
// Cases about what an accepted write of ZX_VCPU_STATE does.
#include <string.h>

#include "cases.h"

// One register of the state that is being built.
static void set(vs_build* b, vs_op* op, size_t index, uint64_t value) {
  set_register(&op->buffer, b->info, index, value);
}

void case_registers_each_alone(vs_build* b) {
  usual_vcpu(b, VS_PROGRAM_DUMP);
  for (size_t i = 0; i < b->info->register_count; i++) {
    if (i == b->info->flags) continue;
    set(b, write_state(b, 1), i, UINT64_C(0xfedcba9876543210));
    look(b);
    write_state(b, 1);
    look(b);
  }
}

void case_registers_all_at_once(vs_build* b) {
  usual_vcpu(b, VS_PROGRAM_DUMP);
  for (unsigned seed = 2; seed < 18; seed++) {
    write_state(b, seed);
    look(b);
  }
}

void case_registers_every_bit(vs_build* b) {
  usual_vcpu(b, VS_PROGRAM_DUMP);
  for (unsigned bit = 0; bit < 64; bit++) {
    vs_op* op = write_state(b, 1);
    for (size_t i = 0; i < b->info->register_count; i++) {
      if (i != b->info->flags) set(b, op, i, UINT64_C(1) << ((bit + i) % 64));
    }
    look(b);
  }
}

void case_registers_boundary_values(vs_build* b) {
  static const uint64_t values[] = {0,          1,          0x7f,       0x80,
                                    0xff,       0x7fff,     0x8000,     0xffff,
                                    0x7fffffff, 0x80000000, 0xffffffff, 0x7fffffffffffffff,
                                    1ull << 63, UINT64_MAX, 1ull << 32, 0xffffffff00000000};
  enum { COUNT = sizeof values / sizeof values[0] };
  usual_vcpu(b, VS_PROGRAM_DUMP);
  for (size_t turn = 0; turn < COUNT; turn++) {
    vs_op* op = write_state(b, 1);
    for (size_t i = 0; i < b->info->register_count; i++) {
      if (i != b->info->flags) set(b, op, i, values[(turn + i) % COUNT]);
    }
    look(b);
  }
}

// One value in every register at once.
void case_registers_uniform(vs_build* b) {
  static const uint64_t values[] = {0, UINT64_MAX, 1, 0xffffffff};
  usual_vcpu(b, VS_PROGRAM_DUMP);
  for (size_t k = 0; k < sizeof values / sizeof values[0]; k++) {
    vs_op* op = write_state(b, 2);
    for (size_t i = 0; i < b->info->register_count; i++) {
      if (i != b->info->flags) set(b, op, i, values[k]);
    }
    look(b);
  }
}

static size_t stack_pointer(const vs_arch_info* info) {
  size_t i = 0;
  while (strcmp(info->registers[i].name, "rsp") != 0 &&
         strcmp(info->registers[i].name, "sp") != 0) {
    i++;
  }
  return i;
}

void case_registers_stack_noncanonical(vs_build* b) {
  static const uint64_t values[] = {0x0000800000000000, 0x8000000000000000, 0xdeadbeefdeadbeef,
                                    0x00007fffffffffff, UINT64_MAX};
  usual_vcpu(b, VS_PROGRAM_DUMP);
  for (size_t i = 0; i < sizeof values / sizeof values[0]; i++) {
    set(b, write_state(b, 1), stack_pointer(b->info), values[i]);
    look(b);
  }
}

void case_registers_seen_by_guest(vs_build* b) {
  usual_vcpu(b, VS_PROGRAM_DUMP);
  enter(b)->optional = false;
  for (unsigned seed = 2; seed < 34; seed++) {
    write_state(b, seed);
    enter(b)->optional = false;  // without a read-back between, which might hide or mend something
  }
  read_back(b);
}

static void look_at_both(vs_build* b) {
  read_back_of(b, 0, SLOT_VCPU);
  read_back_of(b, 1, SLOT_VCPU_2);
}

static void write_in_turn(vs_build* b) {
  for (unsigned seed = 2; seed < 10; seed++) {
    bool second = seed % 2 == 1;
    vs_op* op = seed % 4 < 2 ? write_state(b, seed) : write_io(b, 4, 0x01010101u * seed);
    op->thread = second;
    op->handle = slot(second ? SLOT_VCPU_2 : SLOT_VCPU);
    look_at_both(b);
  }
}

static void second_vcpu(vs_build* b, uint8_t guest_slot) {
  vcpu(b, 1, guest_slot, SLOT_VCPU_2, VS_PROGRAM_DUMP);
  vs_op* op = write_state(b, 20);
  op->thread = 1;
  op->handle = slot(SLOT_VCPU_2);
  look_at_both(b);
  write_in_turn(b);
}

void case_registers_two_vcpus(vs_build* b) {
  usual_vcpu(b, VS_PROGRAM_DUMP);
  second_vcpu(b, SLOT_GUEST);
  enter(b);
  look_at_both(b);
}

void case_registers_two_guests(vs_build* b) {
  usual_vcpu(b, VS_PROGRAM_DUMP);
  guest(b, SLOT_GUEST_2, SLOT_VMAR_2, SLOT_MEMORY_2);
  second_vcpu(b, SLOT_GUEST_2);
  enter(b);
  vs_op* op = enter(b);
  op->thread = 1;
  op->handle = slot(SLOT_VCPU_2);
  look_at_both(b);
}

// --- flags ------------------------------------------------------------------------------------

enum { TRAP_BIT = 8 };  // x86-64: single-step; guest code that is entered with it set faults

static bool stops_guest(const vs_build* b, unsigned bit) {
  return b->info->has_ports && bit == TRAP_BIT;
}

static unsigned flag_bits(const vs_build* b) {
  return b->info->registers[b->info->flags].width;
}

static uint64_t users_flags(const vs_build* b) {
  uint64_t mask = b->info->flags_required | b->info->flags_optional;
  return b->info->has_ports ? mask & ~(UINT64_C(1) << TRAP_BIT) : mask;
}

static void write_flags(vs_build* b, unsigned number, uint64_t flags) {
  set(b, write_state(b, number), b->info->flags, flags);
}

static void look_unless(vs_build* b, bool stops) {
  read_back(b);
  if (!stops) enter(b);
}

void case_flags_each_set(vs_build* b) {
  usual_vcpu(b, VS_PROGRAM_DUMP);
  enter(b);
  for (unsigned bit = 0; bit < flag_bits(b); bit++) {
    write_flags(b, 2, b->info->flags_gate);
    look(b);
    write_flags(b, 3, b->info->flags_gate | UINT64_C(1) << bit);
    look_unless(b, stops_guest(b, bit));
  }
}

void case_flags_each_cleared(vs_build* b) {
  usual_vcpu(b, VS_PROGRAM_DUMP);
  enter(b);
  for (unsigned bit = 0; bit < flag_bits(b); bit++) {
    if (!(users_flags(b) & UINT64_C(1) << bit)) continue;
    write_flags(b, 2, b->info->flags_gate | users_flags(b));
    look(b);
    write_flags(b, 3, b->info->flags_gate | (users_flags(b) & ~(UINT64_C(1) << bit)));
    look(b);
  }
}

void case_flags_each_without_gate(vs_build* b) {
  usual_vcpu(b, VS_PROGRAM_DUMP);
  enter(b);
  for (unsigned bit = 0; bit < flag_bits(b); bit++) {
    // Half of the flags stand, so that both a set and a clear bit would show. The other registers
    // change each time: they are written whatever becomes of the flags.
    write_flags(b, 2, b->info->flags_gate | (users_flags(b) & 0x55555555));
    look(b);
    write_flags(b, 3, (UINT64_C(1) << bit) & ~b->info->flags_gate);
    look_unless(b, stops_guest(b, bit));
  }
  write_flags(b, 4, ~(b->info->flags_required | b->info->flags_optional | b->info->flags_gate));
  look(b);
}

void case_flags_system_bits(vs_build* b) {
  uint64_t others = ~(b->info->flags_required | b->info->flags_optional);
  usual_vcpu(b, VS_PROGRAM_DUMP);
  enter(b);
  write_flags(b, 2, b->info->flags_gate | others);
  look(b);
  write_flags(b, 3, b->info->flags_gate | others | users_flags(b));
  look(b);
  write_flags(b, 4, b->info->flags_gate);
  look(b);
}
