// SPDX-License-Identifier: BSD-3-Clause
// A platform of two functions, which put and take a byte: no threads, and memory that is an array.
// Calls are made one after the other, so this is for an implementation whose calls do not block. It
// looks at vcpuspec_caller where it asks for the calling thread, and at vcpuspec_may_access where a
// processor would refuse an access. It defines vcpuspec_reset, which forgets all that it has made.
#include "platform.h"

#include <stdio.h>
#include <string.h>
#include <vcpuspec/backend.h>

enum { PAGES = 256 };

static _Alignas(PAGE) uint8_t arena[PAGES * PAGE];
static uint8_t known[PAGES * PAGE];  // what the other side knows to be there
static struct {
  unsigned owner;  // the number, and one, of the thread that mapped it; 0: there is no page
  bool readonly;
} pages[PAGES];
static unsigned callers[THREADS];

unsigned vcpuspec_caller;  // which thread calls: never the number of another one, not even later
bool vcpuspec_may_access(const void* address, size_t bytes, bool write);
void vcpuspec_reset(void);

__attribute__((weak)) const vs_plugin vcpuspec_plugin = {.arch = VS_ARCH_X64};
const char* platform_words;

// --- lines ------------------------------------------------------------------------------------

// Standard C here; of a kernel these are its serial line.
static void put(char c) {
  putchar(c);
  if (c == '\n') fflush(stdout);
}

static int take(void) {
  return getchar();
}

void platform_write(const char* line, size_t length) {
  for (size_t i = 0; i < length; i++) put(line[i]);
  put('\n');
}

static void obey(const char* line, bool good) {
  static unsigned last;
  unsigned thread = shim_read(line, good);
  if (thread < THREADS && callers[thread] == 0) callers[thread] = ++last;
  if (thread < THREADS) vcpuspec_caller = callers[thread];
  shim_obey(thread);
}

int main(void) {
  static char line[LINE + 1];
  static char words[64];
  size_t length = 0;
  snprintf(words, sizeof words, " arena=0x%llx:0x%zx", (unsigned long long)(uintptr_t)arena,
           sizeof arena);
  platform_words = words;
  for (int c; (c = take()) != EOF;) {
    if (c != '\n' && length < LINE) line[length] = (char)c;
    if (c != '\n') {
      length++;
      continue;
    }
    if (length > 0 && length <= LINE && line[length - 1] == '\r') length--;
    line[length < LINE ? length : LINE] = '\0';
    obey(line, length <= LINE && strlen(line) == length);
    length = 0;
  }
  return 0;
}

void platform_forget(void) {
  memset(pages, 0, sizeof pages);
  memset(callers, 0, sizeof callers);
  vcpuspec_reset();
}

// --- memory -----------------------------------------------------------------------------------

bool vcpuspec_may_access(const void* address, size_t bytes, bool write) {
  uint64_t first = (uintptr_t)address - (uintptr_t)arena;
  if (first > sizeof arena || bytes > sizeof arena - first) return false;
  for (uint64_t p = first / PAGE; p * PAGE < first + bytes; p++)
    if (pages[p].owner == 0 || (write && pages[p].readonly)) return false;
  return true;
}

bool platform_map(unsigned thread, uint64_t at, const uint8_t* bytes, size_t size, bool readonly) {
  uint64_t first = at - (uintptr_t)arena;
  if (first > sizeof arena || size > sizeof arena - first) return false;
  for (uint64_t p = first / PAGE; p * PAGE < first + size; p++) {
    if (pages[p].owner == 0) memset(arena + p * PAGE, 0, PAGE);
    if (pages[p].owner == 0) memset(known + p * PAGE, 0, PAGE);
    pages[p].owner = thread + 1;
    pages[p].readonly = readonly;
  }
  memcpy(arena + first, bytes, size);
  memcpy(known + first, bytes, size);
  return true;
}

bool platform_unmap(uint64_t page) {
  uint64_t p = (page - (uintptr_t)arena) / PAGE;
  if (p < PAGES) pages[p].owner = 0;
  return true;
}

uint64_t platform_changed(unsigned thread, uint64_t* page, ptrdiff_t room, uint64_t* at) {
  for (uint64_t p = *page; p < PAGES; p++) {
    size_t first = p * PAGE;
    size_t end = first + PAGE;
    if (pages[p].owner != thread + 1) continue;
    while (first < end && arena[first] == known[first]) first++;
    while (first < end && arena[end - 1] == known[end - 1]) end--;
    if (first == end || (ptrdiff_t)(end - first) * 2 + 24 > room) continue;
    memcpy(known + first, arena + first, end - first);
    *page = p + 1;
    *at = (uintptr_t)(arena + first);
    return (uintptr_t)(arena + end);
  }
  return 0;
}

// --- threads, and memory that changes: there are none -------------------------------------------

bool platform_end(unsigned thread) {
  callers[thread] = 0;
  return true;
}

bool platform_change(unsigned thread, bool hold, uint64_t at, const uint8_t* bytes, size_t size) {
  (void)thread, (void)hold, (void)at, (void)bytes, (void)size;
  return false;
}

bool platform_call(unsigned thread, bool waits, int32_t (*call)(const uint64_t*),
                   const uint64_t* args, int32_t* status) {
  (void)thread, (void)waits;
  *status = call(args);
  return false;
}
