// SPDX-License-Identifier: BSD-3-Clause
// Prototypes of the calls under test and of those around them, as documented. An implementation
// exports these symbols, or fills a vs_calls (vcpuspec/backend.h) with functions of these types.
// The rights that each call needs of a handle, and those of the handles that it makes: calls.def.
#ifndef ZIRCON_SYSCALLS_H_
#define ZIRCON_SYSCALLS_H_

#include <vcpuspec/calls.h>

#endif  // ZIRCON_SYSCALLS_H_
