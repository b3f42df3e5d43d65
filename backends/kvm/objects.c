// SPDX-License-Identifier: BSD-3-Clause
#include "objects.h"

#include <stdlib.h>

#include "user_copy.h"

void vs_kvm_lock(void) {
  pthread_mutex_lock(&vs_kvm.lock);
}

void vs_kvm_unlock(void) {
  pthread_mutex_unlock(&vs_kvm.lock);
}

void vs_kvm_ref(vs_kvm_object* object) {
  object->references++;
}

static void destroy(vs_kvm_object* object) {
  switch (object->type) {
    case ZX_OBJ_TYPE_VMO:
      vs_kvm_vmo_destroy((vs_kvm_vmo*)object);
      break;
    case ZX_OBJ_TYPE_GUEST:
      vs_kvm_guest_destroy((vs_kvm_guest*)object);
      break;
    case ZX_OBJ_TYPE_VCPU:
      vs_kvm_vcpu_destroy((vs_kvm_vcpu*)object);
      break;
    case ZX_OBJ_TYPE_VMAR:
      vs_kvm_vmar_destroy((vs_kvm_vmar*)object);
      break;
    default:
      break;  // an event or a port is nothing but its type
  }
  free(object);
}

void vs_kvm_unref(vs_kvm_object* object) {
  if (--object->references == 0) destroy(object);
}

zx_status_t vs_kvm_pin(zx_handle_t value, zx_obj_type_t type, zx_rights_t rights,
                       vs_kvm_object** out) {
  zx_status_t status = ZX_OK;
  vs_kvm_lock();
  const vs_kvm_entry* entry = vs_kvm_handle_find(value);
  if (!entry) {
    status = ZX_ERR_BAD_HANDLE;
  } else if (entry->object->type != type) {
    status = ZX_ERR_WRONG_TYPE;
  } else if ((entry->rights & rights) != rights) {
    status = ZX_ERR_ACCESS_DENIED;
  } else {
    *out = entry->object;
    vs_kvm_ref(*out);
    vs_kvm.pins++;
  }
  vs_kvm_unlock();
  return status;
}

void vs_kvm_unpin(vs_kvm_object* object) {
  vs_kvm_lock();
  vs_kvm_unref(object);
  if (--vs_kvm.pins == 0) pthread_cond_broadcast(&vs_kvm.unpinned);
  vs_kvm_unlock();
}

zx_status_t vs_kvm_publish(vs_kvm_object* object, zx_rights_t rights, zx_handle_t* user_out) {
  zx_handle_t value;
  vs_kvm_lock();
  const zx_status_t status = vs_kvm_handle_add(object, rights, &value);
  vs_kvm_unref(object);
  vs_kvm_unlock();
  if (status != ZX_OK) return status;
  if (vs_copy_to_user(user_out, &value, sizeof(value))) return ZX_OK;
  vs_kvm_handle_revoke(value);
  return ZX_ERR_INVALID_ARGS;
}

static zx_status_t create_plain(zx_obj_type_t type, uint32_t options, zx_rights_t rights,
                                zx_handle_t* user_out) {
  if (options != 0) return ZX_ERR_INVALID_ARGS;
  vs_kvm_object* object = calloc(1, sizeof(*object));
  if (!object) return ZX_ERR_NO_MEMORY;
  *object = (vs_kvm_object){.type = type, .references = 1};
  return vs_kvm_publish(object, rights, user_out);
}

zx_status_t vs_kvm_event_create(uint32_t options, zx_handle_t* out) {
  return create_plain(ZX_OBJ_TYPE_EVENT, options, ZX_DEFAULT_EVENT_RIGHTS, out);
}

zx_status_t vs_kvm_port_create(uint32_t options, zx_handle_t* out) {
  return create_plain(ZX_OBJ_TYPE_PORT, options, ZX_DEFAULT_PORT_RIGHTS, out);
}
