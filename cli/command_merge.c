// SPDX-License-Identifier: BSD-3-Clause
#include <stdlib.h>
#include <string.h>

#include "common.h"
#include "expectations/expect.h"
#include "filters.h"
#include "reports/compare.h"
#include "reports/show.h"
#include "results/conclude.h"
#include "results/merge.h"
#include "results/require.h"
#include "statements/statement.h"

typedef struct merge_request {
  const vs_arguments* arguments;
  const vs_profile* profile;  // a user's own, of statements; NULL: none is named
  vs_report_files reports;
  vs_expectations expected;
  bool expects;
  vs_taken* taken;         // owned: what the files have
  vs_merge_input* inputs;  // owned
  size_t count;
} merge_request;

// --- what is asked for --------------------------------------------------------------------------

static bool understand(merge_request* q) {
  const vs_arguments* a = q->arguments;
  bool diff = a->counts[VS_OPTION_DIFF] > 0;
  if (a->word_count == 0) {
    fprintf(stderr,
            "vcpuspec: merge needs files that `run --report json:FILE` or `run --statement FILE` "
            "has written\n");
    return false;
  }
  if (!diff) return true;
  if (a->word_count != 2) {
    fprintf(stderr, "vcpuspec: --diff compares two files: vcpuspec merge --diff OLD NEW\n");
    return false;
  }
  if (a->counts[VS_OPTION_REPORT] + a->counts[VS_OPTION_EXPECT] + a->counts[VS_OPTION_FULL] +
          a->counts[VS_OPTION_QUIET] + a->counts[VS_OPTION_REQUIRE] ==
      0)
    return true;
  fprintf(stderr,
          "vcpuspec: --diff prints what differs, and takes no --report, no --expect, no --require, "
          "no --full and no --quiet\n");
  return false;
}

static bool read_expectations(merge_request* q) {
  vs_fault fault;
  const char* path = vs_argument(q->arguments, VS_OPTION_EXPECT, NULL);
  if (path == NULL) return true;
  q->expects = vs_expectations_read(path, &q->expected, &fault);
  return q->expects || vs_complain_of_text(path, &fault);
}

static vs_exit read_inputs(merge_request* q) {
  const vs_arguments* a = q->arguments;
  vs_exit status = VS_EXIT_CONFORMS;
  q->inputs = vs_needed(calloc(a->word_count + 1, sizeof *q->inputs));
  q->taken = vs_needed(calloc(a->word_count + 1, sizeof *q->taken));
  for (size_t i = 0; i < a->word_count; i++) {
    vs_why why;
    vs_taken* taken = &q->taken[q->count];
    const bool read = vs_statement_or_results(taken, a->words[i], q->profile, &why);
    q->inputs[q->count++] = (vs_merge_input){a->words[i], taken->results};
    if (read) continue;
    fprintf(stderr, "vcpuspec: %s\n", why.text);
    status = VS_EXIT_USAGE;
  }
  return status;
}

// --- doing it -----------------------------------------------------------------------------------

static void tell_results(const vs_screen* screen, const vs_results* all) {
  vs_telling telling = {.screen = *screen};
  for (size_t i = 0; i < all->results.count; i++) {
    const vs_result* one = &all->results.at[i];
    vs_tell_result(&telling, one, all->backends.at[one->backend].name);
  }
  vs_tell_end(&telling);
}

// New: fails, and no entry knows it. Gone: an entry knows it, and it passes.
static void tell_sum(FILE* out, const vs_results* all) {
  vs_view view = vs_view_of(all);
  const vs_tally* sum = &view.all;
  const vs_expectations_told* e = all->expectations;
  size_t gone = 0;
  for (size_t i = 0; e != NULL && i < e->stale.count; i++) {
    gone += e->stale.at[i].problem == VS_PROBLEM_PASSES;
  }
  fprintf(out, "%zu new, %zu gone, %zu known, %zu lost\n", sum->failed, gone, sum->excused,
          sum->of[VS_VERDICT_BROKEN] + sum->of[VS_VERDICT_NOT_JUDGED]);
  vs_view_free(&view);
}

