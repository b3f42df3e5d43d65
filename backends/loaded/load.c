// SPDX-License-Identifier: BSD-3-Clause
#include "load.h"

#include <dlfcn.h>
#include <string.h>

#include "refuse.h"

static bool load(const vs_library* l, vs_why* why) {
  void* library = dlopen(l->file, RTLD_NOW | RTLD_LOCAL);
  if (library == NULL) return vs_refuse(why, "%s; %s", dlerror(), l->remedy);
  for (size_t i = 0; i < l->count; i++) {
    void* function = dlsym(library, l->names[i]);
    if (function == NULL) return vs_refuse(why, "%s; %s", dlerror(), l->remedy);
    memcpy((char*)l->functions + i * sizeof function, &function, sizeof function);
  }
  return true;
}

bool vs_library_load(vs_library* library, vs_why* why) {
  pthread_mutex_lock(&library->lock);
  library->loaded = library->loaded || load(library, why);
  const bool loaded = library->loaded;
  pthread_mutex_unlock(&library->lock);
  return loaded;
}
