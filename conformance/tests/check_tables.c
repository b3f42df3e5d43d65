// SPDX-License-Identifier: BSD-3-Clause
// Run by the build: fails it when a table has a hole. A clause without a case or without a mutant,
// a documented error without a clause, a clause without the error that it speaks of, a case without
// a clause, a row that names another row which does not exist.
// --self-test: takes each of these rows away in turn, and exits 1 if one is not missed.
#include <stdio.h>
#include <string.h>

#include "cases/cases.h"
#include "cases/error_paths.h"
#include "mutants/mutants.h"

// What the self-test takes away.
typedef struct taken {
  vs_clause_code cases_of, mutants_of, checks_of;
  size_t path;
} taken;

static const taken NOTHING = {VS_CLAUSE_COUNT, VS_CLAUSE_COUNT, VS_CLAUSE_COUNT, SIZE_MAX};
static taken gone;
static bool quiet;
static int holes;

static void hole(const char* what, const char* id) {
  if (!quiet) fprintf(stderr, "tables: %s: %s\n", what, id);
  holes++;
}

static bool has_case(vs_clause_code clause) {
  if (clause == gone.cases_of) return false;
  for (size_t i = 0; i < vs_case_count; i++) {
    if (vs_has_clause(vs_case_clauses(&vs_cases[i]), clause)) return true;
  }
  return false;
}

static bool has_mutant(const char* clause) {
  if (vs_clause_find(clause) == gone.mutants_of) return false;
  for (size_t i = 0; i < vs_mutant_count; i++) {
    if (vs_mutants[i].breaks && strcmp(vs_mutants[i].breaks, clause) == 0) return true;
  }
  const vs_mutant* row = NULL;
  for (size_t i = 0; (row = vs_mutant_of_families(i)) != NULL; i++) {
    if (row->breaks && strcmp(row->breaks, clause) == 0) return true;
  }
  return false;
}

static bool is_latitude(const char* id) {
  for (size_t i = 0; i < VS_LATITUDE_COUNT; i++) {
    if (strcmp(vs_latitudes[i].id, id) == 0) return true;
  }
  return id[0] == '\0';
}

static void check_clauses(void) {
  for (vs_clause_code code = 0; code < VS_CLAUSE_COUNT; code++) {
    const char* id = vs_clauses[code].id;
    if (!has_case(code)) hole("no case judges the clause", id);
    if (!has_mutant(id)) hole("no mutant breaks the clause", id);
    if (vs_clause_find(id) != code) hole("two clauses have the id", id);
  }
}

static void check_cases(void) {
  for (size_t i = 0; i < vs_case_count; i++) {
    const vs_case* c = &vs_cases[i];
    if (c->clause_count == 0) hole("the case names no clause", c->id);
    if (vs_case_find(c->id) != c) hole("two cases have the id", c->id);
    for (size_t k = 1; k < c->clause_count; k++) {
      if (memchr(c->clauses, c->clauses[k], k)) hole("the case names a clause twice", c->id);
    }
  }
}

static void check_mutant(const vs_mutant* mutant) {
  bool clause = mutant->breaks && vs_clause_find(mutant->breaks) < VS_CLAUSE_COUNT;
  bool latitude = mutant->latitude && is_latitude(mutant->latitude);
  if (!clause && !latitude) hole("the mutant names no clause and no latitude", mutant->id);
  if (vs_mutant_find(mutant->id) != mutant) hole("two mutants have the id", mutant->id);
}

static void check_mutants(void) {
  const vs_mutant* row = NULL;
  for (size_t i = 0; i < vs_mutant_count; i++) check_mutant(&vs_mutants[i]);
  for (size_t i = 0; (row = vs_mutant_of_families(i)) != NULL; i++) check_mutant(row);
}

// A status that a check answers is one that its clause promises, if it promises any.
static void check_checks(void) {
  for (size_t i = 1; i < VS_CHECK_COUNT; i++) {
    zx_status_t promised = vs_clauses[vs_checks[i].error].status;
    if (vs_checks[i].sort != VS_SORT_PAGE) continue;
    if (promised != ZX_OK && promised != vs_checks[i].status) {
      hole("the check's status is not what its clause promises", vs_checks[i].name);
    }
  }
}

