// SPDX-License-Identifier: BSD-3-Clause
// The backend that runs its vCPUs under Linux KVM: registers are held by KVM, guest code is run by
// KVM, and the rules of the calls are this backend's own, written from the reference page and from
// the published Zircon x86 kernels.
//
// Owns between open and close: /dev/kvm, one real-time signal (the first that has its default
// action; it interrupts KVM_RUN for a kick) and the handlers of backends/common/user_copy.h.
// Threads: every call may come from any thread at any time. Forks: open after the last one, KVM
// refuses a VM to any process but its creator.
//
// Where it differs from a Zircon kernel:
// - A trap on memory takes the memory away, until other memory is mapped there. An access to a BELL
//   trap, and on x86-64 to a MEM trap, is ZX_ERR_NOT_SUPPORTED: no port ever receives a packet. IO
//   on arm64 is ZX_ERR_NOT_SUPPORTED as there. Another vCPU of the guest that runs meanwhile may
//   for a moment miss all of the mapping that the trap is cut out of.
// - zx_vmar_map: on a guest's vmar only, with ZX_VM_SPECIFIC; vmar_offset is the guest-physical
//   address, and comes back in mapped_addr. PERM_EXECUTE needs no more than PERM_READ on the VMO,
//   since there is no call here that makes a VMO executable.
// - A guest without any memory is not run: ZX_ERR_NOT_FOUND.
// - Closing the last handle of a running vCPU makes it leave with ZX_ERR_CANCELED: nobody could
//   kick it any more.
// - zx_vcpu_interrupt: every vector is an external interrupt, the highest comes first, and none is
//   delivered before the guest's flags let it. On arm64 none is ever delivered.
//
// x86-64:
// - A guest that halts waits for a kick, or for an interrupt that its flags let through.
// - A guest is not run once a trap on memory covers address 0, where its page tables are:
//   ZX_ERR_NOT_SUPPORTED.
// - zx_vcpu_enter: an access to a port without a trap, or to an address without memory, is
//   ZX_ERR_NOT_FOUND as there, but the guest goes on after the instruction, not at it; so it does
//   after an access to a trap on memory. Of an access to memory that is not there, no register but
//   the instruction pointer keeps a trace.
// - A guest whose page tables are not in its memory crashes (ZX_ERR_BAD_STATE) or, on some
//   processors, runs until it is kicked.
// - After a crash (ZX_ERR_BAD_STATE) the system registers are as at the start. SVM does not tell
//   what the others were at a crash; they are then as at the last entry.
// - CR4.VMXE reads as 0: under VMX it must be set in hardware while a guest runs, whereas KVM
//   takes it from a guest only where it offers that guest VMX of its own.
//
// arm64:
// - An access to an address with neither memory nor a trap is ZX_ERR_BAD_STATE, and the guest stays
//   at it. A load from a trap leaves with `read` 1; whoever answers it writes x[xt] by
//   ZX_VCPU_STATE.
// - What register an access was of is read from the guest's code, so a guest that has turned its
//   MMU on leaves with ZX_ERR_IO_DATA_INTEGRITY, as it does for an access that no processor
//   describes.
// - The last page of the guest's 36 bits of addresses is taken: VBAR_EL1 points there at the start.
//   An exception of a guest that has set no vectors is ZX_ERR_BAD_STATE, and the guest stays where
//   the exception would return to. So is every BRK.
// - A guest that halts waits until it is kicked.
// - HVC and SMC are answered by KVM itself (PSCI). A guest that powers its vCPU off that way waits
//   until it is kicked.
// - Without a page size of 4 KiB in the host's kernel the backend does not open.
#ifndef VS_BACKENDS_KVM_KVM_H_
#define VS_BACKENDS_KVM_KVM_H_

#include <vcpuspec/backend.h>

extern const vs_backend vs_backend_kvm;
// On arm64, as published Zircon kernels are there: a write never clears a flag, a trap on memory
// out of range is ZX_ERR_INVALID_ARGS, and a resource of another kind ZX_ERR_WRONG_TYPE. On x86-64
// there is no such difference, and it does not open.
extern const vs_backend vs_backend_kvm_zircon;

#endif  // VS_BACKENDS_KVM_KVM_H_
