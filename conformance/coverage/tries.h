// SPDX-License-Identifier: BSD-3-Clause
// The calls that coverage tries from a situation: the product of the classes of each argument
// (classes.def), of the handles that are there, and of the threads that are free.
#ifndef VS_CONFORMANCE_COVERAGE_TRIES_H_
#define VS_CONFORMANCE_COVERAGE_TRIES_H_

#include "oracle.h"

// `unusual`: how many arguments are not those of a valid call.
typedef struct vs_tries {
  vs_oracle* oracle;  // at the situation; only its first world is looked at
  void (*meet)(const vs_op* op, const vs_facts* facts, unsigned unusual, void* context);
  void* context;
} vs_tries;

// Meets every such call whose answer is predicted.
void vs_try_each(const vs_tries* tries, uint8_t call);

#endif  // VS_CONFORMANCE_COVERAGE_TRIES_H_
