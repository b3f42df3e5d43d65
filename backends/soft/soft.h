// SPDX-License-Identifier: BSD-3-Clause
// The smallest complete backend: objects, handles and register files in memory, and an interpreter
// of the few instructions that the suite's guest programs are made of. Other guest code makes
// zx_vcpu_enter answer ZX_ERR_NOT_SUPPORTED; arm64 guests take no interrupts.
// It is the example to copy for an implementation of one's own: soft.c puts it together, and each
// subject has a file (handles.c, guest.c, traps.c, vcpu.c, enter.c with run_x64.c, interrupts_x64.c
// and run_arm64.c,
// port.c, vmo.c, vmar.c). published.c has rows that answer as particular kernels do, to see their
// profiles at work.
//
// It owns its objects between open and close, and the user copy's signal handlers. The rows share
// one state: the one opened first keeps the others from opening. close ends the calls that wait
// for a packet, with ZX_ERR_CANCELED, and returns after them.
#ifndef VS_BACKENDS_SOFT_SOFT_H_
#define VS_BACKENDS_SOFT_SOFT_H_

#include <vcpuspec/backend.h>

// What to hand to zx_guest_create, in every row: a handle to the hypervisor's resource. If it is
// closed, the next open makes it anew.
#define VS_SOFT_RESOURCE ((zx_handle_t)0x2b5a0003u)
// And what it refuses: a handle to a resource of another kind.
#define VS_SOFT_OTHER_RESOURCE ((zx_handle_t)0x3c69000bu)

extern const vs_backend vs_backend_soft;        // x86-64 vCPUs
extern const vs_backend vs_backend_soft_arm64;  // arm64 vCPUs

extern const vs_backend vs_backend_soft_2018;
extern const vs_backend vs_backend_soft_zircon;
extern const vs_backend vs_backend_soft_2023;
extern const vs_backend vs_backend_soft_zcore;
extern const vs_backend vs_backend_soft_arm64_zircon;
extern const vs_backend vs_backend_soft_arm64_2018;
extern const vs_backend vs_backend_soft_arm64_2023;

#endif  // VS_BACKENDS_SOFT_SOFT_H_
