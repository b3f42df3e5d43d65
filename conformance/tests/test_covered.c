// SPDX-License-Identifier: BSD-3-Clause
// The command coverage: what it counts of results and of traces, the scripts for what is missing,
// and files that it refuses.
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "results_shell.h"

TestSuite(covered, .init = make_directory, .fini = remove_directory, .timeout = 600);

#define ONE_CASE "run --backend soft --filter kinds.both --report json:%/a"
// Edits the file %/a into %/b: Python in which d is the tree.
#define EDIT(statements)                                               \
  "python3 -c 'import json; d = json.load(open(\"%/a\")); " statements \
  "; json.dump(d, open(\"%/b\", \"w\"))'"

Test(covered, a_run_says_how_much_it_reached_and_the_command_the_same) {
  expect(ONE_CASE, 0, "\ncoverage: ");
  const unsigned reached = number_after("\ncoverage: ");
  cr_expect_gt(reached, 0);
  expect("coverage %/a", 0, "soft (x86-64, documented): ");
  cr_expect_eq(number_after("documented): "), reached);
  cr_expect(
      strstr(printed(), "\nmissing  kick: bad_handle\n         kick.errors.bad_handle\n") != NULL,
      "%s", printed());
}

Test(covered, several_backends_are_counted_each) {
  expect("run --backend soft --backend soft:arm64 --filter kinds.both", 0, "coverage: soft ");
  cr_expect(strstr(printed(), ", soft:arm64 ") != NULL, "%s", printed());
}

Test(covered, a_trace_counts_as_the_run_of_it_does) {
  expect(ONE_CASE, 0, "");
  expect("coverage %/a", 0, "");
  const unsigned reached = number_after("documented): ");
  expect_shell(VS_PROGRAM_PATH " exec --backend soft kinds.both | " VS_PROGRAM_PATH " coverage -",
               0, "soft (x86-64, documented): ");
  cr_expect_eq(number_after("documented): "), reached);
}

Test(covered, of_several_files_all_count) {
  expect(ONE_CASE, 0, "");
  expect("run --backend soft --filter kick.bad_handle --report json:%/b", 0, "");
  expect("coverage %/a", 0, "missing  kick: bad_handle\n");
  expect("coverage %/b", 0, "missing  write_state[io]: nothing wrong\n");
  expect("coverage %/a %/b", 0, "documented): ");
  cr_expect(strstr(printed(), "missing  kick: bad_handle\n") == NULL);
  cr_expect(strstr(printed(), "missing  write_state[io]: nothing wrong\n") == NULL);
}

Test(covered, what_is_missing_is_printed_as_scripts_that_close_each_the_gap_it_names,
     .timeout = 900) {
  expect(ONE_CASE, 0, "");
  expect("coverage --missing %/a > %/gaps.vcpu", 0, "");
  expect("run --backend soft --report json:%/b %/gaps.vcpu", 0, "");
  expect_shell(
      "python3 -c 'import json; d = json.load(open(\"%/b\")); "
      "print(all(r[\"title\"] in r[\"reached\"] + r[\"transitions\"] for r in d[\"results\"]), "
      "\"it is\")'",
      0, "True it is");
  expect("coverage %/a %/b", 0, "of 450 combinations, 100.0 %\n");
  expect("coverage --missing %/a %/b > %/none.vcpu; test ! -s %/none.vcpu && echo none", 0, "none");
}

Test(covered, a_case_that_is_left_out_takes_along_what_it_alone_reached) {
  expect("run --backend soft --filter kinds.both --filter kick.bad_handle --report json:%/a", 0,
         "");
  expect("coverage %/a", 0, "");
  const unsigned both = number_after("documented): ");
  expect_shell(
      EDIT("d[\"results\"] = [r for r in d[\"results\"] if r[\"case\"] != \"kick.bad_handle\"]; "
           "d[\"counts\"].update(expected=1, judged=1)"),
      0, "");
  expect("coverage %/b", 0, "missing  kick: bad_handle\n");
  cr_expect_lt(number_after("documented): "), both);
}

