// SPDX-License-Identifier: BSD-3-Clause
// Who judges those who judge the judge: what selftest counts is so, and each of its gates can shut.
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "judging.h"
#include "selftest/selftest.h"

// --- which cases one could do without ---------------------------------------------------------

enum { CASES = 4, ROWS = 4 };

// Columns: cases; x: caught at its clause; o: fails elsewhere.
typedef struct drawing {
  const char* rows[ROWS];
  vs_kill_row made[ROWS];
  uint8_t cells[ROWS * CASES];
  const vs_case* cases[CASES];
  vs_kill_matrix matrix;
} drawing;

static drawing* draw(const char* a, const char* b, const char* c, const char* d) {
  static drawing it;
  it = (drawing){.rows = {a, b, c, d}};
  for (size_t i = 0; i < CASES; i++) it.cases[i] = &vs_cases[i];
  for (size_t row = 0; row < ROWS; row++) {
    it.made[row] = (vs_kill_row){.mutant = &vs_mutants[row], .state = VS_TARGET_READY};
    for (size_t i = 0; i < CASES; i++) {
      char mark = it.rows[row][i];
      vs_cell cell = mark == 'x' ? VS_CELL_KILL : mark == 'o' ? VS_CELL_ELSEWHERE : VS_CELL_PASS;
      it.cells[row * CASES + i] = (uint8_t)cell;
      it.made[row].kills += cell == VS_CELL_KILL;
      it.made[row].elsewhere += cell == VS_CELL_ELSEWHERE;
    }
  }
  it.matrix = (vs_kill_matrix){.rows = it.made,
                               .row_count = ROWS,
                               .cases = it.cases,
                               .case_count = CASES,
                               .cells = it.cells};
  return &it;
}

static vs_cover cover_of(const char* a, const char* b, const char* c, const char* d) {
  vs_cover cover;
  cr_assert(vs_cover_make(&draw(a, b, c, d)->matrix, &cover));
  return cover;
}

Test(cover, a_case_that_alone_catches_something_is_essential) {
  vs_cover cover = cover_of("x...", "xx..", ".xx.", "..x.");
  cr_expect_eq(cover.caught, 4);
  cr_expect_eq(cover.essential, 2);
  cr_expect_eq(cover.only[0], 1);
  cr_expect_eq(cover.only[1], 0);
  cr_expect_eq(cover.only[2], 1);
  cr_expect_eq(cover.kills[1], 2);
  vs_cover_free(&cover);
}

Test(cover, a_case_that_catches_nothing_is_idle) {
  vs_cover cover = cover_of("x..o", "xx.o", ".xx.", "..x.");
  cr_expect_eq(cover.idle, 1);
  cr_expect_eq(cover.kills[3], 0);
  vs_cover_free(&cover);
}

Test(cover, a_failure_elsewhere_catches_nothing) {
  vs_cover cover = cover_of("o...", ".o..", "..o.", "...o");
  cr_expect_eq(cover.caught, 0);
  cr_expect_eq(cover.smallest, 0);
  vs_cover_free(&cover);
}

Test(cover, the_smallest_set_catches_all_and_none_of_it_can_go) {
  vs_cover cover = cover_of("xx..", "x.x.", ".x.x", "..xx");
  cr_expect_eq(cover.smallest, 2);
  const drawing* it = draw("xx..", "x.x.", ".x.x", "..xx");
  for (size_t row = 0; row < ROWS; row++) {
    bool caught = false;
    for (size_t i = 0; i < CASES; i++) caught |= cover.in_smallest[i] && it->rows[row][i] == 'x';
    cr_expect(caught, "row %zu is caught by none of the set", row);
  }
  vs_cover_free(&cover);
}

// What catches most at first is not needed once the others are there.
Test(cover, greed_is_corrected) {
  vs_cover cover = cover_of("xx..", ".x.x", "x...", "...x");
  cr_expect_eq(cover.smallest, 2);
  cr_expect(!cover.in_smallest[1]);
  vs_cover_free(&cover);
}

// --- mutants for real -------------------------------------------------------------------------

static const vs_case* cases[1024];
static const vs_mutant* mutants[4];

