// SPDX-License-Identifier: BSD-3-Clause
// A platform of standard C alone: one thread, buffers wherever C puts them, standard input and
// output. What to begin with where there is neither mmap nor a thread.
#include "platform.h"

#include <stdio.h>
#include <string.h>

const char* const platform_greeting =
    "places plain misaligned null one kernel noncanonical wrapping\n";

enum { PAGE = 4096 };

static _Alignas(PAGE) uint8_t memory[PAGE + BUFFER_MOST + PATTERN_BYTES];

static bool lay(uint8_t* at, const buffer* what, laid* out) {
  size_t before = at == memory ? 0 : PATTERN_BYTES;
  memset(at - before, PATTERN, before);
  memcpy(at, what->data, what->length);
  memset(at + what->length, PATTERN, PATTERN_BYTES);
  *out = (laid){at, at, before, PATTERN_BYTES};
  return true;
}

static bool is_at(uintptr_t address, laid* out) {
  *out = (laid){.address = (void*)address};
  return true;
}

bool platform_place(unsigned thread, const buffer* what, laid* out) {
  static const uint64_t kernel[] = {UINT64_C(0xffff800000001000), UINT64_C(0xffffffff81000000),
                                    UINT64_C(0xffffc90000000000), UINT64_C(0xfffffffffffff000)};
  const char* name = what->place;
  size_t n = (size_t)(what->argument % PAGE);
  (void)thread;
  if (strcmp(name, "plain") == 0) return lay(memory, what, out);
  if (strcmp(name, "misaligned") == 0) {
    return lay(memory + (n > 0 && n < PATTERN_BYTES ? n + 64 : n), what, out);
  }
  if (strcmp(name, "null") == 0) return is_at(0, out);
  if (strcmp(name, "one") == 0) return is_at(1, out);
  if (strcmp(name, "kernel") == 0) return is_at((uintptr_t)kernel[what->argument % 4], out);
  if (strcmp(name, "noncanonical") == 0) {
    return is_at((uintptr_t)memory ^ (uintptr_t)(UINT64_C(1) << what->argument % 64), out);
  }
  if (strcmp(name, "wrapping") != 0) return false;
  return is_at((uintptr_t)0 - (n < what->length ? n : what->length), out);
}

bool platform_run(unsigned thread, void (*work)(void*), void* argument) {
  if (thread != 0) return false;
  work(argument);
  return true;
}

bool platform_start(unsigned thread, bool meets, void (*work)(void*), void* argument) {
  (void)thread, (void)meets, (void)work, (void)argument;
  return false;
}

void platform_join(unsigned thread) {
  (void)thread;
}

void platform_go(void) {}

void platform_end_thread(unsigned thread) {
  (void)thread;
}

bool platform_flip(uint8_t* at, const uint8_t* one, const uint8_t* other, size_t length,
                   void (*work)(void*), void* argument) {
  (void)at, (void)one, (void)other, (void)length, (void)work, (void)argument;
  return false;
}

void platform_pause(void) {}

bool platform_open(int argc, char** argv) {
  (void)argv;
  setvbuf(stdout, NULL, _IOFBF, BUFSIZ);
  return argc == 1;
}

// Byte by byte up to a line's end: more would wait for what is not yet asked.
size_t platform_read(char* bytes, size_t size) {
  size_t count = 0;
  while (count < size) {
    int c = getchar();
    if (c == EOF) break;
    bytes[count++] = (char)c;
    if (c == '\n') break;
  }
  return count;
}

bool platform_write(const char* bytes, size_t size) {
  return fwrite(bytes, 1, size, stdout) == size && fflush(stdout) == 0;
}

bool platform_next(void) {
  return false;
}
