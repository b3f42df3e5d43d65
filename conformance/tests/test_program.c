// SPDX-License-Identifier: BSD-3-Clause
// The program as its users meet it: exit statuses, messages, and what it makes of bad input.
#include <criterion/criterion.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define VS_NO_GUEST "plugin:" VS_PLUGIN_DIR "/no_guest.so"

typedef struct outcome {
  int status;
  char text[1 << 20];  // both streams
} outcome;

// Runs the program with these arguments.
static const outcome* vcpuspec(const char* arguments) {
  static outcome result;
  char command[2048];
  snprintf(command, sizeof command, "( %s %s ) 2>&1", VS_PROGRAM_PATH, arguments);
  FILE* out = popen(command, "r");
  cr_assert(out != NULL);
  size_t length = fread(result.text, 1, sizeof result.text - 1, out);
  cr_assert_lt(length, sizeof result.text - 1, "the output is longer than a test reads");
  result.text[length] = '\0';
  int status = pclose(out);
  cr_assert(WIFEXITED(status), "vcpuspec %s died", arguments);
  result.status = WEXITSTATUS(status);
  return &result;
}

static void expect(const char* arguments, int status, const char* words) {
  const outcome* got = vcpuspec(arguments);
  cr_expect_eq(got->status, status, "vcpuspec %s: exit %d, not %d:\n%s", arguments, got->status,
               status, got->text);
  cr_expect(strstr(got->text, words) != NULL, "vcpuspec %s: no \"%s\" in:\n%s", arguments, words,
            got->text);
}

static void expect_without(const char* arguments, const char* words) {
  const outcome* got = vcpuspec(arguments);
  cr_expect(strstr(got->text, words) == NULL, "vcpuspec %s: \"%s\" in:\n%s", arguments, words,
            got->text);
}

enum {
#define VS_CASE(suite, name, ...) VS_CASE_##suite##_##name,
#include "cases.inc"
#undef VS_CASE
  VS_CASES
};

#define PLUGIN(name) "plugin:" VS_PLUGIN_DIR "/" name ".so"

// --- usage ------------------------------------------------------------------------------------

Test(usage, no_command) {
  expect("", 2, "usage: vcpuspec");
}
Test(usage, help) {
  expect("--help", 0, "usage: vcpuspec");
}
Test(usage, help_of_a_command) {
  expect("run --help", 0, "--require-backend");
}
// A text that several commands share tells of the others, "of `fuzz`, 1".
Test(usage, help_of_a_command_speaks_of_no_other) {
  static const char* const commands[] = {
      "run",   "merge",  "exec", "check",  "list",      "explain", "minimize", "diff-profiles",
      "sweep", "format", "fuzz", "export", "lint-shim", "lab",     "selftest", "bench"};
  for (size_t i = 0; i < sizeof commands / sizeof commands[0]; i++) {
    char line[64];
    snprintf(line, sizeof line, "%s --help", commands[i]);
    expect_without(line, "of `");
    expect_without(line, "For `");
    expect(line, 0, "\nExit status:\n  0  ");
  }
}
Test(usage, a_bad_number_is_told_what_it_means_to_the_command) {
  expect("fuzz --jobs 65 none", 2,
         "--jobs '65' is out of bounds or no number: processes at a time, 1 to 64. Default: 1\n");
}
Test(usage, quiet_is_for_commands_with_logs) {
  expect("exec --quiet", 2, "unknown option '--quiet'");
  expect("merge --quiet --diff a b", 2, "no --quiet");
}

// --- for logs -----------------------------------------------------------------------------------

Test(quiet, run_prints_failures_and_a_line, .timeout = 600) {
  static const char run[] =
      "run --quiet --backend soft --backend mutant:kind_8_bits --filter kinds.aliases";
  expect(run, 1, "FAIL kinds.aliases on mutant:kind_8_bits");
  expect(run, 1,
         "\ndoes not conform: 1 fail, 0 known to fail, 1 pass, 0 unsupported, 0 not judged, 0 "
         "broken; exit status 1\n");
  expect_without(run, "cases: ");
}
Test(quiet, what_conforms_is_one_line) {
  const outcome* got = vcpuspec("run --quiet --backend soft --filter kinds.aliases");
  cr_expect_str_eq(got->text,
                   "conforms: 0 fail, 0 known to fail, 1 pass, 0 unsupported, 0 not judged, 0 "
                   "broken; exit status 0\n");
}
Test(quiet, tells_what_else_the_exit_status_is_for) {
  expect("run --quiet --backend soft --require-backend plugin:/none.so --filter kinds.aliases", 3,
         "backend: plugin:/none.so: required, and could not be judged: ");
  expect("run --quiet --backend soft --filter 'no.*'", 5, "no case matches the filter");
  expect("run --quiet --backend soft --filter kinds.both --filter 'no.*'", 2,
         "--filter 'no.*' matches no case and no clause");
}
Test(quiet, names_the_calls_that_an_implementation_lacks, .timeout = 300) {
  expect("run --quiet --backend " PLUGIN("least") " --filter 'kinds.*' --filter 'interrupt.*'", 0,
         "least.so: 2 cases unsupported (interrupt.anywhere, ...): for want of zx_vcpu_interrupt");
  expect_without("run --quiet --backend soft:arm64 --filter after.in_answered --filter kinds.both",
                 "the case is about x86-64");
}
// What a crash wrote stands in the report of the failure, and nowhere else.
Test(quiet, what_an_implementation_writes_is_not_passed_on, .timeout = 300) {
#define NOISY "run --backend " PLUGIN("exit_in_call") " --filter types.event"
  expect(NOISY " 2>&1 >/dev/null", 1, "noise on standard output");
  expect(NOISY " --quiet", 1, "  stderr   noise on standard output\n");
  expect_without(NOISY " --quiet 2>&1 >/dev/null", "noise");
#undef NOISY
}
Test(quiet, failures_of_one_cause_after_the_first_are_a_line_each) {
  expect("run --quiet --backend mutant:kind_8_bits --filter 'kinds.*'", 1,
         "FAIL kinds.single_bits on mutant:kind_8_bits: the same as kinds.aliases\n");
}
Test(quiet, sweep_prints_a_line_for_a_backend, .timeout = 600) {
  const outcome* got = vcpuspec("sweep --quiet --backend soft --depth 1");
  cr_expect(strchr(got->text, '\n') == got->text + strlen(got->text) - 1, "%s", got->text);
  cr_expect(strstr(got->text, " not judged, 0 recorded; 0 failures\n") != NULL, "%s", got->text);
  expect("sweep --quiet --backend mutant:kind_8_bits --depth 1", 1, "FAIL sweep on mutant");
}

