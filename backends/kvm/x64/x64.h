// SPDX-License-Identifier: BSD-3-Clause
// Shared by the files of this folder.
#ifndef VS_BACKENDS_KVM_X64_X64_H_
#define VS_BACKENDS_KVM_X64_X64_H_

#include "arch.h"

// The low `bytes` bytes of a register.
uint64_t vs_kvm_x64_low_mask(size_t bytes);

// Makes a vCPU whose guest crashed usable again: system registers as at its start, no exception in
// flight, general registers and RIP as at the crash, or as at the last entry where the processor
// does not tell them. 0 or -errno.
int vs_kvm_x64_recover(vs_kvm_cpu* cpu);

#endif  // VS_BACKENDS_KVM_X64_X64_H_
