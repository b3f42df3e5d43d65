// SPDX-License-Identifier: BSD-3-Clause
// Results and their form: what is wrong with one is noticed, and the program writes none that is.
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "results/view.h"
#include "results_shell.h"

TestSuite(results, .init = make_directory, .fini = remove_directory, .timeout = 600);

// --- the form -----------------------------------------------------------------------------------

static const char whole[] =
    "{'format':'vcpuspec results','version':1,'program':'vcpuspec 0','started':'',"
    "'interrupted':false,'shard':'1/1','seed':'18446744073709551615','filters':['a*'],"
    "'counts':{'expected':2,'judged':1,'not_judged':1},"
    "'clauses':[{'id':'c','section':'s','sentence':'t','status':null}],"
    "'backends':[{'name':'b','spec':'b','arch':'x86-64','profile':'p','state':'ready','reason':'',"
    "'required':false}],"
    "'results':[{'backend':0,'case':'x','title':'','clauses':['c'],'verdict':'fail','seconds':0.5,"
    "'says':{'c':'fail'},'latitudes':[],'note':'','failure':{'clause':'c','sentence':'t','op':3,"
    "'allowed':'A','got':'B','key':'A -> B','ops':['3  T0: f'],'remarks':[]},'command':null,"
    "'script':null,'expectation':{'state':'known','reason':'r','link':null,'line':3}},"
    "{'backend':0,'case':'y','title':'','clauses':[],'verdict':'not judged','seconds':0,'says':{},"
    "'latitudes':[],'note':'n','failure':null,'command':null,'script':null,'expectation':null}],"
    "'expectations':{'file':'f','entries':1,'known':1,'disputed':0,'stale':[{'line':1,'entry':'e',"
    "'problem':'passes','explanation':'x'}]},'exit':{'status':0,'why':'w'}}";

// The results of the text with the first `from` replaced by `to`; in both, ' stands for ". NULL:
// `why`.
static vs_results* with(const char* from, const char* to, vs_why* why) {
  char text[sizeof whole + 256];
  const char* at = strstr(whole, from);
  cr_assert(at != NULL, "the text holds no %s", from);
  snprintf(text, sizeof text, "%.*s%s%s", (int)(at - whole), whole, to, at + strlen(from));
  for (char* c = text; *c != '\0'; c++) {
    if (*c == '\'') *c = '"';
  }
  vs_results* made = vs_results_parse("text", text, strlen(text), why);
  cr_assert(made != NULL || strstr(why->text, "no whole JSON") == NULL, "%s: %s", why->text, text);
  return made;
}

Test(validate, takes_what_is_whole_and_what_it_does_not_know) {
  vs_why why = {""};
  vs_results* results = with("'seed'", "'more':{},'seed'", &why);
  cr_expect(results != NULL, "%s", why.text);
  vs_results_free(results);
}

// What is written is what was read, and is written so again.
Test(validate, reads_what_it_writes) {
  vs_why why = {""};
  vs_results* results = with("'seed'", "'seed'", &why);
  json_t* form = vs_form_write(vs_form_results, results);
  char* text = json_dumps(form, 0);
  vs_results* again = vs_results_parse("again", text, strlen(text), &why);
  cr_assert(again != NULL, "%s: %s", why.text, text);
  json_t* same = vs_form_write(vs_form_results, again);
  cr_expect(json_equal(form, same));
  cr_expect_eq(again->results.at[0].failure->op, 3);
  cr_expect_str_eq(again->results.at[0].expectation->reason, "r");
  cr_expect_eq(again->results.at[1].failure, NULL);
  json_decref(form);
  json_decref(same);
  free(text);
  vs_results_free(results);
  vs_results_free(again);
}