Test(usage, help_command) {
  expect("help run", 0, "--require-backend");
}
Test(usage, plugin_without_path) {
  expect("run --backend plugin:", 2, "needs a path");
}
Test(usage, misspelt_mutant) {
  expect("run --backend mutant:kind_8_bit", 2, "did you mean 'mutant:kind_8_bits'");
}
Test(usage, version) {
  expect("--version", 0, "vcpuspec ");
}
Test(usage, misspelt_command) {
  expect("rum", 2, "did you mean 'run'");
}
Test(usage, misspelt_option) {
  expect("run --bakend soft", 2, "did you mean '--backend'");
}
Test(usage, misspelt_backend) {
  expect("run --backend sotf", 2, "did you mean 'soft'");
}
Test(usage, misspelt_profile) {
  expect("run --profile documentd", 2, "did you mean 'documented'");
}
Test(usage, misspelt_filter) {
  expect("run --filter kinds.bothh", 5, "did you mean 'kinds.both'");
}
Test(usage, filter_that_is_a_suite) {
  expect("run --backend soft --filter kinds --filter types.event", 2, "did you mean 'kinds.*'");
}
Test(usage, misspelt_clause_as_filter) {
  expect("run --filter write_state.errors.wrong_typ", 5,
         "did you mean 'write_state.errors.wrong_type'");
}
Test(usage, misspelt_case) {
  expect("exec kinds.boht", 2, "did you mean the case 'kinds.both'");
}
Test(usage, misspelt_clause) {
  expect("explain write_state.return.okk", 2, "did you mean 'write_state.return.ok'");
}
Test(usage, misspelt_form_of_report) {
  expect("run --report jnit:x", 2, "did you mean 'junit'");
}
Test(usage, misspelt_required_backend) {
  expect("run --require-backend kmv", 2, "did you mean 'kvm'");
}
Test(usage, misspelt_table) {
  expect("list clause", 2, "did you mean 'clauses'");
}
Test(usage, unknown_mutant) {
  expect("run --backend mutant:none", 2, "unknown backend");
}
Test(usage, option_without_argument) {
  expect("run --backend", 2, "needs an argument");
}
Test(usage, option_with_empty_argument) {
  expect("run --filter=", 2, "needs an argument");
}
Test(usage, short_option) {
  expect("run -x", 2, "unknown option");
}
Test(usage, unexpected_word) {
  expect("run soft", 2, "cannot be read");
}
Test(usage, profile_file_that_is_not_there) {
  expect("run --profile ./none.profile", 2, "./none.profile: No such file");
}
Test(usage, profile_of_ours_is_listed_where_a_file_is_not_meant) {
  expect("run --profile zircon2018", 2, "did you mean 'zircon-2018'");
}
static const char* profile_file(const char* text) {
  static char path[] = "/tmp/vcpuspec-test-XXXXXX";
  int fd = mkstemp(path);
  FILE* out = fd >= 0 ? fdopen(fd, "w") : NULL;
  cr_assert(out != NULL);
  fputs(text, out);
  fclose(out);
  return path;
}
Test(profile_file, judges_and_is_named_in_the_command, .timeout = 300) {
  const char* path = profile_file("vcpuspec profile 1\nname mine\nbase zircon-x64\nquirks none\n");
  char words[512];
  snprintf(words, sizeof words, "run --backend soft --profile %s --filter 'kinds.*[hs]'", path);
  expect(words, 0, "profile mine");
  snprintf(words, sizeof words,
           "run --backend mutant:kind_8_bits --profile %s --filter kinds.single_bits", path);
  char again[256];
  snprintf(again, sizeof again, "--profile %s --filter kinds.single_bits", path);
  expect(words, 1, again);
  unlink(path);
}
Test(profile_file, faults_have_a_place) {
  const char* path = profile_file("vcpuspec profile 1\nname mine\nordr kind\n");
  char words[512];
  snprintf(words, sizeof words, "run --profile %s", path);
  expect(words, 2, ":3:1: expected");
  expect(words, 2, "did you mean 'order'");
  unlink(path);
}
Test(diff_profiles, prints_classes_and_scripts) {
  expect("diff-profiles zircon-x64 zcore", 0, "zcore: ZX_ERR_ACCESS_DENIED");
  expect("diff-profiles zircon-x64 zcore", 0, "vcpuspec script 2");
  expect("diff-profiles zircon-x64 zircon-x64", 0, "0 classes of call");
  expect("diff-profiles zircon-x64", 2, "usage: vcpuspec diff-profiles");
}
Test(usage, profile_of_another_arch) {
  expect("run --backend soft:arm64 --profile zircon-x64", 2, "speaks of x86-64");
}

Test(usage, profile_of_another_arch_and_a_required_backend) {
  expect("run --require-backend unicorn:arm64 --profile zircon-x64", 2, "speaks of x86-64");
}
Test(defaults, of_another_arch_than_the_profiles_are_left_out, .timeout = 300) {
  expect("run --filter types.event", 0, "unicorn:arm64");
  expect("run --filter types.event --profile zircon-x64", 0, "unicorn");
  expect_without("run --filter types.event --profile zircon-x64", "arm64");
}

Test(usage, numbers_out_of_bounds) {
  static const char* const bad[] = {
      "run --jobs 0",     "run --jobs 65",     "run --jobs two",
      "run --jobs -1",    "run --timeout 0",   "run --timeout -3",
      "run --timeout 1x", "run --timeout nan", "run --timeout 1e9",
      "run --seed -1",    "run --seed 1x",     "run --seed 18446744073709551616",
  };
  for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) expect(bad[i], 2, "out of bounds");
}

// --- verdicts ---------------------------------------------------------------------------------

Test(exit_status, conforms, .timeout = 600) {
  expect("run --backend soft", 0, "clauses pass on every backend");
}
Test(exit_status, fails, .timeout = 600) {
  expect("run --backend mutant:kind_8_bits --filter 'kinds.*[hs]'", 1, "FAIL kinds.aliases");
}
Test(exit_status, nothing_matched) {
  expect("run --backend soft --filter 'no.*'", 5, "exit status 5");
}
Test(exit_status, all_unsupported) {
  expect("run --backend soft:arm64 --filter io.after_in8", 5, "nothing was judged");
}
Test(exit_status, all_unsupported_elsewhere) {
  expect("run --backend unicorn:arm64 --filter io.after_in8", 5, "the case is about x86-64");
}
Test(exit_status, clause_as_filter, .timeout = 600) {
  expect("run --backend soft --filter write_state.errors.wrong_type", 0, "cases: pass");
}

Test(failure, says_case_clause_ops_allowed_got_and_how_to_repeat) {
  static const char* const parts[] = {
      "FAIL kinds.single_bits on mutant:kind_8_bits",
      "write_state.description.kind",
      "are accepted as kind, and nothing else is",
      "zx_vcpu_create",
      "zx_vcpu_write_state(h2, kind 0x100, plain, 136) = ZX_OK",
      "allowed  ZX_ERR_INVALID_ARGS (kind names no vCPU state)",
      "got      ZX_OK",
      VS_PROGRAM_PATH
      " run --backend mutant:kind_8_bits --profile documented --filter kinds.single_bits",
  };
  const outcome* got = vcpuspec("run --backend mutant:kind_8_bits --filter kinds.single_bits");
  for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
    cr_expect(strstr(got->text, parts[i]) != NULL, "no \"%s\" in:\n%s", parts[i], got->text);
  }
}

// Whatever clause is cited: the value tells whose doing it was.
Test(failure, a_refused_write_whose_value_is_seen_is_named) {
  expect("run --backend mutant:thread_refused_but_done --filter after.kick", 1,
         "  or       op 9, which was refused, and has the value that is seen\n");
}
Test(failure, register_is_named) {
  expect("run --backend mutant:register_rbx_lost --filter registers.all_at_once", 1, "rbx = 0x");
}

