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
    [0xf0] = true, [0xf2] = true, [0xf3] = true, [0xf4] = true,
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
    default:
      return VS_UC_INSN_OTHER;
  }
}

// REX.W counts only right before the opcode; there it overrules the operand-size prefix.
static uint8_t access_size(const uint8_t* bytes, size_t opcode_at, bool is_16bit) {
  if ((bytes[opcode_at] & 1) == 0) return 1;
  const bool wide = opcode_at > 0 && (bytes[opcode_at - 1] & 0xf8) == 0x48;
  return (has(0x66, bytes, opcode_at) && !wide) != is_16bit ? 2 : 4;
}

// What is a REX prefix in 64-bit code is a whole instruction in 16-bit code, and no opcode follows.
vs_uc_insn vs_uc_insn_decode(const uint8_t* bytes, size_t length, bool is_16bit) {
  vs_uc_insn insn = {.kind = VS_UC_INSN_OTHER, .length = (uint8_t)length};
  size_t at = 0;
  while (at < length && is_prefix(bytes[at])) at++;
  if (at == length) return insn;
  const uint8_t opcode = bytes[at];
  insn.kind = kind_of(opcode);
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
