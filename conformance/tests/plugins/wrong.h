// SPDX-License-Identifier: BSD-3-Clause
// soft, with the symbols that it exports, but for a zx_vcpu_write_state of one's own: WRONG_WRITE
// is its body, with the arguments handle, kind, buffer, size; `right` is soft's.
#ifndef VS_TESTS_PLUGINS_WRONG_H_
#define VS_TESTS_PLUGINS_WRONG_H_

#include <vcpuspec/backend.h>

#include "soft.h"

#define EXPORT __attribute__((visibility("default")))

__attribute__((constructor)) static void open_soft(void) {
  vs_why reason;
  vs_backend_soft.open(&reason);
}

EXPORT zx_status_t zx_guest_create(zx_handle_t resource, uint32_t options, zx_handle_t* guest,
                                   zx_handle_t* vmar) {
  (void)resource;
  return vs_backend_soft.calls->guest_create(VS_SOFT_RESOURCE, options, guest, vmar);
}

EXPORT zx_status_t zx_vcpu_create(zx_handle_t guest, uint32_t options, zx_vaddr_t entry,
                                  zx_handle_t* out) {
  return vs_backend_soft.calls->vcpu_create(guest, options, entry, out);
}

EXPORT zx_status_t zx_vcpu_read_state(zx_handle_t handle, uint32_t kind, void* buffer,
                                      size_t size) {
  return vs_backend_soft.calls->vcpu_read_state(handle, kind, buffer, size);
}

EXPORT zx_status_t zx_handle_close(zx_handle_t handle) {
  return vs_backend_soft.calls->handle_close(handle);
}

static inline zx_status_t right(zx_handle_t handle, uint32_t kind, const void* buffer,
                                size_t size) {
  return vs_backend_soft.calls->vcpu_write_state(handle, kind, buffer, size);
}

#define WRONG_WRITE()                                                                           \
  EXPORT zx_status_t zx_vcpu_write_state(zx_handle_t handle, uint32_t kind, const void* buffer, \
                                         size_t size)

#endif  // VS_TESTS_PLUGINS_WRONG_H_
