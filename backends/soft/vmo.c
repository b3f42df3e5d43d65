// SPDX-License-Identifier: BSD-3-Clause
#include <stdlib.h>
#include <string.h>

#include "guest.h"
#include "user_copy.h"

// Above it a size is too large. The host gives pages when they are written.
static const uint64_t SIZE_LIMIT = (uint64_t)64 << 20;

static void vmo_end(vs_soft_object* object) {
  free(((vs_soft_vmo*)object)->bytes);
}

static vs_soft_vmo* vmo_new(uint64_t size) {
  vs_soft_vmo* vmo = vs_soft_object_new(ZX_OBJ_TYPE_VMO, sizeof *vmo, vmo_end);
  if (vmo == NULL) return NULL;
  vmo->size = size;
  vmo->bytes = size != 0 ? calloc(1, size) : NULL;
  if (vmo->bytes != NULL || size == 0) return vmo;
  vs_soft_unref(&vmo->object);
  return NULL;
}

zx_status_t vs_soft_vmo_create(uint64_t size, uint32_t options, zx_handle_t* out) {
  if (options != 0) return ZX_ERR_INVALID_ARGS;
  if (size > SIZE_LIMIT) return ZX_ERR_OUT_OF_RANGE;
  const uint64_t whole = (size + VS_SOFT_PAGE - 1) / VS_SOFT_PAGE * VS_SOFT_PAGE;
  vs_soft_lock();
  const zx_handle_t made = vs_soft_handle_new(vmo_new(whole), ZX_DEFAULT_VMO_RIGHTS);
  vs_soft_unlock();
  return vs_soft_deliver(made, out);
}

// The two move one chunk, of which the half that touches the VMO is under the lock.

static bool read_chunk(const vs_soft_vmo* vmo, uint64_t offset, uint8_t* user, size_t count) {
  uint8_t chunk[VS_SOFT_PAGE];
  vs_soft_lock();
  memcpy(chunk, vmo->bytes + offset, count);
  vs_soft_unlock();
  return vs_copy_to_user(user, chunk, count);
}

static bool write_chunk(const vs_soft_vmo* vmo, uint64_t offset, uint8_t* user, size_t count) {
  uint8_t chunk[VS_SOFT_PAGE];
  if (!vs_copy_from_user(chunk, user, count)) return false;
  vs_soft_lock();
  memcpy(vmo->bytes + offset, chunk, count);
  vs_soft_unlock();
  return true;
}

typedef bool move_chunk(const vs_soft_vmo* vmo, uint64_t offset, uint8_t* user, size_t count);

static zx_status_t move(const vs_soft_vmo* vmo, uint64_t offset, uint8_t* user, size_t size,
                        move_chunk* chunk) {
  if (offset > vmo->size || size > vmo->size - offset) return ZX_ERR_OUT_OF_RANGE;
  for (size_t done = 0; done < size;) {
    const size_t left = size - done;
    const size_t count = left < VS_SOFT_PAGE ? left : VS_SOFT_PAGE;
    if (!chunk(vmo, offset + done, user + done, count)) return ZX_ERR_INVALID_ARGS;
    done += count;
  }
  return ZX_OK;
}

zx_status_t vs_soft_vmo_read(zx_handle_t handle, void* buffer, uint64_t offset, size_t size) {
  vs_soft_vmo* vmo = NULL;
  zx_status_t status = vs_soft_get(handle, ZX_OBJ_TYPE_VMO, ZX_RIGHT_READ, &vmo);
  if (status != ZX_OK) return status;
  status = move(vmo, offset, buffer, size, read_chunk);
  vs_soft_put(vmo);
  return status;
}

zx_status_t vs_soft_vmo_write(zx_handle_t handle, const void* buffer, uint64_t offset,
                              size_t size) {
  vs_soft_vmo* vmo = NULL;
  zx_status_t status = vs_soft_get(handle, ZX_OBJ_TYPE_VMO, ZX_RIGHT_WRITE, &vmo);
  if (status != ZX_OK) return status;
  status = move(vmo, offset, (uint8_t*)(uintptr_t)buffer, size, write_chunk);
  vs_soft_put(vmo);
  return status;
}
