// SPDX-License-Identifier: BSD-3-Clause
// Results that are joined: shards, several backends and profiles, and what differs between two.
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "cases/cases.h"
#include "results/conclude.h"
#include "results/results.h"
#include "results_shell.h"
#include "text/file.h"

TestSuite(merge, .init = make_directory, .fini = remove_directory, .timeout = 600);

#define CHECK VS_SOURCE_DIR "/tools/check-results "
#define WRONG "run --backend soft --backend mutant:kind_8_bits "
// Edits the file %/a into %/b: Python in which d is the tree.
#define EDIT(statements)                                                                   \
  "python3 -c 'import json; d = json.load(open(\"%/a\")); r = d[\"results\"]; " statements \
  "; json.dump(d, open(\"%/b\", \"w\"))'"

#define SETUP "vcpuspec script 2\nT0: h0 h1 = guest_create\nT0: h2 = vcpu_create h0 dump\n"
#define KIND "T0: write_state h2 kind=0x100 as=state\n"
static const char SHORT_ONE[] = SETUP KIND;
static const char LONG_ONE[] = SETUP "T0: write_state h2 state\n" KIND;

// Some suites, whole.
#define SOME "--filter '[bkt]*s.*' "
static size_t count_some(void) {
  size_t count = 0;
  for (size_t i = 0; i < vs_case_count; i++) count += vs_case_matches(&vs_cases[i], "[bkt]*s.*");
  return count;
}

static void make_shards(int count) {
  for (int i = 1; i <= count; i++) {
    char arguments[256];
    snprintf(arguments, sizeof arguments, WRONG SOME "--shard %d/%d --report json:%%/s%d", i, count,
             i);
    expect(arguments, -1, "expected");
  }
}

Test(merge, shards_are_the_whole) {
  make_shards(3);
  expect(WRONG SOME "--report json:%/whole > %/out", 1, "");
  expect("merge %/s2 %/s1 %/s3 --report json:%/all", 1, "cases: FAIL");
  expect_shell(CHECK "--same %/whole %/all && " CHECK "%/all", 0, "2 files say the same");
  expect_shell(VS_PROGRAM_PATH
               " merge %/s1 %/s2 %/s3 > %/m; grep -v '^  again' %/out > %/o; "
               "sed '$d' %/m | grep -v '^  again' | cmp - %/o && echo same words; tail -n 1 %/m",
               0, "same words\n2 new, 0 gone, 0 known, 0 lost\n");
}

// The gate of CI has no more to read than this.
Test(merge, what_fails_is_told_as_a_run_does) {
  static const char all[] = "run --backend mutant:kind_8_bits --filter 'kinds.*' --report json:%/a";
  expect(all, 1, "2 cases fail for one cause");
  expect(
      "merge %/a --report md:%/m --report html:%/h --report junit:%/j", 1,
      "FAIL kinds.aliases on mutant:kind_8_bits: kinds that look like a known one in fewer bits\n"
      "  clause   write_state.description.kind\n");
  cr_expect(strstr(printed(), "  got      ZX_OK\n") != NULL, "%s", printed());
  cr_expect(strstr(printed(), "  same     as kinds.aliases: the same clause") != NULL, "%s",
            printed());
  cr_expect(strstr(printed(),
                   "mutant:kind_8_bits: 2 cases fail for one cause: "
                   "write_state.description.kind: ZX_ERR_INVALID_ARGS -> ZX_OK "
                   "(soonest in kinds.aliases, at op 5; also kinds.single_bits)\n") != NULL,
            "%s", printed());
  expect_shell("grep -c '2 cases fail for one cause' %/m %/h %/j", 0, "m:1\n");
  cr_expect(strstr(printed(), "h:1\n") != NULL && strstr(printed(), "j:1\n") != NULL, "%s",
            printed());
  write_file("e",
             "vcpuspec expectations 1\n"
             "known kinds.[ab]*\n  backend *\n  profile *\n"
             "  clause write_state.description.kind\n  answer ZX_ERR_INVALID_ARGS -> ZX_OK\n"
             "  reason of old\n");
  expect("merge %/a --expect %/e", 1, "\n1 new, 1 gone, 1 known, 0 lost\n");
}

