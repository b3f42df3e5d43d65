// SPDX-License-Identifier: BSD-3-Clause
// Mutation by what operations mean: arguments of a write from the classes of sweep/classes.def,
// boundaries first, of any other call by their parameters' types; whole scenes; operations
// inserted, dropped, moved and crossed. Few scripts end with calls of which the oracle says
// nothing. What comes out need not make sense: decoding mends it.
#ifndef VS_FUZZ_MUTATE_H_
#define VS_FUZZ_MUTATE_H_

#include "codec.h"
#include "mutator.h"

void vs_mutate_script(vs_mutator* mutator, vs_fuzz_script* script);
void vs_mutate_call(vs_mutator* mutator, vs_op* op);

// Some of `other`'s operations in place of some of the script's.
void vs_mutate_cross(vs_mutator* mutator, vs_fuzz_script* script, const vs_fuzz_script* other);

// To compare with: arguments as somebody makes them who knows the prototype alone, every bit by
// chance. `told`: of slots that hold handles, and kinds and sizes that are small.
void vs_mutate_naive(vs_mutator* mutator, vs_op* op, bool told);

#endif  // VS_FUZZ_MUTATE_H_
