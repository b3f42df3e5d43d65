// SPDX-License-Identifier: BSD-3-Clause
// Loads a library of others when something first needs it. To load Unicorn and Capstone takes ten
// times what the rest of the program takes to start, and few commands need them.
//
// Each library has one list of the functions that are used of it. From it come a struct of pointers
// to them, and macros by which `uc_open(...)` calls what the struct has.
#ifndef VS_BACKENDS_LOADED_LOAD_H_
#define VS_BACKENDS_LOADED_LOAD_H_

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <vcpuspec/why.h>

#define VS_LOADED_FIELD(function) __typeof__(function)* function;
#define VS_LOADED_NAME(function) #function,
#define VS_LOADED_ADDRESS(function) .function = (function),
#define VS_LOADED_TEXT_(number) #number
#define VS_LOADED_TEXT(number) VS_LOADED_TEXT_(number)

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
// until the process ends. False: `why` says what is not there.
bool vs_library_load(vs_library* library, vs_why* why);

#endif  // VS_BACKENDS_LOADED_LOAD_H_