Test(failure, latitude_is_named) {
  expect("run --backend soft --filter 'flags.*'", 0, "soft is permitted by: flags_gate");
}

Test(failure, allowed_ZX_OK_says_why_and_the_error_what_it_means) {
  static const char run[] =
      "run --backend mutant:right_asked_too_EXECUTE --filter rights.write_alone";
  expect(run, 1,
         "allowed  ZX_OK (the handle is valid, is a vCPU's, has ZX_RIGHT_WRITE, kind is a vCPU "
         "state, buffer_size is right, the buffer is readable, the vCPU is paused, the thread is "
         "the creator)\n");
  expect(run, 1, "got      ZX_ERR_ACCESS_DENIED\n");
  expect(run, 1, "means    that the handle lacks ZX_RIGHT_WRITE, which is not so\n");
}

// By check and by explain.
Test(failure, an_error_of_several_checks_or_of_none_says_so) {
  static const char sizes[] =
      "that kind is not ZX_VCPU_STATE, or that buffer_size is not the size of ZX_VCPU_STATE, or "
      "that the buffer cannot be written to, which is not so\n";
  static const char* const rows[][2] = {
      {"T0: read_state h2\n= ZX_ERR_INVALID_ARGS", sizes},
      {"T0: kick h2\n= ZX_ERR_INTERNAL", "nothing: no check of this call has it\n"},
      {"T0: set_trap h0 kind=1 addr=0x4000 size=4096\n= ZX_ERR_ALREADY_EXISTS",
       "that it intersects a trap of that kind, which is not so\n"},
  };
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    char line[1024];
    static const char made[] =
        "vcpuspec trace 2\narch x86-64\n\nT0: h0 h1 = guest_create\n= ZX_OK handle=0x3 "
        "handle2=0x7\nT0: h2 = vcpu_create h0 dump\n= ZX_OK handle=0xb\n";
    snprintf(line, sizeof line, "check - << END\n%s%s\nEND\n", made, rows[i][0]);
    expect(line, 1, rows[i][1]);
    snprintf(line, sizeof line, "explain - << END\n%s%s\nEND\n", made, rows[i][0]);
    expect(line, 0, rows[i][1]);
  }
}

Test(failure, a_buffer_that_changes_meanwhile_is_told) {
  expect("run --backend mutant:io_fetched_twice --filter snapshots.io_access_size", 1,
         "8), while byte 0 of the buffer changes = ");
}

Test(exit_status, full_disk) {
  expect("run --backend soft --filter types.event > /dev/full", 3, "is the disk full?");
  expect("list cases > /dev/full", 3, "is the disk full?");
}
Test(exit_status, named_backend_of_which_nothing_was_judged, .timeout = 300) {
  expect("run --backend soft --backend " VS_NO_GUEST " --filter types.event", 5, "was named");
  expect("run --require-backend " VS_NO_GUEST " --filter types.event", 3, "is required");
}

Test(exit_status, interrupted_run_tells_what_is_finished, .timeout = 300) {
  // One backend hangs; the other has failed at once.
  expect(
      "run --timeout 600 --jobs 2 --filter 'kinds.*[hs]' --backend mutant:kind_8_bits "
      "--backend mutant:hang_on_success > told & until grep -q FAIL told; do sleep 0.02; done; "
      "kill -TERM $!; wait $!; s=$?; cat told; rm told; exit $s",
      3, "FAIL kinds.aliases on mutant:kind_8_bits");
}

Test(exit_status, signals_that_the_caller_ignores_change_nothing, .timeout = 300) {
  const outcome* got = vcpuspec("list cases > /dev/null; trap '' CHLD; exec " VS_PROGRAM_PATH
                                " run --backend mutant:crash_on_success --filter types.event");
  cr_expect_eq(got->status, 1);
  cr_expect(strstr(got->text, "SIGABRT") != NULL, "%s", got->text);
}

// Whoever called exec may have started some: `exec vcpuspec ... > >(tee log)`.
Test(exit_status, children_of_the_caller_are_spared, .timeout = 300) {
  const outcome* got = vcpuspec(
      "list cases > /dev/null; sleep 50 > /dev/null 2>&1 & echo $! > children.pid; "
      "exec " VS_PROGRAM_PATH " run --backend soft --filter types.event");
  FILE* file = fopen("children.pid", "r");
  int pid = 0;
  cr_assert(file != NULL && fscanf(file, "%d", &pid) == 1);
  fclose(file);
  unlink("children.pid");
  cr_expect_eq(got->status, 0, "%s", got->text);
  cr_expect_eq(kill(pid, SIGKILL), 0, "the caller's child was ended");
}

Test(failure, same_failure_is_told_once) {
  expect("run --backend mutant:ok_is_one --filter 'types.*'", 1, "same     as types.event");
}

Test(failure, wrong_bits_and_what_was_written_are_named) {
  expect("run --backend mutant:flags_df_lost --filter flags.each_set", 1, "differs  in bit 10");
  expect("run --backend mutant:flags_df_lost --filter flags.each_set", 1, "written  rflags = 0x");
}

Test(failure, ordered_profile_says_what_it_looks_at_first, .timeout = 300) {
  expect("run --profile zircon-x64 --backend mutant:arguments_first --filter 'threads.*'", 1,
         "which the profile looks at first");
}

Test(failure, other_clauses_are_judged_all_the_same, .timeout = 300) {
  expect(
      "run --full --backend mutant:register_rbx_lost --filter 'registers.*' --filter "
      "write_state.errors.bad_handle",
      1, "write_state.errors.bad_handle           pass");
}

Test(failure, seed_is_repeated) {
  expect("run --backend mutant:ok_is_one --filter kinds.both --seed 7", 1, "--seed 7");
}

// --- plugins ----------------------------------------------------------------------------------

