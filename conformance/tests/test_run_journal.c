// SPDX-License-Identifier: BSD-3-Clause
// The journal of a run: whenever and however the run ends, nothing that was finished is lost, and
// nothing is there twice.
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "results/run_journal.h"
#include "results_shell.h"

TestSuite(run_journal, .init = make_directory, .fini = remove_directory, .timeout = 600);

#define CHECK VS_SOURCE_DIR "/tools/check-results "
#define PLUGIN(name) "plugin:" VS_PLUGIN_DIR "/" name ".so"

// --- in this process ----------------------------------------------------------------------------

enum { CASES = 3 };

typedef struct fixture {
  const vs_case* cases[CASES];
  vs_target target;
  vs_plan plan;
  vs_request asked;
  vs_journal_head request;
  vs_results* results;
} fixture;

static const bool no = false;

static fixture* fixture_new(void) {
  fixture* f = calloc(1, sizeof *f);
  cr_assert(f != NULL && vs_target_parse("soft", &f->target));
  f->target.arch = VS_ARCH_X64;
  for (size_t i = 0; i < CASES; i++) f->cases[i] = &vs_cases[i];
  f->plan = (vs_plan){.targets = &f->target,
                      .target_count = 1,
                      .cases = f->cases,
                      .case_count = CASES,
                      .profile = vs_profile_find("documented")};
  f->asked = (vs_request){.program = "p", .shard = 1, .shards = 1, .required = &no, .named = &no};
  f->results = vs_results_new(&f->plan, &f->asked);
  return f;
}

static void fixture_free(fixture* f) {
  vs_results_free(f->results);
  free(f);
}

static vs_result result_of(fixture* f, size_t i) {
  vs_store* store = &f->results->store;
  return vs_results_not_judged(store, 0, f->cases[i],
                               vs_said(store, "note %zu: \"quoted\", and\nmore", i));
}

static vs_run_journal_state open_with(fixture* f, vs_run_journal* journal, const char* path) {
  vs_results_free(f->results);
  f->results = vs_results_new(&f->plan, &f->asked);
  f->request = vs_run_journal_request(&f->results->store, &f->plan, &f->asked);
  return vs_run_journal_open(journal, path, &f->request, &f->plan, f->results);
}

static void write_bytes(const char* path, const char* bytes, size_t count) {
  FILE* out = fopen(path, "w");
  cr_assert(out != NULL);
  cr_assert_eq(fwrite(bytes, 1, count, out), count);
  cr_assert_eq(fclose(out), 0);
}

static size_t read_bytes(const char* path, char* bytes, size_t most) {
  FILE* in = fopen(path, "r");
  cr_assert(in != NULL);
  size_t count = fread(bytes, 1, most, in);
  fclose(in);
  return count;
}

// A journal of all cases; its bytes.
static size_t make_whole(fixture* f, const char* path, char* bytes, size_t most) {
  vs_run_journal journal;
  cr_assert_eq(open_with(f, &journal, path), VS_RUN_JOURNAL_OPEN, "%s", journal.why);
  for (size_t i = 0; i < CASES; i++) {
    const vs_result one = result_of(f, i);
    cr_assert(vs_run_journal_add(&journal, &one));
  }
  vs_run_journal_close(&journal, false);
  return read_bytes(path, bytes, most);
}

// Whole lines after the first, among the first `count` bytes.
static size_t whole_results(const char* bytes, size_t count) {
  size_t lines = 0;
  for (size_t i = 0; i < count; i++) lines += bytes[i] == '\n';
  return lines > 0 ? lines - 1 : 0;
}

