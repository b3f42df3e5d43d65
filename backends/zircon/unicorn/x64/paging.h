// SPDX-License-Identifier: BSD-3-Clause
// A guest's page tables, of 64-bit mode. Unicorn 2.0.1 looks at page tables for what is allowed,
// but then takes the linear address for the physical one; so it runs with paging off, and has each
// page put where the guest's tables have it (a view), when the guest first gets there. Views stay
// until what a processor would forget a translation at.
#ifndef VS_BACKENDS_ZIRCON_UNICORN_X64_PAGING_H_
#define VS_BACKENDS_ZIRCON_UNICORN_X64_PAGING_H_

#include "cpu.h"

// How memory is accessed; the bits of a page fault's error code.
enum { VS_UC_PRESENT = 1, VS_UC_WRITE = 2, VS_UC_USER = 4, VS_UC_FETCH = 16 };

typedef enum vs_uc_found {
  VS_UC_FOUND,      // there is memory now; of a fetch or a store: that may be so accessed
  VS_UC_MISSING,    // there is none at `gpa`
  VS_UC_FAULT,      // a page fault, or at an address that there cannot be, another
  VS_UC_FORBIDDEN,  // the guest's memory itself may not be so accessed
} vs_uc_found;

typedef struct vs_uc_fault {
  bool is_page;   // else an address that there cannot be
  uint32_t code;  // of a page fault
  uint64_t address;
} vs_uc_fault;

// What became of the access that the library had no memory for; a view has been added where there
// is memory.
vs_uc_found vs_uc_x64_meet(vs_cpu* cpu, uint64_t* gpa, vs_uc_fault* fault);

// As the processor itself accesses memory: as ring 0.
bool vs_uc_x64_read(vs_cpu* cpu, uint64_t linear, void* out, size_t size, vs_uc_fault* fault);
bool vs_uc_x64_write(vs_cpu* cpu, uint64_t linear, const void* in, size_t size, vs_uc_fault* fault);

#endif  // VS_BACKENDS_ZIRCON_UNICORN_X64_PAGING_H_
