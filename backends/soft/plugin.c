// SPDX-License-Identifier: BSD-3-Clause
// soft as a shared object: what an implementation that is not built with the suite looks like to
// it. The documented symbols are exported, and the one that tells the architecture.
#include <zircon/syscalls.h>

#include "soft.h"

// Of the rows, this one.
#ifndef VS_PLUGIN_ROW
#define VS_PLUGIN_ROW vs_backend_soft
#endif

#define VS_CALL(name, word, phase, text, ...)                                                   \
  __attribute__((unused)) static zx_status_t forward_##name(VS_EACH(VS_DECLARE, __VA_ARGS__)) { \
    return VS_PLUGIN_ROW.calls->name(VS_EACH(VS_NAME, __VA_ARGS__));                            \
  }
#include <vcpuspec/calls.def>

// A call that is not offered must not be exported either: a look-up has to miss it.
#define VS_OFFERED(name)                      \
  extern __typeof__(forward_##name) zx_##name \
      __attribute__((alias("forward_" #name), visibility("default")));
#include "offered.def"
#undef VS_OFFERED

__attribute__((visibility("default"))) extern const vs_plugin vcpuspec_plugin;
const vs_plugin vcpuspec_plugin = {VS_PLUGIN_ABI, VS_ARCH_X64, "soft plugin", VS_SOFT_RESOURCE,
                                   VS_SOFT_OTHER_RESOURCE};

// A plugin has no open and no close of its own: loading and unloading it are these.
__attribute__((constructor)) static void on_load(void) {
  vs_why reason;
  (void)VS_PLUGIN_ROW.open(&reason);
}

__attribute__((destructor)) static void on_unload(void) {
  VS_PLUGIN_ROW.close();
}
