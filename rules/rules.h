// SPDX-License-Identifier: BSD-3-Clause
// The rules of zx_vcpu_write_state once more: what may be answered, and what an accepted call does.
// Written from the reference page and from what is known of published kernels, without sight of
// model/, in plain ifs over scalars, so that a prover reads it (`make prove`; what is proved is in
// logic.h and theorems.c) and a test holds it against the oracle (conformance/tests/test_rules.c).
//
// Not in here: that a choice is made once for several calls, and calls that run side by side. The
// seven calls around this one are in family.h. docs/proof.md says what is proved.
#ifndef VCPUSPEC_RULES_H_
#define VCPUSPEC_RULES_H_

#include <stdbool.h>
#include <stdint.h>

#include <zircon/types.h>

typedef enum vs_rules_profile {
  VS_RULES_DOCUMENTED,    // the page alone
  VS_RULES_ZIRCON_X64,    // speaks of x86-64
  VS_RULES_ZIRCON_ARM64,  // speaks of arm64
  VS_RULES_ZIRCON_2018,   // speaks of both
  VS_RULES_ZIRCON_2023,   // the same; zx_vcpu_write_state is as in those of one architecture
  VS_RULES_ZIRCON_2026,   // the same
  VS_RULES_ZCORE,         // speaks of x86-64
  VS_RULES_PROFILES
} vs_rules_profile;

// One call, and what it finds. Of an invalid handle, and of a handle to something else, what is
// said below it means nothing.
typedef struct vs_rules_call {
  bool arm64;         // the architecture; else x86-64
  bool valid;         // the handle names something
  bool vcpu;          // a vCPU
  bool right_known;   // if not, it may have ZX_RIGHT_WRITE, and it may not
  bool right;         // it has ZX_RIGHT_WRITE
  bool creator;       // the calling thread created the vCPU
  bool running;       // the vCPU is executing
  bool null;          // the buffer is the null pointer
  bool user;          // the buffer's address is in the user half
  uint8_t residue;    // that address modulo 8
  uint8_t first;      // the first byte that the call finds there: access_size of ZX_VCPU_IO
  uint32_t kind;      //
  uint64_t size;      // buffer_size
  uint64_t readable;  // how many bytes the caller can read from that address on
} vs_rules_call;

// What may come back. `anything`: the implementation may do whatever it likes, or crash.
typedef struct vs_rules_answers {
  bool ok;
  bool access_denied;
  bool bad_handle;
  bool bad_state;
  bool invalid_args;
  bool wrong_type;
  bool anything;
} vs_rules_answers;

// The registers that ZX_VCPU_STATE holds. `bytes` are all but the flags, where the buffer has them
// (each register little endian; 128 bytes on x86-64, 256 on arm64, and no more is looked at);
// `flags` are the bits of rflags or cpsr, lowest first, each 0 or 1.
typedef struct vs_rules_registers {
  uint8_t bytes[256];
  uint8_t flags[64];
} vs_rules_registers;

// Where the page leaves a choice of what an accepted call does, and what is no choice (`or_only`)
// but done by published kernels.
typedef struct vs_rules_choices {
  bool gated;         // flags are written only if bit 1 of those given is set (x86-64)
  bool keeps_nt;      // NT, AC and ID stay as they are
  bool keeps_ac;      //
  bool keeps_id;      //
  bool or_only;       // flags are set and never cleared
  bool zeroes_upper;  // ZX_VCPU_IO zeroes the accumulator above access_size
} vs_rules_choices;

// Whether the profile is about that architecture.
bool vs_rules_speaks(vs_rules_profile profile, bool arm64);

// What may be answered to the call. Where the profile does not speak of the architecture: anything.
vs_rules_answers vs_rules_answer(vs_rules_profile profile, const vs_rules_call* c);

// Whether the answers hold that status.
bool vs_rules_allows(const vs_rules_answers* answers, zx_status_t status);

// Whether it is said what a call that was accepted does to the registers. It is not for ZX_VCPU_IO
// where there are no ports, and not for an access_size that overruns (zircon-2018).
bool vs_rules_effect_known(vs_rules_profile profile, const vs_rules_call* c);

// The choices that the profile's kernel has made; for `documented`, those of zircon-x64.
void vs_rules_made(vs_rules_profile profile, bool arm64, vs_rules_choices* made);

// What the call does to the registers `now` if `status` is its answer, with those choices. `given`
// is the buffer of ZX_VCPU_STATE, `data` the four bytes of ZX_VCPU_IO's; the other one is not
// looked at. An access_size above 4 is done as 4: vs_rules_effect_known is false of it.
void vs_rules_apply(const vs_rules_call* c, zx_status_t status, const vs_rules_choices* choices,
                    const vs_rules_registers* given, const uint8_t* data, vs_rules_registers* now);

// Whether the page lets an accepted call turn the registers `before` into `after`.
bool vs_rules_may_become(const vs_rules_call* c, const vs_rules_registers* given,
                         const uint8_t* data, const vs_rules_registers* before,
                         const vs_rules_registers* after);

// A buffer of ZX_VCPU_STATE, of 136 or 264 bytes, as registers. The rest of those is zero.
void vs_rules_unpack(bool arm64, const uint8_t* buffer, vs_rules_registers* registers);

#endif  // VCPUSPEC_RULES_H_
