// SPDX-License-Identifier: BSD-3-Clause
// What published implementations did wrong, or otherwise, and the case that still catches each.
#ifndef VS_CLI_HISTORIC_H_
#define VS_CLI_HISTORIC_H_

#include "kills.h"

typedef struct vs_historic {
  const char* id;
  const char* who;
  const char* what;
  const char* backend;  // that does the same
  const char* profile;  // that objects; empty: none does, and the deviation is permitted by name
  const char* shown;    // id of the case that shows it
  const char* passes;   // profile under which it passes; empty: under none
  const char* source;
} vs_historic;

extern const vs_historic vs_historics[];
extern const size_t vs_historic_count;

typedef struct vs_historic_result {
  bool caught;            // the case fails under the profile that objects, or none has to
  bool passes;            // no case fails under the profile under which it passes, or there is none
  char note[VS_WHY_MAX];  // what went otherwise
} vs_historic_result;

// Judges one row. `plan` gives jobs, timeout and the cases that there are. False: no memory.
bool vs_historic_judge(const vs_historic* row, const vs_kill_plan* plan,
                       vs_historic_result* result);

#endif  // VS_CLI_HISTORIC_H_
