// SPDX-License-Identifier: BSD-3-Clause
// Campaigns, with a stand-in for the program that fuzzes: nothing is lost and nothing is told
// twice, whoever is ended at whatever moment; and what is wrong is told.
#include <criterion/criterion.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "campaign/totals.h"

#define PLUGIN(name) "plugin:" VS_PLUGIN_DIR "/" name ".so"

enum { MANY = 12 };  // findings that there are in the plugin `many`

typedef struct outcome {
  int status;
  char text[262144];  // both streams
} outcome;

static const outcome* shell(const char* command) {
  static outcome result;
  memset(&result, 0, sizeof result);
  FILE* out = popen(command, "r");
  cr_assert(out != NULL);
  size_t length = fread(result.text, 1, sizeof result.text - 1, out);
  cr_assert_lt(length, sizeof result.text - 1, "the output is longer than a test reads");
  int status = pclose(out);
  cr_assert(WIFEXITED(status), "%s died", command);
  result.status = WEXITSTATUS(status);
  return &result;
}

// A directory of the test's own, for a campaign to be in.
static char directory[] = "/tmp/vcpuspec-campaign-XXXXXX";

static void make_directory(void) {
  cr_assert(mkdtemp(directory) != NULL);
}

static void remove_directory(void) {
  char command[128];
  snprintf(command, sizeof command, "rm -rf %s", directory);
  cr_expect_eq(shell(command)->status, 0);
}

TestSuite(campaign, .init = make_directory, .fini = remove_directory, .timeout = 600);

// Runs `fuzz` with these arguments, in which % stands for the directory.
static const outcome* fuzz_with(const char* environment, const char* arguments) {
  char command[4096];
  size_t length = (size_t)snprintf(command, sizeof command, "( VCPUSPEC_FUZZERS=%s %s %s fuzz ",
                                   VS_FAKE_DIR, environment, VS_PROGRAM_PATH);
  for (const char* c = arguments; *c != '\0'; c++) {
    const char* part = *c == '%' ? directory : (char[]){*c, '\0'};
    length += (size_t)snprintf(command + length, sizeof command - length, "%s", part);
  }
  snprintf(command + length, sizeof command - length, " ) 2>&1");
  return shell(command);
}

static const outcome* expect_with(const char* environment, const char* arguments, int status,
                                  const char* words) {
  const outcome* got = fuzz_with(environment, arguments);
  cr_expect_eq(got->status, status, "fuzz %s: exit %d, not %d:\n%s", arguments, got->status, status,
               got->text);
  cr_expect(strstr(got->text, words) != NULL, "fuzz %s: no \"%s\" in:\n%s", arguments, words,
            got->text);
  return got;
}

static const outcome* expect(const char* arguments, int status, const char* words) {
  return expect_with("", arguments, status, words);
}

static void expect_shell(const char* format, int status) {
  char command[1024];
  snprintf(command, sizeof command, format, directory, directory, directory);
  const outcome* got = shell(command);
  cr_expect_eq(got->status, status, "%s: exit %d:\n%s", command, got->status, got->text);
}

static size_t count_in(const char* text, const char* words) {
  size_t count = 0;
  for (const char* at = strstr(text, words); at != NULL; at = strstr(at + 1, words)) count++;
  return count;
}

// --- what it finds ------------------------------------------------------------------------------

Test(campaign, findings_are_told_kept_and_run_again) {
  expect("--backend mutant:kind_8_bits --findings 1 --seconds 150 --report json:%/r.json %/c", 1,
         "are accepted as kind, and nothing else is");
  expect_shell("grep -q '^# allowed ZX_ERR_INVALID_ARGS (kind names' %s/c/findings/*.vcpu", 0);
  expect_shell("grep -q '^# failed 8 of 8' %s/c/findings/*.vcpu", 0);
  expect_shell("test $(grep -c '^T' %s/c/findings/*.vcpu) -le 3", 0);
  expect_shell(VS_PROGRAM_PATH " run --backend mutant:kind_8_bits %s/c/findings/*.vcpu", 1);
  expect_shell("python3 " VS_SOURCE_DIR "/tools/check-campaign %s/r.json", 0);
  expect_shell("python3 " VS_SOURCE_DIR "/tools/check-campaign --self-test %s/r.json", 0);
}

