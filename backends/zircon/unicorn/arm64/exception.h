// SPDX-License-Identifier: BSD-3-Clause
// Exceptions to EL1. Unicorn has no way to raise one, and at the guest's own it stops: what a
// processor does is done here.
#ifndef VS_BACKENDS_ZIRCON_UNICORN_ARM64_EXCEPTION_H_
#define VS_BACKENDS_ZIRCON_UNICORN_ARM64_EXCEPTION_H_

#include "arm64_tables.h"
#include "cpu.h"

enum {
  VS_UC_PSTATE_START = 0x3c5,  // EL1 with its own stack pointer, D A I F masked
  VS_UC_PSTATE_IRQ = 0x80,     // masked
  VS_UC_PSTATE_EL = 0xc,
  VS_UC_PSTATE_OWN_STACK = 1,  // sp is SP_EL1, not SP_EL0
};

// Looks for what the library does not give (probe.h), once in a process, by the thread that holds
// the lock under which engines are made.
void vs_uc_arm64_find(void);

// The guest goes on at its vectors, and would come back to cpu->pc. False: it cannot be done.
bool vs_uc_arm64_interrupt(vs_cpu* cpu);
// The exception that the library says the guest has raised, by a number of its own.
bool vs_uc_arm64_raised(vs_cpu* cpu, uint32_t number);

// Where the guest's page tables have an address. vs_uc_arm64_abort: they have not.
bool vs_uc_arm64_translate(vs_cpu* cpu, const vs_arm64_access* access, uint64_t* gpa,
                           uint32_t* fault);
bool vs_uc_arm64_abort(vs_cpu* cpu, const vs_arm64_access* access, bool fetch, uint32_t fault);

#endif  // VS_BACKENDS_ZIRCON_UNICORN_ARM64_EXCEPTION_H_
