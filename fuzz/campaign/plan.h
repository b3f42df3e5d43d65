// SPDX-License-Identifier: BSD-3-Clause
// What a campaign is asked for, and what came of it.
#ifndef VS_FUZZ_CAMPAIGN_PLAN_H_
#define VS_FUZZ_CAMPAIGN_PLAN_H_

#include <signal.h>
#include <stdio.h>

#include "finding.h"
#include "totals.h"

enum { VS_CAMPAIGN_JOBS = 64, VS_CAMPAIGN_FINDINGS = 1024 };

typedef struct vs_campaign_plan {
  const char* dir;
  const char* fuzzer;  // path of the program that fuzzes
  vs_fuzz_target what;
  const vs_target* target;  // ready
  const vs_profile* profile;
  const char* profile_word;  // what to type for it
  const char* program;       // how the command starts that runs a finding again
  const char* version;       // of the program
  uint64_t seed;
  unsigned jobs;
  double timeout;                     // seconds a call may take
  double seconds;                     // to last; 0: until it is stopped
  double plateau;                     // seconds without anything new, to end after; 0: none
  uint64_t findings;                  // new ones not known, to end after; 0: any number
  const vs_expectations* known;       // failures that are; NULL: none
  bool merge;                         // first have libFuzzer leave out inputs that add nothing
  const volatile sig_atomic_t* stop;  // not 0: end soon
  FILE* out;                          // findings as they come, and how it goes
  bool quiet;                         // only findings, and one line at the end
  bool terminal;                      // a line that is written over again and again
} vs_campaign_plan;

typedef enum vs_campaign_end {
  VS_CAMPAIGN_TIME,
  VS_CAMPAIGN_PLATEAU,
  VS_CAMPAIGN_ENOUGH,   // findings
  VS_CAMPAIGN_STOPPED,  // asked to
  VS_CAMPAIGN_GAVE_UP,  // no process can fuzz: `reason` says
  VS_CAMPAIGN_REFUSED,  // the directory is no campaign's, or another's: `reason` says
  VS_CAMPAIGN_BROKEN,   // the directory cannot be written, no memory: `reason` says
  VS_CAMPAIGN_ENDS
} vs_campaign_end;

extern const char* const vs_campaign_ends[VS_CAMPAIGN_ENDS];

// "script", "call".
extern const char* const vs_fuzz_target_names[2];

typedef struct vs_campaign_outcome {
  vs_campaign_end end;
  vs_totals all;     // of the whole campaign
  vs_totals before;  // when this run began
  size_t corpus;     // inputs
  size_t pending;    // raw findings that are still to be looked at: the next run does
  size_t broken;     // scripts in DIR/broken
  uint64_t deaths;   // of processes, in this run
  bool crowded;      // there are more findings than have room here
  size_t finding_count;
  vs_finding findings[VS_CAMPAIGN_FINDINGS];
  vs_why reason;
} vs_campaign_outcome;

#endif  // VS_FUZZ_CAMPAIGN_PLAN_H_
