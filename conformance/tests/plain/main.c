// SPDX-License-Identifier: BSD-3-Clause
// main [--times] [FILE]: runs the tests, those that FILE names first and in its order, until one
// fails: then it is named, and the exit status is 1. --times: how many microseconds each takes.
// Ends by SIGXCPU after six seconds of the CPU, three times what all of them take.
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "criterion/criterion.h"

enum { TESTS_MAX = 512 };

static struct {
  const char* name;
  void (*run)(void);
  bool done;
} tests[TESTS_MAX];
static unsigned count;
static const char* running;

void plain_add(const char* name, void (*run)(void)) {
  if (count == TESTS_MAX) abort();
  tests[count].name = name;
  tests[count++].run = run;
}

_Noreturn void plain_fail(const char* file, int line) {
  fprintf(stderr, "FAIL %s %s:%d\n", running, file, line);
  _exit(1);
}

static void run(unsigned i, bool times) {
  struct timespec a, b;
  running = tests[i].name;
  tests[i].done = true;
  clock_gettime(CLOCK_MONOTONIC, &a);
  tests[i].run();
  clock_gettime(CLOCK_MONOTONIC, &b);
  long us = (b.tv_sec - a.tv_sec) * 1000000 + (b.tv_nsec - a.tv_nsec) / 1000;
  if (times) fprintf(stderr, "%ld %s\n", us, running);
}

static void run_named(const char* path, bool times) {
  char name[256];
  FILE* in = fopen(path, "r");
  if (in == NULL) exit(2);
  while (fgets(name, sizeof name, in) != NULL) {
    name[strcspn(name, "\n")] = '\0';
    for (unsigned i = 0; i < count; i++) {
      if (!tests[i].done && strcmp(tests[i].name, name) == 0) run(i, times);
    }
  }
  fclose(in);
}

int main(int argc, char** argv) {
  bool times = argc > 1 && strcmp(argv[1], "--times") == 0;
  const struct rlimit limit = {6, 7};
  if (setrlimit(RLIMIT_CPU, &limit) != 0) return 2;
  // What tests print for people is not wanted here.
  if (freopen("/dev/null", "w", stdout) == NULL) return 2;
  if (argc > 1 + times) run_named(argv[1 + times], times);
  for (unsigned i = 0; i < count; i++) {
    if (!tests[i].done) run(i, times);
  }
  return 0;
}
