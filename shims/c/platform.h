// SPDX-License-Identifier: BSD-3-Clause
// The shim has two halves. shim.c is the protocol: what a line says, and the answer. The platform
// is the program, and what it needs of its system: lines, memory, threads. It gives each line to
// shim_read, and lets the thread that shim_read names call shim_obey before it reads the next one.
// platform_posix.c has all of it; platform_bare.c shows the least.
//
// The platform also defines `vcpuspec_plugin` (vcpuspec/backend.h), weak, for an implementation
// that has none.
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

// --- the shim ---------------------------------------------------------------------------------

// Takes in a line, without its end and its sum, which is at most LINE bytes; `good` is false if it
// was longer, or has a wrong sum. Returns which thread is to obey it: below THREADS, one of the
// caller's, which begins with its first line; THREADS, the one with which the program began.
unsigned shim_read(const char* line, bool good);

// Obeys the line that was read last. The next one may be read once this returns, or once
// platform_call lets it.
void shim_obey(unsigned thread);

// --- the platform: where it says bool, false means that it cannot be done -----------------------

extern const char* platform_words;  // of the greeting, each after a blank: arena=, hold, flip, sums

// Writes a line; its end is added, and a sum where there are sums. Several threads may write.
void platform_write(const char* line, size_t length);

// Forgets memory, threads, and what the implementation has made. If that takes a new process, this
// one ends, and the other reads the line again.
void platform_forget(void);

// Puts bytes at this address, on pages of which nothing else was there if they are new. They are
// the thread's from now on. `size` is at least 1, and at + size does not wrap.
bool platform_map(unsigned thread, uint64_t at, const uint8_t* bytes, size_t size, bool readonly);
bool platform_unmap(uint64_t page);

// Finds one of the thread's pages that is not as it was last known, from the number `*page` on,
// which is 0 at first. Returns the end of the range that differs, and its begin in `*at`; it is
// known from now on. 0: there is none that fits, as " 0xADDRESS=HEX", into so much room on the
// line.
uint64_t platform_changed(unsigned thread, uint64_t* page, ptrdiff_t room, uint64_t* at);

// Ends the thread, if there is one: what has its number afterwards is another one.
bool platform_end(unsigned thread);

// Notes how memory changes during the thread's next call, as `hold` and `flip` of the protocol say.
bool platform_change(unsigned thread, bool hold, uint64_t at, const uint8_t* bytes, size_t size);

// Makes the call, on the thread of this number. True: memory changed, as was noted. If the call may
// wait for others, lines are read meanwhile.
bool platform_call(unsigned thread, bool waits, int32_t (*call)(const uint64_t*),
                   const uint64_t* args, int32_t* status);

#endif  // VCPUSPEC_SHIMS_C_PLATFORM_H_
