// SPDX-License-Identifier: BSD-3-Clause
// What the lab has its guests do, and what it makes of what they did.
#ifndef VS_CLI_LAB_LAB_H_
#define VS_CLI_LAB_LAB_H_

#include "cases/cases.h"
#include "lane.h"
#include "results/exit.h"

typedef struct vs_lab_plan {
  const vs_case* const* cases;
  size_t case_count;
  const char* inside;   // the backend that is judged in the guest
  const char* profile;  // by which sweep judges there
  double timeout;       // seconds a call may take there
  uint64_t seed;        // of the register values
  bool whole;           // also sweeps, and the lane's scripts
} vs_lab_plan;

// What the first process of the lane's guest is to do (init.c); to free. NULL: no memory.
char* vs_lab_plan_of(const vs_lab_plan* plan, const vs_lane* lane);

// Fills kernel, modules and programs of a lane of Debian's kernel. `program` is how vcpuspec was
// called: what the guest runs is beside it, or where it is installed. False: one is not there;
// `why` says which, and how it gets there.
bool vs_lab_find(vs_lane* lane, const char* programs, vs_why* why);
// Programs alone.
bool vs_lab_find_programs(vs_lane* lane, const char* programs, vs_why* why);

// One line about the kernel of a lane of Debian's: its package and version; "": not known.
void vs_lab_describe(const vs_lane* lane, char* text, size_t size);

// Boots every lane at the same time and waits until all are over. `progress` may be NULL.
void vs_lab_boot(vs_lane* lanes, size_t count, const volatile sig_atomic_t* stop, FILE* progress);

// Tells what became of a lane, and of what ran in it. The status to exit with, as far as
// these decide it: conforms, fails, or infrastructure.
vs_exit vs_lab_tell(const vs_lane* lane, FILE* out);

// Of conforms, fails and infrastructure, that which stands.
vs_exit vs_lab_worse(vs_exit a, vs_exit b);

#endif  // VS_CLI_LAB_LAB_H_
