// SPDX-License-Identifier: BSD-3-Clause
#define VS_LOADED_PLAIN
#include "capstone.h"

#ifdef VS_LINKED

vs_capstone_functions vs_capstone = {VS_CAPSTONE_FUNCTIONS(VS_LOADED_ADDRESS)};

bool vs_capstone_load(vs_why* why) {
  (void)why;
  return true;
}

#else

vs_capstone_functions vs_capstone;
static const char* const names[] = {VS_CAPSTONE_FUNCTIONS(VS_LOADED_NAME)};
static vs_library library = {.file = "libcapstone.so." VS_LOADED_TEXT(CS_API_MAJOR),
                             .remedy = "install Debian's libcapstone4",
                             .names = names,
                             .count = sizeof names / sizeof names[0],
                             .functions = &vs_capstone,
                             .lock = PTHREAD_MUTEX_INITIALIZER};

bool vs_capstone_load(vs_why* why) {
  return vs_library_load(&library, why);
}

#endif
