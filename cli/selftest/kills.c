// SPDX-License-Identifier: BSD-3-Clause
#include "kills.h"

#include <fcntl.h>
#include <linux/userfaultfd.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "common/refuse.h"

enum { HANGS = 2 };  // cases in which a mutant may hang

// What a base cannot do, no mutant over it can.
typedef struct base {
  const char* name;     // NULL: none
  bool* lacks;          // of each case
  const vs_case* flaw;  // a case that fails on it: what fails over it shows nothing; NULL: none
} base;

enum { BASES = 8 };

typedef struct rowing {
  vs_kill_matrix* matrix;
  const bool* lacks;    // of each case: the mutant's base does
  const vs_case* flaw;  // of the mutant's base
  size_t row;
  size_t* at;  // of each case of this row's plan, which case of the matrix it is
  const volatile sig_atomic_t* stop;
  bool declared_only;  // what a case notices without declaring it does not count
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
  return vs_has_clause(result->judgement.broken, clause) ? VS_CELL_KILL : VS_CELL_ELSEWHERE;
}

// A row ends early once a mutant has hung often, or the user wants an end.
static bool take_event(const vs_event* event, void* context) {
  rowing* r = context;
  if (event->kind == VS_EVENT_JUDGED) r->hung += strcmp(event->result->died, "no_return") == 0;
  bool stopped = r->stop != NULL && *r->stop;
  if (stopped || r->hung >= HANGS) r->enough = 1;
  return false;
}

bool vs_case_is_costly(const vs_case* c) {
  vs_script script;
  if (!vs_case_script(c, c->arch != 0 ? (vs_arch)c->arch : VS_ARCH_X64, 0, &script)) return false;
  bool is = vs_script_races(&script);
  vs_case_script_free(&script);
  return is;
}

// What people see of a mutant is what the first case that fails shows.
static void note_first(vs_kill_row* row, size_t c, const vs_case_result* result) {
  if (!vs_verdict_is_failure(result->verdict) || (row->first != 0 && row->first <= c)) return;
  const vs_judgement* judged = &result->judgement;
  row->first = 1 + c;
  row->named = judged->step == VS_STEP_VIOLATION && judged->violation.clause == row->clause;
}

static void take_results(rowing* r, const vs_run* run) {
  vs_kill_row* row = &r->matrix->rows[r->row];
  uint8_t* cells = r->matrix->cells + r->row * r->matrix->case_count;
  for (size_t i = 0; i < run->count; i++) {
    vs_cell cell = cell_of(&run->results[i], row->clause);
    cells[r->at[i]] = (uint8_t)cell;
    note_first(row, r->at[i], &run->results[i]);
    row->kills += cell == VS_CELL_KILL;
    row->elsewhere += cell == VS_CELL_ELSEWHERE;
    row->broken += cell == VS_CELL_BROKEN;
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
                 .sink = take_event,
                 .context = r};
  if (!vs_run_plan(&one, &run)) return false;
  take_results(r, &run);
  vs_run_free(&run);
  return true;
}

// A case is tried on the mutants of the clauses that it declares, a costly one on those of its
// subject; unless two cases have caught a mutant, on those of its other clauses as well, and if
// none has, on any.
static bool is_due(const rowing* r, size_t i, bool costly, bool again) {
  const vs_kill_row* row = &r->matrix->rows[r->row];
  const vs_case* c = r->matrix->cases[i];
  bool subject = c->clauses[0] == row->clause;
  bool declared = vs_has_clause(vs_case_clauses(c), row->clause);
  const bool first = declared && (!costly || subject);
  if (r->lacks[i]) return false;
  const bool any = row->kills == 0 && !costly && !r->declared_only;
  return again ? !first && (declared || any) : first;
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
  vs_refuse(&row->reason, "%s", target.reason.text);
  if (target.state == VS_TARGET_READY && r->flaw != NULL) {
    row->state = VS_TARGET_BROKEN;
    vs_refuse(&row->reason, "%s, which it is laid over, fails %s", row->mutant->base, r->flaw->id);
  }
  if (row->state != VS_TARGET_READY) return true;
  for (size_t i = 0; i < plan->case_count; i++) {
    uint8_t* cell = &r->matrix->cells[r->row * plan->case_count + i];
    if (r->lacks[i]) *cell = VS_CELL_UNSUPPORTED;
  }
  for (int again = 0; again < 2 && row->kills < 2 && !r->enough; again++) {
    size_t count = 0;
    for (size_t i = 0; i < plan->case_count; i++) {
      if (!is_due(r, i, costly[i], again)) continue;
      r->at[count] = i;
      cases[count++] = plan->cases[i];
    }
    if (!judge_cases(r, plan, &target, cases, count)) return false;
  }
  if (row->kills == 0 && row->broken > 0) {
    row->state = VS_TARGET_BROKEN;
    vs_refuse(&row->reason, "this machine could not run %zu cases", row->broken);
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
    if (vs_verdict_is_failure(run.results[i].verdict)) b->flaw = run.results[i].c;
  }
  vs_run_free(&run);
  return true;
}

// NULL: no memory.
static const base* base_of(const vs_kill_plan* plan, rowing* r, base* bases, const char* name,
                           const vs_case** cases, const bool* costly) {
  size_t i = 0;
  while (i < BASES - 1 && bases[i].name != NULL && strcmp(bases[i].name, name) != 0) i++;
  if (bases[i].name != NULL && strcmp(bases[i].name, name) == 0) return &bases[i];
  free(bases[i].lacks);
  bases[i] = (base){.name = name};
  return find_lacks(plan, r, &bases[i], cases, costly) ? &bases[i] : NULL;
}

