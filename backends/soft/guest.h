// SPDX-License-Identifier: BSD-3-Clause
// Guests, their traps and their memory. Internal to this folder.
#ifndef VS_BACKENDS_SOFT_GUEST_H_
#define VS_BACKENDS_SOFT_GUEST_H_

#include "objects.h"

typedef struct vs_soft_vmo {
  vs_soft_object object;
  uint64_t size;   // bytes, whole pages
  uint8_t* bytes;  // under the lock
} vs_soft_vmo;

// A range of a guest's memory. The mappings of a region are sorted, and do not intersect.
typedef struct vs_soft_mapping {
  struct vs_soft_mapping* next;
  uint64_t start;  // page-aligned, as `end` is
  uint64_t end;    // after the last byte
  vs_soft_vmo* vmo;
  uint8_t* bytes;       // of the VMO, at `start`
  zx_rights_t allowed;  // of READ, WRITE, EXECUTE: what its permissions may become
} vs_soft_mapping;

// A guest's physical address space. It begins at 0.
typedef struct vs_soft_vmar {
  vs_soft_object object;
  bool destroyed;  // its guest has ended
  unsigned count;  // of mappings
  vs_soft_mapping* first;
} vs_soft_vmar;

typedef struct vs_soft_trap {
  struct vs_soft_trap* next;
  uint32_t kind;
  uint64_t addr;
  uint64_t size;
  vs_soft_object* port;  // of a bell
  uint64_t key;          // of its packets
} vs_soft_trap;

typedef struct vs_soft_guest {
  vs_soft_object object;
  vs_soft_vmar* vmar;
  vs_soft_trap* traps;
  unsigned trap_count;
  unsigned vcpu_count;
} vs_soft_guest;

// All under the lock.

void vs_soft_traps_end(vs_soft_guest* guest);
// The trap at an address of memory, or at a port. NULL: there is none.
const vs_soft_trap* vs_soft_trap_at(const vs_soft_guest* guest, bool memory, uint64_t addr);

// NULL: no memory. The reference is the caller's.
vs_soft_vmar* vs_soft_vmar_new(void);
// What is left of it for those who have a handle refuses everything.
void vs_soft_vmar_destroy(vs_soft_vmar* vmar);

uint64_t vs_soft_space(void);  // bytes of a guest's physical address space

// How many bytes of the guest's memory lie in a row from `addr` on, and where; 0: nothing is
// mapped.
size_t vs_soft_vmar_reach(vs_soft_vmar* vmar, uint64_t addr, uint8_t** bytes);

// Unmaps [start, end), which may have no mappings, or parts of some. False: no memory, and nothing
// is changed.
bool vs_soft_vmar_clear(vs_soft_vmar* vmar, uint64_t start, uint64_t end);

#endif  // VS_BACKENDS_SOFT_GUEST_H_
