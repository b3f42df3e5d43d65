// SPDX-License-Identifier: BSD-3-Clause
#include "guest.h"

#include <stdlib.h>

#include "unicorn_backend.h"
#include "user_copy.h"

static void guest_destroy(vs_uc_object* object) {
  vs_uc_guest* guest = (vs_uc_guest*)object;
  vs_uc_aspace_clear(&guest->aspace);
  for (vs_uc_trap *trap = guest->traps, *next; trap != NULL; trap = next) {
    next = trap->next;
    free(trap);
  }
  pthread_mutex_destroy(&guest->lock);
  free(guest);
}

static vs_uc_guest* guest_new(void) {
  const vs_uc_arch* arch = vs_uc_backend_arch();
  vs_uc_guest* guest = calloc(1, sizeof *guest);
  if (guest == NULL) return NULL;
  vs_uc_object_init(&guest->object, ZX_OBJ_TYPE_GUEST, guest_destroy);
  pthread_mutex_init(&guest->lock, NULL);
  guest->arch = arch;
  return guest;
}

int vs_uc_guest_take_number(vs_uc_guest* guest) {
  int number = 0;
  pthread_mutex_lock(&guest->lock);
  while (number < guest->arch->vcpus && (guest->vcpu_numbers >> number & 1) != 0) number++;
  if (number < guest->arch->vcpus) guest->vcpu_numbers |= (uint64_t)1 << number;
  pthread_mutex_unlock(&guest->lock);
  return number < guest->arch->vcpus ? number : -1;
}

void vs_uc_guest_return_number(vs_uc_guest* guest, int number) {
  pthread_mutex_lock(&guest->lock);
  guest->vcpu_numbers &= ~((uint64_t)1 << number);
  pthread_mutex_unlock(&guest->lock);
}

static bool is_of_ports(uint32_t kind) {
  return kind == ZX_GUEST_TRAP_IO;
}

// BELL and MEM share one space.
static bool meet(const vs_uc_trap* a, const vs_uc_trap* b) {
  return is_of_ports(a->kind) == is_of_ports(b->kind) && a->first <= b->last && b->first <= a->last;
}

static const vs_uc_trap* find_trap(const vs_uc_guest* guest, uint32_t kind, uint64_t addr) {
  const vs_uc_trap wanted = {.kind = kind, .first = addr, .last = addr};
  const vs_uc_trap* trap = vs_uc_trap_first(guest);
  while (trap != NULL && !meet(trap, &wanted)) trap = vs_uc_trap_next(trap);
  return trap;
}

const vs_uc_trap* vs_uc_guest_find_port_trap(const vs_uc_guest* guest, uint16_t port) {
  return find_trap(guest, ZX_GUEST_TRAP_IO, port);
}

const vs_uc_trap* vs_uc_guest_find_memory_trap(const vs_uc_guest* guest, uint64_t addr) {
  return find_trap(guest, ZX_GUEST_TRAP_MEM, addr);
}

// A guest's root vmar is the guest's address space with a type and rights of its own.
typedef struct vmar {
  vs_uc_object object;
  vs_uc_guest* guest;  // with a reference
} vmar;

static void vmar_destroy(vs_uc_object* object) {
  vs_uc_unref(&((vmar*)object)->guest->object);
  free(object);
}

static zx_status_t publish_vmar(vs_uc_guest* guest, zx_handle_t* out) {
  vmar* root = malloc(sizeof *root);
  if (root == NULL) return ZX_ERR_NO_MEMORY;
  vs_uc_object_init(&root->object, ZX_OBJ_TYPE_VMAR, vmar_destroy);
  vs_uc_ref(&guest->object);
  root->guest = guest;
  return vs_uc_publish(&root->object, ZX_DEFAULT_VMAR_RIGHTS, out);
}

// Neither the machine's resource nor the other one is an object of the table.
static zx_status_t check_resource(zx_handle_t resource) {
  vs_uc_object* object = NULL;
  if (resource == vs_backend_unicorn.resource) return ZX_OK;
  if (resource == VS_UC_OTHER_RESOURCE) return vs_uc_backend_arch()->other_resource;
  return vs_uc_resolve(resource, ZX_OBJ_TYPE_RESOURCE, ZX_RIGHT_NONE, &object);
}

