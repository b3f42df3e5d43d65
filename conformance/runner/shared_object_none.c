// SPDX-License-Identifier: BSD-3-Clause
// For programs that are wholly static.
#include <stdio.h>

#include "common/refuse.h"
#include "shared_object.h"

void* vs_object_load(const char* path, vs_why* reason) {
  vs_refuse(reason,
            "%s: this vcpuspec is a static program and loads no shared objects: use one that was "
            "built without VS_STATIC=ALL, or a shim (shim:COMMAND)",
            path);
  return NULL;
}

void* vs_object_symbol(void* object, const char* name) {
  (void)object;
  (void)name;
  return NULL;
}
