// SPDX-License-Identifier: BSD-3-Clause
// The suite judged: every mutant is caught, nothing that is permitted is flagged, every historic
// defect is caught, and every case is there for a reason.
#ifndef VS_CLI_SELFTEST_H_
#define VS_CLI_SELFTEST_H_

#include <stdio.h>

#include "historic.h"
#include "orders.h"

// A permitted variant: what `documented` may not flag and one kernel's profile must.
typedef struct vs_variant_result {
  const vs_mutant* mutant;
  const vs_case* flagged;  // a case that fails under `documented`; NULL: none
  const vs_case* noticed;  // a case that fails under "zircon-x64"; NULL: none
  bool used;               // its latitude was needed, or it needs none
  bool judged;             // its base can run
  char note[VS_WHY_MAX];
} vs_variant_result;

typedef struct vs_selftest {
  vs_kill_matrix matrix;
  vs_cover cover;
  vs_variant_result* variants;
  size_t variant_count;
  vs_orders orders;
  bool orders_judged;
  vs_why orders_why;
  vs_historic_result* historic;  // vs_historic_count of them; NULL: not asked for
  bool whole;                    // every mutant and every case took part
  double seconds;
} vs_selftest;

// Why a case is kept that catches nothing which others do not: NULL if nobody said.
const char* vs_kept_why(const vs_case* c);

typedef struct vs_selftest_gates {
  size_t uncaught;   // mutants that no case catches at their clause
  size_t unjudged;   // mutants and variants whose base cannot run here
  size_t by_chance;  // mutants that were not caught and need what this machine lacks
  size_t flagged;    // variants that `documented` fails
  size_t unnoticed;  // variants that one kernel's profile passes, or whose latitude was not needed
  size_t orders;     // classes of orders that are flagged or missed, and sets of
                     // reasons that no case meets; 1 if they were not judged
  size_t historic;   // rows that are not caught, or do not pass where they should
  size_t unexplained;  // cases that catch nothing for themselves, and nobody said why they are kept
  size_t stale;        // explanations of cases that are not there, or need none
} vs_selftest_gates;

// `mutants` as in the plan, with those that are permitted among them, which are judged by all but
// costly cases; `whole` adds orders, historic table and the cases' reasons. False: no memory, or it
// was stopped. The selftest is the caller's (vs_selftest_free) in any case.
bool vs_selftest_make(const vs_kill_plan* plan, bool whole, vs_selftest* selftest);
void vs_selftest_free(vs_selftest* selftest);

vs_selftest_gates vs_selftest_judge(const vs_selftest* selftest);
bool vs_selftest_holds(const vs_selftest_gates* gates);

// For people: what was not as it should be, in full, then the numbers.
void vs_selftest_show(FILE* out, const vs_selftest* selftest);
// Every row and cell. False: no memory, or it could not be written.
bool vs_selftest_json(FILE* out, const vs_selftest* selftest);
bool vs_selftest_html(FILE* out, const vs_selftest* selftest);

#endif  // VS_CLI_SELFTEST_H_
