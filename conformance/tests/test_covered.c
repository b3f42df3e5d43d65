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

Test(covered, what_is_missing_is_printed_as_scripts_that_close_each_gap, .timeout = 900) {
  expect(ONE_CASE, 0, "");
  expect("coverage --missing %/a > %/gaps.vcpu", 0, "");
  expect("run --backend soft --report json:%/b %/gaps.vcpu", 0, "");
  expect("coverage %/a %/b", 0, "of 450 combinations, 100.0 %\n");
  expect("coverage --missing %/a %/b > %/none.vcpu; test ! -s %/none.vcpu && echo none", 0, "none");
}

Test(covered, each_script_closes_the_gap_that_it_is_named_for) {
  expect(ONE_CASE, 0, "");
  expect("coverage --missing %/a > %/gaps.vcpu", 0, "");
  expect("run --backend soft --report json:%/b %/gaps.vcpu", 0, "");
  expect_shell(
      "python3 -c 'import json; d = json.load(open(\"%/b\")); "
      "print(all(r[\"title\"] in r[\"reached\"] for r in d[\"results\"]), \"it is\")'",
      0, "True it is");
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
