// SPDX-License-Identifier: BSD-3-Clause
// The kill matrix as one page that needs no other.
#include <stdlib.h>
#include <string.h>

#include "results/escape.h"
#include "selftest.h"

enum { CELL = 8, LEFT = 330, TOP = 230, GAP = 3 };  // of the drawing, in its units

static const char head[] =
    "<!DOCTYPE html>\n<html lang=\"en\"><meta charset=\"utf-8\">\n"
    "<meta name=\"viewport\" content=\"width=device-width\">\n<title>vcpuspec selftest</title>\n"
    "<style>\n"
    ":root{color-scheme:light dark}body{font:15px/1.5 system-ui,sans-serif;margin:2em auto;"
    "max-width:100em;padding:0 1em}\n"
    "table{border-collapse:collapse}td,th{padding:.15em .6em;text-align:left;vertical-align:top;"
    "border-bottom:1px solid #8884}td.n{text-align:right}\n"
    "svg{max-width:100%;height:auto}svg text{font:7px monospace;fill:currentColor}\n"
    ".kill{fill:#c2185b}.elsewhere{fill:#f0a63a}.grid{fill:#8882}.scroll{overflow-x:auto}\n"
    "</style>\n<h1>vcpuspec selftest</h1>\n";

static void put(FILE* out, const char* text) {
  vs_escape(out, VS_DIALECT_XML, text);
}

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
    fprintf(out, "<text transform=\"translate(%zu %d) rotate(-90)\">", LEFT + c * CELL + CELL - 1,
            TOP - GAP);
    put(out, matrix->cases[c]->id);
    fputs("</text>\n", out);
  }
  for (size_t i = 0; i < matrix->row_count; i++) {
    fprintf(out, "<text text-anchor=\"end\" x=\"%d\" y=\"%zu\">", LEFT - GAP,
            TOP + i * CELL + CELL - 1);
    put(out, matrix->rows[i].mutant->id);
    fputs("</text>\n", out);
  }
  draw_cells(out, matrix, VS_CELL_KILL, "kill");
  draw_cells(out, matrix, VS_CELL_ELSEWHERE, "elsewhere");
  fputs("</svg></div>\n", out);
}

static void put_cell(FILE* out, const char* text) {
  fputs("<td>", out);
  put(out, text);
}

static void list_cases(FILE* out, const vs_selftest* selftest) {
  const vs_kill_matrix* matrix = &selftest->matrix;
  fputs(
      "<h2>Cases</h2>\n<table><tr><th>case<th>catches<th>alone<th>in a smallest set<th>kept "
      "because\n",
      out);
  for (size_t c = 0; c < matrix->case_count; c++) {
    const char* why = vs_kept_why(matrix->cases[c]);
    bool own = selftest->cover.only[c] > 0;
    fputs("<tr>", out);
    put_cell(out, matrix->cases[c]->id);
    fprintf(out, "<td class=\"n\">%zu<td class=\"n\">%zu<td>%s", selftest->cover.kills[c],
            selftest->cover.only[c], selftest->cover.in_smallest[c] ? "yes" : "");
    put_cell(out, own || why == NULL ? "" : why);
    fputc('\n', out);
  }
  fputs("</table>\n", out);
}

static void list_historic(FILE* out, const vs_selftest* selftest) {
  if (selftest->historic == NULL) return;
  fputs(
      "<h2>Historic defects</h2>\n<table><tr><th>who<th>what<th>shown by<th>under<th>passes "
      "under<th>still so\n",
      out);
  for (size_t i = 0; i < vs_historic_count; i++) {
    const vs_historic* row = &vs_historics[i];
    bool good = selftest->historic[i].caught && selftest->historic[i].passes;
    fputs("<tr>", out);
    put_cell(out, row->who);
    put_cell(out, row->what);
    put_cell(out, row->shown);
    put_cell(out, row->profile);
    put_cell(out, row->passes);
    put_cell(out, good ? "yes" : "NO");
    fputc('\n', out);
  }
  fputs("</table>\n", out);
}

static void list_variants(FILE* out, const vs_selftest* selftest) {
  fputs(
      "<h2>Permitted variants</h2>\n<table><tr><th>variant<th>choice<th>by<th>flagged by<th>"
      "zircon-x64 notices it by\n",
      out);
  for (size_t i = 0; i < selftest->variant_count; i++) {
    const vs_variant_result* variant = &selftest->variants[i];
    fputs("<tr>", out);
    put_cell(out, variant->mutant->id);
    put_cell(out, variant->mutant->mistake);
    put_cell(out, variant->mutant->latitude[0] ? variant->mutant->latitude : "the page itself");
    put_cell(out, variant->flagged != NULL ? variant->flagged->id : "none");
    put_cell(out, variant->noticed != NULL ? variant->noticed->id : "none");
    fputc('\n', out);
  }
  fputs("</table>\n", out);
}

bool vs_selftest_html(FILE* out, const vs_selftest* selftest) {
  char* text = NULL;
  size_t size = 0;
  FILE* shown = open_memstream(&text, &size);
  if (shown == NULL) return false;
  vs_selftest_show(shown, selftest);
  if (fclose(shown) != 0) return false;
  fputs(head, out);
  fputs("<details><summary>As told on the terminal</summary><pre>", out);
  put(out, text);
  fputs(
      "</pre></details>\n<h2>Kill matrix</h2>\n<p>A row is a mutant, a column a case. Red: the "
      "case "
      "fails at the clause that the mutant breaks. Orange: it fails elsewhere.\n",
      out);
  draw(out, &selftest->matrix);
  list_cases(out, selftest);
  list_variants(out, selftest);
  list_historic(out, selftest);
  free(text);
  return fflush(out) == 0 && !ferror(out);
}
