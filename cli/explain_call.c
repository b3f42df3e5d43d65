// SPDX-License-Identifier: BSD-3-Clause
#include "explain_call.h"

#include <stdio.h>
#include <string.h>

#include "cases/cases.h"
#include "results/pages.h"
#include "words/describe.h"

enum { WIDTH = 100, INDENT = 13 };

static bool judges(const vs_case* c, vs_clause_code clause, bool as_subject) {
  return vs_has_clause(vs_case_clauses(c), clause) && (c->clauses[0] == clause) == as_subject;
}

// In as many lines as they take. Nothing, if there is none.
static size_t print_cases(vs_clause_code clause, bool as_subject) {
  size_t count = 0;
  int column = WIDTH;
  for (size_t i = 0; i < vs_case_count; i++) {
    if (!judges(&vs_cases[i], clause, as_subject)) continue;
    const char* start = count++ > 0 ? "" : as_subject ? "subject of" : "judged by";
    if (column + 1 + (int)strlen(vs_cases[i].id) > WIDTH) {
      printf("%s  %-*s", count > 1 ? "\n" : "", INDENT - 3, start);
      column = INDENT - 1;
    }
    column += printf(" %s", vs_cases[i].id);
  }
  if (count > 0) putchar('\n');
  return count;
}

static void print_clause(vs_clause_code code) {
  const vs_clause* clause = &vs_clauses[code];
  printf("\n%s (%s)\n  %s\n", clause->id, clause->section, clause->sentence);
  if (clause->status != ZX_OK) {
    char status[64];
    vs_text text = vs_text_in(status, sizeof status);
    vs_say_status(&text, clause->status);
    printf("  status     %s\n", status);
  }
  if (print_cases(code, true) + print_cases(code, false) == 0)
    printf("  judged by  no case of the suites\n");
}

// Each call whose clauses are on the page.
static void print_calls(const char* page) {
  for (size_t i = 0; i < VS_CALL_COUNT; i++) {
    const char* its = vs_page_find(vs_ops[i].symbol);
    if (its == NULL || strcmp(its, page) != 0) continue;
    printf("%s: %s\n", vs_ops[i].symbol, vs_ops[i].text);
  }
}

bool vs_explain_call(const char* word) {
  vs_store store = {0};
  const char* page = vs_page_find(word);
  if (page == NULL) return false;
  print_calls(page);
  for (vs_clause_code code = 0; code < VS_CLAUSE_COUNT; code++) {
    if (strcmp(vs_page_of(&store, vs_clauses[code].id), page) == 0) print_clause(code);
  }
  printf("\none of them with its checks: vcpuspec explain CLAUSE\n");
  vs_store_free(&store);
  return true;
}
