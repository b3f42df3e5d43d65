// SPDX-License-Identifier: BSD-3-Clause
// Traces that were recorded before, as a backend of `run`.
#include <criterion/criterion.h>

#include "results_shell.h"

#define RECORD(backend, words) \
  VS_PROGRAM_PATH " exec --backend " backend " kinds.aliases kinds.both kinds.single_bits " words

TestSuite(recorded, .init = make_directory, .fini = remove_directory, .timeout = 300);

Test(recorded, is_judged_like_what_recorded_it) {
  expect_shell(RECORD("mutant:kind_8_bits", "> %/t"), 0, "");
  expect("run --filter 'kinds.*[hs]' --backend mutant:kind_8_bits --report json:%/a", 1, "");
  expect("run --filter 'kinds.*[hs]' --backend recorded:%/t --report json:%/b", 1,
         "FAIL kinds.aliases on mutant:kind_8_bits");
  expect("merge --diff %/a %/b", 0, "0 regressed, 0 fixed, 0 changed, 0 new, 0 gone, 3 the same");
}

Test(recorded, is_called_what_it_calls_itself) {
  expect_shell(RECORD("soft", "--as mine@home > %/t"), 0, "");
  expect("run --filter 'kinds.*[hs]' --backend recorded:%/t", 0, "mine@home\n");
  expect("exec --as 'two words' kinds.both", 2, "a name is a word");
}

Test(recorded, is_known_by_its_name_wherever_it_lies) {
  expect_shell(VS_PROGRAM_PATH
               " exec --backend mutant:kind_8_bits --as mine@home $(" VS_PROGRAM_PATH
               " list cases | cut -d' ' -f1) > %/t; cp %/t %/u",
               0, "");
  expect("run --backend recorded:%/t --write-expect %/k", 1, "wrote ");
  expect_shell("sed -i 's/reason ?/reason r/' %/k; grep -c '^  backend mine@home' %/k", 0, "");
  expect("run --backend recorded:%/u --expect %/k", 0, "known failures");
}

Test(recorded, with_a_changed_answer_fails) {
  expect_shell(RECORD("soft", "| sed '0,/^= ZX_ERR_INVALID_ARGS/s//= ZX_OK/' > %/t"), 0, "");
  expect("run --filter 'kinds.*[hs]' --backend recorded:%/t", 1, "ZX_ERR_INVALID_ARGS");
}

// What is not there, or is of something else, is never a pass.
Test(recorded, without_a_trace_of_a_case_is_broken) {
  expect_shell(RECORD("soft", "> %/t"), 0, "");
  expect("run --filter 'kinds.*' --backend recorded:%/t", 3, "there is no trace of it");
}
Test(recorded, that_is_cut_off_is_broken_from_there) {
  expect_shell(RECORD("soft", "| head -c -200 > %/t"), 0, "");
  expect("run --filter 'kinds.*[hs]' --backend recorded:%/t", 3, "its trace is cut off");
  expect("run --filter kinds.both --backend recorded:%/t", 0,
         "pass                             1\n");
}
Test(recorded, of_another_script_is_broken) {
  expect_shell(RECORD("soft", "| sed 's/kind=0xff/kind=0xfe/' > %/t"), 0, "");
  expect_shell(RECORD("soft", "> %/u; ! cmp -s %/t %/u"), 0, "");
  expect("run --filter 'kinds.*[hs]' --backend recorded:%/t", 3, "is of another script");
  expect("exec --backend soft --seed 7 kinds.both > %/t", 0, "");
  expect("run --filter kinds.both --backend recorded:%/t", 3, "is of another script");
  expect("run --filter kinds.both --seed 7 --backend recorded:%/t", 0,
         "pass                             1\n");
}

Test(recorded, that_is_none_cannot_be_judged_and_says_where) {
  expect_shell("echo 'vcpuspec trace 2' > %/t; echo nonsense >> %/t", 0, "");
  expect("run --backend recorded:%/t", 3, "/t:2:1: ");
  expect_shell(": > %/t", 0, "");
  expect("run --backend recorded:%/t", 3, "holds no trace");
  expect("run --backend recorded:%/none", 3, "none cannot be read");
  expect_shell(RECORD("soft", "> %/t; cat %/t %/t > %/u"), 0, "");
  expect("run --backend recorded:%/u", 3, "a second trace of");
  expect_shell("cp %/t %/v; " VS_PROGRAM_PATH " exec --backend unicorn handles.zero >> %/v", 0, "");
  expect("run --backend recorded:%/v", 3, "a trace of 'unicorn', and the first is of 'soft'");
  expect_shell(RECORD("soft:arm64", ">> %/t"), 0, "");
  expect("run --backend recorded:%/t", 3, "of another architecture");
}

Test(recorded, of_a_backend_that_died_says_how) {
  expect("exec --backend mutant:crash_on_success kinds.both > %/t; true", 0, "");
  expect("run --filter kinds.both --backend recorded:%/t", 1, "ended by SIGABRT");
}

Test(recorded, cannot_be_asked_anything_again) {
  expect_shell(RECORD("soft", "> %/t"), 0, "");
  expect("exec --backend recorded:%/t kinds.both", 2, "only run judges it");
  expect("sweep --backend recorded:%/t", 2, "only run judges it");
  expect("minimize --backend recorded:%/t kinds.both", 2, "only run judges it");
}
