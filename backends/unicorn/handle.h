// SPDX-License-Identifier: BSD-3-Clause
// Kernel objects with a reference count, and the handles that name them.
#ifndef VS_BACKENDS_UNICORN_HANDLE_H_
#define VS_BACKENDS_UNICORN_HANDLE_H_

#include <stdatomic.h>

#include <zircon/syscalls.h>

// First member of every object. destroy runs when the last reference goes, on whatever thread that
// happens, with no lock held.
typedef struct vs_uc_object {
  zx_obj_type_t type;
  atomic_uint refs;
  void (*destroy)(struct vs_uc_object* object);
} vs_uc_object;

// The caller holds the first reference.
void vs_uc_object_init(vs_uc_object* object, zx_obj_type_t type, void (*destroy)(vs_uc_object*));
void vs_uc_ref(vs_uc_object* object);
void vs_uc_unref(vs_uc_object* object);

// ZX_OK: *out is referenced, the caller gives it back with vs_uc_unref. Otherwise BAD_HANDLE,
// WRONG_TYPE or ACCESS_DENIED, in this order.
zx_status_t vs_uc_resolve(zx_handle_t handle, zx_obj_type_t type, zx_rights_t rights,
                          vs_uc_object** out);

// Makes a handle to `object` and tells the caller of the backend its value. Takes the reference,
// also on failure: NO_MEMORY, or INVALID_ARGS when user_out cannot be written.
zx_status_t vs_uc_publish(vs_uc_object* object, zx_rights_t rights, zx_handle_t* user_out);

// Closes every handle: the end of the backend.
void vs_uc_close_all_handles(void);

zx_status_t vs_uc_handle_close(zx_handle_t handle);
zx_status_t vs_uc_handle_duplicate(zx_handle_t handle, zx_rights_t rights, zx_handle_t* out);
zx_status_t vs_uc_handle_replace(zx_handle_t handle, zx_rights_t rights, zx_handle_t* out);
zx_status_t vs_uc_event_create(uint32_t options, zx_handle_t* out);
zx_status_t vs_uc_port_create(uint32_t options, zx_handle_t* out);

#endif  // VS_BACKENDS_UNICORN_HANDLE_H_
