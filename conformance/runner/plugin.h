// SPDX-License-Identifier: BSD-3-Clause
// A shared object that exports the documented symbols, as a backend. Runs the object's
// constructors: call it only in a process that may die.
#ifndef VS_CONFORMANCE_PLUGIN_H_
#define VS_CONFORMANCE_PLUGIN_H_

#include <vcpuspec/backend.h>

typedef struct vs_plugin_backend {
  char name[64];
  vs_arch arch;
  zx_handle_t resource;
  zx_handle_t other_resource;
  vs_calls calls;  // NULL for each symbol that is not exported
} vs_plugin_backend;

// Loads the object; it stays loaded. False: `reason` says why, and what would help.
bool vs_plugin_load(const char* path, vs_plugin_backend* plugin, vs_why* reason);

#endif  // VS_CONFORMANCE_PLUGIN_H_
