// SPDX-License-Identifier: BSD-3-Clause
// What makes two failures one and the same, to people: what a sweep, a campaign and a minimizer go
// by.
#ifndef VS_CONFORMANCE_FAILURE_H_
#define VS_CONFORMANCE_FAILURE_H_

#include "oracle.h"

// (clause, allowed, got): register values vary from call to call, and do not count.
typedef struct vs_failure_key {
  uint8_t clause;  // vs_clause_code
  uint8_t kind;    // vs_violation_kind
  uint8_t reg;     // of a register
  uint8_t guest_view;
  uint8_t part;                     // what of it is wrong (vs_failure_key_of_part); 0: whatever
  int32_t got;                      // of a status
  uint8_t count;                    // of allowed
  int32_t allowed[VS_ALLOWED_MAX];  // in ascending order
} vs_failure_key;

vs_failure_key vs_failure_key_of(const vs_violation* violation);
// The same, of one part of it: of flags 1 + the lowest bit that is wrong, of a packet 1 + its
// field. There are few of either, so that a campaign, which makes a finding of each, is not
// flooded.
vs_failure_key vs_failure_key_of_part(const vs_violation* violation, const vs_arch_info* arch);
bool vs_failure_same(const vs_failure_key* a, const vs_failure_key* b);

// Below 0, 0, above 0: an order of no meaning, for sorting.
int vs_failure_compare(const vs_failure_key* a, const vs_failure_key* b);

// The same number for the same key, on every machine; two keys seldom share one. FNV-1a.
uint32_t vs_failure_digest(const vs_failure_key* key);

// What of a trace is looked for.
typedef struct vs_failure_search {
  const vs_profile* profile;
  bool (*is_it)(const vs_violation* violation, void* context);
  void* context;
} vs_failure_search;

// The first violation of the trace that is looked for, also after others, as far as anything can be
// said after them: `*at` is its op. False: there is none.
bool vs_failure_find(const vs_failure_search* search, vs_oracle* oracle, const vs_trace* trace,
                     size_t* at, vs_violation* violation);

#endif  // VS_CONFORMANCE_FAILURE_H_
