// SPDX-License-Identifier: BSD-3-Clause
// libFuzzer target: whatever a shim replies to an operation, nothing crashes; a refused reply has a
// reason that can be shown, and an accepted one, printed in a trace and read back, is the same
// observation.
//
// The first byte is the operation, the second says how it is asked, and of which architecture; the
// rest is what follows the number of the reply.
#include <stdlib.h>
#include <string.h>

#include "text/print.h"
#include "text/wire.h"

int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size);

enum { FIRST = 2, START = 1, ARM64 = 2, HELD = 4, FLIPPED = 8 };

static bool may_start(const vs_op* op) {
  bool judged = vs_ops[op->code].phase == VS_PHASE_JUDGED;
  return judged && op->code != VS_OP_await_guest;
}

// A join is answered as the op that was started, which is then asked without `start`.
static vs_op op_of(const uint8_t* data) {
  vs_op op = {.code = data[0] % VS_OP_COUNT, .thread = 1, .out = 2, .out2 = 3};
  if (op.code == VS_OP_join) op.code = VS_CALL_vcpu_write_state;
  op.async = (data[1] & START) && may_start(&op);
  if (op.code != VS_CALL_vcpu_write_state) return op;
  VS_OP_ARG(&op, vcpu_write_state, kind).number = ZX_VCPU_IO;
  VS_OP_ARG(&op, vcpu_write_state, buffer_size).number =
      VS_OP_ARG(&op, vcpu_write_state, buffer).length = sizeof(zx_vcpu_io_t);
  if (data[1] & (HELD | FLIPPED)) {
    op.rewrite = (vs_rewrite){
        .mode = data[1] & HELD ? VS_REWRITE_HELD : VS_REWRITE_FLIP, .length = 1, .bytes = {0x5a}};
  }
  return op;
}

static void expect_printable(const char* message) {
  for (const char* c = message; *c != '\0'; c++) {
    if ((unsigned char)*c < ' ' || (unsigned char)*c >= 0x7f) abort();
  }
}

// As traces have it, without its newline.
static char* print(const vs_op* op, const vs_observation* seen, const vs_arch_info* info,
                   size_t* length) {
  char* text = NULL;
  FILE* out = open_memstream(&text, length);
  if (out == NULL) abort();
  vs_print_result(out, op, seen, info);
  fclose(out);
  if (*length == 0 || text[--*length] != '\n') abort();
  return text;
}

// Also in what lies between the members: a trace is compared as it lies in memory.
static void expect_same(const void* a, const void* b, size_t size) {
  if (memcmp(a, b, size) != 0) abort();
}

static void round_trip(const vs_op* op, const vs_observation* seen, const vs_arch_info* info) {
  size_t length;
  vs_observation again;
  vs_fault fault;
  char* text = print(op, seen, info, &length);
  if (vs_wire_read(text, length, op, info, &again, &fault) != VS_WIRE_RESULT) abort();
  expect_same(&again, seen, sizeof again);
  free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  vs_observation seen;
  vs_fault fault;
  if (size < FIRST) return 0;
  const char* words = (const char*)data + FIRST;
  const char* newline = memchr(words, '\n', size - FIRST);
  size_t length = newline != NULL ? (size_t)(newline - words) : size - FIRST;
  const vs_op op = op_of(data);
  const vs_arch_info* info = vs_arch_find(data[1] & ARM64 ? VS_ARCH_ARM64 : VS_ARCH_X64);
  vs_wire_reply reply = vs_wire_read(words, length, &op, info, &seen, &fault);
  if (reply == VS_WIRE_RESULT) {
    round_trip(&op, &seen, info);
  } else {
    if (reply == VS_WIRE_FAULT && fault.message[0] == '\0') abort();
    expect_printable(fault.message);
  }
  return 0;
}
