// SPDX-License-Identifier: BSD-3-Clause
// The instructions of a system that Unicorn does not do as a processor does: CR0 and EFER, since
// the guest's paging is not Unicorn's; changes of ring by SYSCALL, SYSENTER and their like; VMCALL;
// the x2APIC's register that sends interrupts; CPUID.
#ifndef VS_BACKENDS_ZIRCON_UNICORN_X64_SYSTEM_H_
#define VS_BACKENDS_ZIRCON_UNICORN_X64_SYSTEM_H_

#include "cpu.h"

// Whether `insn` is one of them now: an MSR is named by a register.
bool vs_uc_x64_is_system(const vs_cpu* cpu, const vs_uc_insn* insn);
// Does cpu->x64.insn, at cpu->pc. False: the guest leaves with `out`.
bool vs_uc_x64_system(vs_cpu* cpu, vs_exit* out);

// What has to follow the last instruction, cpu->x64.after.
void vs_uc_x64_after(vs_cpu* cpu);

#endif  // VS_BACKENDS_ZIRCON_UNICORN_X64_SYSTEM_H_
