// SPDX-License-Identifier: BSD-3-Clause
// Shims and plugins that come to a bad end anywhere: each fault fails the case that it met, by
// name, and no other; no result is lost.
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "judging.h"

enum { LEAST = 60, RUNS_MOST = 2000 };

// How many faults a test waits for: VS_FAULTS_TOTAL, or a few.
static size_t wanted(void) {
  const char* text = getenv("VS_FAULTS_TOTAL");
  return text != NULL ? strtoul(text, NULL, 10) : LEAST;
}

// A race that went wrong is run again, and what it meets then is told with the first failure.
static bool races(const vs_case* c) {
  return strstr(c->text, " start ") || strstr(c->text, "held=") || strstr(c->text, "flip=");
}

static const vs_case** cases_without_races(size_t* count) {
  const vs_case** cases = calloc(vs_case_count, sizeof *cases);
  *count = 0;
  for (size_t i = 0; i < vs_case_count; i++) {
    if (!races(&vs_cases[i])) cases[(*count)++] = &vs_cases[i];
  }
  return cases;
}

static char log_path[64];

static bool is_met(const vs_run* run, const char* line) {
  for (size_t i = 0; i < run->count; i++) {
    if (strstr(run->results[i].errors, line) != NULL) return true;
  }
  return false;
}

// Every fault that was told is in some result.
static void all_are_met(const vs_run* run) {
  char line[256];
  FILE* log = fopen(log_path, "r");
  while (log != NULL && fgets(line, sizeof line, log)) {
    bool counts = strncmp(line, "injected ", 9) == 0;
    cr_expect(!counts || is_met(run, line), "lost: %s", line);
  }
  if (log != NULL) fclose(log);
}

static void begin_log(void) {
  snprintf(log_path, sizeof log_path, "/tmp/vcpuspec-faults-%d", (int)getpid());
  unlink(log_path);
  setenv("VS_FAULT_LOG", log_path, 1);
}

// A fault in a case is told by the case, and a case without one ends as it does without faults.
static size_t check_run(const vs_run* run, const vs_run* sound) {
  size_t met = 0;
  for (size_t i = 0; i < run->count; i++) {
    const vs_case_result* result = &run->results[i];
    bool failed = result->verdict == VS_VERDICT_FAIL;
    bool told = strstr(result->errors, "injected ") != NULL;
    // Whether it still answers shows in the case, whoever it was that was told to.
    bool away = strstr(result->errors, "idle fork_away") != NULL;
    if (failed && !told && away) continue;
    met += failed;
    cr_expect(failed == told, "%s is %s, and its standard error is '%s' (%s)", result->c->id,
              vs_verdict_names[result->verdict], result->errors, result->note);
    if (failed) continue;
    cr_expect(result->verdict == sound->results[i].verdict, "%s is %s without a fault (%s)",
              result->c->id, vs_verdict_names[result->verdict], result->note);
  }
  cr_expect(run->count == sound->count, "results were lost");
  return met;
}

static void survive(const char* spec, const char* faults, size_t total, double timeout) {
  size_t count;
  const vs_case** cases = cases_without_races(&count);
  unsetenv("VS_FAULTS");
  vs_target target = judging_target(spec);
  cr_assert(target.state == VS_TARGET_READY, "%s", target.reason);
  vs_run sound = judging_run(&target, cases, count, "documented", 30);
  cr_expect(vs_run_count(&sound, &target, VS_VERDICT_FAIL) == 0);
  cr_expect(vs_run_count(&sound, &target, VS_VERDICT_PASS) > 40);
  setenv("VS_FAULTS", faults, 1);
  size_t met = 0;
  for (unsigned runs = 0; met < total && runs < RUNS_MOST; runs++) {
    begin_log();
    vs_run run = judging_run(&target, cases, count, "documented", timeout);
    size_t here = check_run(&run, &sound);
    all_are_met(&run);
    met += here;
    vs_run_free(&run);
  }
  unlink(log_path);
  cr_expect(met >= total, "too few faults came up");
  fprintf(stderr, "%s: %zu faults\n", spec, met);
  vs_run_free(&sound);
  free(cases);
}

#define FAULTY                                                                                    \
  "shim:python3 -BIS " VS_SOURCE_DIR "/conformance/tests/shims/spoiled.py at_random " VS_SHIM_DIR \
  "/shim_soft_posix"

Test(faults, shim) {
  survive(FAULTY, "0 60 0 11", wanted(), 30);
}
Test(faults, shim_that_hangs) {
  survive(FAULTY, "0 2000 12 12", wanted() / 30, 10);
}
// Of a reply with a sum every byte counts.
Test(faults, shim_with_sums) {
  survive(FAULTY " --sums", "0 60 0 14", wanted(), 10);
}
Test(faults, plugin) {
  survive("plugin:" VS_PLUGIN_DIR "/faulty.so", "60 6", wanted(), 30);
}
Test(faults, plugin_that_hangs) {
  survive("plugin:" VS_PLUGIN_DIR "/faulty.so", "2000 7", wanted() / 10, 5);
}
