// SPDX-License-Identifier: BSD-3-Clause
// What is mapped into a guest's memory. Permissions are checked when they are asked for, and not
// when guest code runs.
#include <stdlib.h>

#include "guest.h"
#include "user_copy.h"

enum { MAPPINGS_MAX = 4096 };

static const zx_vm_option_t PERMISSIONS = ZX_VM_PERM_READ | ZX_VM_PERM_WRITE | ZX_VM_PERM_EXECUTE;
static const zx_rights_t ACCESS = ZX_RIGHT_READ | ZX_RIGHT_WRITE | ZX_RIGHT_EXECUTE;

uint64_t vs_soft_space(void) {
  return (uint64_t)1 << vs_soft.rules->gpa_bits;
}

// ---- Mappings.

// Takes a reference to the VMO. NULL: no memory, or too many.
static vs_soft_mapping* mapping_new(vs_soft_vmar* vmar, vs_soft_mapping with) {
  vs_soft_mapping* made = vmar->count < MAPPINGS_MAX ? malloc(sizeof *made) : NULL;
  if (made == NULL) return NULL;
  *made = with;
  with.vmo->object.refs++;
  vmar->count++;
  return made;
}

static void remove_at(vs_soft_vmar* vmar, vs_soft_mapping** at) {
  vs_soft_mapping* removed = *at;
  *at = removed->next;
  vmar->count--;
  vs_soft_unref(&removed->vmo->object);
  free(removed);
}

// The first mapping that ends behind `start`, and where its pointer is; NULL is there if none does.
static vs_soft_mapping** first_behind(vs_soft_vmar* vmar, uint64_t start) {
  vs_soft_mapping** at = &vmar->first;
  while (*at != NULL && (*at)->end <= start) at = &(*at)->next;
  return at;
}

static bool is_mapped(vs_soft_vmar* vmar, uint64_t start, uint64_t end) {
  const vs_soft_mapping* m = *first_behind(vmar, start);
  return m != NULL && m->start < end;
}

size_t vs_soft_vmar_reach(vs_soft_vmar* vmar, uint64_t addr, uint8_t** bytes) {
  const vs_soft_mapping* m = *first_behind(vmar, addr);
  if (m == NULL || m->start > addr) return 0;
  *bytes = m->bytes + (addr - m->start);
  return m->end - addr;
}

static void begin_at(vs_soft_mapping* mapping, uint64_t start) {
  mapping->bytes += start - mapping->start;
  mapping->start = start;
}

bool vs_soft_vmar_clear(vs_soft_vmar* vmar, uint64_t start, uint64_t end) {
  vs_soft_mapping** at = first_behind(vmar, start);
  if (*at != NULL && (*at)->start < start) {
    if ((*at)->end > end) {  // what is behind the range is a mapping of its own
      vs_soft_mapping behind = **at;
      begin_at(&behind, end);
      vs_soft_mapping* made = mapping_new(vmar, behind);
      if (made == NULL) return false;
      (*at)->next = made;
    }
    (*at)->end = start;
    at = &(*at)->next;
  }
  while (*at != NULL && (*at)->end <= end) remove_at(vmar, at);
  if (*at != NULL && (*at)->start < end) begin_at(*at, end);
  return true;
}

static void vmar_end(vs_soft_object* object) {
  vs_soft_vmar_destroy((vs_soft_vmar*)object);
}

vs_soft_vmar* vs_soft_vmar_new(void) {
  return vs_soft_object_new(ZX_OBJ_TYPE_VMAR, sizeof(vs_soft_vmar), vmar_end);
}

void vs_soft_vmar_destroy(vs_soft_vmar* vmar) {
  vmar->destroyed = true;
  while (vmar->first != NULL) remove_at(vmar, &vmar->first);
}

// ---- What the calls have in common.

static zx_rights_t rights_for(zx_vm_option_t options) {
  return ((options & ZX_VM_PERM_READ) != 0 ? ZX_RIGHT_READ : 0) |
         ((options & ZX_VM_PERM_WRITE) != 0 ? ZX_RIGHT_WRITE : 0) |
         ((options & ZX_VM_PERM_EXECUTE) != 0 ? ZX_RIGHT_EXECUTE : 0);
}

