// SPDX-License-Identifier: BSD-3-Clause
// One job of a campaign: a fuzzing process after another, and what they leave behind.
#ifndef VS_FUZZ_CAMPAIGN_FUZZER_H_
#define VS_FUZZ_CAMPAIGN_FUZZER_H_

#include "crash.h"
#include "files.h"
#include "plan.h"

typedef struct vs_fuzzer {
  const vs_campaign_plan* plan;
  unsigned job;
  uint64_t serial;  // of the process; 0: there is none
  vs_child child;
  vs_fuzz_state* state;  // mapped; NULL: there is none
  double started;
  double moved;       // when it was last seen to get on
  uint64_t progress;  // as last seen
  bool hung;          // we ended it for want of progress
  double rest;        // vs_now() from which on the next may be started
} vs_fuzzer;

// DIR/state.N
void vs_state_path(const char* dir, uint64_t serial, char path[VS_PATH]);
// Maps it; `make`: a fresh one. NULL: it cannot be, or it is none.
vs_fuzz_state* vs_state_map(const char* path, bool make);
void vs_state_unmap(vs_fuzz_state* state);

// Starts process number `serial`. False: the machine cannot.
bool vs_fuzzer_start(vs_fuzzer* fuzzer, uint64_t serial);

// True once the process has ended, by itself or because it got on no more. Does not wait.
bool vs_fuzzer_ended(vs_fuzzer* fuzzer);

// Empties its log, if that has become long.
void vs_fuzzer_tend_log(const vs_fuzzer* fuzzer);

// The last lines that the job's latest process printed.
void vs_fuzzer_last_words(const vs_fuzzer* fuzzer, char* text, size_t size);

// What a process is told: its environment, and what it prints goes to `log`.
void vs_fuzzer_environment(const vs_campaign_plan* plan, const char* log);

#endif  // VS_FUZZ_CAMPAIGN_FUZZER_H_
