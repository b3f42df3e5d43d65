// SPDX-License-Identifier: BSD-3-Clause
// Guests, their vmars and their traps.
#include <stdlib.h>

#include "kvm.h"
#include "objects.h"
#include "user_copy.h"

#define PORTS UINT64_C(0x10000)  // the I/O space has this many

void vs_kvm_vmar_destroy(vs_kvm_vmar* vmar) {
  vs_kvm_unref(&vmar->guest->base);
}

void vs_kvm_guest_destroy(vs_kvm_guest* guest) {
  vs_kvm_vm_give(&vs_kvm.machines, guest->vm);
  while (guest->mappings) {
    vs_kvm_mapping* mapping = guest->mappings;
    guest->mappings = mapping->next;
    vs_kvm_unref(&mapping->vmo->base);
    free(mapping);
  }
  while (guest->traps) {
    vs_kvm_trap* trap = guest->traps;
    guest->traps = trap->next;
    free(trap);
  }
}

// Both objects are ours alone and hold nothing yet.
static zx_status_t connect(vs_kvm_guest* guest, vs_kvm_vmar* vmar) {
  int error = 0;
  guest->base = (vs_kvm_object){.type = ZX_OBJ_TYPE_GUEST, .references = 1};
  vmar->base = (vs_kvm_object){.type = ZX_OBJ_TYPE_VMAR, .references = 1};
  guest->vm = vs_kvm_vm_take(&vs_kvm.machines, &error);
  if (!guest->vm) return vs_kvm_status(error);
  atomic_init(&guest->has_memory, false);
  vmar->guest = guest;
  vs_kvm_ref(&guest->base);
  return ZX_OK;
}

static zx_status_t add_handles(vs_kvm_guest* guest, vs_kvm_vmar* vmar, zx_handle_t values[2]) {
  zx_status_t status = vs_kvm_handle_add(&guest->base, ZX_DEFAULT_GUEST_RIGHTS, &values[0]);
  if (status != ZX_OK) return status;
  status = vs_kvm_handle_add(&vmar->base, ZX_DEFAULT_VMAR_RIGHTS, &values[1]);
  if (status != ZX_OK) vs_kvm_handle_remove(vs_kvm_handle_find(values[0]));
  return status;
}

static zx_status_t create(zx_handle_t values[2]) {
  vs_kvm_guest* guest = calloc(1, sizeof(*guest));
  vs_kvm_vmar* vmar = calloc(1, sizeof(*vmar));
  zx_status_t status = ZX_ERR_NO_MEMORY;
  if (guest && vmar) {
    vs_kvm_lock();
    status = connect(guest, vmar);
    if (status == ZX_OK) {
      status = add_handles(guest, vmar, values);
      vs_kvm_unref(&vmar->base);
      vs_kvm_unref(&guest->base);
      guest = NULL;
      vmar = NULL;
    }
    vs_kvm_unlock();
  }
  free(guest);
  free(vmar);
  return status;
}

static zx_status_t check_resource(zx_handle_t resource) {
  if (resource == vs_backend_kvm.resource) return ZX_OK;
  vs_kvm_lock();
  const bool found = vs_kvm_handle_find(resource) != NULL;
  vs_kvm_unlock();
  return found ? ZX_ERR_WRONG_TYPE : ZX_ERR_BAD_HANDLE;
}

zx_status_t vs_kvm_guest_create(zx_handle_t resource, uint32_t options, zx_handle_t* guest_handle,
                                zx_handle_t* vmar_handle) {
  zx_handle_t values[2];
  zx_status_t status = check_resource(resource);
  if (status != ZX_OK) return status;
  if (options != ZX_GUEST_OPT_NORMAL) return ZX_ERR_INVALID_ARGS;
  status = create(values);
  if (status != ZX_OK) return status;
  if (vs_copy_to_user(guest_handle, &values[0], sizeof(values[0])) &&
      vs_copy_to_user(vmar_handle, &values[1], sizeof(values[1]))) {
    return ZX_OK;
  }
  vs_kvm_handle_revoke(values[0]);
  vs_kvm_handle_revoke(values[1]);
  return ZX_ERR_INVALID_ARGS;
}

static const vs_kvm_trap* overlapping(const vs_kvm_guest* guest, uint32_t kind, uint64_t first,
                                      uint64_t last) {
  for (const vs_kvm_trap* trap = guest->traps; trap; trap = trap->next) {
    if (trap->kind == kind && trap->first <= last && first <= trap->last) return trap;
  }
  return NULL;
}

bool vs_kvm_guest_find_trap(const vs_kvm_guest* guest, uint32_t kind, uint64_t addr,
                            uint64_t* key) {
  const vs_kvm_trap* trap = overlapping(guest, kind, addr, addr);
  if (trap) *key = trap->key;
  return trap != NULL;
}

static zx_status_t add_io_trap(vs_kvm_guest* guest, uint64_t addr, uint64_t size, uint64_t key) {
  if (addr >= PORTS || size == 0 || size > PORTS - addr) return ZX_ERR_OUT_OF_RANGE;
  vs_kvm_trap* trap = calloc(1, sizeof(*trap));
  if (!trap) return ZX_ERR_NO_MEMORY;
  *trap =
      (vs_kvm_trap){.kind = ZX_GUEST_TRAP_IO, .first = addr, .last = addr + size - 1, .key = key};
  vs_kvm_lock();
  const bool taken = overlapping(guest, trap->kind, trap->first, trap->last) != NULL;
  if (!taken) {
    trap->next = guest->traps;
    guest->traps = trap;
  }
  vs_kvm_unlock();
  if (taken) free(trap);
  return taken ? ZX_ERR_ALREADY_EXISTS : ZX_OK;
}

static zx_status_t check_port(zx_handle_t port) {
  vs_kvm_object* object;
  if (port == ZX_HANDLE_INVALID) return ZX_OK;
  const zx_status_t status = vs_kvm_pin(port, ZX_OBJ_TYPE_PORT, ZX_RIGHT_WRITE, &object);
  if (status == ZX_OK) vs_kvm_unpin(object);
  return status;
}

static zx_status_t add_trap(vs_kvm_guest* guest, uint32_t kind, zx_vaddr_t addr, size_t size,
                            zx_handle_t port, uint64_t key) {
  switch (kind) {
    case ZX_GUEST_TRAP_BELL:
    case ZX_GUEST_TRAP_MEM:
      return ZX_ERR_NOT_SUPPORTED;
    case ZX_GUEST_TRAP_IO:
      return port == ZX_HANDLE_INVALID ? add_io_trap(guest, addr, size, key) : ZX_ERR_INVALID_ARGS;
    default:
      return ZX_ERR_INVALID_ARGS;
  }
}

zx_status_t vs_kvm_guest_set_trap(zx_handle_t handle, uint32_t kind, zx_vaddr_t addr, size_t size,
                                  zx_handle_t port_handle, uint64_t key) {
  vs_kvm_object* object;
  zx_status_t status = vs_kvm_pin(handle, ZX_OBJ_TYPE_GUEST, ZX_RIGHT_WRITE, &object);
  if (status != ZX_OK) return status;
  status = check_port(port_handle);
  if (status == ZX_OK) {
    status = add_trap((vs_kvm_guest*)object, kind, addr, size, port_handle, key);
  }
  vs_kvm_unpin(object);
  return status;
}
