// SPDX-License-Identifier: BSD-3-Clause
// Where two profiles differ: the classes of call that they answer differently, each by the fewest
// faults that show it, and the effects on which they do not agree.
#ifndef VS_CLI_DIFF_H_
#define VS_CLI_DIFF_H_

#include "decide.h"

enum { VS_DIFF_WORDS = 512 };

// One side of a difference.
typedef struct vs_diff_side {
  const vs_profile* profile;
  vs_arch arch;
  vs_decision decision;       // of the script's last call; not of an effect
  char words[VS_DIFF_WORDS];  // what it answers, or does
  vs_script script;           // laid out for `arch`
} vs_diff_side;

typedef struct vs_difference {
  bool effect;                // not the answer differs, but what the call does
  char words[VS_DIFF_WORDS];  // the call
  vs_diff_side sides[2];
} vs_difference;

// Tells of every difference between the profiles, answers first, the fewest faults first. What is
// told is valid during the call. Of an architecture that both speak of, both sides are of that one;
// if there is none, each is of its own. False: no memory.
bool vs_profiles_diff(const vs_profile* a, const vs_profile* b,
                      void (*tell)(const vs_difference* difference, void* context), void* context);

#endif  // VS_CLI_DIFF_H_
