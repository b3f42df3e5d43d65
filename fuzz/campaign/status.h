// SPDX-License-Identifier: BSD-3-Clause
// How a campaign goes, in one line.
#ifndef VS_FUZZ_CAMPAIGN_STATUS_H_
#define VS_FUZZ_CAMPAIGN_STATUS_H_

#include "plan.h"

typedef struct vs_status {
  double elapsed;  // seconds of this run
  double rate;     // inputs per second, of late
  uint64_t executions;
  size_t tuples;
  size_t points;     // combinations that were reached
  size_t reachable;  // of these; 0: they are not counted
  size_t corpus;
  size_t findings;  // that are not known
  size_t known;
  size_t pending;
  double since;  // seconds since anything new
} vs_status;

// "00:12:31".
void vs_say_time(double seconds, char text[32]);

// On a terminal the line is written over by the next.
void vs_status_print(FILE* out, const vs_status* status, bool terminal);
void vs_status_clear(FILE* out, bool terminal);

#endif  // VS_FUZZ_CAMPAIGN_STATUS_H_