// The vmar comes first: its handle is known here, and taken back if the guest's cannot be
// delivered.
zx_status_t vs_uc_guest_create(zx_handle_t resource, uint32_t options, zx_handle_t* guest_out,
                               zx_handle_t* vmar_out) {
  zx_status_t status = check_resource(resource);
  if (status != ZX_OK) return status;
  if (options != ZX_GUEST_OPT_NORMAL) return ZX_ERR_INVALID_ARGS;
  vs_uc_guest* guest = guest_new();
  if (guest == NULL) return ZX_ERR_NO_MEMORY;
  zx_handle_t vmar_handle = ZX_HANDLE_INVALID;
  status = publish_vmar(guest, &vmar_handle);
  if (status == ZX_OK && !vs_copy_to_user(vmar_out, &vmar_handle, sizeof vmar_handle)) {
    status = ZX_ERR_INVALID_ARGS;
  }
  if (status == ZX_OK) {
    status = vs_uc_publish(&guest->object, ZX_DEFAULT_GUEST_RIGHTS, guest_out);
  } else {
    vs_uc_unref(&guest->object);
  }
  if (status != ZX_OK) vs_uc_handle_close(vmar_handle);
  return status;
}

// The link that a new trap goes to; NULL when it overlaps one of its space.
static _Atomic(vs_uc_trap*)* find_end_locked(vs_uc_guest* guest, const vs_uc_trap* trap) {
  _Atomic(vs_uc_trap*)* link = &guest->traps;
  for (vs_uc_trap* other; (other = *link) != NULL; link = &other->next) {
    if (meet(other, trap)) return NULL;
  }
  return link;
}

static zx_status_t add_trap(vs_uc_guest* guest, const vs_uc_trap* wanted) {
  vs_uc_trap* trap = malloc(sizeof *trap);
  if (trap == NULL) return ZX_ERR_NO_MEMORY;
  *trap = *wanted;
  pthread_mutex_lock(&guest->lock);
  _Atomic(vs_uc_trap*)* link = find_end_locked(guest, trap);
  if (link != NULL) atomic_store_explicit(link, trap, memory_order_release);
  pthread_mutex_unlock(&guest->lock);
  if (link == NULL) {
    free(trap);
    return ZX_ERR_ALREADY_EXISTS;
  }
  if (!is_of_ports(wanted->kind)) vs_uc_record_trap();
  return ZX_OK;
}

static zx_status_t check_kind(const vs_uc_arch* arch, uint32_t kind, bool has_port) {
  if (is_of_ports(kind) && !arch->has_ports) return ZX_ERR_NOT_SUPPORTED;
  if (kind > ZX_GUEST_TRAP_IO) return ZX_ERR_INVALID_ARGS;
  return has_port == (kind == ZX_GUEST_TRAP_BELL) ? ZX_OK : ZX_ERR_INVALID_ARGS;
}

static zx_status_t check_ports(zx_vaddr_t first, size_t count) {
  enum { PORTS = 0x10000 };
  const bool inside = first < PORTS && count != 0 && count <= PORTS - first;
  return inside ? ZX_OK : ZX_ERR_OUT_OF_RANGE;
}

static zx_status_t check_pages(const vs_uc_arch* arch, zx_vaddr_t addr, size_t size) {
  const uint64_t end = (uint64_t)1 << arch->aspace_bits;
  if (size == 0 || addr % VS_UC_PAGE != 0 || size % VS_UC_PAGE != 0) return ZX_ERR_INVALID_ARGS;
  if (addr == arch->lone_page && size != VS_UC_PAGE) return ZX_ERR_INVALID_ARGS;
  return addr < end && size <= end - addr ? ZX_OK : arch->beyond;
}

static zx_status_t set_trap(vs_uc_guest* guest, uint32_t kind, zx_vaddr_t addr, size_t size,
                            bool has_port, uint64_t key) {
  zx_status_t status = check_kind(guest->arch, kind, has_port);
  if (status != ZX_OK) return status;
  status = is_of_ports(kind) ? check_ports(addr, size) : check_pages(guest->arch, addr, size);
  if (status != ZX_OK) return status;
  const vs_uc_trap trap = {.kind = kind, .first = addr, .last = addr + size - 1, .key = key};
  return add_trap(guest, &trap);
}

