// SPDX-License-Identifier: BSD-3-Clause
// Guests, their vmars and their traps.
#include <stdlib.h>

#include "objects.h"
#include "user_copy.h"
#include "zircon.h"

#define PORTS UINT64_C(0x10000)  // the I/O space has this many

// --- life ---------------------------------------------------------------------------------------

void vs_zx_vmar_destroy(vs_zx_vmar* vmar) {
  vs_zx_unref(&vmar->guest->base);
}

static void trap_free(vs_zx_trap* trap) {
  if (trap->port) {
    vs_zx_port_forget(trap->port, trap);
    vs_zx_unref(&trap->port->base);
  }
  free(trap);
}

void vs_zx_guest_destroy(vs_zx_guest* guest) {
  vs_zx.engine->space_delete(guest->space);
  for (unsigned i = 0; i < guest->count; i++) vs_zx_unref(&guest->vmos[i]->base);
  while (guest->traps) {
    vs_zx_trap* trap = guest->traps;
    guest->traps = trap->next;
    trap_free(trap);
  }
}

// Both objects are ours alone and hold nothing yet.
static zx_status_t connect(vs_zx_guest* guest, vs_zx_vmar* vmar) {
  const zx_status_t status = vs_zx.engine->space_new(vs_zx.engine, &guest->space);
  if (status != ZX_OK) return status;
  guest->base = (vs_zx_object){.type = ZX_OBJ_TYPE_GUEST, .references = 1};
  vmar->base = (vs_zx_object){.type = ZX_OBJ_TYPE_VMAR, .references = 1};
  const bool lacks = vs_zx.engine->must_have_memory || vs_zx.engine->page_tables != UINT64_MAX;
  atomic_init(&guest->starved, lacks ? ZX_ERR_NOT_FOUND : ZX_OK);
  vmar->guest = guest;
  vs_zx_ref(&guest->base);
  return ZX_OK;
}

static zx_status_t add_handles(vs_zx_guest* guest, vs_zx_vmar* vmar, zx_handle_t values[2]) {
  zx_status_t status = vs_zx_handle_add(&guest->base, ZX_DEFAULT_GUEST_RIGHTS, &values[0]);
  if (status != ZX_OK) return status;
  status = vs_zx_handle_add(&vmar->base, ZX_DEFAULT_VMAR_RIGHTS, &values[1]);
  if (status != ZX_OK) vs_zx_handle_remove(vs_zx_handle_find(values[0]));
  return status;
}

static zx_status_t create(zx_handle_t values[2]) {
  vs_zx_guest* guest = calloc(1, sizeof *guest);
  vs_zx_vmar* vmar = calloc(1, sizeof *vmar);
  zx_status_t status = ZX_ERR_NO_MEMORY;
  if (guest && vmar) {
    vs_zx_lock();
    status = connect(guest, vmar);
    if (status == ZX_OK) {
      status = add_handles(guest, vmar, values);
      vs_zx_unref(&vmar->base);
      vs_zx_unref(&guest->base);
      guest = NULL;
      vmar = NULL;
    }
    vs_zx_unlock();
  }
  free(guest);
  free(vmar);
  return status;
}

// Neither the machine's resource nor the other one is an object of the table.
static zx_status_t check_resource(zx_handle_t resource) {
  if (resource == ZX_HANDLE_INVALID) return ZX_OK;
  if (resource == VS_ZIRCON_OTHER_RESOURCE) return vs_zx.engine->other_resource;
  vs_zx_lock();
  const bool found = vs_zx_handle_find(resource) != NULL;
  vs_zx_unlock();
  return found ? ZX_ERR_WRONG_TYPE : ZX_ERR_BAD_HANDLE;
}

zx_status_t vs_zx_guest_create(zx_handle_t resource, uint32_t options, zx_handle_t* guest_handle,
                               zx_handle_t* vmar_handle) {
  zx_handle_t values[2];
  zx_status_t status = check_resource(resource);
  if (status != ZX_OK) return status;
  if (options != ZX_GUEST_OPT_NORMAL) return ZX_ERR_INVALID_ARGS;
  status = create(values);
  if (status != ZX_OK) return status;
  if (vs_copy_to_user(guest_handle, &values[0], sizeof values[0]) &&
      vs_copy_to_user(vmar_handle, &values[1], sizeof values[1])) {
    return ZX_OK;
  }
  vs_zx_handle_revoke(values[0]);
  vs_zx_handle_revoke(values[1]);
  return ZX_ERR_INVALID_ARGS;
}

// --- traps --------------------------------------------------------------------------------------

// BELL and MEM share one space.
static bool is_of_ports(uint32_t kind) {
  return kind == ZX_GUEST_TRAP_IO;
}

static vs_zx_trap* overlapping(const vs_zx_guest* guest, bool of_ports, uint64_t first,
                               uint64_t last) {
  for (vs_zx_trap* trap = atomic_load_explicit(&guest->traps, memory_order_acquire); trap;
       trap = trap->next) {
    const bool one_space = is_of_ports(trap->kind) == of_ports;
    if (one_space && trap->first <= last && first <= trap->last) return trap;
  }
  return NULL;
}

