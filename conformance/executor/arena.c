// SPDX-License-Identifier: BSD-3-Clause
#include "arena.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "tables.h"

#ifndef MAP_FIXED_NOREPLACE
#define MAP_FIXED_NOREPLACE 0x100000
#endif

enum { PAGE = 4096, PAGES = 16, CANARY = 0xc7, TOLD = 8 };

// Where user code's addresses end; and what has to be set as well for a bit of the top byte to make
// another address: arm64 ignores that byte, and user code does read through such a pointer.
#if defined(__aarch64__)
#define USER_END UINT64_C(0x1000000000000)
static const uintptr_t beside_top_byte = (uintptr_t)1 << 55;
#else
#define USER_END UINT64_C(0x7ffffffff000)
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

// A page with an address of 32 bits. NULL is no error where all are taken: buffers then go where
// others are.
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

uint8_t* vs_far_open(size_t size) {
  enum { TRIES = 64, STEP = 1 << 24 };
  const uintptr_t first = 0x7e9800000000;
  for (uintptr_t i = 0; i < TRIES; i++) {
    void* wish = (void*)(first + i * STEP);
    int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE;
    void* at = mmap(wish, size, PROT_READ | PROT_WRITE, flags, -1, 0);
    if (at == wish) return at;
    if (at != MAP_FAILED) munmap(at, size);
  }
  return NULL;
}

void vs_far_close(uint8_t* memory, size_t size) {
  if (memory != NULL) munmap(memory, size);
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
                      .file = base + 12 * PAGE};
  bool ready = munmap(base, PAGE) == 0 &&
               mprotect(arena->pages, 2 * PAGE, PROT_READ | PROT_WRITE) == 0 &&
               munmap(arena->pages + 2 * PAGE, PAGE) == 0 &&
               mprotect(arena->readonly, PAGE, PROT_READ) == 0 &&
               mprotect(arena->fenced, PAGE, PROT_READ | PROT_WRITE) == 0 &&
               munmap(arena->hole, PAGE) == 0 && map_file(arena);
  errno = 0;
  if (ready) arena->low = reserve_low();
  if (ready && (arena->low != NULL || errno != ENOMEM)) return true;
  vs_arena_close(arena);
  return false;
}

void vs_arena_close(vs_arena* arena) {
  if (arena->low != NULL) munmap(arena->low, PAGE);
  arena->low = NULL;
  if (arena->base != NULL) munmap(arena->base, PAGES * PAGE);
  arena->base = NULL;
}

// --- one pointer --------------------------------------------------------------------------------

// What is the caller's beside the buffer: all else on the buffer's own pages.
static size_t guard_before(const uint8_t* at) {
  return (uintptr_t)at % PAGE;
}
static size_t guard_after(const uint8_t* end) {
  return (PAGE - (uintptr_t)end % PAGE) % PAGE;
}

// As much of that as another process is told of. Of the rest it sees zeros, and says what it
// writes.
static size_t told(size_t guard) {
  return guard < TOLD ? guard : TOLD;
}

static uint64_t kernel_address(uint64_t which) {
  static const uint64_t addresses[] = {0xffff800000001000, 0xffffffff81000000, 0xffffc90000000000,
                                       0xfffffffffffff000};
  return addresses[which % (sizeof addresses / sizeof addresses[0])];
}

// A lower bit would make another address of the user half. No address of an arena has the bit.
static uint64_t noncanonical_bits(uint64_t n) {
  enum { LOWEST = 47, BITS = 64, TOP_BYTE = 56 };
  uint64_t bit = n % BITS < LOWEST ? LOWEST + n % (BITS - LOWEST) : n % BITS;
  return UINT64_C(1) << bit | (bit >= TOP_BYTE ? beside_top_byte : 0);
}

static uint8_t* zone(const vs_arena* arena, vs_placement at) {
  uint8_t* const nothing = NULL;
  switch (at) {
#define VS_LAYOUT(code, where, offset, head, tail) \
  case VS_AT_##code:                               \
    return VS_ZONE_##where;
#define VS_ZONE_pages arena->pages
#define VS_ZONE_readonly arena->readonly
#define VS_ZONE_fenced arena->fenced
#define VS_ZONE_hole arena->hole
#define VS_ZONE_file arena->file
#define VS_ZONE_low (arena->low != NULL ? arena->low : arena->pages)
#define VS_ZONE_nothing nothing
#include "layout.def"
    default:
      return arena->pages;
  }
}

// Where a placement of `length` bytes lies in its zone, and how much of it is there.
typedef struct extent {
  uint64_t offset;
  uint64_t head;
  uint64_t tail;
} extent;

static extent extent_of(vs_placement at, uint64_t n, uint64_t length) {
  uint64_t part = n < length ? n : length;
  switch (at) {
#define VS_LAYOUT(code, where, offset, head, tail) \
  case VS_AT_##code:                               \
    return (extent){offset, head, tail};
#include "layout.def"
    default:
      return (extent){0};
  }
}

static void fill(const vs_laid* l) {
  uint8_t* end = l->there + l->count;
  if (l->given > 0) memcpy(l->there, l->bytes, l->given);
  memset(l->there + l->given, l->filler, l->count - l->given);
  memset(l->there - guard_before(l->there), CANARY, guard_before(l->there));
  memset(end, CANARY, guard_after(end));
}

