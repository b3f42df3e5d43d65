// SPDX-License-Identifier: BSD-3-Clause
// The kill matrix as one page that needs no other.
#include <stdlib.h>
#include <string.h>

#include "reports/escape.h"
#include "selftest.h"
#include "text/file.h"

enum { CELL = 8, LEFT = 330, TOP = 230, GAP = 3 };  // of the drawing, in its units

static const char head[] =
    "<!DOCTYPE html>\n<html lang=\"en\"><meta charset=\"utf-8\">\n"
    "<meta name=\"viewport\" content=\"width=device-width\">\n<title>vcpuspec selftest</title>\n"
    "<style>\n"
    ":root{color-scheme:light dark}body{font:15px/1.5 system-ui,sans-serif;margin:2em auto;"
    "max-width:100em;padding:0 1em;background:#fff;color:#16181d}\n"
    "@media(max-width:600px){td,th{padding:.15em .3em;overflow-wrap:anywhere}pre{white-space:"
    "pre-wrap;overflow-wrap:anywhere}body{margin:1em auto}}\n"
    "@media(prefers-color-scheme:dark){body{background:#16181d;color:#e4e6eb}}\n"
    "table{border-collapse:collapse}td,th{padding:.15em .6em;text-align:left;vertical-align:top;"
    "border-bottom:1px solid #8884}td.n{text-align:right}\n"
    "svg{max-width:100%;height:auto}svg text{font:7px monospace;fill:currentColor}\n"
    ".kill{fill:#c2185b}.elsewhere{fill:#f0a63a}.grid{fill:#8882}.scroll,pre{overflow-x:auto}\n"
    "</style>\n<h1>vcpuspec selftest</h1>\n";

#define PUT(...) vs_print(out, VS_DIALECT_XML, __VA_ARGS__)

static void draw_cells(FILE* out, const vs_kill_matrix* matrix, vs_cell cell, const char* name) {
  fprintf(out, "<path class=\"%s\" d=\"", name);
  for (size_t i = 0; i < matrix->row_count; i++) {
    for (size_t c = 0; c < matrix->case_count; c++) {
      if (vs_kill_cell(matrix, i, c) != cell) continue;
      fprintf(out, "M%zu %zuh7v7h-7z", LEFT + c * CELL, TOP + i * CELL);
    }
  }
  fputs("\"/>\n", out);
}

static void draw(FILE* out, const vs_kill_matrix* matrix) {
  size_t width = LEFT + matrix->case_count * CELL + GAP;
  size_t height = TOP + matrix->row_count * CELL + GAP;
  fprintf(out,
          "<div class=\"scroll\"><svg viewBox=\"0 0 %zu %zu\" width=\"%zu\" role=\"img\" "
          "aria-label=\"mutants by cases\">\n",
          width, height, width);
  fprintf(out, "<rect class=\"grid\" x=\"%d\" y=\"%d\" width=\"%zu\" height=\"%zu\"/>\n", LEFT, TOP,
          matrix->case_count * CELL, matrix->row_count * CELL);
  for (size_t c = 0; c < matrix->case_count; c++) {
    PUT("<text transform=\"translate(%zu %zu) rotate(-90)\">%s</text>\n",
        LEFT + c * CELL + CELL - 1, (size_t)TOP - GAP, matrix->cases[c]->id);
  }
  for (size_t i = 0; i < matrix->row_count; i++) {
    PUT("<text text-anchor=\"end\" x=\"%zu\" y=\"%zu\">%s</text>\n", (size_t)LEFT - GAP,
        TOP + i * CELL + CELL - 1, matrix->rows[i].mutant->id);
  }
  draw_cells(out, matrix, VS_CELL_KILL, "kill");
  draw_cells(out, matrix, VS_CELL_ELSEWHERE, "elsewhere");
  fputs("</svg></div>\n", out);
}

static void list_cases(FILE* out, const vs_selftest* selftest) {
  const vs_kill_matrix* matrix = &selftest->matrix;
  PUT("<h2>Cases</h2>\n<div class=\"scroll\"><table><tr><th>case<th>catches<th>alone<th>in a "
      "smallest set<th>kept "
      "because\n");
  for (size_t c = 0; c < matrix->case_count; c++) {
    const char* why = vs_kept_why(matrix->cases[c]);
    bool own = selftest->cover.only[c] > 0;
    PUT("<tr><td>%s<td class=\"n\">%zu<td class=\"n\">%zu<td>%s<td>%s\n", matrix->cases[c]->id,
        selftest->cover.kills[c], selftest->cover.only[c],
        selftest->cover.in_smallest[c] ? "yes" : "", own || why == NULL ? "" : why);
  }
  PUT("</table></div>\n");
}

static void list_historic(FILE* out, const vs_selftest* selftest) {
  if (selftest->historic == NULL) return;
  PUT("<h2>Historic defects</h2>\n<div class=\"scroll\"><table><tr><th>who<th>what<th>shown "
      "by<th>under<th>passes "
      "under<th>still so\n");
  for (size_t i = 0; i < vs_historic_count; i++) {
    const vs_historic* row = &vs_historics[i];
    bool good = selftest->historic[i].caught && selftest->historic[i].passes;
    PUT("<tr><td>%s<td>%s<td>%s<td>%s<td>%s<td>%s\n", row->who, row->what, row->shown, row->profile,
        row->passes, good ? "yes" : "NO");
  }
  PUT("</table></div>\n");
}

static void list_variants(FILE* out, const vs_selftest* selftest) {
  PUT("<h2>Permitted variants</h2>\n<div "
      "class=\"scroll\"><table><tr><th>variant<th>choice<th>by<th>flagged by<th>"
      "zircon-x64 notices it by\n");
  for (size_t i = 0; i < selftest->variant_count; i++) {
    const vs_variant_result* variant = &selftest->variants[i];
    PUT("<tr><td>%s<td>%s<td>%s<td>%s<td>%s\n", variant->mutant->id, variant->mutant->mistake,
        variant->mutant->latitude[0] ? variant->mutant->latitude : "the page itself",
        variant->flagged != NULL ? variant->flagged->id : "none",
        variant->noticed != NULL ? variant->noticed->id : "none");
  }
  PUT("</table></div>\n");
}

bool vs_selftest_html(FILE* out, const vs_selftest* selftest) {
  vs_file text;
  FILE* shown = vs_memory_open(&text);
  if (shown != NULL) vs_selftest_show(shown, selftest);
  if (!vs_memory_close(shown, &text)) return false;
  fputs(head, out);
  PUT("<details><summary>As told on the terminal</summary><pre>%s</pre></details>\n"
      "<h2>Kill matrix</h2>\n<p>A row is a mutant, a column a case. Red: the case fails at the "
      "clause that the mutant breaks. Orange: it fails elsewhere.\n",
      text.text);
  draw(out, &selftest->matrix);
  list_cases(out, selftest);
  list_variants(out, selftest);
  list_historic(out, selftest);
  vs_file_free(&text);
  return fflush(out) == 0 && !ferror(out);
}
