// SPDX-License-Identifier: BSD-3-Clause
#include "shared_object.h"

#include <dlfcn.h>
#include <stdio.h>
#include <string.h>

#include "common/refuse.h"

void* vs_object_load(const char* path, vs_why* reason) {
  // Without a slash dlopen would search the system's directories for it.
  char local[4096];
  snprintf(local, sizeof local, "%s%s", strchr(path, '/') ? "" : "./", path);
  void* object = dlopen(local, RTLD_NOW | RTLD_LOCAL);
  if (object == NULL) vs_refuse(reason, "cannot be loaded: %s", dlerror());
  return object;
}

void* vs_object_symbol(void* object, const char* name) {
  return dlsym(object, name);
}
