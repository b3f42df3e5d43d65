// SPDX-License-Identifier: BSD-3-Clause
#include <stdlib.h>

#include "common.h"
#include "reports/show.h"
#include "results/conclude.h"
#include "results/merge.h"
#include "statements/statement.h"

enum { TOLD = 20 };  // of what does not follow

typedef struct verify_request {
  const vs_arguments* arguments;
  const vs_profile* profile;  // a user's own; NULL: none is named
  vs_report_files reports;
  vs_screen screen;
  vs_statement* statements;  // owned
  vs_merge_input* inputs;    // owned; their results are the statements'
  size_t count;
  vs_exit status;
} verify_request;

// --- one statement ------------------------------------------------------------------------------

// What is wrong with the files goes before what is wrong with an implementation.
static void take(verify_request* q, vs_exit status) {
  static const int weight[] = {
      [VS_EXIT_CONFORMS] = 0, [VS_EXIT_NOTHING] = 1,        [VS_EXIT_STALE] = 2,
      [VS_EXIT_FAILS] = 3,    [VS_EXIT_INFRASTRUCTURE] = 4, [VS_EXIT_USAGE] = 5};
  if (weight[status] > weight[q->status]) q->status = status;
}

static void tell_faults(const char* path, const vs_texts* faults) {
  for (size_t i = 0; i < faults->count && i < TOLD; i++) {
    fprintf(stderr, "vcpuspec: %s: it does not follow: %s\n", path, faults->at[i]);
  }
  if (faults->count > TOLD)
    fprintf(stderr, "vcpuspec: %s: and %zu more\n", path, faults->count - TOLD);
}

static void tell_claims(FILE* out, const char* path, const vs_results* all) {
  const vs_column* c = &all->backends.at[0];
  const vs_expectations_told* e = all->expectations;
  const size_t waivers = e != NULL ? e->entries : 0;
  fprintf(out, "%s: what it says follows from its traces\n", path);
  fprintf(out, "  judged   %s (%s, %s), profile %s\n", c->name, c->spec, c->arch, c->profile);
  if (c->digest != NULL) fprintf(out, "  digest   %s\n", c->digest);
  fprintf(out, "  by       %s on %s\n", all->program, c->machine);
  fprintf(out, "  list     %zu clauses, %zu cases, as %s has them: %s\n", all->clauses.count,
          all->results.count, all->program, all->statement->list);
  fprintf(out, "  rules    %s\n", all->statement->rules);
  fprintf(out, "  waivers  %zu\n", waivers);
  fprintf(out, "  status   %zu: %s\n\n", all->end.status, all->end.why);
}

static void verify(verify_request* q, const char* path) {
  vs_why why;
  vs_statement* s = &q->statements[q->count];
  if (!vs_statement_read(s, path, q->profile, &why)) {
    fprintf(stderr, "vcpuspec: %s\n", why.text);
    return take(q, VS_EXIT_USAGE);
  }
  q->inputs[q->count++] = (vs_merge_input){path, s->results};
  if (s->faults.count > 0) {
    tell_faults(path, &s->faults);
    return take(q, VS_EXIT_USAGE);
  }
  if (!q->screen.quiet) tell_claims(q->screen.out, path, s->results);
  take(q, (vs_exit)s->results->end.status);
}

// --- all of them --------------------------------------------------------------------------------

static void tell(verify_request* q, vs_results* all) {
  vs_why why;
  vs_telling telling = {.screen = q->screen};
  for (size_t i = 0; i < all->results.count; i++) {
    const vs_result* one = &all->results.at[i];
    vs_tell_result(&telling, one, all->backends.at[one->backend].name);
  }
  vs_tell_end(&telling);
  vs_show_end(&q->screen, all, true);
  if (q->screen.quiet) vs_show_sum(&q->screen, all);
  if (vs_report_files_write(&q->reports, all, &why)) return;
  fprintf(stderr, "vcpuspec: %s\n", why.text);
  take(q, VS_EXIT_INFRASTRUCTURE);
}

static void join(verify_request* q) {
  vs_store store = {0};
  vs_texts why = {0};
  vs_results* all = vs_results_merge(q->inputs, q->count, &store, &why);
  for (size_t i = 0; i < why.count; i++) fprintf(stderr, "vcpuspec: %s\n", why.at[i]);
  if (all == NULL) take(q, VS_EXIT_INFRASTRUCTURE);
  if (all != NULL) vs_results_conclude(all);
  if (all != NULL) tell(q, all);
  vs_results_free(all);
  vs_store_free(&store);
}

static vs_exit carry_out(verify_request* q) {
  const vs_arguments* a = q->arguments;
  const char* word = vs_argument(a, VS_OPTION_PROFILE, NULL);
  if (a->word_count == 0) {
    fprintf(stderr, "vcpuspec: verify needs files that `run --statement FILE` has written\n");
    return VS_EXIT_USAGE;
  }
  if (word != NULL && (q->profile = vs_find_profile(word)) == NULL) return VS_EXIT_USAGE;
  const vs_exit opened = vs_open_reports(&q->reports, a);
  if (opened != VS_EXIT_CONFORMS) return opened;
  for (size_t i = 0; i < a->word_count; i++) {
    if (!vs_are_apart(&q->reports, "this input", a->words[i])) return VS_EXIT_USAGE;
  }
  q->screen = vs_screen_of(vs_report_files_use_stdout(&q->reports) ? stderr : stdout);
  q->screen.quiet = a->counts[VS_OPTION_QUIET] > 0;
  q->screen.full = a->counts[VS_OPTION_FULL] > 0;
  q->statements = vs_needed(calloc(a->word_count, sizeof *q->statements));
  q->inputs = vs_needed(calloc(a->word_count, sizeof *q->inputs));
  for (size_t i = 0; i < a->word_count; i++) verify(q, a->words[i]);
  if (q->status == VS_EXIT_USAGE) return q->status;
  if (q->count == 1) {
    tell(q, q->statements[0].results);
  } else {
    join(q);
  }
  return q->status;
}

vs_exit vs_command_verify(const vs_arguments* arguments) {
  verify_request q = {.arguments = arguments};
  const vs_exit status = carry_out(&q);
  for (size_t i = 0; i < q.count; i++) vs_statement_free(&q.statements[i]);
  free(q.statements);
  free(q.inputs);
  vs_report_files_free(&q.reports);
  return status;
}