static vs_kill_plan plan_for(const char* without, const char* first, const char* second) {
  size_t count = 0;
  for (size_t i = 0; i < vs_case_count; i++) {
    if (without == NULL || strcmp(vs_cases[i].id, without) != 0) cases[count++] = &vs_cases[i];
  }
  mutants[0] = vs_mutant_find(first);
  mutants[1] = second != NULL ? vs_mutant_find(second) : NULL;
  cr_assert(mutants[0] != NULL && (second == NULL || mutants[1] != NULL));
  return (vs_kill_plan){.mutants = mutants,
                        .mutant_count = second != NULL ? 2 : 1,
                        .cases = cases,
                        .case_count = count,
                        .jobs = 2,
                        .timeout = 2};
}

static vs_selftest_gates gates_of(const vs_kill_plan* plan) {
  vs_selftest selftest;
  cr_assert(vs_selftest_make(plan, false, &selftest));
  vs_selftest_gates gates = vs_selftest_judge(&selftest);
  vs_selftest_free(&selftest);
  return gates;
}

Test(selftest, a_mutant_is_caught_and_a_variant_is_not_flagged, .timeout = 600) {
  vs_kill_plan plan = plan_for(NULL, "kind_bit_ignored_17", "io_upper_zeroed");
  vs_selftest_gates gates = gates_of(&plan);
  cr_expect(vs_selftest_holds(&gates));
}

Test(selftest, a_mutant_whose_only_case_is_gone_is_not_caught, .timeout = 600) {
  vs_kill_plan plan = plan_for("kinds.single_bits", "kind_bit_ignored_17", NULL);
  vs_selftest_gates gates = gates_of(&plan);
  cr_expect_eq(gates.uncaught, 1);
  cr_expect(!vs_selftest_holds(&gates));
}

// What is wrong cannot be passed off as permitted.
Test(selftest, a_variant_that_is_flagged_is_told, .timeout = 600) {
  vs_mutant wrong = *vs_mutant_find("kind_16_bits");
  vs_kill_plan plan = plan_for(NULL, "kind_16_bits", NULL);
  wrong.breaks = NULL;
  wrong.latitude = "";
  mutants[0] = &wrong;
  vs_selftest_gates gates = gates_of(&plan);
  cr_expect_eq(gates.flagged, 1);
  cr_expect(!vs_selftest_holds(&gates));
}

Test(selftest, a_variant_that_needs_no_latitude_is_told, .timeout = 600) {
  vs_mutant odd = *vs_mutant_find("flags_without_gate");
  vs_kill_plan plan = plan_for(NULL, "flags_without_gate", NULL);
  odd.latitude = "io_upper_zeroed";
  mutants[0] = &odd;
  vs_selftest_gates gates = gates_of(&plan);
  cr_expect_eq(gates.unnoticed, 1);
}

// Selftest leaves these out: they take as long as all the others.
Test(selftest, no_variant_is_flagged_by_a_case_whose_threads_race, .timeout = 600) {
  size_t count = 0;
  size_t variants = 0;
  for (size_t i = 0; i < vs_case_count; i++) {
    if (vs_case_is_costly(&vs_cases[i])) cases[count++] = &vs_cases[i];
  }
  for (size_t i = 0; i < vs_mutant_count; i++) {
    char spec[VS_MUTANT_ID_MAX + 8];
    if (vs_mutants[i].breaks != NULL) continue;
    snprintf(spec, sizeof spec, "mutant:%s", vs_mutants[i].id);
    vs_target target = judging_target(spec);
    vs_run run = judging_run(&target, cases, count, "documented", 10);
    for (size_t k = 0; k < run.count; k++) {
      cr_expect(!vs_verdict_is_failure(run.results[k].verdict), "%s",
                judging_text(&run.results[k], "documented"));
    }
    cr_expect_gt(run.count - vs_run_count(&run, &target, VS_VERDICT_UNSUPPORTED), 5);
    vs_run_free(&run);
    variants++;
  }
  cr_expect_gt(variants, 5);
}

// --- what is shown first ------------------------------------------------------------------------

