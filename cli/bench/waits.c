// SPDX-License-Identifier: BSD-3-Clause
#include "waits.h"

#include <string.h>

#include "common/refuse.h"
#include "process/child.h"
#include "program.h"
#include "race.h"

enum { MOST = 15 };  // times

const vs_wait vs_waits[] = {
    {.id = "wait.jobs_1", .words = {"run", "--backend", "soft", "--jobs", "1"}, .aim = 3},
    {.id = "wait.jobs_2", .words = {"run", "--backend", "soft", "--jobs", "2"}, .aim = 3},
    {.id = "wait.failure",
     .words = {"run", "--backend", "mutant:kind_8_bits"},
     .status = 1,
     .failure = true,
     .aim = 0.5},
    {.id = "wait.built_in", .words = {"run"}, .aim = 5},
};
const size_t vs_wait_count = sizeof vs_waits / sizeof vs_waits[0];

static bool run_once(const vs_wait* wait, double* took, double* whole, vs_why* reason) {
  char* argv[sizeof wait->words / sizeof wait->words[0] + 2] = {(char*)"vcpuspec"};
  if (wait->program != NULL) argv[0] = (char*)wait->program;
  vs_program_cost cost;
  for (size_t i = 0; wait->words[i] != NULL; i++) argv[i + 1] = (char*)wait->words[i];
  if (!vs_program_run(argv, &cost)) return vs_refuse(reason, "it could not be started");
  *took = wait->failure ? cost.failure : cost.seconds;
  *whole = cost.seconds;
  if (cost.status != wait->status)
    return vs_refuse(reason, "it ended with status %d, not %d", cost.status, wait->status);
  return *took >= 0 || vs_refuse(reason, "it told no failure");
}

double vs_wait_measure(const vs_wait* wait, double seconds, vs_why* reason) {
  double took[MOST];
  size_t count = 0;
  double whole = 0;
  for (double left = seconds; count < MOST && (count == 0 || left > 0) && !vs_waits_stopped();
       count++) {
    if (!run_once(wait, &took[count], &whole, reason)) return -1;
    left -= whole;
  }
  if (vs_waits_stopped()) {
    vs_refuse(reason, "it was to end");
    return -1;
  }
  return vs_quantile(took, count, 0.5);
}
