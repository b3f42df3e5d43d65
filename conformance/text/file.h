// SPDX-License-Identifier: BSD-3-Clause
// Whole files as texts.
#ifndef VS_CONFORMANCE_FILE_H_
#define VS_CONFORMANCE_FILE_H_

#include <stdbool.h>
#include <stddef.h>

enum { VS_FILE_MAX = 256 << 20, VS_FILE_WHY = 256 };  // bytes

typedef struct vs_file {
  char* text;  // owned; ends in a NUL that `length` does not count
  size_t length;
} vs_file;

// Reads a file, or standard input for "-". False: `why` says the reason in one line.
bool vs_file_read(const char* path, vs_file* file, char why[VS_FILE_WHY]);
void vs_file_free(vs_file* file);

#endif  // VS_CONFORMANCE_FILE_H_
