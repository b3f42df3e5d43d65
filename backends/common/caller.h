// SPDX-License-Identifier: BSD-3-Clause
// Who calls: a backend asks where a call is for the thread alone that made a vCPU.
#ifndef VS_BACKENDS_COMMON_CALLER_H_
#define VS_BACKENDS_COMMON_CALLER_H_

#include <stdint.h>

// The calling thread's number, above 0: never that of another thread, not even of one that has
// ended.
uint64_t vs_caller(void);

#endif  // VS_BACKENDS_COMMON_CALLER_H_
