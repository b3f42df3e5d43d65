// SPDX-License-Identifier: BSD-3-Clause
// Points of coverage: what the model sees of a call. Two calls that differ in nothing which the
// profile looks at are of one point, and the same answers are allowed to both. Judging a trace
// tells a listener of the points that it passes through (vs_judge_telling in oracle.h), whatever
// recorded it. How many points there are, conformance/coverage/ finds out.
#ifndef VS_MODEL_POINT_H_
#define VS_MODEL_POINT_H_

#include "decide.h"

typedef enum vs_named_code {
#define VS_NAMED(call, code, name, when) VS_NAMED_##code,
#include "named.def"
#undef VS_NAMED
  VS_NAMED_COUNT
} vs_named_code;

typedef struct vs_named {
  uint8_t call;  // vs_op_code
  const char* name;
} vs_named;

extern const vs_named vs_nameds[VS_NAMED_COUNT];

typedef struct vs_point {
  uint8_t call;          // vs_op_code
  uint32_t named;        // VS_BIT(vs_named_code): what holds of the call
  vs_check_set certain;  // of the checks that the profile looks at, those that apply
  vs_check_set unsure;   // and those that may apply, or not
} vs_point;

vs_point vs_point_of(const vs_facts* facts, const vs_profile* profile);
bool vs_point_same(const vs_point* a, const vs_point* b);

// The clause that an answer bears out: a refusal that of its error, an accepted call that it had to
// be. `row`: of the decision on such a call.
vs_clause_code vs_point_clause(uint8_t call, const vs_allowed* row);

typedef enum vs_passage_sort {
  VS_PASSED,   // a call was judged
  VS_MADE,     // an op that is no call has made `made`
  VS_UNCLEAR,  // what a call was, or what it was about, is not certain
} vs_passage_sort;

// A call that was judged, and what it was about. Of VS_MADE `made` alone counts, of VS_UNCLEAR
// nothing.
typedef struct vs_passage {
  uint8_t sort;  // vs_passage_sort
  vs_point point;
  zx_status_t status;  // that was answered
  bool forced;         // nothing else was allowed
  uint8_t object;      // that its first handle names: an index of the world's; VS_OBJECTS: none
  uint8_t made[2];     // that it has made; VS_OBJECTS: none
  bool ended;          // `object` has no handle any more
} vs_passage;

// Is told of each call. A call is unclear if the worlds that remain put it at different points, or
// if it ran beside others and nothing says when it took effect.
typedef struct vs_listener {
  void (*passed)(const vs_passage* passage, void* context);
  void* context;
} vs_listener;

#endif  // VS_MODEL_POINT_H_
