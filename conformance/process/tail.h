// SPDX-License-Identifier: BSD-3-Clause
// What an implementation writes to its standard error: passed on, as far as it is text, and both
// its ends kept for the report of a failure. What went wrong stands in the last line, or, where a
// trace of calls follows, in the first.
#ifndef VS_CONFORMANCE_TAIL_H_
#define VS_CONFORMANCE_TAIL_H_

#include <stdbool.h>
#include <stddef.h>

enum {
  VS_TAIL_FIRST = 4096,  // bytes kept of its beginning
  VS_TAIL_BYTES = 2048,  // and of its end
  // Lines shown of the beginning, where Node names a line of the shim below its own, and of the
  // end.
  VS_TAIL_FIRST_LINES = 16,
  VS_TAIL_LAST_LINES = 8
};

typedef struct vs_tail {
  int from;      // read end, does not block; -1: none
  int to;        // write end: becomes the standard error of the implementation
  size_t told;   // bytes that were passed on since vs_tail_forget
  size_t all;    // bytes that were written
  size_t count;  // of them the last, which are kept
  char first[VS_TAIL_FIRST];
  char text[VS_TAIL_BYTES];
} vs_tail;

// Whether what implementations write comes to the standard error of this process: it does, unless
// told otherwise.
void vs_tails_pass_on(bool yes);

// False: this process has no file descriptors to spare; then nothing is kept, and `from` is -1.
bool vs_tail_open(vs_tail* tail);
void vs_tail_close(vs_tail* tail);

// Takes what has been written. Does not wait, and ends however much there is.
void vs_tail_drain(vs_tail* tail);

// Adds text as if it had been written, without passing it on.
void vs_tail_add(vs_tail* tail, const char* text, size_t length);

// Nothing was written yet.
void vs_tail_forget(vs_tail* tail);

// The first and the last lines, each ended by a newline, of printable characters, with how much is
// left out between them, "(320 bytes more)"; "" if there are none.
void vs_tail_say(const vs_tail* tail, char* text, size_t size);

#endif  // VS_CONFORMANCE_TAIL_H_
