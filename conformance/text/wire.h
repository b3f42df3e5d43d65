// SPDX-License-Identifier: BSD-3-Clause
// The part of the text form that goes over a shim's channel (docs/shim.md): an op as the words of a
// request, and the words of a reply as an observation.
#ifndef VS_CONFORMANCE_WIRE_H_
#define VS_CONFORMANCE_WIRE_H_

#include "fault.h"
#include "tables.h"

enum { VS_WIRE_LINE = 8191 };  // bytes of a line at most, with its newline

// The op as words, without number and newline. Returns their length; `words` is terminated.
size_t vs_wire_print(char words[VS_WIRE_LINE], const vs_op* op);

typedef enum vs_wire_reply {
  VS_WIRE_RESULT,  // `seen` holds it
  VS_WIRE_ERROR,   // the shim did not understand: `fault` holds what it says
  VS_WIRE_FAULT    // it is no reply to the op: `fault` says why
} vs_wire_reply;

// Understands what follows the number of a reply: "= ZX_OK handle=0x1003". `op` is the op that is
// answered; of a JOIN, the one that was started, with `async` cleared.
vs_wire_reply vs_wire_read(const char* words, size_t length, const vs_op* op,
                           const vs_arch_info* info, vs_observation* seen, vs_fault* fault);

// FNV-1a of `length` bytes: what `sum=` holds.
uint32_t vs_wire_sum(const char* bytes, size_t length);

#endif  // VS_CONFORMANCE_WIRE_H_
