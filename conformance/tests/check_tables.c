// SPDX-License-Identifier: BSD-3-Clause
// Run by the build: fails it when a table has a hole. A clause without a case or without a mutant,
// a case without a clause, a row that names another row which does not exist.
#include <stdio.h>
#include <string.h>

#include "cases/cases.h"
#include "mutants/mutants.h"

static int holes;

static void hole(const char* what, const char* id) {
  fprintf(stderr, "tables: %s: %s\n", what, id);
  holes++;
}

static bool has_case(vs_clause_code clause) {
  for (size_t i = 0; i < vs_case_count; i++) {
    if (vs_case_clauses(&vs_cases[i]) & VS_MEMBER(clause)) return true;
  }
  return false;
}

static bool has_mutant(const char* clause) {
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

int main(void) {
  check_clauses();
  check_cases();
  check_mutants();
  check_checks();
  return holes > 0;
}
