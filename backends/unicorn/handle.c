// SPDX-License-Identifier: BSD-3-Clause
#include "handle.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>

#include "user_copy.h"

// Handle values are serial numbers with the two fixed bits, so that a closed value comes back only
// after half a thousand million others (the top bit stays clear, as in published kernels).
enum { BUCKETS = 1024 };
#define SERIALS ((uint32_t)1 << 29)

typedef struct entry {
  struct entry* next;
  zx_handle_t value;
  zx_rights_t rights;
  vs_uc_object* object;  // with a reference
} entry;

// The documented calls have no context, so there is one table per process.
static struct {
  pthread_mutex_t lock;
  uint32_t last_serial;
  entry* buckets[BUCKETS];
} table = {.lock = PTHREAD_MUTEX_INITIALIZER};

void vs_uc_object_init(vs_uc_object* object, zx_obj_type_t type, void (*destroy)(vs_uc_object*)) {
  object->type = type;
  object->destroy = destroy;
  atomic_init(&object->refs, 1);
}

void vs_uc_ref(vs_uc_object* object) {
  atomic_fetch_add_explicit(&object->refs, 1, memory_order_relaxed);
}

void vs_uc_unref(vs_uc_object* object) {
  if (atomic_fetch_sub_explicit(&object->refs, 1, memory_order_acq_rel) == 1) {
    object->destroy(object);
  }
}

// The link that points to the entry of a value, or to the NULL at the end of its bucket.
static entry** find(zx_handle_t value) {
  entry** link = &table.buckets[(value >> 2) % BUCKETS];
  while (*link != NULL && (*link)->value != value) link = &(*link)->next;
  return link;
}

static zx_handle_t unused_value(void) {
  zx_handle_t value;
  do {
    table.last_serial = (table.last_serial + 1) % SERIALS;
    value = table.last_serial << 2 | ZX_HANDLE_FIXED_BITS_MASK;
  } while (*find(value) != NULL);
  return value;
}

// Takes the reference to the object if it succeeds. 0: no memory.
static zx_handle_t insert(vs_uc_object* object, zx_rights_t rights) {
  entry* e = malloc(sizeof *e);
  if (e == NULL) return ZX_HANDLE_INVALID;
  pthread_mutex_lock(&table.lock);
  const zx_handle_t value = unused_value();
  entry** link = find(value);
  *e = (entry){NULL, value, rights, object};
  *link = e;
  pthread_mutex_unlock(&table.lock);
  return value;
}

// Takes an entry out; its rights and its reference pass to the caller. False: no such handle.
static bool take(zx_handle_t handle, entry* out) {
  pthread_mutex_lock(&table.lock);
  entry** link = find(handle);
  entry* e = *link;
  if (e != NULL) *link = e->next;
  pthread_mutex_unlock(&table.lock);
  if (e == NULL) return false;
  *out = *e;
  free(e);
  return true;
}

zx_status_t vs_uc_resolve(zx_handle_t handle, zx_obj_type_t type, zx_rights_t rights,
                          vs_uc_object** out) {
  zx_status_t status = ZX_OK;
  pthread_mutex_lock(&table.lock);
  const entry* e = *find(handle);
  if (e == NULL) {
    status = ZX_ERR_BAD_HANDLE;
  } else if (e->object->type != type) {
    status = ZX_ERR_WRONG_TYPE;
  } else if ((~e->rights & rights) != 0) {
    status = ZX_ERR_ACCESS_DENIED;
  } else {
    vs_uc_ref(e->object);
    *out = e->object;
  }
  pthread_mutex_unlock(&table.lock);
  return status;
}

zx_status_t vs_uc_publish(vs_uc_object* object, zx_rights_t rights, zx_handle_t* user_out) {
  const zx_handle_t value = insert(object, rights);
  if (value == ZX_HANDLE_INVALID) {
    vs_uc_unref(object);
    return ZX_ERR_NO_MEMORY;
  }
  if (vs_copy_to_user(user_out, &value, sizeof value)) return ZX_OK;
  vs_uc_handle_close(value);
  return ZX_ERR_INVALID_ARGS;
}

void vs_uc_close_all_handles(void) {
  for (unsigned i = 0; i < BUCKETS; i++) {
    while (table.buckets[i] != NULL) vs_uc_handle_close(table.buckets[i]->value);
  }
}

zx_status_t vs_uc_handle_close(zx_handle_t handle) {
  if (handle == ZX_HANDLE_INVALID) return ZX_OK;
  entry closed;
  if (!take(handle, &closed)) return ZX_ERR_BAD_HANDLE;
  vs_uc_unref(closed.object);
  return ZX_OK;
}

// False: `wanted` asks for a right that `held` lacks.
static bool narrow(zx_rights_t held, zx_rights_t* wanted) {
  if (*wanted == ZX_RIGHT_SAME_RIGHTS) *wanted = held;
  return (*wanted & ~held) == 0;
}

zx_status_t vs_uc_handle_duplicate(zx_handle_t handle, zx_rights_t rights, zx_handle_t* out) {
  vs_uc_object* object = NULL;
  zx_status_t status = ZX_OK;
  pthread_mutex_lock(&table.lock);
  const entry* e = *find(handle);
  if (e == NULL) {
    status = ZX_ERR_BAD_HANDLE;
  } else if ((e->rights & ZX_RIGHT_DUPLICATE) == 0) {
    status = ZX_ERR_ACCESS_DENIED;
  } else if (!narrow(e->rights, &rights)) {
    status = ZX_ERR_INVALID_ARGS;
  } else {
    object = e->object;
    vs_uc_ref(object);
  }
  pthread_mutex_unlock(&table.lock);
  return status == ZX_OK ? vs_uc_publish(object, rights, out) : status;
}

// The source is consumed whatever comes of it, as published kernels do.
zx_status_t vs_uc_handle_replace(zx_handle_t handle, zx_rights_t rights, zx_handle_t* out) {
  entry source;
  if (!take(handle, &source)) return ZX_ERR_BAD_HANDLE;
  if (narrow(source.rights, &rights)) return vs_uc_publish(source.object, rights, out);
  vs_uc_unref(source.object);
  return ZX_ERR_INVALID_ARGS;
}

static void destroy_plain(vs_uc_object* object) {
  free(object);
}

// Events and ports have no behaviour here: they are types that a handle can have.
static zx_status_t create_plain(zx_obj_type_t type, uint32_t options, zx_rights_t rights,
                                zx_handle_t* out) {
  if (options != 0) return ZX_ERR_INVALID_ARGS;
  vs_uc_object* object = malloc(sizeof *object);
  if (object == NULL) return ZX_ERR_NO_MEMORY;
  vs_uc_object_init(object, type, destroy_plain);
  return vs_uc_publish(object, rights, out);
}

zx_status_t vs_uc_event_create(uint32_t options, zx_handle_t* out) {
  return create_plain(ZX_OBJ_TYPE_EVENT, options, ZX_DEFAULT_EVENT_RIGHTS, out);
}

zx_status_t vs_uc_port_create(uint32_t options, zx_handle_t* out) {
  return create_plain(ZX_OBJ_TYPE_PORT, options, ZX_DEFAULT_PORT_RIGHTS, out);
}
