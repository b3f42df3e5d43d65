// SPDX-License-Identifier: BSD-3-Clause
// Makes of a raw finding a finding: runs it again, alone, as small as it gets, some times. In a
// process of its own, which may be ended at any moment: either the finding is there, or it is not.
#ifndef VS_FUZZ_CAMPAIGN_EXAMINE_H_
#define VS_FUZZ_CAMPAIGN_EXAMINE_H_

#include "plan.h"
#include "process/child.h"

typedef enum vs_examined {
  VS_EXAMINED_NOT,      // the process ended before
  VS_EXAMINED_FOUND,    // the finding was written
  VS_EXAMINED_KNOWN,    // it was there
  VS_EXAMINED_NOTHING,  // nothing is wrong with what was executed
  VS_EXAMINED_BROKEN    // something of ours is wrong: `note` says
} vs_examined;

// In memory that outlives the process.
typedef struct vs_examination {
  vs_examined outcome;
  char name[VS_FINDING_NAME];  // of the finding
  char note[VS_WHY_MAX];
  char text[1 << 16];  // what to tell people of a new one
} vs_examination;

typedef struct vs_examiner {
  const vs_campaign_plan* plan;
  char raw[VS_FINDING_NAME + 8];  // name of the file in DIR/raw; empty: nothing is examined
  uint64_t seen;                  // times, up to now
  vs_child child;
  vs_examination* result;
} vs_examiner;

// Begins. False: no process or memory to spare.
bool vs_examiner_start(vs_examiner* examiner);

// The same at once, in this process and without running anything: for what ends whoever examines
// it.
void vs_examiner_give_up(vs_examiner* examiner);

#endif  // VS_FUZZ_CAMPAIGN_EXAMINE_H_
