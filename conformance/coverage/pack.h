// SPDX-License-Identifier: BSD-3-Clause
// Few scripts for many points: from each situation, as many calls one after another as still pass
// through the points that they are for, by each of the allowed answers.
#ifndef VS_CONFORMANCE_COVERAGE_PACK_H_
#define VS_CONFORMANCE_COVERAGE_PACK_H_

#include "reachable.h"

// A script. Valid during the call that tells of it.
typedef struct vs_packed {
  const char* situation;  // its title
  const vs_op* ops;
  size_t count;
  size_t items;  // that it is for
} vs_packed;

// Tells of scripts for every wanted point (`wanted[i]`: number i), situation by situation. False:
// no memory.
bool vs_pack(const vs_reachable* all, const bool* wanted,
             void (*tell)(const vs_packed* packed, void* context), void* context);

#endif  // VS_CONFORMANCE_COVERAGE_PACK_H_
