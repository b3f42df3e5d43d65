// SPDX-License-Identifier: BSD-3-Clause
// The least that can be judged: four calls, and no vcpuspec_plugin symbol.
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

EXPORT zx_status_t zx_vcpu_write_state(zx_handle_t handle, uint32_t kind, const void* buffer,
                                       size_t size) {
  return vs_backend_soft.calls->vcpu_write_state(handle, kind, buffer, size);
}

EXPORT zx_status_t zx_handle_close(zx_handle_t handle) {
  return vs_backend_soft.calls->handle_close(handle);
}
