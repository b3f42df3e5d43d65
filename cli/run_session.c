// SPDX-License-Identifier: BSD-3-Clause
#include "run_session.h"
#include "results/conclude.h"

#include <sha2.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "collect.h"
#include "common.h"
#include "process/tail.h"
#include "statements/statement.h"
#include "text/file.h"

// One run: what it is asked for, and what becomes of it.
typedef struct session {
  vs_run_request* request;
  vs_plan plan;
  vs_request asked;
  vs_results* results;
  vs_run_journal journal;
  bool has_journal;
  vs_file* traces;  // of each case; owned; NULL: no statement is made
  vs_screen screen;
} session;

static vs_exit no_memory(void) {
  fprintf(stderr, "vcpuspec: no memory\n");
  return VS_EXIT_INFRASTRUCTURE;
}

// --- the journal ------------------------------------------------------------------------------

static vs_exit exit_of(vs_run_journal_state state) {
  return state == VS_RUN_JOURNAL_CANNOT ? VS_EXIT_INFRASTRUCTURE : VS_EXIT_USAGE;
}

// Nobody asked to go on from what a run that did not end has left beside the report.
static vs_exit make_way(session* s, const char* path, const vs_journal_head* wanted) {
  size_t found;
  vs_run_journal_state state = vs_run_journal_make_way(&s->journal, path, wanted, &found);
  if (state != VS_RUN_JOURNAL_OPEN) {
    fprintf(stderr, "vcpuspec: %s\n", s->journal.why.text);
    return exit_of(state);
  }
  const char* old = s->journal.old;
  if (old[0] != '\0' && found == 0) {
    fprintf(stderr, "vcpuspec: %s was of another run, and is now %s\n", path, old);
  }
  if (found == 0) return VS_EXIT_CONFORMS;
  fprintf(
      stderr,
      "vcpuspec: a run that asked for the same did not come to its end: its %zu results are now "
      "in %s, and `--resume %s` goes on from them; this run begins anew\n",
      found, old, old);
  return VS_EXIT_CONFORMS;
}

static vs_exit open_journal_at(session* s, const char* path, const vs_journal_head* wanted) {
  vs_run_journal_state state = vs_run_journal_open(&s->journal, path, wanted, &s->plan, s->results);
  s->has_journal = state == VS_RUN_JOURNAL_OPEN;
  if (s->has_journal) return VS_EXIT_CONFORMS;
  fprintf(stderr, "vcpuspec: %s\n", s->journal.why.text);
  return exit_of(state);
}

// The one that is named, or else one beside the first report.
static vs_exit open_journal(session* s) {
  char path[VS_JOURNAL_PATH];
  const char* resume = s->request->resume;
  const char* report = vs_report_files_first(&s->request->reports);
  if (resume == NULL && report == NULL) return VS_EXIT_CONFORMS;
  const vs_journal_head wanted = vs_run_journal_request(&s->results->store, &s->plan, &s->asked);
  snprintf(path, sizeof path, "%s.journal", report != NULL ? report : "");
  vs_exit status = resume == NULL ? make_way(s, path, &wanted) : VS_EXIT_CONFORMS;
  if (status == VS_EXIT_CONFORMS) {
    status = open_journal_at(s, resume != NULL ? resume : path, &wanted);
  }
  if (s->journal.was_empty && s->has_journal) {
    fprintf(stderr, "vcpuspec: %s is empty: no result stands in it, and this run begins anew\n",
            s->journal.path);
  }
  if (s->journal.found > 0 && s->has_journal && !s->screen.quiet) {
    fprintf(s->screen.out, "%zu results stand in %s from before\n\n", s->journal.found,
            s->journal.path);
  }
  return status;
}

// One that is named is kept; another only as long as it holds what no report does.
static void close_journal(session* s, bool reported) {
  bool interrupted = s->results->interrupted;
  bool whole = s->request->resume == NULL && reported && !interrupted;
  if (!s->has_journal) return;
  vs_run_journal_close(&s->journal, whole);
  if (interrupted && !s->screen.quiet) {
    fprintf(s->screen.out, "`--resume %s` with the same request goes on\n", s->journal.path);
  }
}

// --- the run ----------------------------------------------------------------------------------

static bool is_whole(const session* s) {
  for (size_t i = 0; i < s->results->results.count; i++) {
    bool ready = s->plan.targets[i / s->plan.case_count].state == VS_TARGET_READY;
    if (ready && s->results->results.at[i].id == NULL) return false;
  }
  return true;
}

