// SPDX-License-Identifier: BSD-3-Clause
// How long a store was that KVM has completed: RIP is behind it, and nothing says where it began.
// So each length is tried, the shortest first: the bytes have to be one instruction that writes so
// much memory to where the access went, with the registers as they are, and the same data; a store
// changes none of those that its address is made of. A prefix that means nothing is not counted.
#include <stddef.h>
#include <string.h>

#include "loaded/capstone.h"
#include "x64/x64.h"

enum { LONGEST = 15 };

// The general registers by each of their names; what a write of 8 bits can be of in bits 8 to 15 as
// well.
#define NAMES(field, r64, r32, r16, r8)                          \
  {X86_REG_##r64, offsetof(struct kvm_regs, field), 8, 0},       \
      {X86_REG_##r32, offsetof(struct kvm_regs, field), 4, 0},   \
      {X86_REG_##r16, offsetof(struct kvm_regs, field), 2, 0}, { \
    X86_REG_##r8, offsetof(struct kvm_regs, field), 1, 0         \
  }
#define HIGH(field, r8) \
  { X86_REG_##r8, offsetof(struct kvm_regs, field), 1, 8 }

static const struct {
  x86_reg reg;
  size_t at;
  uint8_t bytes;
  uint8_t shift;
} names[] = {
    NAMES(rax, RAX, EAX, AX, AL),
    NAMES(rcx, RCX, ECX, CX, CL),
    NAMES(rdx, RDX, EDX, DX, DL),
    NAMES(rbx, RBX, EBX, BX, BL),
    NAMES(rsp, RSP, ESP, SP, SPL),
    NAMES(rbp, RBP, EBP, BP, BPL),
    NAMES(rsi, RSI, ESI, SI, SIL),
    NAMES(rdi, RDI, EDI, DI, DIL),
    NAMES(r8, R8, R8D, R8W, R8B),
    NAMES(r9, R9, R9D, R9W, R9B),
    NAMES(r10, R10, R10D, R10W, R10B),
    NAMES(r11, R11, R11D, R11W, R11B),
    NAMES(r12, R12, R12D, R12W, R12B),
    NAMES(r13, R13, R13D, R13W, R13B),
    NAMES(r14, R14, R14D, R14W, R14B),
    NAMES(r15, R15, R15D, R15W, R15B),
    HIGH(rax, AH),
    HIGH(rcx, CH),
    HIGH(rdx, DH),
    HIGH(rbx, BH),
    {X86_REG_RIP, offsetof(struct kvm_regs, rip), 8, 0},  // behind the instruction, as it counts
    {X86_REG_EIP, offsetof(struct kvm_regs, rip), 4, 0},
};

// False: no general register, whose value is not known.
static bool find_value(x86_reg reg, const struct kvm_regs* regs, uint64_t* value) {
  for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
    if (names[i].reg != reg) continue;
    memcpy(value, (const uint8_t*)regs + names[i].at, sizeof *value);
    *value = *value >> names[i].shift & vs_kvm_x64_low_mask(names[i].bytes);
    return true;
  }
  return false;
}

static uint64_t value_of(x86_reg reg, const struct kvm_regs* regs) {
  uint64_t value = 0;
  return find_value(reg, regs, &value) ? value : 0;
}

// 64-bit code has a base for FS and GS alone.
static uint64_t base_of(x86_reg segment, const struct kvm_sregs* s) {
  if (segment == X86_REG_FS) return s->fs.base;
  if (segment == X86_REG_GS) return s->gs.base;
  if (s->cs.l) return 0;
  return segment == X86_REG_ES ? s->es.base : segment == X86_REG_SS ? s->ss.base : s->ds.base;
}

static bool is_at(const vs_cpu* cpu, uint64_t linear, uint64_t gpa) {
  struct kvm_translation t = {.linear_address = linear};
  return VS_KVM_IOCTL(cpu->fd, KVM_TRANSLATE, &t) >= 0 && t.valid && t.physical_address == gpa;
}

// Whether what was stored is what the instruction stores, as far as that can be told: a register or
// a number beside the memory.
static bool stores(const cs_x86* x86, const struct kvm_regs* regs, const vs_kvm_store* store) {
  const uint64_t mask = vs_kvm_x64_low_mask(store->bytes);
  for (uint8_t i = 0; i < x86->op_count; i++) {
    const cs_x86_op* op = &x86->operands[i];
    uint64_t value = store->data & mask;
    if (op->type == X86_OP_IMM) value = (uint64_t)op->imm;
    if (op->type == X86_OP_REG) (void)find_value(op->reg, regs, &value);
    if ((value & mask) != (store->data & mask)) return false;
  }
  return true;
}

// Of what reads and writes its memory, what it stores is not known.
static bool may_store(const cs_x86_op* memory, const cs_x86* x86, const struct kvm_regs* regs,
                      const vs_kvm_store* store) {
  return memory->access != CS_AC_WRITE || stores(x86, regs, store);
}

static bool is_it(const vs_cpu* cpu, const struct kvm_sregs* sregs, const cs_insn* insn,
                  const vs_kvm_store* store) {
  const struct kvm_regs* regs = &cpu->run->s.regs.regs;
  const cs_x86* x86 = &insn->detail->x86;
  for (uint8_t i = 0; i < x86->op_count; i++) {
    const cs_x86_op* op = &x86->operands[i];
    if (op->type != X86_OP_MEM || (op->size > store->bytes) != store->is_part) continue;
    if (op->size < store->bytes) continue;
    // Of vector instructions libcapstone does not say which operand is written.
    if (!store->is_part && !(op->access & CS_AC_WRITE)) continue;
    if (!may_store(op, x86, regs, store)) continue;
    const uint64_t index = value_of(op->mem.index, regs) * (uint64_t)op->mem.scale;
    const uint64_t offset = value_of(op->mem.base, regs) + index + (uint64_t)op->mem.disp;
    const uint64_t kept = offset & vs_kvm_x64_low_mask(x86->addr_size);
    if (is_at(cpu, base_of(op->mem.segment, sregs) + kept, store->gpa)) return true;
  }
  return false;
}

static bool fetch_at(const vs_cpu* cpu, uint64_t linear, uint8_t* out, size_t size) {
  struct kvm_translation t = {.linear_address = linear};
  return VS_KVM_IOCTL(cpu->fd, KVM_TRANSLATE, &t) >= 0 && t.valid &&
         vs_kvm_fetch(cpu->vm, t.physical_address, out, size);
}

// The bytes before RIP, the last one at the end of `code`: how many there are, for the page before
// that of the last one may not be there.
static size_t fetch(const vs_cpu* cpu, const struct kvm_sregs* sregs, uint8_t code[LONGEST]) {
  const uint64_t end = (sregs->cs.l ? 0 : sregs->cs.base) + cpu->run->s.regs.regs.rip;
  const size_t on_page = (size_t)((end - 1) % VS_ENGINE_PAGE) + 1;
  const size_t last = on_page < LONGEST ? on_page : LONGEST;
  if (!fetch_at(cpu, end - last, code + LONGEST - last, last)) return 0;
  if (last == LONGEST) return LONGEST;
  return fetch_at(cpu, end - LONGEST, code, LONGEST - last) ? LONGEST : last;
}

static uint8_t search(const vs_cpu* cpu, const struct kvm_sregs* sregs, csh decoder,
                      const uint8_t code[LONGEST], size_t most, const vs_kvm_store* store) {
  cs_insn* insn = cs_malloc(decoder);
  uint8_t found = 0;
  if (insn == NULL) return 0;
  for (uint8_t length = 1; length <= most && found == 0; length++) {
    const uint8_t* at = code + LONGEST - length;
    size_t left = length;
    uint64_t address = cpu->run->s.regs.regs.rip - length;
    const bool whole = cs_disasm_iter(decoder, &at, &left, &address, insn) && left == 0;
    if (whole && is_it(cpu, sregs, insn, store)) found = length;
  }
  cs_free(insn, 1);
  return found;
}

static uint8_t decode(const vs_cpu* cpu, const struct kvm_sregs* sregs, const uint8_t code[LONGEST],
                      size_t most, const vs_kvm_store* store) {
  const cs_mode mode = sregs->cs.l ? CS_MODE_64 : sregs->cs.db ? CS_MODE_32 : CS_MODE_16;
  csh decoder;
  if (cs_open(CS_ARCH_X86, mode, &decoder) != CS_ERR_OK) return 0;
  cs_option(decoder, CS_OPT_DETAIL, CS_OPT_ON);
  const uint8_t length = search(cpu, sregs, decoder, code, most, store);
  cs_close(&decoder);
  return length;
}

bool vs_kvm_arch_load(vs_why* reason) {
  return vs_capstone_load(reason);
}

static vs_kvm_insn* place_of(vs_cpu* cpu) {
  const uint64_t end = cpu->run->s.regs.regs.rip;
  return &cpu->known[(end ^ end >> 3) % VS_KVM_INSNS];
}

static bool is_known(const vs_cpu* cpu, const vs_kvm_insn* last, const struct kvm_sregs* sregs) {
  uint8_t bytes[LONGEST];
  return last->length != 0 && last->end == cpu->run->s.regs.regs.rip && last->cr3 == sregs->cr3 &&
         vs_kvm_fetch(cpu->vm, last->gpa, bytes, last->length) &&
         memcmp(bytes, last->bytes, last->length) == 0;
}

// Only what lies on one page is kept: its address is then that of all its bytes.
static void keep(vs_cpu* cpu, const struct kvm_sregs* sregs, const uint8_t* bytes, uint8_t length) {
  const uint64_t end = cpu->run->s.regs.regs.rip;
  struct kvm_translation t = {.linear_address = (sregs->cs.l ? 0 : sregs->cs.base) + end - length};
  vs_kvm_insn* kept = place_of(cpu);
  *kept = (vs_kvm_insn){.end = end, .cr3 = sregs->cr3};
  if ((end - 1) % VS_ENGINE_PAGE + 1 < length) return;
  if (VS_KVM_IOCTL(cpu->fd, KVM_TRANSLATE, &t) < 0 || !t.valid) return;
  kept->gpa = t.physical_address;
  kept->length = length;
  memcpy(kept->bytes, bytes, length);
}

uint8_t vs_kvm_x64_length(vs_cpu* cpu, const struct kvm_sregs* sregs, const vs_kvm_store* store) {
  uint8_t code[LONGEST] = {0};
  const vs_kvm_insn* known = place_of(cpu);
  if (!store->is_part && is_known(cpu, known, sregs)) return known->length;
  const size_t most = fetch(cpu, sregs, code);
  const uint8_t length = decode(cpu, sregs, code, most, store);
  if (!store->is_part) keep(cpu, sregs, code + LONGEST - length, length);
  return length;
}
