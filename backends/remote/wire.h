// SPDX-License-Identifier: BSD-3-Clause
// Lines of the shim protocol (docs/shim.md), without a connection: what is written, and what is
// made of any bytes that come.
#ifndef VS_BACKENDS_REMOTE_WIRE_H_
#define VS_BACKENDS_REMOTE_WIRE_H_

#include <vcpuspec/backend.h>

enum {
  VS_WIRE_VERSION = 2,
  VS_WIRE_LINE = 16384,  // bytes of a line at most, with its newline
  VS_WIRE_NAME = 64,     // bytes of an implementation's name, with a zero
  VS_WIRE_SUM = 13       // bytes of " sum=01234567"
};

// FNV-1a of `length` bytes: what `sum=` holds.
uint32_t vs_wire_sum(const char* bytes, size_t length);

// --- what comes -------------------------------------------------------------------------------

// What a shim says of itself.
typedef struct vs_greeting {
  char name[VS_WIRE_NAME];
  vs_arch arch;
  uint32_t calls;  // bit vs_call_index
  zx_handle_t resource;
  zx_handle_t other_resource;
  uint64_t arena;       // where memory can be had
  uint64_t arena_size;  // bytes; 0: anywhere
  bool hold;
  bool flip;
  bool sums;
} vs_greeting;

// Why a line is no greeting.
typedef struct vs_wire_fault {
  vs_why why;
  const char* word;    // the word of the line that is to blame; NULL: no single one
  size_t word_length;  // bytes
} vs_wire_fault;

// True if the line is meant as a greeting.
bool vs_wire_is_greeting(const char* line, size_t length);

// Understands a greeting. False: `fault` says why.
bool vs_wire_read_greeting(const char* line, size_t length, vs_greeting* greeting,
                           vs_wire_fault* fault);

// The words that a greeting can hold after its architecture, as far as they need no value.
extern const char* const vs_wire_words[];
extern const size_t vs_wire_word_count;

typedef struct vs_wire_answer {
  uint64_t tag;
  bool error;  // the line was not understood; `rest` is the text
  bool held;
  zx_status_t status;
  const char* rest;  // what was not taken yet
  size_t length;
} vs_wire_answer;

// Understands an answer up to its ranges, which vs_wire_next_range takes. NULL, or what is wrong.
const char* vs_wire_read_answer(const char* line, size_t length, vs_wire_answer* answer);

typedef struct vs_wire_range {
  uint64_t address;
  const char* hex;
  size_t count;  // bytes, at least 1; address + count - 1 does not wrap
} vs_wire_range;

// Takes the next range off an answer. False: there is none, or `*why` says what is wrong with it.
bool vs_wire_next_range(vs_wire_answer* answer, vs_wire_range* range, const char** why);

// The bytes that `2 * count` digits stand for; each is known to be a digit.
void vs_wire_bytes(const char* hex, size_t count, uint8_t* bytes);

// --- what goes --------------------------------------------------------------------------------

// Each returns where the line goes on.
char* vs_wire_put_text(char* at, const char* text, size_t length);
char* vs_wire_put_decimal(char* at, uint64_t number);
char* vs_wire_put_number(char* at, uint64_t number);  // "0x1f", at most 18 bytes
char* vs_wire_put_bytes(char* at, const uint8_t* bytes, size_t count);
char* vs_wire_end(char* line, char* at, bool sums);

#endif  // VS_BACKENDS_REMOTE_WIRE_H_
