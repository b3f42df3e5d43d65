// SPDX-License-Identifier: BSD-3-Clause
#include "unicorn_backend.h"

#include <stdatomic.h>
#include <stdio.h>
#include <unicorn/unicorn.h>

#include "arch.h"
#include "guest.h"
#include "handle.h"
#include "memory.h"
#include "refuse.h"
#include "user_copy.h"
#include "vcpu.h"

static _Atomic(const vs_uc_arch*) opened;  // NULL: not open

const vs_uc_arch* vs_uc_backend_arch(void) {
  return atomic_load(&opened);
}

static bool open_as(const vs_uc_arch* arch, uc_arch needed, const char* name, vs_why* reason) {
  const vs_uc_arch* none = NULL;
  if (!uc_arch_supported(needed))
    return vs_refuse(
        reason, "this Unicorn library was built without %s: install Debian's libunicorn2", name);
  if (!atomic_compare_exchange_strong(&opened, &none, arch))
    return vs_refuse(reason, "the unicorn backend is open already: close it first");
  vs_user_copy_open();
  return true;
}

static bool open_x64(vs_why* reason) {
  return open_as(&vs_uc_x64, UC_ARCH_X86, "x86", reason);
}

static bool open_arm64(vs_why* reason) {
  return open_as(&vs_uc_arm64, UC_ARCH_ARM64, "arm64", reason);
}

static bool open_arm64_zircon(vs_why* reason) {
  return open_as(&vs_uc_arm64_zircon, UC_ARCH_ARM64, "arm64", reason);
}

static void backend_close(void) {
  vs_uc_close_all_handles();
  vs_user_copy_close();
  atomic_store(&opened, NULL);
}

static const vs_calls calls = {
    .guest_create = vs_uc_guest_create,
    .guest_set_trap = vs_uc_guest_set_trap,
    .vcpu_create = vs_uc_vcpu_create,
    .vcpu_enter = vs_uc_vcpu_enter,
    .vcpu_interrupt = vs_uc_vcpu_interrupt,
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
    .other_resource = VS_UC_OTHER_RESOURCE,
    .calls = &calls,
    .open = open_x64,
    .close = backend_close,
};

const vs_backend vs_backend_unicorn_arm64 = {
    .name = "unicorn:arm64",
    .summary = "arm64 guests on the Unicorn emulator, in this process",
    .arch = VS_ARCH_ARM64,
    .resource = ZX_HANDLE_INVALID,
    .other_resource = VS_UC_OTHER_RESOURCE,
    .calls = &calls,
    .open = open_arm64,
    .close = backend_close,
};

const vs_backend vs_backend_unicorn_arm64_zircon = {
    .name = "unicorn:arm64:zircon",
    .summary = "the same, and as in published Zircon a write sets flags but clears none",
    .arch = VS_ARCH_ARM64,
    .resource = ZX_HANDLE_INVALID,
    .other_resource = VS_UC_OTHER_RESOURCE,
    .calls = &calls,
    .open = open_arm64_zircon,
    .close = backend_close,
};
