// SPDX-License-Identifier: BSD-3-Clause
#include "unicorn_backend.h"

#include <stdio.h>
#include <unicorn/unicorn.h>

#include "guest.h"
#include "handle.h"
#include "memory.h"
#include "user_copy.h"
#include "vcpu.h"

static bool backend_open(char* reason, size_t size) {
  if (!uc_arch_supported(UC_ARCH_X86)) {
    snprintf(reason, size,
             "this Unicorn library was built without x86: install Debian's libunicorn2");
    return false;
  }
  vs_user_copy_open();
  return true;
}

static void backend_close(void) {
  vs_uc_close_all_handles();
  vs_user_copy_close();
}

static const vs_calls calls = {
    .guest_create = vs_uc_guest_create,
    .guest_set_trap = vs_uc_guest_set_trap,
    .vcpu_create = vs_uc_vcpu_create,
    .vcpu_enter = vs_uc_vcpu_enter,
    .vcpu_kick = vs_uc_vcpu_kick,
    .vcpu_read_state = vs_uc_vcpu_read_state,
    .vcpu_write_state = vs_uc_vcpu_write_state,
    .handle_close = vs_uc_handle_close,
    .handle_duplicate = vs_uc_handle_duplicate,
    .handle_replace = vs_uc_handle_replace,
    .event_create = vs_uc_event_create,
    .port_create = vs_uc_port_create,
    .vmo_create = vs_uc_vmo_create,
    .vmo_read = vs_uc_vmo_read,
    .vmo_write = vs_uc_vmo_write,
    .vmar_map = vs_uc_vmar_map,
};

const vs_backend vs_backend_unicorn = {
    .name = "unicorn",
    .summary = "x86-64 guests on the Unicorn emulator, in this process",
    .arch = VS_ARCH_X64,
    .resource = ZX_HANDLE_INVALID,
    .calls = &calls,
    .open = backend_open,
    .close = backend_close,
};
