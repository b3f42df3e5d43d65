// SPDX-License-Identifier: BSD-3-Clause
#include "results.h"

#include <stdlib.h>
#include <string.h>

const char* const vs_results_words[VS_VERDICT_COUNT] = {
    [VS_VERDICT_NOT_JUDGED] = "not judged",
    [VS_VERDICT_PASS] = "pass",
    [VS_VERDICT_PERMITTED] = "permitted",
    [VS_VERDICT_FAIL] = "fail",
    [VS_VERDICT_UNSUPPORTED] = "unsupported",
    [VS_VERDICT_BROKEN] = "broken",
    [VS_VERDICT_CUT_SHORT] = "cut short",
    [VS_VERDICT_FLAKY] = "flaky",
    [VS_VERDICT_KNOWN] = "known",
    [VS_VERDICT_DISPUTED] = "disputed",
};

vs_verdict vs_results_verdict(const char* word) {
  vs_verdict verdict = 0;
  while (verdict < VS_VERDICT_COUNT && strcmp(word, vs_results_words[verdict]) != 0) verdict++;
  return verdict;
}

bool vs_results_is_judged(vs_verdict verdict) {
  return verdict == VS_VERDICT_PASS || verdict == VS_VERDICT_PERMITTED ||
         vs_verdict_is_failure(verdict);
}

const char* vs_results_text(const json_t* object, const char* name) {
  return json_string_value(json_object_get(object, name));
}

size_t vs_results_count(const json_t* results, const char* name) {
  return (size_t)json_integer_value(json_object_get(json_object_get(results, "counts"), name));
}

bool vs_results_same_text(const json_t* a, const json_t* b, const char* name) {
  const char* one = vs_results_text(a, name);
  const char* other = vs_results_text(b, name);
  return one == NULL || other == NULL ? one == other : strcmp(one, other) == 0;
}

bool vs_results_fail_alike(const json_t* a, const json_t* b) {
  const json_t* one = json_object_get(a, "failure");
  const json_t* other = json_object_get(b, "failure");
  const json_t* more = json_object_get(one, "others");
  const json_t* most = json_object_get(other, "others");
  return vs_results_same_text(one, other, "key") && vs_results_same_text(one, other, "clause") &&
         (json_array_size(more) + json_array_size(most) == 0 || json_equal(more, most));
}

// VS_VERDICT_COUNT: the result was not expected to fail.
static vs_verdict expected_as(const json_t* result) {
  const char* state = vs_results_text(json_object_get(result, "expectation"), "state");
  if (state != NULL && strcmp(state, "known") == 0) return VS_VERDICT_KNOWN;
  if (state != NULL && strcmp(state, "disputed") == 0) return VS_VERDICT_DISPUTED;
  return VS_VERDICT_COUNT;
}

vs_verdict vs_results_shown(const json_t* result) {
  vs_verdict verdict = vs_results_verdict(vs_results_text(result, "verdict"));
  vs_verdict expected = expected_as(result);
  return expected != VS_VERDICT_COUNT && vs_verdict_is_failure(verdict) ? expected : verdict;
}

// --- the matrix -------------------------------------------------------------------------------

// From id to index.
static json_t* index_clauses(const json_t* clauses) {
  json_t* index = json_object();
  size_t i;
  const json_t* clause;
  json_array_foreach(clauses, i, clause) {
    if (json_object_set_new(index, vs_results_text(clause, "id"), json_integer((json_int_t)i)) == 0)
      continue;
    json_decref(index);
    return NULL;
  }
  return index;
}

static void take(vs_matrix* m, const json_t* result, const json_t* index) {
  size_t backend = (size_t)json_integer_value(json_object_get(result, "backend"));
  vs_verdict expected = expected_as(result);
  m->totals[backend][vs_results_shown(result)]++;
  const char* id;
  const json_t* word;
  json_object_foreach((json_t*)json_object_get(result, "says"), id, word) {
    const json_t* at = json_object_get(index, id);
    if (at == NULL) continue;
    vs_verdict says = vs_results_verdict(json_string_value(word));
    if (vs_verdict_is_failure(says) && expected != VS_VERDICT_COUNT) says = expected;
    vs_verdict* cell = &m->cells[(size_t)json_integer_value(at) * m->backends + backend];
    *cell = vs_verdict_worse(*cell, says);
  }
}

bool vs_matrix_make(const json_t* results, vs_matrix* matrix) {
  const json_t* clauses = json_object_get(results, "clauses");
  size_t columns = json_array_size(json_object_get(results, "backends"));
  size_t rows = json_array_size(clauses);
  json_t* index = index_clauses(clauses);
  *matrix = (vs_matrix){rows, columns, calloc(rows * columns + 1, sizeof *matrix->cells),
                        calloc(columns + 1, sizeof *matrix->totals)};
  bool good = index != NULL && matrix->cells != NULL && matrix->totals != NULL;
  size_t i;
  const json_t* result;
  json_array_foreach(json_object_get(results, "results"), i, result) {
    if (good) take(matrix, result, index);
  }
  json_decref(index);
  if (!good) vs_matrix_free(matrix);
  return good;
}

void vs_matrix_free(vs_matrix* matrix) {
  free(matrix->cells);
  free(matrix->totals);
  *matrix = (vs_matrix){0};
}

vs_verdict vs_matrix_at(const vs_matrix* matrix, size_t clause, size_t backend) {
  return matrix->cells[clause * matrix->backends + backend];
}