Test(campaign, what_conforms_has_none) {
  expect("--seconds 3 %/c", 0, "findings 0, 0 of them new");
}

Test(campaign, known_findings_are_not_told_again) {
  const outcome* got = expect("--backend mutant:kind_8_bits --findings 1 %/c", 1, "1 of them new");
  cr_expect_eq(count_in(got->text, "again   "), 1, "%s", got->text);
  got = expect("--backend mutant:kind_8_bits --seconds 5 %/c", 1, "findings 1, 0 of them new");
  cr_expect_eq(count_in(got->text, "again   "), 0, "%s", got->text);
}

Test(campaign, crash_is_a_finding_and_not_the_end) {
  const outcome* got =
      expect("--backend " PLUGIN("many") " --jobs 2 --findings 12 --seconds 150 %/c", 1,
             "the backend was ended by SIGABRT");
  cr_expect(strstr(got->text, "findings 12, 12 of them new") != NULL, "%s", got->text);
}

// A shim is started again each time: what it writes then is passed on once, and with the finding.
Test(campaign, what_a_shim_writes_is_not_told_each_time_that_it_starts) {
  const outcome* got =
      expect("--backend 'shim:echo starting >&2; python3 -BIS " VS_SOURCE_DIR
             "/conformance/tests/shims/spoiled.py exits " VS_SHIM_DIR
             "/shim_soft_posix; echo over >&2; exit 9' --findings 1 --seconds 150 %/c",
             1, "  ended    exit=9");
  cr_expect_leq(count_in(got->text, "starting\n"), 2, "%s", got->text);
  cr_expect_eq(count_in(got->text, "  stderr   over\n"), 1, "%s", got->text);
}

Test(campaign, hang_is_a_finding_and_not_the_end) {
  const outcome* got = expect("--backend mutant:hang_on_success --timeout 0.5 --seconds 12 %/c", 1,
                              "the backend did not return within 0.5 s");
  cr_expect(strstr(got->text, "findings 1, 1 of them new") != NULL, "%s", got->text);
  cr_expect(strstr(got->text, "seen     1 times") == NULL, "%s", got->text);
}

Test(campaign, what_does_not_fail_each_time_is_flaky) {
  char count[sizeof directory + 8];
  snprintf(count, sizeof count, "%s/count", directory);
  setenv("VS_FLAKY_COUNT", count, 1);
  expect("--backend " PLUGIN("flaky") " --findings 1 --seconds 150 %/c", 1,
         "\nFLAKY  write_state.desc");
  expect_shell("grep -q '^# verdict flaky' %s/c/findings/*.vcpu", 0);
}

Test(campaign, what_does_not_fail_alone_is_kept_whole) {
  expect("--backend " PLUGIN("only_there") " --findings 1 --seconds 150 %/c", 1,
         "seen in the campaign, and not again when run alone");
  expect_shell("grep -q '^# verdict not again alone' %s/c/findings/unconfirmed-SIGABRT-*.vcpu", 0);
  expect_shell("test $(cat %s/c/findings/unconfirmed-*.vcpu | grep -c '^T') -ge 10", 0);
}

Test(campaign, input_that_ends_the_process_leaves_the_corpus) {
  expect_with("VCPUSPEC_FAKE=corpus", "--backend " PLUGIN("many") " --seconds 3 %/c", 1,
              "was ended by SIGABRT");
  expect_shell("test $(ls %s/c/set-aside | wc -l) -ge 1", 0);
  expect_shell("test $(ls %s/c/corpus | wc -l) -ge 20", 0);
}

// --- what is known ------------------------------------------------------------------------------

#define KNOWN_KIND(backend, profile, clause, answer, more)                            \
  "known *\n  backend " backend "\n  profile " profile "\n" clause "  answer " answer \
  "\n  reason looks at the low byte\n" more

