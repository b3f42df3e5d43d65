// SPDX-License-Identifier: BSD-3-Clause
// Failures that are known: what is understood, what covers what, and each way of being stale.
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "expectations/expect.h"
#include "results_shell.h"

TestSuite(expect, .init = make_directory, .fini = remove_directory, .timeout = 600);

// --- the text -----------------------------------------------------------------------------------

#define BEGIN "vcpuspec expectations 1\n"
#define REST "backend soft\nprofile *\nanswer ZX_OK -> SIGSEGV\nreason r\n"

static vs_fault fault_of(const char* text) {
  vs_expectations all;
  vs_fault fault = {0};
  if (!vs_expectations_parse(text, strlen(text), &all, &fault)) return fault;
  vs_expectations_free(&all);
  return (vs_fault){.message = "no fault"};
}

Test(expect_text, says_what_is_wrong_and_where) {
  static const struct {
    const char* text;
    size_t line;
    size_t column;
    const char* message;
  } bad[] = {
      {"", 1, 1, "found the end of the text"},
      {"vcpuspec expectations 2\n", 1, 1, "expected 'vcpuspec expectations 1'"},
      {BEGIN "backend soft\n", 2, 1, "'known CASE' or 'disputed CASE' first"},
      {BEGIN "know kinds.both\n", 2, 1, "did you mean 'known'?"},
      {BEGIN "known\n", 2, 6, "a text after 'known'"},
      {BEGIN "known a\n", 2, 1, "expected 'backend' in this entry"},
      {BEGIN "known a\nbackend b\n", 2, 1, "expected 'profile' in this entry"},
      {BEGIN "known a\nbackend b\nprofile p\n", 2, 1, "expected 'answer ALLOWED -> GOT'"},
      {BEGIN "known a\nbackend b\nprofile p\nanswer ZX_OK -> SIGSEGV\n", 2, 1, "expected 'reason'"},
      {BEGIN "disputed a\n" REST, 2, 1, "expected 'link' in a disputed entry"},
      {BEGIN "known a\n" REST "sometimes\n", 2, 1,
       "expected 'expires' in an entry with 'sometimes'"},
      {BEGIN "known a\n" REST "backend c\n", 7, 1, "each word once"},
      {BEGIN "known a\nanswer ZX_OK\n", 3, 13, "ALLOWED -> GOT"},
      {BEGIN "known a\nanswer ZX_OK > ZX_OK\n", 3, 14, "ALLOWED -> GOT"},
      {BEGIN "known a\nanswer ZX_OK -> ZX_OK ZX_OK\n", 3, 23, "the end of the line"},
      {BEGIN "known a\nanswer ZX_OKK -> ZX_OK\n", 3, 8, "did you mean 'ZX_OK'?"},
      {BEGIN "known a\nanswer ZX_OK -> ZX_ERR_BAD_STAT\n", 3, 17,
       "did you mean 'ZX_ERR_BAD_STATE'?"},
      {BEGIN "known a\nanswer ZX_OK|rax -> ZX_OK\n", 3, 8, "what was allowed"},
      {BEGIN "known a\nanswer rflags[64] -> other\n", 3, 8, "what was allowed"},
      {BEGIN "known a\nanswer rflags[3:4] -> other\n", 3, 8, "what was allowed"},
      {BEGIN "known a\nanswer rflags[4 -> other\n", 3, 8, "what was allowed"},
      {BEGIN "known a\nanswer rflags[] -> other\n", 3, 8, "what was allowed"},
      {BEGIN "known a\nanswer rflags[1,] -> other\n", 3, 8, "what was allowed"},
      {BEGIN "known a\nanswer ZX_OK[4] -> ZX_OK\n", 3, 8, "what was allowed"},
      {BEGIN "known a\nanswer packet.keys -> other\n", 3, 8, "what was allowed"},
      {BEGIN "known a\nanswer packet. -> other\n", 3, 8, "what was allowed"},
      {BEGIN "known a\nanswer packet[4] -> other\n", 3, 8, "what was allowed"},
      {BEGIN "known a\nanswer buffer[4] -> written\n", 3, 8, "what was allowed"},
      {BEGIN "known a\nanswer buffer[4..3] -> written\n", 3, 8, "what was allowed"},
      {BEGIN "known a\nanswer rax[4..5] -> other\n", 3, 8, "what was allowed"},
      {BEGIN "known a\nexpires 2026-02-30\n", 3, 9, "a day, YYYY-MM-DD"},
      {BEGIN "known a\nexpires tomorrow\n", 3, 9, "a day, YYYY-MM-DD"},
      {BEGIN "known a\nmatches 0\n", 3, 9, "a number of results"},
      {BEGIN "known a\nmatches many\n", 3, 9, "a number of results"},
      {BEGIN "known a\nsometimes maybe\n", 3, 11, "the end of the line"},
      {BEGIN "known a\nreason \x01\n", 3, 8, "printable ASCII"},
      {BEGIN "known a\nreason none\rpass\n", 3, 12, "printable ASCII"},
      {BEGIN "# a tab\t, an \xc3\xa9\n  # bell \a\n", 3, 10,
       "a comment, found the control byte 0x07"},
  };
  for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
    vs_fault fault = fault_of(bad[i].text);
    cr_expect(fault.line == bad[i].line && fault.column == bad[i].column, "%zu:%zu: %s\n%s",
              fault.line, fault.column, fault.message, bad[i].text);
    cr_expect(strstr(fault.message, bad[i].message) != NULL, "no \"%s\" in \"%s\"", bad[i].message,
              fault.message);
  }
}

