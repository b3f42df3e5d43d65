// SPDX-License-Identifier: BSD-3-Clause
#include <libgen.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "campaign/campaign.h"
#include "campaign/files.h"
#include "campaign/known.h"
#include "common.h"
#include "text/file.h"

#define DIRECTORY "VCPUSPEC_FUZZERS"
#define JSON "json:"

enum { DAYS_30 = 30 * 24 * 3600, MOST_FINDINGS = 1000 };

// --- the program that fuzzes --------------------------------------------------------------------

static bool is_there(char path[VS_PATH], const char* dir, const char* within,
                     vs_fuzz_target target) {
  char name[64];
  snprintf(name, sizeof name, "vcpuspec-fuzz-%s", vs_fuzz_target_names[target]);
  vs_path(path, dir, within, name);
  return access(path, X_OK) == 0;
}

// Beside this program, or where it was installed.
static bool find_fuzzer(vs_fuzz_target target, char path[VS_PATH]) {
  char self[VS_PATH];
  const char* named = getenv(DIRECTORY);
  if (named != NULL && named[0] != '\0') {
    if (is_there(path, named, NULL, target)) return true;
    fprintf(stderr, "vcpuspec: %s, where " DIRECTORY " points, is no program that can be run\n",
            path);
    return false;
  }
  ssize_t length = readlink("/proc/self/exe", self, sizeof self - 1);
  self[length > 0 ? length : 0] = '\0';
  const char* dir = dirname(self);
  if (is_there(path, dir, "../libexec/vcpuspec", target)) return true;
  if (is_there(path, dir, NULL, target)) return true;
  fprintf(stderr,
          "vcpuspec: %s is not there: `make fuzzers` builds it; that needs the packages clang and "
          "libclang-rt-dev\n",
          path);
  return false;
}

// --- what is asked for --------------------------------------------------------------------------

typedef struct fuzz_request {
  vs_campaign_plan plan;
  vs_expectations known;
  char fuzzer[VS_PATH];
  vs_target target;
  const char* backend;
  uint64_t jobs;
} fuzz_request;

static bool find_what(const char* word, vs_fuzz_target* what) {
  for (*what = VS_FUZZ_SCRIPT; *what <= VS_FUZZ_CALL; (*what)++) {
    if (strcmp(word, vs_fuzz_target_names[*what]) == 0) return true;
  }
  vs_complain("target", word, vs_fuzz_target_names, 2, "script or call");
  return false;
}

static bool find_directory(const vs_arguments* a, vs_campaign_plan* plan) {
  if (a->word_count == 1) {
    plan->dir = a->words[0];
    return true;
  }
  if (a->word_count == 0) {
    fprintf(stderr, "vcpuspec: fuzz needs a directory for the campaign: vcpuspec fuzz DIR\n");
  } else {
    fprintf(stderr, "vcpuspec: unexpected argument '%s' (see vcpuspec fuzz --help)\n", a->words[1]);
  }
  return false;
}

static bool understand(const vs_arguments* a, fuzz_request* q) {
  vs_campaign_plan* plan = &q->plan;
  plan->quiet = a->counts[VS_OPTION_QUIET] > 0;
  plan->merge = a->counts[VS_OPTION_MERGE] > 0;
  plan->profile_word = vs_argument(a, VS_OPTION_PROFILE, "documented");
  q->backend = vs_one_backend(a, "soft");
  if (q->backend == NULL || !find_directory(a, plan) || !vs_reports_are_json(a)) return false;
  if (!find_what(vs_argument(a, VS_OPTION_TARGET, "script"), &plan->what)) return false;
  plan->profile = vs_find_profile(plan->profile_word);
  return plan->profile != NULL &&
         vs_argument_number(a, VS_OPTION_JOBS, 1, 1, VS_CAMPAIGN_JOBS, &q->jobs) &&
         vs_argument_number(a, VS_OPTION_SEED, 0, 0, UINT64_MAX, &plan->seed) &&
         vs_argument_number(a, VS_OPTION_FINDINGS, 0, 1, MOST_FINDINGS, &plan->findings) &&
         vs_argument_seconds(a, VS_OPTION_TIMEOUT, 2, &plan->timeout) &&
         vs_argument_duration(a, VS_OPTION_SECONDS, 0, DAYS_30, &plan->seconds) &&
         vs_argument_duration(a, VS_OPTION_PLATEAU, 0, DAYS_30, &plan->plateau);
}

// --- what came of it ----------------------------------------------------------------------------

// Known before a night is spent.
static bool reports_can_be_written(const vs_arguments* a) {
  for (size_t i = 0; i < a->counts[VS_OPTION_REPORT]; i++) {
    vs_why why;
    if (vs_file_can_be_put(a->values[VS_OPTION_REPORT][i] + strlen(JSON), &why)) continue;
    fprintf(stderr, "vcpuspec: %s\n", why.text);
    return false;
  }
  return true;
}

static bool print_text(FILE* out, const void* text) {
  return fputs(text, out) >= 0;
}

static bool write_text(const vs_arguments* a, const char* text) {
  for (size_t i = 0; i < a->counts[VS_OPTION_REPORT]; i++) {
    vs_why why;
    const char* path = a->values[VS_OPTION_REPORT][i] + strlen(JSON);
    if (vs_file_put_whole(path, print_text, text, &why)) continue;
    fprintf(stderr, "vcpuspec: %s\n", why.text);
    return false;
  }
  return true;
}

