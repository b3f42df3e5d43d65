// SPDX-License-Identifier: BSD-3-Clause
// What is wrong with a text, and where.
#ifndef VS_CONFORMANCE_FAULT_H_
#define VS_CONFORMANCE_FAULT_H_

#include <stddef.h>

typedef struct vs_fault {
  size_t line;    // from 1; 0: the text as a whole
  size_t column;  // from 1, in bytes
  char message[256];
} vs_fault;

#endif  // VS_CONFORMANCE_FAULT_H_
