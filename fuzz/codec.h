// SPDX-License-Identifier: BSD-3-Clause
// Scripts as bytes. Decoding is total: whatever bytes make a script that makes sense (sense.h), and
// encoding that script makes bytes that decode to it again.
#ifndef VS_FUZZ_CODEC_H_
#define VS_FUZZ_CODEC_H_

#include "tables.h"

enum {
  VS_FUZZ_OPS = 48,      // of a script, those included that end what it has begun
  VS_FUZZ_BYTES = 16384  // that any such script fits into
};

// What the bytes of an input stand for.
typedef enum vs_fuzz_target {
  VS_FUZZ_SCRIPT,  // a script
  VS_FUZZ_CALL     // one call of zx_vcpu_write_state, in a scene that outlives the input
} vs_fuzz_target;

typedef struct vs_fuzz_script {
  size_t count;
  vs_op ops[VS_FUZZ_OPS];
} vs_fuzz_script;

void vs_fuzz_decode(const uint8_t* data, size_t size, const vs_arch_info* arch,
                    vs_fuzz_script* script);

// The bytes of a script; how many. `room` below VS_FUZZ_BYTES may cut off its last operations.
size_t vs_fuzz_encode(const vs_fuzz_script* script, uint8_t* bytes, size_t room);

// The same of a single WRITE_STATE, synchronous and of a buffer that stays.
void vs_fuzz_decode_call(const uint8_t* data, size_t size, const vs_arch_info* arch, vs_op* op);
size_t vs_fuzz_encode_call(const vs_op* op, uint8_t* bytes, size_t room);

#endif  // VS_FUZZ_CODEC_H_