Test(validate, notices_what_is_spoilt_and_says_where) {
  static const char* const spoilt[][3] = {
      {"vcpuspec results", "other results", "format"},
      {"'version':1", "'version':2", "version"},
      {"'version':1", "'version':'1'", "version"},
      {"'shard':'1/1',", "", "shard: expected this member"},
      {"'1/1'", "'1/18446744073709551615'", "shard: expected 'I/N'"},
      {"'1/1'", "'1/100001'", "shard: expected 'I/N'"},
      {"'1/1'", "'0/1'", "shard: expected 'I/N'"},
      {"'1/1'", "'3/2'", "shard: expected 'I/N'"},
      {"'1/1'", "'/2'", "shard: expected 'I/N'"},
      {"'1/1'", "'1/2 '", "shard: expected 'I/N'"},
      {"'1/1'", "1", "shard: expected 'I/N'"},
      {"18446744073709551615", "18446744073709551616", "seed"},
      {"'18446744073709551615'", "0", "seed"},
      {"['a*']", "[1]", "filters[0]"},
      {"'interrupted':false", "'interrupted':0", "interrupted"},
      {"'expected':2", "'expected':3", "counts.expected: expected 2"},
      {"'judged':1", "'judged':2", "counts.judged: expected 1"},
      {"'not_judged':1", "'not_judged':-1", "counts.not_judged"},
      {"'id':'c'", "'id':null", "clauses[0].id"},
      {"'state':'ready'", "'state':'away'", "backends[0].state: expected one of 'ready'"},
      {"'backend':0", "'backend':1", "results[0].backend"},
      {"'case':'y'", "'case':'x'", "results[1].case: expected each case once"},
      {"'verdict':'fail'", "'verdict':'pass'", "results[0].failure"},
      {"'verdict':'not judged'", "'verdict':'flaky'", "results[1].failure"},
      {"'verdict':'not judged'", "'verdict':'perhaps'", "results[1].verdict"},
      {"'says':{'c':'fail'}", "'says':{'c':'bad'}", "results[0].says.c"},
      {"'seconds':0.5", "'seconds':-0.5", "results[0].seconds"},
      {"'op':3", "'op':'3'", "results[0].failure.op"},
      {"'ops':['3  T0: f']", "'ops':{}", "results[0].failure.ops: expected a list"},
      {"'state':'known'", "'state':'unknown'", "results[0].expectation.state"},
      {"'problem':'passes'", "'problem':'none'", "expectations.stale[0].problem"},
      {"'expectations':{'file':'f',", "'expectations':{", "expectations.file"},
      {"'exit':{'status':0", "'exit':{'status':0.5", "exit.status"},
      {"'remarks':[]", "'remarks':[],'others':[{'clause':'c','key':1}]",
       "results[0].failure.others[0].key: expected a text"},
      {"'required':false", "'required':false,'ended_between':-1", "backends[0].ended_between"},
      {"'clauses':['c']", "'clauses':'c'", "results[0].clauses: expected a list"},
  };
  for (size_t i = 0; i < sizeof spoilt / sizeof spoilt[0]; i++) {
    vs_why why = {""};
    vs_results* made = with(spoilt[i][0], spoilt[i][1], &why);
    cr_expect(made == NULL, "%s for %s went unnoticed", spoilt[i][1], spoilt[i][0]);
    cr_expect(strstr(why.text, spoilt[i][2]) != NULL, "no \"%s\" in: %s", spoilt[i][2], why.text);
    vs_results_free(made);
  }
}

Test(matrix, folds_what_results_say_and_counts_what_is_expected_apart) {
  vs_why why;
  vs_results* known = with("'seed'", "'seed'", &why);
  vs_results* failing = with("'state':'known'", "'state':'different'", &why);
  vs_view view = vs_view_of(known);
  cr_expect_eq(vs_view_cell(&view, 0, 0), VS_VERDICT_KNOWN);
  cr_expect_eq(view.of[0].of[VS_VERDICT_KNOWN], 1);
  cr_expect_eq(view.of[0].of[VS_VERDICT_NOT_JUDGED], 1);
  vs_view_free(&view);
  view = vs_view_of(failing);
  cr_expect_eq(vs_view_cell(&view, 0, 0), VS_VERDICT_FAIL);
  vs_view_free(&view);
  vs_results_free(known);
  vs_results_free(failing);
}

// --- reports ------------------------------------------------------------------------------------

#define BAD_AND_ABSENT \
  "run --backend mutant:kind_8_bits --backend plugin:./none.so --filter 'kinds.*[hs]' "

Test(results, a_report_is_of_the_published_schema) {
  expect(BAD_AND_ABSENT "--report json:%/r", 3, "expected 6, judged 3, not judged 3");
  expect_shell(VS_SOURCE_DIR "/tools/check-results %/r", 0, "valid");
}

