// SPDX-License-Identifier: BSD-3-Clause
// Which case catches which mutant: every deliberately wrong implementation judged by every case.
#ifndef VS_CLI_KILLS_H_
#define VS_CLI_KILLS_H_

#include <signal.h>

#include <vcpuspec/why.h>

#include "cases/cases.h"
#include "mutants/mutants.h"
#include "runner/run.h"

// What a case says of a mutant, from least to most.
typedef enum vs_cell {
  VS_CELL_UNTRIED,      // see vs_kill_matrix_make
  VS_CELL_UNSUPPORTED,  // the case asks for what the mutant's base lacks
  VS_CELL_BROKEN,       // our side, or the machine: nothing was learnt
  VS_CELL_PASS,         // not noticed
  VS_CELL_ELSEWHERE,    // fails, but at other clauses than the mutant's
  VS_CELL_KILL          // fails at the clause that the mutant breaks
} vs_cell;

typedef struct vs_kill_row {
  const vs_mutant* mutant;
  vs_clause_code clause;  // that it breaks
  size_t kills;           // cells that are VS_CELL_KILL
  size_t broken;          // and VS_CELL_BROKEN
  size_t elsewhere;       // and VS_CELL_ELSEWHERE
  size_t first;           // 1 + the first case that fails; 0: none
  bool named;             // what that one shows first is the clause
  bool by_chance;         // not to be held against the suite on this machine: see `missing`
  vs_target_state state;  // of the mutant's base
  vs_why reason;          // why it is not READY
} vs_kill_row;

typedef struct vs_kill_matrix {
  vs_kill_row* rows;
  size_t row_count;
  const vs_case* const* cases;  // borrowed from the plan
  size_t case_count;
  uint8_t* cells;       // vs_cell, row by row
  const char* missing;  // what this machine lacks so that some rows are caught by chance; or NULL
  double seconds;
} vs_kill_matrix;

typedef struct vs_kill_plan {
  const vs_mutant* const* mutants;  // those that break a clause
  size_t mutant_count;
  const vs_case* const* cases;
  size_t case_count;
  unsigned jobs;
  double timeout;      // seconds a call may take
  bool declared_only;  // cases are not tried on mutants of clauses they do not declare
  const volatile sig_atomic_t* stop;                                         // may be NULL
  void (*progress)(size_t done, size_t all, const char* id, void* context);  // may be NULL
  void* context;
} vs_kill_plan;

// True of a case that takes long: its threads race, and it is tried anew when it fails.
bool vs_case_is_costly(const vs_case* c);

// Judges every mutant under `documented` by the cases that declare the clause that it breaks, each
// case in a process of its own, as many mutants at a time as `jobs`; if none of them catches it, by
// the others as well. Cases whose threads race are tried if it is their first clause, or if nothing
// else has caught it and they declare it. What is left of the cases is not tried once a mutant has
// hung in two. False: no memory, or it was stopped. The matrix is the caller's
// (vs_kill_matrix_free) in any case.
bool vs_kill_matrix_make(const vs_kill_plan* plan, vs_kill_matrix* matrix);
void vs_kill_matrix_free(vs_kill_matrix* matrix);

vs_cell vs_kill_cell(const vs_kill_matrix* matrix, size_t row, size_t c);

// Whose kills are all in one case, and what one could do without.
typedef struct vs_cover {
  size_t* only;       // of each case: mutants that it alone catches
  size_t* kills;      // of each case: mutants that it catches
  bool* in_smallest;  // of each case: it is in a set that catches all, none of which can go
  size_t caught, essential, idle, smallest;  // mutants caught; cases: essential, that catch none;
                                             // size of that set
} vs_cover;

// False: no memory. The cover is the caller's (vs_cover_free).
bool vs_cover_make(const vs_kill_matrix* matrix, vs_cover* cover);
void vs_cover_free(vs_cover* cover);

#endif  // VS_CLI_KILLS_H_
