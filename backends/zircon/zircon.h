// SPDX-License-Identifier: BSD-3-Clause
// The Zircon layer: handles, objects, rights, guests, memory, traps, ports, who owns a vCPU, kicks
// and interrupts, over an engine that runs guest code (engine.h). Written from the reference pages
// and from what published kernels do.
//
// Every call may come from any thread at any time. One engine is open at a time in a process.
//
// Where it differs from a kernel:
// - zx_vmar_map, zx_vmar_unmap, zx_vmar_protect: on a guest's vmar only; to map takes
//   ZX_VM_SPECIFIC, vmar_offset is the guest-physical address, and comes back in mapped_addr. A
//   guest may execute from a VMO whose handle lacks EXECUTE.
// - zx_vmo_replace_as_executable asks for no resource.
// - A trap on memory takes what is mapped there away, as there; what is mapped there later is not
//   trapped.
// - A bell for whose packet there is no room waits; a kick ends that, and the packet is lost.
#ifndef VS_BACKENDS_ZIRCON_ZIRCON_H_
#define VS_BACKENDS_ZIRCON_ZIRCON_H_

#include "engine.h"

extern const vs_calls vs_zircon_calls;
// What stands for a resource of another kind: a value that the table of handles never gives out.
#define VS_ZIRCON_OTHER_RESOURCE ((zx_handle_t)0x80000003u)

// Opens the engine, and lets the calls use it.
bool vs_zircon_open(const vs_engine* engine, vs_why* reason);
// Ends every call that waits or runs, closes every handle, then the engine.
void vs_zircon_close(void);

#endif  // VS_BACKENDS_ZIRCON_ZIRCON_H_
