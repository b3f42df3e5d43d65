// SPDX-License-Identifier: BSD-3-Clause
// A script for a point: the situation, a call that passes through the point, and what shows that
// nothing else has come of it.
#ifndef VS_CONFORMANCE_COVERAGE_GAP_H_
#define VS_CONFORMANCE_COVERAGE_GAP_H_

#include "draft.h"
#include "reachable.h"

void vs_gap_script(const vs_reachable* all, size_t point, vs_draft* script);

#endif  // VS_CONFORMANCE_COVERAGE_GAP_H_
