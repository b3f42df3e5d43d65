// SPDX-License-Identifier: BSD-3-Clause
// What changes in the memory of guests: only a vCPU's own thread may touch its part of the library,
// so each learns of it through one counter, which it looks at before every instruction.
#ifndef VS_BACKENDS_ZIRCON_UNICORN_CHANGES_H_
#define VS_BACKENDS_ZIRCON_UNICORN_CHANGES_H_

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { VS_UC_CHANGES_KEPT = 64 };

// Memory that this process has written.
typedef struct vs_uc_dirty {
  const uint8_t* at;
  size_t size;  // 0: it was no write, but another arrangement of a guest's memory
} vs_uc_dirty;

// Counts both.
extern atomic_uint_fast64_t vs_uc_changes;

void vs_uc_record(vs_uc_dirty dirty);

// The change number `change` (from 0 on), if it is still remembered. *known is false when it is
// not: anything may have been written.
vs_uc_dirty vs_uc_change(uint64_t change, bool* known);

#endif  // VS_BACKENDS_ZIRCON_UNICORN_CHANGES_H_