static bool judge(session* s) {
  vs_run run;
  vs_collector collector = {
      .results = s->results,
      .journal = s->has_journal ? &s->journal : NULL,
      .expectations = s->request->expect != NULL ? &s->request->expected : NULL,
      .traces = s->traces,
      .telling.screen = s->screen,
      .progress = isatty(STDERR_FILENO) == 1 && !s->screen.quiet ? stderr : NULL,
  };
  vs_collector_begin(&collector, &s->plan);
  bool ran = vs_run_plan(&s->plan, &run);
  if (ran) vs_run_free(&run);
  vs_collector_end(&collector);
  vs_results_close(s->results, &s->plan, vs_stop != 0 && (collector.cut || !is_whole(s)));
  return ran;
}

static bool write_reports(const session* s) {
  vs_why why;
  if (vs_report_files_write(&s->request->reports, s->results, &why)) return true;
  fprintf(stderr, "vcpuspec: %s\n", why.text);
  return false;
}

// Of what was asked to be resumed, a part is not there; without that, reports have it all.
static bool is_kept(const session* s) {
  return s->request->resume == NULL || !s->journal.failed;
}

// The status that the program ends with is the one that it tells.
static void conclude(session* s) {
  vs_results* all = s->results;
  if (s->request->expect != NULL) vs_expectations_apply(&s->request->expected, all);
  for (size_t i = 0; i < all->backends.count; i++) {
    vs_shim* shim = s->plan.targets[i].shim;
    if (shim != NULL) all->backends.at[i].ended_between += vs_shim_take_ended(shim);
  }
  vs_results_conclude(all);
  if (is_kept(s)) return;
  all->end.status = VS_EXIT_INFRASTRUCTURE;
  all->end.why = "the journal could not be written";
}

static vs_exit tell(session* s) {
  vs_results* all = s->results;
  vs_show_end(&s->screen, all, s->request->reports.count > 0);
  if (s->screen.quiet) vs_show_sum(&s->screen, all);
  return (vs_exit)all->end.status;
}

static bool report(session* s) {
  if (write_reports(s)) return true;
  s->results->end.status = VS_EXIT_INFRASTRUCTURE;
  s->results->end.why = "a report could not be written";
  return false;
}

// --- expectations -----------------------------------------------------------------------------

// Something was to be judged and was not: what it would tell must not be lost.
static bool is_part(const session* s) {
  const vs_results* all = s->results;
  const vs_expectations* old = &s->request->expected;
  if (all->interrupted) return true;
  for (size_t i = 0; i < all->backends.count; i++) {
    if (all->backends.at[i].state != s->plan.targets[i].state) return true;
  }
  for (size_t i = 0; i < all->results.count; i++) {
    const vs_result* one = &all->results.at[i];
    if (one->verdict == VS_VERDICT_BROKEN) return true;
    if (one->verdict != VS_VERDICT_NOT_JUDGED) continue;
    if (vs_expectations_first(old, old->entries.count, all, one, false) != NULL) return true;
  }
  return false;
}

// Known before anything is judged.
static bool is_missing_a_backend(const vs_run_request* request) {
  for (size_t i = 0; i < request->target_count && request->write_expect != NULL; i++) {
    const vs_target* target = &request->targets[i];
    bool asked = request->named[i] || request->required[i];
    if (!asked || target->state == VS_TARGET_READY) continue;
    fprintf(stderr, "vcpuspec: --write-expect needs every backend that is named, and %s: %s\n",
            target->name, target->reason.text);
    return true;
  }
  return false;
}

static bool put_expectations(const session* s, const vs_expectations* renewed, size_t left_out) {
  vs_why why;
  const char* path = s->request->write_expect;
  if (!vs_file_put_whole(path, vs_expectations_print, renewed, &why)) {
    fprintf(stderr, "vcpuspec: %s\n", why.text);
    return false;
  }
  if (s->screen.quiet) return true;
  fprintf(s->screen.out, "wrote %s: %zu entries, %zu without a reason; %zu old ones left out\n",
          path, renewed->entries.count, vs_expectations_without_reason(renewed), left_out);
  return true;
}

static bool write_expectations(const session* s) {
  vs_expectations renewed;
  size_t left_out;
  const vs_expectations* old = s->request->expect != NULL ? &s->request->expected : NULL;
  if (s->request->write_expect == NULL) return true;
  if (is_part(s)) {
    fprintf(stderr, "vcpuspec: %s is left as it was: not everything that it speaks of was judged\n",
            s->request->write_expect);
    return false;
  }
  vs_expectations_renew(old, s->results, &renewed, &left_out);
  bool written = put_expectations(s, &renewed, left_out);
  vs_expectations_free(&renewed);
  return written;
}

