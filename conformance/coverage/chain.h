// SPDX-License-Identifier: BSD-3-Clause
// Few scripts for many transitions: each begins in a situation, and goes on with calls as long as
// the next one makes a transition that is not covered yet.
#ifndef VS_CONFORMANCE_COVERAGE_CHAIN_H_
#define VS_CONFORMANCE_COVERAGE_CHAIN_H_

#include "draft.h"
#include "explore.h"
#include "pack.h"

// Tells of scripts for every wanted transition (`wanted[i]`: number i), situation by situation.
// False: no memory.
bool vs_chain(const vs_explored* all, const bool* wanted,
              void (*tell)(const vs_packed* packed, void* context), void* context);

// A script for one of them.
void vs_chain_one(const vs_explored* all, size_t transition, vs_draft* script);

#endif  // VS_CONFORMANCE_COVERAGE_CHAIN_H_
