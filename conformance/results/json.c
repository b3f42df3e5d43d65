// SPDX-License-Identifier: BSD-3-Clause
#include "render.h"

bool vs_render_json(FILE* out, const json_t* results) {
  bool good = json_dumpf(results, out, JSON_INDENT(1) | JSON_REAL_PRECISION(6)) == 0;
  return good && fputc('\n', out) != EOF;
}