Test(plugin, example_conforms, .timeout = 600) {
  expect("run --backend plugin:$(dirname " VS_PROGRAM_PATH ")/backends/soft/soft_plugin.so", 0,
         "cases: pass");
}
Test(plugin, least_is_judged, .timeout = 600) {
  expect("run --backend " PLUGIN("least"), 0, "cases: unsupported");
}
// A call that is left out is no failure: to a gate that demands it, it is.
Test(require, of_what_an_implementation_lacks_is_not_met, .timeout = 300) {
#define RUN "run --backend " PLUGIN("least") " --filter 'kinds.*' --filter 'interrupt.*' "
  expect(RUN, 0, "cases: unsupported");
  expect(RUN "--require 'interrupt.*'", 3,
         "least.so: 'interrupt.*' is required, and 2 cases are not judged (interrupt.anywhere, "
         "...): for want of zx_vcpu_interrupt\n");
  expect(RUN "--require 'kinds.b*'", 0, "cases: unsupported");
  expect(RUN "--require zx_vcpu_interrupt", 3,
         "least.so: 'zx_vcpu_interrupt' is required, and it has no zx_vcpu_interrupt\n");
  expect(RUN "--require zx_vcpu_kic", 2, "matches no call, no case and no clause");
  expect(RUN "--require 'zx_vcpu_[cwr]*'", 3, "it has no zx_vcpu_read_state\n");
  expect(RUN "--require 'zx_vcpu_[cw]*'", 0, "cases: unsupported");
  // By a clause as well.
  expect(RUN "--require interrupt.errors.bad_handle", 3,
         "'interrupt.errors.bad_handle' is required, and 1 case is not judged");
  expect(RUN "--require 'io.*'", 3, "'io.*' is required, and no case of it was in this run");
  expect(RUN "--require 'interupt.*'", 2,
         "--require 'interupt.*' matches no call, no case and no clause");
#undef RUN
}
Test(require, of_everything_leaves_the_other_architecture_out, .timeout = 300) {
  expect("run --backend unicorn:arm64 --require '*'", 0, "cases: unsupported");
}
Test(require, of_cases_that_a_filter_left_out_is_not_met) {
  expect("run --backend soft --filter 'kinds.*' --require '*'", 3,
         "soft: '*' is required, and 342 cases of it are not in this run (");
}
Test(require, of_a_call_that_no_trace_made_is_not_met, .timeout = 300) {
  char path[] = "/tmp/vcpuspec-test-XXXXXX";
  char arguments[256];
  close(mkstemp(path));
  snprintf(arguments, sizeof arguments, "exec --backend soft kinds.both > %s", path);
  expect(arguments, 0, "");
  snprintf(arguments, sizeof arguments,
           "run --backend recorded:%s --filter kinds.both --require zx_vcpu_kick", path);
  expect(arguments, 3, "it has no zx_vcpu_kick");
  snprintf(arguments, sizeof arguments,
           "run --backend recorded:%s --filter kinds.both --require zx_vcpu_write_state", path);
  expect(arguments, 0, "cases: pass");
  unlink(path);
}
Test(require, of_a_backend_that_was_not_judged_is_left_to_require_backend, .timeout = 300) {
  expect("run --backend soft --require 'kinds.*' --filter 'kinds.*'", 0, "cases: pass");
  expect("run --backend soft --backend plugin:/none.so --require 'kinds.*' --filter 'kinds.*'", 3,
         "plugin:/none.so was not judged");
}

Test(plugin, instrumented_is_judged, .timeout = 600) {
  expect("run --backend " PLUGIN(
             "instrumented") " --filter 'kinds.*' --filter 'races.*' --filter 'kick.*'",
         0, "cases: unsupported");
}
Test(plugin, least_is_never_passed_unjudged, .timeout = 600) {
  // Without a way to look, nothing can be said of effects.
  expect("run --backend " PLUGIN("least") " --filter 'registers.*'", 5, "zx_vcpu_read_state");
}
// It has no calls: it is never more than loaded.
Test(plugin, that_is_loaded_neither_reaches_the_terminal_nor_has_our_files, .timeout = 300) {
  const char* arguments =
      "run --backend " PLUGIN("speaks_on_load") " --filter types.event 9< /dev/null";
  expect(arguments, 3, "?[31mred\n?]0;title?\n");
  expect_without(arguments, "\033");
  expect_without(arguments, "is open");
}
Test(plugin, missing_file) {
  expect("run --backend plugin:./none.so", 3, "there is no such file");
}
Test(plugin, not_a_shared_object) {
  expect("run --backend plugin:/etc/passwd", 3, "cannot be loaded");
}
Test(plugin, without_the_call) {
  expect("run --backend " PLUGIN("no_calls"), 3, "nothing to judge");
}
Test(plugin, of_another_abi) {
  expect("run --backend " PLUGIN("wrong_abi"), 3, "abi is 3, but this vcpuspec speaks 1 to 2");
}
Test(plugin, of_the_first_abi_is_judged_and_offers_no_other_resource) {
  expect("run --backend " PLUGIN("abi_1") " --filter kinds.both --filter 'guests.other*'", 0,
         "yesterday: 2 cases unsupported (guests.other_resource, ...): for want of other_resource: "
         "a second resource, which the backend does not offer\n");
  expect("run --quiet --backend " PLUGIN("abi_1") " --filter kinds.both", 0,
         "0 known to fail, 1 pass");
}
Test(plugin, without_another_resource_does_not_meet_a_gate_that_demands_it) {
  expect("run --backend " PLUGIN(
             "least") " --filter guests.other_resource --require guests.other_resource",
         3, "for want of other_resource: a second resource, which the backend does not offer");
}
Test(plugin, whose_other_resource_is_its_resource_is_told_so) {
  expect("run --backend " PLUGIN("one_resource"), 3,
         "vcpuspec_plugin.other_resource is 0x103, which is .resource");
}
Test(plugin, crashes_on_load) {
  expect("run --backend " PLUGIN("crash_on_load"), 3, "SIGABRT");
}
Test(plugin, hangs_on_load, .timeout = 300) {
  expect("run --backend " PLUGIN("hang_on_load"), 3, "did not return within");
}
Test(plugin, cannot_make_a_guest, .timeout = 300) {
  expect("run --backend " PLUGIN("no_guest"), 5, "zx_guest_create returned ZX_ERR_NOT_SUPPORTED");
}
Test(plugin, exits_in_the_call, .timeout = 600) {
  expect("run --backend " PLUGIN("exit_in_call") " --filter 'buffers.null'", 1, "exit status 0");
}
Test(plugin, hangs_in_the_call, .timeout = 600) {
  expect("run --timeout 0.5 --backend " PLUGIN("hang_in_call") " --filter 'types.*'", 1,
         "did not return within 0.5 s");
}

// Nor does it gain time by what it writes where calls are counted.
Test(plugin, hangs_in_the_call_and_forges_progress, .timeout = 60) {
  expect("run --timeout 1 --backend " PLUGIN("turns_back") " --filter types.event", 1,
         "did not return within 1 s");
}

Test(plugin, broken_one_leaves_the_others_judged, .timeout = 600) {
  expect("run --backend plugin:./none.so --backend soft --filter types.event", 3, "soft");
  expect("run --backend plugin:./none.so --backend soft --filter types.event", 3, "pass");
}

// The report of the failure quotes it; it does not stand there by itself.
Test(plugin, noise_does_not_reach_standard_output, .timeout = 300) {
  expect_without("run --backend " PLUGIN("exit_in_call") " --filter types.event 2>/dev/null",
                 "\nnoise on standard output");
}

// --- machines ---------------------------------------------------------------------------------

// In a mount namespace in which /dev/kvm is not what it was.
static const char* const without_kvm =
    "unshare -m sh -c 'mount --bind /dev/null /dev/kvm && " VS_PROGRAM_PATH " %s' 2>&1";

static int run_without_kvm(const char* arguments, char* text, size_t size) {
  char command[2048];
  snprintf(command, sizeof command, without_kvm, arguments);
  FILE* out = popen(command, "r");
  cr_assert(out != NULL);
  size_t length = fread(text, 1, size - 1, out);
  text[length] = '\0';
  return WEXITSTATUS(pclose(out));
}

static bool can_hide_kvm(void) {
  return system("test -e /dev/kvm && unshare -m mount --bind /dev/null /dev/kvm 2>/dev/null") == 0;
}

