// SPDX-License-Identifier: BSD-3-Clause
// A campaign: fuzzing processes, their supervisor, and a directory that keeps all that they find.
// Whoever of them ends, at any moment and in any way, no finding is lost: what a process finds is a
// whole file at once, what it executes stands in memory that outlives it, and a finding is made of
// either before either is forgotten.
//
//   DIR/campaign     what it is of
//   DIR/corpus/      inputs, of libFuzzer
//   DIR/set-aside/   inputs that the implementation did not survive: each process would meet them
//   DIR/raw/         scripts as the processes ran them: violations, and crash-N of process N
//   DIR/findings/    the same, as small as could be made, once for each (clause, allowed, got)
//   DIR/broken/      scripts that ended the process, by no fault of the implementation's
//   DIR/state.N      what process N has done and does; DIR/totals: what those that ended have done
//   DIR/log.J        what the latest process of job J printed
#ifndef VS_FUZZ_CAMPAIGN_CAMPAIGN_H_
#define VS_FUZZ_CAMPAIGN_CAMPAIGN_H_

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

// The outcome is large: the caller's, and not on the stack.
vs_campaign_end vs_campaign(const vs_campaign_plan* plan, vs_campaign_outcome* outcome);

void vs_campaign_report(FILE* out, const vs_campaign_plan* plan,
                        const vs_campaign_outcome* outcome);

// As JSON, of docs/campaign.schema.json. False: no memory.
bool vs_campaign_json(FILE* out, const vs_campaign_plan* plan, const vs_campaign_outcome* outcome);

// "script", "call".
extern const char* const vs_fuzz_target_names[2];

#endif  // VS_FUZZ_CAMPAIGN_CAMPAIGN_H_
