// SPDX-License-Identifier: BSD-3-Clause
// The memory of a guest as the executor lays it out through the documented calls: page tables,
// programs, and where programs leave what they found. Every address is guest-physical; the page
// tables map the first 2 MiB one to one.
#ifndef VS_CONFORMANCE_GUEST_H_
#define VS_CONFORMANCE_GUEST_H_

#include <vcpuspec/op.h>

enum {
  VS_GUEST_MEMORY = 0x8000,  // bytes
  VS_GUEST_CODE = 0x2000,
  VS_GUEST_DUMP = 0x4000,  // a state in the layout of ZX_VCPU_STATE
  VS_GUEST_LIFE = 0x7000   // one byte: not 0 once the spinning program runs
};

// Fills `memory` (VS_GUEST_MEMORY bytes) for guests of `arch`. False: there are no programs for it.
bool vs_guest_image(vs_arch arch, uint8_t* memory);

// Where a program starts.
zx_vaddr_t vs_guest_entry(vs_program program);

#endif  // VS_CONFORMANCE_GUEST_H_
