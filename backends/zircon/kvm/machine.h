// SPDX-License-Identifier: BSD-3-Clause
// The KVM side of a guest: a VM, its vCPU descriptors and its memory slots. A VM costs a good part
// of a millisecond (under emulation, tens of them), and KVM never takes the id of a vCPU twice, not
// even after its descriptor is closed. So neither is given up with the object that used it: a vCPU
// descriptor stays with its VM, a VM whose guest is gone is parked, and both are made like new when
// they are taken again.
//
// All functions but vs_kvm_run, vs_kvm_settle, vs_kvm_fetch and vs_kvm_set_immediate_exit want the
// layer's lock held.
#ifndef VS_BACKENDS_ZIRCON_KVM_MACHINE_H_
#define VS_BACKENDS_ZIRCON_KVM_MACHINE_H_

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "engine.h"
#include "ioctl.h"

#define VS_KVM_MAX_SLOTS 32u  // memory slots per guest: KVM has had at least this many for ever

// An instruction that a vCPU has stored to a trap with, to be known again: page tables may have
// changed since, so its bytes are looked at.
enum { VS_KVM_INSNS = 4 };
typedef struct vs_kvm_insn {
  uint64_t end;  // the RIP behind it, under these page tables
  uint64_t cr3;
  uint64_t gpa;    // of its first byte
  uint8_t length;  // 0: there is none
  uint8_t bytes[15];
} vs_kvm_insn;

// How an arm64 guest's interrupts are waited for, as KVM was told it.
typedef struct vs_kvm_watch {
  bool line;         // the vCPU's interrupt line is up
  uint32_t debug;    // KVM_GUESTDBG_*
  uint64_t vectors;  // VBAR_EL1, of which the breakpoints are
  bool was_open;     // the guest let interrupts in when it was entered
  bool taken;        // the guest has just come to its vector
} vs_kvm_watch;

struct vs_cpu {
  int fd;               // -1: not made yet
  struct kvm_run* run;  // shared with the kernel
  void* reset;          // the architecture's: what a new vCPU looks like (malloc)
  vs_space* vm;
  pid_t owner;                      // the kernel's name of the thread that runs it
  vs_kvm_insn known[VS_KVM_INSNS];  // of x86-64
  vs_kvm_watch watch;               // of arm64
};

struct vs_space {
  int fd;
  pthread_mutex_t lock;  // of the slots: a look at guest memory is not under the layer's
  vs_stretch slots[VS_KVM_MAX_SLOTS];  // size 0: it is free
  vs_cpu cpus[VS_ENGINE_CPUS_MAX];
  atomic_bool is_spent;  // not to be used again
  vs_space* next;        // among the parked
};

typedef struct vs_kvm_machines {
  int kvm_fd;       // /dev/kvm
  size_t run_size;  // bytes of a kvm_run mapping
  vs_space* parked;
} vs_kvm_machines;

// A VM without memory and without bound vCPUs: a parked one, or a new one. NULL: *error is -errno.
vs_space* vs_kvm_vm_take(vs_kvm_machines* machines, int* error);
// Parks a VM all of whose vCPUs have been given back; its memory slots are removed.
void vs_kvm_vm_give(vs_kvm_machines* machines, vs_space* vm);
// Destroys all parked VMs.
void vs_kvm_vm_drop_parked(vs_kvm_machines* machines);

// A vCPU of the VM, reset to start at `entry`; number 0 is the boot processor. 0, -errno, or
// -EEXIST where KVM has used that number up.
int vs_kvm_cpu_take(vs_kvm_machines* machines, vs_space* vm, unsigned number, uint64_t entry,
                    vs_cpu** out);

// Makes the guest-physical space what the stretches say, in whatever order: for a moment what was
// and is to be there may be missing. 0 or -errno: -ENOSPC when there are more than slots.
int vs_kvm_vm_arrange(vs_space* vm, const vs_stretch* stretches, size_t count);
// Copies guest memory; false: no one slot has it all.
bool vs_kvm_fetch(vs_space* vm, uint64_t gpa, void* out, size_t size);

// One KVM_RUN: 0 for an exit described in cpu->run, -EINTR when it was interrupted before one (then
// exit_reason is a stale value of an earlier run), or another -errno.
int vs_kvm_run(vs_cpu* cpu);
// Runs KVM without running the guest: what user space changed is taken over, and an instruction
// that waits for its I/O is completed. 0 or -errno.
int vs_kvm_settle(vs_cpu* cpu);
// Whether the next KVM_RUN shall come back at once; what was said before. Any thread.
bool vs_kvm_set_immediate_exit(vs_cpu* cpu, bool on);

#endif  // VS_BACKENDS_ZIRCON_KVM_MACHINE_H_