Test(expect_text, what_is_read_is_printed_and_read_again) {
  static const char text[] = BEGIN
      "\n# first\n# second\nknown kinds.* \n"
      "  backend shim:python3 mine.py\n  profile *\n  clause write_state.description.kind\n"
      "  answer ZX_ERR_INVALID_ARGS|ZX_ERR_BAD_STATE -> ZX_OK\n  answer rax -> other\n"
      "  answer rflags[63:32,4] -> other\n  answer packet.key,guest_io.reserved[0] -> other\n"
      "  answer packet.none -> other\n  answer buffer[-8..135] -> written\n"
      "  reason two words\n  link https://a.example/1\n  expires 2026-12-31\n  matches 30\n"
      "  sometimes\n# last\n";
  static const char printed[] = BEGIN
      "\n# first\n# second\nknown kinds.*\n"
      "  backend shim:python3 mine.py\n  profile *\n  clause write_state.description.kind\n"
      "  answer ZX_ERR_BAD_STATE|ZX_ERR_INVALID_ARGS -> ZX_OK\n  answer rax -> other\n"
      "  answer rflags[63:32,4] -> other\n  answer packet.key,guest_io.reserved[0] -> other\n"
      "  answer packet.none -> other\n  answer buffer[-8..135] -> written\n"
      "  reason two words\n  link https://a.example/1\n  expires 2026-12-31\n  matches 30\n"
      "  sometimes\n\n# last\n";
  char again[2048] = "";
  vs_expectations all;
  vs_fault fault;
  cr_assert(vs_expectations_parse(text, strlen(text), &all, &fault), "%s", fault.message);
  FILE* out = fmemopen(again, sizeof again, "w");
  cr_assert(out != NULL && vs_expectations_print(out, &all));
  fclose(out);
  cr_expect_str_eq(again, printed);
  vs_expectations_free(&all);
}

Test(expect, the_example_of_the_manual_is_understood) {
  expect_shell(
      "sed -n '/^vcpuspec expectations 1/,/^```/p' " VS_SOURCE_DIR
      "/docs/expectations.md | grep -v '^```' > %/k && grep -c ^known %/k && " VS_PROGRAM_PATH
      " run --backend soft --filter kinds.both --expect %/k",
      0, "0 known failures, 0 disputed, 0 stale");
}

// --- runs ---------------------------------------------------------------------------------------

#define KINDS "run --backend mutant:kind_8_bits --filter 'kinds.*[hs]' "
#define ENTRY(id, more) \
  "known " id "\n  backend mutant:kind_8_bits\n  profile documented\n  reason low byte\n" more
#define RIGHT "  answer ZX_ERR_INVALID_ARGS -> ZX_OK\n"
#define BOTH ENTRY("kinds.aliases", RIGHT) ENTRY("kinds.single_bits", RIGHT)

Test(expect, known_failures_are_green_and_told_as_known) {
  write_file("k", BEGIN BOTH);
  expect(KINDS "--expect %/k --report json:%/r", 0,
         "known kinds.aliases on mutant:kind_8_bits: low");
  cr_expect(strstr(printed(), "write_state.description.kind            known") != NULL, "%s",
            printed());
  cr_expect(strstr(printed(), "2 known failures, 0 disputed, 0 stale") != NULL, "%s", printed());
  expect_shell(VS_SOURCE_DIR "/tools/check-results %/r && grep '\"state\": \"known\"' %/r", 0,
               "valid");
}

