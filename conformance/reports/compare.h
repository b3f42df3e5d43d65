// SPDX-License-Identifier: BSD-3-Clause
// Two results, one after the other: what regressed, what is fixed, what is new.
#ifndef VS_CONFORMANCE_REPORTS_COMPARE_H_
#define VS_CONFORMANCE_REPORTS_COMPARE_H_

#include "screen.h"

typedef struct vs_comparison {
  size_t common;     // are in both
  size_t regressed;  // was well, and fails, is not judged any more, or is gone from its column
  size_t fixed;      // failed, and does not
  size_t changed;    // otherwise
  size_t added;      // there now, and not before
  size_t gone;       // otherwise: with its column, or it was not well
  size_t same;
} vs_comparison;

// Prints what differs, a line each, and counts. Columns belong together by name, profile and
// architecture, or because there is but one in each.
vs_comparison vs_results_compare(const vs_screen* screen, const vs_results* before,
                                 const vs_results* after);

#endif  // VS_CONFORMANCE_REPORTS_COMPARE_H_
