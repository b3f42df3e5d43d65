// SPDX-License-Identifier: BSD-3-Clause
#define VS_LOADED_PLAIN
#include "unicorn.h"

#ifdef VS_LINKED

vs_unicorn_functions vs_unicorn = {VS_UNICORN_FUNCTIONS(VS_LOADED_ADDRESS)};

bool vs_unicorn_load(vs_why* why) {
  (void)why;
  return true;
}

#else

vs_unicorn_functions vs_unicorn;
static const char* const names[] = {VS_UNICORN_FUNCTIONS(VS_LOADED_NAME)};
static vs_library library = {.file = "libunicorn.so." VS_LOADED_TEXT(UC_API_MAJOR),
                             .remedy = "install Debian's libunicorn2",
                             .names = names,
                             .count = sizeof names / sizeof names[0],
                             .functions = &vs_unicorn,
                             .lock = PTHREAD_MUTEX_INITIALIZER};

bool vs_unicorn_load(vs_why* why) {
  return vs_library_load(&library, why);
}

#endif
