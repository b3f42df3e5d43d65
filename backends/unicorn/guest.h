// SPDX-License-Identifier: BSD-3-Clause
// A guest: its memory, its traps, and the numbers of its vCPUs.
#ifndef VS_BACKENDS_UNICORN_GUEST_H_
#define VS_BACKENDS_UNICORN_GUEST_H_

#include <pthread.h>

#include "arch.h"
#include "memory.h"

// Traps are only ever added, at the end: whoever follows the list needs no lock.
typedef struct vs_uc_trap {
  _Atomic(struct vs_uc_trap*) next;
  uint32_t kind;         // ZX_GUEST_TRAP_*
  uint64_t first, last;  // ports, or guest-physical addresses
  uint64_t key;
} vs_uc_trap;

// Kept alive by its handles, its vmar and its vCPUs.
typedef struct vs_uc_guest {
  vs_uc_object object;
  const vs_uc_arch* arch;
  vs_uc_aspace aspace;
  _Atomic(vs_uc_trap*) traps;
  pthread_mutex_t lock;   // for adding traps, and of what follows
  uint64_t vcpu_numbers;  // one bit for each that is taken
} vs_uc_guest;

// The lowest free number, or -1.
int vs_uc_guest_take_number(vs_uc_guest* guest);
void vs_uc_guest_return_number(vs_uc_guest* guest, int number);

static inline const vs_uc_trap* vs_uc_trap_first(const vs_uc_guest* guest) {
  return atomic_load_explicit(&guest->traps, memory_order_acquire);
}
static inline const vs_uc_trap* vs_uc_trap_next(const vs_uc_trap* trap) {
  return atomic_load_explicit(&trap->next, memory_order_acquire);
}

// The trap that covers a port, or a guest-physical address (of kind BELL or MEM); NULL: none does.
const vs_uc_trap* vs_uc_guest_find_port_trap(const vs_uc_guest* guest, uint16_t port);
const vs_uc_trap* vs_uc_guest_find_memory_trap(const vs_uc_guest* guest, uint64_t addr);

// What stands for a resource of another kind: a value that the table never gives out.
#define VS_UC_OTHER_RESOURCE ((zx_handle_t)0x80000003u)

zx_status_t vs_uc_guest_create(zx_handle_t resource, uint32_t options, zx_handle_t* guest,
                               zx_handle_t* vmar);
zx_status_t vs_uc_guest_set_trap(zx_handle_t handle, uint32_t kind, zx_vaddr_t addr, size_t size,
                                 zx_handle_t port, uint64_t key);
zx_status_t vs_uc_vmar_map(zx_handle_t handle, zx_vm_option_t options, uint64_t vmar_offset,
                           zx_handle_t vmo, uint64_t vmo_offset, uint64_t len,
                           zx_vaddr_t* mapped_addr);

#endif  // VS_BACKENDS_UNICORN_GUEST_H_
