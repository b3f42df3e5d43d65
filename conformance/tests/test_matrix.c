// SPDX-License-Identifier: BSD-3-Clause
// The matrix of a run: a row for each call, the clauses that do not pass everywhere, and where each
// report has them.
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "reports/render.h"
#include "reports/show.h"
#include "results/pages.h"
#include "results_shell.h"
#include "tables.h"

TestSuite(matrix, .init = make_directory, .fini = remove_directory, .timeout = 600);

// --- pages --------------------------------------------------------------------------------------

static const vs_part* part_of(const char* clause) {
  for (size_t i = 0; i < VS_PART_COUNT; i++) {
    if (strncmp(clause, vs_parts[i].start, strlen(vs_parts[i].start)) == 0) return &vs_parts[i];
  }
  return NULL;
}

Test(pages, every_clause_has_one_and_every_row_has_a_clause) {
  size_t clauses[VS_PART_COUNT] = {0};
  for (size_t code = 0; code < VS_CLAUSE_COUNT; code++) {
    const vs_part* part = part_of(vs_clauses[code].id);
    cr_assert(part != NULL, "pages.def has no page for %s", vs_clauses[code].id);
    clauses[part - vs_parts]++;
  }
  for (size_t i = 0; i < VS_PART_COUNT; i++) {
    cr_expect(clauses[i] > 0, "pages.def: no clause begins with %s", vs_parts[i].start);
  }
}

Test(pages, of_calls_by_each_of_their_names) {
  static const char* const names[][2] = {
      {"set_trap", "set_trap"},
      {"guest_set_trap", "set_trap"},
      {"zx_guest_set_trap", "set_trap"},
      {"zx_vcpu_write_state", "write_state"},
      {"vcpu_create", "vcpu_create"},
      {"close", "objects"},
      {"zx_handle_duplicate", "objects"},
      {"objects", "objects"},
      {"zx_set_trap", ""},
      {"port_wait", ""},
      {"set_trap.", ""},
      {"set", ""},
      {"", ""},
  };
  for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
    const char* page = vs_page_find(names[i][0]);
    cr_expect_str_eq(page != NULL ? page : "", names[i][1], "%s", names[i][0]);
  }
}

Test(pages, of_a_clause_that_this_program_does_not_know) {
  vs_store store = {0};
  cr_expect_str_eq(vs_page_of(&store, "zebra.crossing"), "zebra");
  cr_expect_str_eq(vs_page_of(&store, "set_trapped.x"), "set_trapped");
  cr_expect_str_eq(vs_page_of(&store, "alone"), "alone");
  vs_store_free(&store);
}

// --- a small model ------------------------------------------------------------------------------

#define CLAUSE(id) "{'id':'" id "','section':'s','sentence':'It is so.','status':null}"
#define BACKEND(name, state)                                                    \
  "{'name':'" name "','spec':'b','arch':'x86-64','profile':'p','state':'" state \
  "','reason':'why','required':false}"
#define RESULT(backend, says)                                                                 \
  "{'backend':" backend                                                                       \
  ",'case':'a.b','title':'','clauses':[],'verdict':'fail','seconds':0,"                       \
  "'says':{" says                                                                             \
  "},'latitudes':[],'note':'','failure':{'clause':null,'sentence':'','op':null,'allowed':''," \
  "'got':'','ops':[],'remarks':[]},'command':null,'script':null,"                             \
  "'expectation':null}"
#define MODEL(results) \
  "{'format':'vcpuspec results','version':1,'program':'vcpuspec 0','started':'',"               \
  "'interrupted':false,'shard':'1/1','seed':'0','filters':[],'counts':{'expected':2,"           \
  "'judged':2,'not_judged':0},'clauses':[" CLAUSE("zebra.a") "," CLAUSE("set_trap.a") "," CLAUSE( \
      "set_trap.b") "," CLAUSE("family.enter.a") "," CLAUSE("set_trap.c") "],'backends':["     \
  BACKEND("one", "ready") "," BACKEND("two", "ready") "," BACKEND("gone", "absent")             \
  "],'results':[" results "],'expectations':null,'exit':{'status':0,'why':'w'}}"