Test(covered, what_another_backend_reached_is_missing_for_the_reason_of_its_case) {
  expect("run --backend soft --backend soft:arm64 --filter after.in_answered --report json:%/a", 5,
         "");
  expect("coverage %/a", 0,
         "missing  enter: nothing wrong\n         family.enter.runs_guest\n         "
         "after.in_answered is "
         "unsupported: the case is about x86-64\n");
}

Test(covered, a_backend_that_lacks_a_call_reaches_nothing_of_it) {
  expect("run --backend plugin:" VS_PLUGIN_DIR "/least.so --filter kinds.both --report json:%/a", 0,
         "");
  expect("coverage %/a", 0, "missing  interrupt: nothing wrong\n");
  cr_expect(strstr(printed(), "for want of zx_vcpu_interrupt\n") != NULL, "%s", printed());
}

// --- files that are refused ---------------------------------------------------------------------

Test(refused_coverage, files, .init = make_directory, .fini = remove_directory, .timeout = 600) {
  expect("coverage", 2, "coverage needs files");
  expect("coverage %/none", 2, "none");
  write_file("a", "");
  expect("coverage %/a", 2, "expected a script or a trace");
  write_file("a", "{\"format\": \"something\"}");
  expect("coverage %/a", 2, "/a");
  write_file("a", "vcpuspec script 2\nT0: h0 h1 = guest_create\n");
  expect("coverage %/a", 2, "is a script, and holds no results");
  write_file("a",
             "\x7f"
             "ELF");
  expect("coverage %/a", 2, "/a:1:1");
  expect(ONE_CASE, 0, "");
  expect_shell("head -c 3000 %/a > %/b; " VS_PROGRAM_PATH " coverage %/b", 2, "/b");
  expect("coverage --profile nothing %/a", 2, "nothing");
}

Test(refused_coverage, results_of_another_version, .init = make_directory, .fini = remove_directory,
     .timeout = 600) {
  expect(ONE_CASE, 0, "");
  expect_shell(
      EDIT("d[\"backends\"][0][\"reachable\"] += 1") "; " VS_PROGRAM_PATH " coverage %/b", 2,
      "of another version: it says that 451 combinations can be reached, and there are 450: "
      "run soft again");
  expect_shell(EDIT("d[\"results\"][0][\"reached\"].append(\"kick: sleepy\")") "; " VS_PROGRAM_PATH
                                                                               " coverage %/b",
               2, "has reached 'kick: sleepy', which is no combination");
  expect_shell(EDIT("del d[\"backends\"][0][\"reachable\"]") "; " VS_PROGRAM_PATH " coverage %/b",
               2, "what soft has reached was not counted: run it again");
  expect_shell(EDIT("d[\"backends\"][0][\"profile\"] = \"mine\"") "; " VS_PROGRAM_PATH
                                                                  " coverage %/b",
               2, "judged by 'mine', which is no profile of ours: name its file by --profile");
  expect_shell(EDIT("d[\"version\"] = 99") "; " VS_PROGRAM_PATH " coverage %/b", 2,
               "at version: expected 1, the only one that this program understands");
}

Test(refused_coverage, nothing_was_counted, .init = make_directory, .fini = remove_directory,
     .timeout = 600) {
  expect("run --backend plugin:/none.so --report json:%/a", -1, "");
  expect("coverage %/a", 5, "");
}

// --- gates --------------------------------------------------------------------------------------

Test(gate, least, .init = make_directory, .fini = remove_directory, .timeout = 600) {
  expect(ONE_CASE, 0, "");
  expect("coverage --min-coverage 0.5 %/a", 0, "");
  expect("coverage --min-coverage 90 %/a", 1, "of the combinations are less than 90.0 %\n");
  expect("coverage --min-coverage 101 %/a", 2, "--min-coverage '101' is out of bounds");
  expect("coverage --min-coverage much %/a", 2, "--min-coverage 'much' is out of bounds");
}

