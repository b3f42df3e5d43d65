// SPDX-License-Identifier: BSD-3-Clause
#include <jansson.h>

#include "selftest.h"

static json_t* text_or_null(const char* text) {
  return text != NULL && text[0] != '\0' ? json_string(text) : json_null();
}

static const char* id_of(const vs_case* c) {
  return c != NULL ? c->id : NULL;
}

// The cases of a row whose cells are so.
static json_t* cases_of(const vs_kill_matrix* matrix, size_t row, vs_cell cell) {
  json_t* list = json_array();
  for (size_t c = 0; c < matrix->case_count; c++) {
    if (vs_kill_cell(matrix, row, c) != cell) continue;
    json_array_append_new(list, json_string(matrix->cases[c]->id));
  }
  return list;
}

static json_t* mutants_in(const vs_kill_matrix* matrix) {
  json_t* list = json_array();
  for (size_t i = 0; i < matrix->row_count; i++) {
    const vs_mutant* mutant = matrix->rows[i].mutant;
    json_array_append_new(
        list, json_pack("{s:s, s:s, s:s, s:s, s:b, s:b, s:b, s:o, s:o, s:o}", "id", mutant->id,
                        "base", mutant->base, "breaks", mutant->breaks, "mistake", mutant->mistake,
                        "judged", matrix->rows[i].state == VS_TARGET_READY, "caught",
                        matrix->rows[i].kills > 0, "named_first", matrix->rows[i].named,
                        "killed_by", cases_of(matrix, i, VS_CELL_KILL), "fails_elsewhere_in",
                        cases_of(matrix, i, VS_CELL_ELSEWHERE), "not_tried_in",
                        cases_of(matrix, i, VS_CELL_UNTRIED)));
  }
  return list;
}

static json_t* cases_in(const vs_selftest* selftest) {
  json_t* list = json_array();
  const vs_kill_matrix* matrix = &selftest->matrix;
  const vs_cover* cover = &selftest->cover;
  for (size_t c = 0; c < matrix->case_count; c++) {
    json_array_append_new(
        list, json_pack("{s:s, s:b, s:I, s:I, s:b, s:o}", "id", matrix->cases[c]->id, "races",
                        vs_case_is_costly(matrix->cases[c]), "kills", (json_int_t)cover->kills[c],
                        "kills_alone", (json_int_t)cover->only[c], "in_smallest_set",
                        cover->in_smallest[c], "kept_because",
                        text_or_null(vs_kept_why(matrix->cases[c]))));
  }
  return list;
}

static json_t* variants_in(const vs_selftest* selftest) {
  json_t* list = json_array();
  for (size_t i = 0; i < selftest->variant_count; i++) {
    const vs_variant_result* variant = &selftest->variants[i];
    json_array_append_new(
        list, json_pack("{s:s, s:s, s:s, s:o, s:b, s:o, s:o}", "id", variant->mutant->id, "base",
                        variant->mutant->base, "choice", variant->mutant->mistake, "latitude",
                        text_or_null(variant->mutant->latitude), "judged", variant->judged,
                        "flagged_by", text_or_null(id_of(variant->flagged)),
                        "noticed_under_zircon_x64_by", text_or_null(id_of(variant->noticed))));
  }
  return list;
}

static json_t* orders_in(const vs_selftest* selftest) {
  const vs_orders* orders = &selftest->orders;
  if (!selftest->orders_judged) return json_null();
  return json_pack("{s:I, s:I, s:I, s:I, s:I, s:I}", "permutations",
                   (json_int_t)orders->permutations, "classes", (json_int_t)orders->class_count,
                   "flagged_by_documented", (json_int_t)orders->flagged, "missed_by_zircon_x64",
                   (json_int_t)orders->missed, "sets", (json_int_t)orders->sets, "sets_met",
                   (json_int_t)orders->sets_met);
}

static json_t* historic_in(const vs_selftest* selftest) {
  json_t* list = json_array();
  for (size_t i = 0; selftest->historic != NULL && i < vs_historic_count; i++) {
    const vs_historic* row = &vs_historics[i];
    json_array_append_new(
        list,
        json_pack("{s:s, s:s, s:s, s:s, s:o, s:s, s:o, s:b, s:b}", "id", row->id, "who", row->who,
                  "what", row->what, "backend", row->backend, "objects", text_or_null(row->profile),
                  "case", row->shown, "passes_under", text_or_null(row->passes), "caught",
                  selftest->historic[i].caught, "passes", selftest->historic[i].passes));
  }
  return list;
}

bool vs_selftest_json(FILE* out, const vs_selftest* selftest) {
  vs_selftest_gates gates = vs_selftest_judge(selftest);
  json_t* all =
      json_pack("{s:s, s:b, s:b, s:I, s:o, s:o, s:o, s:o, s:o}", "format", "vcpuspec selftest 1",
                "holds", vs_selftest_holds(&gates), "whole", selftest->whole, "smallest_set",
                (json_int_t)selftest->cover.smallest, "mutants", mutants_in(&selftest->matrix),
                "cases", cases_in(selftest), "variants", variants_in(selftest), "orders",
                orders_in(selftest), "historic", historic_in(selftest));
  bool good = all != NULL && json_dumpf(all, out, JSON_INDENT(1)) == 0 && fputc('\n', out) != EOF;
  json_decref(all);
  return good && fflush(out) == 0;
}
