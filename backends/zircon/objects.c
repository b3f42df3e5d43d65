// SPDX-License-Identifier: BSD-3-Clause
#include "objects.h"

#include <errno.h>
#include <stdlib.h>
#include <time.h>

#include "refuse.h"
#include "user_copy.h"
#include "zircon.h"

vs_zx_state vs_zx = {.lock = PTHREAD_MUTEX_INITIALIZER};

void vs_zx_lock(void) {
  pthread_mutex_lock(&vs_zx.lock);
}

void vs_zx_unlock(void) {
  pthread_mutex_unlock(&vs_zx.lock);
}

// --- waiting ------------------------------------------------------------------------------------

static void make_changed(void) {
  pthread_condattr_t attributes;
  pthread_condattr_init(&attributes);
  pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
  pthread_cond_init(&vs_zx.changed, &attributes);
  pthread_condattr_destroy(&attributes);
}

void vs_zx_tell_all(void) {
  pthread_cond_broadcast(&vs_zx.changed);
}

// A thread that is cancelled goes on to the end of its call: it holds the lock, and a reference.
static int wait_uncancelled(const struct timespec* until) {
  int before;
  pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &before);
  const int result = until ? pthread_cond_timedwait(&vs_zx.changed, &vs_zx.lock, until)
                           : pthread_cond_wait(&vs_zx.changed, &vs_zx.lock);
  pthread_setcancelstate(before, NULL);
  return result;
}

void vs_zx_wait(void) {
  (void)wait_uncancelled(NULL);
}

bool vs_zx_wait_until(zx_time_t deadline) {
  enum { SECOND = 1000000000 };
  if (deadline <= 0) return false;
  if (deadline == ZX_TIME_INFINITE) {
    vs_zx_wait();
    return true;
  }
  const struct timespec at = {.tv_sec = (time_t)(deadline / SECOND),
                              .tv_nsec = (long)(deadline % SECOND)};
  return wait_uncancelled(&at) != ETIMEDOUT;
}

// --- life ---------------------------------------------------------------------------------------

void vs_zx_ref(vs_zx_object* object) {
  object->references++;
}

static void destroy(vs_zx_object* object) {
  switch (object->type) {
    case ZX_OBJ_TYPE_VMO:
      vs_zx_vmo_destroy((vs_zx_vmo*)object);
      break;
    case ZX_OBJ_TYPE_PORT:
      vs_zx_port_destroy((vs_zx_port*)object);
      break;
    case ZX_OBJ_TYPE_GUEST:
      vs_zx_guest_destroy((vs_zx_guest*)object);
      break;
    case ZX_OBJ_TYPE_VCPU:
      vs_zx_vcpu_destroy((vs_zx_vcpu*)object);
      break;
    case ZX_OBJ_TYPE_VMAR:
      vs_zx_vmar_destroy((vs_zx_vmar*)object);
      break;
    default:
      break;  // an event is nothing but its type
  }
  free(object);
}

void vs_zx_unref(vs_zx_object* object) {
  if (--object->references == 0) destroy(object);
}

zx_status_t vs_zx_pin_locked(zx_handle_t value, zx_obj_type_t type, zx_rights_t rights,
                             vs_zx_object** out) {
  const vs_zx_entry* entry = vs_zx_handle_find(value);
  if (!entry) return ZX_ERR_BAD_HANDLE;
  if (entry->object->type != type) return ZX_ERR_WRONG_TYPE;
  if ((entry->rights & rights) != rights) return ZX_ERR_ACCESS_DENIED;
  *out = entry->object;
  vs_zx_ref(*out);
  vs_zx.pins++;
  return ZX_OK;
}

void vs_zx_unpin_locked(vs_zx_object* object) {
  vs_zx_unref(object);
  if (--vs_zx.pins == 0 && vs_zx.closing) vs_zx_tell_all();
}

zx_status_t vs_zx_pin(zx_handle_t value, zx_obj_type_t type, zx_rights_t rights,
                      vs_zx_object** out) {
  vs_zx_lock();
  const zx_status_t status = vs_zx_pin_locked(value, type, rights, out);
  vs_zx_unlock();
  return status;
}

void vs_zx_unpin(vs_zx_object* object) {
  vs_zx_lock();
  vs_zx_unpin_locked(object);
  vs_zx_unlock();
}

zx_status_t vs_zx_publish(vs_zx_object* object, zx_rights_t rights, zx_handle_t* user_out) {
  zx_handle_t value;
  vs_zx_lock();
  const zx_status_t status = vs_zx_handle_add(object, rights, &value);
  vs_zx_unref(object);
  vs_zx_unlock();
  if (status != ZX_OK) return status;
  if (vs_copy_to_user(user_out, &value, sizeof value)) return ZX_OK;
  vs_zx_handle_revoke(value);
  return ZX_ERR_INVALID_ARGS;
}

zx_status_t vs_zx_event_create(uint32_t options, zx_handle_t* out) {
  if (options != 0) return ZX_ERR_INVALID_ARGS;
  vs_zx_object* event = calloc(1, sizeof *event);
  if (!event) return ZX_ERR_NO_MEMORY;
  *event = (vs_zx_object){.type = ZX_OBJ_TYPE_EVENT, .references = 1};
  return vs_zx_publish(event, ZX_DEFAULT_EVENT_RIGHTS, out);
}

// --- the layer itself ---------------------------------------------------------------------------

bool vs_zircon_open(const vs_engine* engine, vs_why* reason) {
  vs_zx_lock();
  const bool is_free = vs_zx.engine == NULL;
  if (is_free) vs_zx.engine = engine;
  vs_zx_unlock();
  if (!is_free)
    return vs_refuse(reason, "another backend of this kind is open already: close it first");
  if (!engine->open(reason)) {
    vs_zx.engine = NULL;
    return false;
  }
  vs_user_copy_open();
  make_changed();
  vs_zx_lock();
  vs_zx_handles_open();
  vs_zx_unlock();
  return true;
}

// Ends the calls that may last for ever; no others are to be in progress.
static void end_calls(void) {
  vs_zx.closing = true;
  for (vs_zx_vcpu* vcpu = vs_zx.vcpus; vcpu; vcpu = vcpu->next) {
    if (vcpu->running) vs_zx_vcpu_kick_locked(vcpu);
  }
  vs_zx_tell_all();
  while (vs_zx.pins != 0) vs_zx_wait();
}

void vs_zircon_close(void) {
  vs_zx_lock();
  end_calls();
  vs_zx_handles_close_all();
  vs_zx.engine->close();
  vs_zx.engine = NULL;
  vs_zx.closing = false;
  vs_zx_unlock();
  pthread_cond_destroy(&vs_zx.changed);
  vs_user_copy_close();
}

const vs_calls vs_zircon_calls = {
#define VS_OFFERED(name) .name = vs_zx_##name,
#include "offered.def"
#undef VS_OFFERED
};