Test(gate, a_ratchet_fails_when_something_that_it_names_is_lost, .init = make_directory,
     .fini = remove_directory, .timeout = 600) {
  expect("run --backend soft --filter kinds.both --filter kick.bad_handle --report json:%/b", 0,
         "");
  expect("coverage --ratchet %/r --update %/b", 0, "");
  expect_shell("grep -c '^documented x86-64 kick: bad_handle$' %/r", 0, "1\n");
  expect_shell("grep -c '^documented x86-64 .* > ' %/r", 0, "");
  expect("coverage --ratchet %/r %/b", 0, "");
  expect(ONE_CASE, 0, "");
  expect("coverage --ratchet %/r %/a", 1, "lost     kick: bad_handle (soft, documented, x86-64)\n");
  expect("run --backend soft:arm64 --filter kinds.both --report json:%/a", 0, "");
  expect("coverage --ratchet %/r %/a", 1,
         "lost     kick: bad_handle: no backend was judged by documented on x86-64\n");
}

Test(gate, every_backend_has_to_reach_what_a_ratchet_names, .init = make_directory,
     .fini = remove_directory, .timeout = 600) {
  expect("run --backend soft --filter kick.bad_handle --report json:%/b", 0, "");
  expect("run --backend unicorn --filter kinds.both --report json:%/a", 0, "");
  expect("coverage --ratchet %/r --update %/b", 0, "");
  expect("coverage --ratchet %/r %/a %/b", 1,
         "lost     kick: bad_handle (unicorn, documented, x86-64)\n");
  expect("coverage --ratchet %/r --update %/a %/b", 0, "");
  expect_shell("grep -c 'kick: bad_handle' %/r", 1, "0\n");
}

Test(gate, what_does_not_exist_any_more_is_stale, .init = make_directory, .fini = remove_directory,
     .timeout = 600) {
  expect(ONE_CASE, 0, "");
  write_file("r", "# mine\n\ndocumented x86-64 kick: sleepy\n");
  expect("coverage --ratchet %/r %/a", 4,
         "r:3: stale: there is no 'kick: sleepy' any more: --update");
  expect("coverage --ratchet %/r --min-coverage 90 %/a", 1, "stale");
}

Test(gate, files_that_are_no_ratchet, .init = make_directory, .fini = remove_directory,
     .timeout = 600) {
  expect(ONE_CASE, 0, "");
  expect("coverage --ratchet %/none %/a", 2, "none");
  expect("coverage --update %/a", 2, "--update writes the file of --ratchet, and none is named");
  write_file("r", "# mine\nkick\n");
  expect("coverage --ratchet %/r %/a", 2, "r:2:1: expected a profile, an architecture");
  expect("coverage --ratchet %/a/r --update %/a", 3, "");
}

Test(gate, the_report_is_of_its_schema, .init = make_directory, .fini = remove_directory,
     .timeout = 600) {
  expect(
      "run --backend soft --backend soft:arm64 --filter kinds.both --filter after.in_answered "
      "--report json:%/a",
      -1, "");
  expect("coverage --report json:%/j %/a", 0, "");
  expect_shell(VS_SOURCE_DIR "/tools/check-coverage %/j", 0, "j: valid");
  expect_shell(VS_SOURCE_DIR "/tools/check-coverage --self-test %/j", 0, "0 unnoticed");
  expect("coverage --report html:%/j %/a", 2, "a form and a file: json:FILE");
}

Test(gate, the_page_shows_clause_by_fact, .init = make_directory, .fini = remove_directory,
     .timeout = 600) {
  expect("run --backend soft --filter kick.bad_handle --report html:%/h", 0, "");
  expect_shell("sed -n '/<section id=\"coverage\">/,/<[/]section>/p' %/h | sed 's/<wbr>//g'", 0,
               "<th scope=\"row\"><code>kick.errors.bad_handle</code></th>");
  cr_expect(strstr(printed(), "data-name=\"bad_handle\">1/1</td>") != NULL, "%s", printed());
  cr_expect(strstr(printed(), "<h4>set_trap</h4>") != NULL, "%s", printed());
}
