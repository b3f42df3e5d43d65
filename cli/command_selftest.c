// SPDX-License-Identifier: BSD-3-Clause
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common.h"
#include "filters.h"
#include "selftest/selftest.h"

enum { REPORTS = 2 };

typedef bool (*writer)(FILE* out, const vs_selftest* selftest);

typedef struct request {
  const vs_mutant** mutants;
  size_t mutant_count;
  const vs_case** cases;
  size_t case_count;
  uint64_t jobs;
  double timeout;
  bool whole;
  const char* paths[VS_REPEATS_MAX];
  writer writers[VS_REPEATS_MAX];
  size_t report_count;
} request;

static void show_progress(size_t done, size_t all, const char* id, void* context) {
  (void)context;
  fprintf(stderr, "\r\033[K%zu of %zu: %s", done, all, id);
}

// --- what is asked for ------------------------------------------------------------------------

static const vs_mutant* mutant_at(size_t i) {
  return i < vs_mutant_count ? &vs_mutants[i] : vs_mutant_of_families(i - vs_mutant_count);
}

static bool find_mutants(request* q, const vs_arguments* arguments) {
  const vs_mutant* mutant = NULL;
  size_t all = 0;
  while (mutant_at(all) != NULL) all++;
  q->mutants = calloc(all + 1, sizeof(void*));
  if (q->mutants == NULL) return false;
  for (size_t i = 0; (mutant = mutant_at(i)) != NULL; i++) {
    if (vs_filter_takes(arguments, mutant->id)) q->mutants[q->mutant_count++] = mutant;
  }
  if (q->mutant_count > 0) return true;
  fprintf(stderr, "vcpuspec: no mutant's id matches; see vcpuspec list mutants\n");
  return false;
}

static bool is_left_out(const vs_arguments* arguments, const vs_case* c) {
  for (size_t i = 0; i < arguments->counts[VS_OPTION_WITHOUT]; i++) {
    if (strcmp(arguments->values[VS_OPTION_WITHOUT][i], c->id) == 0) return true;
  }
  return false;
}

static bool complain_of_case(const char* id) {
  const char** names = calloc(vs_case_count, sizeof *names);
  if (names == NULL) return false;
  for (size_t i = 0; i < vs_case_count; i++) names[i] = vs_cases[i].id;
  vs_complain("case", id, names, vs_case_count, "see vcpuspec list cases");
  free(names);
  return false;
}

static bool find_cases(request* q, const vs_arguments* arguments) {
  for (size_t i = 0; i < arguments->counts[VS_OPTION_WITHOUT]; i++) {
    const char* id = arguments->values[VS_OPTION_WITHOUT][i];
    if (vs_case_find(id) == NULL) return complain_of_case(id);
  }
  q->cases = calloc(vs_case_count + 1, sizeof(void*));
  if (q->cases == NULL) return false;
  for (size_t i = 0; i < vs_case_count; i++) {
    if (!is_left_out(arguments, &vs_cases[i])) q->cases[q->case_count++] = &vs_cases[i];
  }
  return true;
}

// Before anything takes time.
static bool can_write(const char* path) {
  FILE* out = strcmp(path, "-") == 0 ? stdout : fopen(path, "a");
  if (out == NULL) fprintf(stderr, "vcpuspec: %s cannot be written\n", path);
  if (out != NULL && out != stdout) fclose(out);
  return out != NULL;
}

static bool find_reports(request* q, const vs_arguments* arguments) {
  static const char* const names[REPORTS] = {"json", "html"};
  static const writer writers[REPORTS] = {vs_selftest_json, vs_selftest_html};
  for (size_t i = 0; i < arguments->counts[VS_OPTION_REPORT]; i++) {
    const char* word = arguments->values[VS_OPTION_REPORT][i];
    const char* path = strchr(word, ':');
    size_t length = path != NULL ? (size_t)(path - word) : 0;
    size_t form = 0;
    while (form < REPORTS &&
           (strlen(names[form]) != length || memcmp(names[form], word, length) != 0))
      form++;
    if (form == REPORTS || path[1] == '\0') {
      vs_complain("report", word, names, REPORTS, "json:FILE or html:FILE");
      return false;
    }
    if (!can_write(path + 1)) return false;
    q->paths[q->report_count] = path + 1;
    q->writers[q->report_count++] = writers[form];
  }
  return true;
}

