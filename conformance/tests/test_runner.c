// SPDX-License-Identifier: BSD-3-Clause
// Isolation: what happens in a child stays there, and is told.
#include <criterion/criterion.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

#include "judging.h"
#include "minimize/minimize.h"
#include "process/child.h"
#include "runner/record.h"

static vs_child run_child(void (*work)(void*), double seconds) {
  vs_child child;
  cr_assert(vs_child_start(&child, seconds, work, NULL));
  vs_child_wait(&child);
  return child;
}

static void says(const char* written, size_t size, const char* kept) {
  char text[4096];
  vs_tail tail = {.from = -1, .to = -1};
  vs_tail_add(&tail, written, strlen(written));
  vs_tail_say(&tail, text, size);
  cr_expect_str_eq(text, kept);
}

// A trace of calls stands before what went wrong, or behind it.
Test(runner, both_ends_of_what_it_says_are_kept) {
  char written[8192] = "";
  char kept[2048] = "";
  says("", 1024, "");
  says("a\nb", 1024, "a\nb\n");
  says("1\n2\n3\n4\n5\n", 1024, "1\n2\n3\n4\n5\n");
  says("1\n2\n3\n4\n5\n6\n7\n", 1024, "1\n2\n3\n4\n5\n6\n7\n");
  for (size_t i = 0; i < 24; i++) strcat(written, "a\n");
  says(written, 1024, written);
  strcat(written, "a\n");
  for (size_t i = 0; i < 16; i++) strcat(kept, "a\n");
  strcat(kept, "(2 bytes more)\n");
  for (size_t i = 0; i < 8; i++) strcat(kept, "a\n");
  says(written, 4096, kept);
  *written = '\0';
  for (size_t i = 0; i < 700; i++) {
    snprintf(written + strlen(written), 16, "line %zu\n", i);
  }
  // Where there is no room for so many, lines are not cut.
  says(written, 100, "line 0\nline 1\nline 2\n(6151 bytes more)\nline 698\nline 699\n");
  memset(written, 'x', 5000);
  written[5000] = '\0';
  snprintf(kept, sizeof kept, "%.104s\n(4792 bytes more)\n%.104s\n", written, written);
  says(written, 256, kept);
}

static void stop_soon(size_t runs, size_t ops, void* context) {
  vs_minimizing* how = context;
  (void)ops;
  if (runs == 4) how->until = 1;
}

Test(runner, what_time_cut_short_is_not_called_minimal, .timeout = 60) {
  const vs_target target = judging_target("mutant:kind_8_bits");
  vs_minimizing how = {
      .target = &target, .profile = vs_profile_find("documented"), .timeout = 10, .context = &how};
  vs_script script;
  vs_minimized found;
  cr_assert(vs_case_script(vs_case_find("kinds.aliases"), target.arch, 0, &script));
  cr_assert(vs_minimize(&how, &script, &found));
  cr_expect(found.minimal && found.count == 3, "%zu ops", found.count);
  vs_minimized_free(&found);
  how.progress = stop_soon;
  cr_assert(vs_minimize(&how, &script, &found));
  cr_expect(found.fails && !found.minimal && found.runs == 4, "%zu runs", found.runs);
  vs_minimized_free(&found);
  vs_case_script_free(&script);
}

static void end_well(void* argument) {
  (void)argument;
}
static void end_with_seven(void* argument) {
  (void)argument;
  _exit(7);
}
static void crash(void* argument) {
  (void)argument;
  signal(SIGABRT, SIG_DFL);
  abort();
}
static void hang(void* argument) {
  (void)argument;
  signal(SIGTERM, SIG_IGN);
  for (;;) pause();
}

static void expect_death(vs_child child, vs_death death, int detail, const char* words) {
  char text[128];
  vs_death_describe(&child, 0.3, text, sizeof text);
  cr_expect_eq(child.death, death);
  cr_expect_eq(child.detail, detail, "%s", text);
  cr_expect(strstr(text, words) != NULL, "%s", text);
}

Test(child, ends_well) {
  expect_death(run_child(end_well, 10), VS_DEATH_EXIT, 0, "status 0");
}
Test(child, exits) {
  expect_death(run_child(end_with_seven, 10), VS_DEATH_EXIT, 7, "status 7");
}
Test(child, crashes) {
  expect_death(run_child(crash, 10), VS_DEATH_SIGNAL, SIGABRT, "SIGABRT");
}
// Its tracer sits in another session, as a crash handler may, and never takes note of its end.
static void be_traced(void* argument) {
  int ready[2];
  char byte;
  if (pipe(ready) != 0) _exit(9);
  prctl(PR_SET_PTRACER, PR_SET_PTRACER_ANY);
  if (fork() == 0) {
    setsid();
    const char seized = ptrace(PTRACE_SEIZE, getppid(), NULL, NULL) == 0;
    if (write(ready[1], &seized, 1) != 1) _exit(9);
    for (;;) pause();
  }
  if (read(ready[0], &byte, 1) != 1 || byte == 0) _exit(9);
  if (argument != NULL) hang(NULL);
  _exit(7);
}

