// SPDX-License-Identifier: BSD-3-Clause
// Numbers as scripts write them: an expression without blanks, in 64 bits that wrap.
//   | ^ & << >> + - * / %, unary ~ -, parentheses; decimal, 0x, and names:
//   exact                the size of the kind (within zx_vcpu_write_state)
//   state_size io_size   bytes
//   gate user settable   of the flags register: its gate, what is the caller's but for what stops
//                        the guest, all that is the caller's
//   @                    the register's index (within each=)
//   read write ...       rights
//   pick(i,a,b,...)      the i-th of a, b, ...
//   random(i)            a well-mixed word, of i and the seed
#ifndef VS_CONFORMANCE_NUMBER_H_
#define VS_CONFORMANCE_NUMBER_H_

#include <vcpuspec/why.h>

#include "tables.h"

// What names stand for.
typedef struct vs_scope {
  const vs_arch_info* info;
  uint64_t seed;
  bool has_exact;
  uint64_t exact;
  bool has_index;
  uint64_t index;
} vs_scope;

// Reads all of `text` as a number. False: `at` is the offset of what is wrong, `why` says what was
// expected there.
bool vs_number_read(const char* text, const vs_scope* scope, uint64_t* value, size_t* at,
                    vs_why* why);

// A well-mixed word of two, so that every byte of every value is its own.
uint64_t vs_mix(uint64_t seed, uint64_t number);

// The flags of a set that do not stop a guest that is entered with them.
uint64_t vs_calm_flags(const vs_arch_info* info, uint64_t flags);

#endif  // VS_CONFORMANCE_NUMBER_H_
