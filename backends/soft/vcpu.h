// SPDX-License-Identifier: BSD-3-Clause
// vCPUs, and the guest code that they run. Internal to this folder.
#ifndef VS_BACKENDS_SOFT_VCPU_H_
#define VS_BACKENDS_SOFT_VCPU_H_

#include <stdatomic.h>

#include "guest.h"

enum { VS_SOFT_WORDS_MAX = 33, VS_SOFT_VECTORS = 256, VS_SOFT_FX = 512 };

typedef struct vs_soft_vcpu {
  vs_soft_object object;
  vs_soft_guest* guest;
  uint64_t owner;  // the thread that made it
  atomic_bool kicked;
  atomic_bool pending[VS_SOFT_VECTORS];  // interrupts that were raised, and not taken
  // Touched by the owner's thread only, hence without a lock:
  uint64_t words[VS_SOFT_WORDS_MAX];  // ZX_VCPU_STATE
  uint64_t pc;                        // guest-physical address of the next instruction
  uint64_t sp_el0;                    // arm64
  uint64_t tpidr_el1;                 // arm64
  bool on_sp_el0;                     // arm64: that is the stack pointer
  uint64_t vectors[32][2];            // arm64: V0 to V31, the low half first
  uint8_t fx[VS_SOFT_FX];             // x86-64: what FXSAVE stores
  uint64_t idt;                       // x86-64: address of the table of interrupt gates
  uint16_t idt_limit;                 // and its last byte; 0: there is none
  uint64_t cr4;                       // x86-64: kept, and without effect
  uint16_t cs;                        // x86-64: selector
  bool lets_in;                       // x86-64: IF
  bool shadow;                        // x86-64: STI was the last instruction
  bool halted;                        // x86-64: within HLT
} vs_soft_vcpu;

// What an instruction comes to, beside a status. ZX_OK: the guest has left, and `packet` says how.
enum {
  VS_SOFT_GOES_ON = 1,
  VS_SOFT_WAITS = 2,  // it is to be run again, once something has changed
};

typedef struct vs_soft_run {
  vs_soft_vcpu* vcpu;
  bool rang;  // a bell: whatever comes of it, that instruction is behind the guest
  zx_port_packet_t packet;
} vs_soft_run;

// ---- For the two that run one instruction.

// x86-64: whether the guest takes something that was raised, now or behind the next instruction.
bool vs_soft_takes_x64(vs_soft_vcpu* v);
// x86-64: lets the guest take what was raised, if it can: its handler is next then.
// VS_SOFT_GOES_ON: it has, or need not.
zx_status_t vs_soft_offer_x64(vs_soft_run* run);
// Makes the guest go on with its handler of the vector. Without one, nothing happens.
zx_status_t vs_soft_deliver_x64(vs_soft_run* run, uint8_t vector);

// Whether the instruction is done, or is the next one again.
static inline bool vs_soft_is_behind(const vs_soft_run* run, zx_status_t status) {
  return status == ZX_OK || status == VS_SOFT_GOES_ON || (run->rang && status != VS_SOFT_WAITS);
}

// Moves `size` bytes, 1 to 8, between the guest's memory and the low end of `value`. ZX_OK: there
// is a trap of memory; the packet has its key, its type and the address.
zx_status_t vs_soft_access(vs_soft_run* run, uint64_t addr, void* value, size_t size, bool write);

// The packet of an IN or OUT, without its data. ZX_ERR_NOT_FOUND: no trap is there.
zx_status_t vs_soft_leave_by_port(vs_soft_run* run, uint16_t port, uint8_t size, bool input);

#endif  // VS_BACKENDS_SOFT_VCPU_H_
