// SPDX-License-Identifier: BSD-3-Clause
#include "insn.h"

// The opcodes, and every prefix that may stand before them: operand size, address size, segments,
// REP and REX. LOCK makes them invalid.
const bool vs_uc_insn_starts[256] = {
    [0x26] = true, [0x2e] = true, [0x36] = true, [0x3e] = true, [0x40] = true, [0x41] = true,
    [0x42] = true, [0x43] = true, [0x44] = true, [0x45] = true, [0x46] = true, [0x47] = true,
    [0x48] = true, [0x49] = true, [0x4a] = true, [0x4b] = true, [0x4c] = true, [0x4d] = true,
    [0x4e] = true, [0x4f] = true, [0x64] = true, [0x65] = true, [0x66] = true, [0x67] = true,
    [0x6c] = true, [0x6d] = true, [0x6e] = true, [0x6f] = true, [0xe4] = true, [0xe5] = true,
    [0xe6] = true, [0xe7] = true, [0xec] = true, [0xed] = true, [0xee] = true, [0xef] = true,
    [0xf0] = true, [0xf2] = true, [0xf3] = true, [0xf4] = true, [0xca] = true, [0xcb] = true,
    [0xcf] = true,
};

const bool vs_uc_insn_seconds[256] = {
    [0x01] = true, [0x05] = true, [0x07] = true, [0x20] = true, [0x22] = true,
    [0x30] = true, [0x32] = true, [0x34] = true, [0x35] = true, [0xa2] = true,
};

static bool is_rex(uint8_t byte) {
  return (byte & 0xf0) == 0x40;
}

static bool is_prefix(uint8_t byte) {
  switch (byte) {
    case 0x26:
    case 0x2e:
    case 0x36:
    case 0x3e:
    case 0x64:
    case 0x65:
    case 0x66:
    case 0x67:
    case 0xf0:
    case 0xf2:
    case 0xf3:
      return true;
    default:
      return is_rex(byte);
  }
}

static bool has(uint8_t prefix, const uint8_t* bytes, size_t opcode_at) {
  for (size_t i = 0; i < opcode_at; i++) {
    if (bytes[i] == prefix) return true;
  }
  return false;
}

static vs_uc_insn_kind kind_of(uint8_t opcode) {
  switch (opcode) {
    case 0x6c:
    case 0x6d:
    case 0x6e:
    case 0x6f:
      return VS_UC_INSN_STRING_IO;
    case 0xe4:
    case 0xe5:
    case 0xe6:
    case 0xe7:
    case 0xec:
    case 0xed:
    case 0xee:
    case 0xef:
      return VS_UC_INSN_IO;
    case 0xf4:
      return VS_UC_INSN_HLT;
    case 0xca:  // far returns, IRET
    case 0xcb:
    case 0xcf:
      return VS_UC_INSN_AFTER;
    default:
      return VS_UC_INSN_OTHER;
  }
}

static bool is_wide(const uint8_t* bytes, size_t opcode_at) {
  return opcode_at > 0 && (bytes[opcode_at - 1] & 0xf8) == 0x48;
}

// REX.W counts only right before the opcode; there it overrules the operand-size prefix.
static uint8_t access_size(const uint8_t* bytes, size_t opcode_at, bool is_16bit) {
  if ((bytes[opcode_at] & 1) == 0) return 1;
  return (has(0x66, bytes, opcode_at) && !is_wide(bytes, opcode_at)) != is_16bit ? 2 : 4;
}

// Of the moves of control registers, those of CR0 are not Unicorn's, and those to CR3 and CR4 it
// does. `bits` are those of REX.
static vs_uc_insn_kind move(vs_uc_insn* insn, uint8_t modrm, uint8_t bits) {
  enum { REX_B = 1, REX_R = 4 };
  const unsigned number = (modrm >> 3 & 7u) | ((bits & REX_R) != 0 ? 8u : 0u);
  insn->reg = (uint8_t)((modrm & 7u) | ((bits & REX_B) != 0 ? 8u : 0u));
  if (number == 0) return VS_UC_INSN_SYSTEM;
  return insn->op == VS_UC_TO_CR0 ? VS_UC_INSN_AFTER : VS_UC_INSN_OTHER;
}

// Of 0f 01: VMCALL, and INVLPG, which has memory for its operand.
static vs_uc_insn_kind group(uint8_t modrm) {
  if (modrm == 0xc1) return VS_UC_INSN_SYSTEM;
  return (modrm >> 3 & 7) == 7 && modrm < 0xc0 ? VS_UC_INSN_AFTER : VS_UC_INSN_OTHER;
}

// `at` is where 0f is.
static vs_uc_insn_kind of_two_bytes(vs_uc_insn* insn, const uint8_t* bytes, size_t at,
                                    size_t length) {
  const uint8_t rex = at > 0 && is_rex(bytes[at - 1]) ? bytes[at - 1] : 0;
  if (length < at + 2 || !vs_uc_insn_seconds[bytes[at + 1]]) return VS_UC_INSN_OTHER;
  insn->op = bytes[at + 1];
  insn->wide = is_wide(bytes, at);
  if (insn->op == 0xa2) return VS_UC_INSN_CPUID;
  const bool has_modrm =
      insn->op == VS_UC_VMCALL || insn->op == VS_UC_FROM_CR0 || insn->op == VS_UC_TO_CR0;
  insn->length = (uint8_t)(at + 2 + has_modrm);
  if (!has_modrm) return VS_UC_INSN_SYSTEM;
  if (length < insn->length) return VS_UC_INSN_OTHER;
  return insn->op == VS_UC_VMCALL ? group(bytes[at + 2]) : move(insn, bytes[at + 2], rex);
}

// What is a REX prefix in 64-bit code is a whole instruction in 16-bit code, and no opcode follows.
vs_uc_insn vs_uc_insn_decode(const uint8_t* bytes, size_t length, bool is_16bit) {
  vs_uc_insn insn = {.kind = VS_UC_INSN_OTHER, .length = (uint8_t)length};
  size_t at = 0;
  while (at < length && is_prefix(bytes[at])) at++;
  if (at == length) return insn;
  const uint8_t opcode = bytes[at];
  insn.kind =
      opcode == 0x0f && !is_16bit ? of_two_bytes(&insn, bytes, at, length) : kind_of(opcode);
  if (insn.kind == VS_UC_INSN_OTHER) return insn;
  if (has(0xf0, bytes, at)) insn.kind = VS_UC_INSN_INVALID;
  if (insn.kind != VS_UC_INSN_IO) return insn;
  // Bit 3 of the opcode: port in DX, not in a byte of its own; bit 1: OUT.
  insn.port_in_dx = (opcode & 8) != 0;
  insn.port = insn.port_in_dx ? 0 : bytes[length - 1];
  insn.access_size = access_size(bytes, at, is_16bit);
  insn.input = (opcode & 2) == 0;
  return insn;
}
