// SPDX-License-Identifier: BSD-3-Clause
// Real memory for symbolic placements (layout.def): pages with every sort of neighbour, at
// addresses that nothing else is given. Owns its mappings; one arena serves one pointer at a time.
#ifndef VS_CONFORMANCE_ARENA_H_
#define VS_CONFORMANCE_ARENA_H_

#include <vcpuspec/op.h>

enum { VS_BUFFER_MAX = 2048 };  // bytes; the longest buffer that can be placed

typedef struct vs_arena {
  uint8_t* base;  // of the whole range
  uint8_t* pages;
  uint8_t* readonly;  // read-only between placements
  uint8_t* fenced;
  uint8_t* hole;
  uint8_t* file;
  uint8_t* low;  // NULL where there is none to be had
  bool failed;   // the machine had no memory to lay something out: nothing tells of it
} vs_arena;

// What is laid out for one pointer. `bytes` is the caller's, and stays so.
typedef struct vs_laid {
  uint8_t* address;      // what the call gets
  uint8_t* there;        // the first byte of it that is there
  size_t count;          // bytes that are there; 0: none
  size_t given;          // of them, those that come from `bytes`; the rest is `filler`
  const uint8_t* bytes;  // what lies at `there`
  uint8_t filler;
  bool filled;  // the pages that it touches are there, and hold it
  bool writable;
} vs_laid;

// False: the machine has no memory to map.
bool vs_arena_open(vs_arena* arena);
void vs_arena_close(vs_arena* arena);

// Memory at an address that no other process is likely to have something at. NULL: none.
uint8_t* vs_far_open(size_t size);
void vs_far_close(uint8_t* memory, size_t size);

// Lays out `length` bytes (VS_BUFFER_MAX at most) where the pointer says: the first `given` of them
// from `bytes`, then `filler`, and a pattern beside them as far as their own pages go.
vs_laid vs_arena_place(vs_arena* arena, const vs_arg* pointer, size_t length, const uint8_t* bytes,
                       size_t given, uint8_t filler);

// What a call that is told of the pointer can reach; of nothing that is there: length 0.
vs_region vs_arena_region(const vs_arena* arena, const vs_laid* laid);

// Adds to `seen` each range that is not what was laid out, as the parameter's.
void vs_arena_changes(const vs_laid* laid, uint8_t parameter, vs_observation* seen);

#endif  // VS_CONFORMANCE_ARENA_H_