Test(machine, without_kvm_the_others_are_judged, .timeout = 600) {
  static char text[65536];
  if (!can_hide_kvm()) cr_skip_test("this machine has no /dev/kvm to hide, or no namespaces");
  int status = run_without_kvm("run --filter types.event", text, sizeof text);
  cr_expect_eq(status, 0, "exit %d:\n%s", status, text);
  cr_expect(strstr(text, "kvm was not judged: ") != NULL, "%s", text);
}

Test(machine, required_kvm_that_is_absent_is_an_error, .timeout = 600) {
  static char text[65536];
  if (!can_hide_kvm()) cr_skip_test("this machine has no /dev/kvm to hide, or no namespaces");
  int status = run_without_kvm("run --filter types.event --require-backend kvm", text, sizeof text);
  cr_expect_eq(status, 3, "exit %d:\n%s", status, text);
  cr_expect(strstr(text, "pass") != NULL, "the others are judged all the same:\n%s", text);
}

// --- lists ------------------------------------------------------------------------------------

Test(list, every_table) {
  expect("list clauses", 0, "write_state.refusal.unchanged");
  expect("list checks", 0, "ZX_ERR_WRONG_TYPE");
  expect("list profiles", 0, "zircon-x64");
  expect("list defects", 0, "misaligned_refused");
  expect("list quirks", 0, "flags_ungated");
  expect("explain zircon-2018", 0, "vcpuspec profile 1\nname zircon-2018");
  expect("list latitudes", 0, "flags_gate");
  expect("list backends", 0, "unicorn");
  expect("list mutants", 0, "kind_8_bits");
  expect("list cases", 0, "handles.zero");
}

Test(list, needs_a_table) {
  expect("list", 2, "usage: vcpuspec list");
}
Test(explain, clause) {
  expect("explain write_state.errors.bad_handle", 0, "names nothing is answered");
}
Test(explain, case_) {
  expect("explain handles.zero", 0, "zx_vcpu_write_state(0x0");
}
Test(explain, mutant) {
  expect("explain kind_8_bits", 0, "low byte of kind");
}
Test(explain, status_with_what_it_means_and_its_clauses) {
  expect("explain ZX_ERR_ACCESS_DENIED", 0,
         "  zx_vcpu_write_state    the handle lacks ZX_RIGHT_WRITE\n");
  expect("explain ZX_ERR_ACCESS_DENIED", 0,
         "  clause                 write_state.errors.access_denied\n");
}
Test(explain, rights_by_their_names) {
  expect("explain chains.replaced_duplicate", 0, "zx_handle_duplicate(h2, rights read)");
}
Test(explain, latitude) {
  expect("explain flags_gate", 0, "bit 1");
}
Test(explain, call_by_each_of_its_names) {
  static const char* const names[] = {"set_trap", "guest_set_trap", "zx_guest_set_trap"};
  for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
    char command[64];
    snprintf(command, sizeof command, "explain %s", names[i]);
    expect(command, 0,
           "zx_guest_set_trap: traps the guest's accesses to a range of addresses\n\n"
           "set_trap.return.ok (page.return)\n"
           "  A call to which no documented error applies returns ZX_OK, whatever the key.\n"
           "  subject of traps.");
  }
}
Test(explain, call_with_the_status_and_the_cases_of_each_clause) {
  expect("explain set_trap", 0,
         "\nset_trap.errors.bad_handle.guest (page.errors)\n"
         "  A guest value that names nothing is answered with ZX_ERR_BAD_HANDLE.\n"
         "  status     ZX_ERR_BAD_HANDLE\n"
         "  subject of traps.bad_handle walks.");
  expect("explain set_trap", 0, "\n  judged by  traps.ports_refused traps.wrong_type\n");
  expect("explain set_trap | grep -c '^[a-z_.]* (page'", 0, "22\n");
  expect("explain set_trap | grep -c '^  judged by  [^ ]* [^ ]* '", 0, "5\n");
}
Test(explain, call_with_the_clauses_that_judging_rests_on) {
  expect("explain enter", 0, "\nfamily.enter.runs_guest (family)\n");
  expect("explain handle_close", 0, "\nfamily.handle.derived (family)\n");
  expect("explain objects", 0, "zx_handle_close: closes a handle\nzx_handle_duplicate: ");
}
Test(explain, call_without_a_clause) {
  expect("explain port_wait", 2, "no clauses of 'port_wait'; there are some of: write_state ");
  expect("explain zx_port_wait", 2, " set_trap objects\n");
}
Test(explain, misspelt) {
  expect("explain zx_guest_set_trop", 2, "did you mean 'zx_guest_set_trap'");
  expect("explain objectss", 2, "did you mean 'objects'");
  expect("explain handles.zerro", 2, "did you mean 'handles.zero'");
}
Test(explain, needs_a_word) {
  expect("explain", 2, "usage: vcpuspec explain");
}

// --- scripts and traces -----------------------------------------------------------------------

static void write_file(const char* path, const char* text) {
  FILE* out = fopen(path, "w");
  cr_assert(out != NULL);
  fputs(text, out);
  fclose(out);
}

// A file of this test's own.
static const char* script_file(const char* text) {
  static char path[64];
  snprintf(path, sizeof path, "/tmp/vcpuspec-test-%d.vcpu", (int)getpid());
  write_file(path, text);
  return path;
}

#define SETUP "vcpuspec script 2\nT0: h0 h1 = guest_create\nT0: h2 = vcpu_create h0 dump\n"

static void expect_of(const char* before, const char* text, const char* after, int status,
                      const char* words) {
  char arguments[512];
  const char* path = script_file(text);
  snprintf(arguments, sizeof arguments, "%s %s %s", before, path, after);
  expect(arguments, status, words);
  unlink(path);
}

