// SPDX-License-Identifier: BSD-3-Clause
// A shim for tests, in two parts: small.c does what docs/shim.md says, with the built-in backend
// BACKEND; honest.c, faulty.c and wrong.c are what stands between it and the channel.
#ifndef VS_TESTS_SMALL_H_
#define VS_TESTS_SMALL_H_

#include <stdbool.h>
#include <stddef.h>
#include <string.h>
#include <unistd.h>

enum { SHIM_LINE = 16384 };

// Before anything else, with the arguments that small.c does not know.
void shim_open(const char* word);

// A line is said: with its sum and newline. It is small.c's lock that is held.
void shim_say(const char* line, size_t size);

// Nothing more is said for now.
void shim_pause(void);

// A line has come, without its end. False: it is as if it had not.
bool shim_hear(char* line, size_t size);

// For those who say otherwise.
static inline void write_out(const char* bytes, size_t size) {
  while (size > 0) {
    ssize_t count = write(STDOUT_FILENO, bytes, size);
    if (count <= 0) _exit(0);
    bytes += count;
    size -= (size_t)count;
  }
}

#endif  // VS_TESTS_SMALL_H_
