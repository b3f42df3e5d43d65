// SPDX-License-Identifier: BSD-3-Clause
// The arm64 instructions that guests of the suite are made of, at EL1 with the MMU off. Source: the
// Arm Architecture Reference Manual, encoding index of the A64 instruction set.
#include <string.h>

#include "vcpu.h"

enum { HALF = 2, WORD = 4, DOUBLE = 8, SP = 31, CPSR = 32, SCALE_PAIR = 7 };

static uint64_t field(uint32_t word, unsigned low, unsigned width) {
  return word >> low & ((UINT32_C(1) << width) - 1);
}

static uint64_t extended(uint64_t value, unsigned width) {
  const uint64_t sign = UINT64_C(1) << (width - 1);
  return (value ^ sign) - sign;
}

// Number 31 is the stack pointer, or reads as 0 and is not written.

static uint64_t* stack_pointer(vs_soft_vcpu* v) {
  return v->on_sp_el0 ? &v->sp_el0 : &v->words[SP];
}

static uint64_t* with_sp(vs_soft_vcpu* v, uint64_t number) {
  return number == SP ? stack_pointer(v) : &v->words[number];
}

static uint64_t get(const vs_soft_vcpu* v, uint64_t number) {
  return number == SP ? 0 : v->words[number];
}

static void set(vs_soft_vcpu* v, uint64_t number, uint64_t value) {
  if (number != SP) v->words[number] = value;
}

// ---- Memory.

static void describe(vs_soft_run* run, size_t size, uint64_t number, bool write) {
  zx_packet_guest_mem_arm64_t* mem = &run->packet.guest_mem_arm64;
  mem->access_size = (uint8_t)size;
  mem->xt = (uint8_t)number;
  mem->read = !write;
  const uint64_t mask = UINT64_MAX >> (64 - 8 * size);
  if (write) mem->data = get(run->vcpu, number) & mask;
}

// A load clears what it does not fill of its register.
static zx_status_t transfer(vs_soft_run* run, uint64_t addr, uint64_t number, size_t size,
                            bool write) {
  uint64_t value = write ? get(run->vcpu, number) : 0;
  const zx_status_t status = vs_soft_access(run, addr, &value, size, write);
  if (status == ZX_OK) describe(run, size, number, write);
  if (status == VS_SOFT_GOES_ON && !write) set(run->vcpu, number, value);
  return status;
}

static uint64_t address_of(vs_soft_run* run, uint32_t word, size_t size) {
  return *with_sp(run->vcpu, field(word, 5, 5)) + field(word, 10, 12) * size;
}

static zx_status_t one(vs_soft_run* run, uint32_t word, size_t size) {
  const uint64_t addr = address_of(run, word, size);
  return transfer(run, addr, field(word, 0, 5), size, field(word, 22, 1) == 0);
}

// Of a pair that meets a trap the syndrome says nothing.
static zx_status_t pair(vs_soft_run* run, uint32_t word) {
  const uint64_t base = *with_sp(run->vcpu, field(word, 5, 5));
  const uint64_t addr = base + extended(field(word, 15, SCALE_PAIR), SCALE_PAIR) * DOUBLE;
  const bool write = field(word, 22, 1) == 0;
  zx_status_t status = transfer(run, addr, field(word, 0, 5), DOUBLE, write);
  if (status == VS_SOFT_GOES_ON)
    status = transfer(run, addr + DOUBLE, field(word, 10, 5), DOUBLE, write);
  return status == ZX_OK ? ZX_ERR_NOT_SUPPORTED : status;
}

// ---- System registers: op0 - 2, op1, CRn, CRm and op2, as MRS and MSR have them.

enum { TPIDR_EL1 = 0x4684, SP_EL0 = 0x4208, NZCV = 0x5a10, CPACR_EL1 = 0x4082 };
static const uint64_t FLAGS = 0xf0000000;

static zx_status_t move_system(vs_soft_run* run, uint64_t* at, uint32_t word) {
  const bool read = field(word, 21, 1) == 1;
  if (read) set(run->vcpu, field(word, 0, 5), *at);
  if (!read) *at = get(run->vcpu, field(word, 0, 5));
  return VS_SOFT_GOES_ON;
}

static zx_status_t system_register(vs_soft_run* run, uint32_t word) {
  vs_soft_vcpu* v = run->vcpu;
  uint64_t* cpsr = &v->words[CPSR];
  switch (field(word, 5, 15)) {
    case TPIDR_EL1:
      return move_system(run, &v->tpidr_el1, word);
    case SP_EL0:
      return move_system(run, &v->sp_el0, word);
    case CPACR_EL1:  // vector registers may be used whatever it says
      return VS_SOFT_GOES_ON;
    case NZCV:
      move_system(run, cpsr, word);
      *cpsr &= FLAGS;
      return VS_SOFT_GOES_ON;
    default:
      return ZX_ERR_NOT_SUPPORTED;
  }
}

// ---- One instruction: its fixed bits, and what it does.

static zx_status_t load_store(vs_soft_run* run, uint32_t word) {
  return one(run, word, DOUBLE);
}

static zx_status_t load_store_half(vs_soft_run* run, uint32_t word) {
  return one(run, word, HALF);
}

