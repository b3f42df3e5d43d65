// SPDX-License-Identifier: BSD-3-Clause
#include "arena.h"

#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#ifndef MAP_FIXED_NOREPLACE
#define MAP_FIXED_NOREPLACE 0x100000
#endif

enum { PAGE = 4096, PAGES = 16, FILLER = 0x5a, CANARY = 0xc7, GUARD = 8 };

// Where user code's addresses end; and what has to be set as well for a bit of the top byte to make
// another address: arm64 ignores that byte, and user code does read through such a pointer.
#if defined(__aarch64__)
static const uintptr_t user_end = 0x1000000000000;
static const uintptr_t beside_top_byte = (uintptr_t)1 << 55;
#else
static const uintptr_t user_end = 0x7ffffffff000;
static const uintptr_t beside_top_byte = 0;
#endif

static uint8_t* map_at(uintptr_t wish) {
  int flags = MAP_PRIVATE | MAP_ANONYMOUS | (wish != 0 ? MAP_FIXED_NOREPLACE : 0);
  void* at = mmap((void*)wish, PAGES * PAGE, PROT_NONE, flags, -1, 0);
  if (at == MAP_FAILED) return NULL;
  if (wish == 0 || at == (void*)wish) return at;
  munmap(at, PAGES * PAGE);  // an old kernel, which takes the wish for a hint
  return NULL;
}

// An address range far from where the kernel places mappings of its own accord, so that the holes
// stay holes. ThreadSanitizer leaves the first to programs, and ends a program that tries others.
static uint8_t* reserve(void) {
  static const uintptr_t wishes[] = {0x7e9000000000, 0x200000000000};
  enum { TRIES = 64, STEP = 1 << 24 };
  for (size_t i = 0; i < sizeof wishes / sizeof wishes[0] * TRIES; i++) {
    uint8_t* at = map_at(wishes[i / TRIES] + i % TRIES * STEP);
    if (at != NULL) return at;
  }
  return map_at(0);
}

// A page with an address of 32 bits. NULL is no error: buffers then go where others are.
static uint8_t* reserve_low(void) {
  enum { FIRST = 0x10000000, STEP = 1 << 20, TRIES = 64 };
  int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE;
  for (uintptr_t i = 0; i < TRIES; i++) {
    void* wish = (void*)(FIRST + i * STEP);
    void* at = mmap(wish, PAGE, PROT_READ | PROT_WRITE, flags, -1, 0);
    if (at == wish) return at;
    if (at != MAP_FAILED) munmap(at, PAGE);
  }
  return NULL;
}

static bool map_file(vs_arena* arena) {
  int fd = memfd_create("vcpuspec", MFD_CLOEXEC);
  if (fd < 0) return false;
  bool mapped = ftruncate(fd, PAGE) == 0 && mmap(arena->file, 2 * PAGE, PROT_READ | PROT_WRITE,
                                                 MAP_SHARED | MAP_FIXED, fd, 0) == arena->file;
  close(fd);
  return mapped;
}

bool vs_arena_open(vs_arena* arena) {
  uint8_t* base = reserve();
  if (base == NULL) return false;
  *arena = (vs_arena){.base = base,
                      .pages = base + PAGE,
                      .readonly = base + 5 * PAGE,
                      .fenced = base + 7 * PAGE,
                      .hole = base + 10 * PAGE,
                      .file = base + 12 * PAGE,
                      .own = base + 15 * PAGE};
  bool ready = munmap(base, PAGE) == 0 &&
               mprotect(arena->pages, 2 * PAGE, PROT_READ | PROT_WRITE) == 0 &&
               munmap(arena->pages + 2 * PAGE, PAGE) == 0 &&
               mprotect(arena->readonly, PAGE, PROT_READ) == 0 &&
               mprotect(arena->fenced, PAGE, PROT_READ | PROT_WRITE) == 0 &&
               mprotect(arena->own, PAGE, PROT_READ | PROT_WRITE) == 0 &&
               munmap(arena->hole, PAGE) == 0 && map_file(arena);
  if (!ready) vs_arena_close(arena);
  if (ready) arena->low = reserve_low();
  return ready;
}

void vs_arena_close(vs_arena* arena) {
  if (arena->low != NULL) munmap(arena->low, PAGE);
  arena->low = NULL;
  if (arena->base != NULL) munmap(arena->base, PAGES * PAGE);
  arena->base = NULL;
}

// What is the caller's beside the buffer, as far as it lies on the buffer's own pages.
static size_t guard_before(const uint8_t* at) {
  size_t before = (uintptr_t)at % PAGE;
  return before < GUARD ? before : GUARD;
}
static size_t guard_after(const uint8_t* end) {
  size_t after = (PAGE - (uintptr_t)end % PAGE) % PAGE;
  return after < GUARD ? after : GUARD;
}

static void fill(uint8_t* at, const vs_buffer* buffer, size_t count) {
  size_t given = count < VS_STATE_MAX ? count : VS_STATE_MAX;
  memcpy(at, buffer->bytes, given);
  memset(at + given, FILLER, count - given);
  memset(at - guard_before(at), CANARY, guard_before(at));
  memset(at + count, CANARY, guard_after(at + count));
}

static bool is_all(const uint8_t* at, size_t count, uint8_t value) {
  for (size_t i = 0; i < count; i++) {
    if (at[i] != value) return false;
  }
  return true;
}

