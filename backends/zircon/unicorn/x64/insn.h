// SPDX-License-Identifier: BSD-3-Clause
// The few x86 instructions that are looked at before they run: those at which a guest leaves (IN,
// OUT, their string forms, HLT), and those that Unicorn does not do as a processor does.
#ifndef VS_BACKENDS_ZIRCON_UNICORN_X64_INSN_H_
#define VS_BACKENDS_ZIRCON_UNICORN_X64_INSN_H_

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { VS_UC_INSN_LONGEST = 15 };

typedef enum vs_uc_insn_kind {
  VS_UC_INSN_OTHER,
  VS_UC_INSN_IO,         // IN or OUT of AL, AX or EAX
  VS_UC_INSN_STRING_IO,  // INS, OUTS, with or without REP
  VS_UC_INSN_HLT,
  VS_UC_INSN_INVALID,  // one of these with LOCK, which Unicorn would let pass
  // Of 64-bit and 32-bit code:
  VS_UC_INSN_SYSTEM,  // see `op`
  VS_UC_INSN_AFTER,   // Unicorn does it, and something has to follow
  VS_UC_INSN_CPUID,   // likewise
} vs_uc_insn_kind;

// The second byte of VS_UC_INSN_SYSTEM, after 0f.
enum {
  VS_UC_VMCALL = 0x01,
  VS_UC_SYSCALL = 0x05,
  VS_UC_SYSRET = 0x07,
  VS_UC_FROM_CR0 = 0x20,
  VS_UC_TO_CR0 = 0x22,
  VS_UC_WRMSR = 0x30,
  VS_UC_RDMSR = 0x32,
  VS_UC_SYSENTER = 0x34,
  VS_UC_SYSEXIT = 0x35
};

typedef struct vs_uc_insn {
  vs_uc_insn_kind kind;
  uint8_t length;  // bytes
  // Of VS_UC_INSN_IO:
  uint8_t access_size;  // 1, 2 or 4
  bool input;
  bool port_in_dx;  // otherwise:
  uint8_t port;
  // Of VS_UC_INSN_SYSTEM:
  uint8_t op;
  uint8_t reg;  // the general register of a move
  bool wide;    // REX.W
} vs_uc_insn;

// Which first bytes an instruction of a kind above can have, and which second ones after 0f.
extern const bool vs_uc_insn_starts[256];
extern const bool vs_uc_insn_seconds[256];

// The path that every instruction takes: false if it is of no kind above. Most 64-bit code starts
// with a REX prefix, which alone says nothing. Three bytes are looked at, whatever its length.
static inline bool vs_uc_insn_may_leave(const uint8_t* bytes) {
  bytes += (bytes[0] & 0xf0) == 0x40;
  return bytes[0] == 0x0f ? vs_uc_insn_seconds[bytes[1]] : vs_uc_insn_starts[bytes[0]];
}

// `length` bytes, at most 15, hold the whole instruction, of 64-bit or of 16-bit code.
vs_uc_insn vs_uc_insn_decode(const uint8_t* bytes, size_t length, bool is_16bit);

#endif  // VS_BACKENDS_ZIRCON_UNICORN_X64_INSN_H_
