// SPDX-License-Identifier: BSD-3-Clause
// Prototypes of the calls under test and of those around them, as documented. An implementation
// exports these symbols, or fills a vs_calls (vcpuspec/backend.h) with functions of these types.
//
// Rights that a caller's handle needs: guest_set_trap: WRITE on the guest. vcpu_create:
// MANAGE_THREAD on the guest. vcpu_enter, vcpu_kick: EXECUTE. vcpu_interrupt: SIGNAL.
// vcpu_read_state: READ. vcpu_write_state: WRITE.
#ifndef ZIRCON_SYSCALLS_H_
#define ZIRCON_SYSCALLS_H_

#include <zircon/syscalls/hypervisor.h>
#include <zircon/syscalls/port.h>
#include <zircon/types.h>

#define VS_CALL(name, params, args) zx_status_t zx_##name params;
#include <vcpuspec/calls.def>
#undef VS_CALL

#endif  // ZIRCON_SYSCALLS_H_
