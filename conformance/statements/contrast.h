// SPDX-License-Identifier: BSD-3-Clause
// What one implementation does that another does not: by the verdicts of their cases and, of
// statements, by what came back from each call.
#ifndef VS_CONFORMANCE_CONTRAST_H_
#define VS_CONFORMANCE_CONTRAST_H_

#include "statement.h"

// Of one backend.
typedef struct vs_side {
  const char* name;
  const vs_results* results;
  const vs_answers* answers;  // of each of our cases; NULL: the answers are not known
} vs_side;

typedef struct vs_contrast {
  size_t common;    // cases that both have
  size_t alone;     // cases that one has
  size_t verdicts;  // common cases with two verdicts, or that fail in two ways
  size_t answers;   // the others with an answer that differs
} vs_contrast;

// Prints what differs to `out`, unless that is NULL; of each case `calls` of those that are
// answered otherwise. A call that one of them lacks is no answer. Of cases in which calls overlap,
// answers are not compared: another run may answer otherwise.
vs_contrast vs_results_contrast(FILE* out, size_t calls, const vs_side sides[2]);

#endif  // VS_CONFORMANCE_CONTRAST_H_
