// SPDX-License-Identifier: BSD-3-Clause
// libFuzzer target: one call of zx_vcpu_write_state with any arguments, and a look at what it has
// done, in a scene that outlives the input (scene.h): as fast as the backend.
#include "engine.h"

int LLVMFuzzerInitialize(int* argc, char*** argv) {
  vs_engine_open(VS_FUZZ_CALL, argc, argv);
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