zx_status_t vs_uc_guest_set_trap(zx_handle_t handle, uint32_t kind, zx_vaddr_t addr, size_t size,
                                 zx_handle_t port, uint64_t key) {
  vs_uc_object *guest = NULL, *bell = NULL;
  zx_status_t status = vs_uc_resolve(handle, ZX_OBJ_TYPE_GUEST, ZX_RIGHT_WRITE, &guest);
  if (status != ZX_OK) return status;
  if (port != ZX_HANDLE_INVALID) {
    status = vs_uc_resolve(port, ZX_OBJ_TYPE_PORT, ZX_RIGHT_WRITE, &bell);
  }
  if (status == ZX_OK) {
    status = set_trap((vs_uc_guest*)guest, kind, addr, size, bell != NULL, key);
  }
  if (bell != NULL) vs_uc_unref(bell);
  vs_uc_unref(guest);
  return status;
}

// The rights that the permissions of a mapping ask of the vmar; of the VMO likewise, but see the
// header for EXECUTE.
static zx_rights_t rights_for(zx_vm_option_t options) {
  return ((options & ZX_VM_PERM_READ) != 0 ? ZX_RIGHT_READ : 0) |
         ((options & ZX_VM_PERM_WRITE) != 0 ? ZX_RIGHT_WRITE : 0) |
         ((options & ZX_VM_PERM_EXECUTE) != 0 ? ZX_RIGHT_EXECUTE : 0);
}

static zx_status_t check_map(const vs_uc_guest* guest, zx_vm_option_t options,
                             const vs_uc_map* map) {
  const zx_vm_option_t perms = ZX_VM_PERM_READ | ZX_VM_PERM_WRITE | ZX_VM_PERM_EXECUTE;
  const uint64_t end = (uint64_t)1 << guest->arch->aspace_bits;
  if ((options & ~(perms | ZX_VM_SPECIFIC)) != 0) return ZX_ERR_INVALID_ARGS;
  if ((options & ZX_VM_SPECIFIC) == 0) return ZX_ERR_NOT_SUPPORTED;
  if (map->perms != 0 && (map->perms & ZX_VM_PERM_READ) == 0) return ZX_ERR_INVALID_ARGS;
  if (map->len == 0 || map->gpa % VS_UC_PAGE != 0 || map->vmo_offset % VS_UC_PAGE != 0) {
    return ZX_ERR_INVALID_ARGS;
  }
  if (map->gpa >= end || map->len > end - map->gpa) return ZX_ERR_INVALID_ARGS;
  if (map->vmo_offset > map->vmo->size || map->len > map->vmo->size - map->vmo_offset) {
    return ZX_ERR_BUFFER_TOO_SMALL;
  }
  return ZX_OK;
}

// The answer is given before the mapping is made, which could not be taken back from an engine.
static zx_status_t map_into(vs_uc_guest* guest, zx_vm_option_t options, vs_uc_map map,
                            zx_vaddr_t* mapped_addr) {
  const zx_status_t status = check_map(guest, options, &map);
  if (status != ZX_OK) return status;
  map.len = (map.len + VS_UC_PAGE - 1) / VS_UC_PAGE * VS_UC_PAGE;
  if (!vs_copy_to_user(mapped_addr, &map.gpa, sizeof map.gpa)) return ZX_ERR_INVALID_ARGS;
  return vs_uc_aspace_add(&guest->aspace, &map);
}

zx_status_t vs_uc_vmar_map(zx_handle_t handle, zx_vm_option_t options, uint64_t vmar_offset,
                           zx_handle_t vmo, uint64_t vmo_offset, uint64_t len,
                           zx_vaddr_t* mapped_addr) {
  const zx_rights_t rights = rights_for(options);
  vs_uc_object *root = NULL, *memory = NULL;
  zx_status_t status = vs_uc_resolve(handle, ZX_OBJ_TYPE_VMAR, rights, &root);
  if (status != ZX_OK) return status;
  status =
      vs_uc_resolve(vmo, ZX_OBJ_TYPE_VMO, ZX_RIGHT_MAP | (rights & ~ZX_RIGHT_EXECUTE), &memory);
  if (status == ZX_OK) {
    const vs_uc_map map = {vmar_offset, len, vmo_offset, options & ~ZX_VM_SPECIFIC,
                           (vs_uc_vmo*)memory};
    status = map_into(((vmar*)root)->guest, options, map, mapped_addr);
    vs_uc_unref(memory);
  }
  vs_uc_unref(root);
  return status;
}