#define KIND "mutant:kind_8_bits"
#define OF_KIND "  clause write_state.description.kind\n"
#define ACCEPTED "ZX_ERR_INVALID_ARGS -> ZX_OK"

static void write_known(const char* entries) {
  char path[128];
  snprintf(path, sizeof path, "%s/known", directory);
  FILE* out = fopen(path, "w");
  cr_assert(out != NULL);
  fprintf(out, "vcpuspec expectations 1\n%s", entries);
  fclose(out);
}

Test(campaign, known_finding_is_counted_apart) {
  write_known(KNOWN_KIND(KIND, "documented", OF_KIND, ACCEPTED, "  link https://bugs.example/1\n"));
  const outcome* got = expect("--backend " KIND
                              " --known %/known --findings 1 --seconds 6 "
                              "--report json:%/r.json %/c",
                              0, "findings 0, 0 of them new; 1 known");
  cr_expect(strstr(got->text, "ended: the time is over") != NULL, "%s", got->text);
  cr_expect(strstr(got->text, "reason   looks at the low byte (") != NULL, "%s", got->text);
  cr_expect(strstr(got->text, "link     https://bugs.example/1") != NULL, "%s", got->text);
  cr_expect(strstr(got->text, "FAIL") == NULL, "%s", got->text);
  expect_shell("grep -q '^# answer " ACCEPTED "$' %s/c/findings/*.vcpu", 0);
  expect_shell("python3 " VS_SOURCE_DIR "/tools/check-campaign %s/r.json", 0);
  expect_shell("python3 " VS_SOURCE_DIR "/tools/check-campaign --self-test %s/r.json", 0);
}

// An entry that says which bits it is about knows no others.
Test(campaign, known_bits_are_those_of_the_entry) {
  static const struct {
    const char* answer;
    bool known;
  } rows[] = {{"rflags[10] -> other", true},
              {"rflags[16,11:10] -> other", true},
              {"rflags[16] -> other\n  answer rflags[10] -> other", true},
              {"rflags -> other", true},
              {"rflags[16] -> other", false},
              {"rflags[11] -> other\n  answer rbx -> other", false}};
  expect("--backend mutant:flags_df_lost --findings 1 %/c", 1, "1 of them new\n");
  expect_shell("grep -q '^# answer rflags\\[10\\] -> other$' %s/c/findings/*.vcpu", 0);
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    char entry[256];
    snprintf(entry, sizeof entry,
             "known *\n  backend *\n  profile *\n  answer %s\n  reason of old\n", rows[i].answer);
    write_known(entry);
    expect_with(
        "VCPUSPEC_FAKE=idle", "--backend mutant:flags_df_lost --known %/known --seconds 0.1 %/c",
        rows[i].known ? 5 : 1, rows[i].known ? "\nfindings 0, 0 of them new; " : "; 0 known");
  }
}

