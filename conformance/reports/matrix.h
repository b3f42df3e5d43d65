// SPDX-License-Identifier: BSD-3-Clause
// The matrix at a terminal: a column a backend.
#ifndef VS_CONFORMANCE_MATRIX_H_
#define VS_CONFORMANCE_MATRIX_H_

#include "results/view.h"
#include "screen.h"

// What is shown, and where.
typedef struct vs_showing {
  const vs_screen* screen;
  vs_view* view;
  const vs_column* backends;
  size_t count;
} vs_showing;

// A row a call, with what becomes of its clauses; a row for each clause that does not pass on every
// backend, and how many do; what the columns add up to. If the screen is `full`, a row for every
// clause instead of the first two. Nothing, if there is no column.
void vs_show_matrix(const vs_showing* showing);

#endif  // VS_CONFORMANCE_MATRIX_H_