#define TWO(first, second) MODEL(RESULT("0", first) "," RESULT("1", second))
// Two of five clauses pass on both.
#define MIXED                                                                              \
  TWO("'zebra.a':'pass','set_trap.a':'pass','set_trap.b':'permitted','set_trap.c':'fail'," \
      "'family.enter.a':'unsupported'",                                                    \
      "'zebra.a':'pass','set_trap.a':'pass','set_trap.b':'pass','set_trap.c':'cut short'," \
      "'family.enter.a':'pass'")
#define ALL_GOOD TWO("'set_trap.a':'pass','zebra.a':'pass'", "'set_trap.a':'pass','zebra.a':'pass'")
#define ONE_FAILS TWO("'set_trap.a':'fail'", "")

static vs_results* model(const char* source) {
  vs_why why;
  char* text = strdup(source);
  for (char* c = text; *c != '\0'; c++) {
    if (*c == '\'') *c = '"';
  }
  vs_results* results = vs_results_parse("model", text, strlen(text), &why);
  cr_assert(results != NULL, "%s", why.text);
  free(text);
  return results;
}

static char text[1 << 16];  // what was put last

static const char* shown(const char* source, bool full) {
  vs_results* results = model(source);
  FILE* out = fmemopen(text, sizeof text, "w");
  const vs_screen screen = {.out = out, .full = full};
  vs_show_end(&screen, results, false);
  fclose(out);
  vs_results_free(results);
  return text;
}

static const char* rendered(const char* format, const char* source) {
  vs_results* results = model(source);
  FILE* out = fmemopen(text, sizeof text, "w");
  for (size_t i = 0; i < VS_FORMAT_COUNT; i++) {
    if (strcmp(vs_formats[i].name, format) == 0) vs_render(&vs_formats[i], out, results);
  }
  fclose(out);
  vs_results_free(results);
  return text;
}

static void assert_shows(const char* got, const char* part) {
  cr_expect(strstr(got, part) != NULL, "no '%s' in:\n%.3000s", part, got);
}
static void assert_hides(const char* got, const char* part) {
  cr_expect(strstr(got, part) == NULL, "'%s' in:\n%.3000s", part, got);
}

// --- the terminal -------------------------------------------------------------------------------

Test(matrix, has_a_row_for_each_call_in_the_order_of_the_table_and_then_what_is_not_known) {
  assert_shows(shown(MIXED, false),
               "profile p                               one           two\n"
               "enter                                   1 -           1 ok\n"
               "set_trap                                2 ok, 1 FAIL  2 ok, 1 cut short\n"
               "zebra                                   1 ok          1 ok\n"
               "\n");
}

Test(matrix, lists_what_is_no_plain_pass_by_call_and_counts_the_rest) {
  assert_shows(shown(MIXED, false),
               "\nfamily.enter.a                          -             pass\n"
               "set_trap.b                              permitted     pass\n"
               "set_trap.c                              FAIL          cut short\n"
               "2 of 5 clauses pass on every backend: --full shows each\n"
               "\ncases: pass ");
  assert_hides(text, "set_trap.a");
  assert_hides(text, "zebra.a");
}

Test(matrix, of_passes_alone_lists_no_clause) {
  assert_shows(shown(ALL_GOOD, false),
               "\n\n2 of 2 clauses pass on every backend: --full shows each\n\ncases: pass ");
}

Test(matrix, of_every_clause_has_no_row_for_calls) {
  assert_shows(shown(MIXED, true),
               "profile p                               one          two\n"
               "zebra.a                                 pass         pass\n"
               "set_trap.a                              pass         pass\n"
               "set_trap.b                              permitted    pass\n"
               "family.enter.a                          -            pass\n"
               "set_trap.c                              FAIL         cut short\n"
               "\ncases: pass ");
  assert_hides(text, "2 of 5");
}

Test(matrix, counts_every_bad_verdict_with_the_worst_first) {
  assert_shows(shown(TWO("'set_trap.a':'unsupported','set_trap.b':'flaky',"
                         "'set_trap.c':'fail'",
                         ""),
                     false),
               "set_trap                                1 FAIL, 1 FLAKY, 1 -  \n");
}

