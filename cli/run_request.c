// SPDX-License-Identifier: BSD-3-Clause
#include "run_request.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common.h"
#include "filters.h"
#include "results/run_journal.h"
#include "text/file.h"

// --- what is asked for ------------------------------------------------------------------------

// `*at` is its place among the targets.
static bool add_target(vs_run_request* request, const char* spec, size_t* at) {
  for (*at = 0; *at < request->target_count; (*at)++) {
    if (strcmp(request->targets[*at].spec, spec) == 0) return true;
  }
  if (!vs_find_target(spec, &request->targets[*at])) return false;
  request->target_count++;
  return true;
}

// Whoever did not ask for a backend is not told that the profile speaks of another architecture.
static bool add_defaults(vs_run_request* request) {
  for (size_t i = 0; i < vs_default_target_count; i++) {
    size_t at;
    vs_target target;
    if (!vs_target_parse(vs_default_targets[i], &target)) return false;
    uint8_t arch = request->profile->arch;
    if (arch != 0 && arch != target.backend->arch) continue;
    if (!add_target(request, vs_default_targets[i], &at)) return false;
  }
  return true;
}

static bool add_targets(vs_run_request* request, const vs_arguments* arguments) {
  const char* const* asked = arguments->values[VS_OPTION_BACKEND];
  size_t count = arguments->counts[VS_OPTION_BACKEND];
  size_t at;
  if (count == 0 && !add_defaults(request)) return false;
  for (size_t i = 0; i < count; i++) {
    if (!add_target(request, asked[i], &at)) return false;
    request->named[at] = true;
  }
  for (size_t i = 0; i < arguments->counts[VS_OPTION_REQUIRE_BACKEND]; i++) {
    if (!add_target(request, arguments->values[VS_OPTION_REQUIRE_BACKEND][i], &at)) return false;
    request->required[at] = true;
  }
  return true;
}

