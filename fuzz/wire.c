// SPDX-License-Identifier: BSD-3-Clause
// libFuzzer target: whatever a shim says, nothing crashes; a greeting that is taken is whole, and
// one that is not has a reason; an answer that is taken, put together again from what was
// understood, is understood the same.
//
// Each line of the input is taken for a greeting and for an answer.
#include <stdlib.h>
#include <string.h>

#include "wire.h"

int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size);

static void expect(bool good) {
  if (!good) abort();
}

static void expect_text(const char* text) {
  expect(text[0] != '\0');
  for (const char* c = text; *c != '\0'; c++) expect((uint8_t)*c >= ' ' && (uint8_t)*c < 0x7f);
}

static void greet(const char* line, size_t length) {
  vs_greeting g;
  vs_wire_fault fault;
  if (!vs_wire_read_greeting(line, length, &g, &fault)) {
    expect_text(fault.why.text);
    expect(fault.word == NULL || (fault.word >= line && fault.word_length <= length));
    return;
  }
  expect(vs_wire_is_greeting(line, length));
  expect_text(g.name);
  expect(g.arch == VS_ARCH_X64 || g.arch == VS_ARCH_ARM64);
  expect(g.calls >> VS_CALL_handle_close & 1 && g.calls >> VS_CALL_vcpu_write_state & 1);
  expect(g.arena_size == 0 || g.arena + g.arena_size - 1 >= g.arena);
}

// The ranges that are good, and where they end.
static char* put_ranges(vs_wire_answer* a, char* at, const char** why) {
  static uint8_t bytes[VS_WIRE_LINE];
  vs_wire_range range;
  while (vs_wire_next_range(a, &range, why)) {
    expect(range.count > 0 && range.address + (range.count - 1) >= range.address);
    vs_wire_bytes(range.hex, range.count, bytes);
    *at++ = ' ';
    at = vs_wire_put_number(at, range.address);
    *at++ = '=';
    at = vs_wire_put_bytes(at, bytes, range.count);
  }
  return at;
}

static char* put_answer(vs_wire_answer* a, char* line, const char** why) {
  char* at = vs_wire_put_decimal(line, a->tag);
  *at++ = ' ';
  if (a->status < 0) *at++ = '-';
  int64_t status = a->status;
  at = vs_wire_put_decimal(at, (uint64_t)(status < 0 ? -status : status));
  if (a->held) at = vs_wire_put_text(at, " held", 5);
  return put_ranges(a, at, why);
}

static void answer(const char* line, size_t length) {
  static char once[2 * VS_WIRE_LINE];
  static char twice[2 * VS_WIRE_LINE];
  vs_wire_answer a;
  const char* why = vs_wire_read_answer(line, length, &a);
  if (why != NULL) return expect_text(why);
  expect(a.length <= length && a.rest + a.length == line + length);
  if (a.error) return;
  size_t first = (size_t)(put_answer(&a, once, &why) - once);
  if (why != NULL) expect_text(why);
  expect(first <= length);
  expect(vs_wire_read_answer(once, first, &a) == NULL);
  size_t second = (size_t)(put_answer(&a, twice, &why) - twice);
  expect(why == NULL && second == first && memcmp(once, twice, first) == 0);
  char* end = vs_wire_end(once, once + first, true);
  expect((size_t)(end - once) == first + VS_WIRE_SUM + 1);
}

int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  for (const uint8_t* end = data + size; data < end;) {
    const uint8_t* newline = memchr(data, '\n', (size_t)(end - data));
    size_t length = (size_t)((newline != NULL ? newline : end) - data);
    if (length < VS_WIRE_LINE) {
      greet((const char*)data, length);
      answer((const char*)data, length);
    }
    data += length + (newline != NULL);
  }
  return 0;
}
