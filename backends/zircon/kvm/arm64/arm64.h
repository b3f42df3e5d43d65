// SPDX-License-Identifier: BSD-3-Clause
// Shared by the files of this folder: registers one by one, as KVM has them on arm64. Each is an
// ioctl; the result is 0 or -errno.
#ifndef VS_BACKENDS_ZIRCON_KVM_ARM64_ARM64_H_
#define VS_BACKENDS_ZIRCON_KVM_ARM64_ARM64_H_

#include <stddef.h>

#include "arch.h"
#include "machine.h"

#define VS_KVM_ARM64_GENERAL 31u  // x0..x30
#define VS_KVM_ARM64_INSN 4u      // bytes of an instruction

// The number of a core register, by its name in struct kvm_regs.
#define VS_KVM_ARM64_CORE(name) \
  (KVM_REG_ARM64 | KVM_REG_SIZE_U64 | KVM_REG_ARM_CORE | KVM_REG_ARM_CORE_REG(name))
// x[i], i below VS_KVM_ARM64_GENERAL. KVM counts in words of 32 bits.
#define VS_KVM_ARM64_X(i) (VS_KVM_ARM64_CORE(regs.regs[0]) + 2 * (uint64_t)(i))
#define VS_KVM_ARM64_PC VS_KVM_ARM64_CORE(regs.pc)
#define VS_KVM_ARM64_PSTATE VS_KVM_ARM64_CORE(regs.pstate)

int vs_kvm_arm64_get(const vs_cpu* cpu, uint64_t id, uint64_t* value);
int vs_kvm_arm64_set(const vs_cpu* cpu, uint64_t id, uint64_t value);

#define SCTLR_EL1 ARM64_SYS_REG(3, 0, 1, 0, 0)

// Of the row: see engine.h.
bool vs_kvm_arm64_takes(const vs_cpu* cpu, vs_delivery how);
zx_status_t vs_kvm_arm64_deliver(vs_cpu* cpu, vs_delivery how, uint8_t vector);
void vs_kvm_arm64_watch(vs_cpu* cpu, bool wanted);

// After KVM_EXIT_DEBUG.
int vs_kvm_arm64_debug_exit(vs_cpu* cpu);
// The vCPU is to be like new.
int vs_kvm_arm64_forget_interrupts(vs_cpu* cpu);

// Of the row: as published kernels do, a write never clears a flag.
zx_status_t vs_kvm_arm64_write_published(vs_cpu* cpu, const void* state);

#endif  // VS_BACKENDS_ZIRCON_KVM_ARM64_ARM64_H_
