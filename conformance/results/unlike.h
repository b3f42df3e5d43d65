// SPDX-License-Identifier: BSD-3-Clause
// What two JSON texts that should be the same say differently, in words: "results of kinds.both:
// verdict: it says "pass", and "fail" follows".
#ifndef VS_CONFORMANCE_UNLIKE_H_
#define VS_CONFORMANCE_UNLIKE_H_

#include <jansson.h>

#include "store.h"

// Adds a line for each difference. None: they are the same.
void vs_unlike(vs_store* store, const json_t* said, const json_t* follows, vs_texts* differences);

#endif  // VS_CONFORMANCE_UNLIKE_H_