Test(run_journal, cut_off_at_every_byte_it_holds_what_was_whole) {
  enum { MOST = 1 << 16 };
  static char whole[MOST];
  static char again[MOST];
  char path[256];
  snprintf(path, sizeof path, "%s/j", directory);
  fixture* f = fixture_new();
  size_t length = make_whole(f, path, whole, MOST);
  for (size_t cut = 0; cut <= length; cut++) {
    vs_run_journal journal;
    write_bytes(path, whole, cut);
    cr_assert_eq(open_with(f, &journal, path), VS_RUN_JOURNAL_OPEN, "%zu: %s", cut, journal.why);
    size_t found = whole_results(whole, cut);
    cr_expect_eq(journal.found, found, "%zu of %zu bytes: %zu results", cut, length, journal.found);
    for (size_t i = found; i < CASES; i++) {
      const vs_result one = result_of(f, i);
      cr_expect(vs_run_journal_add(&journal, &one));
    }
    vs_run_journal_close(&journal, false);
    cr_expect_eq(read_bytes(path, again, MOST), length);
    cr_expect_eq(memcmp(again, whole, length), 0, "%zu of %zu bytes", cut, length);
  }
  fixture_free(f);
}

Test(run_journal, a_broken_result_is_not_kept) {
  char path[256];
  vs_run_journal journal;
  snprintf(path, sizeof path, "%s/j", directory);
  fixture* f = fixture_new();
  cr_assert_eq(open_with(f, &journal, path), VS_RUN_JOURNAL_OPEN);
  vs_result one = result_of(f, 0);
  one.verdict = VS_VERDICT_BROKEN;
  cr_expect(vs_run_journal_add(&journal, &one));
  vs_run_journal_close(&journal, false);
  cr_assert_eq(open_with(f, &journal, path), VS_RUN_JOURNAL_OPEN);
  cr_expect_eq(journal.found, 0);
  vs_run_journal_close(&journal, true);
  struct stat status;
  cr_expect_neq(stat(path, &status), 0, "it is whole, and still there");
  fixture_free(f);
}

// --- the program --------------------------------------------------------------------------------

Test(run_journal, goes_on_from_there) {
  expect("run --backend soft --filter 'kinds.*[hs]' --resume %/j --report json:%/a", 0,
         "cases: pass");
  expect_shell("head -n 2 %/j > %/cut && mv %/cut %/j", 0, "");
  expect("run --backend soft --filter 'kinds.*[hs]' --resume %/j --report json:%/b", 0,
         "1 results stand in");
  expect_shell(CHECK "--same %/a %/b && wc -l < %/j", 0, "4");
}

Test(run_journal, of_another_request_is_refused_and_left_alone) {
  static const char* const others[][2] = {
      {"--backend soft --filter 'kinds.*[hs]' --seed 7", "its seed: \"0\" then, \"7\" now"},
      {"--backend soft --filter 'kinds.b*'", "the number of its cases: 3 then, 1 now"},
      {"--backend soft --filter 'types.*'", "is of another run"},
      {"--backend unicorn --filter 'kinds.*[hs]'",
       "its backends: [\"soft\"] then, [\"unicorn\"] now"},
      {"--backend soft --filter 'kinds.*[hs]' --profile zcore", "its profile: \"documented\" then"},
  };
  expect("run --backend soft --filter 'kinds.*[hs]' --resume %/j", 0, "cases: pass");
  expect_shell("cp %/j %/kept", 0, "");
  for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
    char arguments[256];
    snprintf(arguments, sizeof arguments, "run %s --resume %%/j", others[i][0]);
    expect(arguments, 2, others[i][1]);
  }
  expect_shell("cmp %/j %/kept && echo same", 0, "same");
}

Test(run_journal, of_a_plugin_that_was_built_anew_is_refused) {
  expect_shell("cp " VS_PLUGIN_DIR "/least.so %/p.so", 0, "");
  expect("run --backend plugin:%/p.so --filter 'kinds.*[hs]' --resume %/j", -1, "cases");
  expect_shell("cp " VS_PLUGIN_DIR "/wrong_kind.so %/p.so", 0, "");
  expect("run --backend plugin:%/p.so --filter 'kinds.*[hs]' --resume %/j", 2,
         "the file, or the version, of a backend");
}

