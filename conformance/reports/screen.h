// SPDX-License-Identifier: BSD-3-Clause
// A terminal, or a stream in its place.
#ifndef VS_CONFORMANCE_SCREEN_H_
#define VS_CONFORMANCE_SCREEN_H_

#include <stdio.h>

#include "results/results.h"

typedef struct vs_screen {
  FILE* out;
  bool colours;  // verdicts have some
  bool full;     // the matrix has a row for every clause
  bool quiet;    // for logs: what is not known to fail, and one line at the end
} vs_screen;

// A stream, with colours if it is a terminal that has them, unless NO_COLOR says none.
vs_screen vs_screen_of(FILE* out);

// A verdict in its colour, or anything else that is as good or bad.
void vs_paint(const vs_screen* screen, vs_verdict verdict, const char* word);

#endif  // VS_CONFORMANCE_SCREEN_H_
