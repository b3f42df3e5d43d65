// SPDX-License-Identifier: BSD-3-Clause
// The rules of the seven calls around zx_vcpu_write_state once more: what each may answer, and what
// an answer leaves behind. As rules.h: from the pages and from what is known of published kernels,
// without sight of model/.
//
// Each call has a structure of what it is given and what it finds, as numbers, and a function
//
//   bool vs_rules_CALL(profile, call, status)
//
// that says whether the profile allows that status. A profile that leaves everything open allows
// every number, those too that are no status. Where a thing is not known (whether a handle has a
// right; where a guest's memory ends), what may be answered in each of the cases is allowed.
#ifndef VCPUSPEC_RULES_FAMILY_H_
#define VCPUSPEC_RULES_FAMILY_H_

#include "rules.h"

// A handle that a call is given. Of an invalid one, what is said below it means nothing.
typedef struct vs_rules_handle {
  bool valid;        // it names something
  bool type;         // an object of the type that the call asks for
  bool right_known;  // if not, it may have the right, and it may not
  bool right;  // it has the right that the call asks for; of zx_vcpu_create, that of the kernel
} vs_rules_handle;

// Where a call is to write.
typedef struct vs_rules_place {
  bool null;          // the null pointer
  uint8_t residue;    // the address modulo 8
  uint64_t writable;  // how many bytes the caller can write from there on
} vs_rules_place;

typedef struct vs_rules_guest_call {
  bool arm64;
  bool valid;       // the resource's handle names something
  bool resource;    // a resource
  bool system;      // of ZX_RSRC_KIND_SYSTEM
  bool hypervisor;  // with ZX_RSRC_SYSTEM_HYPERVISOR_BASE
  uint32_t options;
  vs_rules_place guest;  // 4 bytes, as every handle
  vs_rules_place vmar;
} vs_rules_guest_call;

typedef struct vs_rules_trap_call {
  bool arm64;
  vs_rules_handle guest;
  bool port_given;  // not ZX_HANDLE_INVALID
  vs_rules_handle port;
  uint32_t kind;
  uint64_t addr;
  uint64_t size;
  bool trapped;  // the guest has a trap already, of this kind and range
  uint32_t trapped_kind;
  uint64_t trapped_addr;
  uint64_t trapped_size;
} vs_rules_trap_call;

typedef struct vs_rules_vcpu_call {
  bool arm64;
  vs_rules_handle guest;
  uint32_t options;
  uint64_t entry;
  bool owner;  // the calling thread has a vCPU
  vs_rules_place out;
} vs_rules_vcpu_call;

typedef struct vs_rules_read_call {
  bool arm64;
  vs_rules_handle vcpu;
  bool creator;  // the calling thread created the vCPU
  bool running;  // the vCPU is executing
  uint32_t kind;
  uint64_t size;
  vs_rules_place buffer;
} vs_rules_read_call;

typedef struct vs_rules_interrupt_call {
  bool arm64;
  vs_rules_handle vcpu;
  uint32_t vector;
} vs_rules_interrupt_call;

typedef struct vs_rules_enter_call {
  bool arm64;
  vs_rules_handle vcpu;
  bool creator;
  bool running;
  bool kicked;            // a kick waits for this call
  bool leaves;            // the guest is known to stop at a trap; else nothing is known of it
  bool rings_nothing;     // or to ring a bell before, whose port has no handle any more
  vs_rules_place packet;  // 48 bytes
} vs_rules_enter_call;

typedef struct vs_rules_kick_call {
  bool arm64;
  vs_rules_handle vcpu;
} vs_rules_kick_call;

bool vs_rules_guest_create(vs_rules_profile p, const vs_rules_guest_call* c, zx_status_t s);
bool vs_rules_set_trap(vs_rules_profile p, const vs_rules_trap_call* c, zx_status_t s);
bool vs_rules_vcpu_create(vs_rules_profile p, const vs_rules_vcpu_call* c, zx_status_t s);
bool vs_rules_read_state(vs_rules_profile p, const vs_rules_read_call* c, zx_status_t s);
bool vs_rules_interrupt(vs_rules_profile p, const vs_rules_interrupt_call* c, zx_status_t s);
bool vs_rules_enter(vs_rules_profile p, const vs_rules_enter_call* c, zx_status_t s);
bool vs_rules_kick(vs_rules_profile p, const vs_rules_kick_call* c, zx_status_t s);

typedef enum vs_rules_family {
  VS_RULES_GUEST_CREATE,
  VS_RULES_SET_TRAP,
  VS_RULES_VCPU_CREATE,
  VS_RULES_READ_STATE,
  VS_RULES_INTERRUPT,
  VS_RULES_ENTER,
  VS_RULES_KICK
} vs_rules_family;

// What a call can leave behind.
typedef struct vs_rules_world {
  uint32_t handles;  // that the caller has
  uint32_t traps;    // of the guest
  bool owner;        // the calling thread has a vCPU
  bool kicked;       // a kick waits for zx_vcpu_enter
  bool interrupted;  // an interrupt of the vector that was named is pending
  bool ran;          // guest code was executed: registers, memory and what is pending may differ
  bool filled;       // the caller's buffer or packet was filled
} vs_rules_world;

// What is so after a call that was answered with `status`. Not known, and left as it is: whether
// zx_vcpu_enter that could not write its packet ran the guest, and used up a kick; whether
// zx_vcpu_read_state filled a part of a buffer that ends too soon.
void vs_rules_leave(vs_rules_family call, zx_status_t status, vs_rules_world* now);

#endif  // VCPUSPEC_RULES_FAMILY_H_
