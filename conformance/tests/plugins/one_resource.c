// SPDX-License-Identifier: BSD-3-Clause
// Offers the machine's resource as another one.
#include "creates.h"

zx_status_t zx_vcpu_write_state(zx_handle_t handle, uint32_t kind, const void* buffer,
                                size_t size) {
  (void)handle, (void)kind, (void)buffer, (void)size;
  return ZX_OK;
}

extern const vs_plugin vcpuspec_plugin;
const vs_plugin vcpuspec_plugin = {VS_PLUGIN_ABI, VS_ARCH_X64, "one", 0x103, 0x103};
