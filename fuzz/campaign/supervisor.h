// SPDX-License-Identifier: BSD-3-Clause
// What the parts of the supervisor share. Internal to campaign/.
#ifndef VS_FUZZ_CAMPAIGN_SUPERVISOR_H_
#define VS_FUZZ_CAMPAIGN_SUPERVISOR_H_

#include "examine.h"
#include "fuzzer.h"

typedef struct vs_supervisor {
  const vs_campaign_plan* plan;
  vs_campaign_outcome* outcome;
  vs_fuzzer fuzzers[VS_CAMPAIGN_JOBS];
  vs_totals earlier;   // what processes have done that ended
  double base;         // seconds that the campaign had lasted before
  double started;      // vs_now()
  double ended;        // the same, when no more was fuzzed; 0: it still is
  double last_new;     // when something new was seen last
  double tended;       // when the processes were looked at last
  unsigned fruitless;  // processes in a row that executed nothing
  bool over;           // `end` and `reason` of the outcome are set
  // Raw findings.
  vs_examiner examiner;
  size_t pending;
  size_t pending_crashes;
  char next[VS_FINDING_NAME + 8];    // one of them; empty: there is none
  char failed[VS_FINDING_NAME + 8];  // that whose examination ended before its time
  size_t new_findings;
} vs_supervisor;

// Ends the campaign, for that reason.
#define LIMITED "this machine's limit of %s ended a process"
void vs_supervisor_end(vs_supervisor* s, vs_campaign_end end, const char* format, ...)
    __attribute__((format(printf, 3, 4)));
// Tells people, beside the line of how it goes.
void vs_supervisor_say(const vs_supervisor* s, const char* format, ...)
    __attribute__((format(printf, 2, 3)));
// Seconds that the campaign has lasted, with earlier runs.
double vs_supervisor_seconds(const vs_supervisor* s);
// Writes DIR/totals. False: the campaign has ended.
bool vs_supervisor_save(vs_supervisor* s);

// --- jobs.c -----------------------------------------------------------------------------------

// Adds what the processes of an earlier run have left.
void vs_jobs_gather(vs_supervisor* s);
// Sees which have ended, and starts others.
void vs_jobs_tend(vs_supervisor* s);
// True if none of those that run has executed anything, and one has had --timeout for it, or the
// last that ended had not either.
bool vs_jobs_are_fruitless(const vs_supervisor* s);
// Ends all.
void vs_jobs_stop(vs_supervisor* s);

// --- queue.c ----------------------------------------------------------------------------------

// Reads the findings that are there.
void vs_queue_load(vs_supervisor* s);
// Looks for raw findings, and has one at a time examined.
void vs_queue_tend(vs_supervisor* s);
// Ends the examination, if there is one: the raw finding is still there.
void vs_queue_stop(vs_supervisor* s);

#endif  // VS_FUZZ_CAMPAIGN_SUPERVISOR_H_