// Scripts that are named, or else the program's own.
static const vs_case* case_at(const vs_run_request* request, size_t i) {
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

static bool select_cases(vs_run_request* request, const vs_arguments* arguments) {
  size_t filters = arguments->counts[VS_OPTION_FILTER];
  if (!vs_inputs_read(&request->inputs, arguments->words, arguments->word_count)) return false;
  if (!are_scripts(&request->inputs)) return false;
  const bool ours = request->inputs.count == 0;
  const size_t idle = ours ? vs_complain_of_filters(arguments, VS_OPTION_FILTER, NULL) : 0;
  if (idle > 0 && idle < filters) return false;
  if (ours && vs_complain_of_filters(arguments, VS_OPTION_REQUIRE, NULL) > 0) return false;
  size_t count = request->inputs.count > 0 ? request->inputs.count : vs_case_count;
  request->cases = vs_needed(calloc(count, sizeof(const vs_case*)));
  vs_index seen = {0};  // a script that is named twice is judged once
  size_t number;
  for (size_t i = 0; i < count; i++) {
    const vs_case* c = case_at(request, i);
    bool wanted = filters == 0;
    for (size_t k = 0; k < filters && !wanted; k++) {
      wanted = vs_case_matches(c, arguments->values[VS_OPTION_FILTER][k]);
    }
    bool mine = i % request->shards == request->shard - 1;
    if (wanted && mine && vs_index_add(&seen, c->id, &number))
      request->cases[request->case_count++] = c;
  }
  vs_index_free(&seen);
  return true;
}

static bool understand(vs_run_request* request, const vs_arguments* arguments) {
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

// A name is one backend's, and a machine is told in a statement alone.
static bool are_of_use(const vs_run_request* request) {
  if (!vs_is_backend_name(request->as)) return false;
  if (request->as != NULL && request->target_count != 1) {
    fprintf(stderr, "vcpuspec: --as names one backend: name that by --backend\n");
    return false;
  }
  if (request->machine == NULL || request->statement != NULL) return true;
  fprintf(stderr, "vcpuspec: --on is the machine that a statement tells: it needs --statement\n");
  return false;
}

static bool read_expectations(vs_run_request* request) {
  vs_fault fault;
  const char* path = vs_argument(request->arguments, VS_OPTION_EXPECT, NULL);
  if (path == NULL) return true;
  if (!vs_expectations_read(path, &request->expected, &fault))
    return vs_complain_of_text(path, &fault);
  request->expect = path;
  return true;
}

// Whatever a part of the cases does not tell would be lost.
static vs_exit may_write(const vs_run_request* request) {
  vs_why why;
  bool filtered = request->arguments->counts[VS_OPTION_FILTER] > 0;
  if (filtered || request->shards > 1) {
    fprintf(stderr,
            "vcpuspec: --write-expect needs every case: leave out --%s, or edit the file by hand\n",
            filtered ? "filter" : "shard");
    return VS_EXIT_USAGE;
  }
  if (vs_file_can_be_put(request->write_expect, &why)) return VS_EXIT_CONFORMS;
  fprintf(stderr, "vcpuspec: %s\n", why.text);
  return VS_EXIT_INFRASTRUCTURE;
}

// Its verdicts follow from the traces of this run, and it is of nothing but what everybody has.
static bool may_state(vs_run_request* request) {
  const vs_arguments* a = request->arguments;
  const size_t part = a->counts[VS_OPTION_FILTER] + a->word_count;
  const bool whole = part == 0 && request->shards == 1 && request->resume == NULL;
  const size_t named = a->counts[VS_OPTION_BACKEND] + a->counts[VS_OPTION_REQUIRE_BACKEND];
  if (!whole || named == 0 || request->target_count != 1) {
    fprintf(
        stderr,
        "vcpuspec: --statement is of every case on one backend: name it by --backend, and leave "
        "out --filter, --shard, --resume and scripts\n");
    return false;
  }
  if (request->expect == NULL) return true;
  for (size_t i = 0; i < request->expected.entries.count; i++) {
    const vs_expectation* entry = &request->expected.entries.at[i];
    if (vs_expectation_has_reason(entry)) continue;
    fprintf(stderr,
            "vcpuspec: %s:%zu: --statement needs a reason for each known failure: this entry has "
            "none\n",
            request->expect, entry->line);
    return false;
  }
  return true;
}

static vs_exit open_statement(vs_run_request* request) {
  vs_why why;
  if (request->statement == NULL) return VS_EXIT_CONFORMS;
  if (!may_state(request)) return VS_EXIT_USAGE;
  if (vs_file_can_be_put(request->statement, &why)) return VS_EXIT_CONFORMS;
  fprintf(stderr, "vcpuspec: %s\n", why.text);
  return VS_EXIT_INFRASTRUCTURE;
}

static bool are_apart(const char* option, const char* path, const char* other_option,
                      const char* other) {
  if (path == NULL || other == NULL || !vs_file_is_same(path, other)) return true;
  fprintf(stderr,
          "vcpuspec: %s and %s are both %s, and one would overwrite the other: give each a file of "
          "its own\n",
          option, other_option, path);
  return false;
}

// The journal that is named, or else the one beside the first report. Only what is written anew
// from what was read, --expect F --write-expect F, is one file.
// The file of traces that is judged; NULL: none is.
static const char* recorded_of(const vs_run_request* request) {
  static const char prefix[] = "recorded:";
  const char* spec = request->targets[0].spec;
  const bool recorded = request->target_count == 1 && strncmp(spec, prefix, strlen(prefix)) == 0;
  return recorded ? spec + strlen(prefix) : NULL;
}

static bool have_files_of_their_own(const vs_run_request* request) {
  char beside[VS_JOURNAL_PATH];
  const vs_report_files* reports = &request->reports;
  const char* first = vs_report_files_first(reports);
  const char* journal = request->resume;
  const char* option = journal != NULL ? "--resume" : "the journal beside the report";
  if (journal == NULL && first != NULL) {
    snprintf(beside, sizeof beside, "%s.journal", first);
    journal = beside;
  }
  return vs_are_apart(reports, "--statement", request->statement) &&
         are_apart("--statement", request->statement, option, journal) &&
         are_apart("--statement", request->statement, "--expect", request->expect) &&
         are_apart("--statement", request->statement, "--backend", recorded_of(request)) &&
         are_apart("--statement", request->statement, "--write-expect", request->write_expect) &&
         vs_are_apart(reports, "--write-expect", request->write_expect) &&
         vs_are_apart(reports, "--expect", request->expect) &&
         vs_are_apart(reports, option, journal) &&
         are_apart("--write-expect", request->write_expect, option, journal) &&
         are_apart("--expect", request->expect, option, journal);
}

vs_exit vs_run_request_read(vs_run_request* request, const vs_arguments* arguments,
                            const char* as) {
  *request = (vs_run_request){.arguments = arguments, .as = as};
  request->resume = vs_argument(arguments, VS_OPTION_RESUME, NULL);
  request->statement = vs_argument(arguments, VS_OPTION_STATEMENT, NULL);
  request->write_expect = vs_argument(arguments, VS_OPTION_WRITE_EXPECT, NULL);
  request->machine = vs_argument(arguments, VS_OPTION_ON, NULL);
  if (!understand(request, arguments) || !are_of_use(request)) return VS_EXIT_USAGE;
  if (!read_expectations(request)) return VS_EXIT_USAGE;
  vs_exit status = vs_open_reports(&request->reports, arguments);
  if (status == VS_EXIT_CONFORMS && !have_files_of_their_own(request)) status = VS_EXIT_USAGE;
  if (status == VS_EXIT_CONFORMS && request->write_expect != NULL) status = may_write(request);
  if (status == VS_EXIT_CONFORMS) status = open_statement(request);
  return status;
}

void vs_run_request_free(vs_run_request* request) {
  for (size_t i = 0; i < request->target_count; i++) vs_target_close(&request->targets[i]);
  vs_expectations_free(&request->expected);
  vs_report_files_free(&request->reports);
  vs_inputs_free(&request->inputs);
  free(request->cases);
}

// --- what there is ----------------------------------------------------------------------------

// Two backends that call themselves the same are told apart by their place on the command line.
static void tell_apart(vs_run_request* request) {
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

bool vs_run_request_probe(vs_run_request* request) {
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