Test(merge, quiet_tells_failures_and_the_last_line) {
  expect("run --backend soft --backend mutant:kind_8_bits --filter kinds.aliases --report json:%/a",
         1, "");
  expect("merge --quiet %/a", 1, "FAIL kinds.aliases on mutant:kind_8_bits");
  cr_expect(strstr(printed(), "cases: ") == NULL, "%s", printed());
  expect_shell(VS_PROGRAM_PATH " merge --quiet %/a | tail -n 1", 0,
               "1 new, 0 gone, 0 known, 0 lost\n");
}

// Asked of the run or of the whole; nothing is demanded of a shard that has no case of it.
Test(merge, what_is_required_must_have_been_judged) {
#define LEAST \
  "run --backend plugin:" VS_PLUGIN_DIR "/least.so --filter 'kinds.*' --filter 'interrupt.*' "
  expect(LEAST "--report json:%/a", 0, "");
  expect("merge %/a", 0, "");
  expect("merge %/a --require 'interrupt.*' --report md:%/m", 3, "for want of zx_vcpu_interrupt");
  expect_shell("cat %/m", 0, "is required, and 2 cases are not judged");
  expect("merge %/a --require 'kinds.b*'", 0, "");
  expect("merge %/a --require 'io.*'", 3, "no case of it was in this run");
  expect("merge %/a --require zx_vcpu_kick", 3,
         "least.so: 'zx_vcpu_kick' is required, and it has no");
  expect(LEAST "--require 'kinds.b*' --shard 1/3 --report json:%/1", 0, "");
  expect(LEAST "--require zx_vcpu_enter --shard 2/3 --report json:%/2", 3,
         "it has no zx_vcpu_enter");
  expect(LEAST "--shard 3/3 --report json:%/3", 0, "");
  expect_shell(CHECK "%/2", 0, "valid");
  expect("merge %/3 %/2 %/1", 3, "'zx_vcpu_enter' is required");
  expect("merge %/3 %/1", 3, "shard 2/3");
  expect("merge %/a --require zx_vcpu_kik", 2,
         "--require 'zx_vcpu_kik' matches no call, no case and no clause; did you mean "
         "'zx_vcpu_kick'?");
  expect("run --require zx_vcpu_kik", 2, "no clause; did you mean 'zx_vcpu_kick'?");
  expect("merge --diff %/a %/a --require 'kinds.*'", 2,
         "takes no --report, no --expect, no --require");
#undef LEAST
}

// As somebody may edit them by hand.
Test(merge, results_that_contradict_themselves_are_refused) {
  const char* const edits[] = {
      "for r in d['results']: r.update(verdict='pass', failure=None)",
      "d['results'] = [r for r in d['results'] if r['verdict'] == 'pass']; n = len(d['results']); "
      "d['counts'].update(expected=n, judged=n)",
      "[r.update(verdict='pass', failure=None, says=dict.fromkeys(r['says'], 'pass')) "
      "for r in d['results']]"};
  const char* const words[] = {"says: a clause fails, and the case does not",
                               "exit.status: it is 1, and nothing here fails",
                               "exit.status: it is 1, and nothing here fails"};
  char command[1024];
  expect("run --backend mutant:kind_8_bits --filter 'kinds.*' --report json:%/a", 1, "");
  for (size_t i = 0; i < sizeof edits / sizeof edits[0]; i++) {
    snprintf(command, sizeof command,
             "python3 -c \"import json; d = json.load(open('%%/a'))\n%s\njson.dump(d, "
             "open('%%/b', 'w'))\"",
             edits[i]);
    expect_shell(command, 0, "");
    expect("merge %/b", 2, words[i]);
  }
}

