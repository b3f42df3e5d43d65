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

const char* platform_line(bool* good) {
  static char line[LINE + 1];
  size_t length = 0;
  int c;
  *good = true;
  fflush(stdout);
  while ((c = getchar()) != '\n') {
    if (c == EOF) return NULL;
    *good &= length < LINE && c != '\0';
    if (length < LINE) line[length++] = (char)c;
  }
  if (length > 0 && line[length - 1] == '\r') length--;
  line[length] = '\0';
  return line;
}

void platform_write(const char* line, size_t length) {
  fwrite(line, 1, length, stdout);
  putchar('\n');
}

void platform_greet(const char* line, size_t length) {
  platform_write(line, length);
}

void platform_restart(const char* line) {
  (void)line;
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

bool platform_pass(unsigned thread, const char* line, bool is_call) {
  (void)is_call;
  if (callers[thread] == 0) callers[thread] = ++last_caller;
  vcpuspec_caller = callers[thread];
  shim_obey(thread, line);
  return true;
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
