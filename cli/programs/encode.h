// SPDX-License-Identifier: BSD-3-Clause
// How an architecture's forms become bytes: a file each.
#ifndef VS_CLI_ENCODE_H_
#define VS_CLI_ENCODE_H_

#include "snippet.h"

const vs_form* vs_x64_forms(size_t* count);
const vs_form* vs_arm64_forms(size_t* count);

// An instruction of the form, its operands by chance; returns its bytes, VS_SNIPPET_BYTES at most.
size_t vs_x64_encode(vs_dice* dice, size_t form, uint8_t* out);
size_t vs_arm64_encode(vs_dice* dice, size_t form, uint8_t* out);

// The jump from `at` bytes behind the code's start back to the harness.
size_t vs_x64_encode_back(size_t at, uint8_t* out);
size_t vs_arm64_encode_back(size_t at, uint8_t* out);

#endif  // VS_CLI_ENCODE_H_
