// SPDX-License-Identifier: BSD-3-Clause
// Words to write cases with. A case is a function that appends ops to a vs_build; what the answers
// must be is not said: that is the oracle's business. Looking (read-back, guest code) is optional
// for a backend; a case whose subject was not judged in the end is `unsupported`.
#ifndef VS_CONFORMANCE_BUILD_H_
#define VS_CONFORMANCE_BUILD_H_

#include "tables.h"

// The slots that cases use by convention.
enum {
  SLOT_GUEST,
  SLOT_VMAR,
  SLOT_VCPU,
  SLOT_DERIVED,  // a duplicate or a replacement
  SLOT_OBJECT,   // an object of another type
  SLOT_GUEST_2,
  SLOT_VMAR_2,
  SLOT_VCPU_2,
  SLOT_MEMORY,  // of the guest
  SLOT_MEMORY_2,
  SLOT_GUEST_3,
  SLOT_VMAR_3,
  SLOT_MEMORY_3,
  SLOT_VCPU_3,
  SLOT_SPARE  // this one and what follows
};

typedef struct vs_build {
  vs_op* ops;  // owned
  size_t count;
  size_t capacity;
  bool failed;    // no memory; the ops are incomplete
  uint64_t seed;  // of the register values; the same seed makes the same script
  const vs_arch_info* info;
} vs_build;

// Appends an op; the caller fills it in before the next is appended. Never NULL.
vs_op* add(vs_build* b, vs_op_code code);

vs_handle_ref slot(uint8_t at);

void set_register(vs_buffer* buffer, const vs_arch_info* info, size_t index, uint64_t value);

// --- setup: guest, its memory, a vCPU on `thread` at `program`, a known state ------------------
void guest(vs_build* b, uint8_t guest_slot, uint8_t vmar_slot, uint8_t memory_slot);
void vcpu(vs_build* b, uint8_t thread, uint8_t guest_slot, uint8_t vcpu_slot, vs_program program);
void usual_vcpu(vs_build* b, vs_program program);  // on thread 0, in SLOT_VCPU, state 1 written

// --- the call under test, valid unless changed by the caller ----------------------------------
// The register file `number`: every register differs from every other, and from those of other
// numbers. The flags among it are the caller's, the gate is open, and nothing stops the guest (TF).
vs_op* write_state(vs_build* b, unsigned number);
vs_op* write_io(vs_build* b, uint8_t access_size, uint32_t data);
vs_op* write_kind(vs_build* b, uint32_t kind, unsigned number);  // one of the two above
// The op with another thread and vCPU.
vs_op* on(vs_op* op, uint8_t thread, uint8_t vcpu_slot);
uint64_t exact_size(const vs_build* b, uint32_t kind);

// --- looking ----------------------------------------------------------------------------------
void read_back(vs_build* b);  // of SLOT_VCPU, on thread 0
void read_back_of(vs_build* b, uint8_t thread, uint8_t vcpu_slot);
vs_op* enter(vs_build* b);  // SLOT_VCPU runs on; at the dump loop, the guest stores its registers
void look(vs_build* b);     // both
void look_of(vs_build* b, uint8_t thread, uint8_t vcpu_slot);
void kick(vs_build* b);  // SLOT_VCPU, from thread 0

// --- handles ----------------------------------------------------------------------------------
void derive(vs_build* b, vs_op_code code, uint8_t from, uint8_t to, zx_rights_t rights);
void close_slot(vs_build* b, uint8_t at);
void create(vs_build* b, vs_op_code code, uint8_t to);

#endif  // VS_CONFORMANCE_BUILD_H_