// One finding, and what of it is known by entries of which each says something else. Nothing more
// is fuzzed: exit status 5 is what is left when no finding counts.
Test(campaign, known_is_what_an_entry_says) {
  static const struct {
    const char* entries;
    int status;
    const char* words;
  } rows[] = {
      {KNOWN_KIND(KIND, "documented", "", ACCEPTED, ""), 5, "; 1 known"},
      {KNOWN_KIND("mutant:*", "doc*", "", "rax -> other\n  answer " ACCEPTED, ""), 5, "; 1 known"},
      {KNOWN_KIND(KIND, "documented", OF_KIND, ACCEPTED, "  expires 2999-12-31\n"), 5, "; 1 known"},
      {KNOWN_KIND("mutant:kind_16_bits", "*", "", ACCEPTED, ""), 1, "; 0 known"},
      {KNOWN_KIND("*", "zircon-x64", "", ACCEPTED, ""), 1, "; 0 known"},
      {KNOWN_KIND("*", "*", "  clause write_state.rights.write\n", ACCEPTED, ""), 1, "; 0 known"},
      {KNOWN_KIND("*", "*", "", "ZX_ERR_INVALID_ARGS -> ZX_ERR_BAD_STATE", ""), 1, "; 0 known"},
      {KNOWN_KIND("*", "*", "", ACCEPTED, "  expires 2020-01-31\n"), 1,
       "known:2: it was to last until 2020-01-31, and does not count"},
      {"", 1, "findings 1, 0 of them new; 0 known"},
  };
  expect("--backend " KIND " --findings 1 %/c", 1, "findings 1, 1 of them new\n");
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    write_known(rows[i].entries);
    expect_with("VCPUSPEC_FAKE=idle",
                "--backend " KIND " --known %/known --seconds 0.1 --report json:%/r.json %/c",
                rows[i].status, rows[i].words);
    expect_shell("python3 " VS_SOURCE_DIR "/tools/check-campaign %s/r.json", 0);
  }
  // An expired entry of another backend is nobody's business here.
  write_known(KNOWN_KIND("kvm", "*", "", ACCEPTED, "  expires 2020-01-31\n"));
  const outcome* got = expect_with(
      "VCPUSPEC_FAKE=idle", "--backend " KIND " --known %/known --seconds 0.1 %/c", 1, "; 0 known");
  cr_expect(strstr(got->text, "expired") == NULL, "%s", got->text);
}

Test(campaign, disputed_finding_is_told_so) {
  expect("--backend " KIND " --findings 1 %/c", 1, "1 of them new");
  write_known("disputed *\n  backend *\n  profile *\n  answer " ACCEPTED
              "\n  reason we read it otherwise\n  link https://lists.example/2\n");
  const outcome* got = expect_with(
      "VCPUSPEC_FAKE=idle", "--backend " KIND " --known %/known --seconds 0.1 %/c", 5, "; 1 known");
  cr_expect(strstr(got->text, "\ndisputed  write_state.description.kind") != NULL, "%s", got->text);
}

Test(campaign, one_known_of_many) {
  write_known("known *\n  backend " PLUGIN(
      "many") "\n  profile *\n  answer ZX_ERR_INVALID_ARGS -> "
              "SIGABRT\n  reason it crashes\n");
  expect("--backend " PLUGIN("many") " --known %/known --findings 11 --seconds 150 %/c", 1,
         "findings 11, 11 of them new; ");
}

// What ended between two calls is known by how, whatever clause the entry names.
Test(campaign, known_end_between_two_calls) {
  write_known(
      "known *\n  backend *\n  profile *\n  clause write_state.rights.write\n"
      "  answer life -> SIGABRT\n  reason it crashes\n");
  expect("--backend " PLUGIN("only_there") " --known %/known --seconds 6 %/c", 0, " known\n");
  write_known("known *\n  backend *\n  profile *\n  answer life -> SIGSEGV\n  reason it crashes\n");
  expect_with("VCPUSPEC_FAKE=idle",
              "--backend " PLUGIN("only_there") " --known %/known --seconds 0.1 %/c", 1,
              "; 0 known");
}

Test(campaign, list_of_known_that_cannot_be_read) {
  expect("--known %/none %/c", 2, "No such file or directory");
  write_known("known kinds.*\n  bakend soft\n");
  expect("--known %/known %/c", 2, "known:3:3: ");
  expect_shell("test ! -e %s/c", 0);
}

// --- nothing is lost ----------------------------------------------------------------------------

static pid_t start(const char* backend, const char* log) {
  pid_t pid = fork();
  cr_assert_geq(pid, 0);
  if (pid > 0) return pid;
  char path[128];
  snprintf(path, sizeof path, "%s/c", directory);
  setenv("VCPUSPEC_FUZZERS", VS_FAKE_DIR, 1);
  if (freopen(log, "a", stdout) == NULL) _exit(126);
  dup2(STDOUT_FILENO, STDERR_FILENO);
  execl(VS_PROGRAM_PATH, VS_PROGRAM_PATH, "fuzz", "--backend", backend, "--jobs", "2", "--seconds",
        "60", path, (char*)NULL);
  _exit(127);
}

