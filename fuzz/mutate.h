// SPDX-License-Identifier: BSD-3-Clause
// Mutation by what operations mean: arguments of a write from the classes of sweep/classes.def,
// boundaries first, of any other call by their parameters' types; whole scenes; operations
// inserted, dropped, moved and crossed. Few scripts end with calls of which the oracle says
// nothing. What comes out need not make sense: decoding mends it. Owns one allocation.
#ifndef VS_FUZZ_MUTATE_H_
#define VS_FUZZ_MUTATE_H_

#include "codec.h"
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

void vs_mutate_script(vs_mutator* mutator, vs_fuzz_script* script);
void vs_mutate_call(vs_mutator* mutator, vs_op* op);

// Some of `other`'s operations in place of some of the script's.
void vs_mutate_cross(vs_mutator* mutator, vs_fuzz_script* script, const vs_fuzz_script* other);

// To compare with: arguments as somebody makes them who knows the prototype alone, every bit by
// chance. `told`: of slots that hold handles, and kinds and sizes that are small.
void vs_mutate_naive(vs_mutator* mutator, vs_op* op, bool told);

#endif  // VS_FUZZ_MUTATE_H_
