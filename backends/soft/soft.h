// SPDX-License-Identifier: BSD-3-Clause
// The smallest complete backend: objects, handles and register files in memory, no guest execution.
// It is the example to copy for an implementation of one's own; soft.c is all of it. published.c
// has rows that answer as particular kernels do, for whoever wants to see their profiles at work.
//
// It owns its objects between open and close, and the user copy's signal handlers. The rows share
// one state: the one opened first keeps the others from opening.
#ifndef VS_BACKENDS_SOFT_SOFT_H_
#define VS_BACKENDS_SOFT_SOFT_H_

#include <vcpuspec/backend.h>

extern const vs_backend vs_backend_soft;        // x86-64 vCPUs
extern const vs_backend vs_backend_soft_arm64;  // arm64 vCPUs

extern const vs_backend vs_backend_soft_arm64_zircon;
extern const vs_backend vs_backend_soft_2018;
extern const vs_backend vs_backend_soft_zcore;

#endif  // VS_BACKENDS_SOFT_SOFT_H_
