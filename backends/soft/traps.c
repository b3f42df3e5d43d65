// SPDX-License-Identifier: BSD-3-Clause
// Traps: what zx_guest_set_trap checks, and the look-up for the guest code that meets one.
#include <stdlib.h>

#include "guest.h"

enum { TRAPS_MAX = 4096, IO_PORTS = 1 << 16, LOCAL_APIC = 0xfee00000 };

// A call of zx_guest_set_trap.
typedef struct request {
  vs_soft_guest* guest;
  uint32_t kind;
  uint64_t addr;
  uint64_t size;
  vs_soft_object* port;  // NULL: it named none
  uint64_t key;
} request;

// Bells share the memory's space.
static bool is_memory(uint32_t kind) {
  return kind == ZX_GUEST_TRAP_BELL || kind == ZX_GUEST_TRAP_MEM;
}

static zx_status_t check_kind(const request* r) {
  if (is_memory(r->kind)) {
    const bool is_bell = r->kind == ZX_GUEST_TRAP_BELL;
    return is_bell == (r->port != NULL) ? ZX_OK : ZX_ERR_INVALID_ARGS;
  }
  if (r->kind != ZX_GUEST_TRAP_IO) return ZX_ERR_INVALID_ARGS;
  if (!vs_soft.rules->has_io) return ZX_ERR_NOT_SUPPORTED;
  return r->port == NULL ? ZX_OK : ZX_ERR_INVALID_ARGS;
}

static zx_status_t check_aligned(const request* r) {
  const bool aligned = r->addr % VS_SOFT_PAGE == 0 && r->size % VS_SOFT_PAGE == 0;
  return aligned || !is_memory(r->kind) ? ZX_OK : ZX_ERR_INVALID_ARGS;
}

static bool is_within(const request* r, uint64_t space) {
  return r->addr <= space && r->size <= space - r->addr;
}

// The page does not say what a size of 0 is: published kernels do.
static zx_status_t check_space(const request* r) {
  if (r->size == 0) return is_memory(r->kind) ? ZX_ERR_INVALID_ARGS : ZX_ERR_OUT_OF_RANGE;
  const uint64_t space = is_memory(r->kind) ? vs_soft_space() : IO_PORTS;
  return is_within(r, space) ? ZX_OK : ZX_ERR_OUT_OF_RANGE;
}

static zx_status_t check_apic(const request* r) {
  const bool is_apic = vs_soft.rules->has_io && is_memory(r->kind) && r->addr == LOCAL_APIC;
  return !is_apic || r->size == VS_SOFT_PAGE ? ZX_OK : ZX_ERR_INVALID_ARGS;
}

static bool is_same_space(const vs_soft_trap* trap, const request* r) {
  return is_memory(trap->kind) == is_memory(r->kind);
}

static zx_status_t check_apart(const request* r) {
  for (const vs_soft_trap* t = r->guest->traps; t != NULL; t = t->next) {
    const bool intersects = r->addr < t->addr + t->size && t->addr < r->addr + r->size;
    if (is_same_space(t, r) && intersects) return ZX_ERR_ALREADY_EXISTS;
  }
  return ZX_OK;
}

static zx_status_t check_some(const request* r) {
  return r->size != 0 ? ZX_OK : ZX_ERR_INVALID_ARGS;
}

static zx_status_t check_no_wrap(const request* r) {
  return r->size <= UINT64_MAX - r->addr ? ZX_OK : ZX_ERR_OUT_OF_RANGE;
}

// Thus 0xffff is no port.
static zx_status_t check_ports(const request* r) {
  const bool good = r->size != 0 && is_within(r, IO_PORTS - 1);
  return good || is_memory(r->kind) ? ZX_OK : ZX_ERR_OUT_OF_RANGE;
}

static zx_status_t check_known(const request* r) {
  return is_memory(r->kind) || r->kind == ZX_GUEST_TRAP_IO ? ZX_OK : ZX_ERR_INVALID_ARGS;
}

static zx_status_t check_clear(const request* r) {
  if (!is_memory(r->kind)) return ZX_OK;
  const bool done = vs_soft_vmar_clear(r->guest->vmar, r->addr, r->addr + r->size);
  return done ? ZX_OK : ZX_ERR_NO_MEMORY;
}

