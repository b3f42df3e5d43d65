// SPDX-License-Identifier: BSD-3-Clause
// Characters of UTF-8.
#ifndef VS_CONFORMANCE_RUNE_H_
#define VS_CONFORMANCE_RUNE_H_

#include <stddef.h>
#include <stdint.h>

// The next character of UTF-8 text, and how many bytes it takes; of bytes that are none, U+FFFD and
// 1. 0 at the end.
uint32_t vs_rune(const char* text, size_t* bytes);

#endif  // VS_CONFORMANCE_RUNE_H_
