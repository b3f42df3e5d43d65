// SPDX-License-Identifier: BSD-3-Clause
// What an exit does not tell of a load or store stands in its instruction.
#ifndef VS_BACKENDS_ZIRCON_KVM_ARM64_INSN_H_
#define VS_BACKENDS_ZIRCON_KVM_ARM64_INSN_H_

#include <stdbool.h>
#include <stdint.h>

typedef enum vs_kvm_arm64_isa {
  VS_KVM_ARM64_A64,
  VS_KVM_ARM64_A32,  // EL0 alone: EL1 is of 64 bits
  VS_KVM_ARM64_T32
} vs_kvm_arm64_isa;

typedef struct vs_kvm_arm64_transfer {
  bool known;        // otherwise nothing below is
  uint8_t xt;        // as 64-bit code has it: r0 to r14 are x0 to x14 there
  bool sign_extend;  // if it is a load
} vs_kvm_arm64_transfer;

// Of a load or store that a processor describes: one register, no write-back, not exclusive. Of A64
// everything is known, as the processor has said that it is one. T32 has the first halfword in the
// low half of `insn`; an instruction of 16 bits has no other.
vs_kvm_arm64_transfer vs_kvm_arm64_transfer_of(vs_kvm_arm64_isa isa, uint32_t insn);

// Whether this halfword of T32 is the first of two.
bool vs_kvm_arm64_is_wide(uint32_t halfword);

#endif  // VS_BACKENDS_ZIRCON_KVM_ARM64_INSN_H_
