// SPDX-License-Identifier: BSD-3-Clause
#include "findings.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "process/child.h"
#include "reports/show.h"
#include "text/print.h"

enum { PATH = 4096 };

// The entry of a digest, or a free one; NULL: there is no room.
static vs_fuzz_seen* entry_of(vs_fuzz_state* state, uint32_t digest) {
  for (size_t i = 0; i < VS_FUZZ_KEYS; i++) {
    vs_fuzz_seen* seen = &state->seen[i];
    if (seen->digest == digest || seen->digest == 0) return seen;
  }
  return NULL;
}

// False: too long a name.
static bool path_of(const vs_session* s, const vs_failure_key* key, char path[PATH]) {
  char name[96];
  vs_fuzz_finding_name(key, name);
  return snprintf(path, PATH, "%s/%s", s->options.findings, name) < PATH;
}

// Where there is no room to count any more, the file tells.
bool vs_fuzz_is_known(const vs_session* s, const vs_violation* why) {
  char path[PATH];
  vs_failure_key key = vs_failure_key_of_part(why, s->arch);
  const vs_fuzz_seen* seen = entry_of(s->state, vs_failure_digest(&key));
  if (seen != NULL) return seen->digest != 0;
  return s->options.findings != NULL && path_of(s, &key, path) && access(path, F_OK) == 0;
}

// --- on paper ---------------------------------------------------------------------------------

static void print_script(FILE* out, const vs_session* s, const vs_script* script,
                         const vs_failure_key* key) {
  const uint8_t clause = key->clause;
  const vs_script titled = {"found by fuzzing, not minimized", script->ops, script->count};
  vs_print_script(out, &titled, s->opened.arch, &clause, 1);
}

static bool write_beside(const vs_session* s, const vs_script* script, const vs_failure_key* key,
                         const char* path) {
  FILE* out = fopen(path, "we");
  if (out == NULL) return false;
  print_script(out, s, script, key);
  bool whole = fflush(out) == 0 && fsync(fileno(out)) == 0 && !ferror(out);
  return fclose(out) == 0 && whole;
}

// Whole or not at all, and by one process alone. False: it is not there.
static bool write_down(const vs_session* s, const vs_script* script, const vs_failure_key* key) {
  char path[PATH];
  char beside[PATH];
  if (!path_of(s, key, path)) return false;
  if (access(path, F_OK) == 0) return true;
  int longer = snprintf(beside, sizeof beside, "%s.%d", path, getpid());
  bool whole = longer < PATH && write_beside(s, script, key, beside);
  if (whole) whole = link(beside, path) == 0 || access(path, F_OK) == 0;
  unlink(beside);
  if (!whole) fprintf(stderr, "vcpuspec: %s cannot be written\n", path);
  return whole;
}

// Whoever supervises sees when the process ends within.
static bool keep(vs_session* s, const vs_script* script, const vs_failure_key* key) {
  __atomic_store_n(&s->state->writing, 1, __ATOMIC_RELEASE);
  bool kept = write_down(s, script, key);
  s->state->unwritten += !kept;
  __atomic_store_n(&s->state->writing, 0, __ATOMIC_RELEASE);
  return kept;
}

// --- for people -------------------------------------------------------------------------------

static bool print_result(vs_session* s, const vs_script* script, const vs_observation* seen) {
  const vs_case as_case = {.id = "fuzz", .title = "what the input stands for"};
  vs_case_result result = {.c = &as_case, .target = &s->backend, .script = *script};
  result.observations = (vs_observation*)seen;
  const vs_trace trace = {.script = *script,
                          .arch = s->backend.arch,
                          .observations = seen,
                          .opened = true,
                          .end = VS_TRACE_DONE};
  vs_result_judge(&result, &s->oracle, s->profile, &trace);
  const vs_plan plan = {.profile = s->profile};
  if (result.verdict == VS_VERDICT_FAIL) vs_report_result(stderr, &result, &plan);
  return result.verdict == VS_VERDICT_FAIL;
}

// As it was seen; and once more, to tell whether it comes again.
static void explain(vs_session* s, const vs_script* script, const vs_observation* seen) {
  vs_observation* again = calloc(script->count, sizeof *again);
  if (again == NULL) return;
  vs_executor_reset(s->executor);
  vs_execute(s->executor, script, again);
  if (seen != NULL) print_result(s, script, seen);
  if (seen == NULL || !print_result(s, script, again)) {
    if (!print_result(s, script, again)) fputs("the same once more did not fail: flaky\n", stderr);
  }
  free(again);
}

static void tell(vs_session* s, const vs_script* script, const vs_observation* seen,
                 const vs_failure_key* key) {
  fprintf(stderr, "\nVIOLATION of %s by %s, profile %s\n\n", vs_clauses[key->clause].id,
          s->backend.name, s->profile->id);
  explain(s, script, seen);
  fputs("script:\n\n", stderr);
  print_script(stderr, s, script, key);
  fputc('\n', stderr);
}

void vs_fuzz_found(vs_session* s, const vs_script* script, const vs_observation* seen,
                   const vs_violation* why) {
  vs_failure_key key = vs_failure_key_of_part(why, s->arch);
  uint32_t digest = vs_failure_digest(&key);
  vs_fuzz_seen* entry = entry_of(s->state, digest);
  s->state->violations++;
  if (entry != NULL) entry->count++;
  bool known = vs_fuzz_is_known(s, why);
  if (s->options.first_only) {
    printf("found %s after %.6f s, %" PRIu64 " inputs\n", vs_clauses[key.clause].id,
           vs_now() - s->opened_at, s->state->executions + 1);
    fflush(stdout);
    _exit(0);
  }
  bool kept = known || s->options.findings == NULL || keep(s, script, &key);
  if (kept && entry != NULL) entry->digest = digest;
  if (s->options.findings != NULL) return;
  tell(s, script, seen, &key);
  abort();
}
