// SPDX-License-Identifier: BSD-3-Clause
// Has the calls, but nobody can make a guest with it.
#include <vcpuspec/backend.h>

zx_status_t zx_guest_create(zx_handle_t resource, uint32_t options, zx_handle_t* guest,
                            zx_handle_t* vmar) {
  (void)resource, (void)options, (void)guest, (void)vmar;
  return ZX_ERR_NOT_SUPPORTED;
}

zx_status_t zx_vcpu_write_state(zx_handle_t handle, uint32_t kind, const void* buffer,
                                size_t size) {
  (void)handle, (void)kind, (void)buffer, (void)size;
  return ZX_ERR_BAD_HANDLE;
}
