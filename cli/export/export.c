// SPDX-License-Identifier: BSD-3-Clause
#include "export.h"

#include <stdlib.h>
#include <string.h>

#include "combinations.h"
#include "common/refuse.h"

static bool leave_out(vs_export* export, const char* id, const char* why) {
  size_t size = (export->left_out_count + 1) * sizeof *export->left_out;
  vs_left_out* all = realloc(export->left_out, size);
  if (all == NULL) return false;
  export->left_out = all;
  vs_left_out* one = &all[export->left_out_count++];
  *one = (vs_left_out){strdup(id), strdup(why)};
  return one->id != NULL && one->why != NULL;
}

static vs_vector* add(vs_export* export) {
  if (export->count == export->capacity) {
    size_t capacity = export->capacity == 0 ? 64 : 2 * export->capacity;
    vs_vector* vectors = realloc(export->vectors, capacity * sizeof *vectors);
    if (vectors == NULL) return NULL;
    export->vectors = vectors;
    export->capacity = capacity;
  }
  vs_vector* vector = &export->vectors[export->count++];
  *vector = (vs_vector){0};
  return vector;
}

static bool add_predicted(vs_export* export, const vs_case* c, const vs_predicted* predicted) {
  vs_vector* vector = add(export);
  if (vector == NULL) return false;
  *vector = (vs_vector){.id = strdup(c->id), .title = strdup(c->title), .predicted = *predicted};
  vector->clause_count = c->clause_count;
  memcpy(vector->clauses, c->clauses, sizeof vector->clauses);
  vector->predicted.script.title = vector->title;
  return vector->id != NULL && vector->title != NULL;
}

bool vs_export_script(vs_export* export, const vs_case* c, const vs_script* script) {
  vs_predicted predicted;
  vs_why why;
  switch (vs_predict(script, export->profile, export->info, &predicted, &why)) {
    case VS_PREDICT_LEFT_OUT:
      return leave_out(export, c->id, why.text);
    case VS_PREDICT_NO_MEMORY:
      return false;
    default:
      break;
  }
  size_t before = export->count;
  bool good = add_predicted(export, c, &predicted);
  if (export->count == before) vs_predicted_free(&predicted);
  if (good) export->case_count = export->count;
  return good;
}

bool vs_export_case(vs_export* export, const vs_case* c) {
  if (c->arch != 0 && c->arch != export->arch) {
    vs_why why;
    vs_refuse(&why, "it is about %s", vs_arch_find(c->arch)->name);
    return leave_out(export, c->id, why.text);
  }
  vs_script script;
  if (!vs_case_script(c, export->arch, export->seed, &script)) return false;
  bool good = vs_export_script(export, c, &script);
  vs_case_script_free(&script);
  return good;
}

static bool take_combined(const vs_combined* combined, void* context) {
  const vs_case c = {.id = combined->id, .title = combined->title};
  return vs_export_script(context, &c, &combined->script);
}

bool vs_export_combinations(vs_export* export) {
  const size_t cases = export->count;
  const bool good = vs_combined_each(export->arch, take_combined, export);
  export->case_count = cases;
  return good &&
         leave_out(export, "combinations.*_running_*", "that a vCPU runs needs guest execution");
}

void vs_export_free(vs_export* export) {
  for (size_t i = 0; i < export->count; i++) {
    free((void*)(uintptr_t) export->vectors[i].id);
    free((void*)(uintptr_t) export->vectors[i].title);
    vs_predicted_free(&export->vectors[i].predicted);
  }
  for (size_t i = 0; i < export->left_out_count; i++) {
    free((void*)(uintptr_t) export->left_out[i].id);
    free((void*)(uintptr_t) export->left_out[i].why);
  }
  free(export->vectors);
  free(export->left_out);
}
