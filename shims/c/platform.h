// SPDX-License-Identifier: BSD-3-Clause
// What the shim needs of the system it is built for: memory that can be laid out, threads, and the
// channel. platform_posix.c has all of it; platform_bare.c has a standard library alone.
#ifndef VCPUSPEC_SHIMS_C_PLATFORM_H_
#define VCPUSPEC_SHIMS_C_PLATFORM_H_

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { THREADS = 4, BUFFER_MOST = 2048 };

// --- memory -----------------------------------------------------------------------------------

// The lines of the greeting that say what is offered: "places ...\n", "rewrites ...\n", or "".
extern const char* const platform_greeting;

// A buffer as a request describes it.
typedef struct buffer {
  const char* place;   // name of the placement
  uint64_t argument;   // its N
  const uint8_t* data; // `length` bytes
  size_t length;
} buffer;

// Where it was laid out.
typedef struct laid {
  void* address;      // what the call is told
  uint8_t* contents;  // all of it can be read here; NULL: not all of it can be read
  size_t before;      // bytes before it that hold the pattern
  size_t after;       // and after it
} laid;

enum { PATTERN = 0xc7, PATTERN_BYTES = 8 };

// Lays the buffer out in memory of the thread's own. False: there is no such place here.
bool platform_place(unsigned thread, const buffer* what, laid* out);

// --- threads ----------------------------------------------------------------------------------

// Runs work(argument) on the thread, and waits for its end. Thread 0 is the caller. False: there
// are no threads.
bool platform_run(unsigned thread, void (*work)(void*), void* argument);

// Runs it without waiting; platform_join does. If `meets`, it begins with the next platform_go.
bool platform_start(unsigned thread, bool meets, void (*work)(void*), void* argument);
void platform_join(unsigned thread);
void platform_go(void);

// Ends the thread, which must not be within a call.
void platform_end_thread(unsigned thread);

// While work(argument) runs, another thread writes the two contents over `at` by turns.
bool platform_flip(uint8_t* at, const uint8_t* one, const uint8_t* other, size_t length,
                   void (*work)(void*), void* argument);

// A millisecond.
void platform_pause(void);

// --- channel ----------------------------------------------------------------------------------

// Opens what the command line names: nothing (standard input and output), or --unix PATH. False:
// a line on standard error says why.
bool platform_open(int argc, char** argv);

// The next bytes, at most `size`. 0: the end of this connection.
size_t platform_read(char* bytes, size_t size);

// Writes all of them, at once. False: nobody reads any more.
bool platform_write(const char* bytes, size_t size);

// True if there is another connection to serve.
bool platform_next(void);

#endif  // VCPUSPEC_SHIMS_C_PLATFORM_H_
