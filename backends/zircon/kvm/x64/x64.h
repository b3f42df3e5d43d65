// SPDX-License-Identifier: BSD-3-Clause
// Shared by the files of this folder.
#ifndef VS_BACKENDS_ZIRCON_KVM_X64_X64_H_
#define VS_BACKENDS_ZIRCON_KVM_X64_X64_H_

#include "arch.h"
#include "machine.h"

// Of the row: see engine.h.
zx_status_t vs_kvm_x64_write_io(vs_cpu* cpu, const zx_vcpu_io_t* io);
bool vs_kvm_x64_takes(const vs_cpu* cpu, vs_delivery how);
zx_status_t vs_kvm_x64_deliver(vs_cpu* cpu, vs_delivery how, uint8_t vector);
void vs_kvm_x64_watch(vs_cpu* cpu, bool wanted);

// The low `bytes` bytes of a register.
uint64_t vs_kvm_x64_low_mask(size_t bytes);

// A store that KVM has completed: RIP is behind it.
typedef struct vs_kvm_store {
  uint64_t gpa;
  uint64_t data;
  unsigned bytes;
  bool is_part;  // of more
} vs_kvm_store;

// How many bytes its instruction has; 0: it cannot be found.
uint8_t vs_kvm_x64_length(vs_cpu* cpu, const struct kvm_sregs* sregs, const vs_kvm_store* store);

// Makes a vCPU whose guest crashed usable again: system registers as at its start, no exception in
// flight, general registers and RIP as at the crash, or as at the last entry where the processor
// does not tell them. 0 or -errno.
int vs_kvm_x64_recover(vs_cpu* cpu);

#endif  // VS_BACKENDS_ZIRCON_KVM_X64_X64_H_
