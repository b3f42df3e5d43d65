// SPDX-License-Identifier: BSD-3-Clause
// vCPUs that run guest code on the Unicorn library (QEMU's translator in a process of its own): no
// privileges, no /dev node, any host. One row of the table is open at a time.
//
// The rules of the calls are the Zircon layer's (zircon.h). What no architecture does here as the
// published kernels do:
// - Whatever stops Unicorn with an error is ZX_ERR_BAD_STATE, and the vCPU remains usable.
// - An interrupt is acknowledged to nothing: it is gone once the guest is in its handler.
// - Once a vCPU was interrupted by another call, WFI does not wait any more.
// - A guest sees a write of zx_vmo_write to its code at its next instruction at the latest; a write
//   by one vCPU to code that another one has run is not seen by that other.
//
// x86-64:
// - The vCPU with the lowest number of a guest (the first one, or its successor after it was
//   destroyed) starts in 64-bit mode, with paging on and its page tables at 0. The others start in
//   16-bit real mode with CS.base = entry, but only if the entry is below 1 MiB and a multiple of
//   16: otherwise they have registers and every check, and zx_vcpu_enter answers
//   ZX_ERR_NOT_SUPPORTED. In real mode no interrupt is taken, an exception ends the guest, and
//   protected mode is not supported. Nor is it to turn paging off.
// - A guest is not run while there is no memory at address 0, as under KVM: ZX_ERR_NOT_FOUND, and
//   ZX_ERR_NOT_SUPPORTED where a trap on memory has taken it.
// - An exception goes through the guest's IDT; a triple fault is ZX_ERR_BAD_STATE.
// - Page tables have four levels. What Unicorn does not know is not checked: reserved bits, SMEP,
//   SMAP, protection keys.
// - A guest that has its code at two linear addresses and changes it at one may run the old code at
//   the other.
// - The I/O permission bitmap is not looked at: ports are for those whose privilege has them.
//
// arm64:
// - Every vCPU starts at EL1 with the MMU off and interrupts masked, and with VBAR_EL1 0. An
// exception
//   goes to the guest's vectors: of one that has none there is no end but a kick, unless there is
//   no memory at all. 32-bit code at EL0 gets none: ZX_ERR_BAD_STATE.
// - SMC and HVC are PSCI: SYSTEM_OFF ends zx_vcpu_enter with ZX_ERR_UNAVAILABLE, SYSTEM_RESET with
//   ZX_ERR_CANCELED, CPU_ON with a packet; there is no other call but that for the version.
// - Page tables: an address below 2^36 that is one of memory for the guest has to be mapped to
// memory,
//   and one that is not, to itself or to a trap: otherwise ZX_ERR_NOT_SUPPORTED, or a store that is
//   lost.
// - There is no timer: WFI waits for an interrupt or a kick alone.
// - An interrupt takes the guest to its vector, once. ICC_IAR1_EL1 has its number, and 1023 once
// that
//   was read; a write of ICC_EOIR1_EL1 does nothing. There is no other register of a GIC.
// - ZX_GUEST_TRAP_IO: ZX_ERR_NOT_SUPPORTED, and ZX_VCPU_IO: ZX_ERR_INVALID_ARGS, as in published
//   kernels.
// - A load from a trap leaves with `read` 1. The answer to it is a write of x[xt] by ZX_VCPU_STATE.
#ifndef VS_BACKENDS_ZIRCON_UNICORN_ROWS_H_
#define VS_BACKENDS_ZIRCON_UNICORN_ROWS_H_

#include <vcpuspec/backend.h>

extern const vs_backend vs_backend_unicorn;
extern const vs_backend vs_backend_unicorn_arm64;
extern const vs_backend vs_backend_unicorn_arm64_zircon;

#endif  // VS_BACKENDS_ZIRCON_UNICORN_ROWS_H_
