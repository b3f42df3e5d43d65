// SPDX-License-Identifier: BSD-3-Clause
// The 48-byte packet that zx_vcpu_enter fills when the guest leaves (zircon/syscalls/port.h).
#ifndef ZIRCON_SYSCALLS_PORT_H_
#define ZIRCON_SYSCALLS_PORT_H_

#include <zircon/types.h>

#define ZX_PKT_TYPE_USER ((uint32_t)0u)
#define ZX_PKT_TYPE_GUEST_BELL ((uint32_t)3u)
#define ZX_PKT_TYPE_GUEST_MEM ((uint32_t)4u)
#define ZX_PKT_TYPE_GUEST_IO ((uint32_t)5u)
#define ZX_PKT_TYPE_GUEST_VCPU ((uint32_t)6u)

typedef struct zx_packet_guest_bell {
  zx_gpaddr_t addr;
  uint64_t reserved[3];
} zx_packet_guest_bell_t;

typedef struct zx_packet_guest_mem_x64 {
  zx_gpaddr_t addr;
  uint64_t cr3;
  uint64_t rip;  // of the instruction that left the guest, not of the one after
  uint8_t instruction_size;
  uint8_t default_operand_size;
  uint8_t reserved[6];
} zx_packet_guest_mem_x64_t;

typedef struct zx_packet_guest_mem_arm64 {
  zx_gpaddr_t addr;
  uint8_t access_size;
  uint8_t sign_extend;
  uint8_t xt;
  uint8_t read;
  uint8_t padding1[4];
  uint64_t data;
  uint64_t reserved;
} zx_packet_guest_mem_arm64_t;

// An IN or OUT that met a trap. access_size is in bytes (1, 2, 4). input: 1 for IN, 0 for OUT; for
// an OUT the low access_size bytes of data are what the guest sent.
typedef struct zx_packet_guest_io {
  uint16_t port;
  uint8_t access_size;
  uint8_t input;
  union {
    uint8_t u8;
    uint16_t u16;
    uint32_t u32;
    uint8_t data[4];
  };
  uint64_t reserved[3];
} zx_packet_guest_io_t;

// What a guest wants of other vCPUs.
#define ZX_PKT_GUEST_VCPU_INTERRUPT ((uint32_t)0u)
#define ZX_PKT_GUEST_VCPU_STARTUP ((uint32_t)1u)

typedef struct zx_packet_guest_vcpu_interrupt {
  uint64_t mask;  // which vCPUs, by their number in the guest: a bit each
  uint8_t vector;
  uint8_t padding1[7];
} zx_packet_guest_vcpu_interrupt_t;

typedef struct zx_packet_guest_vcpu_startup {
  uint64_t id;  // which vCPU
  zx_gpaddr_t entry;
} zx_packet_guest_vcpu_startup_t;

typedef struct zx_packet_guest_vcpu {
  uint32_t type;  // ZX_PKT_GUEST_VCPU_*
  uint8_t padding1[4];
  union {
    zx_packet_guest_vcpu_interrupt_t interrupt;
    zx_packet_guest_vcpu_startup_t startup;
  };
  uint64_t reserved;
} zx_packet_guest_vcpu_t;

#if defined(__aarch64__)
typedef zx_packet_guest_mem_arm64_t zx_packet_guest_mem_t;  // this machine's
#else
typedef zx_packet_guest_mem_x64_t zx_packet_guest_mem_t;  // this machine's
#endif

typedef struct zx_port_packet {
  uint64_t key;  // of the trap that was met
  uint32_t type;
  zx_status_t status;
  union {
    uint8_t bytes[32];
    zx_packet_guest_bell_t guest_bell;
    zx_packet_guest_mem_x64_t guest_mem_x64;
    zx_packet_guest_mem_arm64_t guest_mem_arm64;
    zx_packet_guest_mem_t guest_mem;
    zx_packet_guest_io_t guest_io;
    zx_packet_guest_vcpu_t guest_vcpu;
  };
} zx_port_packet_t;

VS_STATIC_ASSERT(sizeof(zx_port_packet_t) == 48, "zx_port_packet_t is 48 bytes");
VS_STATIC_ASSERT(offsetof(zx_port_packet_t, guest_io) == 16, "the payload starts at byte 16");
VS_STATIC_ASSERT(offsetof(zx_packet_guest_io_t, data) == 4,
                 "guest_io.data at byte 4 of the payload");
VS_STATIC_ASSERT(offsetof(zx_packet_guest_mem_x64_t, instruction_size) == 24, "guest_mem layout");
VS_STATIC_ASSERT(offsetof(zx_packet_guest_mem_arm64_t, data) == 16, "guest_mem layout");
VS_STATIC_ASSERT(offsetof(zx_packet_guest_vcpu_t, interrupt) == 8, "guest_vcpu layout");
VS_STATIC_ASSERT(sizeof(zx_packet_guest_vcpu_t) == 32, "guest_vcpu is the whole payload");

#endif  // ZIRCON_SYSCALLS_PORT_H_
