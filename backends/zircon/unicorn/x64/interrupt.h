// SPDX-License-Identifier: BSD-3-Clause
// Interrupts and exceptions of 64-bit mode. Unicorn has no way to raise one, and at the guest's own
// it stops: what a processor does is done here.
#ifndef VS_BACKENDS_ZIRCON_UNICORN_X64_INTERRUPT_H_
#define VS_BACKENDS_ZIRCON_UNICORN_X64_INTERRUPT_H_

#include "x64/paging.h"

enum {
  VS_UC_DEBUG = 1,
  VS_UC_UNDEFINED = 6,
  VS_UC_DOUBLE = 8,
  VS_UC_NOT_PRESENT = 11,
  VS_UC_STACK_FAULT = 12,
  VS_UC_PROTECTION = 13,
  VS_UC_PAGE_FAULT = 14
};

typedef struct vs_uc_event {
  uint8_t vector;
  bool external;  // nothing that the guest did
  bool software;  // an INT instruction
  bool has_code;
  uint32_t code;
} vs_uc_event;

// The guest goes on in its handler, or in one of the exceptions that this leads to. BAD_STATE: a
// triple fault.
zx_status_t vs_uc_x64_raise(vs_cpu* cpu, vs_uc_event event);
// The same: #GP(0), and what an access to memory leads to.
zx_status_t vs_uc_x64_protect(vs_cpu* cpu);
zx_status_t vs_uc_x64_fault(vs_cpu* cpu, const vs_uc_fault* fault);
// What the library says that the guest has raised, at `pc`, and whether an INT instruction did.
zx_status_t vs_uc_x64_raised(vs_cpu* cpu, uint8_t vector);

unsigned vs_uc_x64_ring(const vs_cpu* cpu);

// Of the row: see engine.h.
bool vs_uc_x64_takes(const vs_cpu* cpu, vs_delivery how);
zx_status_t vs_uc_x64_deliver(vs_cpu* cpu, vs_delivery how, uint8_t vector);
void vs_uc_x64_watch(vs_cpu* cpu, bool wanted);

// Called before each instruction while it watches: whether the run has to end for an interrupt. Not
// right behind the instruction that sets the flag.
bool vs_uc_x64_lets_in(vs_cpu* cpu);

#endif  // VS_BACKENDS_ZIRCON_UNICORN_X64_INTERRUPT_H_