vs_zx_trap* vs_zx_trap_at(const vs_zx_guest* guest, bool of_ports, uint64_t addr) {
  return overlapping(guest, of_ports, addr, addr);
}

vs_zx_trap* vs_zx_trap_met(const vs_zx_guest* guest, bool of_ports, uint64_t addr) {
  vs_zx_trap* trap = vs_zx_trap_at(guest, of_ports, addr);
  if (trap) return trap;
  vs_zx_lock();
  trap = vs_zx_trap_at(guest, of_ports, addr);
  vs_zx_unlock();
  return trap;
}

// A trap on memory takes the memory away: that is how an access is noticed. Only one that is there
// to stay is shown to vCPUs that run: they look without the lock. One that meets the hole before
// that takes the lock to look again (vs_zx_trap_met).
static zx_status_t add_locked(vs_zx_guest* guest, vs_zx_trap* trap) {
  const bool of_ports = is_of_ports(trap->kind);
  if (overlapping(guest, of_ports, trap->first, trap->last)) return ZX_ERR_ALREADY_EXISTS;
  const zx_status_t status =
      of_ports ? ZX_OK : vs_zx_clear(guest, trap->first, trap->last - trap->first + 1);
  if (status != ZX_OK) return status;
  if (trap->port) vs_zx_ref(&trap->port->base);
  trap->next = guest->traps;
  atomic_store_explicit(&guest->traps, trap, memory_order_release);
  vs_zx_look_at_tables(guest);
  return ZX_OK;
}

static zx_status_t add_trap(vs_zx_guest* guest, const vs_zx_trap* wanted) {
  vs_zx_trap* trap = malloc(sizeof *trap);
  if (!trap) return ZX_ERR_NO_MEMORY;
  *trap = *wanted;
  vs_zx_lock();
  const zx_status_t status = add_locked(guest, trap);
  vs_zx_unlock();
  if (status != ZX_OK) free(trap);
  return status;
}

static zx_status_t check_kind(uint32_t kind, bool has_port) {
  if (is_of_ports(kind) && !vs_zx.engine->has_ports) return ZX_ERR_NOT_SUPPORTED;
  if (kind > ZX_GUEST_TRAP_IO) return ZX_ERR_INVALID_ARGS;
  return has_port == (kind == ZX_GUEST_TRAP_BELL) ? ZX_OK : ZX_ERR_INVALID_ARGS;
}

static zx_status_t check_pages(zx_vaddr_t addr, size_t size) {
  if (size == 0 || ((addr | size) & (VS_ENGINE_PAGE - 1))) return ZX_ERR_INVALID_ARGS;
  const bool is_lone = addr == vs_zx.engine->lone_page;
  return is_lone && size != VS_ENGINE_PAGE ? ZX_ERR_INVALID_ARGS : ZX_OK;
}

static zx_status_t check_range(uint32_t kind, zx_vaddr_t addr, size_t size) {
  const bool of_ports = is_of_ports(kind);
  const uint64_t limit = of_ports ? PORTS : vs_zx_limit();
  const zx_status_t status = of_ports ? ZX_OK : check_pages(addr, size);
  if (status != ZX_OK) return status;
  if (addr < limit && size != 0 && size <= limit - addr) return ZX_OK;
  return of_ports ? ZX_ERR_OUT_OF_RANGE : vs_zx.engine->beyond;
}

static zx_status_t set_trap(vs_zx_guest* guest, vs_zx_port* port, uint32_t kind, zx_vaddr_t addr,
                            size_t size, uint64_t key) {
  zx_status_t status = check_kind(kind, port != NULL);
  if (status == ZX_OK) status = check_range(kind, addr, size);
  if (status != ZX_OK) return status;
  const vs_zx_trap trap = {
      .kind = kind, .first = addr, .last = addr + size - 1, .key = key, .port = port};
  return add_trap(guest, &trap);
}

zx_status_t vs_zx_guest_set_trap(zx_handle_t handle, uint32_t kind, zx_vaddr_t addr, size_t size,
                                 zx_handle_t port_handle, uint64_t key) {
  vs_zx_object *guest, *port = NULL;
  zx_status_t status = vs_zx_pin(handle, ZX_OBJ_TYPE_GUEST, ZX_RIGHT_WRITE, &guest);
  if (status != ZX_OK) return status;
  if (port_handle != ZX_HANDLE_INVALID)
    status = vs_zx_pin(port_handle, ZX_OBJ_TYPE_PORT, ZX_RIGHT_WRITE, &port);
  if (status == ZX_OK)
    status = set_trap((vs_zx_guest*)guest, (vs_zx_port*)port, kind, addr, size, key);
  if (port) vs_zx_unpin(port);
  vs_zx_unpin(guest);
  return status;
}