Test(scripts, a_good_one_is_judged) {
  expect_of("run", SETUP "T0: write_state h2 kind=2\n", "--backend soft", 0,
            "cases: pass                             1");
}
Test(scripts, a_failing_one_says_how_to_repeat_it) {
  expect_of("run", SETUP "T0: write_state h2 kind=0x100 as=state\n", "--backend mutant:kind_8_bits",
            1, "--profile documented /tmp/vcpuspec-test-");
}
// However long before: without it, a reader does not know what the handle may do.
Test(scripts, the_ops_that_made_the_handle_of_a_failing_call_are_told) {
  expect_of("run",
            SETUP
            "T0: h3 = duplicate h2 write|duplicate\nT0: h4 = duplicate h3 duplicate\n"
            "for n in 0..9\n  T0: write_state h2 state fill=$n\nend\nT0: write_state h4 state\n",
            "--backend mutant:rights_not_checked", 1,
            "        2  T0: h3 = zx_handle_duplicate(h2, rights duplicate|write) = ZX_OK\n"
            "        3  T0: h4 = zx_handle_duplicate(h3, rights duplicate) = ZX_OK\n"
            "           (8 more)\n");
}
Test(scripts, one_of_another_architecture_is_unsupported) {
  expect_of("run", "vcpuspec script 2\narch arm64\nT0: h4 = event_create\n", "--backend soft", 5,
            "the case is about arm64");
}
Test(scripts, a_wrong_one_is_told_with_its_place) {
  expect_of(
      "run", SETUP "T0: write_state h2 stae\n", "--backend soft", 2,
      ".vcpu:4:20: expected 'state', 'io' or kind=NUMBER, found 'stae'; did you mean 'state'?");
}
Test(scripts, an_empty_one) {
  expect_of("run", "", "", 2, "expected a script or a trace, found the end of the text");
}
Test(scripts, one_that_does_not_exist) {
  expect("run /nonexistent.vcpu", 2, "cannot be read: No such file");
}
Test(scripts, a_directory) {
  expect("run /tmp", 2, "cannot be read: Is a directory");
}
Test(scripts, a_misspelt_case) {
  expect("exec kinds.bth", 2, "did you mean the case 'kinds.both'?");
}
// Each of eight replaces may have closed its handle or not, and what was in its slot is seen later.
Test(scripts, one_that_too_much_would_explain_is_broken) {
  expect_of("run",
            SETUP
            "for n in 3 4 5 6 7 8 9 10\n  T0: h$n = duplicate h0 same_rights\nend\n"
            "for n in 3 4 5 6 7 8 9 10\n  T0: h11 = replace h$n same_rights out=null\nend\n",
            "--backend soft", 3, "the oracle has no room for them");
}
Test(scripts, one_that_uses_a_slot_that_is_empty) {
  expect_of("run", "vcpuspec script 2\nT0: kick h2\n", "--backend soft", 2,
            ":2:1: expected an operation before this that gives h2 a handle");
}
Test(scripts, one_that_joins_the_wrong_thread) {
  expect_of("run", SETUP "T1: start kick h2\nT0: join\n", "--backend soft", 2,
            ":5:1: expected 'start' before this: T0 is within no call");
}
Test(scripts, one_that_forgets_to_join) {
  expect_of("run", SETUP "T1: start kick h2\n", "--backend soft", 2,
            ":4:1: expected 'T1: join' after this");
}
Test(scripts, one_whose_thread_is_busy) {
  expect_of("run", SETUP "T1: start kick h2\nT1: kick h2\n", "--backend soft", 2,
            ":5:1: expected 'join' before this: T1 is within a call");
}
Test(scripts, one_that_fills_a_slot_that_a_call_still_names) {
  expect_of("run",
            SETUP
            "T0: h3 = duplicate h2 same_rights\nT1: start kick h3\nT0: close h3\n"
            "T0: h3 = event_create\nT1: join\n",
            "--backend soft", 2,
            ":7:1: expected 'join' before this: T1 is within a call that names it");
}
Test(scripts, one_that_fills_a_slot_that_a_call_fills_too) {
  expect_of("run",
            SETUP
            "T0: h3 = duplicate h2 same_rights\nT1: start h4 = replace h3 same_rights|0x1c000000\n"
            "T0: h4 = event_create\nT1: join\n",
            "--backend soft", 2,
            ":6:1: expected 'join' before this: T1 is within a call that names it");
}
Test(scripts, a_register_of_one_architecture) {
  expect_of("run", SETUP "T0: write_state h2 state rax=1\n", "--backend soft", 2,
            "(as arm64: the script names no 'arch')");
}
Test(scripts, code_of_their_own_is_believed_nothing) {
  expect_of("run --backend unicorn",
            "vcpuspec script 2\narch x86-64\nT0: h0 h1 = guest_create\n"
            "T0: h8 = guest_load h0 h1\nT0: h2 = vcpu_create h0 code=e6d0\n"
            "T0: write_state h2 state rax=1\nT0: enter h2\nT0: read_state h2\n",
            "", 0, "cases: pass                             1");
}
Test(scripts, two_buffers_change_at_once) {
  expect_of("run --timeout 5 --backend soft",
            "vcpuspec script 2\nT0: h0 h1 = guest_create\nT0: h2 = vcpu_create h0 dump\n"
            "for n in 1..50\n  T2: start write_state h2 state fill=3 held=0:00112233\n"
            "  T3: start write_state h2 io fill=4 held=4:aabb\n  T2: join\n  T3: join\nend\n",
            "", 0, "cases: pass                             1");
}
Test(scripts, a_trace_is_not_run) {
  expect("exec kinds.both > /tmp/vcpuspec-t1.trace; " VS_PROGRAM_PATH " run /tmp/vcpuspec-t1.trace",
         2, "is a trace: judge it with vcpuspec check");
}
Test(traces, recorded_here_judged_there) {
  expect("exec --backend unicorn kinds.both | " VS_PROGRAM_PATH " check", 0,
         "pass        standard input (unicorn, documented)");
}
Test(traces, several_in_one_stream) {
  expect("exec kinds.both types.event handles.zero | " VS_PROGRAM_PATH " check -", 0,
         "pass        standard input#3 (soft, documented)");
}
Test(traces, a_wrong_one_fails) {
  expect("exec --backend mutant:kind_8_bits kinds.aliases | " VS_PROGRAM_PATH " check", 1,
         "write_state.description.kind");
}
Test(traces, under_another_profile) {
  expect("exec --backend soft:zcore threads.other_with_faults | " VS_PROGRAM_PATH
         " check --profile zircon-x64",
         1, "FAIL");
}
Test(traces, of_another_architecture_than_the_profile) {
  expect("exec --backend unicorn:arm64 types.event | " VS_PROGRAM_PATH
         " check --profile zircon-x64",
         2, "speaks of x86-64");
}
Test(traces, a_script_is_not_checked) {
  expect_of("check", SETUP, "", 2, "record it with vcpuspec exec");
}
Test(traces, cut_short_by_hand) {
  expect("exec kinds.both | head -20 | " VS_PROGRAM_PATH " check", 3, "the trace is cut off");
}
Test(traces, of_a_backend_that_dies_in_a_call) {
  expect("exec --backend " PLUGIN("exit_in_call") " kinds.both", 0, "= no_return");
}
Test(traces, of_a_backend_that_is_not_there) {
  expect("exec --backend plugin:/nonexistent.so kinds.both", 3, "cannot be used");
}
Test(traces, explained_step_by_step) {
  expect("exec first.without_gate | " VS_PROGRAM_PATH " explain -", 0,
         "flags are written only with bit 1, latitudes needed: flags_gate");
}
Test(traces, explained_to_the_violation) {
  expect("exec --backend mutant:kind_8_bits kinds.aliases | " VS_PROGRAM_PATH " explain -", 0,
         "VIOLATION write_state.description.kind");
}
Test(minimize, to_three_ops_and_one_bit) {
  expect("minimize --backend mutant:kind_8_bits kinds.aliases", 0,
         "T0: write_state h2 kind=0x100 buffer_size=136 length=136\n");
}
Test(minimize, to_the_bits_that_matter) {
  expect("minimize --backend mutant:register_rbx_lost registers.all_at_once", 0,
         "\nT0: write_state h2 state rbx=");
}
Test(minimize, what_it_prints_fails_alike) {
  expect("minimize --backend mutant:io_big_endian io.neighbours 2>/dev/null | " VS_PROGRAM_PATH
         " run --backend mutant:io_big_endian -",
         1, "write_state.description.io");
}
// With fewer runs than there are halves, quarters and single ops to leave out.
Test(minimize, what_has_nothing_to_do_with_it_goes_first) {
  expect("minimize --backend " PLUGIN("meets") " " VS_SOURCE_DIR
                                               "/conformance/tests/late_join.vcpu",
         0,
         "T0: h5 h6 = guest_create\nT1: start h15 = replace h5 same_rights\n"
         "T0: write_state raw=0x0 state\nT1: join\n");
  expect("minimize --backend " PLUGIN("meets") " " VS_SOURCE_DIR
                                               "/conformance/tests/late_join.vcpu 2>&1 | grep -c "
                                               "': 4 ops, after [0-9]\\{1,2\\} runs$'",
         0, "1");
}
Test(minimize, users_of_a_slot_that_is_filled_again_stay) {
  expect_of("minimize --backend mutant:replace_keeps_port",
            "vcpuspec script 2\nT0: h3 = vcpu_create raw=0 dump\nT0: h4 = port_create\n"
            "T0: h3 = replace h4 write|inspect\nT0: h4 = replace h3 same_rights\n",
            "", 0, "arch x86-64\n\nT0: h4 = port_create\n");
}
Test(minimize, a_handle_that_another_is_derived_from_takes_its_place) {
  expect_of("minimize --backend mutant:kind_8_bits",
            SETUP
            "T0: h3 = duplicate h2 same_rights\nT0: h4 = replace h3 same_rights\n"
            "T0: write_state h4 kind=0x100 as=state\n",
            "", 0, "dump\nT0: write_state h2 kind=0x100");
}
Test(minimize, another_object_that_was_made_takes_the_place_of_its_own) {
  expect_of("minimize --backend mutant:place_told_duplicate_out_headless",
            SETUP "T0: h6 = duplicate h2 same_rights out=straddle_head:1\n", "", 0,
            "guest_create\nT0: h6 = duplicate h0");
}
#define SPOILED(fault)                                        \
  " --timeout 60 --backend 'shim:python3 -BIS " VS_SOURCE_DIR \
  "/conformance/tests/shims/spoiled.py " fault " " VS_SHIM_DIR "/shim_soft_posix' "