Test(matrix, of_a_long_clause_moves_every_column) {
  vs_results* results = model(ONE_FAILS);
  static const char id[] = "set_trap.of_a_clause_with_a_name_that_is_long";
  results->clauses.at[1].id = id;
  results->results.at[0].says.at[0].clause = id;
  FILE* out = fmemopen(text, sizeof text, "w");
  const vs_screen screen = {.out = out};
  vs_show_end(&screen, results, false);
  fclose(out);
  vs_results_free(results);
  assert_shows(text, "\nset_trap                                       1 FAIL       \n");
  assert_shows(text, "\nset_trap.of_a_clause_with_a_name_that_is_long  FAIL         \n");
}

// --- reports ------------------------------------------------------------------------------------

Test(matrix, of_markdown_has_the_same_rows) {
  const char* got = rendered("md", MIXED);
  assert_shows(got,
               "| enter | 1 unsupported | 1 ok |  |\n"
               "| set&#95;trap | **2 ok, 1 FAIL** | 2 ok, 1 cut short |  |\n"
               "| zebra | 1 ok | 1 ok |  |\n");
  assert_shows(got, "<summary>3 clauses are not a pass on every backend</summary>");
  assert_shows(got, "| set&#95;trap.c | FAIL | cut short |  |\n");
  assert_shows(got,
               "<summary>2 of 5 clauses pass on every backend</summary>\n\n"
               "- set&#95;trap.a\n- zebra.a\n");
  assert_hides(got, "| zebra.a |");
}

Test(matrix, of_markdown_leaves_out_what_is_empty) {
  assert_hides(rendered("md", ALL_GOOD), "not a pass on every backend");
  assert_hides(rendered("md", TWO("", "")), "clauses of");
  assert_hides(rendered("md", TWO("", "")), "pass on every backend");
}

// The part of the page from one text to another.
static const char* between(const char* got, const char* from, const char* to) {
  static char part[sizeof text];
  const char* start = strstr(got, from);
  const char* end = start != NULL ? strstr(start, to) : NULL;
  cr_assert(end != NULL, "no '%s' and then '%s' in the page", from, to);
  snprintf(part, sizeof part, "%.*s", (int)(end - start), start);
  return part;
}

Test(matrix, of_the_page_folds_plain_passes_away) {
  rendered("html", MIXED);
  const char* calls = between(text, "<section id=\"matrix\"", "</section>");
  assert_shows(calls, "<tr data-row=\"call\" data-text=\"set_trap.a set_trap.b set_trap.c \">");
  assert_shows(calls, " data-b=\"0\" data-v=\"pass permitted fail\">");
  assert_shows(calls, " data-b=\"2\" data-v=\"not-judged\">");
  const char* listed = between(text, "<section id=\"clauses\"", "<details class=\"plain\"");
  assert_shows(listed, "<span class=\"stem\">set_<wbr>trap.</span>c</code>");
  assert_hides(listed, "zebra");
  const char* folded = between(text, "<details class=\"plain\"", "</details>");
  assert_shows(folded, "<b>2</b> of 5 clauses");
  assert_shows(folded, "zebra");
  assert_hides(folded, "</span>c</code>");
}

Test(matrix, of_the_page_says_so_where_every_clause_passes) {
  rendered("html", ALL_GOOD);
  assert_shows(between(text, "<section id=\"clauses\"", "</section>"), "There is none.");
  rendered("html", ONE_FAILS);
  assert_hides(between(text, "<section id=\"clauses\"", "</section>"), "<details");
}

// --- the program --------------------------------------------------------------------------------

Test(matrix, of_a_run_and_of_merged_files_shows_every_clause_if_asked) {
  expect("run --backend soft --filter write_state.errors.bad_handle --report json:%/r", 0,
         "\nwrite_state                             ");
  expect_without("merge %/r", "write_state.errors.bad_handle");
  expect("merge --full %/r", 0, "write_state.errors.bad_handle           pass");
  expect("run --full --backend soft --filter write_state.errors.bad_handle", 0,
         "write_state.errors.bad_handle           pass");
  expect("merge --diff --full %/r %/r", 2, "no --full");
}