// Only what is known, and none of the others without ZX_VM_PERM_READ.
static bool is_option(zx_vm_option_t options, zx_vm_option_t known) {
  const bool others = (options & (ZX_VM_PERM_WRITE | ZX_VM_PERM_EXECUTE)) != 0;
  return (options & ~known) == 0 && (!others || (options & ZX_VM_PERM_READ) != 0);
}

static bool is_range(uint64_t start, uint64_t length) {
  const uint64_t space = vs_soft_space();
  const bool aligned = start % VS_SOFT_PAGE == 0 && length % VS_SOFT_PAGE == 0;
  return aligned && length != 0 && start <= space && length <= space - start;
}

static zx_status_t find_vmar(zx_handle_t handle, zx_rights_t rights, vs_soft_vmar** vmar,
                             zx_rights_t* has) {
  const vs_soft_slot* slot = NULL;
  const zx_status_t status = vs_soft_find(handle, ZX_OBJ_TYPE_VMAR, rights, &slot);
  if (status != ZX_OK) return status;
  *vmar = (vs_soft_vmar*)slot->object;
  *has = slot->rights;
  return ZX_OK;
}

// ---- zx_vmar_map.

typedef struct map_request {
  zx_vm_option_t options;
  uint64_t offset;
  uint64_t vmo_offset;
  uint64_t length;
  vs_soft_vmar* vmar;
  vs_soft_vmo* vmo;
  zx_rights_t allowed;  // by both handles
} map_request;

static zx_status_t find_both(zx_handle_t vmar, zx_handle_t vmo, map_request* r) {
  const vs_soft_slot* slot = NULL;
  zx_rights_t has = 0;
  zx_status_t status = find_vmar(vmar, ZX_RIGHT_NONE, &r->vmar, &has);
  if (status != ZX_OK) return status;
  status = vs_soft_find(vmo, ZX_OBJ_TYPE_VMO, ZX_RIGHT_MAP, &slot);
  if (status != ZX_OK) return status;
  r->vmo = (vs_soft_vmo*)slot->object;
  r->allowed = has & slot->rights & ACCESS;
  return ZX_OK;
}

static zx_status_t check_map(const map_request* r) {
  const bool specific = (r->options & ZX_VM_SPECIFIC) != 0;
  if (r->vmar->destroyed) return ZX_ERR_BAD_STATE;
  if (!is_option(r->options, PERMISSIONS | ZX_VM_SPECIFIC)) return ZX_ERR_INVALID_ARGS;
  if ((rights_for(r->options) & ~r->allowed) != 0) return ZX_ERR_ACCESS_DENIED;
  if (!specific && r->offset != 0) return ZX_ERR_INVALID_ARGS;
  if (!is_range(r->offset, r->length)) return ZX_ERR_INVALID_ARGS;
  if (r->vmo_offset % VS_SOFT_PAGE != 0) return ZX_ERR_INVALID_ARGS;
  if (r->length > UINT64_MAX - r->vmo_offset) return ZX_ERR_OUT_OF_RANGE;
  return r->vmo_offset + r->length <= r->vmo->size ? ZX_OK : ZX_ERR_BUFFER_TOO_SMALL;
}

// The first gap, but not at address 0. False: there is none.
static bool find_gap(const map_request* r, uint64_t* start) {
  *start = VS_SOFT_PAGE;
  for (const vs_soft_mapping* m = r->vmar->first; m != NULL; m = m->next) {
    if (m->start >= *start + r->length) break;
    if (m->end > *start) *start = m->end;
  }
  return r->length <= vs_soft_space() - *start;
}

static zx_status_t map_locked(const map_request* r, uint64_t* start) {
  const zx_status_t status = check_map(r);
  if (status != ZX_OK) return status;
  *start = r->offset;
  if ((r->options & ZX_VM_SPECIFIC) == 0) {
    if (!find_gap(r, start)) return ZX_ERR_NO_RESOURCES;
  } else if (is_mapped(r->vmar, *start, *start + r->length)) {
    return ZX_ERR_ALREADY_EXISTS;
  }
  vs_soft_mapping** at = first_behind(r->vmar, *start);
  uint8_t* bytes = r->vmo->bytes + r->vmo_offset;
  vs_soft_mapping* made = mapping_new(
      r->vmar, (vs_soft_mapping){*at, *start, *start + r->length, r->vmo, bytes, r->allowed});
  if (made == NULL) return ZX_ERR_NO_MEMORY;
  *at = made;
  return ZX_OK;
}

