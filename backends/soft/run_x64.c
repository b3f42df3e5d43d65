// SPDX-License-Identifier: BSD-3-Clause
// The x86-64 instructions that guests of the suite are made of, in 64-bit mode, with addresses that
// are physical ones. Source: Intel's Software Developer's Manual, volume 2.
#include <string.h>

#include "vcpu.h"

enum { RAX, RCX, RDX, RBX, RSP, RBP, FLAGS = 16, LENGTH_MAX = 15 };
enum { DEBUG = 1 };  // the exception behind each instruction while TF is set
enum { FLAGS_CF = 1, FLAGS_ONE = 1 << 1, FLAGS_TF = 1 << 8, FLAGS_IF = 1 << 9 };

// An instruction that is being taken apart.
typedef struct insn {
  vs_soft_run* run;
  uint64_t* words;
  uint8_t code[LENGTH_MAX];
  size_t length;  // that there are in `code`
  size_t at;      // that have been taken; more than `length`: it goes on where nothing is mapped
  bool narrow;    // 16-bit operands
  uint8_t rex;
  uint8_t opcode;
  // From ModRM:
  uint8_t reg;
  uint8_t rm;  // a register, unless `memory`
  bool memory;
  uint64_t addr;
  bool from_next;  // `addr` counts from the next instruction on
} insn;

static uint64_t take(insn* n, size_t size) {
  uint64_t value = 0;
  if (n->at + size <= n->length) memcpy(&value, &n->code[n->at], size);
  n->at += size;
  return value;
}

// Of 1 or 4 bytes.
static uint64_t take_signed(insn* n, size_t size) {
  const uint64_t value = take(n, size);
  return size == 1 ? (uint64_t)(int8_t)value : (uint64_t)(int32_t)value;
}

// Of an opcode whose lowest bit tells one byte from more.
static size_t operand_size(const insn* n) {
  enum { REX_W = 8 };
  if ((n->opcode & 1) == 0) return 1;
  if (n->rex & REX_W) return sizeof(uint64_t);
  return n->narrow ? sizeof(uint16_t) : sizeof(uint32_t);
}

// ---- ModRM, SIB and what follows them.

static uint8_t rex_bit(const insn* n, unsigned bit) {
  return (uint8_t)((n->rex >> bit & 1) << 3);
}

enum { REX_B, REX_X, REX_R };

static uint64_t take_base(insn* n, uint8_t number, uint8_t mod) {
  if ((number & 7) == RBP && mod == 0) return take_signed(n, 4);
  return n->words[number];
}

static void take_sib(insn* n, uint8_t mod) {
  const uint8_t sib = (uint8_t)take(n, 1);
  const uint8_t index = (uint8_t)((sib >> 3 & 7) | rex_bit(n, REX_X));
  n->addr = take_base(n, (uint8_t)((sib & 7) | rex_bit(n, REX_B)), mod);
  if (index != RSP) n->addr += n->words[index] << (sib >> 6);
}

static void take_modrm(insn* n) {
  const uint8_t byte = (uint8_t)take(n, 1);
  const uint8_t mod = byte >> 6;
  n->reg = (uint8_t)((byte >> 3 & 7) | rex_bit(n, REX_R));
  n->rm = (uint8_t)((byte & 7) | rex_bit(n, REX_B));
  n->memory = mod != 3;
  if (!n->memory) return;
  n->from_next = mod == 0 && (byte & 7) == RBP;
  if ((byte & 7) == RSP) {
    take_sib(n, mod);
  } else {
    n->addr = take_base(n, n->rm, mod);
  }
  if (mod == 1) n->addr += take_signed(n, 1);
  if (mod == 2) n->addr += take_signed(n, 4);
}

// ---- Operands.

// What is written of 4 bytes clears the others.
static void set_register(insn* n, uint8_t number, uint64_t value, size_t size) {
  if (size == sizeof(uint32_t)) n->words[number] = 0;
  memcpy(&n->words[number], &value, size);
}

// AH and its like are not known here.
static bool is_high_byte(const insn* n, uint8_t number, size_t size) {
  return size == 1 && n->rex == 0 && number >= RSP && number <= RSP + 3;
}

