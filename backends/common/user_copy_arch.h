// SPDX-License-Identifier: BSD-3-Clause
// What one host architecture provides for the user copy; one file of the folder implements it.
#ifndef VS_BACKENDS_COMMON_USER_COPY_ARCH_H_
#define VS_BACKENDS_COMMON_USER_COPY_ARCH_H_

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// First address that user code can never name; UINTPTR_MAX where the copy itself finds out.
extern const uintptr_t vs_user_copy_limit;

// Called on the first open and on the last close.
void vs_user_copy_install(void);
void vs_user_copy_remove(void);

// Copy size > 0 bytes; the user's side is within the limit. False: it cannot be accessed.
bool vs_user_copy_read(void* dst, const void* user_src, size_t size);
bool vs_user_copy_write(void* user_dst, const void* src, size_t size);

#endif  // VS_BACKENDS_COMMON_USER_COPY_ARCH_H_