Test(results, what_is_wrong_with_a_report_is_noticed) {
  expect(BAD_AND_ABSENT "--report json:%/r", 3, "3 for want of the backend");
  expect_shell(VS_SOURCE_DIR "/tools/check-results --self-test %/r", 0, "18 of 18");
}

Test(results, a_failure_in_a_report_fails_again_from_its_script) {
  expect("run --backend mutant:kind_8_bits --filter kinds.single_bits --report json:%/r", 1,
         "FAIL");
  expect_shell(
      "python3 -c 'import json; print(json.load(open(\"%/r\"))[\"results\"][0][\"script\"])'"
      " | " VS_PROGRAM_PATH " run --backend mutant:kind_8_bits -",
      1, "write_state.description.kind");
}

Test(results, several_reports_at_once_and_one_to_standard_output) {
  expect(
      "run --filter kinds.both --backend soft --report json:%/a --report json:- 2>%/err > %/b; "
      "cmp %/a %/b && cat %/err",
      0, "cases: pass");
}

// As the dynamic linker tells: by no process of a run that needs none, and by one of a run that
// does.
Test(results, a_library_is_loaded_once_and_only_where_it_is_needed) {
  expect_shell(
      "LD_DEBUG=files LD_DEBUG_OUTPUT=%/soft " VS_PROGRAM_PATH
      " run --backend soft --filter 'kinds.*' --jobs 1 && grep -l 'init:.*libc\\.so' %/soft.* && "
      "! grep -E 'libunicorn|libcapstone' %/soft.*",
      0, "pass");
  expect_shell("LD_DEBUG=files LD_DEBUG_OUTPUT=%/uc " VS_PROGRAM_PATH
               " run --backend unicorn --filter 'kinds.*' --jobs 1 && "
               "echo loaded by $(grep -l 'calling init:.*libunicorn' %/uc.* | wc -l)",
               0, "loaded by 1\n");
}

// Some object is there under the name of the library, with none of its functions.
Test(results, an_engine_whose_library_cannot_be_used_is_absent_and_the_others_are_judged) {
  expect_shell("cp " VS_PLUGIN_DIR "/least.so %/libunicorn.so.2", 0, "");
  expect_shell("LD_LIBRARY_PATH=% " VS_PROGRAM_PATH " list backends", 0,
               "undefined symbol: uc_arch_supported; install Debian's libunicorn2");
  expect_shell("LD_LIBRARY_PATH=% " VS_PROGRAM_PATH
               " run --backend soft --require-backend unicorn --filter kinds.aliases",
               3, "unicorn was not judged: ");
}

#ifndef __SANITIZE_ADDRESS__  // which takes far more address space than that
Test(results, an_engine_whose_library_finds_no_memory_is_broken) {
  expect_shell(
      "( ulimit -v 20000; " VS_PROGRAM_PATH " run --backend unicorn --filter kinds.aliases )", 3,
      "libunicorn.so.2: failed to map segment from shared object; free memory and files, or");
}
#endif

Test(results, a_script_that_is_named_twice_is_judged_once) {
  write_file("s.vcpu",
             "vcpuspec script 2\nT0: h0 h1 = guest_create\nT0: h2 = vcpu_create h0 dump\n"
             "T0: write_state h2 state\n");
  expect("run --backend soft %/s.vcpu %/s.vcpu --report json:%/r", 0, "expected 1, judged 1");
  expect_shell(VS_SOURCE_DIR "/tools/check-results %/r", 0, "valid");
}

Test(results, the_time_can_be_fixed) {
  expect_shell("SOURCE_DATE_EPOCH=0 " VS_PROGRAM_PATH
               " run --backend soft --filter kinds.both --report json:- 2>/dev/null",
               0, "\"started\": \"1970-01-01T00:00:00Z\"");
}

Test(results, what_cannot_be_written_is_told_before_the_run) {
  expect("run --backend soft --report json:%/none/r", 3,
         "name a file in a directory that is there");
  expect_without("run --backend soft --report json:%/none/r", "cases: pass");
  expect("run --backend soft --report json:%", 3, "Is a directory");
  expect("run --backend soft --report jsn:%/r", 2, "did you mean 'json'?");
  expect("run --backend soft --report json", 2, "FORM:FILE");
  expect("run --backend soft --report json:%/r --report json:%/r", 2, "twice");
}