#define TWO \
  "--backend plugin:" VS_PLUGIN_DIR "/two_defects.so --filter 'kinds.*[hs]' --filter 'sizes.*' "

Test(expect, a_second_defect_is_not_hidden_behind_a_known_one) {
  expect("run " TWO "--report json:%/first.json", 1, "FAIL kinds.");
  expect("run --backend plugin:" VS_PLUGIN_DIR "/two_defects.so --write-expect %/two.txt", 1, "");
  expect("run " TWO "--expect %/two.txt", 0, "0 stale");
  expect_shell("VS_SECOND=death " VS_PROGRAM_PATH " run " TWO "--expect %/two.txt", 4,
               "stale (different)");
  expect_shell("VS_SECOND=death " VS_PROGRAM_PATH " run " TWO "--report json:%/death.json", 1,
               "also     ");
  expect("merge --diff %/first.json %/death.json", 1, "regressed  kinds.");
  expect_shell("VS_SECOND=status " VS_PROGRAM_PATH " run " TWO "--expect %/two.txt", 1,
               "ZX_ERR_BUFFER_TOO_SMALL");
}

static char news[512];  // what the last one was told, from there on

// A mutant's failures are known, another one's of the same answer are not.
static void known_of_one_is_red_of_another(const char* one, const char* other, const char* id,
                                           const char* answer, const char* told) {
  char text[512];
  char arguments[256];
  snprintf(text, sizeof text,
           BEGIN "known %s\n  backend mutant:*\n  profile *\n  reason r\n  answer %s\n", id,
           answer);
  write_file("k", text);
  snprintf(arguments, sizeof arguments, "run --backend mutant:%s --filter %s --expect %%/k", one,
           id);
  expect(arguments, 0, "1 known failure, 0 disputed, 0 stale");
  snprintf(arguments, sizeof arguments, "run --backend mutant:%s --filter %s --expect %%/k", other,
           id);
  expect(arguments, 4, told);
  snprintf(news, sizeof news, "%s", strstr(printed(), told) != NULL ? strstr(printed(), told) : "");
  expect_shell("sed -i '/^  answer/s/[.[][^ ]* ->/ ->/' %/k", 0, "");
  expect(arguments, 0, "1 known failure, 0 disputed, 0 stale");
}

Test(expect, an_entry_says_which_bits_it_is_about) {
  known_of_one_is_red_of_another("flag_lost_cf", "flag_lost_zf", "after.accepted",
                                 "rflags[0] -> other",
                                 "fails, but otherwise: rflags[6] -> other of");
  cr_expect(strstr(news, ", and [6] is new: see to it") != NULL, "%s", news);
  known_of_one_is_red_of_another("packet_status_set", "packet_partly_written", "after.accepted",
                                 "packet.status -> other",
                                 "fails, but otherwise: packet.guest_io.reserved[0] -> other of");
  cr_expect(strstr(news, ", and .guest_io.reserved[0] is new: see to it") != NULL, "%s", news);
}

Test(expect, bits_are_those_of_every_failure_of_the_case) {
  write_file("k", BEGIN
             "known flags.each_set\n  backend *\n  profile *\n  reason r\n"
             "  answer rflags[0] -> other\n");
  expect("run --backend mutant:flag_lost_cf --filter flags.each_set --expect %/k", 0, "0 stale");
  expect("run --backend mutant:flags_never --filter flags.each_set --expect %/k", 4,
         "otherwise: rflags[11:10,8:6,4,2,0] -> other of");
  write_file("k", BEGIN
             "known flags.each_set\n  backend *\n  profile *\n  reason r\n"
             "  answer rflags[63:5] -> other\n  answer rflags[4:0] -> other\n");
  expect("run --backend mutant:flags_never --filter flags.each_set --expect %/k", 0, "0 stale");
}

Test(expect, which_bytes_differ_is_the_same_with_another_seed) {
  expect("run --backend mutant:register_rbx_lost --write-expect %/k", 1, "");
  expect_shell("grep -c 'answer rbx.63:0. -> other$' %/k", 0, "");
  expect("run --backend mutant:register_rbx_lost --seed 5 --filter 'registers.*' --expect %/k", 0,
         "0 stale");
}