static zx_status_t check_unmap(const request* r) {
  const bool good = r->size != 0 && is_within(r, vs_soft_space());
  return good || !is_memory(r->kind) ? check_clear(r) : ZX_ERR_INVALID_ARGS;
}

static zx_status_t check_new_start(const request* r) {
  for (const vs_soft_trap* t = r->guest->traps; t != NULL; t = t->next) {
    if (!is_same_space(t, r) || t->addr != r->addr) continue;
    return vs_soft.rules->taken_is_invalid ? ZX_ERR_INVALID_ARGS : ZX_ERR_ALREADY_EXISTS;
  }
  return ZX_OK;
}

static zx_status_t (*const checks[])(const request*) = {
    [VS_SOFT_TRAP_KIND] = check_kind,       [VS_SOFT_TRAP_ALIGNED] = check_aligned,
    [VS_SOFT_TRAP_SPACE] = check_space,     [VS_SOFT_TRAP_APIC] = check_apic,
    [VS_SOFT_TRAP_APART] = check_apart,     [VS_SOFT_TRAP_SOME] = check_some,
    [VS_SOFT_TRAP_NO_WRAP] = check_no_wrap, [VS_SOFT_TRAP_PORTS] = check_ports,
    [VS_SOFT_TRAP_UNMAP] = check_unmap,     [VS_SOFT_TRAP_NEW_START] = check_new_start,
    [VS_SOFT_TRAP_CLEAR] = check_clear,     [VS_SOFT_TRAP_KNOWN] = check_known,
};

static zx_status_t insert(const request* r) {
  vs_soft_guest* guest = r->guest;
  vs_soft_trap* trap = guest->trap_count < TRAPS_MAX ? malloc(sizeof *trap) : NULL;
  if (trap == NULL) return ZX_ERR_NO_MEMORY;
  *trap = (vs_soft_trap){guest->traps, r->kind, r->addr, r->size, r->port, r->key};
  if (r->port != NULL) r->port->refs++;
  guest->traps = trap;
  guest->trap_count++;
  return ZX_OK;
}

static zx_status_t set_trap(const request* r) {
  for (const uint8_t* check = vs_soft.rules->traps; *check != VS_SOFT_TRAP_END; check++) {
    const zx_status_t status = checks[*check](r);
    if (status != ZX_OK) return status;
  }
  return insert(r);
}

static zx_status_t find_both(zx_handle_t handle, zx_handle_t port, request* r) {
  const vs_soft_slot* slot = NULL;
  zx_status_t status = vs_soft_find(handle, ZX_OBJ_TYPE_GUEST, ZX_RIGHT_WRITE, &slot);
  if (status != ZX_OK) return status;
  r->guest = (vs_soft_guest*)slot->object;
  if (port == ZX_HANDLE_INVALID) return ZX_OK;
  status = vs_soft_find(port, ZX_OBJ_TYPE_PORT, ZX_RIGHT_WRITE, &slot);
  if (status == ZX_OK) r->port = slot->object;
  return status;
}

zx_status_t vs_soft_guest_set_trap(zx_handle_t handle, uint32_t kind, uint64_t addr, uint64_t size,
                                   zx_handle_t port, uint64_t key) {
  request r = {.kind = kind, .addr = addr, .size = size, .key = key};
  vs_soft_lock();
  zx_status_t status = find_both(handle, port, &r);
  if (status == ZX_OK) status = set_trap(&r);
  vs_soft_unlock();
  return status;
}

const vs_soft_trap* vs_soft_trap_at(const vs_soft_guest* guest, bool memory, uint64_t addr) {
  for (const vs_soft_trap* t = guest->traps; t != NULL; t = t->next) {
    if (is_memory(t->kind) == memory && addr >= t->addr && addr - t->addr < t->size) return t;
  }
  return NULL;
}

void vs_soft_traps_end(vs_soft_guest* guest) {
  while (guest->traps != NULL) {
    vs_soft_trap* trap = guest->traps;
    guest->traps = trap->next;
    if (trap->port != NULL) {
      vs_soft_port_forget(trap->port, trap);
      vs_soft_unref(trap->port);
    }
    free(trap);
  }
}
