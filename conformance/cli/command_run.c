// SPDX-License-Identifier: BSD-3-Clause
#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common.h"
#include "inputs.h"
#include "runner/report.h"

enum { TARGETS_MAX = 2 * VS_REPEATS_MAX + 4 };

typedef struct run_request {
  vs_target targets[TARGETS_MAX];
  size_t target_count;
  vs_inputs inputs;       // scripts that the command line names
  const vs_case** cases;  // owned
  size_t case_count;
  const vs_profile* profile;
  const char* profile_word;  // as typed
  uint64_t shard;
  uint64_t shards;
  uint64_t seed;
  uint64_t jobs;
  double timeout;
} run_request;

// --- what is asked for ------------------------------------------------------------------------

static bool add_target(run_request* request, const char* spec) {
  for (size_t i = 0; i < request->target_count; i++) {
    if (strcmp(request->targets[i].spec, spec) == 0) return true;
  }
  vs_target* target = &request->targets[request->target_count];
  if (!vs_find_target(spec, target)) return false;
  request->target_count++;
  return true;
}

// Whoever did not ask for a backend is not told that the profile speaks of another architecture.
static bool add_defaults(run_request* request) {
  for (size_t i = 0; i < vs_default_target_count; i++) {
    vs_target target;
    if (!vs_target_parse(vs_default_targets[i], &target)) return false;
    uint8_t arch = request->profile->arch;
    if (arch != 0 && arch != target.backend->arch) continue;
    if (!add_target(request, vs_default_targets[i])) return false;
  }
  return true;
}

static bool add_targets(run_request* request, const vs_arguments* arguments) {
  const char* const* asked = arguments->values[VS_OPTION_BACKEND];
  size_t count = arguments->counts[VS_OPTION_BACKEND];
  if (count == 0 && !add_defaults(request)) return false;
  for (size_t i = 0; i < count; i++) {
    if (!add_target(request, asked[i])) return false;
  }
  for (size_t i = 0; i < arguments->counts[VS_OPTION_REQUIRE]; i++) {
    if (!add_target(request, arguments->values[VS_OPTION_REQUIRE][i])) return false;
  }
  return true;
}

static bool matches(const vs_case* c, const char* glob) {
  if (fnmatch(glob, c->id, 0) == 0) return true;
  for (size_t i = 0; i < c->clause_count; i++) {
    if (fnmatch(glob, vs_clauses[c->clauses[i]].id, 0) == 0) return true;
  }
  return false;
}

// Scripts that are named, or else the program's own.
static const vs_case* case_at(const run_request* request, size_t i) {
  if (request->inputs.count > 0) return &request->inputs.items[i].c;
  return &vs_cases[i];
}

static bool are_scripts(const vs_inputs* inputs) {
  for (size_t i = 0; i < inputs->count; i++) {
    if (!inputs->items[i].document.is_trace) continue;
    fprintf(stderr, "vcpuspec: %s is a trace: judge it with vcpuspec check\n",
            inputs->items[i].c.id);
    return false;
  }
  return true;
}

static bool select_cases(run_request* request, const vs_arguments* arguments) {
  size_t filters = arguments->counts[VS_OPTION_FILTER];
  if (!vs_inputs_read(&request->inputs, arguments->words, arguments->word_count)) return false;
  if (!are_scripts(&request->inputs)) return false;
  size_t count = request->inputs.count > 0 ? request->inputs.count : vs_case_count;
  request->cases = calloc(count, sizeof(const vs_case*));
  if (request->cases == NULL) {
    fprintf(stderr, "vcpuspec: no memory\n");
    return false;
  }
  for (size_t i = 0; i < count; i++) {
    const vs_case* c = case_at(request, i);
    bool wanted = filters == 0;
    for (size_t k = 0; k < filters && !wanted; k++) {
      wanted = matches(c, arguments->values[VS_OPTION_FILTER][k]);
    }
    bool mine = i % request->shards == request->shard - 1;
    if (wanted && mine) request->cases[request->case_count++] = c;
  }
  return true;
}

static bool understand(run_request* request, const vs_arguments* arguments) {
  long cpus = sysconf(_SC_NPROCESSORS_ONLN);
  uint64_t jobs = cpus > 0 ? (uint64_t)cpus : 1;
  request->profile_word = vs_argument(arguments, VS_OPTION_PROFILE, "documented");
  request->profile = vs_find_profile(request->profile_word);
  return request->profile != NULL &&
         vs_argument_number(arguments, VS_OPTION_SEED, 0, 0, UINT64_MAX, &request->seed) &&
         vs_argument_number(arguments, VS_OPTION_JOBS, jobs < 64 ? jobs : 64, 1, 64,
                            &request->jobs) &&
         vs_argument_seconds(arguments, VS_OPTION_TIMEOUT, 10, &request->timeout) &&
         vs_argument_shard(arguments, &request->shard, &request->shards) &&
         add_targets(request, arguments) && select_cases(request, arguments);
}

// --- doing it ---------------------------------------------------------------------------------

// Two backends that call themselves the same are told apart by their place on the command line.
static void tell_apart(run_request* request) {
  for (size_t i = 0; i < request->target_count; i++) {
    for (size_t k = i + 1; k < request->target_count; k++) {
      vs_target* later = &request->targets[k];
      char name[sizeof later->name];
      if (strcmp(request->targets[i].name, later->name) != 0) continue;
      memcpy(name, later->name, sizeof name);
      snprintf(later->name, sizeof later->name, "%.40s#%zu", name, k + 1);
    }
  }
}