Test(expect, says_which_entries_are_of_a_backend_that_was_not_run) {
  write_file("k", BEGIN BOTH);
  expect("run --backend soft --filter 'kinds.*[hs]' --expect %/k --report json:%/r", 0,
         "/k: 2 entries name a backend that was not run\n");
  expect_shell(VS_SOURCE_DIR "/tools/check-results %/r", 0, "valid");
  expect("merge %/r", 0, "/k: 2 entries name a backend that was not run\n");
  expect("merge %/r --expect %/k", 0, "/k: 2 entries name a backend that was not run\n");
  expect(KINDS "--expect %/k --report json:%/own", 0, "0 stale");
  cr_expect(strstr(printed(), "not run") == NULL, "%s", printed());
  expect("merge %/r %/own --expect %/k", 0, "2 known, 0 lost");
  cr_expect(strstr(printed(), "not run") == NULL, "%s", printed());
  expect("merge %/r %/own", 0, "2 known, 0 lost");
  cr_expect(strstr(printed(), "not run") == NULL, "%s", printed());
}

Test(expect, a_copy_of_the_process_does_not_answer_for_it) {
  expect_shell("VS_SECOND=copies " VS_PROGRAM_PATH " run --backend plugin:" VS_PLUGIN_DIR
               "/two_defects.so --filter kinds.both --timeout 5",
               1, "exit status 0");
}

Test(expect, that_the_case_is_done_is_not_believed_without_a_record_of_it) {
  expect_shell("VS_SECOND=forges " VS_PROGRAM_PATH " run --backend plugin:" VS_PLUGIN_DIR
               "/two_defects.so --filter 'kinds.*' --filter 'sizes.*'",
               1, "cases: pass                             0");
}

Test(expect, with_another_seed_they_are_the_same) {
  expect("run --backend mutant:register_rbx_lost --filter 'registers.*' --expect /dev/null", 2,
         "expected 'vcpuspec expectations 1'");
  write_file("k", BEGIN
             "known registers.*\n  backend mutant:register_rbx_lost\n  profile *\n  reason r\n"
             "  answer rbx -> other\n  answer rbx -> other_in_guest\n");
  for (int seed = 1; seed <= 3; seed++) {
    char arguments[256];
    snprintf(arguments, sizeof arguments,
             "run --backend mutant:register_rbx_lost --filter registers.all_at_once --filter "
             "registers.two_vcpus --seed %d --expect %%/k",
             seed);
    expect(arguments, 0, "0 stale");
  }
}

Test(expect, what_no_entry_covers_is_red_before_what_is_stale) {
  write_file("k", BEGIN ENTRY("kinds.aliases", RIGHT) ENTRY("kinds.both", RIGHT));
  expect(KINDS "--expect %/k", 1, "FAIL kinds.single_bits");
  cr_expect(strstr(printed(), "stale (passes)") != NULL, "%s", printed());
}

Test(expect, each_way_of_being_stale) {
  static const struct {
    const char* entry;
    const char* told;
  } stale[] = {
      {ENTRY("kinds.both", RIGHT),
       "stale (passes): kinds.both on mutant:kind_8_bits: kinds.both on"},
      {ENTRY("kinds.*", RIGHT), "stale (passes): kinds.* on mutant:kind_8_bits: kinds.both on"},
      {ENTRY("kinds.bth", RIGHT), "stale (names nothing)"},
      {ENTRY("kinds.bth", RIGHT), "did you mean 'kinds.both'?"},
      {ENTRY("kinds.aliases", RIGHT "  clause write_state.desc\n"), "no clause is called"},
      {ENTRY("kinds.aliases", RIGHT "  expires 2020-01-01\n"), "it was to last until 2020-01-01"},
      {"known kinds.both\n  backend sotf\n  profile *\n  reason r\n" RIGHT, "did you mean 'soft'?"},
      {"known kinds.both\n  backend mutant:none\n  profile *\n  reason r\n" RIGHT,
       "no backend is called 'mutant:none'"},
      {"known kinds.both\n  backend soft\n  profile docs\n  reason r\n" RIGHT,
       "no profile is called 'docs'"},
      {ENTRY("kinds.single_bits", RIGHT "  clause write_state.errors.wrong_type\n"),
       "nothing that it names fails in this way"},
  };
  for (size_t i = 0; i < sizeof stale / sizeof stale[0]; i++) {
    char text[2048];
    snprintf(text, sizeof text, BEGIN BOTH "%s", stale[i].entry);
    write_file("k", text);
    expect(KINDS "--expect %/k", 4, stale[i].told);
    cr_expect(strstr(printed(), "expectations are stale: exit status 4") != NULL, "%s", printed());
    cr_expect(strstr(printed(), " 1 stale") != NULL, "%s", printed());
  }
}

