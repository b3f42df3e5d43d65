// SPDX-License-Identifier: BSD-3-Clause
// docs/error-paths.md: each error that the reference pages list, with its clause, cases and
// mutants.
#include <stdio.h>
#include <string.h>

#include "cases/cases.h"
#include "cases/error_paths.h"
#include "docgen.h"
#include "mutants/mutants.h"
#include "words/describe.h"

enum { SHOWN_MUTANTS = 6 };

void vs_docgen_status(zx_status_t status) {
  char name[64];
  vs_text text = vs_text_in(name, sizeof name);
  vs_say_status(&text, status);
  fputs(name, stdout);
}

static const vs_mutant* mutant_at(size_t i) {
  return i < vs_mutant_count ? &vs_mutants[i] : vs_mutant_of_families(i - vs_mutant_count);
}

void vs_docgen_mutants_of(vs_clause_code clause) {
  size_t count = 0;
  const vs_mutant* mutant = NULL;
  for (size_t i = 0; (mutant = mutant_at(i)) != NULL; i++) {
    if (!mutant->breaks || strcmp(mutant->breaks, vs_clauses[clause].id) != 0) continue;
    if (count < SHOWN_MUTANTS) printf("%s`%s`", count > 0 ? ", " : "", mutant->id);
    count++;
  }
  if (count > SHOWN_MUTANTS) printf(" and %zu more", count - SHOWN_MUTANTS);
}

static void print_link(vs_clause_code clause) {
  const char* id = vs_clauses[clause].id;
  printf("[`%s`](clauses.md#", id);
  for (const char* c = id; *c != '\0'; c++) {
    if (*c != '.') putchar(*c);
  }
  printf(")");
}

static void print_cases_of(vs_clause_code clause) {
  const char* separator = "";
  for (int subject = 1; subject >= 0; subject--) {
    for (size_t i = 0; i < vs_case_count; i++) {
      const vs_case* c = &vs_cases[i];
      bool is_subject = c->clauses[0] == clause;
      if (is_subject != subject || !vs_has_clause(vs_case_clauses(c), clause)) continue;
      printf("%s`%s`", separator, c->id);
      separator = ", ";
    }
  }
}

static bool is_apart(const vs_error_path* path) {
  return path->clause == VS_CLAUSE_COUNT;
}

// A call that is wrongly accepted may break another clause than one that is refused with another
// status.
static vs_clause_code rule_of(const vs_error_path* path) {
  for (size_t i = 1; i < VS_CHECK_COUNT; i++) {
    bool same = vs_checks[i].call == path->call && vs_checks[i].error == path->clause;
    if (same && vs_checks[i].status == path->status) return vs_checks[i].rule;
  }
  return path->clause;
}

static void print_row(const vs_error_path* path) {
  vs_clause_code rule = rule_of(path);
  bool other = rule != path->clause;
  print_link(path->clause);
  if (other) printf("; if accepted ");
  if (other) print_link(rule);
  printf(" | ");
  print_cases_of(path->clause);
  printf(" | ");
  vs_docgen_mutants_of(path->clause);
  if (other) printf("; if accepted ");
  if (other) vs_docgen_mutants_of(rule);
}

static void print_path(const vs_error_path* path) {
  printf("| ");
  vs_docgen_status(path->status);
  printf(" | %s | ", path->cause);
  if (is_apart(path)) {
    printf("none: see below | |");
  } else {
    print_row(path);
  }
  printf(" |\n");
}

static void print_call(uint8_t call) {
  size_t count = 0;
  for (size_t i = 0; i < vs_error_path_count; i++) count += vs_error_paths[i].call == call;
  printf("\n## %s: %zu\n\n| status | cause | clause | cases | mutants |\n|---|---|---|---|---|\n",
         vs_ops[call].symbol, count);
  for (size_t i = 0; i < vs_error_path_count; i++) {
    if (vs_error_paths[i].call == call) print_path(&vs_error_paths[i]);
  }
  const char* before = "\n";
  for (size_t i = 0; i < vs_error_path_count; i++) {
    const vs_error_path* path = &vs_error_paths[i];
    if (path->call != call || !is_apart(path)) continue;
    printf("%s- ", before);
    before = "";
    vs_docgen_status(path->status);
    printf(", %s. %s\n", path->cause, path->instead);
  }
}

void vs_docgen_error_paths(void) {
  size_t apart = 0;
  for (size_t i = 0; i < vs_error_path_count; i++) apart += is_apart(&vs_error_paths[i]);
  printf(
      "# The errors that the pages list\n\n"
      "Made from `conformance/cases/error_paths.def` and the tables around it by "
      "`tools/make-docs`; do not edit.\n\n"
      "The reference pages of the eight calls list %zu errors, counted by cause: a row for each. "
      "%zu have a clause, the cases that judge it and the mutants that it must catch; of the other "
      "%zu it is said below the table what is done instead. A row whose clause, check, cases or "
      "mutants are missing fails the build (`check_tables`), and so does a clause about a listed "
      "error without a row; the test `tables_check_can_fail` takes each of them away, and sees it "
      "missed.\n\n"
      "A call that is refused with another status breaks the clause; one that is accepted breaks "
      "it too, or the one named behind \"if accepted\". `vcpuspec list mutants` has the mutants "
      "that are only counted here.\n",
      vs_error_path_count, vs_error_path_count - apart, apart);
  for (uint8_t call = 0; call < VS_PAGES; call++) print_call(call);
}
