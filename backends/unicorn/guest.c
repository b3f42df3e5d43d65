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

static bool covers(const vs_uc_trap* trap, uint32_t kind, uint64_t addr) {
  return trap->kind == kind && addr >= trap->first && addr <= trap->last;
}

bool vs_uc_guest_find_trap(const vs_uc_guest* guest, uint32_t kind, uint64_t addr, uint64_t* key) {
  const vs_uc_trap* trap = vs_uc_trap_first(guest);
  while (trap != NULL && !covers(trap, kind, addr)) trap = vs_uc_trap_next(trap);
  if (trap != NULL) *key = trap->key;
  return trap != NULL;
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

// The vmar comes first: its handle is known here, and taken back if the guest's cannot be
// delivered.
zx_status_t vs_uc_guest_create(zx_handle_t resource, uint32_t options, zx_handle_t* guest_out,
                               zx_handle_t* vmar_out) {
  if (resource != vs_backend_unicorn.resource) return ZX_ERR_BAD_HANDLE;
  if (options != ZX_GUEST_OPT_NORMAL) return ZX_ERR_INVALID_ARGS;
  vs_uc_guest* guest = guest_new();
  if (guest == NULL) return ZX_ERR_NO_MEMORY;
  zx_handle_t vmar_handle = ZX_HANDLE_INVALID;
  zx_status_t status = publish_vmar(guest, &vmar_handle);
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

// The link that a new trap goes to; NULL when it overlaps one of its kind.
static _Atomic(vs_uc_trap*)* find_end_locked(vs_uc_guest* guest, const vs_uc_trap* trap) {
  _Atomic(vs_uc_trap*)* link = &guest->traps;
  for (vs_uc_trap* other; (other = *link) != NULL; link = &other->next) {
    const bool apart = other->last < trap->first || other->first > trap->last;
    if (other->kind == trap->kind && !apart) return NULL;
  }
  return link;
}

// `end`: the first address, or port, that the space of the kind does not have.
static zx_status_t add_trap(vs_uc_guest* guest, const vs_uc_trap* wanted, uint64_t size,
                            uint64_t end) {
  if (wanted->first >= end || size == 0 || size > end - wanted->first) return ZX_ERR_OUT_OF_RANGE;
  vs_uc_trap* trap = malloc(sizeof *trap);
  if (trap == NULL) return ZX_ERR_NO_MEMORY;
  *trap = *wanted;
  trap->last = wanted->first + size - 1;
  pthread_mutex_lock(&guest->lock);
  _Atomic(vs_uc_trap*)* link = find_end_locked(guest, trap);
  if (link != NULL) atomic_store_explicit(link, trap, memory_order_release);
  pthread_mutex_unlock(&guest->lock);
  if (link == NULL) free(trap);
  return link == NULL ? ZX_ERR_ALREADY_EXISTS : ZX_OK;
}

static zx_status_t add_mem_trap(vs_uc_guest* guest, zx_vaddr_t addr, size_t size, uint64_t key) {
  const vs_uc_trap trap = {.kind = ZX_GUEST_TRAP_MEM, .first = addr, .key = key};
  if (!guest->arch->has_mem_traps) return ZX_ERR_NOT_SUPPORTED;
  if (addr % VS_UC_PAGE != 0 || size % VS_UC_PAGE != 0) return ZX_ERR_INVALID_ARGS;
  const zx_status_t status = add_trap(guest, &trap, size, (uint64_t)1 << guest->arch->aspace_bits);
  if (status == ZX_OK) vs_uc_record_trap();
  return status;
}

static zx_status_t add_io_trap(vs_uc_guest* guest, zx_vaddr_t addr, size_t size, uint64_t key) {
  const vs_uc_trap trap = {.kind = ZX_GUEST_TRAP_IO, .first = addr, .key = key};
  return add_trap(guest, &trap, size, 0x10000);
}

static zx_status_t set_trap(vs_uc_guest* guest, uint32_t kind, zx_vaddr_t addr, size_t size,
                            bool has_port, uint64_t key) {
  switch (kind) {
    case ZX_GUEST_TRAP_BELL:
      return has_port ? ZX_ERR_NOT_SUPPORTED : ZX_ERR_INVALID_ARGS;
    case ZX_GUEST_TRAP_MEM:
      return has_port ? ZX_ERR_INVALID_ARGS : add_mem_trap(guest, addr, size, key);
    case ZX_GUEST_TRAP_IO:
      if (!guest->arch->has_ports) return ZX_ERR_NOT_SUPPORTED;
      return has_port ? ZX_ERR_INVALID_ARGS : add_io_trap(guest, addr, size, key);
    default:
      return ZX_ERR_INVALID_ARGS;
  }
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