Test(expect, that_fails_differently_is_stale_and_told_in_full) {
  write_file("k", BEGIN ENTRY("kinds.aliases", RIGHT)
                      ENTRY("kinds.single_bits", "  answer ZX_ERR_INVALID_ARGS -> SIGSEGV\n"));
  expect(KINDS "--expect %/k", 4, "FAIL kinds.single_bits");
  cr_expect(strstr(printed(), "stale (different)") != NULL, "%s", printed());
  cr_expect(strstr(printed(), "fails, but otherwise: ZX_ERR_INVALID_ARGS -> ZX_OK") != NULL, "%s",
            printed());
}

Test(expect, that_was_not_judged_is_stale) {
  write_file("k",
             BEGIN "known io.after_in8\n  backend soft:arm64\n  profile *\n  reason r\n" RIGHT);
  expect("run --backend soft:arm64 --filter 'io.*' --expect %/k", 4, "stale (not judged)");
}

Test(expect, that_is_too_broad_is_stale_unless_it_says_so) {
  static const char broad[] =
      "known *\n  backend mutant:crash_on_success\n  profile *\n  reason r\n"
      "  answer ZX_OK -> SIGABRT\n  answer life -> SIGABRT\n";
  char text[1024];
  snprintf(text, sizeof text, BEGIN "%s", broad);
  write_file("k", text);
  expect("run --backend mutant:crash_on_success --shard 1/5 --expect %/k", 4,
         "results, and may name 20");
  unsigned named = number_after("it names ");
  cr_assert_gt(named, 20);
  snprintf(text, sizeof text, BEGIN "%s  matches %u\n", broad, named - 1);
  write_file("k", text);
  snprintf(text, sizeof text, "and may name %u: name fewer, or say `matches %u`", named - 1, named);
  expect("run --backend mutant:crash_on_success --shard 1/5 --expect %/k", 4, text);
  expect("run --backend mutant:crash_on_success --filter 'kinds.*[hs]' --expect %/k", 0, "3 known");
}

Test(expect, what_was_not_asked_for_is_not_stale) {
  write_file(
      "k",
      BEGIN BOTH ENTRY(
          "types.event",
          RIGHT) "known kinds.both\n  backend kvm\n  profile *\n  reason r\n" RIGHT
                 "known kinds.both\n  backend plugin:./mine.so\n  profile *\n  reason r\n" RIGHT
                 "known kinds.both\n  backend *\n  profile zcore\n  reason r\n" RIGHT);
  expect(KINDS "--expect %/k", 0, "0 stale");
}

Test(expect, disputed_ones_are_told_as_such) {
  write_file("k", BEGIN ENTRY("kinds.aliases", RIGHT)
                      "disputed kinds.single_bits\n  backend mutant:*\n  profile *\n  reason r\n"
                      "  link https://a.example\n" RIGHT);
  expect(KINDS "--expect %/k", 0, "disputed kinds.single_bits on mutant:kind_8_bits: r (https://a");
  cr_expect(strstr(printed(), "write_state.description.kind            disputed") != NULL, "%s",
            printed());
  cr_expect(strstr(printed(), "cases: disputed                         1") != NULL, "%s",
            printed());
}

Test(expect, that_fails_sometimes_may_pass) {
  write_file("k", BEGIN BOTH ENTRY("kinds.both", RIGHT "  sometimes\n  expires 2999-01-01\n"));
  expect(KINDS "--expect %/k", 0, "0 stale");
}

Test(expect, expires_whatever_time_reports_are_to_tell) {
  write_file("k", BEGIN BOTH ENTRY("kinds.aliases", RIGHT "  expires 2020-01-01\n"));
  expect_shell("SOURCE_DATE_EPOCH=0 " VS_PROGRAM_PATH " " KINDS "--expect %/k", 4,
               "it was to last until 2020-01-01");
}