Test(run_journal, of_a_shim_that_was_built_anew_is_refused) {
  expect_shell("cp " VS_SHIM_DIR "/shim_soft_posix %/s && cp %/s %/t && printf x >> %/t", 0, "");
  expect("run --backend shim:%/s --filter 'kinds.*[hs]' --resume %/j", 0, "cases: pass");
  expect_shell("mv %/t %/s", 0, "");
  expect("run --backend shim:%/s --filter 'kinds.*[hs]' --resume %/j", 2,
         "the file, or the version, of a backend");
}

#define REPLACED                                                  \
  "cp " VS_PLUGIN_DIR "/two_defects.so %/p.so; cp " VS_PLUGIN_DIR \
  "/least.so %/o.so; "                                            \
  "VS_SECOND=replaced VS_ITSELF=%/p.so VS_OTHER=%/o.so " VS_PROGRAM_PATH " "

// The first object fails in kinds.small, and does not come to it.
Test(run_journal, a_plugin_that_is_replaced_gets_no_verdict) {
  static const char run[] =
      REPLACED "run --backend plugin:%/p.so --filter 'kinds.[bs]*' --jobs 1 --report json:%/r ";
  expect_shell(run, 3, "p.so is another file than it was at first");
  expect_shell("grep -c '\"verdict\": \"not judged\"' %/r", 0, "3");
  expect_shell(run, 3, "judged 0, not judged 3");
  expect_shell(REPLACED "sweep --backend plugin:%/p.so --depth 1", 3, "is another file than");
  expect_shell(REPLACED "exec --backend plugin:%/p.so kinds.both", 3, "is another file than");
  expect_shell(REPLACED "minimize --backend plugin:%/p.so kinds.small", 3, "is another file than");
}

// A shim that stays within a call, or is slow, is not waited for once its program is another: on a
// machine that is busy, while 600 s are left to the call.
#define REPLACED_SHIM(words)                                                         \
  "cp " VS_SOURCE_DIR                                                                \
  "/conformance/tests/shims/stays.py %/s.py; rm -f %/stay*; "                        \
  "(while :; do :; done) & one=$!; (while :; do :; done) & two=$!; "                 \
  "VS_STAY=%/stay VS_STAY_AFTER=100 timeout 120 " VS_SOURCE_DIR                      \
  "/conformance/tests/signal_when "                                                  \
  "CONT 'test -e %/stay.now && echo \\# other >> %/s.py' " VS_PROGRAM_PATH " " words \
  " --timeout 600 --backend 'shim:python3 %/s.py " VS_SHIM_DIR                       \
  "/shim_soft_posix'; status=$?; kill $one $two; exit $status"

Test(run_journal, a_shim_whose_program_is_replaced_ends_the_run_soon, .timeout = 600) {
  expect_shell(REPLACED_SHIM("run --filter 'kinds.*' --resume %/j"), 3,
               "s.py is another file than it was at first");
  cr_expect(strstr(printed(), "judged 0, not judged 4") != NULL, "%s", printed());
  expect_shell("grep -c BROKEN %/j", 1, "0");
  expect_shell(REPLACED_SHIM("sweep --depth 1"), 3, "s.py is another file than it was at first");
}

// Another file with the same in it is the same.
Test(run_journal, results_tell_what_was_judged) {
  expect_shell("cp " VS_PLUGIN_DIR
               "/two_defects.so %/p.so; cp %/p.so %/o.so; "
               "VS_SECOND=replaced VS_ITSELF=%/p.so VS_OTHER=%/o.so " VS_PROGRAM_PATH
               " run --backend plugin:%/p.so --filter kinds.both --report json:%/r",
               0, "pass");
  expect_shell("grep -c '\"digest\": \"[0-9a-f]*\"' %/r", 0, "1");
  expect("run --backend soft --filter kinds.both --report json:%/r", 0, "");
  expect_shell("grep -c 'digest\\|texts' %/r", 1, "0");
  write_file("s.vcpu", "vcpuspec script 2\nT0: h0 h1 = guest_create\n");
  expect("run --backend soft %/s.vcpu --report json:%/r", -1, "");
  expect_shell("grep -c '\"texts\": \"[0-9a-f]*\"' %/r", 0, "1");
}