static zx_status_t access(insn* n, uint64_t addr, uint64_t* value, size_t size, bool write) {
  const zx_status_t status = vs_soft_access(n->run, addr, value, size, write);
  enum { OPERAND_64_BIT_MODE = 4 };
  if (status != ZX_OK) return status;
  zx_packet_guest_mem_x64_t* mem = &n->run->packet.guest_mem_x64;
  mem->rip = n->run->vcpu->pc;
  mem->instruction_size = (uint8_t)n->at;
  mem->default_operand_size = OPERAND_64_BIT_MODE;
  return status;
}

// Moves between ModRM's operand and `value`.
static zx_status_t operand(insn* n, uint64_t* value, size_t size, bool write) {
  if (n->at > n->length) return ZX_ERR_NOT_FOUND;
  if (n->memory) {
    const uint64_t next = n->from_next ? n->run->vcpu->pc + n->at : 0;
    return access(n, n->addr + next, value, size, write);
  }
  if (is_high_byte(n, n->rm, size)) return ZX_ERR_NOT_SUPPORTED;
  if (write) set_register(n, n->rm, *value, size);
  if (!write) *value = n->words[n->rm];
  return VS_SOFT_GOES_ON;
}

// ---- One instruction each.

static zx_status_t move(insn* n) {
  enum { TO_REGISTER = 2 };
  const size_t size = operand_size(n);
  const bool load = (n->opcode & TO_REGISTER) != 0;
  take_modrm(n);
  uint64_t value = n->words[n->reg];
  if (is_high_byte(n, n->reg, size)) return ZX_ERR_NOT_SUPPORTED;
  const zx_status_t status = operand(n, &value, size, !load);
  if (status == VS_SOFT_GOES_ON && load) set_register(n, n->reg, value, size);
  return status;
}

static zx_status_t move_immediate(insn* n) {
  const size_t size = operand_size(n);
  take_modrm(n);
  if ((n->reg & 7) != 0) return ZX_ERR_NOT_SUPPORTED;
  uint64_t value = size == sizeof(uint64_t) ? take_signed(n, 4) : take(n, size);
  return operand(n, &value, size, true);
}

static zx_status_t move_to_register(insn* n) {
  const uint8_t number = (uint8_t)((n->opcode & 7) | rex_bit(n, REX_B));
  n->opcode |= 1;  // more than one byte
  const size_t size = operand_size(n);
  const uint64_t value = take(n, size);
  if (n->at > n->length) return ZX_ERR_NOT_FOUND;
  set_register(n, number, value, size);
  return VS_SOFT_GOES_ON;
}

// Of 8 bytes each.
static zx_status_t push(insn* n, uint64_t value) {
  const zx_status_t status = access(n, n->words[RSP] - sizeof value, &value, sizeof value, true);
  if (status == VS_SOFT_GOES_ON) n->words[RSP] -= sizeof value;
  return status;
}

static zx_status_t push_flags(insn* n) {
  return push(n, n->words[FLAGS] | FLAGS_ONE | (n->run->vcpu->lets_in ? FLAGS_IF : 0));
}

static zx_status_t push_immediate(insn* n) {
  enum { BYTE = 2 };
  const uint64_t value = take_signed(n, n->opcode & BYTE ? 1 : 4);
  return n->at > n->length ? ZX_ERR_NOT_FOUND : push(n, value);
}

static zx_status_t take_from_stack(insn* n, uint64_t* value) {
  const zx_status_t status = access(n, n->words[RSP], value, sizeof *value, false);
  if (status == VS_SOFT_GOES_ON) n->words[RSP] += sizeof *value;
  return status;
}

static void set_flags(insn* n, uint64_t flags) {
  n->words[FLAGS] = flags & vs_soft.rules->flags_mask;
  n->run->vcpu->lets_in = (flags & FLAGS_IF) != 0;
}

static zx_status_t pop_flags(insn* n) {
  uint64_t flags = 0;
  const zx_status_t status = take_from_stack(n, &flags);
  if (status == VS_SOFT_GOES_ON) set_flags(n, flags);
  return status;
}

// Of 64 bits, to the same level.
static zx_status_t return_from_interrupt(insn* n) {
  enum { RIP, CS, RFLAGS, OLD_RSP, SS, COUNT };
  uint64_t frame[COUNT] = {0};
  zx_status_t status = VS_SOFT_GOES_ON;
  for (size_t i = 0; i < COUNT && status == VS_SOFT_GOES_ON; i++)
    status = take_from_stack(n, &frame[i]);
  if (status != VS_SOFT_GOES_ON) return status;
  set_flags(n, frame[RFLAGS]);
  n->words[RSP] = frame[OLD_RSP];
  n->run->vcpu->cs = (uint16_t)frame[CS];
  n->run->vcpu->pc = frame[RIP] - n->at;  // to which the length is added
  return status;
}

