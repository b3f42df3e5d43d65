// SPDX-License-Identifier: BSD-3-Clause
// What an architecture has to answer. Each has a folder of its own (x64/), of which one is built.
#ifndef VS_BACKENDS_ZIRCON_KVM_ARCH_H_
#define VS_BACKENDS_ZIRCON_KVM_ARCH_H_

#include <vcpuspec/backend.h>

#include "engine.h"

#if defined(__x86_64__)
#define VS_KVM_ARCH VS_ARCH_X64
#elif defined(__aarch64__)
#define VS_KVM_ARCH VS_ARCH_ARM64
#endif

// What of the engine's row is alike on all architectures.
bool vs_kvm_open(vs_why* reason);
void vs_kvm_close(void);
zx_status_t vs_kvm_space_new(const vs_engine* row, vs_space** out);
void vs_kvm_space_delete(vs_space* space);
zx_status_t vs_kvm_space_arrange(vs_space* space, const vs_stretch* stretches, size_t count);
zx_status_t vs_kvm_cpu_new(vs_space* space, unsigned number, uint64_t entry, vs_cpu** out);
void vs_kvm_cpu_delete(vs_cpu* cpu);
void vs_kvm_wake(vs_cpu* cpu, bool runs);
void vs_kvm_ready(vs_cpu* cpu);
void vs_kvm_enter(vs_cpu* cpu, vs_exit* out);
zx_status_t vs_kvm_arch_finish(vs_cpu* cpu, const vs_exit* at, bool trapped,
                               zx_port_packet_t* packet);
zx_status_t vs_kvm_arch_read(vs_cpu* cpu, void* state);
zx_status_t vs_kvm_arch_write(vs_cpu* cpu, const void* state);

#define VS_KVM_ALIKE                                                               \
  .open = vs_kvm_open, .close = vs_kvm_close, .space_new = vs_kvm_space_new,       \
  .space_delete = vs_kvm_space_delete, .space_arrange = vs_kvm_space_arrange,      \
  .cpu_new = vs_kvm_cpu_new, .cpu_delete = vs_kvm_cpu_delete, .wake = vs_kvm_wake, \
  .ready = vs_kvm_ready, .run = vs_kvm_enter, .finish = vs_kvm_arch_finish,        \
  .read = vs_kvm_arch_read, .must_have_memory = true

// The row, with the facts of published Zircon kernels of the architecture; and one whose answers
// are theirs where they part from the page, NULL if there is none.
extern const vs_engine vs_kvm_arch;
extern const vs_engine* const vs_kvm_arch_published;
// The oldest Linux that has what is asked for.
extern const char vs_kvm_arch_least_linux[];

// Loads the libraries that it needs. False: one cannot be loaded.
bool vs_kvm_arch_load(vs_why* reason);
// The first thing that this host's KVM lacks, as a phrase, or NULL.
const char* vs_kvm_arch_missing(int kvm_fd);

// What KVM_CREATE_VM is to be given.
unsigned long vs_kvm_arch_vm_type(int kvm_fd);
// Once per VM, and once per vCPU descriptor; 0 or -errno.
int vs_kvm_arch_vm_setup(int kvm_fd, int vm_fd);
int vs_kvm_arch_cpu_setup(int kvm_fd, int vm_fd, vs_cpu* cpu, unsigned id);
// Makes a vCPU like new, whatever an earlier owner left in it; 0 or -errno. `boot`: the guest's
// first processor.
int vs_kvm_arch_cpu_reset(vs_cpu* cpu, bool boot, uint64_t entry);

// To be called right before every KVM_RUN that is to run the guest.
void vs_kvm_arch_before_run(vs_cpu* cpu);

// A guest's memory has been written here; or will be read here, where the guest may have written
// it.
void vs_kvm_arch_wrote(void* at, size_t size);
void vs_kvm_arch_will_read(const void* at, size_t size);

// What the exit that cpu->run describes is.
void vs_kvm_arch_exit(vs_cpu* cpu, vs_exit* out);

#endif  // VS_BACKENDS_ZIRCON_KVM_ARCH_H_
