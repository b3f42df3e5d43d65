// SPDX-License-Identifier: BSD-3-Clause
// What a shim has of the caller's memory: a copy of each page that is mapped there, so that only
// what differs is sent, and where it lies. Knows nothing of lines: what is to be said is handed on.
#ifndef VS_BACKENDS_REMOTE_MEMORY_H_
#define VS_BACKENDS_REMOTE_MEMORY_H_

#include <vcpuspec/op.h>

enum { VS_SHADOW_PAGE = 4096, VS_SHADOW_BUCKETS = 256, VS_SHADOW_SPANS = 64 };

typedef struct vs_shadow_page {
  struct vs_shadow_page* next;  // of the same bucket
  uint64_t address;             // the caller's
  uint64_t there;               // the shim's
  bool read_only;
  size_t from;  // what is before, and from `to` on, is zeros
  size_t to;
  uint8_t bytes[VS_SHADOW_PAGE];
} vs_shadow_page;

// Pages of the caller's, one after another, that lie so in the shim's arena too, with a page that
// is not there before and after.
typedef struct vs_shadow_span {
  uint64_t address;
  uint64_t there;
  uint64_t size;  // bytes; 0: no span
} vs_shadow_span;

typedef struct vs_shadow {
  vs_shadow_page* buckets[VS_SHADOW_BUCKETS];
  vs_shadow_span spans[VS_SHADOW_SPANS];
  uint64_t arena;  // the shim's addresses; pages
  uint64_t arena_size;
  // What is to be said, with the shim's addresses.
  void (*map)(uint64_t there, const uint8_t* bytes, size_t count, bool read_only);
  void (*unmap)(uint64_t there);
  // True if a call that has not returned can reach some of these bytes of the caller's.
  bool (*is_in_use)(uint64_t address, uint64_t size);
} vs_shadow;

// Says what the next call of a thread needs, and keeps it. False: the arena has no room, or this
// process no memory.
bool vs_shadow_tell(vs_shadow* shadow, const vs_region* regions, size_t count);

// The shim's address for a pointer of a call that was told these regions.
uint64_t vs_shadow_pointer(const vs_shadow* shadow, const vs_region* regions, size_t count,
                           uint64_t pointer);

// The bytes at the shim's address `there`, within one page, are these, after a call that was told
// these regions: writes them to the caller's memory. NULL, or why that cannot be.
const char* vs_shadow_take(vs_shadow* shadow, const vs_region* regions, size_t count,
                           uint64_t there, const uint8_t* bytes, size_t size);

// The bytes before the caller's `address`, within one page, are these, by what the shim did itself.
void vs_shadow_rewrite(vs_shadow* shadow, uint64_t address, const uint8_t* bytes, size_t size);

// Nothing is mapped there any more.
void vs_shadow_clear(vs_shadow* shadow);

#endif  // VS_BACKENDS_REMOTE_MEMORY_H_
