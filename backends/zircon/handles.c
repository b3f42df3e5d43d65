// SPDX-License-Identifier: BSD-3-Clause
// The handle table. A value is, from the top: 0, the entry's generation (17 bits), the entry's
// index (12 bits), 1, 1. A closed value comes back only after every other entry was used and
// closed, each 2^17 times, so whoever keeps one will not meet a stranger's object.
#include "objects.h"
#include "user_copy.h"

#define INDEX_SHIFT 2u
#define GENERATION_SHIFT 14u
#define GENERATION_MASK 0x1ffffu
#define NO_ENTRY VS_ZX_HANDLES_MAX

_Static_assert(VS_ZX_HANDLES_MAX == 1 << (GENERATION_SHIFT - INDEX_SHIFT), "12 bits of index");

static void queue_free(uint32_t index) {
  vs_zx.entries[index].next_free = NO_ENTRY;
  if (vs_zx.first_free == NO_ENTRY) {
    vs_zx.first_free = index;
  } else {
    vs_zx.entries[vs_zx.last_free].next_free = index;
  }
  vs_zx.last_free = index;
}

// Generations go on from where an earlier open left them.
void vs_zx_handles_open(void) {
  vs_zx.first_free = NO_ENTRY;
  for (uint32_t i = 0; i < VS_ZX_HANDLES_MAX; i++) queue_free(i);
}

void vs_zx_handles_close_all(void) {
  for (uint32_t i = 0; i < VS_ZX_HANDLES_MAX; i++) {
    if (vs_zx.entries[i].object) vs_zx_handle_remove(&vs_zx.entries[i]);
  }
}

zx_status_t vs_zx_handle_add(vs_zx_object* object, zx_rights_t rights, zx_handle_t* out) {
  const uint32_t index = vs_zx.first_free;
  if (index == NO_ENTRY) return ZX_ERR_NO_RESOURCES;
  vs_zx_entry* entry = &vs_zx.entries[index];
  vs_zx.first_free = entry->next_free;
  entry->generation = (entry->generation + 1) & GENERATION_MASK;
  entry->object = object;
  entry->rights = rights;
  object->handles++;
  vs_zx_ref(object);
  *out = entry->generation << GENERATION_SHIFT | index << INDEX_SHIFT | ZX_HANDLE_FIXED_BITS_MASK;
  return ZX_OK;
}

vs_zx_entry* vs_zx_handle_find(zx_handle_t value) {
  if ((value & ZX_HANDLE_FIXED_BITS_MASK) != ZX_HANDLE_FIXED_BITS_MASK) return NULL;
  vs_zx_entry* entry = &vs_zx.entries[(value >> INDEX_SHIFT) % VS_ZX_HANDLES_MAX];
  if (!entry->object || entry->generation != value >> GENERATION_SHIFT) return NULL;
  return entry;
}

void vs_zx_handle_remove(vs_zx_entry* entry) {
  vs_zx_object* object = entry->object;
  entry->object = NULL;
  queue_free((uint32_t)(entry - vs_zx.entries));
  if (--object->handles == 0) {
    if (object->type == ZX_OBJ_TYPE_VCPU) vs_zx_vcpu_abandon((vs_zx_vcpu*)object);
    if (object->type == ZX_OBJ_TYPE_PORT) vs_zx_tell_all();  // who waits there
  }
  vs_zx_unref(object);
}

void vs_zx_handle_revoke(zx_handle_t value) {
  vs_zx_lock();
  // Another thread may have guessed the value and closed it already.
  vs_zx_entry* entry = vs_zx_handle_find(value);
  if (entry) vs_zx_handle_remove(entry);
  vs_zx_unlock();
}

zx_status_t vs_zx_handle_close(zx_handle_t handle) {
  if (handle == ZX_HANDLE_INVALID) return ZX_OK;
  vs_zx_lock();
  vs_zx_entry* entry = vs_zx_handle_find(handle);
  if (entry) vs_zx_handle_remove(entry);
  vs_zx_unlock();
  return entry ? ZX_OK : ZX_ERR_BAD_HANDLE;
}

// SAME_RIGHTS alone means all of them; anything else has to be a subset, and SAME_RIGHTS among
// other bits never is.
static bool choose_rights(const vs_zx_entry* entry, zx_rights_t asked, zx_rights_t* chosen) {
  *chosen = asked == ZX_RIGHT_SAME_RIGHTS ? entry->rights : asked;
  return (*chosen & ~entry->rights) == 0;
}

static zx_status_t duplicate(zx_handle_t handle, zx_rights_t asked, zx_handle_t* value) {
  zx_rights_t chosen;
  const vs_zx_entry* entry = vs_zx_handle_find(handle);
  if (!entry) return ZX_ERR_BAD_HANDLE;
  if (!(entry->rights & ZX_RIGHT_DUPLICATE)) return ZX_ERR_ACCESS_DENIED;
  if (!choose_rights(entry, asked, &chosen)) return ZX_ERR_INVALID_ARGS;
  return vs_zx_handle_add(entry->object, chosen, value);
}

// The source is consumed also by a request that is refused (published handle calls of Zircon).
static zx_status_t replace(zx_handle_t handle, zx_rights_t asked, zx_handle_t* value) {
  zx_rights_t chosen;
  vs_zx_entry* entry = vs_zx_handle_find(handle);
  if (!entry) return ZX_ERR_BAD_HANDLE;
  const zx_status_t status = choose_rights(entry, asked, &chosen)
                                 ? vs_zx_handle_add(entry->object, chosen, value)
                                 : ZX_ERR_INVALID_ARGS;
  vs_zx_handle_remove(entry);
  return status;
}

typedef zx_status_t (*copier)(zx_handle_t handle, zx_rights_t asked, zx_handle_t* value);

static zx_status_t copy_handle(copier copy, zx_handle_t handle, zx_rights_t rights,
                               zx_handle_t* user_out) {
  zx_handle_t value;
  vs_zx_lock();
  const zx_status_t status = copy(handle, rights, &value);
  vs_zx_unlock();
  if (status != ZX_OK) return status;
  if (vs_copy_to_user(user_out, &value, sizeof(value))) return ZX_OK;
  vs_zx_handle_revoke(value);
  return ZX_ERR_INVALID_ARGS;
}

zx_status_t vs_zx_handle_duplicate(zx_handle_t handle, zx_rights_t rights, zx_handle_t* out) {
  return copy_handle(duplicate, handle, rights, out);
}

zx_status_t vs_zx_handle_replace(zx_handle_t handle, zx_rights_t rights, zx_handle_t* out) {
  return copy_handle(replace, handle, rights, out);
}
