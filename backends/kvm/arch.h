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

// As in the published Zircon kernels of the architecture.
typedef struct vs_kvm_arch_facts {
  unsigned max_cpus;        // per guest, at most VS_KVM_MAX_CPUS
  unsigned aspace_bits;     // of a guest-physical address
  bool has_ports;           // ZX_GUEST_TRAP_IO makes sense
  uint64_t page_tables;     // of a new vCPU, guest-physical; UINT64_MAX: none
  uint64_t lone_page;       // memory that only a trap of this one page begins at; not a page: none
  const char* least_linux;  // the oldest version that has what is asked for
} vs_kvm_arch_facts;

extern const vs_kvm_arch_facts vs_kvm_arch;

// The first thing that this host's KVM lacks, as a phrase, or NULL.
const char* vs_kvm_arch_missing(int kvm_fd);

// What KVM_CREATE_VM is to be given.
unsigned long vs_kvm_arch_vm_type(int kvm_fd);
// Once per VM, and once per vCPU descriptor; 0 or -errno.
int vs_kvm_arch_vm_setup(int kvm_fd, int vm_fd);
int vs_kvm_arch_cpu_setup(int kvm_fd, int vm_fd, vs_kvm_cpu* cpu, unsigned id);
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

// A guest's memory has been written here; or will be read here, where the guest may have written
// it.
void vs_kvm_arch_wrote(void* at, size_t size);
void vs_kvm_arch_will_read(const void* at, size_t size);

// What an exit needs to know of the guest.
typedef struct vs_kvm_outside {
  void* context;
  // The key of the trap of this kind at addr. False: there is none.
  bool (*find_trap)(void* context, uint32_t kind, uint64_t addr, uint64_t* key);
  // False: the guest has no memory there.
  bool (*read_memory)(void* context, uint64_t gpa, void* out, size_t size);
} vs_kvm_outside;

// Makes a packet or a status of the exit that cpu->run describes. *halted: the guest waits for an
// interrupt; then status and packet mean nothing.
zx_status_t vs_kvm_arch_exit(vs_kvm_cpu* cpu, const vs_kvm_outside* outside,
                             zx_port_packet_t* packet, bool* halted);

#endif  // VS_BACKENDS_KVM_ARCH_H_
