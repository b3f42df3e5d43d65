// SPDX-License-Identifier: BSD-3-Clause
// Between an engine (libFuzzer, and whatever speaks its interface) and a session: what each of the
// two targets that run calls defines as its LLVMFuzzer functions.
#ifndef VS_FUZZ_ENGINE_H_
#define VS_FUZZ_ENGINE_H_

#include "codec.h"

// Takes our flags out of argv, opens the session. Ends the process with exit status 2 and a line of
// why, if it cannot.
void vs_engine_open(vs_fuzz_target target, int* argc, char*** argv);

void vs_engine_run(const uint8_t* data, size_t size);
size_t vs_engine_mutate(uint8_t* data, size_t size, size_t room, unsigned seed);
size_t vs_engine_cross(const uint8_t* a, size_t a_size, const uint8_t* b, size_t b_size,
                       uint8_t* out, size_t room, unsigned seed);

// The engine's own mutation of bytes, and what it calls.
size_t LLVMFuzzerMutate(uint8_t* data, size_t size, size_t room);
int LLVMFuzzerInitialize(int* argc, char*** argv);
int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size);
size_t LLVMFuzzerCustomMutator(uint8_t* data, size_t size, size_t room, unsigned seed);
size_t LLVMFuzzerCustomCrossOver(const uint8_t* a, size_t a_size, const uint8_t* b, size_t b_size,
                                 uint8_t* out, size_t room, unsigned seed);

#endif  // VS_FUZZ_ENGINE_H_
