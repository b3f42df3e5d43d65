// SPDX-License-Identifier: BSD-3-Clause
// The calls that coverage tries from a situation: the product of the classes of each argument
// (classes.def), of the handles that are there, and of the threads that are free.
#ifndef VS_CONFORMANCE_COVERAGE_TRIES_H_
#define VS_CONFORMANCE_COVERAGE_TRIES_H_

#include "history.h"
#include "oracle.h"

// `unusual`: how many arguments are not those of a valid call.
typedef struct vs_tries {
  vs_oracle* oracle;  // at the situation; facts are of its first world
  unsigned most;      // arguments that are not those of a valid call
  // Of two handles of which the model says the same, one is tried; unless their objects differ in
  // what was done to them last. NULL: that makes no difference.
  const vs_history* history;
  void (*meet)(const vs_op* op, const vs_facts* facts, unsigned unusual, void* context);
  void* context;
} vs_tries;

// Meets every such call whose answer is predicted.
void vs_try_each(const vs_tries* tries, uint8_t call);

#endif  // VS_CONFORMANCE_COVERAGE_TRIES_H_
