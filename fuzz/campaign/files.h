// SPDX-License-Identifier: BSD-3-Clause
// The files of a campaign's directory: each is there as a whole or not at all.
#ifndef VS_FUZZ_CAMPAIGN_FILES_H_
#define VS_FUZZ_CAMPAIGN_FILES_H_

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

enum { VS_PATH = 4096, VS_CAMPAIGN_DIR = 3000 };  // bytes; the longest name of a directory

// "DIR/WITHIN/NAME"; `within` and `name` may be NULL. What does not fit is cut off.
void vs_path(char path[VS_PATH], const char* dir, const char* within, const char* name);

// Replaces the file by what print(out, what) prints. False: what was there before still is.
bool vs_file_put(const char* path, void (*print)(FILE* out, const void* what), const void* what);

// Each file of the directory but those whose name begins with a dot, in no order; until `visit`
// says false. `visit` may be NULL. How many were seen.
size_t vs_files_each(const char* dir, bool (*visit)(const char* name, void* context),
                     void* context);

bool vs_file_exists(const char* path);
bool vs_ends_in(const char* name, const char* suffix);

// Of any bytes, to name files by. FNV-1a.
uint32_t vs_bytes_digest(const void* bytes, size_t count);

#endif  // VS_FUZZ_CAMPAIGN_FILES_H_
