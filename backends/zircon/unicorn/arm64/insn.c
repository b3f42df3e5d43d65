// SPDX-License-Identifier: BSD-3-Clause
// Encodings: Arm Architecture Reference Manual for A-profile, "Loads and Stores".
#include "insn.h"

static uint32_t bits(uint32_t insn, unsigned first, unsigned count) {
  return insn >> first & ((UINT32_C(1) << count) - 1);
}

// opc: 0 store, 1 load, 2 load extended to 64 bits with the sign, 3 to 32 bits. What is left over
// of the encodings is prefetches.
static vs_uc_transfer of_size(uint32_t insn, unsigned size, unsigned opc) {
  return (vs_uc_transfer){.known = opc < 2 || size + opc < 5,
                          .access_size = (uint8_t)(1u << size),
                          .sign_extend = opc >= 2,
                          .xt = (uint8_t)bits(insn, 0, 5),
                          .read = opc != 0};
}

// Bits 21, 11 and 10 tell the forms apart: an unscaled offset, an unprivileged access and a
// register offset; the rest writes back or is atomic.
static bool is_plain_form(uint32_t insn) {
  const unsigned form = bits(insn, 21, 1) << 2 | bits(insn, 10, 2);
  return form == 0 || form == 2 || form == 6;
}

vs_uc_transfer vs_uc_transfer_decode(uint32_t insn) {
  const unsigned size = bits(insn, 30, 2), opc = bits(insn, 22, 2);
  switch (bits(insn, 24, 6)) {
    case 0x39:  // with an unsigned offset
      return of_size(insn, size, opc);
    case 0x38:
      if (is_plain_form(insn)) return of_size(insn, size, opc);
      break;
    case 0x18:  // relative to the instruction: 32 bits, 64 bits, 32 bits with sign, prefetch
      return of_size(insn, size == 1 ? 3 : 2, size == 3 ? 4 : 1 + (size == 2));
    case 0x08:  // acquire or release, in order
      if (bits(insn, 23, 1) == 1 && bits(insn, 21, 1) == 0) {
        return of_size(insn, size, bits(insn, 22, 1));
      }
      break;
    default:
      break;
  }
  return (vs_uc_transfer){.known = false};
}