// OR of 8 bytes in memory and an immediate; what it does to flags but CF and OF nothing here looks
// at.
static zx_status_t or_immediate(insn* n) {
  enum { OR = 1, FLAGS_OF = 1 << 11 };
  uint64_t value = 0;
  take_modrm(n);
  const uint64_t with = take_signed(n, 4);
  if ((n->reg & 7) != OR || operand_size(n) != sizeof value || n->at > n->length)
    return ZX_ERR_NOT_SUPPORTED;
  zx_status_t status = operand(n, &value, sizeof value, false);
  value |= with;
  if (status == VS_SOFT_GOES_ON) status = operand(n, &value, sizeof value, true);
  if (status == VS_SOFT_GOES_ON) n->words[FLAGS] &= ~(uint64_t)(FLAGS_CF | FLAGS_OF);
  return status;
}

static zx_status_t pop(insn* n) {
  uint64_t value = 0;
  take_modrm(n);
  if ((n->reg & 7) != 0) return ZX_ERR_NOT_SUPPORTED;
  zx_status_t status = access(n, n->words[RSP], &value, sizeof value, false);
  if (status != VS_SOFT_GOES_ON) return status;
  status = operand(n, &value, sizeof value, true);
  if (status == VS_SOFT_GOES_ON) n->words[RSP] += sizeof value;
  return status;
}

// An IN of four bytes leaves zero behind until it is answered.
static zx_status_t port(insn* n) {
  enum { BY_DX = 8, OUTPUT = 2 };
  const bool input = (n->opcode & OUTPUT) == 0;
  const uint64_t number = n->opcode & BY_DX ? n->words[RDX] : take(n, 1);
  size_t size = operand_size(n);
  if (size > sizeof(uint32_t)) size = sizeof(uint32_t);
  if (n->at > n->length) return ZX_ERR_NOT_FOUND;
  const zx_status_t status = vs_soft_leave_by_port(n->run, (uint16_t)number, (uint8_t)size, input);
  if (status != ZX_OK) return status;
  if (!input) memcpy(n->run->packet.guest_io.data, &n->words[RAX], size);
  if (input && size == sizeof(uint32_t)) n->words[RAX] = 0;
  return ZX_OK;
}

// One that jumps to itself can only be kicked.
static zx_status_t jump(insn* n) {
  enum { SHORT = 2 };
  const uint64_t by = take_signed(n, n->opcode & SHORT ? 1 : 4);
  if (n->at > n->length) return ZX_ERR_NOT_FOUND;
  if (by + n->at == 0) return VS_SOFT_WAITS;
  n->run->vcpu->pc += by;
  return VS_SOFT_GOES_ON;
}

static zx_status_t load_address(insn* n) {
  const size_t size = operand_size(n);
  take_modrm(n);
  if (n->at > n->length) return ZX_ERR_NOT_FOUND;
  if (!n->memory) return ZX_ERR_NOT_SUPPORTED;
  const uint64_t next = n->from_next ? n->run->vcpu->pc + n->at : 0;
  set_register(n, n->reg, n->addr + next, size);
  return VS_SOFT_GOES_ON;
}

static zx_status_t invert(insn* n) {
  enum { NOT = 2 };
  const size_t size = operand_size(n);
  uint64_t value = 0;
  take_modrm(n);
  if ((n->reg & 7) != NOT) return ZX_ERR_NOT_SUPPORTED;
  zx_status_t status = operand(n, &value, size, false);
  value = ~value;
  if (status == VS_SOFT_GOES_ON) status = operand(n, &value, size, true);
  return status;
}

static zx_status_t invert_carry(insn* n) {
  n->words[FLAGS] ^= FLAGS_CF;
  return VS_SOFT_GOES_ON;
}

// Only CS is ever another than 0.
static zx_status_t move_from_segment(insn* n) {
  enum { CS = 1, SEGMENTS = 6 };
  take_modrm(n);
  if (n->memory || (n->reg & 7) >= SEGMENTS) return ZX_ERR_NOT_SUPPORTED;
  uint64_t value = (n->reg & 7) == CS ? n->run->vcpu->cs : 0;
  return operand(n, &value, sizeof(uint32_t), true);
}

