// SPDX-License-Identifier: BSD-3-Clause
// The conformance cases as inputs of a target.
#ifndef VS_FUZZ_SEEDS_H_
#define VS_FUZZ_SEEDS_H_

#include "codec.h"

// Writes them to a directory that exists, a file each: for VS_FUZZ_SCRIPT every case, a longer one
// in pieces after what it makes first; for VS_FUZZ_CALL the writes of every case. How many; 0: one
// could not be written, and errno says why.
size_t vs_fuzz_write_seeds(const char* directory, vs_fuzz_target target, vs_arch arch);

#endif  // VS_FUZZ_SEEDS_H_