// Waits until its processes are at work.
static pid_t start_and_wait(const char* backend, const char* log) {
  const pid_t pid = start(backend, log);
  expect_shell("timeout 60 sh -c 'until test -s %s/c/state.1; do sleep 0.02; done'", 0);
  return pid;
}

static void kill_after(pid_t pid, unsigned microseconds, int sig) {
  usleep(microseconds);
  kill(pid, sig);
  cr_assert_eq(waitpid(pid, NULL, 0), pid);
}

static unsigned chance(unsigned most) {
  unsigned number = 0;
  FILE* in = fopen("/dev/urandom", "r");
  cr_assert(in != NULL);
  cr_assert_eq(fread(&number, sizeof number, 1, in), 1);
  fclose(in);
  return number % most;
}

// Every finding has been told at most once, all runs together, and is there.
static void expect_all(const char* log, const unsigned* moments, size_t count) {
  char when[128] = "";
  char command[256];
  for (size_t i = 0; i < count; i++) {
    snprintf(when + strlen(when), sizeof when - strlen(when), " %u", moments[i]);
  }
  snprintf(command, sizeof command, "ls %s/c/findings/*.vcpu | wc -l", directory);
  cr_expect_eq(atoi(shell(command)->text), MANY, "killed after%s us: %s", when,
               shell(command)->text);
  snprintf(command, sizeof command, "grep -h '^FAIL /' %s | sort | uniq -d", log);
  cr_expect_str_eq(shell(command)->text, "", "killed after%s us", when);
}

Test(campaign, killed_at_any_moment_and_resumed) {
  enum { KILLS = 6 };
  unsigned moments[KILLS];
  char log[128];
  char arguments[512];
  snprintf(log, sizeof log, "%s/log", directory);
  for (size_t i = 0; i < KILLS; i++) {
    moments[i] = chance(400000);
    kill_after(start(PLUGIN("many"), log), moments[i], SIGKILL);
  }
  snprintf(
      arguments, sizeof arguments,
      "--backend %s --jobs 2 --seconds 40 --plateau 2 --report json:%s/r.json %s/c | tee -a %s",
      PLUGIN("many"), directory, directory, log);
  const outcome* got = fuzz_with("", arguments);
  cr_expect(strstr(got->text, "findings 12, ") != NULL, "%s", got->text);
  cr_expect(strstr(got->text, "unconfirmed") == NULL, "%s", got->text);
  expect_all(log, moments, KILLS);
  expect_shell("python3 " VS_SOURCE_DIR "/tools/check-campaign %s/r.json", 0);
  expect_shell("test -z \"$(ls %s/c | grep '^state')\"", 0);
}

Test(campaign, raw_finding_that_nobody_looked_at_is_looked_at) {
  expect("--backend mutant:kind_8_bits --findings 1 %/c", 1, "1 of them new");
  expect_shell("rm %s/c/findings/*", 0);
  expect_with("VCPUSPEC_FAKE=idle", "--backend mutant:kind_8_bits --findings 1 --seconds 150 %/c",
              1, "findings 1, 1 of them new");
}

// The implementation was being called when everybody was killed (the state's phase, at byte 8,
// stays 2): it may have been its crash.
Test(campaign, crash_that_nobody_saw_is_tried_again) {
  char log[128];
  snprintf(log, sizeof log, "%s/log", directory);
  pid_t pid = start("mutant:hang_on_success", log);
  char command[256];
  snprintf(command, sizeof command,
           "n=0; for i in $(seq 200); do case $(od -An -tu4 -j8 -N4 %s/c/state.1 2>/dev/null) in "
           "*2) n=$((n+1));; *) n=0;; esac; [ $n -lt 6 ] || exit; sleep 0.05; done",
           directory);
  shell(command);
  kill_after(pid, 1000, SIGKILL);
  expect_shell("test ! -e %s/c/findings/*.vcpu", 0);
  expect_with("VCPUSPEC_FAKE=idle",
              "--backend mutant:hang_on_success --timeout 0.2 --findings 1 --seconds 150 %/c", 1,
              "findings 1, 1 of them new");
}

