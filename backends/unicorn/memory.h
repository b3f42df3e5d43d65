// SPDX-License-Identifier: BSD-3-Clause
// VMOs, and the physical address space of a guest: which VMO is where. Engines learn of both
// through one counter of changes, since only its owner's thread may touch an engine.
#ifndef VS_BACKENDS_UNICORN_MEMORY_H_
#define VS_BACKENDS_UNICORN_MEMORY_H_

#include <stdbool.h>

#include "handle.h"

enum { VS_UC_PAGE = 4096, VS_UC_MAPS = 64, VS_UC_CHANGES_KEPT = 64 };

typedef struct vs_uc_vmo {
  vs_uc_object object;
  uint64_t serial;  // never used again, unlike an address
  uint64_t size;    // bytes, whole pages
  uint8_t* bytes;
} vs_uc_vmo;

typedef struct vs_uc_map {
  uint64_t gpa;
  uint64_t len;
  uint64_t vmo_offset;
  zx_vm_option_t perms;
  vs_uc_vmo* vmo;  // with a reference: a mapping keeps its VMO alive
} vs_uc_map;

// Mappings are only ever added: entries below `count` never change, and need no lock.
typedef struct vs_uc_aspace {
  atomic_uint count;
  vs_uc_map maps[VS_UC_MAPS];
} vs_uc_aspace;

// A part of a VMO that zx_vmo_write has changed.
typedef struct vs_uc_dirty {
  uint64_t vmo_serial;
  uint64_t offset;
  uint64_t len;
} vs_uc_dirty;

// Counts every new mapping, every new trap on memory and every zx_vmo_write of the process.
extern atomic_uint_fast64_t vs_uc_changes;

// Counts a new trap.
void vs_uc_record_trap(void);

// The change number `change` (from 0 on), if it was a zx_vmo_write and is still remembered. *known
// is false when it is not: anything may have changed. A len of 0 is a new mapping or trap.
vs_uc_dirty vs_uc_change(uint64_t change, bool* known);

// Gives back the VMOs of a guest's mappings.
void vs_uc_aspace_clear(vs_uc_aspace* aspace);

// ALREADY_EXISTS: it overlaps another mapping; NO_RESOURCES: too many. Takes a reference to the VMO
// on ZX_OK only.
zx_status_t vs_uc_aspace_add(vs_uc_aspace* aspace, const vs_uc_map* map);

zx_status_t vs_uc_vmo_create(uint64_t size, uint32_t options, zx_handle_t* out);
zx_status_t vs_uc_vmo_read(zx_handle_t handle, void* buffer, uint64_t offset, size_t size);
zx_status_t vs_uc_vmo_write(zx_handle_t handle, const void* buffer, uint64_t offset, size_t size);

#endif  // VS_BACKENDS_UNICORN_MEMORY_H_
