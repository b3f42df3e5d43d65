// SPDX-License-Identifier: BSD-3-Clause
// What the Zircon layer asks of an architecture. One row each, chosen when the backend is opened; a
// guest keeps the row that it was made under.
#ifndef VS_BACKENDS_UNICORN_ARCH_H_
#define VS_BACKENDS_UNICORN_ARCH_H_

#include <stdbool.h>

#include <zircon/syscalls.h>

typedef struct vs_uc_engine vs_uc_engine;

typedef enum vs_uc_exit {
  VS_UC_EXIT_ATTENTION,    // a kick, or memory has changed: before some instruction
  VS_UC_EXIT_WAIT,         // behind an instruction that waits for an interrupt
  VS_UC_EXIT_LEAVE,        // at an instruction that leaves the guest, as `leave` tells
  VS_UC_EXIT_UNSUPPORTED,  // before an instruction that would leave in a way not implemented here
  VS_UC_EXIT_FAULT,        // Unicorn could not go on
} vs_uc_exit;

typedef struct vs_uc_arch {
  size_t state_size;     // bytes, of ZX_VCPU_STATE
  int vcpus;             // per guest, at most 64
  unsigned aspace_bits;  // of a guest-physical address
  bool has_ports;        // ZX_GUEST_TRAP_IO and ZX_VCPU_IO make sense
  bool wakes_masked;     // waiting ends with an interrupt also while the guest takes none
  uint64_t lone_page;    // memory that only a trap of this one page begins at; not a page: none
  zx_status_t beyond;    // the answer to a trap on memory that the space does not have
  zx_status_t other_resource;  // the answer to zx_guest_create with a resource of another kind
  // Opens engine->uc, with every register 0 but the program counter, for the vCPU of that number
  // within its guest. Says in engine->can_run whether it could ever be entered. False: no memory,
  // and nothing is left open.
  bool (*open)(vs_uc_engine* engine, uint64_t entry, int number);
  // Lets the guest run from engine->pc on, and leaves engine->pc where it goes on.
  vs_uc_exit (*run)(vs_uc_engine* engine);
  // After VS_UC_EXIT_LEAVE: fills a packet of zeroes, or says why there is none.
  zx_status_t (*leave)(vs_uc_engine* engine, zx_port_packet_t* packet);
  // ZX_VCPU_STATE, state_size bytes: as a read shows it, and as a write means it. `state` of a
  // write may be changed.
  void (*read)(const vs_uc_engine* engine, void* state);
  void (*write)(vs_uc_engine* engine, void* state);
  // ZX_VCPU_IO; NULL without ports.
  zx_status_t (*write_io)(vs_uc_engine* engine, const zx_vcpu_io_t* io);
} vs_uc_arch;

extern const vs_uc_arch vs_uc_x64;
extern const vs_uc_arch vs_uc_arm64;
extern const vs_uc_arch vs_uc_arm64_zircon;  // published kernels: flags are only ever set

// The row that the backend was opened with.
const vs_uc_arch* vs_uc_backend_arch(void);

#endif  // VS_BACKENDS_UNICORN_ARCH_H_