Test(run_journal, what_is_no_journal_is_left_alone) {
  write_file("j", "my diary");
  expect("run --backend soft --resume %/j", 2, "is no journal of vcpuspec run");
  expect_shell("cat %/j", 0, "my diary");
  expect("run --backend soft --resume %", 3, "Is a directory");
  expect("run --backend soft --resume %/none/j", 3, "No such file");
  expect("run --backend soft --resume /dev/null", 2, "is no plain file");
}

Test(run_journal, a_spoilt_line_is_told) {
  expect("run --backend soft --filter 'kinds.*[hs]' --resume %/j", 0, "cases: pass");
  expect_shell("sed -i '3s/\"verdict\":\"pass\"/\"verdict\":\"good\"/' %/j", 0, "");
  expect("run --backend soft --filter 'kinds.*[hs]' --resume %/j", 2,
         "was spoilt at line 3 (verdict");
}

Test(run_journal, a_broken_result_is_tried_again) {
  write_file("s.vcpu",
             "vcpuspec script 2\nT0: h0 h1 = guest_create\n"
             "for n in 3 4 5 6 7 8 9 10\n  T0: h$n = duplicate h0 same_rights\nend\n"
             "for n in 3 4 5 6 7 8 9 10\n  T0: h11 = replace h$n same_rights out=null\nend\n");
  expect("run --backend soft %/s.vcpu --resume %/j", 3, "has no room");
  expect("run --backend soft %/s.vcpu --resume %/j", 3, "has no room");
  expect_shell("wc -l < %/j", 0, "1");
}

Test(run_journal, that_is_cut_off_by_a_limit_is_no_success) {
  expect_shell("ulimit -f 64; exec " VS_PROGRAM_PATH " run --backend soft --resume %/j", 3,
               "; the run goes on without it");
  expect("run --backend soft --resume %/j", 0, " results stand in ");
}

Test(run_journal, two_runs_at_once_are_refused) {
  expect_shell(
      VS_PROGRAM_PATH
      " run --backend mutant:hang_on_success --filter 'kinds.*[hs]' --jobs 1 --timeout 2 "
      "--resume %/j > %/first & until test -s %/j; do sleep 0.02; done; " VS_PROGRAM_PATH
      " run --backend mutant:hang_on_success --filter 'kinds.*[hs]' --timeout 2 --resume %/j; "
      "echo exit $?; wait",
      0, "is kept by another run that has not ended");
  cr_expect(strstr(printed(), "exit 2") != NULL, "%s", printed());
  expect_shell("cat %/first", 0, "cases: FAIL");
}

// In a process that has no other files: the tests' own must not be scribbled on.
Test(run_journal, no_backend_can_write_to_it) {
  static const char alone[] =
      "python3 -c 'import subprocess, sys; "
      "sys.exit(subprocess.call(sys.argv[1:]))' " VS_PROGRAM_PATH
      " run --backend " PLUGIN("scribbles") " --filter 'kinds.*[hs]' --resume %/j";
  expect_shell(alone, 0, "cases: pass");
  expect_shell(alone, 0, "3 results stand in");
}

Test(run_journal, is_beside_the_first_report_until_that_is_whole) {
  expect("run --backend soft --filter 'kinds.*[hs]' --report json:%/r", 0, "cases: pass");
  expect_shell("ls -1 %", 0, "r\n");
  cr_expect(strstr(printed(), "journal") == NULL, "%s", printed());
}

