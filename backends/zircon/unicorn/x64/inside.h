// SPDX-License-Identifier: BSD-3-Clause
// What the library's interface does not give of an x86-64 processor (probe.h): the error code of an
// exception, which exception it thinks is being delivered, and what a segment register hides, the
// privilege with it.
#ifndef VS_BACKENDS_ZIRCON_UNICORN_X64_INSIDE_H_
#define VS_BACKENDS_ZIRCON_UNICORN_X64_INSIDE_H_

#include "cpu.h"

// Looks for it, once in a process, by the thread that holds the lock under which engines are made.
void vs_uc_inside_find(void);
// Whether all was found. Without it no exception reaches a guest, and no privilege changes.
bool vs_uc_inside_is_known(void);

// Of the exception that ended the run; the library then takes it for delivered.
bool vs_uc_inside_take_error(vs_cpu* cpu, uint32_t* code);

// A code or stack segment: base 0, the limit as wide as can be, unless `flags` says less. `flags`
// is the second half of a descriptor.
typedef struct vs_uc_segment {
  uint16_t selector;
  uint32_t flags;
} vs_uc_segment;

enum {
  VS_UC_CODE_64 = 0x00af9b00,
  VS_UC_CODE_32 = 0x00cf9b00,
  VS_UC_STACK = 0x00cf9300,
  VS_UC_RING_3 = 0x6000,  // added to one of these
};

// The privilege is that of the stack segment.
bool vs_uc_inside_set_segments(vs_cpu* cpu, vs_uc_segment code, vs_uc_segment stack);
bool vs_uc_inside_is_64bit(vs_cpu* cpu);
// CR0, of which the interface sets the register alone.
bool vs_uc_inside_set_cr0(vs_cpu* cpu, uint64_t value);

#endif  // VS_BACKENDS_ZIRCON_UNICORN_X64_INSIDE_H_
