// SPDX-License-Identifier: BSD-3-Clause
// What failures touch: the bits of a register, the fields of a packet, the bytes of a buffer. Its
// text stands behind the name of what was wrong: "rflags[16]", "x3[31:24,0]", "packet.key",
// "buffer[8..15]".
#ifndef VS_CONFORMANCE_TOUCHED_H_
#define VS_CONFORMANCE_TOUCHED_H_

#include "describe.h"
#include "oracle.h"

typedef struct vs_touched {
  uint64_t mask;  // bits of a register; of a packet 1 << vs_packet_field, VS_PACKET_FIELD_COUNT
                  // where there is none
  int from;       // bytes of a buffer, up to the one before `to`
  int to;
} vs_touched;

enum { VS_TOUCHED_TEXT = 256 };

// Nothing, of failures that are of another kind.
vs_touched vs_touched_of(const vs_violation* violation);
void vs_touched_add(vs_touched* all, vs_touched more);
bool vs_touched_is_within(vs_touched part, vs_touched whole);
// The smallest run of whole bytes of a register that holds them: the same with nearly every seed.
vs_touched vs_touched_in_bytes(vs_touched touched);

// Says it as behind `kind`: "[16]", ".key", "[8..15]"; "" of nothing.
void vs_touched_say(vs_text* text, vs_violation_kind kind, vs_touched touched);
// Reads it back. False: it is no such text.
bool vs_touched_read(const char* text, vs_touched* touched);

#endif  // VS_CONFORMANCE_TOUCHED_H_