// Within a call or between two: the script is as small as it can be, and of no clause.
Test(minimize, to_how_the_backend_ends) {
  expect("minimize" SPOILED("wordy") "kinds.both 2>&1", 0, "# ended garbage: the shim answered '");
  expect("minimize" SPOILED("wordy") "kinds.both", 0,
         "arch x86-64\n\nT0: h0 h1 = guest_create\n# profile documented\n");
  expect("minimize" SPOILED("exits") "kinds.both", 0,
         "arch x86-64\n\nT0: h0 h1 = guest_create\n# profile documented\n# ended exit=9: the");
  expect("minimize --backend mutant:crash_on_success kinds.both", 0,
         "arch x86-64\n\nT0: h0 h1 = guest_create\nT0: h2 = vcpu_create h0 dump\n"
         "T0: write_state h2 state\n# profile documented\n# ended SIGABRT: ");
}

// It is started for each try.
Test(minimize, what_a_shim_writes_is_passed_on_once) {
#define NOISY_SHIM                                                                       \
  "minimize --timeout 60 --backend 'shim:echo starting >&2; python3 -BIS " VS_SOURCE_DIR \
  "/conformance/tests/shims/spoiled.py exits " VS_SHIM_DIR                               \
  "/shim_soft_posix; echo over >&2; "                                                    \
  "exit 9' kinds.both"
  expect(NOISY_SHIM " 2>&1 | grep -c '^starting$'", 0, "1\n");
  expect(NOISY_SHIM, 0, "# got no answer\n# stderr over\n");
}

// The name that a shim gives itself is none that starts it.
Test(minimize, a_trace_of_a_shim_needs_the_shim) {
  expect_of("minimize",
            "vcpuspec trace 2\nbackend soft_plugin\narch x86-64\n\n"
            "T0: h0 h1 = guest_create\n  = ZX_OK handle=0x1 handle2=0x2\n",
            "", 2,
            "of a backend that called itself 'soft_plugin', which does not say where it is: name "
            "it, as --backend shim:COMMAND");
}

Test(minimize, nothing_to_do) {
  expect("minimize kinds.both", 5, "there is nothing to minimize");
}
Test(format, tidies) {
  expect_of("format", "vcpuspec script 2\nfor  n in 1\nT0:  kick   h2\nend\n", "", 0,
            "for n in 1\n  T0: kick h2\nend\n");
}
Test(format, unrolls) {
  expect_of("format --expand --arch arm64",
            "vcpuspec script 2\nfor n in 1..2\nT0: write_state h2 state x0=$n\nend\n", "", 0,
            "T0: write_state h2 state x0=1\nT0: write_state h2 state x0=2\n");
}
Test(format, unknown_architecture) {
  expect("format --arch arm65 /dev/null", 2, "did you mean 'arm64'?");
}
Test(shards, together_are_the_whole) {
  size_t cases = 0;
  for (int i = 1; i <= 3; i++) {
    char arguments[128];
    size_t passed = 0;
    size_t unsupported = 0;
    snprintf(arguments, sizeof arguments,
             "run --backend soft:zircon --profile zircon-x64 --shard %d/3", i);
    const char* text = vcpuspec(arguments)->text;
    const char* pass = strstr(text, "cases: pass");
    const char* lacking = strstr(text, "cases: unsupported");
    cr_assert(pass != NULL && lacking != NULL, "%s", text);
    sscanf(pass, "cases: pass %zu", &passed);
    sscanf(lacking, "cases: unsupported %zu", &unsupported);
    cases += passed + unsupported;
  }
  cr_expect_eq(cases, VS_CASES, "%zu of %d cases", cases, VS_CASES);
}
Test(shards, out_of_bounds) {
  expect("run --shard 4/3", 2, "--shard '4/3' is out of bounds");
}

// --- limits of the machine
// ------------------------------------------------------------------------

// In a folder of its own, with limits as of ulimit.
static void expect_limited(const char* limits, const char* arguments, int status,
                           const char* words) {
  char command[2048];
  const outcome* got;
  snprintf(
      command, sizeof command,
      "-h >/dev/null; cd $(mktemp -d) && ulimit %s && VS_SECOND=spins %s %s; s=$?; cd /; exit $s",
      limits, VS_PROGRAM_PATH, arguments);
  got = vcpuspec(command);
  cr_expect_eq(got->status, status, "ulimit %s, %s: exit %d:\n%s", limits, arguments, got->status,
               got->text);
  cr_expect(strstr(got->text, words) != NULL, "ulimit %s, %s: no \"%s\" in:\n%s", limits, arguments,
            words, got->text);
}

