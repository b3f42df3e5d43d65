// SPDX-License-Identifier: BSD-3-Clause
// The forms in which results can be written: one function each, and a row in formats.def.
#ifndef VS_CONFORMANCE_RENDER_H_
#define VS_CONFORMANCE_RENDER_H_

#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>

// Writes a valid tree (results.h). False: no memory, or the stream fails.
typedef bool (*vs_render)(FILE* out, const json_t* results);

typedef struct vs_format {
  const char* name;
  const char* summary;
  vs_render render;
} vs_format;

typedef enum vs_format_code {
#define VS_FORMAT(symbol, name, summary) VS_FORMAT_##symbol,
#include "formats.def"
#undef VS_FORMAT
  VS_FORMAT_COUNT
} vs_format_code;

extern const vs_format vs_formats[VS_FORMAT_COUNT];

#define VS_FORMAT(symbol, name, summary) bool vs_render_##symbol(FILE* out, const json_t* results);
#include "formats.def"
#undef VS_FORMAT

#endif  // VS_CONFORMANCE_RENDER_H_
