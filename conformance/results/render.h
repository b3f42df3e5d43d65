// SPDX-License-Identifier: BSD-3-Clause
// The forms in which results can be written: one function each, and a row in formats.def.
#ifndef VS_CONFORMANCE_RENDER_H_
#define VS_CONFORMANCE_RENDER_H_

#include <stdio.h>

#include "view.h"

typedef enum vs_format_code {
#define VS_FORMAT(symbol, name, summary) VS_FORMAT_##symbol,
#include "formats.def"
#undef VS_FORMAT
  VS_FORMAT_COUNT
} vs_format_code;

typedef struct vs_format {
  const char* name;
  const char* summary;
  void (*render)(FILE* out, vs_view* view);
} vs_format;

extern const vs_format vs_formats[VS_FORMAT_COUNT];

// Writes sound results. False: the stream fails.
bool vs_render(const vs_format* format, FILE* out, const vs_results* results);

#define VS_FORMAT(symbol, name, summary) void vs_render_##symbol(FILE* out, vs_view* view);
#include "formats.def"
#undef VS_FORMAT

// A text, of which `form` is freed.
void vs_put_json(FILE* out, json_t* form, size_t flags);

#endif  // VS_CONFORMANCE_RENDER_H_