Test(campaign, processes_end_with_their_supervisor) {
  char log[128];
  snprintf(log, sizeof log, "%s/log", directory);
  kill_after(start_and_wait("soft", log), 0, SIGKILL);
  usleep(200000);
  expect_shell(
      "grep -l %s /proc/[0-9]*/cmdline 2>/dev/null | xargs -r -n1 dirname | while read p; "
      "do readlink $p/exe; done | grep vcpuspec-fuzz",
      1);
}

Test(campaign, process_that_somebody_kills_is_replaced) {
  char log[128];
  snprintf(log, sizeof log, "%s/log", directory);
  pid_t pid = start_and_wait("soft", log);
  for (int i = 0; i < 3; i++) {
    usleep(800000);  // one that is ended again and again before it has judged anything is given up
    char command[256];
    snprintf(command, sizeof command,
             "for p in $(grep -l %s/c/corpu[s] /proc/[0-9]*/cmdline 2>/dev/null); do "
             "kill -9 $(basename $(dirname $p)) 2>/dev/null; done; true",
             directory);
    shell(command);
  }
  kill_after(pid, 500000, SIGTERM);
  expect_shell("grep -q 'findings 0' %s/log", 0);
  expect_shell("grep -q 'ended: interrupted' %s/log", 0);
}

// What a process has done is added once, and kept.
Test(campaign, totals_are_read_as_they_were_written) {
  static vs_totals totals;
  static vs_totals again;
  static vs_fuzz_state state;
  char path[128];
  snprintf(path, sizeof path, "%s/totals", directory);
  cr_expect(vs_totals_read(path, &again), "none is as good as an empty one");
  state.executions = 7;
  state.tuples[100] = 0x81;
  state.seen[0] = (vs_fuzz_seen){.digest = 0xabcdef01, .count = 3};
  vs_totals_add(&totals, &state);
  cr_expect_eq(totals.executions, 0, "what has no magic number is not believed");
  state.magic = VS_FUZZ_MAGIC;
  vs_totals_add(&totals, &state);
  vs_totals_add(&totals, &state);
  for (uint64_t serial = 1; serial <= VS_TOTALS_ADDED + 2; serial++)
    vs_totals_mark(&totals, serial);
  totals.seconds = 1.5;
  cr_assert(vs_totals_write(path, &totals));
  cr_assert(vs_totals_read(path, &again));
  cr_expect_eq(memcmp(&totals, &again, sizeof totals), 0);
  cr_expect_eq(again.executions, 14);
  cr_expect_eq(vs_totals_tuples(&again), 2);
  cr_expect_eq(vs_totals_seen(&again, 0xabcdef01), 6);
  cr_expect(vs_totals_has(&again, 3) && !vs_totals_has(&again, 2));
}

// A call crashes while another runs: the oracle blames neither, and few remain.
Test(campaign, end_between_two_calls_is_made_smaller) {
  char text[] =
      "vcpuspec script 2\n\nT0: h0 h1 = guest_create\nT0: h2 = vcpu_create h0 dump\n"
      "T0: write_state h2 state fill=1\nT0: write_state h2 state fill=2\n"
      "T0: write_state h2 state fill=3\nT1: start write_state h0 state fill=1\n"
      "T0: write_state h1 kind=14 buffer_size=8 length=8\nT1: join\n# phase executing\n# foreign "
      "0\n"
      "# hang 0\n# tag SIGABRT\n# died was ended by SIGABRT\n";
  expect_with("VCPUSPEC_FAKE=idle", "--backend " PLUGIN("many") " --seconds 0.3 %/c", 5, "");
  char path[128];
  snprintf(path, sizeof path, "%s/c/raw/crash-99.vcpu", directory);
  FILE* out = fopen(path, "w");
  cr_assert(out != NULL);
  fputs(text, out);
  fclose(out);
  expect_with("VCPUSPEC_FAKE=idle", "--backend " PLUGIN("many") " --findings 1 --seconds 150 %/c",
              1, "findings 1, 1 of them new");
  expect_shell("test $(grep -hc '^T' %s/c/findings/ended-*.vcpu) -le 4", 0);
}