// --- the errors that the pages list ------------------------------------------------------------

static bool is_section(vs_clause_code clause, const char* section) {
  return strcmp(vs_clauses[clause].section, section) == 0;
}

// The page's check of the call that answers the status, and breaks the clause with another; any
// status: ZX_OK.
static bool has_check(uint8_t call, zx_status_t status, vs_clause_code clause) {
  if (clause == gone.checks_of) return false;
  bool found = false;
  for (size_t i = 1; i < VS_CHECK_COUNT; i++) {
    const vs_check* check = &vs_checks[i];
    bool same = check->call == call && check->error == clause && check->sort == VS_SORT_PAGE;
    found |= same && (status == ZX_OK || check->status == status);
  }
  return found;
}

static size_t paths_of(vs_clause_code clause) {
  size_t count = 0;
  for (size_t i = 0; i < vs_error_path_count; i++) {
    count += i != gone.path && vs_error_paths[i].clause == clause;
  }
  return count;
}

// A clause about an error that a page lists: the few of other sections are those that cases rested
// on before their calls were judged.
static bool is_of_an_error(vs_clause_code clause) {
  if (is_section(clause, "page.errors")) return true;
  bool found = false;
  for (uint8_t call = 0; call < VS_PAGES && is_section(clause, "family"); call++) {
    found |= has_check(call, ZX_OK, clause);
  }
  return found;
}

static void check_path(const vs_error_path* path) {
  if (path->clause == VS_CLAUSE_COUNT) {
    if (path->instead[0] == '\0') hole("nothing is done about the error", path->cause);
    return;
  }
  const vs_clause* clause = &vs_clauses[path->clause];
  if (clause->status != path->status) hole("the clause promises another status", clause->id);
  if (!has_check(path->call, path->status, path->clause)) hole("no check answers", clause->id);
}

static void check_paths(void) {
  for (size_t i = 0; i < vs_error_path_count; i++) check_path(&vs_error_paths[i]);
  for (vs_clause_code code = 0; code < VS_CLAUSE_COUNT; code++) {
    size_t count = paths_of(code);
    if (is_of_an_error(code) && count == 0) hole("no listed error has", vs_clauses[code].id);
    if (count > 1) hole("two listed errors have", vs_clauses[code].id);
  }
}

static int count_holes(void) {
  holes = 0;
  check_clauses();
  check_cases();
  check_mutants();
  check_checks();
  check_paths();
  return holes;
}

// --- can it fail? -----------------------------------------------------------------------------

static bool is_missed(taken what, const char* table, const char* id) {
  gone = what;
  bool missed = count_holes() > 0;
  gone = NOTHING;
  if (!missed) fprintf(stderr, "tables: %s may be taken away: %s\n", table, id);
  return missed;
}

static bool are_missed(void) {
  bool missed = true;
  quiet = true;
  for (vs_clause_code code = 0; code < VS_CLAUSE_COUNT; code++) {
    const char* id = vs_clauses[code].id;
    taken cases = NOTHING, mutants = NOTHING;
    cases.cases_of = mutants.mutants_of = code;
    missed &= is_missed(cases, "the cases", id);
    missed &= is_missed(mutants, "the mutants", id);
  }
  for (size_t i = 0; i < vs_error_path_count; i++) {
    const vs_error_path* path = &vs_error_paths[i];
    if (path->clause == VS_CLAUSE_COUNT) continue;
    taken row = NOTHING, checks = NOTHING;
    row.path = i;
    checks.checks_of = path->clause;
    const char* id = vs_clauses[path->clause].id;
    missed &= is_missed(row, "the row of error_paths.def", id);
    missed &= is_missed(checks, "the checks", id);
  }
  return missed;
}

int main(int argc, char** argv) {
  gone = NOTHING;
  bool whole = count_holes() == 0;
  if (argc == 2 && strcmp(argv[1], "--self-test") == 0) whole &= are_missed();
  return !whole;
}
