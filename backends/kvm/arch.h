// SPDX-License-Identifier: BSD-3-Clause
// What an architecture has to answer. Each has a folder of its own (x64/), of which one is built.
#ifndef VS_BACKENDS_KVM_ARCH_H_
#define VS_BACKENDS_KVM_ARCH_H_

#include <vcpuspec/backend.h>

#include "machine.h"

#if defined(__x86_64__)
#define VS_KVM_ARCH VS_ARCH_X64
#elif defined(__aarch64__)
#define VS_KVM_ARCH VS_ARCH_ARM64
#endif

// The first thing that this host's KVM lacks, as a phrase, or NULL.
const char* vs_kvm_arch_missing(int kvm_fd);

// Once per VM, and once per vCPU descriptor; 0 or -errno.
int vs_kvm_arch_vm_setup(int kvm_fd, int vm_fd);
int vs_kvm_arch_cpu_setup(int kvm_fd, vs_kvm_cpu* cpu, unsigned id);
// Makes a vCPU like new, whatever an earlier owner left in it; 0 or -errno. `boot`: the guest's
// first processor.
int vs_kvm_arch_cpu_reset(vs_kvm_cpu* cpu, bool boot, uint64_t entry);

// Bytes of the structure that zx_vcpu_write_state takes for a kind; 0: no such kind.
size_t vs_kvm_arch_write_size(uint32_t kind);
// Likewise for zx_vcpu_read_state.
size_t vs_kvm_arch_read_size(uint32_t kind);
#define VS_KVM_MAX_STATE_SIZE 512u  // no kind of any architecture is larger

// `in` and `out` are ours, not the caller's memory, and of the size above.
zx_status_t vs_kvm_arch_write(vs_kvm_cpu* cpu, uint32_t kind, const void* in);
zx_status_t vs_kvm_arch_read(vs_kvm_cpu* cpu, uint32_t kind, void* out);

// To be called right before every KVM_RUN that is to run the guest.
void vs_kvm_arch_before_run(vs_kvm_cpu* cpu);

// What a trap answers to: the key of the trap of this kind at addr. False: there is none.
typedef bool (*vs_kvm_trap_finder)(void* context, uint32_t kind, uint64_t addr, uint64_t* key);

// Makes a packet or a status of the exit that cpu->run describes. *halted: the guest waits for an
// interrupt; then status and packet mean nothing.
zx_status_t vs_kvm_arch_exit(vs_kvm_cpu* cpu, vs_kvm_trap_finder find_trap, void* context,
                             zx_port_packet_t* packet, bool* halted);

#endif  // VS_BACKENDS_KVM_ARCH_H_
