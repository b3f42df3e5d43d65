// SPDX-License-Identifier: BSD-3-Clause
// Kinds, layouts and constants of the hypervisor calls (zircon/syscalls/hypervisor.h). The layouts
// of every architecture stand side by side, so that one machine can judge a trace of another.
#ifndef ZIRCON_SYSCALLS_HYPERVISOR_H_
#define ZIRCON_SYSCALLS_HYPERVISOR_H_

#include <zircon/types.h>

// What zx_vcpu_write_state writes.
#define ZX_VCPU_STATE ((uint32_t)0u)  // the registers: zx_vcpu_state_<arch>_t
#define ZX_VCPU_IO ((uint32_t)1u)     // the answer to an IN: zx_vcpu_io_t

#define ZX_GUEST_OPT_NORMAL ((uint32_t)0u)

#define ZX_GUEST_TRAP_BELL ((uint32_t)0u)
#define ZX_GUEST_TRAP_MEM ((uint32_t)1u)
#define ZX_GUEST_TRAP_IO ((uint32_t)2u)

typedef struct zx_vcpu_state_x64 {
  // The order is the ABI's: rbx comes fourth.
  uint64_t rax;
  uint64_t rcx;
  uint64_t rdx;
  uint64_t rbx;
  uint64_t rsp;
  uint64_t rbp;
  uint64_t rsi;
  uint64_t rdi;
  uint64_t r8;
  uint64_t r9;
  uint64_t r10;
  uint64_t r11;
  uint64_t r12;
  uint64_t r13;
  uint64_t r14;
  uint64_t r15;
  uint64_t rflags;  // only the user-controllable bits matter; in a write, bit 1 is a gate
} zx_vcpu_state_x64_t;

typedef struct zx_vcpu_state_arm64 {
  uint64_t x[31];
  uint64_t sp;
  uint32_t cpsr;  // only N Z C V (bits 31..28) matter
  uint8_t padding1[4];
} zx_vcpu_state_arm64_t;

#if defined(__aarch64__)
typedef zx_vcpu_state_arm64_t zx_vcpu_state_t;  // this machine's
#else
typedef zx_vcpu_state_x64_t zx_vcpu_state_t;  // this machine's
#endif

typedef struct zx_vcpu_io {
  uint8_t access_size;  // bytes: 1, 2 or 4
  uint8_t padding1[3];
  union {
    uint8_t u8;
    uint16_t u16;
    uint32_t u32;
    uint8_t data[4];  // little endian
  };
} zx_vcpu_io_t;

VS_STATIC_ASSERT(sizeof(zx_vcpu_state_x64_t) == 136, "x86-64 state is 136 bytes");
VS_STATIC_ASSERT(offsetof(zx_vcpu_state_x64_t, rbx) == 24, "x86-64 layout");
VS_STATIC_ASSERT(offsetof(zx_vcpu_state_x64_t, rsp) == 32, "x86-64 layout");
VS_STATIC_ASSERT(offsetof(zx_vcpu_state_x64_t, rflags) == 128, "x86-64 layout");
VS_STATIC_ASSERT(sizeof(zx_vcpu_state_arm64_t) == 264, "arm64 state is 264 bytes");
VS_STATIC_ASSERT(offsetof(zx_vcpu_state_arm64_t, sp) == 248, "arm64 layout");
VS_STATIC_ASSERT(offsetof(zx_vcpu_state_arm64_t, cpsr) == 256, "arm64 layout");
VS_STATIC_ASSERT(sizeof(zx_vcpu_io_t) == 8, "io state is 8 bytes");
VS_STATIC_ASSERT(offsetof(zx_vcpu_io_t, data) == 4, "io layout");

#endif  // ZIRCON_SYSCALLS_HYPERVISOR_H_