static bool write_reports(const vs_arguments* a, const vs_campaign_plan* plan,
                          const vs_campaign_outcome* outcome) {
  vs_file text;
  if (a->counts[VS_OPTION_REPORT] == 0) return true;
  FILE* out = vs_memory_open(&text);
  bool good = out != NULL && vs_campaign_json(out, plan, outcome);
  good = vs_memory_close(out, &text) && good;
  if (!good) fprintf(stderr, "vcpuspec: no memory for a report\n");
  good = good && write_text(a, text.text);
  vs_file_free(&text);
  return good;
}

static bool fails(const vs_campaign_outcome* o) {
  for (size_t i = 0; i < o->finding_count; i++) {
    const vs_finding* f = &o->findings[i];
    if (f->known == NULL && !vs_finding_is_stall(f)) return true;
  }
  return o->pending > 0 || o->crowded;
}

static vs_exit conclude(const vs_campaign_outcome* o) {
  uint64_t executions = o->all.executions - o->before.executions;
  uint64_t unjudged = o->all.unjudged - o->before.unjudged;
  bool broken = o->end == VS_CAMPAIGN_GAVE_UP || o->end == VS_CAMPAIGN_BROKEN || o->broken > 0;
  if (o->end == VS_CAMPAIGN_REFUSED) return VS_EXIT_USAGE;
  if (broken) return VS_EXIT_INFRASTRUCTURE;
  if (fails(o)) return VS_EXIT_FAILS;
  if (executions > unjudged) return VS_EXIT_CONFORMS;
  puts("nothing was judged: exit status 5");
  return VS_EXIT_NOTHING;
}

static vs_exit fuzz(const vs_arguments* arguments, const vs_campaign_plan* plan) {
  vs_campaign_outcome* outcome = malloc(sizeof *outcome);
  if (outcome == NULL) {
    fprintf(stderr, "vcpuspec: no memory\n");
    return VS_EXIT_INFRASTRUCTURE;
  }
  vs_campaign_end end = vs_campaign(plan, outcome);
  vs_exit status = conclude(outcome);
  bool ran = outcome->all.executions + outcome->finding_count + outcome->broken > 0;
  if (end >= VS_CAMPAIGN_GAVE_UP) fprintf(stderr, "vcpuspec: %s\n", outcome->reason.text);
  if (ran) vs_campaign_report(stdout, plan, outcome);
  if (end != VS_CAMPAIGN_REFUSED && !write_reports(arguments, plan, outcome)) {
    status = VS_EXIT_INFRASTRUCTURE;
  }
  free(outcome);
  return status;
}

static bool read_known(const vs_arguments* a, fuzz_request* q) {
  vs_fault fault;
  const char* path = vs_argument(a, VS_OPTION_KNOWN, NULL);
  if (path == NULL) return true;
  if (!vs_expectations_read(path, &q->known, &fault)) return vs_complain_of_text(path, &fault);
  q->plan.known = &q->known;
  return true;
}

static bool is_of_arch(const fuzz_request* q) {
  const vs_target* target = &q->target;
  const vs_profile* profile = q->plan.profile;
  if (profile->arch == 0 || profile->arch == target->arch) return true;
  fprintf(stderr, "vcpuspec: profile '%s' speaks of %s, and backend '%s' is %s\n", profile->id,
          vs_arch_find(profile->arch)->name, q->backend, vs_arch_find(target->arch)->name);
  return false;
}

static vs_exit prepare_and_fuzz(const vs_arguments* arguments, fuzz_request* q) {
  vs_exit status;
  if (!reports_can_be_written(arguments)) return VS_EXIT_INFRASTRUCTURE;
  if (!find_fuzzer(q->plan.what, q->fuzzer)) return VS_EXIT_INFRASTRUCTURE;
  if (!vs_find_ready_target(q->backend, q->plan.timeout, &q->target, &status)) return status;
  if (!is_of_arch(q)) return VS_EXIT_USAGE;
  vs_pass_on_no_more(&q->target);
  vs_listen_for_stop();
  q->plan.fuzzer = q->fuzzer;
  q->plan.target = &q->target;
  q->plan.program = arguments->program;
  q->plan.version = VS_VERSION;
  q->plan.jobs = (unsigned)q->jobs;
  q->plan.stop = &vs_stop;
  q->plan.out = stdout;
  q->plan.terminal = isatty(STDOUT_FILENO) == 1 && !q->plan.quiet;
  if (!q->plan.quiet) vs_known_tell_over(stderr, &q->plan);
  status = fuzz(arguments, &q->plan);
  return vs_target_is_same(&q->target) ? status : VS_EXIT_INFRASTRUCTURE;
}

vs_exit vs_command_fuzz(const vs_arguments* arguments) {
  fuzz_request q = {0};
  if (!understand(arguments, &q) || !read_known(arguments, &q)) return VS_EXIT_USAGE;
  vs_exit status = prepare_and_fuzz(arguments, &q);
  vs_target_close(&q.target);
  vs_expectations_free(&q.known);
  return status;
}
