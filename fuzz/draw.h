// SPDX-License-Identifier: BSD-3-Clause
// Random scripts as text, for whoever runs them without a fuzzer's engine.
#ifndef VS_FUZZ_DRAW_H_
#define VS_FUZZ_DRAW_H_

#include <stdio.h>

#include "tables.h"

// Prints `count` scripts that make sense, each of up to VS_FUZZ_OPS operations, titled "drawn 0",
// "drawn 1" and so on; the same for the same seed. False: no memory.
bool vs_fuzz_draw(FILE* out, vs_arch arch, unsigned count, uint64_t seed);

#endif  // VS_FUZZ_DRAW_H_
