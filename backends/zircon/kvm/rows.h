// SPDX-License-Identifier: BSD-3-Clause
// The backends whose vCPUs run under Linux KVM. The rules of the calls are the Zircon layer's
// (zircon.h); this says where guests differ from those of a Zircon kernel.
//
// Owns between open and close: /dev/kvm, and one real-time signal (the first that has its default
// action; it interrupts KVM_RUN for a kick). Forks: open after the last one, KVM refuses a VM to
// any process but its creator.
//
// - Another vCPU of the guest that runs while memory is mapped, unmapped or trapped may for a
// moment
//   miss what is mapped beside it.
// - A guest without any memory is not run: ZX_ERR_NOT_FOUND.
//
// x86-64:
// - A guest is not run while there is no memory at address 0, where its page tables are:
//   ZX_ERR_NOT_FOUND, and ZX_ERR_NOT_SUPPORTED where a trap on memory has taken it.
// - zx_vcpu_enter: an access to a port without a trap, or to an address without memory, is
//   ZX_ERR_NOT_FOUND as there, but the guest goes on after the instruction, not at it.
// - Of a store to a trap on memory, instruction_size is found by looking at the bytes before the
//   next instruction: a prefix that means nothing is not counted.
// - A guest whose page tables are elsewhere, and not in its memory, crashes (ZX_ERR_BAD_STATE) or,
//   on some processors, runs until it is kicked.
// - After a crash (ZX_ERR_BAD_STATE) the system registers are as at the start. SVM does not tell
//   what the others were at a crash; they are then as at the last entry.
// - CR4.VMXE reads as 0: under VMX it must be set in hardware while a guest runs, whereas KVM
//   takes it from a guest only where it offers that guest VMX of its own.
//
// arm64:
// - An access to an address with neither memory nor a trap is ZX_ERR_BAD_STATE, and the guest stays
//   at it. A load from a trap leaves with `read` 1. The answer to it is a write of x[xt] by
//   ZX_VCPU_STATE.
// - What register an access was of is read from the guest's code, wherever its page tables have it.
// An
//   access that no processor describes is ZX_ERR_IO_DATA_INTEGRITY.
// - Exceptions go to the guest's vectors, which are at 0 until it sets others: of one that has none
//   there is no end but a kick.
// - An interrupt takes the guest to its vector, once; there is no controller to ask for its number
//   or to acknowledge it to: where the host has a GICv3, ICC_IAR1_EL1 reads as 1023. While one
//   waits and the guest lets none in, the guest's own breakpoints and steps do nothing, and a guest
//   with neither vectors nor MMU is slow: it is stepped.
// - An interrupt is taken twice by a guest that has set VBAR_EL1 once more while it waited, and has
//   let it in before it left.
// - The virtual timer ends WFI, and interrupts the guest for as long as its condition holds.
// - HVC and SMC are answered by KVM itself (PSCI). A guest that powers its vCPU off that way waits
//   until it is kicked.
// - Without a page size of 4 KiB in the host's kernel the backend does not open.
#ifndef VS_BACKENDS_ZIRCON_KVM_ROWS_H_
#define VS_BACKENDS_ZIRCON_KVM_ROWS_H_

#include <vcpuspec/backend.h>

extern const vs_backend vs_backend_kvm;
// On arm64, as published Zircon kernels are there: a write never clears a flag, a trap on memory
// out of range is ZX_ERR_INVALID_ARGS, and a resource of another kind ZX_ERR_WRONG_TYPE. On x86-64
// there is no such difference, and it does not open.
extern const vs_backend vs_backend_kvm_zircon;

#endif  // VS_BACKENDS_ZIRCON_KVM_ROWS_H_