Test(limits, of_files_are_told_by_run) {
  expect_limited("-f 1", "run --backend soft --filter 'kinds.*'", 3, "(ulimit -f)");
  expect_limited("-f 8", "run --backend soft --filter 'kinds.*' --report html:h", 3,
                 "h cannot be written: File too large");
}
Test(limits, of_files_are_told_by_export) {
  expect_limited("-f 1", "export --format c >out", 3, "(ulimit -f)");
}
Test(limits, of_files_are_told_by_sweep_and_nothing_is_kept) {
  expect_limited("-f 1",
                 "sweep --backend soft --shard 1/2000 --resume s; e=$?; test -e s || (exit $e)", 3,
                 "(ulimit -f)");
}
Test(limits, of_time_are_not_the_implementation_s) {
  expect_limited("-t 2",
                 "run --timeout 60 --backend plugin:" VS_PLUGIN_DIR
                 "/two_defects.so --filter kinds.both",
                 3, "(ulimit -t)");
}
// --- bench ------------------------------------------------------------------------------------

Test(bench, rows_that_are_named_are_measured_alone) {
  const char* line = "bench --seconds 0.1 --filter 'judged.s*' --filter growth.ops";
  const outcome* got = vcpuspec(line);
  cr_expect_eq(got->status, 0, "%s", got->text);
  cr_expect(strstr(got->text, "judged.soft  ") != NULL, "%s", got->text);
  cr_expect(strstr(got->text, "growth.ops         N = ") != NULL, "%s", got->text);
  cr_expect(strstr(got->text, "fuzz.soft") == NULL, "%s", got->text);
  cr_expect(strstr(got->text, "wait.") == NULL, "%s", got->text);
}

Test(bench, rows_of_a_section_are_of_it) {
  expect("bench --seconds 0.1 --filter sweep.model", 0,
         "sweep.model        combinations that the rules alone decide");
  expect_without("bench --seconds 0.1 --filter sweep.model", "wait.");
}

Test(bench, row_that_there_is_not) {
  const char* line = "bench --filter judged.sotf --filter judged.soft";
  expect(line, 2, "--filter 'judged.sotf' matches no row of the benchmark; there are wait.jobs_1");
  expect(line, 2, " sweep.kvm sweep.model\n");
}

Test(limits, of_time_are_told_by_sweep) {
  expect_limited(
      "-t 2", "sweep --timeout 60 --backend plugin:" VS_PLUGIN_DIR "/two_defects.so --shard 1/2000",
      3, "(ulimit -t)");
}

// Where an end of our own would be taken for the implementation's.
Test(limits, of_the_stack_are_told) {
  expect_limited("-s 64", "run --backend soft --filter 'kinds.*'", 3, "(ulimit -s)");
  expect_limited("-s 256", "run --backend soft --filter 'kinds.*'", 0, "cases: pass");
}

// --- words that are nearly right
// ------------------------------------------------------------------

Test(words, that_are_no_numbers) {
  static const char* const words[] = {
      "--shard '1/ 2'", "--shard 1/+2",   "--shard ' 1/2'", "--shard '1/2 '",
      "--timeout 0x10", "--timeout ' 5'", "--timeout inf",  "--timeout +5",
  };
  for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
    char line[128];
    snprintf(line, sizeof line, "run --backend soft --filter kinds.both %s", words[i]);
    expect(line, 2, "is out of bounds or no number");
  }
}

Test(words, title_that_never_ends) {
  char path[] = "/tmp/vcpuspec-title-XXXXXX";
  char line[128];
  int fd = mkstemp(path);
  cr_assert(fd >= 0);
  FILE* out = fdopen(fd, "w");
  fputs("vcpuspec script 2\ntitle ", out);
  for (size_t i = 0; i < 9000; i++) fputc('a', out);
  fputs("\n\nT0: h0 h1 = guest_create\n", out);
  fclose(out);
  snprintf(line, sizeof line, "run --backend soft %s", path);
  expect(line, 2, "a text of more than 8192 bytes");
  unlink(path);
}

// A path may hold any bytes but one; reports and journals are UTF-8.
Test(words, path_that_is_no_utf8) {
  static const char* const forms[] = {"json", "junit", "html", "md", "tap", "sarif"};
  for (size_t i = 0; i < sizeof forms / sizeof forms[0]; i++) {
    char line[1024];
    snprintf(line, sizeof line,
             "-h >/dev/null; cd $(mktemp -d) && n=$(printf 'a\\377\\355\\240\\200.vcpu') && "
             "cp " VS_SOURCE_DIR
             "/conformance/scripts/first/io.vcpu \"$n\" && %s run --backend soft --report %s:r "
             "--resume j "
             "\"$n\" && test -s r && %s run --backend soft --resume j \"$n\"",
             VS_PROGRAM_PATH, forms[i], VS_PROGRAM_PATH);
    expect(line, 0, "1 results stand in j");
  }
}

// --- random guest programs ----------------------------------------------------------------------

#define IMUL "WRONG_INSN=end " VS_PROGRAM_PATH " programs unicorn " PLUGIN("wrong_insn")

// What a shell's line prints.
static const char* said_by(const char* line) {
  static char text[1 << 16];
  FILE* out = popen(line, "r");
  cr_assert(out != NULL);
  text[fread(text, 1, sizeof text - 1, out)] = '\0';
  pclose(out);
  return text;
}

Test(programs, whose_folder_cannot_be_written_are_not_run) {
  expect("programs unicorn " PLUGIN("wrong_insn") " --count 1 --output /dev/null", 2,
         "vcpuspec: /dev/null: Not a directory\n");
  expect("programs unicorn " PLUGIN("wrong_insn") " --count 1 --output /proc/none/findings", 2,
         "vcpuspec: /proc/none/findings: No such file or directory\n");
  expect_without("programs unicorn " PLUGIN("wrong_insn") " --count 1 --output /dev/null", "agree");
}
Test(programs, whose_folder_is_not_there_get_it_with_those_above) {
  char top[] = "/tmp/vcpuspec-folder-XXXXXX";
  char line[512];
  cr_assert(mkdtemp(top) != NULL);
  snprintf(line, sizeof line,
           "programs unicorn " PLUGIN(
               "wrong_insn") " --count 1 --output %s/a/b/ && test -d %s/a/b && rm -r %s",
           top, top, top);
  expect(line, 0, "1 agree, 0 disagree by known defects, 0 as a finding above, 0 findings\n");
}
Test(programs, help_says_that_the_output_is_a_folder) {
  expect("programs --help", 0, "--output DIR\n");
  expect("export --help", 0, "--output FILE\n");
}
Test(programs, a_bad_count_is_told_its_bounds) {
  expect("programs unicorn unicorn --count 0", 2, "1 to 1000000000000");
}
Test(programs, that_end_a_process_are_told_with_the_backend) {
  const char* text = said_by(IMUL " --count 1000 2>&1");
  cr_expect(strstr(text, "\nwrong_insn ended its process, or did not come back, ") != NULL, "%s",
            text);
  cr_expect(strstr(text, "\nunicorn ended") == NULL, "%s", text);
  cr_expect(strstr(text, "as a finding above, 1 finding\n") != NULL, "%s", text);
}
Test(programs, that_known_defects_explain_are_told_with_the_rows) {
  const char* text = said_by(VS_PROGRAM_PATH " programs unicorn kvm --count 2000 2>&1");
  if (strstr(text, "/dev/kvm") != NULL) cr_skip_test("no /dev/kvm");
  cr_expect(strstr(text, "each may have a part:\n  ") != NULL, "%s", text);
  cr_expect(strstr(text, "\n  and ") != NULL, "%s", text);
}
