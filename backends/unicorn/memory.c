// SPDX-License-Identifier: BSD-3-Clause
#include "memory.h"

#include <pthread.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "user_copy.h"

atomic_uint_fast64_t vs_uc_changes;

// The last changes, by number modulo the size. The lock also orders additions to address spaces.
static pthread_mutex_t changes_lock = PTHREAD_MUTEX_INITIALIZER;
static vs_uc_dirty changes[VS_UC_CHANGES_KEPT];

static void record_locked(vs_uc_dirty dirty) {
  const uint64_t number = atomic_load_explicit(&vs_uc_changes, memory_order_relaxed);
  changes[number % VS_UC_CHANGES_KEPT] = dirty;
  atomic_store_explicit(&vs_uc_changes, number + 1, memory_order_release);
}

void vs_uc_record_trap(void) {
  pthread_mutex_lock(&changes_lock);
  record_locked((vs_uc_dirty){0});
  pthread_mutex_unlock(&changes_lock);
}

vs_uc_dirty vs_uc_change(uint64_t change, bool* known) {
  pthread_mutex_lock(&changes_lock);
  *known = atomic_load(&vs_uc_changes) - change <= VS_UC_CHANGES_KEPT;
  const vs_uc_dirty dirty = changes[change % VS_UC_CHANGES_KEPT];
  pthread_mutex_unlock(&changes_lock);
  return dirty;
}

void vs_uc_aspace_clear(vs_uc_aspace* aspace) {
  const unsigned count = atomic_exchange(&aspace->count, 0);
  for (unsigned i = 0; i < count; i++) vs_uc_unref(&aspace->maps[i].vmo->object);
}

static bool overlaps(const vs_uc_map* a, const vs_uc_map* b) {
  return a->gpa < b->gpa + b->len && b->gpa < a->gpa + a->len;
}

static zx_status_t add_locked(vs_uc_aspace* aspace, const vs_uc_map* map) {
  const unsigned count = atomic_load_explicit(&aspace->count, memory_order_relaxed);
  for (unsigned i = 0; i < count; i++) {
    if (overlaps(&aspace->maps[i], map)) return ZX_ERR_ALREADY_EXISTS;
  }
  if (count == VS_UC_MAPS) return ZX_ERR_NO_RESOURCES;
  aspace->maps[count] = *map;
  vs_uc_ref(&map->vmo->object);
  atomic_store_explicit(&aspace->count, count + 1, memory_order_release);
  record_locked((vs_uc_dirty){0});
  return ZX_OK;
}

zx_status_t vs_uc_aspace_add(vs_uc_aspace* aspace, const vs_uc_map* map) {
  pthread_mutex_lock(&changes_lock);
  const zx_status_t status = add_locked(aspace, map);
  pthread_mutex_unlock(&changes_lock);
  return status;
}

static void vmo_destroy(vs_uc_object* object) {
  vs_uc_vmo* vmo = (vs_uc_vmo*)object;
  if (vmo->size != 0) munmap(vmo->bytes, vmo->size);
  free(vmo);
}

static zx_status_t vmo_allocate(vs_uc_vmo* vmo, uint64_t size) {
  static atomic_uint_fast64_t serials;
  vmo->serial = atomic_fetch_add(&serials, 1);
  if (size > UINT64_MAX - VS_UC_PAGE) return ZX_ERR_OUT_OF_RANGE;
  vmo->size = (size + VS_UC_PAGE - 1) / VS_UC_PAGE * VS_UC_PAGE;
  if (vmo->size == 0) return ZX_OK;
  void* bytes = mmap(NULL, vmo->size, PROT_READ | PROT_WRITE,
                     MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (bytes == MAP_FAILED) return ZX_ERR_NO_MEMORY;
  vmo->bytes = bytes;
  return ZX_OK;
}

zx_status_t vs_uc_vmo_create(uint64_t size, uint32_t options, zx_handle_t* out) {
  if (options != 0) return ZX_ERR_INVALID_ARGS;
  vs_uc_vmo* vmo = calloc(1, sizeof *vmo);
  if (vmo == NULL) return ZX_ERR_NO_MEMORY;
  const zx_status_t status = vmo_allocate(vmo, size);
  if (status != ZX_OK) {
    free(vmo);
    return status;
  }
  vs_uc_object_init(&vmo->object, ZX_OBJ_TYPE_VMO, vmo_destroy);
  return vs_uc_publish(&vmo->object, ZX_DEFAULT_VMO_RIGHTS, out);
}

static bool in_vmo(const vs_uc_vmo* vmo, uint64_t offset, uint64_t len) {
  return offset <= vmo->size && len <= vmo->size - offset;
}

// The copies go straight to the memory of running guests; like them, they are not atomic.
static zx_status_t vmo_read(const vs_uc_vmo* vmo, void* buffer, uint64_t offset, size_t size) {
  if (!in_vmo(vmo, offset, size)) return ZX_ERR_OUT_OF_RANGE;
  return vs_copy_to_user(buffer, vmo->bytes + offset, size) ? ZX_OK : ZX_ERR_INVALID_ARGS;
}

// Recorded even if the buffer turned out bad halfway: a part may have been written.
static zx_status_t vmo_write(vs_uc_vmo* vmo, const void* buffer, uint64_t offset, size_t size) {
  if (!in_vmo(vmo, offset, size)) return ZX_ERR_OUT_OF_RANGE;
  if (size == 0) return ZX_OK;
  const bool copied = vs_copy_from_user(vmo->bytes + offset, buffer, size);
  pthread_mutex_lock(&changes_lock);
  record_locked((vs_uc_dirty){vmo->serial, offset, size});
  pthread_mutex_unlock(&changes_lock);
  return copied ? ZX_OK : ZX_ERR_INVALID_ARGS;
}

zx_status_t vs_uc_vmo_read(zx_handle_t handle, void* buffer, uint64_t offset, size_t size) {
  vs_uc_object* object = NULL;
  zx_status_t status = vs_uc_resolve(handle, ZX_OBJ_TYPE_VMO, ZX_RIGHT_READ, &object);
  if (status != ZX_OK) return status;
  status = vmo_read((vs_uc_vmo*)object, buffer, offset, size);
  vs_uc_unref(object);
  return status;
}

zx_status_t vs_uc_vmo_write(zx_handle_t handle, const void* buffer, uint64_t offset, size_t size) {
  vs_uc_object* object = NULL;
  zx_status_t status = vs_uc_resolve(handle, ZX_OBJ_TYPE_VMO, ZX_RIGHT_WRITE, &object);
  if (status != ZX_OK) return status;
  status = vmo_write((vs_uc_vmo*)object, buffer, offset, size);
  vs_uc_unref(object);
  return status;
}
