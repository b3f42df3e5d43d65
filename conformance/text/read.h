// SPDX-License-Identifier: BSD-3-Clause
// What the parts of the parser share. Internal to text/.
#ifndef VS_CONFORMANCE_READ_H_
#define VS_CONFORMANCE_READ_H_

#include "lines.h"
#include "number.h"
#include "tables.h"

// A line that is being understood, word by word.
typedef struct vs_parse {
  vs_line* line;
  size_t next;  // index of the next word
  vs_scope scope;
  vs_fault* fault;
} vs_parse;

// The next word without taking it; "" past the last.
const char* vs_peek(const vs_parse* p);
// Takes the next word if it is `word`.
bool vs_accept(vs_parse* p, const char* word);
// True at the end of the line; else a fault.
bool vs_finished(vs_parse* p, const char* or_else);
// Complains about the next word.
bool vs_wants(vs_parse* p, const char* what, const char* const* names, size_t count);
// Complains about the next word, `offset` bytes into it.
bool vs_wants_within(vs_parse* p, size_t offset, const char* what);

// The number that `text`, within the next word, is; at most `most`.
bool vs_read_number(vs_parse* p, const char* text, uint64_t most, uint64_t* value);
// Hexadecimal digits within the next word, two a byte; `room` bytes at most.
bool vs_read_bytes(vs_parse* p, const char* text, uint8_t* bytes, size_t room, size_t* count);
// The index of a register called `name` (`length` bytes), or register_count.
size_t vs_register_named(const vs_arch_info* info, const char* name, size_t length);
void vs_put_register(uint8_t* state, const vs_arch_info* info, size_t index, uint64_t value);

// An op: what follows "T0:" on a line.
bool vs_read_op(vs_parse* p, vs_op* op);
// What was observed of an op: what follows "=" on a line.
bool vs_read_result(vs_parse* p, const vs_op* op, vs_observation* seen);

#endif  // VS_CONFORMANCE_READ_H_