// How a backend ends in a call is told once, with the clause of the first answer that is missing.
Test(merge, a_backend_that_ends_in_one_way_is_one_group) {
  const char* words = "the backend ended in the same way in 4 cases: exit=0";
  expect("run --backend plugin:" VS_PLUGIN_DIR
         "/exit_in_call.so --filter 'kinds.*' --report json:%/a",
         1, "  ended    exit=0");
  cr_expect(strstr(strstr(printed(), "  clause ") + 1, "  clause ") == NULL, "%s", printed());
  cr_expect(strstr(strstr(printed(), "  got  ") + 1, "  got  ") == NULL, "%s", printed());
  cr_expect(strstr(printed(), "same     as kinds.aliases: the backend ended in the same way"), "%s",
            printed());
  expect_shell(CHECK "%/a", 0, "valid");
  expect(
      "merge --quiet %/a --report md:%/m --report html:%/h --report junit:%/j --report sarif:%/s",
      1, words);
  expect_shell("grep -c 'the backend ended in the same way in 4 cases' %/m %/h %/j", 0, "m:1\n");
  expect_shell("grep -c 'ruleId.*write_state' %/s", 0, "4\n");
  expect_shell_without("cat %/m %/h %/j", ">write_state.return.ok</span>");
  write_file("e",
             "vcpuspec expectations 1\n"
             "known kinds.*\n  backend *\n  profile *\n  clause write_state.return.ok\n"
             "  answer ZX_OK -> exit=0\n  reason of old\n");
  expect("merge %/a --expect %/e", 0, "0 new, 0 gone, 4 known");
}

// Of one call, in one way, for two reasons: neither hides the other.
Test(merge, two_crashes_of_one_call_are_two_causes) {
  expect_shell("VS_SECOND=ends " VS_PROGRAM_PATH " run --backend plugin:" VS_PLUGIN_DIR
               "/two_defects.so --filter kinds.aliases --filter sizes.state_0_to_300",
               1, "clause   write_state.errors.invalid_args.size");
  cr_expect(strstr(printed(), "clause   write_state.description.kind") != NULL &&
                strstr(printed(), "  same ") == NULL,
            "%s", printed());
}

Test(merge, a_case_that_is_told_as_another_says_what_else_is_wrong_in_it) {
  expect_shell("VS_SECOND=ends " VS_PROGRAM_PATH " run --backend plugin:" VS_PLUGIN_DIR
               "/two_defects.so --filter kinds.single_bits --filter kinds.small",
               1, "  same     as kinds.single_bits: the same clause, broken in the same way\n");
  cr_expect(strstr(strstr(printed(), "  same "), "\n  also     ") != NULL, "%s", printed());
}

// No clause is said to fail of a backend that ended between two calls.
Test(merge, a_breach_of_the_shim_protocol_breaks_no_clause) {
  expect("run --backend 'shim:python3 -BIS " VS_SOURCE_DIR
         "/conformance/tests/shims/spoiled.py wordy " VS_SHIM_DIR
         "/shim_soft_posix' --filter 'kinds.*' --report json:%/a",
         1, "  ended    a breach of the shim protocol (garbage), whatever the case is about");
  cr_expect(strstr(printed(), "  clause ") == NULL, "%s", printed());
  cr_expect(strstr(printed(), "write_state.description.kind            cut short") != NULL, "%s",
            printed());
  expect_shell(CHECK "%/a", 0, "valid");
  expect("merge --quiet %/a", 1, "in 4 cases: a breach of the shim protocol");
  expect_shell("sed '0,/expected ranges that changed/s//that was not asked/' %/a > %/b", 0, "");
  expect("merge --quiet %/b", 1, "in 3 cases: a breach of the shim protocol");
}

// Wrong in one register is one cause, whatever the values; another register is another.
Test(merge, failures_of_one_cause_are_one_group) {
  expect("run --backend mutant:flags_never --filter 'registers.*' --report json:%/a", 1, "");
  expect(
      "merge %/a", 1,
      "cases fail for one cause: write_state.description.flags: rflags -> other, differs in bit");
}

// Not the first by name: the one that is the easiest to follow.
Test(merge, of_one_cause_the_case_that_fails_soonest_is_first) {
  write_file("a.vcpu", LONG_ONE);
  write_file("b.vcpu", SHORT_ONE);
  expect("run --backend mutant:kind_8_bits %/a.vcpu %/b.vcpu --report html:%/h --report json:%/j",
         1, "/b.vcpu, at op 2; also ");
  expect("merge %/j", 1, "/b.vcpu, at op 2; also ");
  expect_shell("grep -o 'id=.r[^ ]*' %/h | head -1", 0, "b-vcpu");
}

