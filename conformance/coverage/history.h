// SPDX-License-Identifier: BSD-3-Clause
// Transitions: what one call has left for the next. An event is a call with the one answer that was
// allowed; a transition is two of them, one right after the other, about the same object: the one
// that the first handle names, or that the call has made. An answer that the rules leave open is no
// event: another implementation gives another.
#ifndef VS_CONFORMANCE_COVERAGE_HISTORY_H_
#define VS_CONFORMANCE_COVERAGE_HISTORY_H_

#include "point.h"

typedef struct vs_happened {
  uint8_t call;  // vs_op_code; VS_OP_COUNT: none
  zx_status_t status;
} vs_happened;

typedef struct vs_transition {
  vs_happened before;
  vs_happened after;
} vs_transition;

// What was last done to each object of a world.
typedef struct vs_history {
  vs_happened last[VS_OBJECTS];
} vs_history;

vs_history vs_history_begin(void);

// Takes note of what judging tells. True: that was a transition, which is `*found`.
bool vs_history_note(vs_history* history, const vs_passage* passage, vs_transition* found);

bool vs_transition_same(const vs_transition* a, const vs_transition* b);

enum { VS_TRANSITION_WORDS = 128 };

// "kick OK > enter CANCELED".
void vs_transition_say(const vs_transition* transition, char words[VS_TRANSITION_WORDS]);

// A set of them.
typedef struct vs_transitions {
  vs_transition* items;  // owned
  size_t count;
  size_t capacity;
  uint8_t known[VS_CALL_COUNT * VS_CALL_COUNT];  // a hash: 0: none of these two calls is in it
} vs_transitions;

// True: it is new. A set that has no memory for it stays as it was.
bool vs_transitions_add(vs_transitions* set, const vs_transition* transition);
bool vs_transitions_has(const vs_transitions* set, const vs_transition* transition);
void vs_transitions_free(vs_transitions* set);

#endif  // VS_CONFORMANCE_COVERAGE_HISTORY_H_