static zx_status_t let_interrupts_in(insn* n) {
  vs_soft_vcpu* v = n->run->vcpu;
  v->shadow = !v->lets_in;
  v->lets_in = true;
  return VS_SOFT_GOES_ON;
}

static zx_status_t halt(insn* n) {
  vs_soft_vcpu* v = n->run->vcpu;
  if (vs_soft_takes_x64(v)) return VS_SOFT_GOES_ON;
  v->halted = true;
  return VS_SOFT_WAITS;
}

// ---- Of two bytes.

// As a guest of published kernels finds them: protected mode with paging, 64-bit page tables at 0.
static zx_status_t move_from_control(insn* n) {
  enum { CR0 = 0, CR3 = 3, CR4 = 4 };
  take_modrm(n);
  if (n->memory || n->at > n->length) return ZX_ERR_NOT_SUPPORTED;
  switch (n->reg) {
    case CR0:
      n->words[n->rm] = 0x80010011;
      return VS_SOFT_GOES_ON;
    case CR3:
      n->words[n->rm] = 0;
      return VS_SOFT_GOES_ON;
    case CR4:
      n->words[n->rm] = n->run->vcpu->cr4;
      return VS_SOFT_GOES_ON;
    default:
      return ZX_ERR_NOT_SUPPORTED;
  }
}

static zx_status_t move_to_control(insn* n) {
  enum { CR4 = 4 };
  take_modrm(n);
  if (n->memory || n->at > n->length || n->reg != CR4) return ZX_ERR_NOT_SUPPORTED;
  n->run->vcpu->cr4 = n->words[n->rm];
  return VS_SOFT_GOES_ON;
}

// Segments are not looked at, so that LGDT changes nothing here.
static zx_status_t load_table(insn* n) {
  enum { LGDT = 2, LIDT = 3, LENGTH = 10 };
  vs_soft_vcpu* v = n->run->vcpu;
  uint8_t* bytes = NULL;
  take_modrm(n);
  if (!n->memory || n->from_next || (n->reg != LGDT && n->reg != LIDT)) return ZX_ERR_NOT_SUPPORTED;
  if (vs_soft_vmar_reach(v->guest->vmar, n->addr, &bytes) < LENGTH) return ZX_ERR_NOT_FOUND;
  if (n->reg == LGDT) return VS_SOFT_GOES_ON;
  memcpy(&v->idt_limit, bytes, sizeof v->idt_limit);
  memcpy(&v->idt, bytes + sizeof v->idt_limit, sizeof v->idt);
  return VS_SOFT_GOES_ON;
}

static zx_status_t move_vectors(insn* n) {
  enum { FXSAVE = 0, FXRSTOR = 1 };
  vs_soft_vcpu* v = n->run->vcpu;
  uint8_t* bytes = NULL;
  take_modrm(n);
  if (!n->memory || n->from_next || n->reg > FXRSTOR) return ZX_ERR_NOT_SUPPORTED;
  if (vs_soft_vmar_reach(v->guest->vmar, n->addr, &bytes) < sizeof v->fx) return ZX_ERR_NOT_FOUND;
  memcpy(n->reg == FXSAVE ? bytes : v->fx, n->reg == FXSAVE ? v->fx : bytes, sizeof v->fx);
  return VS_SOFT_GOES_ON;
}

// Of the x2APIC's command register: an interrupt or a start of the one processor that is named.
static zx_status_t write_msr(insn* n) {
  enum {
    ICR = 0x830,
    SHORTHAND = 3 << 18,
    FIXED = 0,
    STARTUP = 6,
    PAGE_SHIFT = 12,
    MASK_BITS = 64
  };
  const uint32_t low = (uint32_t)n->words[RAX];
  const uint32_t to = (uint32_t)n->words[RDX];
  const unsigned kind = low >> 8 & 7;
  if ((uint32_t)n->words[RCX] != ICR || (low & SHORTHAND) != 0) return ZX_ERR_NOT_SUPPORTED;
  if (kind != FIXED && kind != STARTUP) return ZX_ERR_NOT_SUPPORTED;
  zx_port_packet_t* packet = &n->run->packet;
  *packet = (zx_port_packet_t){.type = ZX_PKT_TYPE_GUEST_VCPU};
  if (kind == FIXED) {
    packet->guest_vcpu.type = ZX_PKT_GUEST_VCPU_INTERRUPT;
    packet->guest_vcpu.interrupt.mask = to < MASK_BITS ? UINT64_C(1) << to : 0;
    packet->guest_vcpu.interrupt.vector = (uint8_t)low;
  } else {
    packet->guest_vcpu.type = ZX_PKT_GUEST_VCPU_STARTUP;
    packet->guest_vcpu.startup.id = to;
    packet->guest_vcpu.startup.entry = (uint64_t)(uint8_t)low << PAGE_SHIFT;
  }
  return ZX_OK;
}

