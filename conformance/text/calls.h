// SPDX-License-Identifier: BSD-3-Clause
// The documented calls by number and by name.
#ifndef VS_CONFORMANCE_CALLS_H_
#define VS_CONFORMANCE_CALLS_H_

#include <vcpuspec/op.h>

// The documented call that an op is about; VS_NO_CALL: none.
uint8_t vs_call_of(const vs_op* op);

// "zx_vcpu_write_state" and so on.
const char* vs_call_name(vs_call_index call);

// By its word in scripts or its symbol, with "zx_" or without; VS_NO_CALL: none.
vs_call_index vs_call_find(const char* word);

// Bytes of the memory that a pointer of this type points to, a vs_param_type; 0: its argument says.
size_t vs_fixed_length(uint8_t type);

// True if the op gives its `out` slot a handle.
bool vs_op_makes_handle(const vs_op* op);

#endif  // VS_CONFORMANCE_CALLS_H_
