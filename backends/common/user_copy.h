// SPDX-License-Identifier: BSD-3-Clause
// A user copy that survives any pointer, as a kernel's does. It is not under test, so backends
// share it. Owns: the process's SIGSEGV and SIGBUS handlers between open and close; a fault
// anywhere else than in these copies goes on to the handler that was there before.
#ifndef VS_BACKENDS_COMMON_USER_COPY_H_
#define VS_BACKENDS_COMMON_USER_COPY_H_

#include <stdbool.h>
#include <stddef.h>

// Installs the handlers. Nests: each open is matched by one close.
void vs_user_copy_open(void);
void vs_user_copy_close(void);

// Copy `size` bytes from, or to, an address that a caller named. False: some byte cannot be
// accessed by user code (not mapped, not readable or writable, in the kernel's half, not canonical,
// wrapping, past the end of a mapped file); then the contents of the destination are undefined for
// copy_from, and a part may have been written for copy_to.
bool vs_copy_from_user(void* dst, const void* user_src, size_t size);
bool vs_copy_to_user(void* user_dst, const void* src, size_t size);

#endif  // VS_BACKENDS_COMMON_USER_COPY_H_