static zx_status_t of_two_bytes(insn* n) {
  switch (take(n, 1)) {
    case 0x30:
      return write_msr(n);
    case 0x01:
      return load_table(n);
    case 0x20:
      return move_from_control(n);
    case 0x22:
      return move_to_control(n);
    case 0xae:
      return move_vectors(n);
    default:
      return ZX_ERR_NOT_SUPPORTED;
  }
}

static zx_status_t nothing(insn* n) {
  (void)n;
  return VS_SOFT_GOES_ON;
}

// The bits of an opcode that are fixed, and what it does.
static const struct {
  uint8_t mask;
  uint8_t bits;
  zx_status_t (*run)(insn*);
} instructions[] = {
    {0xfc, 0x88, move},              // MOV between ModRM's operand and a register
    {0xfe, 0xc6, move_immediate},    // MOV of an immediate to ModRM's operand
    {0xf8, 0xb8, move_to_register},  // MOV of an immediate to a register
    {0xff, 0x9c, push_flags},        // PUSHFQ
    {0xff, 0x8f, pop},               // POP to ModRM's operand
    {0xf4, 0xe4, port},              // IN and OUT, of an immediate port or DX
    {0xfd, 0xe9, jump},              // JMP, near and short
    {0xff, 0x90, nothing},           // NOP
    {0xfd, 0x68, push_immediate},    // PUSH of an immediate
    {0xff, 0x9d, pop_flags},         // POPFQ
    {0xff, 0xcf, return_from_interrupt},
    {0xff, 0x81, or_immediate},
    {0xff, 0x8d, load_address},       // LEA
    {0xff, 0xf7, invert},             // NOT
    {0xff, 0xf5, invert_carry},       // CMC
    {0xff, 0x8c, move_from_segment},  // MOV from a segment register
    {0xff, 0xfb, let_interrupts_in},  // STI
    {0xff, 0xf4, halt},               // HLT
    {0xff, 0x0f, of_two_bytes},  // LGDT, LIDT, WRMSR, MOV of a control register, FXSAVE, FXRSTOR
};

// At most one prefix of each kind, REX last.
static void take_opcode(insn* n) {
  enum { NARROW = 0x66, REX = 0x40, REX_MASK = 0xf0 };
  n->opcode = (uint8_t)take(n, 1);
  n->narrow = n->opcode == NARROW;
  if (n->narrow) n->opcode = (uint8_t)take(n, 1);
  if ((n->opcode & REX_MASK) != REX) return;
  n->rex = n->opcode;
  n->opcode = (uint8_t)take(n, 1);
}

static zx_status_t execute(insn* n) {
  take_opcode(n);
  if (n->at > n->length) return ZX_ERR_NOT_FOUND;
  for (size_t i = 0; i < sizeof instructions / sizeof instructions[0]; i++) {
    if ((n->opcode & instructions[i].mask) == instructions[i].bits) return instructions[i].run(n);
  }
  return ZX_ERR_NOT_SUPPORTED;
}

zx_status_t vs_soft_step_x64(vs_soft_run* run) {
  vs_soft_vcpu* v = run->vcpu;
  uint8_t* code = NULL;
  insn n = {.run = run, .words = v->words};
  const zx_status_t taken = vs_soft_offer_x64(run);
  if (taken != VS_SOFT_GOES_ON) return taken;
  const bool steps = (v->words[FLAGS] & FLAGS_TF) != 0;
  const size_t there = vs_soft_vmar_reach(v->guest->vmar, v->pc, &code);
  n.length = there < sizeof n.code ? there : sizeof n.code;
  if (n.length == 0) return ZX_ERR_NOT_FOUND;
  memcpy(n.code, code, n.length);
  const zx_status_t status = execute(&n);
  if (vs_soft_is_behind(run, status)) v->pc += n.at;
  const bool stops = steps && status == VS_SOFT_GOES_ON;
  return stops ? vs_soft_deliver_x64(run, DEBUG) : status;
}