// --- the statement ----------------------------------------------------------------------------

// Who was judged, where no file was.
static const char* greeting_of(session* s) {
  const vs_shim* shim = s->plan.targets[0].shim;
  if (shim == NULL) return NULL;
  char digest[SHA256_DIGEST_STRING_LENGTH];
  SHA256Data((const uint8_t*)vs_shim_greeting(shim), sizeof(vs_greeting), digest);
  return vs_keep(&s->results->store, digest);
}

// Traces do not tell where they were recorded.
static const char* machine_of(const session* s) {
  if (s->request->machine != NULL) return s->request->machine;
  return s->plan.targets[0].traces != NULL ? "a machine that is not told" : NULL;
}

// False: it should have been written.
static bool write_statement(session* s) {
  vs_why why;
  const vs_run_request* request = s->request;
  const vs_told told = {.results = s->results,
                        .profile = request->profile,
                        .traces = s->traces,
                        .waivers = request->expect != NULL ? request->expected.text : NULL,
                        .greeting = greeting_of(s),
                        .machine = machine_of(s)};
  if (s->traces == NULL) return true;
  if (!vs_statement_write(request->statement, &told, &why)) {
    fprintf(stderr, "vcpuspec: no statement was written: %s\n", why.text);
    return false;
  }
  if (!s->screen.quiet) fprintf(s->screen.out, "wrote %s: a statement\n", request->statement);
  return true;
}

static void free_traces(session* s) {
  for (size_t i = 0; s->traces != NULL && i < s->plan.case_count; i++) vs_file_free(&s->traces[i]);
  free(s->traces);
}

// --- all of it --------------------------------------------------------------------------------

static vs_exit run(session* s) {
  if (is_missing_a_backend(s->request)) return VS_EXIT_INFRASTRUCTURE;
  vs_exit status = open_journal(s);
  if (status != VS_EXIT_CONFORMS) return status;
  bool judged = judge(s);
  if (judged) conclude(s);
  bool reported = judged && report(s);
  status = judged ? tell(s) : no_memory();
  reported = reported && write_expectations(s);
  close_journal(s, reported);
  if (reported && !write_statement(s) && status != VS_EXIT_NOTHING) return VS_EXIT_INFRASTRUCTURE;
  return reported ? status : VS_EXIT_INFRASTRUCTURE;
}

static bool uses_stdout(const vs_run_request* request) {
  const bool statement = request->statement != NULL && strcmp(request->statement, "-") == 0;
  return statement || vs_report_files_use_stdout(&request->reports);
}

vs_exit vs_run_session(vs_run_request* request) {
  const vs_arguments* arguments = request->arguments;
  vs_coverage coverage = {.profile = request->profile};
  session s = {
      .request = request,
      .plan = {.targets = request->targets,
               .target_count = request->target_count,
               .cases = request->cases,
               .case_count = request->case_count,
               .profile = request->profile,
               .coverage = &coverage,
               .profile_word = request->profile_word,
               .program = arguments->program,
               .seed = request->seed,
               .jobs = (unsigned)request->jobs,
               .timeout = request->timeout,
               .stop = &vs_stop},
      .asked = {.program = "vcpuspec " VS_VERSION,
                .filters = arguments->values[VS_OPTION_FILTER],
                .filter_count = arguments->counts[VS_OPTION_FILTER],
                .requires = arguments->values[VS_OPTION_REQUIRE],
                .require_count = arguments->counts[VS_OPTION_REQUIRE],
                .shard = request->shard,
                .shards = request->shards,
                .required = request->required,
                .named = request->named},
      .screen = vs_screen_of(uses_stdout(request) ? stderr : stdout),
  };
  s.screen.quiet = arguments->counts[VS_OPTION_QUIET] > 0;
  vs_tails_pass_on(!s.screen.quiet);
  s.screen.full = arguments->counts[VS_OPTION_FULL] > 0;
  if (request->as != NULL)
    snprintf(request->targets[0].name, sizeof request->targets[0].name, "%s", request->as);
  vs_listen_for_stop();
  s.results = vs_results_new(&s.plan, &s.asked);
  if (request->statement != NULL) s.traces = vs_needed(calloc(s.plan.case_count, sizeof *s.traces));
  vs_exit status = run(&s);
  free_traces(&s);
  vs_results_free(s.results);
  vs_coverage_free(&coverage);
  return status;
}