Test(merge, a_missing_shard_is_told) {
  make_shards(3);
  expect("merge %/s1 %/s3 --report json:%/all", 3, "shard 2/3 of soft is missing");
  cr_expect(
      strstr(printed(), "shards are missing: not every case was judged: exit status 3") != NULL,
      "%s", printed());
  char words[64];
  snprintf(words, sizeof words, "expected %zu, judged", 2 * count_some());
  cr_expect(strstr(printed(), words) != NULL, "%s", printed());
  expect_shell(CHECK "%/all", 0, "valid");
  expect("merge %/all", 3, "shard 2/3 of mutant:kind_8_bits is missing");
  expect("merge %/all %/s2", 1, words);
  cr_expect(strstr(printed(), "missing") == NULL, "%s", printed());
}

Test(merge, a_shard_of_one_backend_only_leaves_the_other_unjudged) {
  expect(
      "run --backend soft --backend unicorn --filter 'kinds.*[hs]' --shard 1/2 --report json:%/a",
      0, "");
  expect("run --backend soft --filter 'kinds.*[hs]' --shard 2/2 --report json:%/b", 0, "");
  expect("merge %/a %/b", 3, "shard 2/2 of unicorn is missing");
  cr_expect(strstr(printed(), "shard 2/2 of soft") == NULL, "%s", printed());
}

Test(merge, several_backends_and_profiles_are_columns) {
  expect("run --backend soft --filter 'kinds.*[hs]' --report json:%/a", 0, "");
  expect("run --backend unicorn --filter 'kinds.*[hs]' --report json:%/b", 0, "");
  expect("run --backend soft --profile zircon-x64 --filter 'kinds.*[hs]' --report json:%/c", 0, "");
  expect("merge %/a %/b %/c --report json:%/all", 0,
         "soft (documented)  unicorn      soft (zircon-x64)");
  cr_expect(strstr(printed(), "profile                                 documented") != NULL, "%s",
            printed());
  expect_shell(CHECK "%/all", 0, "valid");
}

// The exit status of results that are merged alone; 2: they are none.
static vs_exit status_of(const char* text, size_t length) {
  vs_why why;
  vs_results* results = vs_results_parse("edited", text, length, &why);
  const vs_exit status = results != NULL ? vs_results_conclude(results) : VS_EXIT_USAGE;
  vs_results_free(results);
  return status;
}

Test(merge, no_cut_and_no_flipped_bit_makes_red_results_green) {
  vs_file file;
  vs_why why;
  cr_assert(vs_file_read(VS_SOURCE_DIR "/fuzz/corpus/results/hangs.json", &file, &why));
  cr_assert_eq(status_of(file.text, file.length), VS_EXIT_FAILS);
  for (size_t i = 0; i < file.length; i++) {
    cr_expect_neq(status_of(file.text, i), VS_EXIT_CONFORMS, "cut at %zu", i);
    for (unsigned bit = 0; bit < 8; bit++) {
      file.text[i] ^= (char)(1u << bit);
      cr_expect_neq(status_of(file.text, file.length), VS_EXIT_CONFORMS, "bit %u of %zu", bit, i);
      file.text[i] ^= (char)(1u << bit);
    }
  }
  vs_file_free(&file);
}

Test(merge, two_builds_of_a_backend_are_refused) {
  expect_shell("cp " VS_PLUGIN_DIR "/wrong_kind.so %/p.so", 0, "");
  expect("run --backend plugin:%/p.so --filter 'kinds.*' --shard 1/2 --report json:%/a", -1, "");
  expect_shell("cp " VS_PLUGIN_DIR "/wrong_size.so %/p.so", 0, "");
  expect("run --backend plugin:%/p.so --filter 'kinds.*' --shard 2/2 --report json:%/b", -1, "");
  expect("merge %/a %/b", 3, "p.so was another file there, of which the digest is '");
}

Test(merge, duplicates_that_agree_are_joined_and_others_refused) {
  expect(WRONG "--filter 'kinds.*[hs]' --report json:%/a", 1, "");
  expect("merge %/a %/a", 1, "expected 6, judged 6");
  expect_shell(EDIT("r[0][\"verdict\"] = \"permitted\""), 0, "");
  expect("merge %/a %/b --report json:%/all", 3,
         "b: kinds.aliases on soft contradicts a file before it: pass  there, permitted  here");
  expect_shell_without("ls %", "all");
  expect_shell(
      EDIT("[x for x in r if x[\"failure\"]][0][\"failure\"][\"key\"] = \"ZX_OK -> SIGSEGV\""), 0,
      "");
  expect("merge %/a %/b", 3, "fail ZX_ERR_INVALID_ARGS -> ZX_OK there, fail ZX_OK -> SIGSEGV here");
}

