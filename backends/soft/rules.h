// SPDX-License-Identifier: BSD-3-Clause
// What a row of soft is made of: a register layout, and where published kernels differ. Internal to
// this folder.
#ifndef VS_BACKENDS_SOFT_RULES_H_
#define VS_BACKENDS_SOFT_RULES_H_

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <zircon/syscalls.h>

#include <vcpuspec/why.h>

// Both register layouts are rows of 64-bit words with the flags in the last one: rflags, and cpsr
// with its padding above it (hence little-endian hosts only).
_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "cpsr is the low half of its word");
enum { VS_SOFT_WORDS_MAX = 33, VS_SOFT_VECTORS = 256 };

typedef struct vs_soft_vcpu {
  uint64_t owner;  // never changes
  atomic_bool kicked;
  atomic_bool pending[VS_SOFT_VECTORS];  // interrupts, which nothing here delivers
  uint64_t words[VS_SOFT_WORDS_MAX];     // touched by the owner's thread only, hence without a lock
} vs_soft_vcpu;

typedef struct vs_soft_rules {
  size_t words;
  uint64_t flags_mask;  // what a write may change and a read shows
  uint64_t flags_gate;  // a write whose flags lack this bit leaves the flags alone
  bool flags_stay;      // a write sets flags and clears none
  bool has_io;          // ZX_VCPU_IO is for architectures with IN and OUT
  bool rights_first;    // a handle's rights are looked at before its type
  unsigned gpa_bits;    // an entry has to lie within the guest's physical address space
  // zx_vcpu_write_state, once the handle is good; NULL: in the order of soft.c.
  zx_status_t (*write)(vs_soft_vcpu* vcpu, uint32_t kind, const void* buffer, size_t size);
} vs_soft_rules;

#define VS_SOFT_X64 \
  .words = 17, .flags_mask = 0x244dd5, .flags_gate = 2, .has_io = true, .gpa_bits = 48
#define VS_SOFT_ARM64 .words = 33, .flags_mask = 0xf0000000, .gpa_bits = 36

// For a row's open and close.
bool vs_soft_open(const vs_soft_rules* rules, vs_why* reason);
void vs_soft_close(void);
extern const vs_calls vs_soft_calls;

// For `write`: the checks and the effects that the rows order in their own ways.
bool vs_soft_is_owner(const vs_soft_vcpu* vcpu);
void vs_soft_set_registers(vs_soft_vcpu* vcpu, const uint64_t* words);
void vs_soft_set_low_bytes(vs_soft_vcpu* vcpu, const uint8_t* data, size_t count);

#endif  // VS_BACKENDS_SOFT_RULES_H_
