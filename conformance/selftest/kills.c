// SPDX-License-Identifier: BSD-3-Clause
#include "kills.h"

#include <fcntl.h>
#include <linux/userfaultfd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { HANGS = 3 };  // cases in which a mutant may hang

// What a base cannot do, no mutant over it can.
typedef struct base {
  const char* name;  // NULL: none
  bool* lacks;       // of each case
} base;

enum { BASES = 8 };

typedef struct rowing {
  vs_kill_matrix* matrix;
  const bool* lacks;  // of each case: the mutant's base does
  size_t row;
  size_t* at;  // of each case of this row's plan, which case of the matrix it is
  const volatile sig_atomic_t* stop;
  size_t hung;
  volatile sig_atomic_t enough;
} rowing;

// A buffer that changes is held exactly once only where a page may come late.
static bool can_hold(void) {
  int fd = (int)syscall(SYS_userfaultfd, O_CLOEXEC | UFFD_USER_MODE_ONLY);
  if (fd >= 0) close(fd);
  return fd >= 0;
}

static vs_cell cell_of(const vs_case_result* result, vs_clause_code clause) {
  switch (result->verdict) {
    case VS_VERDICT_NOT_JUDGED:
      return VS_CELL_UNTRIED;
    case VS_VERDICT_UNSUPPORTED:
      return VS_CELL_UNSUPPORTED;
    case VS_VERDICT_BROKEN:
      return VS_CELL_BROKEN;
    default:
      break;
  }
  if (!vs_verdict_is_failure(result->verdict)) return VS_CELL_PASS;
  return vs_result_broken(result) & VS_BIT(clause) ? VS_CELL_KILL : VS_CELL_ELSEWHERE;
}

static void keep(const vs_run* run, const vs_case_result* result, void* context) {
  rowing* r = context;
  r->hung += strcmp(result->died, "no_return") == 0;
  if (r->hung >= HANGS) r->enough = 1;
  (void)run;
}

static void idle(void* context) {
  rowing* r = context;
  if (r->stop != NULL && *r->stop) r->enough = 1;
}

bool vs_case_is_costly(const vs_case* c) {
  vs_script script;
  if (!vs_case_script(c, c->arch != 0 ? (vs_arch)c->arch : VS_ARCH_X64, 0, &script)) return false;
  bool is = vs_script_races(&script);
  vs_case_script_free(&script);
  return is;
}

static void take_results(rowing* r, const vs_run* run) {
  vs_kill_row* row = &r->matrix->rows[r->row];
  uint8_t* cells = r->matrix->cells + r->row * r->matrix->case_count;
  for (size_t i = 0; i < run->count; i++) {
    vs_cell cell = cell_of(&run->results[i], row->clause);
    cells[r->at[i]] = (uint8_t)cell;
    row->kills += cell == VS_CELL_KILL;
    row->elsewhere += cell == VS_CELL_ELSEWHERE;
  }
}

static bool judge_cases(rowing* r, const vs_kill_plan* plan, const vs_target* target,
                        const vs_case** cases, size_t count) {
  vs_run run;
  vs_plan one = {.targets = target,
                 .target_count = 1,
                 .cases = cases,
                 .case_count = count,
                 .profile = vs_profile_find("documented"),
                 .jobs = plan->jobs,
                 .timeout = plan->timeout,
                 .stop = &r->enough,
                 .keep = keep,
                 .idle = idle,
                 .context = r};
  if (!vs_run_plan(&one, &run)) return false;
  take_results(r, &run);
  vs_run_free(&run);
  return true;
}

// A costly case is tried on a mutant of its subject; and, if nothing else has caught it, on one of
// any clause that it declares.
static bool is_due(const rowing* r, size_t i, bool costly, bool again) {
  const vs_kill_row* row = &r->matrix->rows[r->row];
  const vs_case* c = r->matrix->cases[i];
  bool subject = c->clauses[0] == row->clause;
  bool declared = vs_case_clauses(c) & VS_BIT(row->clause);
  if (r->lacks[i]) return false;
  return again ? costly && declared && !subject : !costly || subject;
}

static bool judge_row(rowing* r, const vs_kill_plan* plan, const vs_case** cases,
                      const bool* costly) {
  vs_kill_row* row = &r->matrix->rows[r->row];
  char spec[VS_MUTANT_ID_MAX + sizeof "mutant:"];
  vs_target target;
  snprintf(spec, sizeof spec, "mutant:%s", row->mutant->id);
  if (!vs_target_parse(spec, &target)) return false;
  vs_target_probe(&target, plan->timeout > 10 ? plan->timeout : 10);
  row->state = target.state;
  snprintf(row->reason, sizeof row->reason, "%s", target.reason);
  if (target.state != VS_TARGET_READY) return true;
  for (size_t i = 0; i < plan->case_count; i++) {
    uint8_t* cell = &r->matrix->cells[r->row * plan->case_count + i];
    if (r->lacks[i]) *cell = VS_CELL_UNSUPPORTED;
  }
  for (int again = 0; again < 2 && row->kills == 0 && !r->enough; again++) {
    size_t count = 0;
    for (size_t i = 0; i < plan->case_count; i++) {
      if (!is_due(r, i, costly[i], again)) continue;
      r->at[count] = i;
      cases[count++] = plan->cases[i];
    }
    if (!judge_cases(r, plan, &target, cases, count)) return false;
  }
  return true;
}

