// SPDX-License-Identifier: BSD-3-Clause
// The dynamic linker. A program that is wholly static has none (object_none.c).
#ifndef VS_CONFORMANCE_SHARED_OBJECT_H_
#define VS_CONFORMANCE_SHARED_OBJECT_H_

#include <stddef.h>

#include <vcpuspec/why.h>

// Loads a shared object, for as long as the process lives. NULL: `reason` says why, and what would
// help.
void* vs_object_load(const char* path, vs_why* reason);
// The address of what it exports by this name, or NULL.
void* vs_object_symbol(void* object, const char* name);

#endif  // VS_CONFORMANCE_SHARED_OBJECT_H_