Test(results, files_of_one_command_do_not_overwrite_each_other) {
  static const char* const same[][2] = {
      {"--write-expect %/c --report json:%/c", "--write-expect and --report are both"},
      {"--write-expect %/c --report json:%/./c", "--write-expect and --report are both"},
      {"--resume %/c --write-expect %/c", "--write-expect and --resume are both"},
      {"--resume %/c --report json:%/c", "--resume and --report are both"},
      {"--report json:%/c --report md:%/./c", "twice"},
      {"--report json:%/c --write-expect %/c.journal", "the journal beside the report are both"},
      {"--expect %/e --report json:%/link", "--expect and --report are both"},
      {"--expect %/e --resume %/e", "--expect and --resume are both"},
  };
  write_file("e", "vcpuspec expectations 1\n");
  expect_shell("ln -s e %/link", 0, "");
  for (size_t i = 0; i < sizeof same / sizeof same[0]; i++) {
    char words[256];
    snprintf(words, sizeof words, "run --backend soft %s", same[i][0]);
    expect(words, 2, same[i][1]);
  }
  expect_shell("ls %; cat %/e", 0, "e\nlink\nvcpuspec expectations 1\n");
  expect("merge %/none --expect %/e --report json:%/e", 2, "--expect and --report are both");
  expect("run --backend soft --expect %/e --write-expect %/e", 0, "wrote ");
}

Test(results, a_full_disk_is_told) {
  expect("run --backend soft --filter kinds.both --report json:/dev/full", 3, "No space left");
  expect("run --quiet --backend soft --filter kinds.both --report json:/dev/full", 3,
         "exit status 3\n");
}

Test(results, an_interrupted_run_reports_what_it_has) {
  expect_shell(SIGNAL_WHEN "INT " JUDGED(1, "%/r.journal") VS_PROGRAM_PATH
               " run --backend soft --backend mutant:hang_on_success --jobs 1 --report json:%/r",
               3, "interrupted: not every case was judged: exit status 3");
  expect_shell(VS_SOURCE_DIR "/tools/check-results %/r && grep -c '\"interrupted\": true' %/r", 0,
               "valid");
  expect_shell("ls %", 0, "r.journal");
}

Test(results, colours_are_for_terminals) {
  const char* run = VS_PROGRAM_PATH " run --backend mutant:kind_8_bits --filter kinds.single_bits";
  char command[1024];
  expect_without("run --backend mutant:kind_8_bits --filter kinds.single_bits", "\033[");
  snprintf(command, sizeof command, "TERM=xterm script -qec \"%s\" /dev/null", run);
  expect_shell(command, 1, "\033[1;31mFAIL\033[0m");
  snprintf(command, sizeof command, "NO_COLOR=1 TERM=xterm script -qec \"%s\" /dev/null", run);
  expect_shell_without(command, "\033[1");
  snprintf(command, sizeof command, "TERM=dumb script -qec \"%s\" /dev/null", run);
  expect_shell_without(command, "\033[1");
}

Test(results, progress_is_for_terminals) {
  static const char run[] =
      " run --backend mutant:hang_on_success --filter kinds.*[hs] --timeout 0.5 --jobs 1";
  char command[1024];
  snprintf(command, sizeof command, "script -qec \"%s%s\" /dev/null", VS_PROGRAM_PATH, run);
  expect_shell(command, 1, "1 of 3 results  1 failure");
  snprintf(command, sizeof command, "%s%s", VS_PROGRAM_PATH, run);
  expect_shell_without(command, "of 3 results");
}

// Which answers one greeting and nothing else: it is given up, and told once.
Test(results, a_shim_that_answers_no_call_is_told_once) {
  write_file("deaf.py",
             "import sys\nsys.stdin.readline()\n"
             "print('hello 2 deaf x86-64 zx_guest_create zx_vcpu_create zx_vcpu_write_state '\n"
             "      'zx_handle_close', flush=True)\n"
             "for line in sys.stdin: pass\n");
  expect("run --backend 'shim:python3 %/deaf.py' --timeout 4 --filter 'kinds.*'", 3,
         "cases BROKEN (");
  size_t told = 0;  // for each of its reasons; two, where this machine is busy
  for (const char* at = printed(); (at = strstr(at, "\nBROKEN ")) != NULL; at++) told++;
  cr_expect(told <= 2, "%s", printed());
}

