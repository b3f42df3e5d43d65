// SPDX-License-Identifier: BSD-3-Clause
// May this call be accepted, and if not, what may it answer? Pure: facts in, decision out. Applying
// an accepted call is apply.h's business.
#ifndef VS_MODEL_DECIDE_H_
#define VS_MODEL_DECIDE_H_

#include "world.h"

// What a handle argument is worth for its parameter.
typedef struct vs_handle_facts {
  bool given;           // it is not ZX_HANDLE_INVALID
  bool valid;           // it names something
  bool right_type;      // and that is of the parameter's type
  bool has_rights;      // the handle has the rights that the parameter needs
  bool rights_unknown;  // kernels differ in whether such a handle has them
} vs_handle_facts;

// Everything about a call that a check may look at. Facts of other calls than `call` are false.
typedef struct vs_facts {
  uint8_t call;            // vs_op_code
  vs_handle_facts handle;  // the first handle
  vs_handle_facts port;    // zx_guest_set_trap's second
  bool kind_known;         // read_state and write_state
  bool io;
  bool size_exact;
  bool buffer_readable;  // what a kernel that reads the size of the kind would read of it
  bool on_creator;
  bool running;
  bool access_size_odd;    // a readable ZX_VCPU_IO buffer with an access_size outside 1, 2, 4
  bool access_size_large;  // the same, above 4
  bool io_without_ports;   // ZX_VCPU_IO on an architecture without port IO
  bool size_unbounded;     // buffer_size is above the size of ZX_VCPU_STATE
  bool copy_unreadable;    // not all of the first buffer_size bytes can be read
  bool pointer_null;
  bool pointer_misaligned;  // of ZX_VCPU_STATE: to 8 bytes
  bool out_lost[2];         // the first and second out-parameter cannot be written to, all of it
  bool options_set;         // options is not zero
  bool other_resource;      // zx_guest_create: of another kind than ZX_RSRC_KIND_SYSTEM
  bool thread_busy;         // the calling thread has a vCPU
  bool kicked;              // and a kick is pending
  bool vector_beyond;       // zx_vcpu_interrupt: there is no such vector
  uint8_t entry_outside;    // vs_tristate: the entry is no guest-physical address
  uint8_t rights_beyond;    // vs_tristate: rights are asked that the handle does not have
  // zx_guest_set_trap.
  bool trap_known;             // the kind
  bool trap_bell;              // ZX_GUEST_TRAP_BELL
  bool trap_io;                // ZX_GUEST_TRAP_IO
  bool trap_io_without_ports;  // the same, on an architecture without port IO
  bool trap_unaligned;         // of BELL and MEM: address or size
  bool trap_empty;             // size is zero
  bool trap_apic;              // at the local APIC, and not a page long
  bool trap_last_port;         // it ends with port 0xffff
  bool trap_begins_with_one;   // a trap of the kind begins at its address
  bool trap_wraps;             // it goes beyond 2^64
  bool without_ports;          // the architecture has no port IO
  bool rings_nothing;          // zx_vcpu_enter: a bell whose port has no handle any more
  uint8_t port_empty;          // vs_tristate, zx_port_wait: there is no packet
  bool unspoken;               // of a call that prepares: it is not as cases have it
  uint8_t trap_outside;        // vs_tristate: not within the bounds of the space
  uint8_t trap_meets;          // vs_tristate: it intersects a trap of the kind
} vs_facts;

enum { VS_ALLOWED_MAX = 8 };

// One status that may be answered, why, and under which latitude.
typedef struct vs_allowed {
  zx_status_t status;
  uint8_t check;     // vs_check_code; VS_CHECK_NONE for ZX_OK
  uint8_t latitude;  // vs_latitude_code; VS_LATITUDE_COUNT: none is needed
} vs_allowed;

typedef struct vs_decision {
  vs_check_set faults;  // checks that apply for certain
  vs_check_set held;    // of a call that is told: see vs_held_of; else empty
  bool ordered;         // the profile's order chose one of them
  bool anything;        // the profile says nothing of this call: not even that it returns
  uint8_t count;
  vs_allowed allowed[VS_ALLOWED_MAX];
} vs_decision;

vs_facts vs_facts_of(vs_world* world, const vs_op* op, const vs_arch_info* arch);

// The checks of the call that apply for certain, and those that may apply or not.
vs_check_set vs_faults_of(const vs_facts* facts);
vs_check_set vs_unsure_of(const vs_facts* facts);

// Of a call to which no error applies: the profile's checks that it certainly passes, which is why
// ZX_OK is allowed. Empty if an error applies.
vs_check_set vs_held_of(const vs_facts* facts, const vs_profile* profile);

// The defects (model/defects.def) that can show with these facts, as a set of
// VS_BIT(vs_defect_code).
vs_defect_set vs_defects_of(const vs_facts* facts);

// `arch` decides nothing but comes with the facts; the profile decides all.
vs_decision vs_decide(const vs_facts* facts, const vs_profile* profile);

// The checks of a call that the profile's order has; none: it says of that call what the page says.
vs_check_set vs_profile_makes(const vs_profile* profile, uint8_t call);

// The checks of a call that decide what the profile allows.
vs_check_set vs_looked_at(const vs_profile* profile, uint8_t call);

// Adds the row unless its status is allowed already. Checks of the page come before those that need
// a latitude, so that of two the one is kept that needs none.
void vs_decision_allow(vs_decision* decision, const vs_allowed* row);

// The allowed row with this status, or NULL.
const vs_allowed* vs_decision_find(const vs_decision* decision, zx_status_t status);

#endif  // VS_MODEL_DECIDE_H_