static vs_exit tell(const merge_request* q, vs_results* all) {
  vs_why why;
  if (vs_complain_of_filters(q->arguments, VS_OPTION_REQUIRE, all) > 0) return VS_EXIT_USAGE;
  vs_screen screen = vs_screen_of(vs_report_files_use_stdout(&q->reports) ? stderr : stdout);
  screen.quiet = q->arguments->counts[VS_OPTION_QUIET] > 0;
  screen.full = q->arguments->counts[VS_OPTION_FULL] > 0;
  vs_results_require(all, q->arguments->values[VS_OPTION_REQUIRE],
                     q->arguments->counts[VS_OPTION_REQUIRE]);
  if (q->expects) vs_expectations_apply(&q->expected, all);
  vs_exit status = vs_results_conclude(all);
  tell_results(&screen, all);
  vs_show_end(&screen, all, true);
  tell_sum(screen.out, all);
  if (vs_report_files_write(&q->reports, all, &why)) return status;
  fprintf(stderr, "vcpuspec: %s\n", why.text);
  return VS_EXIT_INFRASTRUCTURE;
}

static vs_exit merge(const merge_request* q) {
  vs_store store = {0};
  vs_texts why = {0};
  vs_results* all = vs_results_merge(q->inputs, q->count, &store, &why);
  vs_exit status = all != NULL ? tell(q, all) : VS_EXIT_INFRASTRUCTURE;
  for (size_t i = 0; i < why.count; i++) fprintf(stderr, "vcpuspec: %s\n", why.at[i]);
  vs_results_free(all);
  vs_store_free(&store);
  return status;
}

static vs_exit compare(const merge_request* q) {
  const vs_screen screen = vs_screen_of(stdout);
  const vs_results* after = q->inputs[1].results;
  const vs_comparison sum = vs_results_compare(&screen, q->inputs[0].results, after);
  printf("%zu regressed, %zu fixed, %zu changed, %zu new, %zu gone, %zu the same\n", sum.regressed,
         sum.fixed, sum.changed, sum.added, sum.gone, sum.same);
  if (after->interrupted || after->missing.count > 0) {
    printf("%s is of a run that did not come to its end: exit status 3\n", q->inputs[1].path);
    return VS_EXIT_INFRASTRUCTURE;
  }
  if (sum.common > 0) return sum.regressed > 0 ? VS_EXIT_FAILS : VS_EXIT_CONFORMS;
  puts("the two have no case on a backend in common: exit status 5");
  return VS_EXIT_NOTHING;
}

static vs_exit carry_out(merge_request* q) {
  const char* word = vs_argument(q->arguments, VS_OPTION_PROFILE, NULL);
  if (!understand(q) || !read_expectations(q)) return VS_EXIT_USAGE;
  if (word != NULL && (q->profile = vs_find_profile(word)) == NULL) return VS_EXIT_USAGE;
  vs_exit status = vs_open_reports(&q->reports, q->arguments);
  const char* expect = vs_argument(q->arguments, VS_OPTION_EXPECT, NULL);
  if (status == VS_EXIT_CONFORMS && !vs_are_apart(&q->reports, "--expect", expect))
    return VS_EXIT_USAGE;
  for (size_t i = 0; status == VS_EXIT_CONFORMS && i < q->arguments->word_count; i++) {
    if (!vs_are_apart(&q->reports, "this input", q->arguments->words[i])) return VS_EXIT_USAGE;
  }
  if (status == VS_EXIT_CONFORMS) status = read_inputs(q);
  if (status != VS_EXIT_CONFORMS) return status;
  return q->arguments->counts[VS_OPTION_DIFF] > 0 ? compare(q) : merge(q);
}

vs_exit vs_command_merge(const vs_arguments* arguments) {
  merge_request q = {.arguments = arguments};
  vs_exit status = carry_out(&q);
  for (size_t i = 0; i < q.count; i++) vs_taken_free(&q.taken[i]);
  free(q.taken);
  free(q.inputs);
  vs_expectations_free(&q.expected);
  vs_report_files_free(&q.reports);
  return status;
}