static bool read_request(request* q, const vs_arguments* arguments) {
  long cpus = sysconf(_SC_NPROCESSORS_ONLN);
  uint64_t jobs = cpus < 1 ? 1 : cpus > 64 ? 64 : (uint64_t)cpus;
  if (arguments->word_count > 0) {
    fprintf(stderr, "vcpuspec: selftest takes no words; --filter GLOB names mutants\n");
    return false;
  }
  q->whole = arguments->counts[VS_OPTION_FILTER] == 0;
  return vs_argument_number(arguments, VS_OPTION_JOBS, jobs, 1, 64, &q->jobs) &&
         vs_argument_seconds(arguments, VS_OPTION_TIMEOUT, 2, &q->timeout) &&
         find_reports(q, arguments) && find_mutants(q, arguments) && find_cases(q, arguments);
}

// --- what comes of it -------------------------------------------------------------------------

static bool write_report(const char* path, writer write, const vs_selftest* selftest) {
  bool standard = strcmp(path, "-") == 0;
  FILE* out = standard ? stdout : fopen(path, "w");
  bool good = out != NULL && write(out, selftest);
  if (out != NULL && !standard) good = fclose(out) == 0 && good;
  if (!good) fprintf(stderr, "vcpuspec: %s cannot be written\n", path);
  return good;
}

static bool uses_stdout(const request* q) {
  for (size_t i = 0; i < q->report_count; i++) {
    if (strcmp(q->paths[i], "-") == 0) return true;
  }
  return false;
}

static vs_exit conclude(const request* q, const vs_selftest* selftest) {
  bool written = true;
  vs_selftest_gates gates = vs_selftest_judge(selftest);
  vs_selftest_show(uses_stdout(q) ? stderr : stdout, selftest);
  for (size_t i = 0; i < q->report_count; i++) {
    written &= write_report(q->paths[i], q->writers[i], selftest);
  }
  if (!written || gates.unjudged > 0) return VS_EXIT_INFRASTRUCTURE;
  return vs_selftest_holds(&gates) ? VS_EXIT_CONFORMS : VS_EXIT_FAILS;
}

static vs_exit make(const request* q) {
  vs_selftest selftest;
  vs_kill_plan plan = {.mutants = q->mutants,
                       .mutant_count = q->mutant_count,
                       .cases = q->cases,
                       .case_count = q->case_count,
                       .jobs = (unsigned)q->jobs,
                       .timeout = q->timeout,
                       .declared_only = q->case_count < vs_case_count,
                       .stop = &vs_stop};
  bool terminal = isatty(STDERR_FILENO) == 1;
  if (terminal) plan.progress = show_progress;
  vs_listen_for_stop();
  bool good = vs_selftest_make(&plan, q->whole, &selftest);
  if (terminal) fputs("\r\033[K", stderr);
  vs_exit status = VS_EXIT_INFRASTRUCTURE;
  if (good) {
    status = conclude(q, &selftest);
  } else {
    fprintf(stderr, "vcpuspec: %s\n", vs_stop ? "stopped: nothing is told of a part" : "no memory");
  }
  vs_selftest_free(&selftest);
  return status;
}

vs_exit vs_command_selftest(const vs_arguments* arguments) {
  request q = {0};
  vs_exit status = read_request(&q, arguments) ? make(&q) : VS_EXIT_USAGE;
  free(q.mutants);
  free(q.cases);
  return status;
}
