// SPDX-License-Identifier: BSD-3-Clause
#include "render.h"

const vs_format vs_formats[VS_FORMAT_COUNT] = {
#define VS_FORMAT(symbol, name, summary) [VS_FORMAT_##symbol] = {name, summary, vs_render_##symbol},
#include "formats.def"
#undef VS_FORMAT
};
