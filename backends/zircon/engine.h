// SPDX-License-Identifier: BSD-3-Clause
// What the Zircon layer asks of what runs guest code: memory for a guest, vCPUs, and why one has
// left. An engine knows of no handle, right, trap or port.
//
// Locks: what is marked `owner` is called by the thread that made the vCPU alone, without the
// layer's lock; everything else with the lock held, but for `wrote` and `will_read`.
#ifndef VS_BACKENDS_ZIRCON_ENGINE_H_
#define VS_BACKENDS_ZIRCON_ENGINE_H_

#include <vcpuspec/backend.h>

#define VS_ENGINE_PAGE UINT64_C(4096)
enum { VS_ENGINE_CPUS_MAX = 64, VS_STRETCHES_MAX = 64 };

typedef struct vs_space vs_space;  // the engine's: what a guest has for physical memory
typedef struct vs_cpu vs_cpu;      // the engine's: a vCPU

// Guest-physical [gpa, gpa + size) is the memory at `host`: whole pages.
typedef struct vs_stretch {
  uint64_t gpa;
  uint64_t size;  // bytes
  uint8_t* host;
  zx_vm_option_t perms;  // ZX_VM_PERM_*
} vs_stretch;

static inline bool vs_stretch_is(const vs_stretch* a, const vs_stretch* b) {
  return a->gpa == b->gpa && a->size == b->size && a->host == b->host && a->perms == b->perms;
}

typedef enum vs_exit_kind {
  VS_EXIT_ATTENTION,  // nothing that the guest did: something else may be wanted of the vCPU
  VS_EXIT_HALT,       // behind an instruction that waits for an interrupt
  VS_EXIT_MEMORY,     // at an access to memory that is not there
  VS_EXIT_PORT,       // at an access to a port
  VS_EXIT_ICR,        // at a write of the x2APIC's register that sends interrupts
  VS_EXIT_STARTUP,    // behind an instruction that starts another processor
  VS_EXIT_STATUS      // zx_vcpu_enter has to answer `status`
} vs_exit_kind;

typedef struct vs_exit {
  vs_exit_kind kind;
  bool read;         // MEMORY
  uint64_t address;  // MEMORY: guest-physical; PORT; STARTUP: where it starts
  uint64_t value;    // ICR: what is written; STARTUP: which processor
  zx_status_t status;
} vs_exit;

// How an interrupt reaches a guest.
typedef enum vs_delivery {
  VS_DELIVER_EXTERNAL,   // when the guest's flags let it
  VS_DELIVER_EXCEPTION,  // at once
  VS_DELIVER_NMI         // at once, but not into the handler of another
} vs_delivery;

typedef struct vs_engine {
  vs_arch arch;
  unsigned cpus;          // of a guest, at most VS_ENGINE_CPUS_MAX
  unsigned aspace_bits;   // of a guest-physical address
  bool has_ports;         // ZX_GUEST_TRAP_IO and ZX_VCPU_IO make sense
  bool wakes_masked;      // waiting ends with an interrupt also while the guest takes none
  bool must_have_memory;  // a guest without any is not run
  bool lags;              // a vCPU has what its space had before until it is ready next
  uint64_t page_tables;   // guest-physical: without memory there no guest is run; UINT64_MAX: none
  uint64_t lone_page;     // memory that only a trap of this one page begins at; not a page: none
  zx_status_t beyond;     // the answer to a trap on memory that the space does not have
  zx_status_t other_resource;  // the answer to zx_guest_create with a resource of another kind
  size_t state_size;           // bytes, of ZX_VCPU_STATE

  // Makes the engine usable in this process; false with the cause and the remedy.
  bool (*open)(vs_why* reason);
  void (*close)(void);

  zx_status_t (*space_new)(const struct vs_engine* row, vs_space** out);
  void (*space_delete)(vs_space* space);  // no vCPU is left
  // Makes the space what these stretches say, which do not overlap. On a refusal the space may be
  // anything until the next. NO_RESOURCES: too many; OUT_OF_RANGE: the host cannot address one.
  zx_status_t (*space_arrange)(vs_space* space, const vs_stretch* stretches, size_t count);
  // Memory of guests was written by this process, or will be read by it. NULL: of no interest.
  void (*wrote)(void* at, size_t size);
  void (*will_read)(const void* at, size_t size);

  // Called by the thread that is to run it. ALREADY_EXISTS: that number is lost, another may do.
  zx_status_t (*cpu_new)(vs_space* space, unsigned number, uint64_t entry, vs_cpu** out);
  void (*cpu_delete)(vs_cpu* cpu);  // any thread
  // Any thread: run comes back soon, or does not begin, until `ready`. `runs`: the owner is between
  // the last ready and what follows run.
  void (*wake)(vs_cpu* cpu, bool runs);

  void (*ready)(vs_cpu* cpu);              // owner, before it looks what is wanted of the vCPU
  void (*run)(vs_cpu* cpu, vs_exit* out);  // owner
  // Owner, after VS_EXIT_MEMORY or VS_EXIT_PORT. Trapped: goes on behind the access, and fills the
  // payload and type of a packet of zeroes, if there is one: a bell's does not tell of the access.
  // After VS_EXIT_ICR: goes on behind the write; not trapped: the guest gets an exception for it.
  zx_status_t (*finish)(vs_cpu* cpu, const vs_exit* at, bool trapped, zx_port_packet_t* packet);
  // Owner, or with the owner waiting in VS_EXIT_HALT: would the guest take one now?
  bool (*takes)(const vs_cpu* cpu, vs_delivery how);
  // Owner, right before run. NULL: no guest of the engine takes any.
  zx_status_t (*deliver)(vs_cpu* cpu, vs_delivery how, uint8_t vector);
  // Owner, right before run: whether to leave as soon as the guest would take an external one.
  void (*watch)(vs_cpu* cpu, bool wanted);

  // Owner. `state` is ours, of state_size bytes, as a read shows it and as a write means it.
  zx_status_t (*read)(vs_cpu* cpu, void* state);
  zx_status_t (*write)(vs_cpu* cpu, const void* state);
  zx_status_t (*write_io)(vs_cpu* cpu, const zx_vcpu_io_t* io);  // NULL without ports
} vs_engine;

#endif  // VS_BACKENDS_ZIRCON_ENGINE_H_
