// SPDX-License-Identifier: BSD-3-Clause
// The states, answers and masks of an exported C program: constants with a name, each printed once.
#ifndef VS_CLI_CONSTANTS_H_
#define VS_CLI_CONSTANTS_H_

#include "export.h"

typedef enum vs_constant_form {
  VS_CONSTANT_NONE,   // no bytes: NULL
  VS_CONSTANT_STATE,  // zx_vcpu_state_t
  VS_CONSTANT_KNOWN,  // the same, as a mask
  VS_CONSTANT_IO,     // zx_vcpu_io_t
  VS_CONSTANT_WORDS   // uint64_t[]
} vs_constant_form;

typedef struct vs_constant {
  uint8_t form;
  uint16_t size;
  uint8_t bytes[VS_STATE_MAX];
  char name[24];  // set by vs_constant_find
} vs_constant;

typedef struct vs_constants {
  FILE* out;
  const vs_arch_info* info;
  void* tree;  // owned
  size_t count;
  bool failed;  // no memory
} vs_constants;

// The bytes that lie at an in-pointer of the op: without the zeroes at their end, which every
// buffer has of itself.
vs_constant vs_constant_of_buffer(const vs_op* op, const vs_arg* buffer, const vs_arch_info* info);

// What registers must be, or the bits of which that is known.
vs_constant vs_constant_of_registers(const vs_prediction* p, vs_constant_form form,
                                     const vs_arch_info* info);

// True if the two are one in the known bits.
bool vs_constant_agrees(const vs_constant* a, const vs_constant* b, const vs_constant* known);

// Names the constant, "state_4"; prints its definition if it is the first of its kind.
void vs_constant_find(vs_constants* all, vs_constant* constant);

// zx_vcpu_state_t; a table of its registers.
void vs_constants_print_state(FILE* out, const vs_arch_info* info);
void vs_constants_print_registers(FILE* out, const vs_arch_info* info);

void vs_constants_free(vs_constants* all);

#endif  // VS_CLI_CONSTANTS_H_