// --- the program itself -------------------------------------------------------------------------

Test(campaign, the_real_program_finds_and_goes_on) {
  char command[1024];
  snprintf(command, sizeof command, "test -x \"$(dirname %s)/vcpuspec-fuzz-call\"",
           VS_PROGRAM_PATH);
  if (shell(command)->status != 0) cr_skip_test("there is no vcpuspec-fuzz-call");
  const char* const arguments = "--target call --backend mutant:kind_8_bits --jobs 2 %/c";
  char words[512];
  snprintf(words, sizeof words, "--findings 1 --seconds 150 %s", arguments);
  expect_with("VCPUSPEC_FUZZERS=", words, 1, "accepted as kind, and nothing else is");
  snprintf(words, sizeof words, "--merge --seconds 0.5 %s", arguments);
  expect_with("VCPUSPEC_FUZZERS=", words, 1, "findings 1, 0 of them new");
  expect_shell(
      "test $(grep -c '^T' %s/c/findings/write_state.description.kind-69b6644f.vcpu) -le 8", 0);
}

// --- how it ends --------------------------------------------------------------------------------

Test(campaign, ends_on_a_plateau) {
  expect("--plateau 0.5 --seconds 50 %/c", 0, "ended: nothing new for 0.5 s");
}
Test(campaign, ends_in_time) {
  const outcome* got = expect("--seconds 5s %/c", 0, "ended: the time is over");
  cr_expect(strstr(got->text, "time     00:00:05, in all 00:00:05") != NULL, "%s", got->text);
}
Test(campaign, counts_go_on) {
  expect("--seconds 5 %/c", 0, "in all 00:00:05");
  expect("--seconds 5 %/c", 0, "time     00:00:05, in all 00:00:10");
}
// New findings as they come, those of before at the end, and a line.
Test(campaign, quiet) {
  const outcome* got = expect("--quiet --backend " KIND " --seconds 5 %/c", 1, "FAIL ");
  cr_expect(strstr(got->text, " tuples ") == NULL && strstr(got->text, "time  ") == NULL, "%s",
            got->text);
  cr_expect(strstr(got->text, "findings 1, 1 of them new; 0 known; ") != NULL, "%s", got->text);
  expect("--quiet --backend " KIND " --seconds 5 %/c", 1, "(found before)");
  expect("--quiet --seconds 5 %/d", 0, "findings 0, 0 of them new; 0 known; ");
}
Test(campaign, nothing_executed) {
  expect_with("VCPUSPEC_FAKE=idle", "--seconds 0.3 %/c", 5, "nothing was judged");
}
Test(campaign, interrupted_it_tells_what_it_has) {
  char log[128];
  snprintf(log, sizeof log, "%s/log", directory);
  const pid_t campaign = start("mutant:kind_8_bits", log);
  expect_shell("timeout 60 sh -c 'until ls %s/c/findings/*.vcpu; do sleep 0.1; done'", 0);
  kill_after(campaign, 0, SIGINT);
  expect_shell("grep -q '^findings 1, 1 of them new' %s/log", 0);
  expect("--backend mutant:kind_8_bits --seconds 5 %/c", 1, "findings 1, 0 of them new");
}
Test(campaign, merge_leaves_what_adds_something) {
  expect("--seconds 3 %/c", 0, "corpus: ");
  expect_shell("echo more > %s/c/corpus/more; mkdir %s/c/corpus.merged", 0);
  expect("--merge --seconds 3 %/c", 0, "merged: 1 inputs of ");
  expect_shell("test $(ls %s/c/corpus | wc -l) = 1 && test ! -e %s/c/corpus.merged", 0);
}

// --- bad programs that fuzz
// -----------------------------------------------------------------------

