// SPDX-License-Identifier: BSD-3-Clause
// Every order in which the checks could be made. The page leaves the order open, so `documented`
// may object to none; a kernel's profile objects to all but its own.
#ifndef VS_CLI_ORDERS_H_
#define VS_CLI_ORDERS_H_

#include "kills.h"

// Orders that no caller can tell apart are one class: no call can have two of their reasons at
// once, or they answer alike.
typedef struct vs_order_class {
  uint8_t order[VS_MUTANT_REASON_COUNT];  // one of its orders: numbers of vs_mutant_reason_at
  size_t orders;                          // in it
  const vs_case* documented;              // a case that `documented` fails; NULL: none
  const vs_case* ordered;                 // a case that the ordered profile fails; NULL: none
} vs_order_class;

typedef struct vs_orders {
  size_t permutations;  // of the reasons: 9! = 362,880
  // Sets of reasons that a combination of a sweep's product has at once.
  bool possible[1 << VS_MUTANT_REASON_COUNT];
  size_t sets;
  size_t sets_met;                              // of which some case has a call
  uint16_t unmet[1 << VS_MUTANT_REASON_COUNT];  // those of which none has: sets - sets_met of them
  size_t answers;                               // different traces that were judged
  vs_order_class* classes;
  size_t class_count;
  size_t own;      // the class of the ordered profile's own order
  size_t flagged;  // classes that `documented` fails: 0, or it is stricter than the page
  size_t missed;   // classes but `own` that the ordered profile passes: 0, or a case is wanting
  double seconds;
} vs_orders;

// Runs each case once, on a backend that tells all the reasons that it has to refuse a call, and
// judges what each order would have answered, under `documented` and under "zircon-x64". Left out:
// cases whose threads race. False: no memory, or the backend cannot run; `reason` (VS_WHY_MAX
// bytes) says so. The orders are the caller's (vs_orders_free) in any case.
bool vs_orders_make(const vs_kill_plan* plan, vs_orders* orders, vs_why* reason);
void vs_orders_free(vs_orders* orders);

// "bad_handle and kind": a set of reasons, in words.
void vs_reasons_say(unsigned set, char* text, size_t size);

// "bad_handle kind ..." : an order, in words.
void vs_order_say(const uint8_t* order, char* text, size_t size);

#endif  // VS_CLI_ORDERS_H_
