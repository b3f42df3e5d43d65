// SPDX-License-Identifier: BSD-3-Clause
// Where a buffer lies, as far as a check can tell: what the placements of
// include/vcpuspec/placements.def promise, as numbers.
#ifndef VS_MODEL_PLACE_H_
#define VS_MODEL_PLACE_H_

#include "tables.h"

enum {
  VS_STATE_ALIGN = 8,  // bytes; what the registers' structure is aligned to
  VS_PLACE_PAGE = 4096,
  VS_PLACE_LENGTH_MAX = 2048  // bytes; a longer buffer is cut
};

typedef struct vs_place {
  bool null;          // the null pointer
  bool user;          // in the user half: else no copy is tried, not even of no bytes
  uint16_t address;   // modulo VS_PLACE_PAGE
  uint64_t readable;  // bytes from there on that can be read
} vs_place;

// Of an in- or out-buffer's pointer.
vs_place vs_place_of(const vs_arg* pointer);

// True if all that the out-parameter receives can be written where its pointer points.
bool vs_place_is_writable(const vs_op* op, uint8_t parameter);

#endif  // VS_MODEL_PLACE_H_
