// SPDX-License-Identifier: BSD-3-Clause
// What a row of soft is made of: a register layout, and the points at which published kernels
// differ, as data. A row with an order of checks lists them; the first that fails is the answer.
// Internal to this folder.
#ifndef VS_BACKENDS_SOFT_RULES_H_
#define VS_BACKENDS_SOFT_RULES_H_

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <vcpuspec/backend.h>

// Checks of zx_vcpu_read_state and zx_vcpu_write_state, once the handle is good (vcpu.c).
typedef enum vs_soft_state_check {
  VS_SOFT_STATE_END,
  VS_SOFT_STATE_KIND,       // ZX_VCPU_STATE or ZX_VCPU_IO
  VS_SOFT_STATE_REGISTERS,  // ZX_VCPU_STATE alone
  VS_SOFT_STATE_SIZE,       // that of the kind
  VS_SOFT_STATE_BOUND,      // at most the size of the registers
  VS_SOFT_STATE_FETCH,      // the buffer can be read; needs one of the two before it
  VS_SOFT_STATE_NATURAL,    // the buffer is aligned for the registers, and not NULL
  VS_SOFT_STATE_PORTS,      // ZX_VCPU_IO is for architectures with IN and OUT
  VS_SOFT_STATE_CREATOR,    // the caller is the thread that made the vCPU
  VS_SOFT_STATE_ACCESS,     // an access_size of 1, 2 or 4
} vs_soft_state_check;

// Checks of zx_guest_set_trap, once the handles are good (traps.c).
typedef enum vs_soft_trap_check {
  VS_SOFT_TRAP_END,
  VS_SOFT_TRAP_KIND,     // a known kind, and a port for a bell alone
  VS_SOFT_TRAP_ALIGNED,  // memory: addr and size
  VS_SOFT_TRAP_SPACE,    // within the space of the kind, as the page has it
  VS_SOFT_TRAP_APIC,     // x86-64: the local APIC's page alone, or not it
  VS_SOFT_TRAP_APART,    // no trap of the space intersects
  // As published kernels have them:
  VS_SOFT_TRAP_SOME,       // size is not 0
  VS_SOFT_TRAP_NO_WRAP,    // addr + size is below 2^64
  VS_SOFT_TRAP_PORTS,      // IO: size is not 0, and addr + size at most 0xffff
  VS_SOFT_TRAP_UNMAP,      // memory: within the guest's space, where it also unmaps
  VS_SOFT_TRAP_CLEAR,      // memory: unmaps what is there, and refuses nothing
  VS_SOFT_TRAP_KNOWN,      // a known kind
  VS_SOFT_TRAP_NEW_START,  // no trap of the space begins at addr
} vs_soft_trap_check;

enum { VS_SOFT_CHECKS_MAX = 9 };  // an order, and its end

struct vs_soft_run;

typedef struct vs_soft_rules {
  zx_status_t (*step)(struct vs_soft_run* run);  // runs one instruction (vcpu.h)
  size_t words;                                  // of 64 bits, in ZX_VCPU_STATE
  uint64_t flags_mask;                           // what a write may change and a read shows
  uint64_t flags_gate;  // a write whose flags lack this bit leaves the flags alone
  bool flags_stay;      // a write sets flags and clears none
  bool has_io;          // the architecture has IN and OUT
  unsigned gpa_bits;    // of a guest-physical address

  bool low_bit_ignored;    // of handles: bit 0 says nothing, bit 1 is one of the slot's number
  bool rights_first;       // a handle's rights are looked at before its type
  bool same_rights_lost;   // a handle that replaces another with ZX_RIGHT_SAME_RIGHTS has none
  bool options_first;      // zx_guest_create looks at them before the resource
  bool kind_is_type;       // and a resource of another kind is ZX_ERR_WRONG_TYPE
  bool maker_is_process;   // ZX_RIGHT_MANAGE_PROCESS stands for ZX_RIGHT_MANAGE_THREAD
  bool many_vcpus;         // a thread may have several
  bool owner_first;        // zx_vcpu_create looks at the thread before the entry
  unsigned vcpus_max;      // of a guest, then ZX_ERR_NO_RESOURCES; 0: no limit
  bool vectors_unchecked;  // any interrupt is accepted
  bool taken_is_invalid;   // a trap at an address that has one: ZX_ERR_INVALID_ARGS

  uint8_t early[VS_SOFT_CHECKS_MAX];  // vs_soft_state_check: of reads, before the handle
  uint8_t read[VS_SOFT_CHECKS_MAX];
  uint8_t write[VS_SOFT_CHECKS_MAX];
  uint8_t traps[VS_SOFT_CHECKS_MAX];  // vs_soft_trap_check
} vs_soft_rules;

// One instruction, under the lock. Addresses are guest-physical: page tables are not looked at. One
// that is not known is ZX_ERR_NOT_SUPPORTED, and stays the next.
zx_status_t vs_soft_step_x64(struct vs_soft_run* run);
zx_status_t vs_soft_step_arm64(struct vs_soft_run* run);

#define VS_SOFT_X64                                                                               \
  .step = vs_soft_step_x64, .words = 17, .flags_mask = 0x244dd5, .flags_gate = 2, .has_io = true, \
  .gpa_bits = 48
#define VS_SOFT_ARM64 \
  .step = vs_soft_step_arm64, .words = 33, .flags_mask = 0xf0000000, .gpa_bits = 36

// The orders of 2021 and later.
#define VS_SOFT_STATES                                                          \
  .read = {VS_SOFT_STATE_REGISTERS, VS_SOFT_STATE_SIZE, VS_SOFT_STATE_CREATOR}, \
  .write = {VS_SOFT_STATE_KIND,  VS_SOFT_STATE_SIZE,    VS_SOFT_STATE_FETCH,    \
            VS_SOFT_STATE_PORTS, VS_SOFT_STATE_CREATOR, VS_SOFT_STATE_ACCESS}
// The page's.
#define VS_SOFT_TRAPS                                                                       \
  .traps = {VS_SOFT_TRAP_KIND, VS_SOFT_TRAP_ALIGNED, VS_SOFT_TRAP_SPACE, VS_SOFT_TRAP_APIC, \
            VS_SOFT_TRAP_APART}

// Makes the backend vs_backend_soft<id> of rules, a list of initialisers.
#define VS_SOFT_ROW(id, row_name, row_arch, row_summary, ...)                       \
  static const vs_soft_rules rules_soft##id = {__VA_ARGS__};                        \
  static bool open_soft##id(vs_why* reason) {                                       \
    return vs_soft_open(&rules_soft##id, reason);                                   \
  }                                                                                 \
  const vs_backend vs_backend_soft##id = {.name = (row_name),                       \
                                          .summary = (row_summary),                 \
                                          .arch = (row_arch),                       \
                                          .resource = VS_SOFT_RESOURCE,             \
                                          .other_resource = VS_SOFT_OTHER_RESOURCE, \
                                          .calls = &vs_soft_calls,                  \
                                          .open = open_soft##id,                    \
                                          .close = vs_soft_close};

bool vs_soft_open(const vs_soft_rules* rules, vs_why* reason);
void vs_soft_close(void);
extern const vs_calls vs_soft_calls;

#endif  // VS_BACKENDS_SOFT_RULES_H_