Test(merge, whoever_knows_better_is_believed) {
  expect(WRONG "--filter 'kinds.*[hs]' --report json:%/a", 1, "");
  expect_shell(EDIT("r[0].update(verdict=\"not judged\", note=\"later\"); "
                    "d[\"counts\"].update(judged=5, not_judged=1)"),
               0, "");
  expect("merge %/b %/a", 1, "expected 6, judged 6");
  expect("merge %/a %/b", 1, "expected 6, judged 6");
  expect("merge %/b", 3, "expected 6, judged 5");
}

// What one machine lacks, and another has, is judged in part.
Test(merge, what_a_shard_of_another_machine_lost_is_not_green) {
  expect("run --backend soft --shard 1/2 --report json:%/1", 0, "");
  expect("run --backend soft --shard 2/2 --report json:%/a", 0, "");
  expect_shell(EDIT("d[\"backends\"][0].update(state=\"absent\", reason=\"it is not there\"); "
                    "[one.update(verdict=\"not judged\", note=\"later\", says={}, latitudes=[]) "
                    "for one in r]; "
                    "d[\"counts\"].update(judged=0, not_judged=len(r))"),
               0, "");
  expect("merge %/1 %/b", 3, "soft: 173 results are lost: they were not judged");
  expect("merge %/b %/1", 3, "soft: 173 results are lost: they were not judged");
}

// Each member of a column, whichever file comes first.
Test(merge, what_a_column_says_is_kept_of_every_file) {
  expect("run --backend soft --filter 'kinds.*' --shard 1/2 --report json:%/1", 0, "");
  expect("run --backend soft --filter 'kinds.*' --shard 2/2 --report json:%/a", 0, "");
  expect_shell(EDIT("d[\"backends\"][0].update(ended_between=4, lacks=[\"zx_vcpu_kick\"])"), 0, "");
  expect("merge %/1 %/b", 1, "soft ended, or spoke unasked, 4 times between two cases");
  expect("merge %/b %/1", 1, "soft ended, or spoke unasked, 4 times between two cases");
  expect("merge --diff %/a %/b", 1, "1 regressed");
  expect("merge %/1 %/b --require zx_vcpu_kick", 3, "it has no zx_vcpu_kick");
  expect("merge %/b %/1 --require zx_vcpu_kick", 3, "it has no zx_vcpu_kick");
  expect_shell(EDIT("d[\"backends\"][0].update(name=\"old_soft\")"), 0, "");
  expect("merge %/1 %/b", 3, "soft called itself 'soft' there, and 'old_soft' here");
}

Test(merge, what_does_not_belong_together_is_refused) {
  expect("run --backend soft --filter 'kinds.*[hs]' --report json:%/a", 0, "");
  expect("run --backend soft --filter 'kinds.*[hs]' --seed 4 --report json:%/b", 0, "");
  expect("merge %/a %/b", 3, "their seeds are '0' and '4'");
  expect_shell(EDIT("d[\"program\"] = \"vcpuspec 9\""), 0, "");
  expect("merge %/a %/b", 3, "judge both with one version");
}

Test(merge, an_interrupted_one_is_not_whole) {
  expect("run --backend soft --filter 'kinds.*[hs]' --report json:%/a", 0, "");
  expect_shell(EDIT("d[\"interrupted\"] = True"), 0, "");
  expect("merge %/b", 3, "interrupted: not every case was judged");
}

Test(merge, exit_status_is_as_of_a_run) {
  expect("run --backend soft --filter no.such --report json:%/a", 5, "");
  expect("merge %/a", 5, "no case matches the filter");
  expect("run --backend plugin:./none.so --filter 'kinds.*[hs]' --report json:%/b", 3, "");
  expect("merge %/b", 3, "could not judge everything");
  expect("run --backend soft --filter 'kinds.*[hs]' --report json:%/c", 0, "");
  expect("merge %/c --report json:-", 0, "\"status\": 0");
}

