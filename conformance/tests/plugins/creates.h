// SPDX-License-Identifier: BSD-3-Clause
// A guest and a vCPU that exist in name only, for plugins that never get further.
#ifndef VS_TESTS_PLUGINS_CREATES_H_
#define VS_TESTS_PLUGINS_CREATES_H_

#include <vcpuspec/backend.h>

zx_status_t zx_guest_create(zx_handle_t resource, uint32_t options, zx_handle_t* guest,
                            zx_handle_t* vmar) {
  (void)resource, (void)options;
  *guest = 0x103;
  *vmar = 0x107;
  return ZX_OK;
}

zx_status_t zx_vcpu_create(zx_handle_t guest, uint32_t options, zx_vaddr_t entry,
                           zx_handle_t* out) {
  (void)guest, (void)options, (void)entry;
  *out = 0x10b;
  return ZX_OK;
}

zx_status_t zx_handle_close(zx_handle_t handle) {
  (void)handle;
  return ZX_OK;
}

#endif  // VS_TESTS_PLUGINS_CREATES_H_