static double end_traced(bool hangs, vs_child* child) {
  const double before = vs_now();
  cr_assert(vs_child_start(child, 2, be_traced, hangs ? child : NULL));
  vs_child_wait(child);
  if (child->detail == 9) cr_skip_test("nothing may be traced here");
  vs_children_end();
  return vs_now() - before;
}

Test(child, that_is_traced_ends, .timeout = 20) {
  vs_child child;
  double seconds = end_traced(false, &child);
  expect_death(child, VS_DEATH_EXIT, 7, "status 7");
  cr_expect_lt(seconds, 1.5);
}
Test(child, that_is_traced_can_be_ended, .timeout = 20) {
  vs_child child;
  double seconds = end_traced(true, &child);
  expect_death(child, VS_DEATH_TIMEOUT, 0, "within 0.3 s");
  cr_expect_lt(seconds, 4);
}
Test(child, hangs) {
  expect_death(run_child(hang, 0.3), VS_DEATH_TIMEOUT, 0, "within 0.3 s");
}

static pid_t* grandchild;

static void leave_a_child(void* argument) {
  (void)argument;
  pid_t pid = fork();
  if (pid == 0) {
    for (;;) pause();
  }
  *grandchild = pid;
}

Test(child, leaves_nothing_behind) {
  grandchild = vs_shared_new(sizeof *grandchild);
  cr_assert(grandchild != NULL);
  run_child(leave_a_child, 10);
  cr_assert_gt(*grandchild, 0);
  for (int i = 0; i < 100 && kill(*grandchild, 0) == 0; i++) usleep(10000);
  FILE* status = NULL;
  char path[64];
  snprintf(path, sizeof path, "/proc/%d/stat", *grandchild);
  char state = 'Z';  // gone, or dead and not yet collected by init
  if ((status = fopen(path, "r")) != NULL) {
    if (fscanf(status, "%*d %*s %c", &state) != 1) state = 'Z';
    fclose(status);
  }
  cr_expect_eq(state, 'Z', "a process that the child started still runs (%c)", state);
}

// 'R' runs, 'Z' ended and not yet collected, ...; '-': there is none.
static char state_of(pid_t pid) {
  char path[64];
  char state = '-';
  snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
  FILE* status = fopen(path, "r");
  if (status == NULL) return state;
  if (fscanf(status, "%*d %*s %c", &state) != 1) state = '-';
  fclose(status);
  return state;
}

static pid_t fork_idle(void) {
  pid_t pid = fork();
  if (pid != 0) return pid;
  for (;;) pause();
}

static bool runs(pid_t pid) {
  return strchr("RS", state_of(pid)) != NULL;
}

static bool only_strangers_survive(void) {
  pid_t stranger = fork_idle();
  vs_children_end();  // nothing was started yet
  bool spared = runs(stranger);
  run_child(end_well, 10);
  pid_t later = fork_idle();
  vs_children_end();
  spared = spared && runs(stranger);
  kill(stranger, SIGKILL);
  waitpid(stranger, NULL, 0);
  return spared && !runs(later);
}

Test(child, those_that_were_there_first_are_spared) {
  int status = 0;
  cr_expect(only_strangers_survive());
  // A fork starts anew: what it has is its own.
  pid_t pid = fork();
  if (pid == 0) _exit(only_strangers_survive() ? 0 : 1);
  cr_assert_eq(waitpid(pid, &status, 0), pid);
  cr_expect_eq(status, 0, "not so after a fork");
}

// --- whole runs -------------------------------------------------------------------------------

static const vs_case_result* judge_one(const char* spec, const char* id, vs_run* run,
                                       vs_target* target) {
  const vs_case* c = vs_case_find(id);
  cr_assert(c != NULL);
  *target = judging_target(spec);
  *run = judging_run(target, &c, 1, "documented", 1);
  cr_assert_eq(run->count, 1);
  return &run->results[0];
}

Test(run, a_crash_is_a_failure_of_that_call) {
  vs_run run;
  vs_target target;
  const vs_case_result* result =
      judge_one("mutant:buffer_read_directly", "buffers.null", &run, &target);
  cr_expect_eq(result->verdict, VS_VERDICT_FAIL);
  cr_expect_eq(result->judgement.violation.kind, VS_VIOLATION_NO_RETURN);
  cr_expect_eq(result->judgement.violation.clause, VS_CLAUSE_INVALID_BUFFER);
  vs_run_free(&run);
}

