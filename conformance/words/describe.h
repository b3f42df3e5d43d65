// SPDX-License-Identifier: BSD-3-Clause
// Ops, answers and violations in words. Every function appends to a vs_text, which never overflows.
#ifndef VS_CONFORMANCE_DESCRIBE_H_
#define VS_CONFORMANCE_DESCRIBE_H_

#include "oracle.h"

typedef struct vs_text {
  char* at;
  size_t size;
  size_t length;  // without the terminator; what no longer fits is left out
} vs_text;

vs_text vs_text_in(char* buffer, size_t size);
void vs_say(vs_text* text, const char* format, ...) __attribute__((format(printf, 2, 3)));

// "ZX_ERR_BAD_HANDLE", or the number of a status without a name.
void vs_say_status(vs_text* text, zx_status_t status);

// "T1: zx_vcpu_write_state(h2, ZX_VCPU_IO, null, 8)".
void vs_say_op(vs_text* text, const vs_op* op);

// What came back: " = ZX_OK", " did not return", " (zx_vcpu_enter is missing)".
void vs_say_answer(vs_text* text, const vs_op* op, const vs_observation* seen);

// "ZX_ERR_INVALID_ARGS (kind names no vCPU state)", "ZX_OK (the handle is valid, has
// ZX_RIGHT_READ)"; several joined by " or ".
void vs_say_allowed(vs_text* text, const vs_violation* violation, const vs_arch_info* arch);

// What was got instead, register by name.
void vs_say_got(vs_text* text, const vs_violation* violation, const vs_arch_info* arch);

// Where ZX_OK is allowed and an error was got, what that error means: "that the handle lacks
// ZX_RIGHT_READ, which is not so". Else nothing, and false.
bool vs_say_meaning(vs_text* text, const vs_violation* violation);

#endif  // VS_CONFORMANCE_DESCRIBE_H_
