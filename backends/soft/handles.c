// SPDX-License-Identifier: BSD-3-Clause
#include <stdlib.h>

#include "objects.h"
#include "soft.h"
#include "user_copy.h"

enum { GENERATION_MASK = 0x1ffff };

vs_soft_state vs_soft = {.lock = PTHREAD_MUTEX_INITIALIZER};

void vs_soft_lock(void) {
  pthread_mutex_lock(&vs_soft.lock);
}

void vs_soft_unlock(void) {
  pthread_mutex_unlock(&vs_soft.lock);
}

// ---- Values. In 2018 one bit was fixed, and ignored.

static unsigned fixed_bits(void) {
  return vs_soft.rules->low_bit_ignored ? 1 : 2;
}

static unsigned slot_number(zx_handle_t handle) {
  return (handle >> fixed_bits()) % VS_SOFT_SLOTS;
}

static uint32_t generation(zx_handle_t handle) {
  return handle >> (fixed_bits() + VS_SOFT_SLOT_BITS);
}

// Where a slot's generations begin. Each has its own, so that a value of which one bit is inverted
// does not name what a neighbour holds.
static uint32_t first_generation(unsigned number) {
  return number * 0x6255 & GENERATION_MASK;
}

static zx_handle_t value(unsigned number) {
  const uint32_t now = vs_soft.slots[number].closed + first_generation(number);
  const zx_handle_t high = (now & GENERATION_MASK) << VS_SOFT_SLOT_BITS | number;
  const zx_handle_t fixed = vs_soft.rules->low_bit_ignored ? 1 : ZX_HANDLE_FIXED_BITS_MASK;
  return high << fixed_bits() | fixed;
}

static vs_soft_slot* find_slot(zx_handle_t handle) {
  if (vs_soft.rules == NULL) return NULL;
  const unsigned number = slot_number(handle);
  vs_soft_slot* slot = &vs_soft.slots[number];
  const zx_handle_t ignored = vs_soft.rules->low_bit_ignored ? 1 : 0;
  return slot->object != NULL && value(number) == (handle | ignored) ? slot : NULL;
}

// ---- Objects and handles, under the lock.

void* vs_soft_object_new(zx_obj_type_t type, size_t size, void (*end)(vs_soft_object*)) {
  vs_soft_object* object = calloc(1, size);
  if (object != NULL) *object = (vs_soft_object){.type = type, .refs = 1, .end = end};
  return object;
}

void vs_soft_unref(vs_soft_object* object) {
  if (--object->refs != 0) return;
  if (object->end != NULL) object->end(object);
  free(object);
}

// A resource's slot is never another's, so that its value is free at the next open. Slot 0 is not
// given out, so that ZX_HANDLE_INVALID names nothing even where its low bits are ignored.
static bool is_free(unsigned number) {
  const bool is_given_out = number != 0 && number != slot_number(VS_SOFT_RESOURCE) &&
                            number != slot_number(VS_SOFT_OTHER_RESOURCE);
  return is_given_out && vs_soft.slots[number].object == NULL;
}

zx_handle_t vs_soft_handle_new(void* object, zx_rights_t rights) {
  if (object == NULL) return ZX_HANDLE_INVALID;
  for (unsigned tried = 0; tried < VS_SOFT_SLOTS; tried++) {
    const unsigned number = vs_soft.next_slot++ % VS_SOFT_SLOTS;
    if (!is_free(number)) continue;
    vs_soft.slots[number].object = object;
    vs_soft.slots[number].rights = rights;
    if (number >= vs_soft.end_slot) vs_soft.end_slot = number + 1;
    return value(number);
  }
  vs_soft_unref(object);
  return ZX_HANDLE_INVALID;
}

static void close_slot(vs_soft_slot* slot) {
  vs_soft_object* object = slot->object;
  *slot = (vs_soft_slot){.closed = slot->closed + 1};
  vs_soft_unref(object);
}

bool vs_soft_has_handle(const vs_soft_object* object) {
  for (unsigned i = 0; i < vs_soft.end_slot; i++) {
    if (vs_soft.slots[i].object == object) return true;
  }
  return false;
}

static bool resource_new(zx_handle_t handle, bool is_hypervisors) {
  const unsigned number = slot_number(handle);
  vs_soft_resource* resource = vs_soft_object_new(ZX_OBJ_TYPE_RESOURCE, sizeof *resource, NULL);
  if (resource == NULL) return false;
  resource->is_hypervisors = is_hypervisors;
  vs_soft.slots[number] = (vs_soft_slot){
      &resource->object,
      ZX_RIGHT_TRANSFER | ZX_RIGHT_DUPLICATE | ZX_RIGHT_WRITE | ZX_RIGHT_INSPECT,
      generation(handle) - first_generation(number),
  };
  if (number >= vs_soft.end_slot) vs_soft.end_slot = number + 1;
  return true;
}

bool vs_soft_resources_new(void) {
  return resource_new(VS_SOFT_RESOURCE, true) && resource_new(VS_SOFT_OTHER_RESOURCE, false);
}

// What counts them stays: a handle of this life does not resolve in the next one.
void vs_soft_close_all(void) {
  for (unsigned i = 0; i < vs_soft.end_slot; i++) {
    if (vs_soft.slots[i].object != NULL) close_slot(&vs_soft.slots[i]);
  }
}

