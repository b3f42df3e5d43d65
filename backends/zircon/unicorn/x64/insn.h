// SPDX-License-Identifier: BSD-3-Clause
// The few x86 instructions at which a guest leaves: IN, OUT, their string forms, and HLT.
#ifndef VS_BACKENDS_ZIRCON_UNICORN_X64_INSN_H_
#define VS_BACKENDS_ZIRCON_UNICORN_X64_INSN_H_

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef enum vs_uc_insn_kind {
  VS_UC_INSN_OTHER,
  VS_UC_INSN_IO,         // IN or OUT of AL, AX or EAX
  VS_UC_INSN_STRING_IO,  // INS, OUTS, with or without REP
  VS_UC_INSN_HLT,
  VS_UC_INSN_INVALID,  // one of these with LOCK, which Unicorn would let pass
} vs_uc_insn_kind;

typedef struct vs_uc_insn {
  vs_uc_insn_kind kind;
  uint8_t length;  // bytes
  // Of VS_UC_INSN_IO:
  uint8_t access_size;  // 1, 2 or 4
  bool input;
  bool port_in_dx;  // otherwise:
  uint8_t port;
} vs_uc_insn;

// Which first bytes an instruction of a kind above can have.
extern const bool vs_uc_insn_starts[256];

// The path that every instruction takes: false if it is of no kind above. Most 64-bit code starts
// with a REX prefix, which alone says nothing.
static inline bool vs_uc_insn_may_leave(const uint8_t* bytes, size_t length) {
  const bool rex = (bytes[0] & 0xf0) == 0x40 && length > 1;
  return vs_uc_insn_starts[bytes[rex]];
}

// `length` bytes, at most 15, are the whole instruction, of 64-bit or of 16-bit code.
vs_uc_insn vs_uc_insn_decode(const uint8_t* bytes, size_t length, bool is_16bit);

#endif  // VS_BACKENDS_ZIRCON_UNICORN_X64_INSN_H_