// What a wrong implementation would find that drops the bit.
static void fill_canonical(const vs_arena* arena, size_t length, const uint8_t* bytes, size_t given,
                           uint8_t filler) {
  fill(&(vs_laid){
      .there = arena->pages, .count = length, .given = given, .bytes = bytes, .filler = filler});
}

// True of a placement of which some byte can be there, if its length is not 0.
static bool is_mapped(vs_placement at) {
  return vs_placements[at].readable || at == VS_AT_STRADDLE || at == VS_AT_STRADDLE_HEAD ||
         at == VS_AT_STRADDLE_NONE;
}

vs_laid vs_arena_place(vs_arena* arena, const vs_arg* pointer, size_t length, const uint8_t* bytes,
                       size_t given, uint8_t filler) {
  if (length > VS_BUFFER_MAX) length = VS_BUFFER_MAX;
  if (given > length) given = length;
  vs_placement at = pointer->at;
  extent e = extent_of(at, pointer->argument, length);
  vs_laid l = {.address = (uint8_t*)((uintptr_t)zone(arena, at) + e.offset),
               .count = length - e.head - e.tail,
               .bytes = bytes + e.head,
               .filler = filler,
               .writable = at != VS_AT_READONLY};
  l.there = (uint8_t*)((uintptr_t)l.address + e.head);
  l.given = given > e.head ? given - e.head : 0;
  if (l.given > l.count) l.given = l.count;
  if (at == VS_AT_NONCANONICAL) fill_canonical(arena, length, bytes, given, filler);
  l.filled = is_mapped(at);
  if (!l.filled) return l;
  const bool opened = l.writable || mprotect(arena->readonly, PAGE, PROT_READ | PROT_WRITE) == 0;
  if (opened) fill(&l);
  arena->failed |= !opened || (!l.writable && mprotect(arena->readonly, PAGE, PROT_READ) != 0);
  return l;
}

vs_region vs_arena_region(const vs_arena* arena, const vs_laid* laid) {
  if (!laid->filled || laid->count == 0) return (vs_region){0};
  uint8_t* from = laid->there - told(guard_before(laid->there));
  uint8_t* end = laid->there + laid->count;
  bool first = from >= arena->pages && from < arena->pages + PAGE;
  return (vs_region){.address = from,
                     .length = (size_t)(end + told(guard_after(end)) - from),
                     .pages = first ? 2 : 1,
                     .writable = laid->writable};
}

// --- what became of it --------------------------------------------------------------------------

static void add_change(vs_observation* seen, uint8_t parameter, ptrdiff_t from, ptrdiff_t to) {
  vs_change* last = seen->change_count > 0 ? &seen->changes[seen->change_count - 1] : NULL;
  bool goes_on = last != NULL && last->parameter == parameter && last->to == from;
  if (goes_on || seen->change_count == VS_CHANGES_MAX) {
    last->to = (int16_t)to;
    return;
  }
  seen->changes[seen->change_count++] = (vs_change){parameter, (int16_t)from, (int16_t)to};
}

static bool is_same(const vs_laid* l, ptrdiff_t i, const uint8_t* expected, uint8_t value) {
  return l->there[i] == (expected != NULL ? expected[i] : value);
}

// Most often nothing has changed, and there is much of it.
static bool is_filled(const uint8_t* at, size_t size, uint8_t value) {
  return size == 0 || (at[0] == value && memcmp(at, at + 1, size - 1) == 0);
}

// Adds where the bytes [from, to), counted from `there`, differ from `expected` or, without it,
// from `value`.
static void compare(const vs_laid* l, ptrdiff_t from, ptrdiff_t to, const uint8_t* expected,
                    uint8_t value, uint8_t parameter, vs_observation* seen) {
  ptrdiff_t lead = l->there - l->address;
  if (expected != NULL && memcmp(l->there, expected, (size_t)to) == 0) return;
  if (expected == NULL && is_filled(l->there + from, (size_t)(to - from), value)) return;
  for (ptrdiff_t i = from; i < to;) {
    while (i < to && is_same(l, i, expected, value)) i++;
    ptrdiff_t first = i;
    while (i < to && !is_same(l, i, expected, value)) i++;
    if (i > first) add_change(seen, parameter, lead + first, lead + i);
  }
}

void vs_arena_changes(const vs_laid* laid, uint8_t parameter, vs_observation* seen) {
  ptrdiff_t given = (ptrdiff_t)laid->given;
  ptrdiff_t count = (ptrdiff_t)laid->count;
  if (!laid->filled) return;
  ptrdiff_t before = (ptrdiff_t)guard_before(laid->there);
  ptrdiff_t after = (ptrdiff_t)guard_after(laid->there + count);
  compare(laid, -before, 0, NULL, CANARY, parameter, seen);
  compare(laid, 0, given, laid->bytes, 0, parameter, seen);
  compare(laid, given, count, NULL, laid->filler, parameter, seen);
  compare(laid, count, count + after, NULL, CANARY, parameter, seen);
}
