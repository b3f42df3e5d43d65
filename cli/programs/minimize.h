// SPDX-License-Identifier: BSD-3-Clause
// Makes a snippet on which two backends disagree smaller: instructions are left out one at a time,
// then registers and memory become zero where the disagreement stays.
#ifndef VS_CLI_SNIPPET_MINIMIZE_H_
#define VS_CLI_SNIPPET_MINIMIZE_H_

#include "differ.h"
#include "station.h"

typedef struct vs_duel {
  vs_station* first;
  vs_station* other;
  vs_differences ignored;
  bool broken;  // no process could be started any more
} vs_duel;

// Runs it on both; what differs, without what is ignored. 0 also of what is not sound.
vs_differences vs_duel_fight(vs_duel* duel, const vs_snippet* snippet, vs_snippet_result* first,
                             vs_snippet_result* other);

// `snippet` makes a difference; it still does afterwards.
void vs_duel_minimize(vs_duel* duel, vs_snippet* snippet);

#endif  // VS_CLI_SNIPPET_MINIMIZE_H_
