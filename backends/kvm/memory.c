// SPDX-License-Identifier: BSD-3-Clause
// VMOs, and their place in a guest's memory.
#include <errno.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "arch.h"
#include "objects.h"
#include "user_copy.h"

#define PERMISSIONS (ZX_VM_PERM_READ | ZX_VM_PERM_WRITE | ZX_VM_PERM_EXECUTE)

void vs_kvm_vmo_destroy(vs_kvm_vmo* vmo) {
  if (vmo->bytes) munmap(vmo->bytes, vmo->size);
}

// Shared, so that a child of a fork cannot make the pages that KVM sees and ours part ways.
static bool allocate(vs_kvm_vmo* vmo) {
  if (vmo->size == 0) return true;
  void* bytes = mmap(NULL, vmo->size, PROT_READ | PROT_WRITE,
                     MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (bytes == MAP_FAILED) return false;
  vmo->bytes = bytes;
  return true;
}

zx_status_t vs_kvm_vmo_create(uint64_t size, uint32_t options, zx_handle_t* out) {
  if (options != 0) return ZX_ERR_INVALID_ARGS;
  if (size > UINT64_MAX - (VS_KVM_PAGE - 1)) return ZX_ERR_OUT_OF_RANGE;
  vs_kvm_vmo* vmo = calloc(1, sizeof(*vmo));
  if (!vmo) return ZX_ERR_NO_MEMORY;
  vmo->base = (vs_kvm_object){.type = ZX_OBJ_TYPE_VMO, .references = 1};
  vmo->size = (size + VS_KVM_PAGE - 1) & ~(VS_KVM_PAGE - 1);
  if (!allocate(vmo)) {
    free(vmo);
    return ZX_ERR_NO_MEMORY;
  }
  return vs_kvm_publish(&vmo->base, ZX_DEFAULT_VMO_RIGHTS, out);
}

static bool in_range(const vs_kvm_vmo* vmo, uint64_t offset, uint64_t size) {
  return offset <= vmo->size && size <= vmo->size - offset;
}

zx_status_t vs_kvm_vmo_read(zx_handle_t handle, void* buffer, uint64_t offset, size_t buffer_size) {
  vs_kvm_object* object;
  zx_status_t status = vs_kvm_pin(handle, ZX_OBJ_TYPE_VMO, ZX_RIGHT_READ, &object);
  if (status != ZX_OK) return status;
  const vs_kvm_vmo* vmo = (const vs_kvm_vmo*)object;
  if (!in_range(vmo, offset, buffer_size)) {
    status = ZX_ERR_OUT_OF_RANGE;
  } else if (buffer_size != 0) {
    vs_kvm_arch_will_read(vmo->bytes + offset, buffer_size);
    if (!vs_copy_to_user(buffer, vmo->bytes + offset, buffer_size)) status = ZX_ERR_INVALID_ARGS;
  }
  vs_kvm_unpin(object);
  return status;
}

zx_status_t vs_kvm_vmo_write(zx_handle_t handle, const void* buffer, uint64_t offset,
                             size_t buffer_size) {
  vs_kvm_object* object;
  zx_status_t status = vs_kvm_pin(handle, ZX_OBJ_TYPE_VMO, ZX_RIGHT_WRITE, &object);
  if (status != ZX_OK) return status;
  const vs_kvm_vmo* vmo = (const vs_kvm_vmo*)object;
  if (!in_range(vmo, offset, buffer_size)) {
    status = ZX_ERR_OUT_OF_RANGE;
  } else if (buffer_size != 0) {
    if (!vs_copy_from_user(vmo->bytes + offset, buffer, buffer_size)) status = ZX_ERR_INVALID_ARGS;
    vs_kvm_arch_wrote(vmo->bytes + offset, buffer_size);
  }
  vs_kvm_unpin(object);
  return status;
}

static zx_status_t check_placement(zx_vm_option_t options, uint64_t gpa, const vs_kvm_vmo* vmo,
                                   uint64_t vmo_offset, uint64_t len) {
  if (!(options & ZX_VM_SPECIFIC) || !(options & ZX_VM_PERM_READ)) return ZX_ERR_INVALID_ARGS;
  if (options & ~(ZX_VM_SPECIFIC | PERMISSIONS)) return ZX_ERR_INVALID_ARGS;
  if (len == 0 || ((gpa | vmo_offset | len) & (VS_KVM_PAGE - 1))) return ZX_ERR_INVALID_ARGS;
  const uint64_t limit = vs_kvm_guest_limit();
  if (gpa >= limit || len > limit - gpa) return ZX_ERR_INVALID_ARGS;
  return in_range(vmo, vmo_offset, len) ? ZX_OK : ZX_ERR_OUT_OF_RANGE;
}

static zx_status_t placement_status(int result) {
  if (result == -EEXIST) return ZX_ERR_ALREADY_EXISTS;
  if (result == -ENOSPC) return ZX_ERR_NO_RESOURCES;
  if (result == -EINVAL) return ZX_ERR_OUT_OF_RANGE;  // beyond what this host's KVM can address
  return vs_kvm_status(result);
}

static zx_status_t place(vs_kvm_guest* guest, vs_kvm_vmo* vmo, zx_vm_option_t options, uint64_t gpa,
                         uint64_t vmo_offset, uint64_t len) {
  vs_kvm_mapping* mapping = calloc(1, sizeof(*mapping));
  if (!mapping) return ZX_ERR_NO_MEMORY;
  const bool writable = (options & ZX_VM_PERM_WRITE) != 0;
  vs_kvm_lock();
  const int result = vs_kvm_vm_map(guest->vm, gpa, vmo->bytes + vmo_offset, len, writable);
  if (result >= 0) {
    *mapping = (vs_kvm_mapping){.vmo = vmo, .next = guest->mappings};
    guest->mappings = mapping;
    atomic_store(&guest->has_memory, true);
    vs_kvm_ref(&vmo->base);
  }
  vs_kvm_unlock();
  if (result < 0) free(mapping);
  return placement_status(result);
}

static zx_rights_t rights_for(zx_vm_option_t options) {
  zx_rights_t rights = ZX_RIGHT_NONE;
  if (options & (ZX_VM_PERM_READ | ZX_VM_PERM_EXECUTE)) rights |= ZX_RIGHT_READ;
  if (options & ZX_VM_PERM_WRITE) rights |= ZX_RIGHT_WRITE;
  return rights;
}

zx_status_t vs_kvm_vmar_map(zx_handle_t handle, zx_vm_option_t options, uint64_t vmar_offset,
                            zx_handle_t vmo, uint64_t vmo_offset, uint64_t len,
                            zx_vaddr_t* mapped_addr) {
  vs_kvm_object *vmar_object, *vmo_object;
  const zx_rights_t rights = rights_for(options);
  zx_status_t status = vs_kvm_pin(handle, ZX_OBJ_TYPE_VMAR, rights, &vmar_object);
  if (status != ZX_OK) return status;
  status = vs_kvm_pin(vmo, ZX_OBJ_TYPE_VMO, rights | ZX_RIGHT_MAP, &vmo_object);
  if (status == ZX_OK) {
    status = check_placement(options, vmar_offset, (vs_kvm_vmo*)vmo_object, vmo_offset, len);
    // The address is known beforehand, so a bad pointer can be refused before there is a mapping.
    if (status == ZX_OK && !vs_copy_to_user(mapped_addr, &vmar_offset, sizeof(vmar_offset))) {
      status = ZX_ERR_INVALID_ARGS;
    }
    if (status == ZX_OK) {
      status = place(((vs_kvm_vmar*)vmar_object)->guest, (vs_kvm_vmo*)vmo_object, options,
                     vmar_offset, vmo_offset, len);
    }
    vs_kvm_unpin(vmo_object);
  }
  vs_kvm_unpin(vmar_object);
  return status;
}
