// SPDX-License-Identifier: BSD-3-Clause
// No backend: the model alone over a full product of classes. Every stage whose values have rank 3
// or more is combined with every call whose values have rank 4 (the third column of classes.def).
// Counted is what a profile decides, and whether the page allows it.
// A decision depends on the facts of a call and on nothing else (decide.h), so each distinct set of
// facts is decided once, and every combination is then looked up and counted.
#ifndef VS_CONFORMANCE_SWEEP_PRODUCT_H_
#define VS_CONFORMANCE_SWEEP_PRODUCT_H_

#include "oracle.h"
#include "space.h"

enum { VS_PRODUCT_STATUSES = 8 };

typedef struct vs_product_count {
  zx_status_t status;  // answered under the profile
  uint64_t count;      // combinations of which it is an answer
} vs_product_count;

typedef struct vs_product {
  uint64_t combinations;
  size_t stages;    // ways to make what the call is about
  size_t calls;     // ways to make the call
  size_t distinct;  // sets of facts that came up
  size_t status_count;
  vs_product_count statuses[VS_PRODUCT_STATUSES];
  uint64_t several;   // combinations with more than one answer
  uint64_t anything;  // of which the profile says nothing
  uint64_t
      defects[VS_DEFECT_COUNT];  // answers that the page does not allow, by the row that says so
  uint64_t empty;                // with none: a defect of the model
  uint64_t outside;      // with an answer that the page does not allow, and no defect explains
  vs_combination worst;  // the first of those
  zx_status_t got;
  double seconds;
} vs_product;

// Counts shard `part` of `parts`, 1-based. False: no memory.
bool vs_product_count_all(const vs_profile* profile, vs_arch arch, uint64_t part, uint64_t parts,
                          vs_product* product);

// Calls `tell` once with each set of facts that a combination of the product has. Returns false if
// there is no memory.
bool vs_product_each(vs_arch arch, void (*tell)(const vs_facts* facts, void* context),
                     void* context);

#endif  // VS_CONFORMANCE_SWEEP_PRODUCT_H_