// zCore's kernel faults on such a buffer itself: its profile says nothing of it.
Test(run, a_crash_is_no_failure_where_the_profile_says_nothing) {
  const vs_case* c = vs_case_find("buffers.unmapped");
  vs_target target = judging_target("mutant:buffer_read_directly");
  vs_run run = judging_run(&target, &c, 1, "zcore", 1);
  cr_assert_eq(run.count, 1);
  cr_expect_eq(run.results[0].verdict, VS_VERDICT_UNSUPPORTED, "%s", run.results[0].note);
  cr_expect(strstr(run.results[0].note, "says nothing") != NULL, "%s", run.results[0].note);
  vs_run_free(&run);
}

Test(run, a_hang_is_a_failure_of_that_call) {
  vs_run run;
  vs_target target;
  const vs_case_result* result = judge_one("mutant:hang_on_success", "kinds.both", &run, &target);
  cr_expect_eq(result->verdict, VS_VERDICT_FAIL);
  cr_expect(strstr(result->note, "did not return within 1 s") != NULL, "%s", result->note);
  vs_run_free(&run);
}

Test(run, what_cannot_be_judged_is_unsupported) {
  vs_run run;
  vs_target target;
  const vs_case_result* result = judge_one("soft:arm64", "io.after_in8", &run, &target);
  cr_expect_eq(result->verdict, VS_VERDICT_UNSUPPORTED);
  cr_expect(vs_is_no_clause(vs_result_borne_out(result)));
  vs_run_free(&run);
}

static size_t told;

static bool count_told(const vs_event* event, void* context) {
  cr_expect_eq(context, &told);
  if (event->kind != VS_EVENT_TURN) return false;
  cr_expect_eq(event->result, &event->run->results[told], "results are told in order");
  told++;
  return false;
}

Test(run, every_result_is_told_once_and_in_order, .timeout = 600) {
  vs_target targets[2] = {judging_target("soft"), judging_target("mutant:crash_on_success")};
  size_t count;
  const vs_case** cases = judging_cases(VS_CLAUSE_RETURN_OK, &count);
  vs_run run;
  vs_plan plan = {.targets = targets,
                  .target_count = 2,
                  .cases = cases,
                  .case_count = count,
                  .profile = vs_profile_find("documented"),
                  .jobs = 8,
                  .timeout = 10,
                  .sink = count_told,
                  .context = &told};
  cr_assert(vs_run_plan(&plan, &run));
  cr_expect_eq(told, 2 * count);
  cr_expect_eq(vs_run_count(&run, &targets[1], VS_VERDICT_FAIL), count);
  cr_expect_eq(vs_run_count(&run, &targets[0], VS_VERDICT_FAIL), 0);
  vs_run_free(&run);
  free(cases);
}

Test(run, the_same_seed_makes_the_same_script) {
  const vs_case* c = vs_case_find("registers.all_at_once");
  vs_script a;
  vs_script b;
  vs_script other;
  cr_assert(vs_case_script(c, VS_ARCH_X64, 5, &a) && vs_case_script(c, VS_ARCH_X64, 5, &b) &&
            vs_case_script(c, VS_ARCH_X64, 6, &other));
  cr_assert_eq(a.count, b.count);
  cr_assert_eq(a.count, other.count);
  cr_expect_eq(memcmp(a.ops, b.ops, a.count * sizeof *a.ops), 0);
  cr_expect_neq(memcmp(a.ops, other.ops, a.count * sizeof *a.ops), 0);
  vs_case_script_free(&a);
  vs_case_script_free(&b);
  vs_case_script_free(&other);
}

// The record lies in memory that an implementation may write to.
Test(record, of_any_bytes_is_mended) {
  vs_observation seen;
  for (int byte = 0; byte <= UINT8_MAX; byte++) {
    memset(&seen, byte, sizeof seen);
    vs_observation_mend(&seen);
    const uint8_t* flags[] = {(const uint8_t*)&seen.has_state, (const uint8_t*)&seen.has_packet,
                              (const uint8_t*)&seen.held};
    for (size_t i = 0; i < 3; i++) cr_expect_eq(*flags[i], byte != 0);
    cr_expect_leq(seen.outcome, VS_UNSUPPORTED);
    cr_expect_leq(seen.call, VS_NO_OTHER_RESOURCE);
    cr_expect_leq(seen.change_count, VS_CHANGES_MAX);
  }
}