// Costly cases find out for themselves.
static bool find_lacks(const vs_kill_plan* plan, rowing* r, base* b, const vs_case** cases,
                       const bool* costly) {
  vs_target target;
  vs_run run;
  size_t count = 0;
  b->lacks = calloc(plan->case_count + 1, sizeof *b->lacks);
  if (b->lacks == NULL || !vs_target_parse(b->name, &target)) return false;
  vs_target_probe(&target, 10);
  if (target.state != VS_TARGET_READY) return true;
  for (size_t i = 0; i < plan->case_count; i++) {
    if (costly[i]) continue;
    r->at[count] = i;
    cases[count++] = plan->cases[i];
  }
  vs_plan one = {.targets = &target,
                 .target_count = 1,
                 .cases = cases,
                 .case_count = count,
                 .profile = vs_profile_find("documented"),
                 .jobs = plan->jobs,
                 .timeout = plan->timeout,
                 .stop = plan->stop};
  if (!vs_run_plan(&one, &run)) return false;
  for (size_t i = 0; i < run.count; i++) {
    b->lacks[r->at[i]] = run.results[i].verdict == VS_VERDICT_UNSUPPORTED;
  }
  vs_run_free(&run);
  return true;
}

// NULL: no memory.
static const bool* lacks_of(const vs_kill_plan* plan, rowing* r, base* bases, const char* name,
                            const vs_case** cases, const bool* costly) {
  size_t i = 0;
  while (i < BASES - 1 && bases[i].name != NULL && strcmp(bases[i].name, name) != 0) i++;
  if (bases[i].name != NULL && strcmp(bases[i].name, name) == 0) return bases[i].lacks;
  free(bases[i].lacks);
  bases[i] = (base){.name = name};
  return find_lacks(plan, r, &bases[i], cases, costly) ? bases[i].lacks : NULL;
}

static bool judge_each(const vs_kill_plan* plan, rowing* r, base* bases, const vs_case** cases,
                       const bool* costly) {
  vs_kill_matrix* matrix = r->matrix;
  for (size_t i = 0; i < plan->mutant_count; i++) {
    vs_kill_row* row = &matrix->rows[i];
    *r = (rowing){.matrix = matrix, .row = i, .at = r->at, .stop = plan->stop};
    row->mutant = plan->mutants[i];
    row->clause = vs_clause_find(plan->mutants[i]->breaks);
    row->by_chance = matrix->missing != NULL && row->clause == VS_CLAUSE_ONE_SNAPSHOT;
    if (plan->progress) plan->progress(i, plan->mutant_count, plan->mutants[i]->id, plan->context);
    r->lacks = lacks_of(plan, r, bases, row->mutant->base, cases, costly);
    if (r->lacks == NULL || !judge_row(r, plan, cases, costly)) return false;
    if (plan->stop != NULL && *plan->stop) return false;
  }
  return true;
}

static bool judge_rows(const vs_kill_plan* plan, vs_kill_matrix* matrix, const vs_case** cases,
                       size_t* at, bool* costly) {
  base bases[BASES] = {0};
  rowing r = {.matrix = matrix, .at = at};
  for (size_t i = 0; i < plan->case_count; i++) costly[i] = vs_case_is_costly(plan->cases[i]);
  bool good = judge_each(plan, &r, bases, cases, costly);
  for (size_t i = 0; i < BASES; i++) free(bases[i].lacks);
  return good;
}

bool vs_kill_matrix_make(const vs_kill_plan* plan, vs_kill_matrix* matrix) {
  double since = vs_now();
  *matrix = (vs_kill_matrix){.row_count = plan->mutant_count,
                             .cases = plan->cases,
                             .case_count = plan->case_count,
                             .missing = can_hold() ? NULL : "userfaultfd"};
  size_t most = plan->case_count > 0 ? plan->case_count : 1;
  size_t rows = plan->mutant_count > 0 ? plan->mutant_count : 1;
  const vs_case** cases = calloc(most, sizeof *cases);
  size_t* at = calloc(most, sizeof *at);
  bool* costly = calloc(most, sizeof *costly);
  matrix->rows = calloc(rows, sizeof *matrix->rows);
  matrix->cells = calloc(rows, most);
  bool good = cases != NULL && at != NULL && costly != NULL && matrix->rows != NULL &&
              matrix->cells != NULL && judge_rows(plan, matrix, cases, at, costly);
  free(cases);
  free(at);
  free(costly);
  matrix->seconds = vs_now() - since;
  return good;
}

void vs_kill_matrix_free(vs_kill_matrix* matrix) {
  free(matrix->rows);
  free(matrix->cells);
  *matrix = (vs_kill_matrix){0};
}

vs_cell vs_kill_cell(const vs_kill_matrix* matrix, size_t row, size_t c) {
  return (vs_cell)matrix->cells[row * matrix->case_count + c];
}