Test(merge, expectations_are_of_the_whole) {
  static const char known[] =
      "vcpuspec expectations 1\nknown kinds.aliases\n  backend mutant:*\n  profile *\n"
      "  answer ZX_ERR_INVALID_ARGS -> ZX_OK\n  reason r\n"
      "known kinds.single_bits\n  backend mutant:*\n  profile *\n"
      "  answer ZX_ERR_INVALID_ARGS -> ZX_OK\n  reason r\n"
      "known types.event\n  backend mutant:*\n  profile *\n"
      "  answer ZX_ERR_INVALID_ARGS -> ZX_OK\n  reason r\n";
  write_file("k", known);
  make_shards(2);
  expect("merge %/s1 %/s2 --expect %/k", 4, "stale (passes): types.event");
  expect(WRONG SOME "--shard 1/2 --expect %/k --report json:%/e1", -1, "");
  expect(WRONG SOME "--shard 2/2 --expect %/k --report json:%/e2", -1, "");
  expect("merge %/e1 %/e2", 4, "2 known failures, 0 disputed, 1 stale");
}

Test(merge, what_one_file_excuses_and_another_does_not_is_not_excused) {
  expect("run --backend mutant:kind_8_bits --filter kinds.aliases --report json:%/a", 1, "");
  expect_shell(
      EDIT("r[0][\"expectation\"] = dict(state=\"known\", reason=\"r\", link=None, line=3)"), 0,
      "");
  expect("merge %/b", 0, "");
  expect("merge %/a %/b", 1, "");
  expect("merge %/b %/a", 1, "");
  expect("merge %/b %/b", 0, "");
}

Test(merge, what_failed_now_and_then_does_not_excuse_what_failed) {
  expect("run --backend mutant:kind_8_bits --filter kinds.aliases --report json:%/a", 1, "");
  expect_shell(EDIT("r[0].update(verdict=\"flaky\", expectation="
                    "dict(state=\"disputed\", reason=\"r\", link=None, line=3))"),
               0, "");
  expect("merge %/a %/b", 1, "");
  expect("merge %/b %/a", 1, "");
}

Test(merge, garbage_is_told) {
  static const char* const garbage[][2] = {
      {"", "it is no whole JSON text"},
      {"[]", "at format: expected"},
      {"{}", "at format: expected"},
      {"{\"format\": \"vcpuspec results\"}", "at version: expected"},
      {"{\"format\": \"vcpuspec results\", \"version\": 2}", "at version: expected 1"},
      {"{\"a\": 1, \"a\": 2}", "it is no whole JSON text"},
      {"\xff\xfe", "it is no whole JSON text"},
      {"<testsuites/>", "it is no whole JSON text"},
  };
  for (size_t i = 0; i < sizeof garbage / sizeof garbage[0]; i++) {
    write_file("g", garbage[i][0]);
    expect("merge %/g", 2, garbage[i][1]);
  }
  expect("merge %/none", 2, "cannot be read");
  expect("merge", 2, "merge needs files");
  expect_shell("python3 -c 'print(\"[\" * 100000)' > %/g; " VS_PROGRAM_PATH " merge %/g", 2,
               "it is no whole JSON text");
}

// A valid file that was cut off, or in which a byte was changed, is refused or read, and no more.
Test(merge, spoilt_bytes_do_no_harm) {
  expect(WRONG "--filter kinds.both --report json:%/a", 0, "");
  expect_shell(
      "python3 -c '\n"
      "import os, subprocess, sys\n"
      "good = open(\"%/a\", \"rb\").read()\n"
      "odd = 0\n"
      "for i in range(0, len(good), 97 if \"VS_WHOLE\" in os.environ else 970):\n"
      "  for data in (good[:i], good[:i] + bytes([good[i] ^ 16]) + good[i+1:]):\n"
      "    p = subprocess.run([sys.argv[1], \"merge\", \"-\"], input=data, "
      "capture_output=True)\n"
      "    odd += p.returncode not in (0, 1, 2, 3, 5) or b\"Sanitizer\" in p.stderr\n"
      "print(odd, \"odd ends\")' " VS_PROGRAM_PATH,
      0, "0 odd ends");
}

// --- differences --------------------------------------------------------------------------------