Test(results, an_ability_that_a_shim_does_not_declare_is_named) {
  expect("run --backend shim:" VS_SHIM_DIR "/shim_soft_bare --filter 'snapshots.*'", -1,
         "held at a fault: the shim's greeting has no `hold`");
  cr_expect(
      strstr(printed(), "while its buffer changes: the shim's greeting has no `flip`") != NULL,
      "%s", printed());
}

// Time is measured by a clock that nothing sets; the day is for reports alone. Into a program with
// sanitizers nothing else can be preloaded.
#ifndef __SANITIZE_ADDRESS__
Test(results, a_clock_that_is_set_back_and_forth_changes_no_verdict) {
  const char* const backends[] = {"soft", "mutant:hang_on_success",
                                  "shim:" VS_SHIM_DIR "/shim_soft_posix"};
  for (size_t i = 0; i < sizeof backends / sizeof backends[0]; i++) {
    char command[1024];
    snprintf(
        command, sizeof command,
        "for clock in /clock.so ''; do LD_PRELOAD=${clock:+" VS_PLUGIN_DIR
        "$clock} timeout 60 " VS_PROGRAM_PATH
        " run --backend %s --filter 'kinds.*' --timeout 2 --report json:%%/r${clock#/} > %%/out; "
        "echo exit $? >> %%/out; grep '^cases:\\|^exit' %%/out > %%/of${clock#/}; done 2> "
        "/dev/null; "
        "cmp %%/ofclock.so %%/of && cat %%/of && "
        "grep -E '\"started\": \"(1970-01-01|2096-10-02)T' %%/rclock.so",
        backends[i]);
    expect_shell(command, 0, "started");
  }
}
#endif

Test(results, what_is_seen_is_told_with_the_write_that_asked_for_it) {
  expect("run --backend mutant:refused_size_written --filter 'sizes.*'", 1, "\n  seen     as op ");
  cr_expect(strstr(printed(), ", which was not accepted\n") != NULL, "%s", printed());
}

// The value does not tell a write that lost flags from a refusal that cleared them.
Test(results, of_two_calls_that_nobody_looked_between_both_are_suspects) {
  expect("run --backend mutant:flags_cf_pf_dropped --filter after.accepted", 1,
         "\n  clause   write_state.description.flags\n");
  const char* const words[] = {
      "\n  differs  in bit 2, and further on in bit 0\n",
      "\n  suspect  op 3, which was accepted, and not looked at before\n",
      "\n  or       op 4, which was refused and must change nothing of it\n",
  };
  for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
    cr_expect(strstr(printed(), words[i]) != NULL, "no %s in:\n%s", words[i], printed());
}

Test(results, a_kick_that_never_came_and_the_refusal_that_may_have_taken_it_are_suspects) {
  expect("run --backend mutant:kick_lost --filter interrupt.then_enter", 1,
         "\n  clause   family.kick.cancels\n");
  cr_expect(strstr(printed(),
                   ", which was accepted, and not looked at before\n"
                   "  or       op 16, which was refused and must change nothing of it\n"),
            "%s", printed());
}

Test(results, every_flag_that_is_lost_is_named) {
  expect("run --backend mutant:flags_never --filter after.accepted", 1,
         "\n  differs  in bit 2 6 7 10 11, and further on in bit 0 4 14 18 21\n");
}

Test(results, the_access_or_the_write_of_another_vcpu_that_may_have_done_it_is_a_suspect) {
  expect("run --backend mutant:flags_or_only --filter io.padding", 1,
         ", which was accepted, and not looked at before\n  or       op ");
  expect("run --backend mutant:writes_every_vcpu --filter registers.two_vcpus", 1,
         "which was accepted and must change nothing of it\n");
}

Test(results, a_right_that_is_said_to_be_missing_may_never_have_been_given) {
  expect("run --backend mutant:vcpu_lacks_WRITE --filter kinds.both", 1,
         "\n  or       op 2, which made the handle, and may not have given it that right\n");
}
