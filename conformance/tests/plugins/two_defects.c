// SPDX-License-Identifier: BSD-3-Clause
// Accepts a kind that there is not; with VS_SECOND in the environment, also answers a wrong size as
// no page asks ("status"), or dies of another kind ("death"), and of no size at all ("ends"); with
// "copies", a copy of the process that it makes goes on in its place; with "traced", a process in
// another session traces it, and never takes note of its end; with "spins", a write never ends, and
// uses up the CPU; with "forges", it says in all memory that is shared that the case is done, and
// ends well; with "replaced", the file VS_OTHER takes the place of VS_ITSELF.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

#include "wrong.h"

static bool is_second(const char* what) {
  const char* second = getenv("VS_SECOND");
  return second != NULL && strcmp(second, what) == 0;
}

static void be_traced(void) {
  static pid_t tracer;
  int ready[2];
  char byte;
  if (tracer != 0 || pipe(ready) != 0) return;
  prctl(PR_SET_PTRACER, PR_SET_PTRACER_ANY);
  tracer = fork();
  if (tracer == 0) {
    setsid();
    ptrace(PTRACE_SEIZE, getppid(), NULL, NULL);
    if (write(ready[1], "", 1) < 0) _exit(1);
    for (;;) pause();
  }
  if (read(ready[0], &byte, 1) < 0) return;
}

// A byte that is set where the runner's record may lie, as `done` of vs_record does.
static void forge(void) {
  enum { DONE = 12 };
  char line[512];
  FILE* maps = fopen("/proc/self/maps", "r");
  while (maps != NULL && fgets(line, sizeof line, maps) != NULL) {
    char kind[8] = "";
    unsigned long from = 0;
    if (sscanf(line, "%lx-%*x %7s", &from, kind) == 2 && strcmp(kind, "rw-s") == 0)
      ((volatile unsigned char*)from)[DONE] = 1;
  }
  _exit(0);
}

WRONG_WRITE() {
  if (is_second("forges")) forge();
  if (is_second("traced")) be_traced();
  for (volatile unsigned i = 0; is_second("spins"); i++) continue;
  if (is_second("replaced")) rename(getenv("VS_OTHER"), getenv("VS_ITSELF"));
  if (kind == 2) return ZX_OK;
  if (is_second("status") && kind < 2 && size == 135) return ZX_ERR_BUFFER_TOO_SMALL;
  if (is_second("death") && kind > 2) abort();
  if (is_second("ends") && (kind > 2 || size == 0)) abort();
  if (is_second("copies") && kind == ZX_VCPU_IO) {
    pid_t copy = fork();
    if (copy > 0) {
      waitpid(copy, NULL, 0);
      _exit(0);
    }
  }
  return right(handle, kind, buffer, size);
}