Test(merge, diff_tells_what_regressed) {
  expect("run --backend soft --filter 'kinds.*[hs]' --report json:%/a", 0, "");
  expect("run --backend mutant:kind_8_bits --filter 'kinds.*[hs]' --report json:%/b", 1, "");
  expect("merge --diff %/a %/b", 1,
         "regressed  kinds.aliases on mutant:kind_8_bits: pass -> FAIL (ZX_ERR_INVALID_ARGS -> "
         "ZX_OK)");
  cr_expect(strstr(printed(), "2 regressed, 0 fixed, 0 changed, 0 new, 0 gone, 1 the same") != NULL,
            "%s", printed());
  expect("merge --diff %/b %/a", 0, "fixed      kinds.aliases on soft: FAIL");
  expect("merge --diff %/a %/a", 0, "0 regressed, 0 fixed, 0 changed, 0 new, 0 gone, 3 the same");
}

Test(merge, diff_tells_what_is_new_and_gone_and_not_judged_any_more) {
  expect("run --backend soft --filter 'kinds.*[hs]' --report json:%/a", 0, "");
  expect_shell(
      EDIT("r[0][\"case\"] = \"kinds.other\"; r[1].update(verdict=\"unsupported\", note=\"n\"); "
           "d[\"counts\"].update(judged=2, not_judged=1)"),
      0, "");
  expect("merge --diff %/a %/b", 1, "regressed  kinds.both on soft: pass -> unsupported");
  cr_expect(strstr(printed(), "regressed  kinds.aliases on soft: pass -> gone") != NULL, "%s",
            printed());
  cr_expect(strstr(printed(), "new        kinds.other on soft: pass") != NULL, "%s", printed());
}

// A failure that was there hides none in bits that were right.
Test(merge, diff_tells_other_bits_of_the_same_answer) {
  expect("run --backend mutant:flags_df_lost --filter flags.each_set --report json:%/a", 1, "");
  expect_shell(EDIT("r[0][\"failure\"].update(touched=\"[16,10]\")"), 0, "");
  expect("merge --diff %/a %/b", 1,
         "(rflags[10] -> other) -> FAIL (rflags[16,10] -> other)\n1 regressed");
  expect("merge --diff %/b %/a", 0, "0 regressed, 0 fixed, 0 changed");
}

// Values differ with the seed, and with them the bits in which they are wrong.
Test(merge, diff_takes_the_bytes_of_a_register_as_one) {
  expect("run --backend mutant:register_rbx_lost --filter registers.all_at_once --report json:%/a",
         1, "");
  expect_shell(EDIT("r[0][\"failure\"].update(touched=\"[63]\")"), 0, "");
  expect("merge --diff %/a %/b", 0, "0 regressed, 0 fixed, 0 changed");
}

Test(merge, diff_of_a_part_has_regressed) {
  expect("run --backend soft --filter 'kinds.*[hs]' --report json:%/a", 0, "");
  expect("run --backend soft --filter kinds.both --report json:%/b", 0, "");
  expect("merge --diff %/a %/b", 1, "2 regressed, 0 fixed, 0 changed, 0 new, 0 gone, 1 the same");
  expect("merge --diff %/b %/a", 0, "0 regressed, 0 fixed, 0 changed, 2 new");
}

Test(merge, diff_without_a_column_or_a_failure_has_not_regressed) {
  expect("run --backend soft --backend unicorn --filter kinds.both --report json:%/a", 0, "");
  expect("run --backend soft --filter kinds.both --report json:%/b", 0, "");
  expect("merge --diff %/a %/b", 0, "gone       kinds.both on unicorn: pass -> gone");
  expect("run --backend mutant:kind_8_bits --filter 'kinds.*[hs]' --report json:%/a", 1, "");
  expect("run --backend mutant:kind_8_bits --filter kinds.both --report json:%/b", 0, "");
  expect("merge --diff %/a %/b", 0, "gone       kinds.aliases on mutant:kind_8_bits: FAIL");
}

Test(merge, diff_of_what_has_nothing_in_common) {
  expect("run --backend soft --backend unicorn --filter kinds.both --report json:%/a", 0, "");
  expect("run --backend soft --filter types.event --report json:%/b", 0, "");
  expect("merge --diff %/a %/b", 5, "no case on a backend in common");
  expect("merge --diff %/a", 2, "vcpuspec merge --diff OLD NEW");
  expect("merge --diff %/a %/b --report json:%/c", 2, "takes no --report");
}
