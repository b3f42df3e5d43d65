// SPDX-License-Identifier: BSD-3-Clause
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "campaign/totals.h"
#include "common.h"
#include "common/refuse.h"
#include "coverage/chain.h"
#include "coverage/gap.h"
#include "coverage/pack.h"
#include "inputs.h"
#include "reports/render.h"
#include "results/covered.h"
#include "results/ratchet.h"
#include "text/file.h"
#include "text/print.h"

#define JSON "json:"

typedef struct coverage_request {
  const vs_arguments* arguments;
  vs_accounts accounts;
  double least;              // percent; 0: none is asked for
  const char* ratchet_path;  // NULL: none
  vs_ratchet ratchet;        // what it holds; empty, if it is to be written and is not there
  bool updates;
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

// What stands behind these words, up to one of the bytes that end it; "": nothing does.
static void find_word(const char* text, const char* before, const char* ends, char word[256]) {
  const char* at = strstr(text, before);
  word[0] = '\0';
  if (at != NULL)
    snprintf(word, 256, "%.*s", (int)strcspn(at + strlen(before), ends), at + strlen(before));
}

// DIR/campaign says what it is of, DIR/totals what was reached.
static bool add_campaign(vs_accounts* accounts, const char* dir) {
  char path[4096];
  char backend[256];
  char profile[256];
  vs_why why;
  vs_file file;
  snprintf(path, sizeof path, "%s/campaign", dir);
  if (!vs_file_read(path, &file, &why)) return complain(&why);
  find_word(file.text, "\nbackend ", "\n", backend);
  find_word(file.text, "\nprofile ", " \n", profile);
  vs_file_free(&file);
  vs_totals* totals = vs_needed(malloc(sizeof *totals));
  snprintf(path, sizeof path, "%s/totals", dir);
  const bool read = vs_totals_read(path, totals) && vs_arch_find(totals->arch) != NULL;
  if (!read)
    vs_refuse(&why, "%s holds nothing that this program has counted: fuzz it further", path);
  const vs_column column = {.name = backend,
                            .arch = read ? vs_arch_find(totals->arch)->name : "",
                            .profile = profile,
                            .reachable = totals->reachable};
  const bool good = read && vs_accounts_add_points(accounts, dir, &column, totals->points, &why);
  free(totals);
  return good || complain(&why);
}

static bool is_directory(const char* path) {
  struct stat status;
  return stat(path, &status) == 0 && S_ISDIR(status.st_mode);
}

// Results begin with '{', traces do not; a campaign is a folder.
static bool add_file(vs_accounts* accounts, const char* path) {
  vs_why why;
  vs_file file;
  if (is_directory(path)) return add_campaign(accounts, path);
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

static void show_transitions(FILE* out, const vs_covered* row) {
  for (size_t i = 0; i < row->transitions.count; i++) {
    const vs_covered_item* item = &row->transitions.at[i];
    if (!item->reached) fprintf(out, "missing  %s\n", item->name);
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
  fprintf(out, "  %-14s %4zu of %4zu\n", "transitions", row->transitions_reached,
          row->transitions_reachable);
  show_missing(out, row);
  show_transitions(out, row);
}

// A script for each, which says above it what it is for.
static void print_gap(const vs_covered* row, size_t i, vs_draft* gap) {
  const vs_covered_item* item = &row->combinations.at[i];
  printf("# %s (%s, %s): ", row->name, row->arch, row->profile);
  say_clauses(stdout, item);
  putchar('\n');
  if (item->why != NULL) printf("# not reached so far: %s\n", item->why);
  vs_gap_script(row->all, i, gap);
  const vs_script script = {item->name, gap->ops, gap->count};
  vs_print_script(stdout, &script, row->all->arch, NULL, 0);
  putchar('\n');
}

static void print_transition(const vs_covered* row, size_t i, vs_draft* gap) {
  const vs_covered_item* item = &row->transitions.at[i];
  printf("# %s (%s, %s)\n", row->name, row->arch, row->profile);
  vs_chain_one(row->explored, i, gap);
  const vs_script script = {item->name, gap->ops, gap->count};
  vs_print_script(stdout, &script, row->all->arch, NULL, 0);
  putchar('\n');
}

static void print_gaps(const vs_covered* row) {
  vs_draft* gap = vs_needed(malloc(sizeof *gap));
  for (size_t i = 0; i < row->combinations.count; i++) {
    if (!row->combinations.at[i].reached) print_gap(row, i, gap);
  }
  for (size_t i = 0; i < row->transitions.count; i++) {
    if (!row->transitions.at[i].reached) print_transition(row, i, gap);
  }
  free(gap);
}

// A few scripts for all of them.
static void print_script(const vs_packed* packed, const vs_covered* row, const char* what) {
  char title[128];
  snprintf(title, sizeof title, "%s: %zu %s", packed->situation, packed->items, what);
  const vs_script script = {title, packed->ops, packed->count};
  vs_print_script(stdout, &script, row->all->arch, NULL, 0);
  putchar('\n');
}

static void print_packed(const vs_packed* packed, void* context) {
  print_script(packed, context, "combinations");
}

static void print_chained(const vs_packed* packed, void* context) {
  print_script(packed, context, "transitions");
}

static bool* unreached(const vs_covered_item* items, size_t count) {
  bool* wanted = vs_needed(calloc(count + 1, sizeof *wanted));
  for (size_t i = 0; i < count; i++) wanted[i] = !items[i].reached;
  return wanted;
}

static void print_together(vs_covered* row) {
  bool* points = unreached(row->combinations.at, row->combinations.count);
  bool* transitions = unreached(row->transitions.at, row->transitions.count);
  const bool good = vs_pack(row->all, points, print_packed, row) &&
                    vs_chain(row->explored, transitions, print_chained, row);
  if (!good) (void)vs_needed(NULL);
  free(points);
  free(transitions);
}

static void show(const coverage_request* q) {
  const vs_coverage_told* told = &q->accounts.told;
  const bool gaps = q->arguments->counts[VS_OPTION_MISSING] > 0;
  const bool together = q->arguments->counts[VS_OPTION_TOGETHER] > 0;
  for (size_t i = 0; i < told->backends.count; i++) {
    vs_covered* row = &told->backends.at[i];
    if (together) {
      print_together(row);
    } else if (gaps) {
      print_gaps(row);
    } else {
      show_row(stdout, row);
    }
  }
}

// --- what is asked of it ------------------------------------------------------------------------

static bool is_below(const coverage_request* q) {
  bool below = false;
  for (size_t i = 0; i < q->accounts.told.backends.count; i++) {
    const vs_covered* row = &q->accounts.told.backends.at[i];
    const double reached = percent(row->reached, row->reachable);
    if (reached >= q->least) continue;
    fprintf(stderr, "vcpuspec: %s (%s, %s): %.1f %% of the combinations are less than %.1f %%\n",
            row->name, row->arch, row->profile, reached, q->least);
    below = true;
  }
  return below;
}

static void tell_lost(const vs_ratchet_line* line, const vs_covered* by) {
  if (by != NULL) {
    fprintf(stderr, "lost     %s (%s, %s, %s)\n", line->name, by->name, line->profile, line->arch);
  } else {
    fprintf(stderr, "lost     %s: no backend was judged by %s on %s\n", line->name, line->profile,
            line->arch);
  }
}

// Everything that is lost, and what does not exist any more.
static vs_exit check_ratchet(const coverage_request* q) {
  size_t lost = 0;
  size_t stale = 0;
  for (size_t i = 0; i < q->ratchet.lines.count; i++) {
    const vs_ratchet_line* line = &q->ratchet.lines.at[i];
    const vs_covered* by = NULL;
    const vs_ratchet_state state = vs_ratchet_check(line, &q->accounts, &by);
    lost += state == VS_RATCHET_LOST;
    stale += state == VS_RATCHET_STALE;
    if (state == VS_RATCHET_LOST) tell_lost(line, by);
    if (state == VS_RATCHET_STALE)
      fprintf(stderr, "%s:%zu: stale: there is no '%s' any more: --update leaves it out\n",
              q->ratchet_path, line->line, line->name);
  }
  if (lost > 0) return VS_EXIT_FAILS;
  return stale > 0 ? VS_EXIT_STALE : VS_EXIT_CONFORMS;
}

static vs_exit update_ratchet(const coverage_request* q) {
  vs_why why;
  if (vs_file_put_whole(q->ratchet_path, vs_ratchet_print, &q->accounts, &why))
    return VS_EXIT_CONFORMS;
  complain(&why);
  return VS_EXIT_INFRASTRUCTURE;
}

static vs_exit check(const coverage_request* q) {
  vs_exit status = VS_EXIT_CONFORMS;
  if (q->accounts.told.backends.count == 0) {
    fprintf(stderr, "vcpuspec: nothing was counted: no backend was judged\n");
    return VS_EXIT_NOTHING;
  }
  if (q->ratchet_path != NULL) status = q->updates ? update_ratchet(q) : check_ratchet(q);
  return status != VS_EXIT_INFRASTRUCTURE && is_below(q) ? VS_EXIT_FAILS : status;
}

// --- reports ------------------------------------------------------------------------------------

static bool print_json(FILE* out, const void* told) {
  vs_put_json(out, vs_form_write(vs_form_coverage_told, told), JSON_INDENT(1));
  return !ferror(out);
}

static bool write_reports(const coverage_request* q) {
  const vs_arguments* a = q->arguments;
  for (size_t i = 0; i < a->counts[VS_OPTION_REPORT]; i++) {
    vs_why why;
    const char* path = a->values[VS_OPTION_REPORT][i] + strlen(JSON);
    if (!vs_file_put_whole(path, print_json, &q->accounts.told, &why)) return complain(&why);
  }
  return true;
}

// --- the command --------------------------------------------------------------------------------

// A file that is to be written need not be there.
static bool read_ratchet(coverage_request* q) {
  vs_fault fault;
  q->ratchet_path = vs_argument(q->arguments, VS_OPTION_RATCHET, NULL);
  q->updates = q->arguments->counts[VS_OPTION_UPDATE] > 0;
  if (q->updates && q->ratchet_path == NULL) {
    fprintf(stderr, "vcpuspec: --update writes the file of --ratchet, and none is named\n");
    return false;
  }
  if (q->ratchet_path == NULL || q->updates) return true;
  return vs_ratchet_read(q->ratchet_path, &q->ratchet, &fault) ||
         vs_complain_of_text(q->ratchet_path, &fault);
}

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
  return vs_argument_percent(a, VS_OPTION_MIN_COVERAGE, &q->least) && vs_reports_are_json(a) &&
         read_ratchet(q);
}

static vs_exit count(coverage_request* q) {
  const vs_arguments* a = q->arguments;
  for (size_t i = 0; i < a->word_count; i++) {
    if (!add_file(&q->accounts, a->words[i])) return VS_EXIT_USAGE;
  }
  vs_accounts_close(&q->accounts);
  show(q);
  const vs_exit status = check(q);
  return write_reports(q) ? status : VS_EXIT_INFRASTRUCTURE;
}

vs_exit vs_command_coverage(const vs_arguments* arguments) {
  coverage_request q = {.arguments = arguments};
  const vs_exit status = understand(&q) ? count(&q) : VS_EXIT_USAGE;
  vs_accounts_free(&q.accounts);
  vs_ratchet_free(&q.ratchet);
  return status;
}
