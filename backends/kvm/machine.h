// SPDX-License-Identifier: BSD-3-Clause
// The KVM side of a guest: a VM, its vCPU descriptors and its memory slots. A VM costs a good part
// of a millisecond (under emulation, tens of them), and KVM never takes the id of a vCPU twice, not
// even after its descriptor is closed. So neither is given up with the object that used it: a vCPU
// descriptor stays with its VM, a VM whose guest is gone is parked, and both are made like new when
// they are taken again.
//
// All functions but vs_kvm_run, vs_kvm_settle and vs_kvm_allow_run want the state's lock held.
#ifndef VS_BACKENDS_KVM_MACHINE_H_
#define VS_BACKENDS_KVM_MACHINE_H_

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ioctl.h"

#define VS_KVM_MAX_CPUS 64u   // per guest, where the architecture does not have fewer
#define VS_KVM_MAX_SLOTS 32u  // memory slots per guest: KVM has had at least this many for ever

typedef struct vs_kvm_cpu {
  int fd;               // -1: not made yet
  struct kvm_run* run;  // shared with the kernel
  void* reset;          // the architecture's: what a new vCPU looks like (malloc)
  bool taken;           // a zx vCPU is bound to it
} vs_kvm_cpu;

// What a memory slot covers; size 0: it is free.
typedef struct vs_kvm_slot {
  uint64_t gpa;
  uint64_t size;  // bytes
  uint8_t* host;
  bool writable;
} vs_kvm_slot;

typedef struct vs_kvm_vm {
  int fd;
  vs_kvm_slot slots[VS_KVM_MAX_SLOTS];
  vs_kvm_cpu cpus[VS_KVM_MAX_CPUS];
  struct vs_kvm_vm* next;  // among the parked
} vs_kvm_vm;

typedef struct vs_kvm_machines {
  int kvm_fd;       // /dev/kvm
  size_t run_size;  // bytes of a kvm_run mapping
  vs_kvm_vm* parked;
} vs_kvm_machines;

// A VM without memory and without bound vCPUs: a parked one, or a new one. NULL: *error is -errno.
vs_kvm_vm* vs_kvm_vm_take(vs_kvm_machines* machines, int* error);
// Parks a VM all of whose vCPUs have been given back; its memory slots are removed.
void vs_kvm_vm_give(vs_kvm_machines* machines, vs_kvm_vm* vm);
// Destroys all parked VMs.
void vs_kvm_vm_drop_parked(vs_kvm_machines* machines);

// Binds the free vCPU of the lowest id, reset to start at `entry`; id 0 is the boot processor. The
// result is 0, -errno, or -EXDEV when all are taken.
int vs_kvm_cpu_take(vs_kvm_machines* machines, vs_kvm_vm* vm, uint64_t entry, vs_kvm_cpu** out);
void vs_kvm_cpu_give(vs_kvm_cpu* cpu);

// Puts `size` bytes at `host` into the guest-physical space; the result is 0 or -errno: -EEXIST for
// an overlap, -ENOSPC when there is no slot left.
int vs_kvm_vm_map(vs_kvm_vm* vm, uint64_t gpa, void* host, uint64_t size, bool writable);
// Takes whole pages out of the guest-physical space, whatever is there; 0 or -errno. For a moment
// the rest of what is mapped around them is not there either: KVM cuts nothing from a slot.
int vs_kvm_vm_unmap(vs_kvm_vm* vm, uint64_t gpa, uint64_t size);
// Where `size` bytes at gpa are, or NULL: no one slot has them all.
uint8_t* vs_kvm_vm_find(const vs_kvm_vm* vm, uint64_t gpa, uint64_t size);

// One KVM_RUN: 0 for an exit described in cpu->run, -EINTR when it was interrupted before one (then
// exit_reason is a stale value of an earlier run), or another -errno.
int vs_kvm_run(vs_kvm_cpu* cpu);
// Runs KVM without running the guest: what user space changed is taken over, and an instruction
// that waits for its I/O is completed. 0 or -errno.
int vs_kvm_settle(vs_kvm_cpu* cpu);
// Whether the next KVM_RUN shall come back at once. Any thread.
void vs_kvm_set_immediate_exit(vs_kvm_cpu* cpu, bool on);

#endif  // VS_BACKENDS_KVM_MACHINE_H_
