// SPDX-License-Identifier: BSD-3-Clause
// Encodings: Arm Architecture Reference Manual for A-profile, "Loads and Stores" (A64), "A32
// instruction set encoding" and "T32 instruction set encoding".
#include "arm64/insn.h"

#define PC 15u  // a load of it is a jump; for other instructions it means a prefetch

static uint32_t bits(uint32_t insn, unsigned first, unsigned count) {
  return insn >> first & ((UINT32_C(1) << count) - 1);
}

static vs_kvm_arm64_transfer of(uint32_t rt, bool sign_extend) {
  return (vs_kvm_arm64_transfer){rt != PC, (uint8_t)rt, sign_extend};
}

static const vs_kvm_arm64_transfer unknown = {.known = false};

// --- A64 ----------------------------------------------------------------------------------------

static bool a64_extends_sign(uint32_t insn) {
  switch (bits(insn, 24, 6)) {
    case 0x19:  // acquire, with an unscaled offset
    case 0x38:  // with an unscaled or a register offset; atomic ones and LDAPR are among them
      if (bits(insn, 21, 1) != 0 && bits(insn, 10, 2) == 0) return false;
      return bits(insn, 23, 1) != 0;
    case 0x39:  // with an unsigned offset
      return bits(insn, 23, 1) != 0;
    case 0x18:  // relative to the instruction
      return bits(insn, 30, 2) == 2;
    default:
      return false;
  }
}

// --- A32 ----------------------------------------------------------------------------------------

// P and not W: the address is that of the offset, and the base register stays.
static bool a32_keeps_base(uint32_t insn) {
  return bits(insn, 24, 1) == 1 && bits(insn, 21, 1) == 0;
}

// Halfwords, and bytes with their sign; of two words there are LDRD and STRD.
static vs_kvm_arm64_transfer a32_extra(uint32_t insn) {
  const bool load = bits(insn, 20, 1) != 0;
  const bool extends = bits(insn, 6, 1) != 0;
  if (!a32_keeps_base(insn) || (extends && !load)) return unknown;
  return of(bits(insn, 12, 4), extends);
}

// LDA and STL; what else is here is exclusive.
static vs_kvm_arm64_transfer a32_acquire(uint32_t insn) {
  if (bits(insn, 8, 2) != 0 || bits(insn, 23, 2) != 3 || bits(insn, 21, 2) == 1) return unknown;
  return of(bits(insn, bits(insn, 20, 1) != 0 ? 12 : 0, 4), false);
}

static vs_kvm_arm64_transfer a32(uint32_t insn) {
  const bool by_register = bits(insn, 25, 3) == 3 && bits(insn, 4, 1) == 0;
  if (bits(insn, 28, 4) == 15) return unknown;
  if (bits(insn, 25, 3) == 2 || by_register)
    return a32_keeps_base(insn) ? of(bits(insn, 12, 4), false) : unknown;
  if (bits(insn, 25, 3) != 0 || bits(insn, 7, 1) == 0 || bits(insn, 4, 1) == 0) return unknown;
  return bits(insn, 5, 2) == 0 ? a32_acquire(insn) : a32_extra(insn);
}

// --- T32 ----------------------------------------------------------------------------------------

bool vs_kvm_arm64_is_wide(uint32_t halfword) {
  return bits(halfword, 11, 5) >= 0x1d;
}

static vs_kvm_arm64_transfer t32_narrow(uint32_t insn) {
  switch (bits(insn, 12, 4)) {
    case 4:  // relative to the instruction, or nothing that accesses memory
      return bits(insn, 11, 1) != 0 ? of(bits(insn, 8, 3), false) : unknown;
    case 5:  // with a register offset: the signed ones are 3 and 7
      return of(bits(insn, 0, 3), bits(insn, 9, 2) == 3);
    case 6:
    case 7:
    case 8:
      return of(bits(insn, 0, 3), false);
    case 9:  // relative to the stack pointer
      return of(bits(insn, 8, 3), false);
    default:
      return unknown;
  }
}

// Of the forms with an offset of eight bits: a negative one, and an unprivileged access.
static bool t32_keeps_base(uint32_t first, uint32_t second) {
  const bool of_pc = bits(first, 0, 4) == PC, long_offset = bits(first, 7, 1) != 0;
  const bool by_register = bits(second, 6, 6) == 0;
  const uint32_t puw = bits(second, 8, 3);
  if (of_pc || long_offset || by_register) return true;
  return bits(second, 11, 1) != 0 && (puw == 4 || puw == 6);
}

static vs_kvm_arm64_transfer t32_wide(uint32_t first, uint32_t second) {
  const uint32_t rt = bits(second, 12, 4);
  const bool acquire = bits(first, 5, 11) == 0x746 && bits(second, 6, 2) == 2;  // LDA and STL
  if (acquire) return of(rt, false);
  if (bits(first, 9, 7) != 0x7c || bits(first, 5, 2) == 3) return unknown;
  return t32_keeps_base(first, second) ? of(rt, bits(first, 8, 1) != 0) : unknown;
}

vs_kvm_arm64_transfer vs_kvm_arm64_transfer_of(vs_kvm_arm64_isa isa, uint32_t insn) {
  const uint32_t first = bits(insn, 0, 16);
  if (isa == VS_KVM_ARM64_A32) return a32(insn);
  if (isa == VS_KVM_ARM64_T32)
    return vs_kvm_arm64_is_wide(first) ? t32_wide(first, insn >> 16) : t32_narrow(first);
  return (vs_kvm_arm64_transfer){true, (uint8_t)bits(insn, 0, 5), a64_extends_sign(insn)};
}