// The type comes before the rights, which would say nothing about another type; not so in 2018.
zx_status_t vs_soft_find(zx_handle_t handle, zx_obj_type_t type, zx_rights_t rights,
                         const vs_soft_slot** out) {
  const vs_soft_slot* slot = find_slot(handle);
  if (slot == NULL) return ZX_ERR_BAD_HANDLE;
  const bool denied = (slot->rights & rights) != rights;
  if (denied && vs_soft.rules->rights_first) return ZX_ERR_ACCESS_DENIED;
  if (type != ZX_OBJ_TYPE_NONE && slot->object->type != type) return ZX_ERR_WRONG_TYPE;
  if (denied) return ZX_ERR_ACCESS_DENIED;
  *out = slot;
  return ZX_OK;
}

// ---- Without the lock.

zx_status_t vs_soft_get(zx_handle_t handle, zx_obj_type_t type, zx_rights_t rights, void* out) {
  const vs_soft_slot* slot = NULL;
  vs_soft_lock();
  const zx_status_t status = vs_soft_find(handle, type, rights, &slot);
  if (status == ZX_OK) {
    slot->object->refs++;
    *(vs_soft_object**)out = slot->object;
  }
  vs_soft_unlock();
  return status;
}

void vs_soft_put(void* object) {
  vs_soft_lock();
  vs_soft_unref(object);
  vs_soft_unlock();
}

zx_status_t vs_soft_deliver(zx_handle_t handle, zx_handle_t* out) {
  if (handle == ZX_HANDLE_INVALID) return ZX_ERR_NO_MEMORY;
  if (vs_copy_to_user(out, &handle, sizeof handle)) return ZX_OK;
  vs_soft_handle_close(handle);
  return ZX_ERR_INVALID_ARGS;
}

zx_status_t vs_soft_handle_close(zx_handle_t handle) {
  if (handle == ZX_HANDLE_INVALID) return ZX_OK;
  vs_soft_lock();
  vs_soft_slot* slot = find_slot(handle);
  if (slot != NULL) close_slot(slot);
  vs_soft_unlock();
  return slot != NULL ? ZX_OK : ZX_ERR_BAD_HANDLE;
}

// What duplicate and replace have in common.
static zx_status_t derive(const vs_soft_slot* slot, zx_rights_t rights, bool same,
                          zx_handle_t* made) {
  if (rights != ZX_RIGHT_SAME_RIGHTS && (rights & ~slot->rights) != 0) return ZX_ERR_INVALID_ARGS;
  slot->object->refs++;
  *made = vs_soft_handle_new(slot->object,
                             rights == ZX_RIGHT_SAME_RIGHTS && same ? slot->rights : rights);
  return ZX_OK;
}

zx_status_t vs_soft_handle_duplicate(zx_handle_t handle, zx_rights_t rights, zx_handle_t* out) {
  const vs_soft_slot* slot = NULL;
  zx_handle_t made = ZX_HANDLE_INVALID;
  vs_soft_lock();
  zx_status_t status = vs_soft_find(handle, ZX_OBJ_TYPE_NONE, ZX_RIGHT_DUPLICATE, &slot);
  if (status == ZX_OK) status = derive(slot, rights, true, &made);
  vs_soft_unlock();
  return status == ZX_OK ? vs_soft_deliver(made, out) : status;
}

// A handle that has EXECUTE too takes the place of another, which is consumed even when this is
// refused. No resource is needed for it, as it was in the call's first years.
zx_status_t vs_soft_vmo_replace_as_executable(zx_handle_t handle, zx_handle_t vmex,
                                              zx_handle_t* out) {
  (void)vmex;
  const vs_soft_slot* found = NULL;
  zx_handle_t made = ZX_HANDLE_INVALID;
  vs_soft_lock();
  vs_soft_slot* slot = find_slot(handle);
  const zx_status_t status = vs_soft_find(handle, ZX_OBJ_TYPE_VMO, ZX_RIGHT_NONE, &found);
  if (status == ZX_OK) {
    slot->object->refs++;
    made = vs_soft_handle_new(slot->object, slot->rights | ZX_RIGHT_EXECUTE);
  }
  if (slot != NULL) close_slot(slot);
  vs_soft_unlock();
  return status == ZX_OK ? vs_soft_deliver(made, out) : status;
}

// It consumes its source even when it refuses.
zx_status_t vs_soft_handle_replace(zx_handle_t handle, zx_rights_t rights, zx_handle_t* out) {
  zx_status_t status = ZX_ERR_BAD_HANDLE;
  zx_handle_t made = ZX_HANDLE_INVALID;
  vs_soft_lock();
  vs_soft_slot* slot = find_slot(handle);
  if (slot != NULL) {
    status = derive(slot, rights, !vs_soft.rules->same_rights_lost, &made);
    close_slot(slot);
  }
  vs_soft_unlock();
  return status == ZX_OK ? vs_soft_deliver(made, out) : status;
}

// An event's type is all that matters of it: there is no call here that signals one.
zx_status_t vs_soft_event_create(uint32_t options, zx_handle_t* out) {
  if (options != 0) return ZX_ERR_INVALID_ARGS;
  vs_soft_lock();
  const zx_handle_t made = vs_soft_handle_new(
      vs_soft_object_new(ZX_OBJ_TYPE_EVENT, sizeof(vs_soft_object), NULL), ZX_DEFAULT_EVENT_RIGHTS);
  vs_soft_unlock();
  return vs_soft_deliver(made, out);
}