Test(campaign, program_that_is_not_there) {
  expect_with("VCPUSPEC_FUZZERS=/nowhere", "%/c", 3, "/nowhere/vcpuspec-fuzz-script");
  // Nor beside the program.
  expect_shell("cp " VS_PROGRAM_PATH " %s/v && unset VCPUSPEC_FUZZERS && %s/v fuzz %s/c", 3);
}
Test(campaign, program_that_ends_at_once) {
  expect_with("VCPUSPEC_FAKE=exit", "%/c", 3, "these are my last words");
}
Test(campaign, program_that_leaves_garbage) {
  expect_with("VCPUSPEC_FAKE=garbage", "%/c", 3, "executes nothing");
  expect_shell("test -e %s/c/broken/*.vcpu || test -e %s/c/raw/*.vcpu", 0);
}
// It may have been a thread of the implementation's.
Test(campaign, program_that_crashes_while_it_judges) {
  expect_with("VCPUSPEC_FAKE=judging", "--seconds 5 %/c", 1, "the process was ended by SIGABRT");
  expect_shell("ls %s/c/findings/unconfirmed-SIGABRT-*.vcpu > /dev/null", 0);
}
Test(campaign, program_that_gets_on_no_more) {
  expect_with("VCPUSPEC_FAKE=stuck", "--timeout 0.1 --seconds 1.8 %/c", 3,
              "did not return within 0.1 s while it judged");
}

Test(campaign, limit_of_a_file_s_size) {
  expect_with("VCPUSPEC_FAKE=idle sh -c 'ulimit -f 9; exec \"$@\"' -",
              "--backend " KIND " --seconds 2 %/c", 3, "cannot be written");
}

// --- bad directories ---------------------------------------------------------------------------

Test(campaign, of_another_backend) {
  expect("--seconds 3 %/c", 0, "findings 0");
  expect("--backend unicorn --seconds 0.3 %/c", 2, "is another campaign's (backend soft,");
  expect("--profile zircon-x64 --seconds 0.3 %/c", 2, "profile documented");
}
Test(campaign, directory_with_other_files) {
  expect_shell("mkdir %s/c; echo x > %s/c/x", 0);
  expect("%/c", 2, "holds files, and no campaign");
}
Test(campaign, directory_that_is_a_file) {
  expect_shell("echo x > %s/c", 0);
  expect("%/c", 2, "Not a directory");
}
Test(campaign, directory_that_cannot_be_made) {
  expect("%/no/c", 2, "No such file or directory");
  expect("/proc/c", 2, "/proc/c");
}
Test(campaign, directory_that_cannot_be_written) {
  expect("/proc/self", 2, "holds files");
  expect("/sys/kernel/c", 3, "cannot be made");
}
Test(campaign, directory_in_use) {
  char log[128];
  snprintf(log, sizeof log, "%s/log", directory);
  pid_t pid = start_and_wait("soft", log);
  expect("%/c", 2, "is in use");
  kill_after(pid, 0, SIGTERM);
}
Test(campaign, spoilt_totals) {
  expect("--seconds 3 %/c", 0, "findings 0");
  expect_shell("echo x > %s/c/totals", 0);
  expect("--seconds 0.3 %/c", 2, "totals cannot be read");
}

// --- bad options
// ----------------------------------------------------------------------------------

Test(campaign, bad_flags) {
  expect("", 2, "needs a directory");
  expect("%/a %/b", 2, "unexpected argument");
  expect("--seconds 31d %/c", 2, "out of bounds");
  expect("--seconds 8x %/c", 2, "out of bounds");
  expect("--seconds nan %/c", 2, "out of bounds");
  expect("--plateau 0 %/c", 2, "out of bounds");
  expect("--findings 0 %/c", 2, "out of bounds");
  expect("--jobs 65 %/c", 2, "out of bounds");
  expect("--target scripts %/c", 2, "did you mean 'script'");
  expect("--report xml:r %/c", 2, "json:FILE");
  expect("--backend sotf %/c", 2, "did you mean 'soft'");
  expect("--backend soft --backend kvm %/c", 2, "one --backend at a time");
  expect("--backend soft:arm64 --profile zircon-x64 %/c", 2, "speaks of x86-64");
  expect("--seconds 0.3 --report json:/nowhere/r %/c", 3, "/nowhere/r cannot be written");
}