static bool probe_targets(run_request* request) {
  bool agree = true;
  for (size_t i = 0; i < request->target_count; i++) {
    vs_target* target = &request->targets[i];
    vs_target_probe(target, request->timeout);
    uint8_t arch = request->profile->arch;
    if (target->state != VS_TARGET_READY || arch == 0 || arch == target->arch) continue;
    fprintf(stderr, "vcpuspec: profile '%s' speaks of %s, and backend '%s' is %s\n",
            request->profile->id, vs_arch_find(arch)->name, target->spec,
            vs_arch_find(target->arch)->name);
    agree = false;
  }
  tell_apart(request);
  return agree;
}

static volatile sig_atomic_t stop;

static void ask_to_stop(int sig) {
  stop = sig;
}

static void listen_for_stop(void) {
  struct sigaction action = {.sa_handler = ask_to_stop};
  sigaction(SIGINT, &action, NULL);
  sigaction(SIGTERM, &action, NULL);
}

static void tell(const vs_run* run, const vs_case_result* result, void* context) {
  vs_report_result(stdout, result, context, vs_report_first_alike(run, result));
}

static bool is_required(const vs_arguments* arguments, const char* spec) {
  for (size_t i = 0; i < arguments->counts[VS_OPTION_REQUIRE]; i++) {
    if (strcmp(arguments->values[VS_OPTION_REQUIRE][i], spec) == 0) return true;
  }
  return false;
}

static size_t judged_on(const vs_run* run, const vs_target* target) {
  return vs_run_count(run, target, VS_VERDICT_FAIL) + vs_run_count(run, target, VS_VERDICT_FLAKY) +
         vs_run_count(run, target, VS_VERDICT_PASS) +
         vs_run_count(run, target, VS_VERDICT_PERMITTED);
}

// Something was asked for and could not be judged at all.
static bool is_infrastructure(const vs_arguments* arguments, const vs_run* run,
                              const vs_target* target) {
  bool required = is_required(arguments, target->spec);
  bool nothing = run->count > 0 && judged_on(run, target) == 0;
  if (required && target->state == VS_TARGET_READY && nothing) {
    printf("%s is required, and no case could be judged on it\n", target->name);
  }
  return target->state == VS_TARGET_BROKEN ||
         (required && (target->state == VS_TARGET_ABSENT || nothing)) ||
         vs_run_count(run, target, VS_VERDICT_BROKEN) > 0;
}

// A backend that was named, and of which nothing was learnt.
static bool is_unjudged(const vs_arguments* arguments, const vs_run* run, const vs_target* target) {
  bool named = arguments->counts[VS_OPTION_BACKEND] > 0;
  if (!named || judged_on(run, target) > 0) return false;
  printf("%s was named, and no case could be judged on it\n", target->name);
  return true;
}

static vs_exit say_exit(const char* why, vs_exit status) {
  printf("%s: exit status %d\n", why, (int)status);
  return status;
}

static vs_exit conclude(const run_request* request, const vs_arguments* arguments,
                        const vs_run* run) {
  size_t judged = 0;
  size_t failed = 0;
  bool infrastructure = false;
  bool unjudged = false;
  for (size_t i = 0; i < request->target_count; i++) {
    const vs_target* target = &request->targets[i];
    failed += vs_run_count(run, target, VS_VERDICT_FAIL);
    failed += vs_run_count(run, target, VS_VERDICT_FLAKY);
    judged += judged_on(run, target);
    infrastructure |= is_infrastructure(arguments, run, target);
    unjudged |= request->case_count > 0 && is_unjudged(arguments, run, target);
  }
  if (stop != 0) {
    return say_exit("interrupted: not every case was judged", VS_EXIT_INFRASTRUCTURE);
  }
  if (infrastructure) {
    return say_exit("could not judge everything that was asked for", VS_EXIT_INFRASTRUCTURE);
  }
  if (request->case_count == 0) {
    return say_exit("no case matches the filter (a suite is 'SUITE.*'; see vcpuspec list cases)",
                    VS_EXIT_NOTHING);
  }
  if (failed > 0) return VS_EXIT_FAILS;
  if (judged == 0 || unjudged) return say_exit("nothing was judged", VS_EXIT_NOTHING);
  return VS_EXIT_CONFORMS;
}

static vs_exit carry_out(run_request* request, const vs_arguments* arguments) {
  vs_plan plan = {.targets = request->targets,
                  .target_count = request->target_count,
                  .cases = request->cases,
                  .case_count = request->case_count,
                  .profile = request->profile,
                  .profile_word = request->profile_word,
                  .program = arguments->program,
                  .seed = request->seed,
                  .jobs = (unsigned)request->jobs,
                  .timeout = request->timeout,
                  .stop = &stop,
                  .tell = tell,
                  .context = &plan};
  vs_run run;
  if (!probe_targets(request)) return VS_EXIT_USAGE;
  listen_for_stop();
  if (!vs_run_plan(&plan, &run)) {
    fprintf(stderr, "vcpuspec: no memory\n");
    return VS_EXIT_INFRASTRUCTURE;
  }
  vs_report_matrix(stdout, &plan, &run);
  vs_exit status = conclude(request, arguments, &run);
  vs_run_free(&run);
  return status;
}

vs_exit vs_command_run(const vs_arguments* arguments) {
  run_request* request = calloc(1, sizeof *request);
  if (request == NULL) return VS_EXIT_INFRASTRUCTURE;
  setvbuf(stdout, NULL, _IOLBF, 0);  // a finished failure is printed even if we are killed
  bool understood = understand(request, arguments);
  vs_exit status = understood ? carry_out(request, arguments) : VS_EXIT_USAGE;
  vs_inputs_free(&request->inputs);
  free(request->cases);
  free(request);
  return status;
}
