// SPDX-License-Identifier: BSD-3-Clause
// A platform of a few functions that put and take a byte: no threads, and memory that is an array.
// Calls are made one after the other, so this is for an implementation whose calls do not block. It
// looks at vcpuspec_caller where it asks for the calling thread, and at vcpuspec_may_access where a
// processor would refuse an access. It has to define vcpuspec_reset.
#include "platform.h"

#include <stdio.h>
#include <stdlib.h>

enum { ARENA = 1 << 20 };

static _Alignas(PAGE) uint8_t arena[ARENA];
static uint8_t access[ARENA / PAGE];  // 0: no page, 1: to read, 2: also to write
static unsigned callers[THREADS];
static unsigned last_caller;

unsigned vcpuspec_caller;  // which thread calls: never the number of another one, not even later
bool vcpuspec_may_access(const void* address, size_t size, bool write);

bool platform_sums;
bool platform_is_arm64;
const char* platform_words;

// --- channel ----------------------------------------------------------------------------------

// Standard C here; of a kernel these are its serial line.
bool platform_open(int argc, char** argv) {
  static char words[64];
  (void)argv;
  snprintf(words, sizeof words, " arena=0x%llx:0x%x", (unsigned long long)(uintptr_t)arena, ARENA);
  platform_words = words;
  return argc == 1;
}

// More than one byte would wait for what is not yet sent.
size_t platform_read(char* bytes, size_t size) {
  (void)size;
  int c = getchar();
  *bytes = (char)c;
  return c != EOF;
}

void platform_write(const char* bytes, size_t size) {
  fwrite(bytes, 1, size, stdout);
  fflush(stdout);
}

void platform_restart(const char* line, const char* rest, size_t size) {
  (void)line, (void)rest, (void)size;
  fputs("shim: it cannot forget: define vcpuspec_reset\n", stderr);
  exit(3);
}

// --- memory -----------------------------------------------------------------------------------

static bool is_here(uint64_t address) {
  return address - (uintptr_t)arena < ARENA;
}

static uint8_t* access_to(uint64_t page) {
  return &access[(page - (uintptr_t)arena) / PAGE];
}

bool platform_map(uint64_t page) {
  if (!is_here(page)) return false;
  for (size_t i = 0; i < PAGE; i++) ((uint8_t*)(uintptr_t)page)[i] = 0;
  *access_to(page) = 2;
  return true;
}

void platform_unmap(uint64_t page) {
  *access_to(page) = 0;
}

void platform_protect(uint64_t page, bool writable) {
  *access_to(page) = writable ? 2 : 1;
}

bool vcpuspec_may_access(const void* address, size_t size, bool write) {
  for (uint64_t at = (uintptr_t)address; size > 0; at++, size--) {
    if (!is_here(at) || *access_to(at) < (write ? 2 : 1)) return false;
  }
  return true;
}

// --- threads ----------------------------------------------------------------------------------

bool platform_run(unsigned thread, void (*work)(unsigned thread)) {
  if (callers[thread] == 0) callers[thread] = ++last_caller;
  vcpuspec_caller = callers[thread];
  work(thread);
  return true;
}

void platform_wait(unsigned thread) {
  (void)thread;
}

void platform_end(unsigned thread) {
  callers[thread] = 0;
}

// --- memory that changes: it does not ---------------------------------------------------------

bool platform_change(change* c, bool hold, uint64_t at, const uint8_t* bytes, size_t size) {
  (void)c, (void)hold, (void)at, (void)bytes, (void)size;
  return false;
}

int32_t platform_call(change* c, bool* held, int32_t (*call)(const uint64_t*),
                      const uint64_t* args) {
  (void)c;
  *held = false;
  return call(args);
}
