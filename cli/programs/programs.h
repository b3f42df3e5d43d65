// SPDX-License-Identifier: BSD-3-Clause
// Random programs on several backends at once: drawn, run, compared; of each disagreement that is
// no news the one instruction that is left of it.
#ifndef VS_CLI_PROGRAMS_H_
#define VS_CLI_PROGRAMS_H_

#include <signal.h>

#include "differ.h"
#include "station.h"

enum { VS_PROGRAMS_BACKENDS = 8, VS_PROGRAMS_FINDINGS = 200 };

typedef struct vs_programs_plan {
  const vs_target* targets;  // ready, of one architecture
  size_t target_count;       // 2 to VS_PROGRAMS_BACKENDS
  uint64_t seed;
  uint64_t count;  // programs; 0: until `seconds` are over
  double seconds;  // 0: until `count` are done
  double timeout;  // seconds that a program may take
  const volatile sig_atomic_t* stop;
} vs_programs_plan;

// A disagreement of the first backend and another, minimized.
typedef struct vs_programs_finding {
  vs_snippet snippet;
  vs_snippet_result first, other;
  size_t backend;  // which other
  vs_differences what;
} vs_programs_finding;

typedef struct vs_programs_outcome {
  vs_features features;                 // that every backend has
  uint64_t run;                         // programs
  uint64_t agreed;                      // on every backend
  uint64_t known;                       // disagreements that findings.def explains
  uint64_t repeated;                    // that a finding of this run explains too
  uint64_t vanished;                    // that were not there when the program was run again
  uint64_t rows[VS_KNOWN_FINDINGS];     // of those that are known, how many a row has a part in
  uint64_t ends[VS_PROGRAMS_BACKENDS];  // processes that ended or hung
  double seconds;
  size_t finding_count;
  bool is_full;  // there were more findings than there is room for
  vs_programs_finding findings[VS_PROGRAMS_FINDINGS];
} vs_programs_outcome;

typedef enum vs_programs_end {
  VS_PROGRAMS_DONE,
  VS_PROGRAMS_UNSUPPORTED,  // a backend cannot run them: `why` says which and why
  VS_PROGRAMS_BROKEN        // this machine is short of something
} vs_programs_end;

vs_programs_end vs_programs_run(const vs_programs_plan* plan, vs_programs_outcome* outcome,
                                vs_why* why);

// The finding as a text: backends, code with its disassembly, registers before and after.
void vs_programs_print(FILE* out, const vs_programs_plan* plan, const vs_programs_finding* finding);

// FORM-DIFFERENCES-DIGEST, of the finding's last instruction and of what differs.
enum { VS_PROGRAMS_NAME = 160 };
void vs_programs_name(const vs_programs_finding* finding, char name[VS_PROGRAMS_NAME]);

#endif  // VS_CLI_PROGRAMS_H_
