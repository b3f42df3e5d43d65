// SPDX-License-Identifier: BSD-3-Clause
// What the shim needs of the system it is built for: memory at given addresses, threads, and the
// channel. platform_posix.c has all of it; platform_bare.c shows the least.
#ifndef VCPUSPEC_SHIMS_C_PLATFORM_H_
#define VCPUSPEC_SHIMS_C_PLATFORM_H_

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { PAGE = 4096, THREADS = 16 };

// --- channel ----------------------------------------------------------------------------------

// Opens what the command line names. False: a line on standard error says why.
bool platform_open(int argc, char** argv);

// Known once it is open.
extern bool platform_sums;          // the user asks for sums
extern bool platform_is_arm64;      // what vCPUs are like of which nothing is known
extern const char* platform_words;  // of the greeting, each after a blank: arena=, hold, flip

// The next bytes, at most `size`, as soon as there are some. 0: there will be no more.
size_t platform_read(char* bytes, size_t size);

// Writes a whole line at once. Several threads may write.
void platform_write(const char* bytes, size_t size);

// --- memory -----------------------------------------------------------------------------------

// Puts a page of zeros at this address. False: it cannot be had.
bool platform_map(uint64_t page);
void platform_unmap(uint64_t page);
void platform_protect(uint64_t page, bool writable);

// --- threads ----------------------------------------------------------------------------------

// Runs work(thread) on the thread of this number, which begins with this if it has not yet. It need
// not have returned when this returns. False: there is no such thread.
bool platform_run(unsigned thread, void (*work)(unsigned thread));

// Returns once the thread is in no call.
void platform_wait(unsigned thread);

// Ends the thread: what has its number afterwards is another one.
void platform_end(unsigned thread);

// Begins the program anew, so that it knows nothing; it reads this line and these bytes first.
// Returns where that cannot be done.
void platform_restart(const char* line, const char* rest, size_t size);

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
