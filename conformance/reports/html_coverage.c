// SPDX-License-Identifier: BSD-3-Clause
// How much was reached, as a heat map: of each call a table of clause by fact, in each cell how
// many of the combinations in which the fact holds and the clause gives an answer. The numbers say
// it without a colour.
#include <string.h>

#include "coverage/words.h"
#include "html.h"
#include "results/covered.h"

#define PUT VS_HTML

typedef struct cell {
  size_t reached;
  size_t reachable;
} cell;

// Of the combinations [from, to) of a row, which are of one call.
typedef struct call_map {
  const vs_covered* row;
  size_t from;
  size_t to;
} call_map;

static vs_check_set facts_at(const call_map* m, size_t i) {
  const vs_point* point = &m->row->all->points[i].point;
  return vs_point_facts(point->certain | point->unsure);
}

// VS_CHECK_NONE stands for nothing that is wrong.
static bool holds(const call_map* m, size_t i, vs_check_code fact) {
  const vs_check_set facts = facts_at(m, i);
  return fact == VS_CHECK_NONE ? facts == 0 : (facts & VS_CHECK_IN(fact)) != 0;
}

static cell count(const call_map* m, vs_clause_code clause, vs_check_code fact) {
  cell sum = {0};
  for (size_t i = m->from; i < m->to; i++) {
    const bool is = vs_has_clause(vs_reached_clauses(&m->row->all->points[i]), clause);
    if (!is || !holds(m, i, fact)) continue;
    sum.reachable++;
    sum.reached += m->row->combinations.at[i].reached;
  }
  return sum;
}

// What comes up in the call at all.
static vs_check_set facts_of(const call_map* m) {
  vs_check_set facts = VS_CHECK_IN(VS_CHECK_NONE);
  for (size_t i = m->from; i < m->to; i++) facts |= facts_at(m, i);
  return facts;
}

static vs_clause_set clauses_of(const call_map* m) {
  vs_clause_set clauses = VS_NO_CLAUSE;
  for (size_t i = m->from; i < m->to; i++) {
    clauses |= vs_reached_clauses(&m->row->all->points[i]);
  }
  return clauses;
}

static const char* fact_name(vs_check_code fact) {
  return fact == VS_CHECK_NONE ? "nothing wrong" : vs_checks[fact].name;
}

static const char* class_of(cell c) {
  if (c.reached == c.reachable) return "all";
  return c.reached == 0 ? "none" : "some";
}

static void put_cell(FILE* out, cell c, const char* fact) {
  if (c.reachable == 0) {
    PUT("<td data-v=\"\"></td>");
    return;
  }
  PUT("<td class=\"n heat-%s\" data-name=\"%s\">%zu/%zu</td>", class_of(c), fact, c.reached,
      c.reachable);
}

static void put_clause(FILE* out, const call_map* m, vs_clause_code clause, vs_check_set facts) {
  PUT("<tr><th scope=\"row\"><code>%-s</code></th>", vs_clauses[clause].id);
  while (facts != 0) {
    const vs_check_code fact = vs_check_take(&facts);
    put_cell(out, count(m, clause, fact), fact_name(fact));
  }
  PUT("</tr>\n");
}

static void put_call(FILE* out, const call_map* m) {
  const char* call = m->row->combinations.at[m->from].call;
  const vs_check_set facts = facts_of(m);
  const vs_clause_set clauses = clauses_of(m);
  PUT("<h4>%s</h4>\n<div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"Coverage of "
      "%s\">\n<table class=\"counts heat\"><thead><tr><th scope=\"col\">clause</th>",
      call, call);
  vs_check_set rest = facts;
  while (rest != 0) PUT("<th scope=\"col\" class=\"n\">%s</th>", fact_name(vs_check_take(&rest)));
  PUT("</tr></thead>\n<tbody>\n");
  for (vs_clause_code code = 0; code < VS_CLAUSE_COUNT; code++) {
    if (vs_has_clause(clauses, code)) put_clause(out, m, code, facts);
  }
  PUT("</tbody></table></div>\n");
}

static void put_row(FILE* out, const vs_covered* row) {
  PUT("<details><summary><code>%-s</code> (%s, %s): %zu of %zu combinations, %zu of %zu "
      "transitions</summary>\n<div class=\"body\">\n",
      row->name, row->arch, row->profile, row->reached, row->reachable, row->transitions_reached,
      row->transitions_reachable);
  for (call_map m = {.row = row}; m.from < row->combinations.count; m.from = m.to) {
    const char* call = row->combinations.at[m.from].call;
    for (m.to = m.from; m.to < row->combinations.count; m.to++) {
      if (row->combinations.at[m.to].call != call) break;
    }
    put_call(out, &m);
  }
  PUT("</div></details>\n");
}

// Of backends that were judged by a profile of ours; of another, what is reachable is not known
// here.
void vs_html_coverage(FILE* out, const vs_view* view) {
  vs_accounts accounts;
  vs_why why;
  const vs_results* all = view->results;
  vs_accounts_begin(&accounts, all->program, NULL);
  for (size_t i = 0; i < all->backends.count; i++) {
    if (all->backends.at[i].reachable > 0)
      (void)vs_accounts_add_column(&accounts, "report", all, i, &why);
  }
  vs_accounts_close(&accounts);
  const vs_coverage_told* told = &accounts.told;
  if (told->backends.count > 0) {
    PUT("<section id=\"coverage\">\n<h2>Coverage</h2>\n<p>What was reached of all that the rules "
        "can "
        "tell apart: by clause, and by what is wrong with a call, how many of the combinations. "
        "<code>vcpuspec coverage --missing</code> prints a script for each that is missing.</p>\n");
  }
  for (size_t i = 0; i < told->backends.count; i++) put_row(out, &told->backends.at[i]);
  if (told->backends.count > 0) PUT("</section>\n");
  vs_accounts_free(&accounts);
}
