// SPDX-License-Identifier: BSD-3-Clause
#include "load.h"

#include <dlfcn.h>
#include <errno.h>
#include <string.h>

#include "refuse.h"

static bool refuse(const vs_library* l, const char* what, int error, vs_why* why) {
  vs_refuse(why, "%s; %s%s", what, vs_is_shortage(error) ? "free memory and files, or " : "",
            l->remedy);
  errno = error;
  return false;
}

// dlopen keeps no errno: a library that is there and cannot be loaded lacks something of this
// machine.
static bool refuse_load(const vs_library* l, vs_why* why) {
  const char* what = dlerror();
  return refuse(l, what, strstr(what, strerror(ENOENT)) != NULL ? ENOENT : ENOMEM, why);
}

static bool load(const vs_library* l, vs_why* why) {
  void* library = dlopen(l->file, RTLD_NOW | RTLD_LOCAL);
  if (library == NULL) return refuse_load(l, why);
  for (size_t i = 0; i < l->count; i++) {
    void* function = dlsym(library, l->names[i]);
    if (function == NULL) return refuse(l, dlerror(), ENOSYS, why);
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