// A mutant, and a case in which another call notices first what it has done.
static const struct {
  const char* mutant;
  const char* id;
} noticed[] = {
    {"flags_cf_pf_dropped", "after.accepted"},
    {"flag_lost_cf", "after.accepted"},
    {"flag_lost_pf", "after.accepted"},
    {"flags_or_only", "after.accepted"},
    {"flags_or_only", "io.padding"},
    {"flags_never", "enter.packet_pointer"},
    {"flags_never", "enter.refused_then_goes_on"},
    {"flags_never", "interrupt.while_it_runs"},
    {"flags_never", "reads.running"},
    {"register_rbx_rcx_swapped", "after.accepted"},
    {"register_rbx_rcx_swapped", "enter.packet_pointer"},
    {"io_big_endian", "threads.other_same_values"},
    {"io_also_r8", "lives.three_threads"},
    {"guest_sees_no_rdi", "after.in_answered"},
    {"guest_sees_no_rdi", "after.kick"},
    {"guest_sees_no_rdi", "exits.two_guests"},
    {"guest_sees_no_rdi", "kick.bad_handle"},
    {"guest_sees_no_rdi", "enter.refused_keeps_the_kick"},
    {"kick_lost", "after.kick"},
    {"kick_lost", "exits.kick_survives"},
    {"kick_lost", "enter.refused_keeps_the_kick"},
    {"kick_never_counts", "kick.pending"},
    {"trap_key_signed", "after.accepted"},
    {"traps_of_all_guests", "exits.two_guests"},
    {"new_guest_create_bit_0_clear", "after.accepted"},
    {"new_vcpu_create_bit_1_clear", "first.entered"},
    {"new_duplicate_bit_0_clear", "chains.duplicate_of_duplicate"},
    {"new_event_create_bit_0_clear", "kick.pending"},
    // And what was done by the call that notices it.
    {"refused_size_written", "after.accepted"},
    {"refused_fault_written", "after.accepted"},
    {"writes_every_vcpu", "registers.two_vcpus"},
    {"kick_lost_by_denied", "enter.refused_keeps_the_kick"},
    {"done_though_enter_bad_handle", "enter.refused_keeps_the_kick"},
};

Test(first, failure_that_is_shown_is_of_the_call_that_did_it, .timeout = 600) {
  for (size_t i = 0; i < sizeof noticed / sizeof noticed[0]; i++) {
    char spec[VS_MUTANT_ID_MAX + 8];
    snprintf(spec, sizeof spec, "mutant:%s", noticed[i].mutant);
    const vs_mutant* mutant = vs_mutant_find(noticed[i].mutant);
    const vs_case* c = vs_case_find(noticed[i].id);
    cr_assert(mutant != NULL && c != NULL, "%s, %s", noticed[i].mutant, noticed[i].id);
    vs_target target = judging_target(spec);
    vs_run run = judging_run(&target, &c, 1, "documented", 10);
    const vs_case_result* result = &run.results[0];
    const bool wrong = result->judgement.step == VS_STEP_VIOLATION;
    const char* shown = wrong ? vs_clauses[result->judgement.violation.clause].id : "nothing";
    cr_expect_str_eq(shown, mutant->breaks, "%s in %s: %s", noticed[i].mutant, noticed[i].id,
                     shown);
    vs_run_free(&run);
  }
}

// Of most it is so: a sample of each sort.
Test(first, failure_of_most_mutants_is_at_their_clause, .timeout = 600) {
  enum { EVERY = 24 };
  static const vs_mutant* some[1024];
  vs_kill_plan plan = plan_for(NULL, "kind_16_bits", NULL);
  vs_selftest selftest;
  size_t named = 0;
  size_t count = 0;
  for (size_t i = 0; i < vs_mutant_count; i += EVERY) some[count++] = &vs_mutants[i];
  for (size_t i = 0; vs_mutant_of_families(i) != NULL; i += EVERY)
    some[count++] = vs_mutant_of_families(i);
  plan.mutants = some;
  plan.mutant_count = count;
  cr_assert(vs_selftest_make(&plan, false, &selftest));
  const vs_kill_matrix* matrix = &selftest.matrix;
  for (size_t i = 0; i < matrix->row_count; i++) {
    const vs_kill_row* row = &matrix->rows[i];
    named += row->named;
    cr_expect(row->kills > 0 || row->by_chance || row->state != VS_TARGET_READY, "%s is not caught",
              row->mutant->id);
  }
  cr_expect_gt(matrix->row_count, 60);
  cr_expect_geq(named * 100, matrix->row_count * 95, "%zu of %zu", named, matrix->row_count);
  vs_selftest_free(&selftest);
}

