// SPDX-License-Identifier: BSD-3-Clause
// One side of a measurement: a piece of work that can be done again and again. Every measurement
// has two, ours and a floor: the least that anybody could do for the same result. A side is opened,
// turned and closed on one thread, which is no other side's: a thread has at most one vCPU.
#ifndef VS_CLI_BENCH_SIDE_H_
#define VS_CLI_BENCH_SIDE_H_

#include "runner/target.h"
#include "tables.h"

typedef struct vs_side_setup {
  const vs_opened* backend;   // open in this process
  const vs_profile* profile;  // to judge by
} vs_side_setup;

typedef struct vs_side {
  // What to hand to the others, or NULL: `reason` says why.
  void* (*open)(const vs_side_setup* setup, vs_why* reason);
  // Does at least `count` units of work and tells how many it did. 0: an answer was wrong.
  uint64_t (*turn)(void* self, uint64_t count);
  void (*close)(void* self);
  bool elsewhere;  // other processes do a part of the work: what counts is the clock on the wall
} vs_side;

// A register file that is another one at every turn, in the layout of zx_vcpu_state_x64_t. Guest
// code dumps it as it is: of the flags only CF PF AF ZF SF DF OF vary, and bit 1 is set as it
// always is. Cheap, since both sides pay for it.
enum { VS_BENCH_WORDS = 17, VS_BENCH_BYTES = sizeof(zx_vcpu_state_x64_t) };
_Static_assert(VS_BENCH_BYTES == VS_BENCH_WORDS * sizeof(uint64_t), "a register per word");

static inline void vs_bench_registers(uint64_t turn, uint64_t words[VS_BENCH_WORDS]) {
  uint64_t value = (turn + 1) * UINT64_C(0x9e3779b97f4a7c15);
  for (int i = 0; i < VS_BENCH_WORDS; i++) {
    words[i] = value;
    value += UINT64_C(0x123456789abcdef1);
  }
  words[VS_BENCH_WORDS - 1] = (value & 0xcd5) | 2;
}

#endif  // VS_CLI_BENCH_SIDE_H_
