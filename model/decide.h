// SPDX-License-Identifier: BSD-3-Clause
// May this call be accepted, and if not, what may it answer? Pure: facts in, decision out. Applying
// an accepted call is apply.h's business.
#ifndef VS_MODEL_DECIDE_H_
#define VS_MODEL_DECIDE_H_

#include "world.h"

// Everything about a call of zx_vcpu_write_state that a check may look at.
typedef struct vs_facts {
  bool handle_valid;
  bool is_vcpu;
  bool has_write;
  bool write_unknown;  // kernels differ in whether such a handle has ZX_RIGHT_WRITE
  bool kind_known;
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
  bool pointer_misaligned;  // of a known kind: to 8 bytes for ZX_VCPU_STATE, 4 for ZX_VCPU_IO
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
  bool ordered;         // the profile's order chose one of them
  bool anything;        // the profile says nothing of this call: not even that it returns
  uint8_t count;
  vs_allowed allowed[VS_ALLOWED_MAX];
} vs_decision;

vs_facts vs_facts_of(vs_world* world, const vs_op* op, const vs_arch_info* arch);

// The checks that apply, as a set of VS_BIT(vs_check_code).
vs_check_set vs_faults_of(const vs_facts* facts);

// The defects (model/defects.def) that can show with these facts, as a set of
// VS_BIT(vs_defect_code).
vs_defect_set vs_defects_of(const vs_facts* facts);

// `arch` decides nothing but comes with the facts; the profile decides all.
vs_decision vs_decide(const vs_facts* facts, const vs_profile* profile);

// Adds the row unless its status is allowed already. Checks of the page come before those that need
// a latitude, so that of two the one is kept that needs none.
void vs_decision_allow(vs_decision* decision, const vs_allowed* row);

// The allowed row with this status, or NULL.
const vs_allowed* vs_decision_find(const vs_decision* decision, zx_status_t status);

#endif  // VS_MODEL_DECIDE_H_