// A mapping that its caller cannot be told of is undone.
static zx_status_t deliver(vs_soft_vmar* vmar, uint64_t start, uint64_t length, uint64_t* out) {
  const bool told = vs_copy_to_user(out, &start, sizeof start);
  vs_soft_lock();
  if (!told) (void)vs_soft_vmar_clear(vmar, start, start + length);
  vs_soft_unref(&vmar->object);
  vs_soft_unlock();
  return told ? ZX_OK : ZX_ERR_INVALID_ARGS;
}

zx_status_t vs_soft_vmar_map(zx_handle_t handle, uint32_t options, uint64_t vmar_offset,
                             zx_handle_t vmo, uint64_t vmo_offset, uint64_t len,
                             uint64_t* mapped_addr) {
  map_request r = {
      .options = options, .offset = vmar_offset, .vmo_offset = vmo_offset, .length = len};
  uint64_t start = 0;
  vs_soft_lock();
  zx_status_t status = find_both(handle, vmo, &r);
  if (status == ZX_OK) status = map_locked(&r, &start);
  if (status == ZX_OK) r.vmar->object.refs++;
  vs_soft_unlock();
  return status == ZX_OK ? deliver(r.vmar, start, len, mapped_addr) : status;
}

// ---- zx_vmar_unmap and zx_vmar_protect.

static zx_status_t unmap_locked(vs_soft_vmar* vmar, uint64_t addr, uint64_t len) {
  if (vmar->destroyed) return ZX_ERR_BAD_STATE;
  if (!is_range(addr, len)) return ZX_ERR_INVALID_ARGS;
  if (!is_mapped(vmar, addr, addr + len)) return ZX_ERR_NOT_FOUND;
  return vs_soft_vmar_clear(vmar, addr, addr + len) ? ZX_OK : ZX_ERR_NO_MEMORY;
}

zx_status_t vs_soft_vmar_unmap(zx_handle_t handle, uint64_t addr, uint64_t len) {
  vs_soft_vmar* vmar = NULL;
  zx_rights_t has = 0;
  vs_soft_lock();
  zx_status_t status = find_vmar(handle, ZX_RIGHT_NONE, &vmar, &has);
  if (status == ZX_OK) status = unmap_locked(vmar, addr, len);
  vs_soft_unlock();
  return status;
}

// Guest code may do whatever it likes to what is mapped, so they are checked and not kept.
static zx_status_t protect_locked(vs_soft_vmar* vmar, zx_vm_option_t options, uint64_t addr,
                                  uint64_t len) {
  if (vmar->destroyed) return ZX_ERR_BAD_STATE;
  if (!is_option(options, PERMISSIONS)) return ZX_ERR_INVALID_ARGS;
  if (!is_range(addr, len)) return ZX_ERR_INVALID_ARGS;
  bool allowed = true;
  const vs_soft_mapping* m = *first_behind(vmar, addr);
  for (uint64_t at = addr; at < addr + len; at = m->end, m = m->next) {
    if (m == NULL || m->start > at) return ZX_ERR_NOT_FOUND;
    allowed = allowed && (rights_for(options) & ~m->allowed) == 0;
  }
  return allowed ? ZX_OK : ZX_ERR_ACCESS_DENIED;
}

zx_status_t vs_soft_vmar_protect(zx_handle_t handle, uint32_t options, uint64_t addr,
                                 uint64_t len) {
  vs_soft_vmar* vmar = NULL;
  zx_rights_t has = 0;
  vs_soft_lock();
  zx_status_t status = find_vmar(handle, rights_for(options), &vmar, &has);
  if (status == ZX_OK) status = protect_locked(vmar, options, addr, len);
  vs_soft_unlock();
  return status;
}
