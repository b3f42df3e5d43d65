// SPDX-License-Identifier: BSD-3-Clause
// Built against the first version of the plugin symbol, which ends with the resource: what lies
// behind it is not the symbol's.
#include "wrong.h"

typedef struct first_plugin {
  uint32_t abi;
  uint32_t arch;
  const char* name;
  zx_handle_t resource;
  zx_handle_t behind;
} first_plugin;

extern const first_plugin first __asm__("vcpuspec_plugin");
EXPORT const first_plugin first = {1, VS_ARCH_X64, "yesterday", VS_SOFT_RESOURCE,
                                   VS_SOFT_OTHER_RESOURCE};

WRONG_WRITE() {
  return right(handle, kind, buffer, size);
}
