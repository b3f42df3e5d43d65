// SPDX-License-Identifier: BSD-3-Clause
// Guests, their vmars and their traps.
#include <errno.h>
#include <stdlib.h>

#include "arch.h"
#include "kvm.h"
#include "objects.h"
#include "user_copy.h"

#define PORTS UINT64_C(0x10000)  // the I/O space has this many

uint64_t vs_kvm_guest_limit(void) {
  return UINT64_C(1) << vs_kvm_arch.aspace_bits;
}

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
  atomic_init(&guest->tables_trapped, false);
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
  if (resource == VS_KVM_OTHER_RESOURCE)
    return vs_kvm.as_published ? ZX_ERR_WRONG_TYPE : ZX_ERR_ACCESS_DENIED;
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

static bool is_of_ports(uint32_t kind) {
  return kind == ZX_GUEST_TRAP_IO;
}

// BELL and MEM share one space.
static const vs_kvm_trap* overlapping(const vs_kvm_guest* guest, uint32_t kind, uint64_t first,
                                      uint64_t last) {
  for (const vs_kvm_trap* trap = guest->traps; trap; trap = trap->next) {
    const bool one_space = is_of_ports(trap->kind) == is_of_ports(kind);
    if (one_space && trap->first <= last && first <= trap->last) return trap;
  }
  return NULL;
}

bool vs_kvm_guest_find_trap(const vs_kvm_guest* guest, uint32_t kind, uint64_t addr,
                            uint64_t* key) {
  const vs_kvm_trap* trap = overlapping(guest, kind, addr, addr);
  if (!trap || trap->kind != kind) return false;
  *key = trap->key;
  return true;
}

// With the lock held. A trap on memory takes the memory away: that is how an access is noticed.
static zx_status_t make_room(vs_kvm_guest* guest, const vs_kvm_trap* trap) {
  if (overlapping(guest, trap->kind, trap->first, trap->last)) return ZX_ERR_ALREADY_EXISTS;
  if (is_of_ports(trap->kind)) return ZX_OK;
  const int result = vs_kvm_vm_unmap(guest->vm, trap->first, trap->last - trap->first + 1);
  if (result < 0) return result == -ENOSPC ? ZX_ERR_NO_RESOURCES : vs_kvm_status(result);
  const uint64_t tables = vs_kvm_arch.page_tables;
  if (trap->first <= tables && tables <= trap->last) atomic_store(&guest->tables_trapped, true);
  return ZX_OK;
}

static zx_status_t add_trap(vs_kvm_guest* guest, const vs_kvm_trap* wanted) {
  vs_kvm_trap* trap = malloc(sizeof(*trap));
  if (!trap) return ZX_ERR_NO_MEMORY;
  *trap = *wanted;
  vs_kvm_lock();
  const zx_status_t status = make_room(guest, trap);
  if (status == ZX_OK) {
    trap->next = guest->traps;
    guest->traps = trap;
  }
  vs_kvm_unlock();
  if (status != ZX_OK) free(trap);
  return status;
}

static zx_status_t check_port(zx_handle_t port) {
  vs_kvm_object* object;
  if (port == ZX_HANDLE_INVALID) return ZX_OK;
  const zx_status_t status = vs_kvm_pin(port, ZX_OBJ_TYPE_PORT, ZX_RIGHT_WRITE, &object);
  if (status == ZX_OK) vs_kvm_unpin(object);
  return status;
}

static zx_status_t check_kind(uint32_t kind, bool has_port) {
  if (is_of_ports(kind) && !vs_kvm_arch.has_ports) return ZX_ERR_NOT_SUPPORTED;
  if (kind > ZX_GUEST_TRAP_IO) return ZX_ERR_INVALID_ARGS;
  return has_port == (kind == ZX_GUEST_TRAP_BELL) ? ZX_OK : ZX_ERR_INVALID_ARGS;
}

static zx_status_t check_pages(zx_vaddr_t addr, size_t size) {
  if (size == 0 || ((addr | size) & (VS_KVM_PAGE - 1))) return ZX_ERR_INVALID_ARGS;
  return addr == vs_kvm_arch.lone_page && size != VS_KVM_PAGE ? ZX_ERR_INVALID_ARGS : ZX_OK;
}

// Published kernels take the memory away first, and there what is beyond it is a bad argument.
static zx_status_t check_range(uint32_t kind, zx_vaddr_t addr, size_t size) {
  const bool of_ports = is_of_ports(kind);
  const uint64_t limit = of_ports ? PORTS : vs_kvm_guest_limit();
  const zx_status_t status = of_ports ? ZX_OK : check_pages(addr, size);
  if (status != ZX_OK) return status;
  if (addr < limit && size != 0 && size <= limit - addr) return ZX_OK;
  return vs_kvm.as_published && !of_ports ? ZX_ERR_INVALID_ARGS : ZX_ERR_OUT_OF_RANGE;
}

static zx_status_t set_trap(vs_kvm_guest* guest, uint32_t kind, zx_vaddr_t addr, size_t size,
                            zx_handle_t port, uint64_t key) {
  zx_status_t status = check_port(port);
  if (status == ZX_OK) status = check_kind(kind, port != ZX_HANDLE_INVALID);
  if (status == ZX_OK) status = check_range(kind, addr, size);
  if (status != ZX_OK) return status;
  const vs_kvm_trap trap = {.kind = kind, .first = addr, .last = addr + size - 1, .key = key};
  return add_trap(guest, &trap);
}

zx_status_t vs_kvm_guest_set_trap(zx_handle_t handle, uint32_t kind, zx_vaddr_t addr, size_t size,
                                  zx_handle_t port_handle, uint64_t key) {
  vs_kvm_object* object;
  zx_status_t status = vs_kvm_pin(handle, ZX_OBJ_TYPE_GUEST, ZX_RIGHT_WRITE, &object);
  if (status != ZX_OK) return status;
  status = set_trap((vs_kvm_guest*)object, kind, addr, size, port_handle, key);
  vs_kvm_unpin(object);
  return status;
}
