// SPDX-License-Identifier: BSD-3-Clause
// Real buffers for symbolic placements: pages with every sort of neighbour, at addresses that
// nothing else is given. Owns its mappings; one arena serves one buffer at a time.
#ifndef VS_CONFORMANCE_ARENA_H_
#define VS_CONFORMANCE_ARENA_H_

#include <vcpuspec/op.h>

enum { VS_BUFFER_MAX = 2048 };  // bytes; the longest buffer that can be placed

typedef struct vs_arena {
  uint8_t* base;      // of the whole range
  uint8_t* pages;     // two accessible pages; what follows is not mapped
  uint8_t* readonly;  // one page, read-only between placements
  uint8_t* fenced;    // one accessible page; a page without access follows
  uint8_t* hole;      // not mapped
  uint8_t* file;      // one page of a file; the mapping goes on past its end
  uint8_t* own;       // one page, for what is no buffer: handles, packets
  uint8_t* low;       // one page below 4 GiB, or NULL where there is none to be had
} vs_arena;

// False: the machine has no memory to map.
bool vs_arena_open(vs_arena* arena);
void vs_arena_close(vs_arena* arena);

// Lays the buffer out and returns the address to hand to the call. What can hold bytes holds
// buffer->bytes, filled up with a pattern to buffer->length.
void* vs_arena_place(vs_arena* arena, const vs_buffer* buffer);

// True if what lies at `address`, where the buffer was placed, is still what was laid out, and the
// few bytes before and after it too. A placement that cannot be read is never changed.
bool vs_arena_unchanged(const vs_buffer* buffer, const void* address);

// What can be accessed of the buffer that was placed at `address`, with the bytes beside it that
// are compared too. Returns 0 or 1.
size_t vs_arena_region(const vs_arena* arena, const vs_buffer* buffer, const void* address,
                       vs_region* region);

#endif  // VS_CONFORMANCE_ARENA_H_
