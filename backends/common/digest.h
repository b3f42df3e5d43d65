// SPDX-License-Identifier: BSD-3-Clause
// FNV-1a: the sums of lines over a wire, names of findings, and what tells two files apart. Not for
// what somebody may forge.
#ifndef VS_BACKENDS_COMMON_DIGEST_H_
#define VS_BACKENDS_COMMON_DIGEST_H_

#include <stddef.h>
#include <stdint.h>

#define VS_DIGEST32 UINT32_C(2166136261)            // of no bytes
#define VS_DIGEST64 UINT64_C(14695981039346656037)  // of no bytes

// The digest of what `so_far` is the digest of, and these bytes.
static inline uint32_t vs_digest32(uint32_t so_far, const void* bytes, size_t count) {
  const uint8_t* at = (const uint8_t*)bytes;
  for (size_t i = 0; i < count; i++) so_far = (so_far ^ at[i]) * UINT32_C(16777619);
  return so_far;
}

static inline uint64_t vs_digest64(uint64_t so_far, const void* bytes, size_t count) {
  const uint8_t* at = (const uint8_t*)bytes;
  for (size_t i = 0; i < count; i++) so_far = (so_far ^ at[i]) * UINT64_C(1099511628211);
  return so_far;
}

#endif  // VS_BACKENDS_COMMON_DIGEST_H_