static zx_status_t load_signed_half(vs_soft_run* run, uint32_t word) {
  const uint64_t number = field(word, 0, 5);
  const zx_status_t status = transfer(run, address_of(run, word, HALF), number, HALF, false);
  if (status == ZX_OK) run->packet.guest_mem_arm64.sign_extend = true;
  if (status == VS_SOFT_GOES_ON) set(run->vcpu, number, extended(get(run->vcpu, number), 8 * HALF));
  return status;
}

static zx_status_t load_store_byte(vs_soft_run* run, uint32_t word) {
  return one(run, word, 1);
}

static zx_status_t move_wide(vs_soft_run* run, uint32_t word) {
  set(run->vcpu, field(word, 0, 5), field(word, 5, 16) << 16 * field(word, 21, 2));
  return VS_SOFT_GOES_ON;
}

static zx_status_t add(vs_soft_run* run, uint32_t word) {
  const uint64_t from = *with_sp(run->vcpu, field(word, 5, 5));
  *with_sp(run->vcpu, field(word, 0, 5)) = from + field(word, 10, 12);
  return VS_SOFT_GOES_ON;
}

static zx_status_t select_sp(vs_soft_run* run, uint32_t word) {
  run->vcpu->on_sp_el0 = field(word, 8, 1) == 0;
  return VS_SOFT_GOES_ON;
}

// ORR and ORN with a zero register and no shift: a copy, and the inverse of one.
static zx_status_t move(vs_soft_run* run, uint32_t word) {
  const uint64_t from = get(run->vcpu, field(word, 16, 5));
  set(run->vcpu, field(word, 0, 5), field(word, 21, 1) ? ~from : from);
  return VS_SOFT_GOES_ON;
}

// Between a general register and the low half of a vector register, or its high half. What is
// written of the low half clears the other.
static zx_status_t move_vector(vs_soft_run* run, uint32_t word) {
  const bool to_vector = field(word, 16, 1) == 1;
  const size_t half = field(word, 19, 1);
  const uint64_t general = field(word, to_vector ? 5 : 0, 5);
  uint64_t* vector = run->vcpu->vectors[field(word, to_vector ? 0 : 5, 5)];
  if (!to_vector) set(run->vcpu, general, vector[half]);
  if (!to_vector) return VS_SOFT_GOES_ON;
  vector[half] = get(run->vcpu, general);
  if (half == 0) vector[1] = 0;
  return VS_SOFT_GOES_ON;
}

static zx_status_t nothing(vs_soft_run* run, uint32_t word) {
  (void)run;
  (void)word;
  return VS_SOFT_GOES_ON;
}

// The length of the instruction is added afterwards. One that branches to itself can only be
// kicked.
static zx_status_t branch(vs_soft_run* run, uint32_t word) {
  enum { OFFSET = 26 };
  const uint64_t offset = extended(field(word, 0, OFFSET), OFFSET) * WORD;
  if (offset == 0) return VS_SOFT_WAITS;
  run->vcpu->pc += offset - WORD;
  return VS_SOFT_GOES_ON;
}

static const struct {
  uint32_t mask;
  uint32_t bits;
  zx_status_t (*run)(vs_soft_run*, uint32_t);
} instructions[] = {
    {0xff800000, 0xf9000000, load_store},        // STR, LDR, 64 bits, unsigned offset
    {0xff800000, 0x39000000, load_store_byte},   // STRB, LDRB
    {0xff800000, 0x79000000, load_store_half},   // STRH, LDRH
    {0xffc00000, 0x79800000, load_signed_half},  // LDRSH, to 64 bits
    {0xff800000, 0xa9000000, pair},              // STP, LDP, 64 bits, signed offset
    {0xff800000, 0xd2800000, move_wide},         // MOVZ, 64 bits
    {0xffc00000, 0x91000000, add},               // ADD, 64 bits, immediate
    {0xffd00000, 0xd5100000, system_register},   // MSR, MRS
    {0xfffff0ff, 0xd50040bf, select_sp},         // MSR SPSel, immediate
    {0xfc000000, 0x14000000, branch},            // B
    {0xffc0ffe0, 0xaa0003e0, move},              // ORR, ORN, 64 bits, of XZR and a register
    {0xfffefc00, 0x9e660000, move_vector},       // FMOV between X and D
    {0xfffefc00, 0x9eae0000, move_vector},       // FMOV between X and the high half of V
    {0xffffffff, 0xd5033fdf, nothing},           // ISB
};

static zx_status_t execute(vs_soft_run* run, uint32_t word) {
  for (size_t i = 0; i < sizeof instructions / sizeof instructions[0]; i++) {
    if ((word & instructions[i].mask) == instructions[i].bits)
      return instructions[i].run(run, word);
  }
  return ZX_ERR_NOT_SUPPORTED;
}

zx_status_t vs_soft_step_arm64(vs_soft_run* run) {
  uint8_t* code = NULL;
  uint32_t word;
  if (vs_soft_vmar_reach(run->vcpu->guest->vmar, run->vcpu->pc, &code) < WORD)
    return ZX_ERR_NOT_FOUND;
  memcpy(&word, code, sizeof word);
  const zx_status_t status = execute(run, word);
  if (vs_soft_is_behind(run, status)) run->vcpu->pc += WORD;
  return status;
}
