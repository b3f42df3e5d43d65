// SPDX-License-Identifier: BSD-3-Clause
// Interrupts, which Unicorn has no way to raise: what a processor does at one is done here. Of
// 64-bit mode, without a change of privilege or stack.
#ifndef VS_BACKENDS_ZIRCON_UNICORN_X64_INTERRUPT_H_
#define VS_BACKENDS_ZIRCON_UNICORN_X64_INTERRUPT_H_

#include "cpu.h"

// Of the row: see engine.h.
bool vs_uc_x64_takes(const vs_cpu* cpu, vs_delivery how);
zx_status_t vs_uc_x64_deliver(vs_cpu* cpu, vs_delivery how, uint8_t vector);
void vs_uc_x64_watch(vs_cpu* cpu, bool wanted);

// Called before each instruction while it watches: whether the run has to end for an interrupt. Not
// right behind the instruction that sets the flag.
bool vs_uc_x64_lets_in(vs_cpu* cpu);

#endif  // VS_BACKENDS_ZIRCON_UNICORN_X64_INTERRUPT_H_