Test(expect, a_crash_and_a_hang_have_words) {
  write_file("k", BEGIN
             "known kinds.both\n  backend mutant:crash_on_success\n  profile *\n  reason r\n"
             "  answer ZX_OK -> SIGABRT\n"
             "known kinds.both\n  backend mutant:hang_on_success\n  profile *\n  reason r\n"
             "  answer ZX_OK -> no_return\n");
  expect(
      "run --backend mutant:crash_on_success --backend mutant:hang_on_success --timeout 0.3 "
      "--filter kinds.both --expect %/k",
      0, "2 known failures");
}

Test(expect, an_interrupted_run_is_not_green) {
  write_file("k", BEGIN
             "known *\n  backend mutant:hang_on_success\n  profile *\n  reason r\n"
             "  answer ZX_OK -> no_return\n  answer life -> no_return\n  matches 161\n");
  expect_shell(SIGNAL_WHEN "INT " JUDGED(1, "%/j") VS_PROGRAM_PATH
               " run --backend mutant:hang_on_success --jobs 1 --timeout 0.2 --resume %/j "
               "--expect %/k",
               3, "exit status 3");
}

// --- writing ------------------------------------------------------------------------------------

#define WIDE "run --backend mutant:kind_8_bits --backend mutant:crash_on_success "

Test(expect, what_is_written_is_green_at_once) {
  expect(WIDE "--write-expect %/k", 1, "wrote ");
  expect(WIDE "--expect %/k", 0, "0 stale");
  cr_expect(strstr(printed(), "entries have no reason yet") != NULL, "%s", printed());
  expect_shell("cp %/k %/k1", 0, "");
  expect(WIDE "--expect %/k --write-expect %/k", 0, "wrote ");
  expect_shell("cmp %/k %/k1 && echo same", 0, "same");
}

Test(expect, reasons_and_links_and_what_was_not_asked_for_are_kept) {
  write_file("k", BEGIN
             "# ours\nknown kinds.aliases\n  backend mutant:kind_8_bits\n  profile documented\n"
             "  reason low byte\n  link https://a.example/7\n  expires 2999-01-01\n" RIGHT
             "known kinds.both\n  backend kvm\n  profile *\n  reason elsewhere\n" RIGHT
             "known types.event\n  backend mutant:kind_8_bits\n  profile *\n  reason mended\n" RIGHT
             "known kinds.single*\n  backend mutant:kind_8_bits\n  profile documented\n"
             "  reason late\n  expires 2020-01-01\n" RIGHT);
  expect("run --backend mutant:kind_8_bits --expect %/k --write-expect %/k", 4,
         "3 entries, 0 without a reason; 2 old ones left out");
  expect_shell("cat %/k", 0,
               "# ours\nknown kinds.aliases\n  backend mutant:kind_8_bits\n  profile documented\n"
               "  answer ZX_ERR_INVALID_ARGS -> ZX_OK\n  reason low byte\n"
               "  link https://a.example/7\n  expires 2999-01-01\n");
  cr_expect(strstr(printed(), "reason elsewhere") != NULL, "%s", printed());
  cr_expect(strstr(printed(), "reason late") != NULL, "%s", printed());
  cr_expect(strstr(printed(), "mended") == NULL, "%s", printed());
  cr_expect(strstr(printed(), "2020") == NULL, "%s", printed());
  expect("run --backend mutant:kind_8_bits --expect %/k", 0, "0 stale");
}

Test(expect, names_that_look_like_globs_are_written_as_names) {
  expect_shell("mkdir '%/a[1]' && cp " VS_PLUGIN_DIR "/wrong_kind.so '%/a[1]/x*.so'", 0, "");
  expect("run --backend 'plugin:%/a[1]/x*.so' --write-expect %/k", 1, "wrote ");
  expect("run --backend 'plugin:%/a[1]/x*.so' --expect %/k", 0, "0 stale");
}

Test(expect, nothing_is_written_of_a_part) {
  write_file("k", "mine\n");
  expect("run --backend soft --filter 'kinds.*[hs]' --write-expect %/k", 2, "leave out --filter");
  expect("run --backend soft --shard 1/2 --write-expect %/k", 2, "leave out --shard");
  expect("run --backend soft --backend plugin:./none.so --write-expect %/k", 3,
         "needs every backend that is named");
  expect_shell(SIGNAL_WHEN "INT " JUDGED(1, "%/j") VS_PROGRAM_PATH
               " run --backend mutant:hang_on_success --resume %/j --write-expect %/k; rm %/j",
               0, "is left as it was");
  expect_shell("cat %/k; ls %", 0, "mine\nk\n");
  expect("run --backend soft --write-expect %/none/k", 3, "cannot be written");
}
