// SPDX-License-Identifier: BSD-3-Clause
// An engine and the Zircon layer as a shared object: for programs that call the documented calls on
// this machine, and for `plugin:`. Compiled once for each engine: VS_LIBRARY_ROW is its row.
//
// It opens at the first call, so that a program may fork before; what it opened stays until the
// process ends, also where it is unloaded: threads may be inside. A child that is forked behind
// that has neither the engine's threads nor, with KVM, its guests: it can make no call.
#include <pthread.h>
#include <vcpuspec/library.h>

#include "zircon.h"

extern const vs_backend VS_LIBRARY_ROW;

static vs_why refusal;
static const char* problem = refusal.text;
static bool is_open;

static void be_forked(void) {
  if (!is_open) return;
  is_open = false;
  problem =
      "this process was forked after its parent's first call: fork before it, or run another "
      "program";
}

static void open_once(void) {
  is_open = VS_LIBRARY_ROW.open(&refusal);
  (void)pthread_atfork(NULL, NULL, be_forked);
}

static bool can_be_used(void) {
  static pthread_once_t once = PTHREAD_ONCE_INIT;
  (void)pthread_once(&once, open_once);
  return is_open;
}

__attribute__((visibility("default"))) const char* vcpuspec_problem(void) {
  return can_be_used() ? NULL : problem;
}

// Without a hypervisor every call is one that this device does not have.
#define VS_CALL(name, word, phase, text, ...)                                                   \
  __attribute__((unused)) static zx_status_t forward_##name(VS_EACH(VS_DECLARE, __VA_ARGS__)) { \
    return can_be_used() ? vs_zircon_calls.name(VS_EACH(VS_NAME, __VA_ARGS__))                  \
                         : ZX_ERR_NOT_SUPPORTED;                                                \
  }
#include <vcpuspec/calls.def>

// A call that the layer does not have is not exported: a look-up has to miss it.
#define VS_OFFERED(name)                      \
  extern __typeof__(forward_##name) zx_##name \
      __attribute__((alias("forward_" #name), visibility("default")));
#include "offered.def"
#undef VS_OFFERED

#if defined(__aarch64__) && !defined(VS_LIBRARY_X64)
#define ARCH VS_ARCH_ARM64
#else
#define ARCH VS_ARCH_X64
#endif
__attribute__((visibility("default"))) extern const vs_plugin vcpuspec_plugin;
const vs_plugin vcpuspec_plugin = {VS_PLUGIN_ABI, ARCH, VS_LIBRARY_NAME, ZX_HANDLE_INVALID,
                                   VS_ZIRCON_OTHER_RESOURCE};