Test(run_journal, that_was_left_behind_is_kept_and_told) {
  expect_shell(SIGNAL_WHEN "KILL " JUDGED(1, "%/r.journal") VS_PROGRAM_PATH
               " run --backend soft --backend mutant:hang_on_success --jobs 1 --report json:%/r",
               -1, "");
  expect_shell("cp %/r.journal %/j", 0, "");
  expect_shell(SIGNAL_WHEN
               "INT '[ -e %/r.journal.old ] && [ $(wc -l < %/r.journal) -gt 1 ]' " VS_PROGRAM_PATH
               " run --backend soft --backend mutant:hang_on_success --jobs 1 "
               "--report json:%/r",
               3, "results are now in ");
  expect_shell("cmp %/j %/r.journal.old && echo kept", 0, "kept");
  expect("run --backend soft --filter 'kinds.*[hs]' --report json:%/r", 0,
         "r.journal was of another run, and is now ");
  cr_expect(strstr(printed(), "r.journal.old.2\n") != NULL, "%s", printed());
  expect_shell("cmp %/j %/r.journal.old && echo kept", 0, "kept");
}

// Kills runs at moments spread over the time that one takes, later and later where the machine is
// busy, and goes on until one ends.
Test(run_journal, whoever_kills_it_however_often) {
  static const char kill_and_go_on[] =
      "set -ef; P='" VS_PROGRAM_PATH
      " run --backend soft --backend mutant:kind_8_bits --backend mutant:crash_on_success "
      "--profile documented --seed 5 --filter [bhkt]*s.* --filter sizes.*'; "  // none whose threads
                                                                               // race
      "$P --report json:%/whole > %/out.whole || true; "
      "n=0; runs=0; "
      "while :; do "
      "  n=$(( (n * 5 + 3) & 31 )); runs=$((runs + 1)); ms=$((100 + n * 10 + runs * runs)); "
      "  s=$((ms / 1000)); r=$((1000 + ms - s * 1000)); late=$s.${r#1}; "
      "  s=0; timeout -s KILL $late $P --resume %/j --report json:%/again "
      "> %/out.again 2> %/err.again || s=$?; "
      "  [ $s -ge 124 ] || break; [ $runs -lt 110 ]; "
      "done; cat %/err.again; echo ended with $s after $runs runs; [ $runs -gt 2 ]; " CHECK
      "--same %/whole %/again; "
      "grep -v 'stand in' %/out.again | grep -v '^$' > %/o; grep -v '^$' %/out.whole | cmp - %/o "
      "&& echo told the same; "
      "[ $(wc -l < %/j) -eq $(( $(grep -c '\"case\"' %/whole) + 1 )) ] && echo once each";
  expect_shell(kill_and_go_on, 0, "told the same");
  cr_expect(strstr(printed(), "once each") != NULL, "%s", printed());
}

// No empty file is left that the next run would take for another run's.
Test(run_journal, that_cannot_be_begun_is_told_and_not_left) {
  expect_shell("ulimit -f 0; exec " VS_PROGRAM_PATH
               " run --backend soft --filter kinds.both --report json:%/r",
               3, "/r.journal cannot be written: File too large for the limit of this process");
  expect_shell("ls %", 0, "");
  cr_expect(strstr(printed(), "journal") == NULL, "%s", printed());
  write_file("r.journal", "");
  expect("run --backend soft --filter kinds.both --report json:%/r", 0, "cases: pass");
  cr_expect(strstr(printed(), "another run") == NULL, "%s", printed());
}

Test(run_journal, that_is_empty_is_told_where_it_is_named) {
  write_file("e", "");
  expect("run --backend soft --filter kinds.both --resume %/e", 0,
         "/e is empty: no result stands in it, and this run begins anew\n");
  expect("run --backend soft --filter kinds.both --resume %/e", 0, "1 results stand in ");
  expect_without("run --backend soft --filter kinds.both --resume %/new", "is empty");
}
