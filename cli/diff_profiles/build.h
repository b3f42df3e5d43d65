// SPDX-License-Identifier: BSD-3-Clause
// Words to write small scripts with: each appends an op.
#ifndef VS_CLI_BUILD_H_
#define VS_CLI_BUILD_H_

#include "tables.h"

enum { SLOT_GUEST, SLOT_VMAR, SLOT_VCPU, SLOT_DERIVED, SLOT_OBJECT, SLOT_MEMORY };

typedef struct vs_build {
  vs_op* ops;  // owned
  size_t count;
  size_t capacity;
  bool failed;  // no memory; the ops are incomplete
  const vs_arch_info* info;
} vs_build;

// Appends an op; the caller fills it in before the next is appended. Never NULL.
vs_op* add(vs_build* b, vs_op_code code);

void set_register(vs_op* op, const vs_arch_info* info, size_t index, uint64_t value);

void vcpu(vs_build* b, uint8_t thread, uint8_t guest_slot, uint8_t vcpu_slot, vs_program program);
void derive(vs_build* b, vs_op_code code, uint8_t from, uint8_t to, zx_rights_t rights);
void create(vs_build* b, vs_op_code code, uint8_t to);

// The call under test on SLOT_VCPU, valid unless changed by the caller. Of ZX_VCPU_STATE, every
// register has a value of its own; the flags are the caller's, the gate is open, and nothing stops
// the guest (TF).
vs_op* write_state(vs_build* b);
vs_op* write_io(vs_build* b, uint8_t access_size, uint32_t data);
// The op with another thread and vCPU.
vs_op* on(vs_op* op, uint8_t thread, uint8_t vcpu_slot);

// Looking, where the backend can.
void read_back(vs_build* b);
void enter(vs_build* b);

#endif  // VS_CLI_BUILD_H_
