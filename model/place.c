// SPDX-License-Identifier: BSD-3-Clause
#include "place.h"

// `before` bytes before a page's boundary, the first `readable` of them readable.
static vs_place before_boundary(uint64_t before, uint64_t readable) {
  uint16_t address = (uint16_t)((0 - before) % VS_PLACE_PAGE);
  return (vs_place){.user = true, .address = address, .readable = readable};
}

// `after` bytes after a page's boundary.
static vs_place after_boundary(uint64_t after, uint64_t readable) {
  uint16_t address = (uint16_t)(after % VS_PLACE_PAGE);
  return (vs_place){.user = true, .address = address, .readable = readable};
}

static vs_place nowhere(uint16_t address) {
  return (vs_place){.address = address};
}

vs_place vs_place_of(const vs_arg* pointer) {
  const uint64_t two = UINT64_C(2) * VS_PLACE_PAGE;
  uint64_t length = pointer->length < VS_PLACE_LENGTH_MAX ? pointer->length : VS_PLACE_LENGTH_MAX;
  uint64_t n = pointer->argument;
  uint64_t part = n < length ? n : length;
  switch ((vs_placement)pointer->at) {
    case VS_AT_MISALIGNED:
      return after_boundary(n, two - n % VS_PLACE_PAGE);
    case VS_AT_CROSSING:
      return before_boundary(part, part + VS_PLACE_PAGE);
    case VS_AT_EDGE:
      return before_boundary(length, length);
    case VS_AT_READONLY:
    case VS_AT_LOW:
      return after_boundary(0, VS_PLACE_PAGE);
    case VS_AT_NULL:
      return (vs_place){.null = true, .user = true};
    case VS_AT_ONE:
      return after_boundary(1, 0);
    case VS_AT_UNMAPPED:
    case VS_AT_PROT_NONE:
    case VS_AT_BEYOND_EOF:
      return after_boundary(0, 0);
    case VS_AT_STRADDLE:
    case VS_AT_STRADDLE_NONE:
      return before_boundary(length - part, length - part);
    case VS_AT_STRADDLE_HEAD:
      return before_boundary(part, part == 0 ? two : 0);
    case VS_AT_USER_END:
      return before_boundary(length - part, 0);
    case VS_AT_KERNEL:
    case VS_AT_NONCANONICAL:
      return nowhere(0);
    case VS_AT_WRAPPING:
      if (part == 0) return (vs_place){.null = true, .user = true};
      return nowhere((uint16_t)((0 - part) % VS_PLACE_PAGE));
    default:
      return after_boundary(0, two);
  }
}

// Bytes that an out-parameter receives, of a buffer as many as the call is told.
static uint64_t width_of(const vs_op* op, uint8_t parameter) {
  switch (vs_ops[op->code].params[parameter].type) {
    case VS_PARAM_OUT_HANDLE:
      return sizeof(zx_handle_t);
    case VS_PARAM_OUT_PACKET:
      return sizeof(zx_port_packet_t);
    case VS_PARAM_OUT_U64:
      return sizeof(uint64_t);
    default:
      return op->args[vs_param_find(op->code, VS_PARAM_SIZE, 0)].number;
  }
}

bool vs_place_is_writable(const vs_op* op, uint8_t parameter) {
  vs_arg pointer = op->args[parameter];
  uint64_t width = width_of(op, parameter);
  bool buffer = vs_ops[op->code].params[parameter].type == VS_PARAM_OUT;
  if (!buffer) pointer.length = (uint16_t)width;
  vs_place place = vs_place_of(&pointer);
  return place.user && pointer.at != VS_AT_READONLY && place.readable >= width;
}
