// SPDX-License-Identifier: BSD-3-Clause
// Chance, and the classes of arguments that mutations draw from. Owns one allocation.
#ifndef VS_FUZZ_MUTATOR_H_
#define VS_FUZZ_MUTATOR_H_

#include "sweep/space.h"

enum { VS_MUTATOR_FIRST = 128 };  // values of a factor that stand for others, at most

typedef struct vs_mutator {
  const vs_arch_info* arch;
  vs_space* space;
  uint16_t first_count[2][VS_FACTOR_COUNT];
  uint16_t first[2][VS_FACTOR_COUNT][VS_MUTATOR_FIRST];  // the boundaries: rank VS_RANK_OF_PRODUCT
  uint64_t random;                                       // state of the generator
} vs_mutator;

// False: no memory.
bool vs_mutator_open(vs_mutator* mutator, vs_arch arch);
void vs_mutator_close(vs_mutator* mutator);

// What follows is decided by `seed` alone.
void vs_mutator_seed(vs_mutator* mutator, uint64_t seed);

// A number below `below`, which is not 0.
uint64_t vs_mutator_pick(vs_mutator* mutator, uint64_t below);
// Any 64 bits.
uint64_t vs_mutator_word(vs_mutator* mutator);
bool vs_mutator_one_in(vs_mutator* mutator, uint64_t n);

#endif  // VS_FUZZ_MUTATOR_H_
