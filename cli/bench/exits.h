// SPDX-License-Identifier: BSD-3-Clause
// What guests do in the rows of exits, and the memory that both sides give them.
#ifndef VS_CLI_BENCH_EXITS_H_
#define VS_CLI_BENCH_EXITS_H_

#include "guest/guest.h"

typedef enum vs_bench_exit {
  VS_BENCH_TRAP,      // stores to a trap on memory, again and again
  VS_BENCH_BELL,      // rings a bell, then stores to the trap
  VS_BENCH_INTERRUPT  // halts; its handler stores to the trap
} vs_bench_exit;

enum {
  VS_BENCH_TRAP_AT = 0x100000,
  VS_BENCH_BELL_AT = 0x101000,
  VS_BENCH_ENTRY = VS_GUEST_OWN,
  VS_BENCH_STACK = 0x6000,  // top
  VS_BENCH_VECTOR = 0x40
};

// Fills VS_GUEST_MEMORY bytes: page tables, and the guest's code at VS_BENCH_ENTRY.
void vs_bench_exit_image(vs_bench_exit exit, uint8_t* memory);

#endif  // VS_CLI_BENCH_EXITS_H_
