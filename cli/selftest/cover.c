// SPDX-License-Identifier: BSD-3-Clause
// Which cases a full kill matrix could do without.
#include <stdlib.h>

#include "kills.h"

static bool kills(const vs_kill_matrix* matrix, size_t row, size_t c) {
  return vs_kill_cell(matrix, row, c) == VS_CELL_KILL;
}

static void count_kills(const vs_kill_matrix* matrix, vs_cover* cover) {
  for (size_t row = 0; row < matrix->row_count; row++) {
    cover->caught += matrix->rows[row].kills > 0;
    for (size_t c = 0; c < matrix->case_count; c++) {
      if (!kills(matrix, row, c)) continue;
      cover->kills[c]++;
      cover->only[c] += matrix->rows[row].kills == 1;
    }
  }
  for (size_t c = 0; c < matrix->case_count; c++) {
    cover->essential += cover->only[c] > 0;
    cover->idle += cover->kills[c] == 0;
  }
}

static void take(const vs_kill_matrix* matrix, vs_cover* cover, size_t c, size_t* takers) {
  cover->in_smallest[c] = true;
  cover->smallest++;
  for (size_t row = 0; row < matrix->row_count; row++) takers[row] += kills(matrix, row, c);
}

static void drop(const vs_kill_matrix* matrix, vs_cover* cover, size_t c, size_t* takers) {
  cover->in_smallest[c] = false;
  cover->smallest--;
  for (size_t row = 0; row < matrix->row_count; row++) takers[row] -= kills(matrix, row, c);
}

// The case that catches most of what is not caught yet; case_count: nothing is left.
static size_t best(const vs_kill_matrix* matrix, const size_t* takers) {
  size_t found = matrix->case_count;
  size_t most = 0;
  for (size_t c = 0; c < matrix->case_count; c++) {
    size_t more = 0;
    for (size_t row = 0; row < matrix->row_count; row++) {
      more += takers[row] == 0 && kills(matrix, row, c);
    }
    if (more > most) {
      most = more;
      found = c;
    }
  }
  return found;
}

static bool is_needed(const vs_kill_matrix* matrix, size_t c, const size_t* takers) {
  for (size_t row = 0; row < matrix->row_count; row++) {
    if (kills(matrix, row, c) && takers[row] == 1) return true;
  }
  return false;
}

// First what alone catches something, then what catches most; then whatever is not needed goes.
static void find_smallest(const vs_kill_matrix* matrix, vs_cover* cover, size_t* takers) {
  size_t c = 0;
  for (c = 0; c < matrix->case_count; c++) {
    if (cover->only[c] > 0) take(matrix, cover, c, takers);
  }
  while ((c = best(matrix, takers)) < matrix->case_count) take(matrix, cover, c, takers);
  for (c = 0; c < matrix->case_count; c++) {
    if (cover->in_smallest[c] && !is_needed(matrix, c, takers)) drop(matrix, cover, c, takers);
  }
}

bool vs_cover_make(const vs_kill_matrix* matrix, vs_cover* cover) {
  size_t cases = matrix->case_count > 0 ? matrix->case_count : 1;
  size_t rows = matrix->row_count > 0 ? matrix->row_count : 1;
  *cover = (vs_cover){.only = calloc(cases, sizeof *cover->only),
                      .kills = calloc(cases, sizeof *cover->kills),
                      .in_smallest = calloc(cases, sizeof *cover->in_smallest)};
  size_t* takers = calloc(rows, sizeof *takers);
  bool good =
      cover->only != NULL && cover->kills != NULL && cover->in_smallest != NULL && takers != NULL;
  if (good) {
    count_kills(matrix, cover);
    find_smallest(matrix, cover, takers);
  } else {
    vs_cover_free(cover);
  }
  free(takers);
  return good;
}

void vs_cover_free(vs_cover* cover) {
  free(cover->only);
  free(cover->kills);
  free(cover->in_smallest);
  *cover = (vs_cover){0};
}
