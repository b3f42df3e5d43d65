// SPDX-License-Identifier: BSD-3-Clause
// Loads a library of others when something first needs it. To load Unicorn and Capstone takes three
// times what the rest of the program takes to start, and few commands need them.
//
// The header of each library has a list of the functions that are used of it. From it come a struct
// of pointers to them, and what fills it in. The header's macros, by which `uc_open(...)` calls
// what the struct has, name each once more; one without the other does not compile, or not link.
#ifndef VS_BACKENDS_LOADED_LOAD_H_
#define VS_BACKENDS_LOADED_LOAD_H_

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <vcpuspec/why.h>

typedef struct vs_library {
  const char* file;    // as the dynamic linker finds it
  const char* remedy;  // for who lacks it
  const char* const* names;
  size_t count;     // of names
  void* functions;  // as many pointers, in the order of `names`
  pthread_mutex_t lock;
  bool loaded;
} vs_library;

// Loads the library, if it is not loaded, and fills in `functions`; any thread may ask. It stays
// until the process ends. False: `why` says what is not there, and errno is a shortage if that is
// for want of memory or files.
bool vs_library_load(vs_library* library, vs_why* why);

#define VS_LOADED_FIELD(function) __typeof__(function)* function;
#define VS_LOADED_NAME(function) #function,
#define VS_LOADED_ADDRESS(function) .function = (function),
#define VS_LOADED_TEXT_(number) #number
#define VS_LOADED_TEXT(number) VS_LOADED_TEXT_(number)

// What a library's source consists of: the struct, and vs_NAME_load. `version`: of its soname.
#ifdef VS_LINKED
#define VS_LOADED_LIBRARY(name, list, version, how)            \
  vs_##name##_functions vs_##name = {list(VS_LOADED_ADDRESS)}; \
  bool vs_##name##_load(vs_why* why) {                         \
    (void)why;                                                 \
    return true;                                               \
  }
#else
#define VS_LOADED_LIBRARY(name, list, version, how)                                  \
  vs_##name##_functions vs_##name;                                                   \
  bool vs_##name##_load(vs_why* why) {                                               \
    static const char* const names[] = {list(VS_LOADED_NAME)};                       \
    static vs_library library = {.file = "lib" #name ".so." VS_LOADED_TEXT(version), \
                                 .remedy = (how),                                    \
                                 .names = names,                                     \
                                 .count = sizeof names / sizeof names[0],            \
                                 .functions = &vs_##name,                            \
                                 .lock = PTHREAD_MUTEX_INITIALIZER};                 \
    return vs_library_load(&library, why);                                           \
  }
#endif

#endif  // VS_BACKENDS_LOADED_LOAD_H_