// What the processes share that judge the rows: each takes the next that nobody has taken.
typedef struct shared {
  atomic_size_t taken;
  atomic_size_t done;  // processes that have judged all that they took
} shared;

typedef struct part {
  const vs_kill_plan* plan;
  vs_kill_matrix* matrix;
  shared* shared;
  const vs_case** cases;  // room for as many as the plan has, likewise:
  size_t* at;
  bool* costly;
} part;

static bool judge_each(const part* p, base* bases) {
  vs_kill_matrix* matrix = p->matrix;
  vs_kill_plan plan = *p->plan;
  plan.jobs = 1;
  size_t i = 0;
  while ((i = atomic_fetch_add(&p->shared->taken, 1)) < plan.mutant_count) {
    vs_kill_row* row = &matrix->rows[i];
    rowing r = {.matrix = matrix,
                .row = i,
                .at = p->at,
                .stop = plan.stop,
                .declared_only = plan.declared_only};
    const base* over = base_of(&plan, &r, bases, row->mutant->base, p->cases, p->costly);
    if (over == NULL) return false;
    r.lacks = over->lacks;
    r.flaw = over->flaw;
    if (!judge_row(&r, &plan, p->cases, p->costly)) return false;
  }
  return true;
}

// In a process of its own.
static void judge_part(void* argument) {
  const part* p = argument;
  base bases[BASES] = {0};
  if (judge_each(p, bases)) atomic_fetch_add(&p->shared->done, 1);
  for (size_t i = 0; i < BASES; i++) free(bases[i].lacks);
}

static void show_progress(const part* p, size_t* shown) {
  size_t taken = atomic_load(&p->shared->taken);
  if (p->plan->progress == NULL || taken == *shown || taken >= p->plan->mutant_count) return;
  *shown = taken;
  p->plan->progress(taken, p->plan->mutant_count, p->plan->mutants[taken]->id, p->plan->context);
}

// Starts as many processes as the plan allows, and waits for them.
static bool judge_parts(part* p) {
  enum { PARTS = 64 };
  const double forever = 1e9;
  vs_child children[PARTS] = {{0}};
  size_t count = p->plan->jobs < PARTS ? p->plan->jobs : PARTS;
  size_t started = 0;
  size_t shown = 0;
  vs_children_watch(true);
  while (started < count && vs_child_start(&children[started], forever, judge_part, p)) started++;
  for (size_t i = 0; i < started;) {
    if (p->plan->stop != NULL && *p->plan->stop) vs_child_kill(&children[i]);
    show_progress(p, &shown);
    if (vs_child_ended(&children[i])) {
      i++;
    } else {
      vs_children_await_one();
    }
  }
  vs_children_watch(false);
  return started > 0 && atomic_load(&p->shared->done) == started;
}

static void describe_rows(const vs_kill_plan* plan, vs_kill_matrix* matrix) {
  for (size_t i = 0; i < plan->mutant_count; i++) {
    vs_kill_row* row = &matrix->rows[i];
    row->mutant = plan->mutants[i];
    row->clause = vs_clause_find(plan->mutants[i]->breaks);
    row->by_chance = matrix->missing != NULL && row->clause == VS_CLAUSE_ONE_SNAPSHOT;
  }
}

static bool judge_rows(part* p) {
  describe_rows(p->plan, p->matrix);
  for (size_t i = 0; i < p->plan->case_count; i++) {
    p->costly[i] = vs_case_is_costly(p->plan->cases[i]);
  }
  return judge_parts(p);
}

static size_t rows_size(const vs_kill_matrix* matrix) {
  return (matrix->row_count + 1) * sizeof *matrix->rows;
}
static size_t cells_size(const vs_kill_matrix* matrix) {
  return matrix->row_count * matrix->case_count + 1;
}

bool vs_kill_matrix_make(const vs_kill_plan* plan, vs_kill_matrix* matrix) {
  double since = vs_now();
  *matrix = (vs_kill_matrix){.row_count = plan->mutant_count,
                             .cases = plan->cases,
                             .case_count = plan->case_count,
                             .missing = can_hold() ? NULL : "userfaultfd"};
  size_t most = plan->case_count + 1;
  part p = {.plan = plan,
            .matrix = matrix,
            .shared = vs_shared_new(sizeof *p.shared),
            .cases = calloc(most, sizeof(void*)),
            .at = calloc(most, sizeof *p.at),
            .costly = calloc(most, sizeof *p.costly)};
  matrix->rows = vs_shared_new(rows_size(matrix));
  matrix->cells = vs_shared_new(cells_size(matrix));
  bool good = p.shared != NULL && p.cases != NULL && p.at != NULL && p.costly != NULL &&
              matrix->rows != NULL && matrix->cells != NULL && judge_rows(&p);
  if (p.shared != NULL) vs_shared_free(p.shared, sizeof *p.shared);
  free(p.cases);
  free(p.at);
  free(p.costly);
  matrix->seconds = vs_now() - since;
  return good;
}

void vs_kill_matrix_free(vs_kill_matrix* matrix) {
  if (matrix->rows != NULL) vs_shared_free(matrix->rows, rows_size(matrix));
  if (matrix->cells != NULL) vs_shared_free(matrix->cells, cells_size(matrix));
  *matrix = (vs_kill_matrix){0};
}

vs_cell vs_kill_cell(const vs_kill_matrix* matrix, size_t row, size_t c) {
  return (vs_cell)matrix->cells[row * matrix->case_count + c];
}
