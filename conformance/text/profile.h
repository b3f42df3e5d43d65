// SPDX-License-Identifier: BSD-3-Clause
// Profiles as text: docs/profiles.md has the grammar. What is printed can be read back.
#ifndef VS_CONFORMANCE_PROFILE_H_
#define VS_CONFORMANCE_PROFILE_H_

#include <stdio.h>

#include "fault.h"
#include "tables.h"

enum { VS_PROFILE_NAME_MAX = 32, VS_PROFILE_SUMMARY_MAX = 160, VS_PROFILE_FILE_MAX = 65536 };

// A profile with its own strings: `profile` points into the struct, so it is not to be copied.
typedef struct vs_own_profile {
  vs_profile profile;
  char name[VS_PROFILE_NAME_MAX + 1];
  char summary[VS_PROFILE_SUMMARY_MAX + 1];
} vs_own_profile;

// Reads `length` bytes, which may be any. False: `*fault` says what is wrong, and `*own` is of no
// use.
bool vs_profile_parse(const char* text, size_t length, vs_own_profile* own, vs_fault* fault);

// The same, of a file of at most VS_PROFILE_FILE_MAX bytes.
bool vs_profile_load(const char* path, vs_own_profile* own, vs_fault* fault);

void vs_profile_print(FILE* out, const vs_profile* profile);

// Of all that the profile says: one of the user's own may change under its name. FNV-1a; 0: no
// memory.
uint32_t vs_profile_digest(const vs_profile* profile);

#endif  // VS_CONFORMANCE_PROFILE_H_
