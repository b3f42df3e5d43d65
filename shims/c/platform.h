// SPDX-License-Identifier: BSD-3-Clause
// What the shim needs of the system it is built for: memory at given addresses, threads, and the
// channel. platform_posix.c has all of it; platform_bare.c shows the least.
#ifndef VCPUSPEC_SHIMS_C_PLATFORM_H_
#define VCPUSPEC_SHIMS_C_PLATFORM_H_

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
  PAGE = 4096,
  THREADS = 16,
  LINE = 16384,  // bytes of a line, at most, with its sum
  SUM = sizeof " sum=00000000" - 1,
};

// --- channel ----------------------------------------------------------------------------------

// Opens what the command line names. False: a line on standard error says why.
bool platform_open(int argc, char** argv);

// Known once it is open.
extern bool platform_is_arm64;      // what vCPUs are like of which nothing is known
extern const char* platform_words;  // of the greeting, each after a blank: arena=, hold, flip, sums

// The next line, without its end, until the next one is asked for. NULL: there will be no more.
// `*good` is false if it is too long, or has a wrong sum. What was written is out before this
// waits.
const char* platform_line(bool* good);

// Writes a line; its end is added, and a sum where there are sums. Several threads may write. It is
// out once the thread that writes it has no line any more.
void platform_write(const char* line, size_t length);

// Writes the greeting at once, and without a sum. What follows has sums if the user asks for them.
void platform_greet(const char* line, size_t length);

// Begins the program anew, so that it knows nothing; it reads this line and what follows it first.
// Returns where that cannot be done.
void platform_restart(const char* line);

// --- memory -----------------------------------------------------------------------------------

// Puts a page of zeros at this address. False: it cannot be had.
bool platform_map(uint64_t page);
void platform_unmap(uint64_t page);
void platform_protect(uint64_t page, bool writable);

// --- threads ----------------------------------------------------------------------------------

// Of the shim: does what the line says, on its thread.
void shim_obey(unsigned thread, const char* line);

// Hands a line to the thread of this number, which begins with this if it has not yet: it obeys its
// lines in the order in which they came. Returns once the thread of the line before, if it is
// another, is done with all but a call. False: there is no such thread.
bool platform_pass(unsigned thread, const char* line, bool is_call);

// Ends the thread once it has obeyed its lines: what has its number afterwards is another one.
void platform_end(unsigned thread);

// --- memory that changes ----------------------------------------------------------------------

typedef enum sort { STILL, HOLD, FLIP } sort;

// What happens to memory during a call, as `hold` and `flip` of the protocol say.
typedef struct change {
  sort sort;
  uint64_t at;
  size_t size;
  uint8_t bytes[PAGE];
} change;

// Fills it. False: this cannot be done here.
bool platform_change(change* c, bool hold, uint64_t at, const uint8_t* bytes, size_t size);

// Makes the call on this thread, while the memory changes; `*held` says whether it did.
int32_t platform_call(change* c, bool* held, int32_t (*call)(const uint64_t*),
                      const uint64_t* args);

#endif  // VCPUSPEC_SHIMS_C_PLATFORM_H_
