// SPDX-License-Identifier: BSD-3-Clause
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "common.h"
#include "coverage/gap.h"
#include "inputs.h"
#include "results/covered.h"
#include "text/file.h"
#include "text/print.h"

typedef struct coverage_request {
  const vs_arguments* arguments;
  vs_accounts accounts;
  double least;         // percent
  const char* ratchet;  // a file; NULL: none
  bool gates;           // something is asked of what is counted
} coverage_request;

// --- files --------------------------------------------------------------------------------------

// The first byte of a file that is no blank; 0: it has none, or cannot be read.
static char first_of(const vs_file* file) {
  const size_t blank = strspn(file->text, " \t\r\n");
  return blank < file->length ? file->text[blank] : '\0';
}

static bool complain(const vs_why* why) {
  fprintf(stderr, "vcpuspec: %s\n", why->text);
  return false;
}

static bool add_results(vs_accounts* accounts, const char* path, const vs_file* file) {
  vs_why why;
  vs_results* results = vs_results_parse(path, file->text, file->length, &why);
  const bool good = results != NULL && vs_accounts_add_results(accounts, path, results, &why);
  vs_results_free(results);
  return good || complain(&why);
}

static bool add_trace(vs_accounts* accounts, const vs_input* input) {
  vs_why why;
  const vs_document* d = &input->document;
  if (!d->is_trace) {
    fprintf(stderr,
            "vcpuspec: %s is a script, and holds no results: run it first, with --report "
            "json:FILE\n",
            input->c.id);
    return false;
  }
  const vs_trace trace = vs_document_trace(d);
  const char* name = d->backend[0] != '\0' ? d->backend : "a trace";
  return vs_accounts_add_trace(accounts, name, &trace, &why) || complain(&why);
}

static bool add_traces(vs_accounts* accounts, const char* path, const vs_file* file) {
  vs_inputs inputs;
  if (!vs_inputs_parse(&inputs, path, file)) return false;
  bool good = true;
  for (size_t i = 0; i < inputs.count && good; i++) good = add_trace(accounts, &inputs.items[i]);
  vs_inputs_free(&inputs);
  return good;
}

// Results begin with '{', traces do not.
static bool add_file(vs_accounts* accounts, const char* path) {
  vs_why why;
  vs_file file;
  if (!vs_file_read(path, &file, &why)) return complain(&why);
  const bool results = first_of(&file) == '{';
  const bool good =
      results ? add_results(accounts, path, &file) : add_traces(accounts, path, &file);
  vs_file_free(&file);
  return good;
}

// --- what is shown ------------------------------------------------------------------------------

// Of `all`, rounded down: 100 is all of it.
static double percent(size_t some, size_t all) {
  return all > 0 ? 100.0 * (double)some / (double)all : 100.0;
}

static void show_calls(FILE* out, const vs_covered* row) {
  for (size_t i = 0; i < row->combinations.count;) {
    const char* call = row->combinations.at[i].call;
    size_t reached = 0;
    size_t all = 0;
    for (; i < row->combinations.count && row->combinations.at[i].call == call; i++, all++) {
      reached += row->combinations.at[i].reached;
    }
    fprintf(out, "  %-14s %4zu of %4zu\n", call, reached, all);
  }
}

static void say_clauses(FILE* out, const vs_covered_item* item) {
  for (size_t i = 0; i < item->clauses.count; i++) {
    fprintf(out, "%s%s", i == 0 ? "" : ", ", item->clauses.at[i]);
  }
}

static void show_missing(FILE* out, const vs_covered* row) {
  for (size_t i = 0; i < row->combinations.count; i++) {
    const vs_covered_item* item = &row->combinations.at[i];
    if (item->reached) continue;
    fprintf(out, "missing  %s\n         ", item->name);
    say_clauses(out, item);
    if (item->why != NULL) fprintf(out, "\n         %s", item->why);
    fputc('\n', out);
  }
}

static void show_row(FILE* out, const vs_covered* row) {
  fprintf(out, "%s (%s, %s): %zu of %zu combinations, %.1f %%\n", row->name, row->arch,
          row->profile, row->reached, row->reachable, percent(row->reached, row->reachable));
  show_calls(out, row);
  show_missing(out, row);
}

// A script for each, which says above it what it is for.
static void print_gaps(const vs_covered* row) {
  for (size_t i = 0; i < row->combinations.count; i++) {
    const vs_covered_item* item = &row->combinations.at[i];
    vs_op ops[VS_GAP_OPS];
    if (item->reached) continue;
    printf("# %s (%s, %s): ", row->name, row->arch, row->profile);
    say_clauses(stdout, item);
    putchar('\n');
    if (item->why != NULL) printf("# not reached so far: %s\n", item->why);
    const vs_script script = {item->name, ops, vs_gap_script(row->all, i, ops)};
    vs_print_script(stdout, &script, row->all->arch, NULL, 0);
    putchar('\n');
  }
}

static void show(const coverage_request* q) {
  const vs_coverage_told* told = &q->accounts.told;
  const bool gaps = q->arguments->counts[VS_OPTION_MISSING] > 0;
  for (size_t i = 0; i < told->backends.count; i++) {
    if (gaps) {
      print_gaps(&told->backends.at[i]);
    } else {
      show_row(stdout, &told->backends.at[i]);
    }
  }
}

// --- the command --------------------------------------------------------------------------------

static bool understand(coverage_request* q) {
  const vs_arguments* a = q->arguments;
  const vs_profile* profile = NULL;
  const char* word = vs_argument(a, VS_OPTION_PROFILE, NULL);
  if (a->word_count == 0) {
    fprintf(stderr,
            "vcpuspec: coverage needs files: results that `run --report json:FILE` has written, or "
            "traces that exec prints\n");
    return false;
  }
  if (word != NULL && (profile = vs_find_profile(word)) == NULL) return false;
  vs_accounts_begin(&q->accounts, "vcpuspec " VS_VERSION, profile);
  return true;
}

static vs_exit conclude(const coverage_request* q) {
  return q->accounts.told.backends.count > 0 ? VS_EXIT_CONFORMS : VS_EXIT_NOTHING;
}

static vs_exit count(coverage_request* q) {
  const vs_arguments* a = q->arguments;
  for (size_t i = 0; i < a->word_count; i++) {
    if (!add_file(&q->accounts, a->words[i])) return VS_EXIT_USAGE;
  }
  vs_accounts_close(&q->accounts);
  show(q);
  return conclude(q);
}

vs_exit vs_command_coverage(const vs_arguments* arguments) {
  coverage_request q = {.arguments = arguments};
  if (!understand(&q)) return VS_EXIT_USAGE;
  const vs_exit status = count(&q);
  vs_accounts_free(&q.accounts);
  return status;
}
