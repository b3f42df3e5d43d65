// SPDX-License-Identifier: BSD-3-Clause
// libFuzzer target: whole scripts, with threads, objects, guests and races, on any backend and in
// the oracle; a violation is printed as a script and explained.
#include "engine.h"

int LLVMFuzzerInitialize(int* argc, char*** argv) {
  vs_engine_open(VS_FUZZ_SCRIPT, argc, argv);
  return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  vs_engine_run(data, size);
  return 0;
}

size_t LLVMFuzzerCustomMutator(uint8_t* data, size_t size, size_t room, unsigned seed) {
  return vs_engine_mutate(data, size, room, seed);
}

size_t LLVMFuzzerCustomCrossOver(const uint8_t* a, size_t a_size, const uint8_t* b, size_t b_size,
                                 uint8_t* out, size_t room, unsigned seed) {
  return vs_engine_cross(a, a_size, b, b_size, out, room, seed);
}
