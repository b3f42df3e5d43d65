// SPDX-License-Identifier: BSD-3-Clause
// Whole files as texts.
#ifndef VS_CONFORMANCE_FILE_H_
#define VS_CONFORMANCE_FILE_H_

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include <vcpuspec/why.h>

enum { VS_FILE_MAX = 256 << 20 };  // bytes

typedef struct vs_file {
  char* text;  // owned; ends in a NUL that `length` does not count
  size_t length;
} vs_file;

// Reads a file, or standard input for "-". False: `why` says the reason in one line.
bool vs_file_read(const char* path, vs_file* file, vs_why* why);
void vs_file_free(vs_file* file);

// A text that is printed into memory: what is printed to the stream stands in `file`, which is the
// caller's, once it is closed. (Of open_memstream nothing tells that memory was short.) NULL, and
// false: no memory, and nothing to free. A stream that is NULL may be closed too.
FILE* vs_memory_open(vs_file* file);
bool vs_memory_close(FILE* out, vs_file* file);

// A file, or nothing yet: it can be replaced as a whole. A device, a pipe or a link stays what it
// is, and is written through.
bool vs_file_is_plain(const char* path);

// True if what is written to one path takes the place of what is at the other. A device takes
// both, and so does "-".
bool vs_file_is_same(const char* a, const char* b);

// Finds out, before the time comes, whether the file can be written. False: `why` in one line.
bool vs_file_can_be_put(const char* path, vs_why* why);

// Writes the file, or standard output for "-", by write(out, what), which is false if it cannot. A
// plain file is replaced once all is on disk: if it cannot be, what was there before still is, and
// `why` says the reason in one line.
bool vs_file_put_whole(const char* path, bool (*write)(FILE* out, const void* what),
                       const void* what, vs_why* why);

#endif  // VS_CONFORMANCE_FILE_H_
