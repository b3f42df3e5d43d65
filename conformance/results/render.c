// SPDX-License-Identifier: BSD-3-Clause
#include "render.h"

const vs_format vs_formats[VS_FORMAT_COUNT] = {
#define VS_FORMAT(symbol, name, summary) [VS_FORMAT_##symbol] = {name, summary, vs_render_##symbol},
#include "formats.def"
#undef VS_FORMAT
};

bool vs_render(const vs_format* format, FILE* out, const vs_results* results) {
  vs_view view = vs_view_of(results);
  format->render(out, &view);
  vs_view_free(&view);
  return fflush(out) == 0 && !ferror(out);
}

void vs_put_json(FILE* out, json_t* form, size_t flags) {
  json_dumpf(vs_needed(form), out, flags);
  fputc('\n', out);
  json_decref(form);
}

void vs_render_json(FILE* out, vs_view* view) {
  vs_put_json(out, vs_form_write(vs_form_results, view->results),
              JSON_INDENT(1) | JSON_REAL_PRECISION(6));
}