bool vs_arena_unchanged(const vs_buffer* buffer, const void* address) {
  const uint8_t* at = address;
  size_t length = buffer->length < VS_BUFFER_MAX ? buffer->length : VS_BUFFER_MAX;
  size_t given = length < VS_STATE_MAX ? length : VS_STATE_MAX;
  static const uint8_t readable[VS_PLACEMENT_COUNT] = {
#define VS_PLACEMENT(code, name, can_be_read, text) [VS_AT_##code] = can_be_read,
#include <vcpuspec/placements.def>
#undef VS_PLACEMENT
  };
  if (!readable[buffer->at]) return true;
  if (memcmp(at, buffer->bytes, given) != 0) return false;
  return is_all(at + given, length - given, FILLER) &&
         is_all(at - guard_before(at), guard_before(at), CANARY) &&
         is_all(at + length, guard_after(at + length), CANARY);
}

static void* fill_readonly(vs_arena* arena, const vs_buffer* buffer, size_t length) {
  mprotect(arena->readonly, PAGE, PROT_READ | PROT_WRITE);
  fill(arena->readonly, buffer, length);
  mprotect(arena->readonly, PAGE, PROT_READ);
  return arena->readonly;
}

// The buffer ends `beyond` bytes past `end`, where the accessible part stops.
static void* fill_up_to(uint8_t* end, const vs_buffer* buffer, size_t length, size_t beyond) {
  size_t inside = length - beyond;
  fill(end - inside, buffer, inside);
  return end - inside;
}

static void* kernel_address(unsigned which) {
  static const uintptr_t addresses[] = {0xffff800000001000, 0xffffffff81000000, 0xffffc90000000000,
                                        0xfffffffffffff000};
  return (void*)addresses[which % (sizeof addresses / sizeof addresses[0])];
}

// A lower bit would make another address of the user half.
static size_t noncanonical_bit(size_t n) {
  enum { LOWEST = 47, BITS = 64 };
  return n % BITS < LOWEST ? LOWEST + n % (BITS - LOWEST) : n % BITS;
}

static uintptr_t noncanonical_address(uintptr_t address, size_t n) {
  enum { TOP_BYTE = 56 };
  const size_t bit = noncanonical_bit(n);
  return address ^ ((uintptr_t)1 << bit) ^ (bit >= TOP_BYTE ? beside_top_byte : 0);
}

void* vs_arena_place(vs_arena* arena, const vs_buffer* buffer) {
  size_t length = buffer->length < VS_BUFFER_MAX ? buffer->length : VS_BUFFER_MAX;
  size_t n = buffer->argument;
  size_t part = n < length ? n : length;
  uint8_t* edge = arena->pages + 2 * PAGE;
  switch ((vs_placement)buffer->at) {
    case VS_AT_MISALIGNED:
      fill(arena->pages + n % PAGE, buffer, length);
      return arena->pages + n % PAGE;
    case VS_AT_CROSSING:
      fill(arena->pages + PAGE - part, buffer, length);
      return arena->pages + PAGE - part;
    case VS_AT_EDGE:
      return fill_up_to(edge, buffer, length, 0);
    case VS_AT_READONLY:
      return fill_readonly(arena, buffer, length);
    case VS_AT_LOW:
      fill(arena->low ? arena->low : arena->pages, buffer, length);
      return arena->low ? arena->low : arena->pages;
    case VS_AT_NULL:
      return NULL;
    case VS_AT_ONE:
      return (void*)(uintptr_t)1;
    case VS_AT_UNMAPPED:
      return arena->hole;
    case VS_AT_PROT_NONE:
      return arena->fenced + PAGE;
    case VS_AT_BEYOND_EOF:
      return arena->file + PAGE;
    case VS_AT_STRADDLE:
      return fill_up_to(edge, buffer, length, part);
    case VS_AT_STRADDLE_HEAD:
      fill(arena->pages, buffer, length - part);
      return arena->pages - part;
    case VS_AT_STRADDLE_NONE:
      return fill_up_to(arena->fenced + PAGE, buffer, length, part);
    case VS_AT_USER_END:
      return (void*)(user_end - (length - part));
    case VS_AT_KERNEL:
      return kernel_address(buffer->argument);
    case VS_AT_NONCANONICAL:
      fill(arena->pages, buffer, length);
      return (void*)noncanonical_address((uintptr_t)arena->pages, n);
    case VS_AT_WRAPPING:
      return (void*)(0 - (uintptr_t)part);
    default:
      fill(arena->pages, buffer, length);
      return arena->pages;
  }
}

size_t vs_arena_region(const vs_arena* arena, const vs_buffer* buffer, const void* address,
                       vs_region* region) {
  const struct {
    uint8_t* at;
    size_t size;
  } blocks[] = {{arena->pages, 2 * PAGE},
                {arena->readonly, PAGE},
                {arena->fenced, PAGE},
                {arena->file, PAGE},
                {arena->low, PAGE}};
  size_t length = buffer->length < VS_BUFFER_MAX ? buffer->length : VS_BUFFER_MAX;
  uintptr_t from = (uintptr_t)address;
  for (size_t i = 0; i < sizeof blocks / sizeof blocks[0]; i++) {
    uintptr_t start = (uintptr_t)blocks[i].at;
    uintptr_t end = start + blocks[i].size;
    if (start == 0 || from + length <= start || from >= end || from + length < from) continue;
    uintptr_t low = from < start ? start : from;
    uintptr_t high = from + length < end ? from + length : end;
    low -= guard_before((const uint8_t*)low);
    high += guard_after((const uint8_t*)high);
    *region = (vs_region){.address = (void*)low,
                          .length = high - low,
                          .writable = start != (uintptr_t)arena->readonly};
    return 1;
  }
  return 0;
}
