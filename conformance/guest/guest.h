// SPDX-License-Identifier: BSD-3-Clause
// The memory of a guest as the executor lays it out through the documented calls: programs, where
// programs leave what they found, and on x86-64 page tables, which map the first 2 MiB one to one.
// Every address is guest-physical.
#ifndef VS_CONFORMANCE_GUEST_H_
#define VS_CONFORMANCE_GUEST_H_

#include <vcpuspec/op.h>

enum {
  VS_GUEST_CODE = 0x2000,
  VS_GUEST_DUMP = 0x4000,  // a state in the layout of ZX_VCPU_STATE
  VS_GUEST_LIFE = 0x7000,  // one byte: not what it was once the spinning program runs
  VS_GUEST_OWN = 0x8000,   // machine code of a script's own: an area for each slot
  VS_GUEST_OWN_SIZE = 0x200,
  // x86-64: the table of interrupt handlers, and those.
  VS_GUEST_IDT = VS_GUEST_OWN + VS_SLOTS * VS_GUEST_OWN_SIZE,
  VS_GUEST_VECTORS = 256,
  VS_GUEST_HANDLERS = VS_GUEST_IDT + 16 * VS_GUEST_VECTORS,
  VS_GUEST_HANDLER_SIZE = 16,
  VS_GUEST_MEMORY = VS_GUEST_HANDLERS + VS_GUEST_HANDLER_SIZE * VS_GUEST_VECTORS  // bytes
};
_Static_assert((int)VS_GUEST_OWN_SIZE >= (int)VS_STATE_MAX, "an area holds what an op can bring");
_Static_assert(VS_GUEST_IDT == 0xa000 && VS_GUEST_HANDLERS < 0x10000, "as x64.S and gates have it");
_Static_assert(VS_GUEST_MEMORY % 4096 == 0, "whole pages");

// The memory of a guest of `arch`: VS_GUEST_MEMORY bytes, made at the first call.
const uint8_t* vs_guest_image(vs_arch arch);

// Whether there is such a program: those of IN and OUT, `take` and `send`, are x86-64's.
bool vs_guest_has(vs_arch arch, vs_program program);

// Where a program starts; `code` has no place here.
zx_vaddr_t vs_guest_entry(vs_program program);

// Where the machine code of the vCPU in a slot goes, and starts.
zx_vaddr_t vs_guest_own_entry(uint8_t slot);

#endif  // VS_CONFORMANCE_GUEST_H_