// --- orders -----------------------------------------------------------------------------------

static vs_orders orders_without(const char* id) {
  vs_why reason;
  vs_orders orders;
  vs_kill_plan plan = plan_for(id, "kind_16_bits", NULL);
  cr_assert(vs_orders_make(&plan, &orders, &reason), "%s", reason.text);
  return orders;
}

Test(orders, documented_flags_none_and_zircon_x64_all_but_its_own, .timeout = 300) {
  vs_orders orders = orders_without(NULL);
  cr_expect_eq(orders.permutations, 362880);
  cr_expect_eq(orders.flagged, 0);
  cr_expect_eq(orders.missed, 0);
  cr_expect_eq(orders.sets_met, orders.sets);
  cr_expect_gt(orders.class_count, 100);
  cr_expect(orders.classes[orders.own].ordered == NULL);
  size_t all = 0;
  for (size_t i = 0; i < orders.class_count; i++) all += orders.classes[i].orders;
  cr_expect_eq(all, orders.permutations);
  vs_orders_free(&orders);
}

Test(orders, without_the_case_that_tells_them_apart_some_are_missed, .timeout = 300) {
  vs_orders orders = orders_without("faults.while_running");
  cr_expect_gt(orders.missed, 0);
  cr_expect_eq(orders.flagged, 0);
  vs_orders_free(&orders);
}

// --- historic defects -------------------------------------------------------------------------

static vs_historic_result judged(vs_historic row) {
  vs_historic_result result;
  vs_kill_plan plan = plan_for(NULL, "kind_16_bits", NULL);
  cr_assert(vs_historic_judge(&row, &plan, &result));
  return result;
}

Test(historic, a_defect_that_its_case_does_not_catch_is_told, .timeout = 600) {
  vs_historic row = vs_historics[0];
  cr_expect(judged(row).caught);
  row.shown = "kinds.both";
  row.backend = "soft:2018";
  cr_expect(!judged(row).caught);
  row.shown = "kinds.that_is_not_there";
  cr_expect(!judged(row).caught);
}

Test(historic, a_kernel_that_fails_under_its_own_profile_is_told, .timeout = 600) {
  vs_historic row = {.backend = "soft:zcore", .profile = "", .shown = "", .passes = "zcore"};
  cr_expect(judged(row).passes);
  row.passes = "zircon-2018";
  cr_expect(!judged(row).passes);
}

// --- the program ------------------------------------------------------------------------------

static int run(const char* arguments, char* text, size_t size) {
  char command[1024];
  snprintf(command, sizeof command, "%s selftest %s 2>&1", VS_PROGRAM_PATH, arguments);
  memset(text, 0, size);
  FILE* out = popen(command, "r");
  cr_assert(out != NULL);
  size_t got = fread(text, 1, size - 1, out);
  int status = pclose(out);
  cr_assert(got < size - 1 && WIFEXITED(status));
  return WEXITSTATUS(status);
}

static void expect(const char* arguments, int status, const char* words) {
  static char text[1 << 16];
  int got = run(arguments, text, sizeof text);
  cr_expect_eq(got, status, "%s: exit %d, not %d:\n%.2000s", arguments, got, status, text);
  cr_expect(strstr(text, words) != NULL, "%s: no \"%s\" in:\n%.2000s", arguments, words, text);
}

Test(program, a_mutant_that_is_caught_is_0, .timeout = 600) {
  expect("--filter kind_bit_ignored_17", 0, "1 of 1 are caught");
}
Test(program, a_mutant_that_is_not_caught_is_1, .timeout = 600) {
  expect("--filter kind_bit_ignored_17 --without kinds.single_bits", 1,
         "NOT CAUGHT  kind_bit_ignored_17");
}
Test(program, what_is_not_understood_is_2) {
  expect("--filter nothing_like_this", 2, "no mutant's id matches");
  expect("--without kinds.singlebits", 2, "did you mean 'kinds.single_bits'?");
  expect("--report txt:/tmp/x", 2, "json:FILE or html:FILE");
  expect("kind_16_bits", 2, "--filter GLOB names mutants");
}
Test(program, a_report_that_cannot_be_written_is_told_at_once) {
  expect("--report json:/proc/no/such", 2, "cannot be written");
}
