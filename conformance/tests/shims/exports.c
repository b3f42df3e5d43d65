// SPDX-License-Identifier: BSD-3-Clause
// A built-in backend, BACKEND, as an implementation that a shim is linked with: all of its calls
// but zx_vcpu_interrupt, which it does not have.
#include <stdio.h>
#include <stdlib.h>

#include "rows.h"

#define VS_CALL(name, word, phase, text, ...)                                                \
  __attribute__((unused)) static zx_status_t call_##name(VS_EACH(VS_DECLARE, __VA_ARGS__)) { \
    return BACKEND.calls->name(VS_EACH(VS_NAME, __VA_ARGS__));                               \
  }
#include <vcpuspec/calls.def>

#define OFFER(name) extern __typeof__(call_##name) zx_##name __attribute__((alias("call_" #name)));
OFFER(guest_create)
OFFER(guest_set_trap)
OFFER(vcpu_create)
OFFER(vcpu_enter)
OFFER(vcpu_kick)
OFFER(vcpu_read_state)
OFFER(vcpu_write_state)
OFFER(handle_close)
OFFER(handle_duplicate)
OFFER(handle_replace)
OFFER(event_create)
OFFER(port_create)
OFFER(vmo_create)
OFFER(vmo_read)
OFFER(vmo_write)
OFFER(vmar_map)

extern const vs_plugin vcpuspec_plugin;
const vs_plugin vcpuspec_plugin = {VS_PLUGIN_ABI, ARCH, "unicorn_shim", ZX_HANDLE_INVALID,
                                   ZX_HANDLE_INVALID};

__attribute__((constructor)) static void begin(void) {
  vs_why reason;
  if (BACKEND.open(&reason)) return;
  fprintf(stderr, "%s\n", reason.text);
  exit(3);
}
