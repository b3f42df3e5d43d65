// SPDX-License-Identifier: BSD-3-Clause
// What was executed when a fuzzing process ended, as a raw finding.
#ifndef VS_FUZZ_CAMPAIGN_CRASH_H_
#define VS_FUZZ_CAMPAIGN_CRASH_H_

#include "plan.h"
#include "process/child.h"

typedef struct vs_crash {
  vs_fuzz_phase phase;          // that the process was in
  bool foreign;                 // somebody else may have ended it
  bool hang;                    // we have, for want of progress
  char tag[32];                 // the same in a word: "SIGSEGV"
  char word[VS_DEATH_WORD];     // as vs_death_word has it; empty: nobody has seen it
  char death[VS_FINDING_LINE];  // and in a sentence
} vs_crash;

// Of a process that has ended; `hung` if it was for want of progress, for `timeout` seconds.
vs_crash vs_crash_of(const vs_child* child, uint32_t phase, bool hung, double timeout);

// Of one whose state is all that is left.
vs_crash vs_crash_left(uint32_t phase);

// "crash-N.vcpu"
void vs_crash_name(uint64_t serial, char name[VS_FINDING_NAME]);
bool vs_crash_is_name(const char* name);

// Writes the file. False: the state tells of no script, or it cannot be written.
bool vs_crash_write(const vs_campaign_plan* plan, uint64_t serial, const vs_crash* crash,
                    const vs_fuzz_state* state);

// What a text of this sort says.
vs_crash vs_crash_read(const char* text);

#endif  // VS_FUZZ_CAMPAIGN_CRASH_H_
