// SPDX-License-Identifier: BSD-3-Clause
// Statements: a genuine one verifies, and what was forged, left out, swapped, edited, or is no
// statement at all, does not.
#include <criterion/criterion.h>
#include <jansson.h>
#include <sha2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "results/results.h"
#include "results_shell.h"
#include "sampled.h"
#include "statements/gzip.h"
#include "statements/statement.h"

#define SUITE(name) \
  TestSuite(name, .init = make_directory, .fini = remove_directory, .timeout = 3600)
SUITE(statement);
SUITE(forged);
SUITE(hostile);

enum { SEAL = 74 };  // bytes of the last line

#define MARK "vcpuspec trace 2\n"
#define WRONG "run --jobs 1 --quiet --backend mutant:kind_8_bits "

// --- two statements, made once for all tests ----------------------------------------------------

// Of the process that starts the tests, of which each is a child.
static void in_common(pid_t process, const char* format) {
  char command[1024];
  char folder[64];
  snprintf(folder, sizeof folder, "/tmp/vcpuspec-statements-%d", (int)process);
  snprintf(command, sizeof command, format, folder);
  if (system(command) != 0) fprintf(stderr, "%s\n", command);
}

ReportHook(PRE_ALL)(struct criterion_test_set* tests) {
  (void)tests;
  in_common(getpid(), "mkdir -p %1$s && { " VS_PROGRAM_PATH
                      " run --jobs 1 --quiet --backend soft --statement %1$s/soft; " VS_PROGRAM_PATH
                      " " WRONG "--statement %1$s/wrong; } > /dev/null; test -s %1$s/wrong");
}

ReportHook(POST_ALL)(struct criterion_global_stats* stats) {
  (void)stats;
  in_common(getpid(), "rm -rf %s");
}

static void take(const char* statement, const char* as) {
  char command[256];
  snprintf(command, sizeof command, "cp /tmp/vcpuspec-statements-%d/%s %%/%s", (int)getppid(),
           statement, as);
  expect_shell(command, 0, "");
}

// --- texts --------------------------------------------------------------------------------------

static const char* path_of(const char* name) {
  static char path[256];
  snprintf(path, sizeof path, "%s/%s", directory, name);
  return path;
}

// What is packed in a file of the directory.
static vs_file unpacked(const char* name) {
  vs_why why;
  vs_file packed;
  vs_file text;
  cr_assert(vs_file_read(path_of(name), &packed, &why), "%s", why.text);
  cr_assert(vs_gunzip(packed.text, packed.length, VS_STATEMENT_MAX, &text, &why), "%s", why.text);
  vs_file_free(&packed);
  return text;
}

static bool write_text(FILE* out, const void* what) {
  const vs_file* text = what;
  return fwrite(text->text, 1, text->length, out) == text->length;
}

static void put(const char* name, const vs_file* text) {
  vs_why why;
  vs_file packed;
  cr_assert(vs_gzip(text->text, text->length, &packed));
  cr_assert(vs_file_put_whole(path_of(name), write_text, &packed, &why), "%s", why.text);
  vs_file_free(&packed);
}

// What stands before the digest, with the digest that it ought to have.
static vs_file sealed(const char* body, size_t length) {
  char digest[SHA256_DIGEST_STRING_LENGTH];
  vs_file text = {malloc(length + SEAL + 1), length};
  cr_assert(text.text != NULL);
  memcpy(text.text, body, length);
  SHA256Data((const uint8_t*)body, length, digest);
  text.length += (size_t)snprintf(text.text + length, SEAL + 1, "# sha256 %s\n", digest);
  return text;
}

static vs_file resealed(const vs_file* text) {
  return sealed(text->text, text->length - SEAL);
}

static json_t* results_of(const vs_file* text) {
  json_error_t error;
  const size_t length = (size_t)(strchr(text->text, '\n') - text->text);
  json_t* form = json_loadb(text->text, length, 0, &error);
  cr_assert(form != NULL, "%s", error.text);
  return form;
}

// These results above the traces of the text, sealed. Frees the results.
static vs_file with_results(json_t* form, const vs_file* text) {
  char* line = json_dumps(form, JSON_COMPACT | JSON_REAL_PRECISION(6));
  const char* rest = strchr(text->text, '\n');
  const size_t left = text->length - SEAL - (size_t)(rest - text->text);
  const size_t length = strlen(line);
  char* all = malloc(length + left + 1);
  cr_assert(all != NULL);
  snprintf(all, length + 1, "%s", line);
  memcpy(all + length, rest, left);
  vs_file made = sealed(all, length + left);
  free(all);
  free(line);
  json_decref(form);
  return made;
}

// Where the trace of this title begins, and its length.
static const char* trace_of(const vs_file* text, const char* title, size_t* length) {
  char head[256];
  snprintf(head, sizeof head, MARK "title %s\n", title);
  const char* begin = strstr(text->text, head);
  cr_assert(begin != NULL, "%s", title);
  const char* next = strstr(begin + 1, MARK);
  const char* end = next != NULL ? next : text->text + text->length - SEAL;
  *length = (size_t)(end - begin);
  return begin;
}

// The text with another trace in the place of that one; NULL: with none.
static vs_file with_trace(const vs_file* text, const char* title, const char* other,
                          size_t other_length) {
  size_t old;
  const char* at = trace_of(text, title, &old);
  const size_t before = (size_t)(at - text->text);
  const size_t after = text->length - SEAL - before - old;
  char* all = malloc(before + other_length + after + 1);
  cr_assert(all != NULL);
  memcpy(all, text->text, before);
  if (other_length > 0) memcpy(all + before, other, other_length);
  memcpy(all + before + other_length, at + old, after);
  vs_file made = sealed(all, before + other_length + after);
  free(all);
  return made;
}

static const char* title_of(const char* id) {
  const vs_case* c = vs_case_find(id);
  cr_assert(c != NULL, "%s", id);
  return c->title;
}

static json_t* result_of(json_t* form, const char* id) {
  size_t i;
  json_t* one;
  json_array_foreach(json_object_get(form, "results"), i, one) {
    if (strcmp(json_string_value(json_object_get(one, "case")), id) == 0) return one;
  }
  cr_assert(false, "%s", id);
  return NULL;
}

// --- what is refused ----------------------------------------------------------------------------

// True if it is refused: it is no statement, or something in it does not follow.
static bool is_refused(const vs_file* text, char said[VS_WHY_MAX]) {
  vs_why why = {""};
  vs_statement s;
  if (!vs_statement_parse(&s, "text", text, NULL, &why)) {
    memcpy(said, why.text, VS_WHY_MAX);
    return true;
  }
  const bool refused = s.faults.count > 0;
  snprintf(said, VS_WHY_MAX, "%s", refused ? s.faults.at[0] : "");
  vs_statement_free(&s);
  return refused;
}

// Frees the text.
static void expect_refused(vs_file text, const char* words) {
  char said[VS_WHY_MAX];
  cr_expect(is_refused(&text, said), "not refused: %s", words);
  cr_expect(strstr(said, words) != NULL, "no \"%s\" in: %s", words, said);
  vs_file_free(&text);
}

// --- genuine ones -------------------------------------------------------------------------------

Test(statement, of_one_that_conforms) {
  expect("run --backend soft --statement %/s", 0, "wrote ");
  expect_shell("rm -rf %/soft; " VS_PROGRAM_PATH " verify %/s", 0,
               "what it says follows from its traces\n  judged   soft (soft, x86-64), profile ");
  expect_shell("find %/s -size -2048k | grep -c s", 0, "1\n");
  // Of the same answers, the same bytes: threads that race give others now and then.
  expect_shell("zcat %/s | tail -n +2 > %/traces", 0, "");
  expect("run --quiet --backend recorded:%/traces --statement %/a", 0, "");
  expect("run --quiet --backend recorded:%/traces --jobs 1 --statement %/b", 0, "");
  expect_shell("cmp %/a %/b && echo the same bytes", 0, "the same bytes");
  expect("verify --quiet %/b", 0, "conforms: 0 fail");
  expect_shell("zcat %/s | tail -n +2 | " VS_PROGRAM_PATH " check - | grep -c '^p[ae][sr]'", 0, "");
  expect_shell("zcat %/s | head -n 1 > %/r; " VS_PROGRAM_PATH " merge %/r", 0, "cases: pass");
  expect("verify --report json:%/j %/s", 0, "");
  expect_shell(VS_SOURCE_DIR "/tools/check-results %/j", 0, "valid");
}

Test(statement, of_one_that_fails) {
  take("wrong", "s");
  expect("verify %/s", 1, "FAIL kinds.aliases on mutant:kind_8_bits");
  expect("verify --quiet %/s", 1, "does not conform: ");
  expect(WRONG "--write-expect %/e", 1, "");
  expect(WRONG "--expect %/e --statement %/t", 2, "--statement needs a reason for each known");
  expect_shell("sed -i 's/reason ?/reason an old firmware/' %/e", 0, "");
  expect(WRONG "--expect %/e --statement %/t", 0, "");
  expect("verify %/t", 0, "everything that was judged conforms, or is a known failure");
  vs_file text = unpacked("t");
  json_t* form = results_of(&text);
  json_t* stated = json_object_get(form, "statement");
  const char* waivers = json_string_value(json_object_get(stated, "waivers"));
  char* edited = strdup(waivers);
  char* reason = strstr(edited, "reason an old firmware");
  cr_assert(reason != NULL);
  memset(reason + strlen("reason "), ' ', strlen("an old firmware"));
  reason[strlen("reason ")] = '?';
  json_object_set_new(stated, "waivers", json_string(edited));
  expect_refused(with_results(form, &text), "there is no reason for it");
  free(edited);
  form = results_of(&text);
  json_object_set_new(json_object_get(form, "statement"), "waivers", json_null());
  expect_refused(with_results(form, &text), "");
  vs_file_free(&text);
}

Test(statement, several_are_one_matrix) {
  take("soft", "a");
  take("wrong", "b");
  expect("verify --report html:%/h --report badge:%/g %/a %/b", 1,
         "profile documented                      soft         mutant:kind_8_bits\n");
  expect("merge %/a %/b", 1, "FAIL kinds.aliases on mutant:kind_8_bits");
  expect("merge --diff %/a %/b", 1,
         "regressed  kinds.aliases on mutant:kind_8_bits: pass -> FAIL (ZX_ERR_INVALID_ARGS -> "
         "ZX_OK)");
  expect_shell("grep -c fail %/g", 0, "1\n");
  vs_file text = unpacked("a");
  json_t* form = results_of(&text);
  json_object_set_new(result_of(form, "kinds.both"), "verdict", json_string("permitted"));
  vs_file forged = with_results(form, &text);
  put("b", &forged);
  expect("merge %/a %/b", 2, "it does not follow: kinds.both: it says permitted");
  expect("verify %/a %/b", 2, "it does not follow: kinds.both: it says permitted");
  vs_file_free(&forged);
  vs_file_free(&text);
}

// Two builds of one name, of which one has a waiver and the other would need it.
Test(statement, of_one_name_are_told_apart_and_keep_their_waivers) {
  expect(WRONG "--write-expect %/e", 1, "");
  expect_shell("sed -i 's/reason ?/reason an old firmware/' %/e", 0, "");
  expect(WRONG "--expect %/e --statement %/waived", 0, "");
  take("wrong", "plain");
  expect("verify --report json:%/j --report html:%/h %/waived %/plain", 1,
         "write_state.description.kind            known                        FAIL\n");
  expect_shell(VS_SOURCE_DIR "/tools/check-results %/j", 0, "valid");
  expect_shell("grep -c 'mutant:kind_8_bits (waived)' %/h | grep -v '^0'", 0, "");
  expect_shell("grep -o 'href=\"./waived\"' %/h", 0, "waived");
}

// Of the day of the run, nothing is in the statement: who reads it looks at the day.
Test(statement, of_a_waiver_that_has_expired) {
  expect(WRONG "--write-expect %/e", 1, "");
  expect_shell("sed -i 's/reason ?/reason an old firmware\\n  expires 2020-01-01/' %/e", 0, "");
  expect(WRONG "--expect %/e --statement %/s", 4, "expired");
  expect("verify --quiet %/s", 4, "expired");
  expect_shell("cat %/e | " VS_PROGRAM_PATH " " WRONG "--expect /dev/stdin --statement %/piped", 4,
               "");
  expect("verify --quiet %/piped", 4, "expired");
}

Test(statement, packed_by_another_program) {
  take("soft", "s");
  expect_shell("zcat %/s > %/text; gzip -n -1 < %/text > %/fast; gzip %/text", 0, "");
  expect("verify --quiet %/fast", 0, "conforms: ");
  expect("verify --quiet %/text.gz", 0, "conforms: ");
  expect_shell("cat %/s %/s > %/twice", 0, "");
  expect("verify %/twice", 2, "bytes stand behind its end");
}

Test(statement, tells_another_name_and_machine) {
  expect("run --quiet --backend soft --as mine-2.0 --on 'Linux 9.9 a-box' --statement %/s", 0, "");
  expect("verify %/s", 0, "judged   mine-2.0 (soft, x86-64), profile documented");
  expect("verify %/s", 0, " on Linux 9.9 a-box\n");
  expect("run --as mine --filter kinds.both", 2, "--as names one backend");
  expect("run --as 'my own' --backend soft --filter kinds.both", 2, "a name is a word");
  expect("run --on here --backend soft --filter kinds.both", 2, "it needs --statement");
  expect_shell("zcat %/s | tail -n +2 > %/traces", 0, "");
  expect("run --quiet --backend recorded:%/traces --statement %/t", 0, "");
  expect("verify %/t", 0, " on a machine that is not told\n");
}

// The digest of what was judged is the one that everybody has a program for.
Test(statement, digests_are_those_of_sha256sum) {
  expect("run --quiet --backend plugin:" VS_PLUGIN_DIR "/two_defects.so --statement %/s", 1, "");
  expect_shell(VS_PROGRAM_PATH " verify %/s | grep -c \"digest   $(sha256sum < " VS_PLUGIN_DIR
                               "/two_defects.so | cut -c 1-64)$\"",
               0, "1\n");
  expect_shell(
      "zcat %/s | head -n -1 | sha256sum | cut -c 1-64 > %/sum; zcat %/s | tail -n 1 | "
      "grep -c \"^# sha256 $(cat %/sum)$\"",
      0, "1\n");
}

Test(statement, compared_with_another) {
  take("soft", "a");
  take("wrong", "b");
  expect("compare %/a %/a", 0, "0 of ");
  expect("compare %/a %/b", 1,
         "kinds.aliases: kinds that look like a known one in fewer bits\n"
         "  soft: pass\n"
         "  mutant:kind_8_bits: FAIL (ZX_ERR_INVALID_ARGS -> ZX_OK)\n"
         "  T0: zx_vcpu_write_state(h2, kind 0x100, plain, 136)\n"
         "    soft: = ZX_ERR_INVALID_ARGS\n"
         "    mutant:kind_8_bits: = ZX_OK\n");
  expect("compare %/a %/b", 1, " cases differ: 2 by verdict, 0 in an answer alone, 0 that one");
  expect_without("compare --quiet %/a %/b", "kinds.aliases");
  expect("run --quiet --backend soft --report json:%/j --filter kinds.both", 0, "");
  expect("compare %/a %/j", 1, "after.accepted: of ");
  expect("compare %/a %/j", 1, "of results, verdicts are compared");
  expect("run --quiet --backend soft --backend soft:arm64 --filter kinds.both --report json:%/k", 0,
         "");
  expect("compare %/a %/k", 2, "has results of 2 backends");
  expect("compare %/a", 2, "compare takes two files");
  expect("compare %/a %/none", 2, "none cannot be read");
  expect("run --quiet --backend soft --filter kinds.aliases --report json:%/l", 0, "");
  expect("compare %/j %/l", 5, "0 by verdict");
}

// Another architecture has other scripts.
Test(statement, compared_with_one_of_another_architecture) {
  take("soft", "a");
  expect("run --quiet --backend soft:arm64 --statement %/b", 0, "");
  expect("compare %/a %/b", 1, "their scripts differ, and verdicts alone are compared");
  expect("compare --quiet %/a %/b", 1, " by verdict, 0 in an answer alone");
}

// What one of them lacks, it has not answered otherwise.
Test(statement, compared_with_one_that_lacks_calls) {
  take("soft", "a");
  expect("run --quiet --backend plugin:" VS_PLUGIN_DIR "/two_defects.so --statement %/b", 1, "");
  expect("compare %/a %/b", 1, ": unsupported\n");
  expect_without("compare --full %/a %/b", "for want of");
  expect("compare --full %/a %/b", 1, ", 0 in an answer alone");
}

// Both conform, where the page leaves a choice.
Test(statement, compared_by_answers_where_both_conform) {
  take("soft", "a");
  expect("run --quiet --backend mutant:trap_empty_set --statement %/b", 0, "");
  expect("compare %/a %/b", 1, " cases differ: 0 by verdict, ");
}

Test(statement, is_of_every_case_on_one_backend) {
  static const char* const wrong[] = {
      "", "--backend soft --filter kinds.both", "--backend soft --shard 1/2",
      "--backend soft --backend soft:arm64", "--backend soft --resume %/journal"};
  take("soft", "own");
  expect("verify --report json:%/own %/own", 2, "");
  expect("merge --report json:%/own %/own", 2, "");
  expect_shell("zcat %/own | tail -n +2 > %/traces", 0, "");
  expect("run --backend recorded:%/traces --statement %/traces", 2, "");
  for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
    char line[256];
    snprintf(line, sizeof line, "run --statement %%/s %s", wrong[i]);
    expect(line, 2, "--statement is of every case on one backend");
  }
  expect("verify", 2, "verify needs files");
  expect("verify %/none", 2, "none cannot be read");
  expect("run --quiet --backend plugin:/none.so --statement %/s", 3, "no statement was written: ");
}

// --- forged ones --------------------------------------------------------------------------------

// The results of one that conforms above the traces of one that does not, and the other way about.
Test(forged, verdicts) {
  take("soft", "good");
  take("wrong", "bad");
  vs_file good = unpacked("good");
  vs_file bad = unpacked("bad");
  json_t* form = results_of(&good);
  json_t* column = json_array_get(json_object_get(form, "backends"), 0);
  json_object_set_new(column, "name", json_string("mutant:kind_8_bits"));
  json_object_set_new(column, "spec", json_string("mutant:kind_8_bits"));
  vs_file forged = with_results(form, &bad);
  put("forged", &forged);
  expect("verify %/forged", 2, "kinds.aliases: it says pass, and by its trace it is fail");
  vs_file_free(&forged);

  form = results_of(&bad);
  json_t* one = result_of(form, "kinds.aliases");
  json_object_set_new(one, "verdict", json_string("flaky"));
  expect_refused(with_results(form, &bad), "kinds.aliases");

  form = results_of(&good);
  one = result_of(form, "kinds.both");
  json_object_set_new(one, "verdict", json_string("permitted"));
  expect_refused(with_results(form, &good),
                 "kinds.both: it says permitted, and by its trace it is pass");

  // Its own trace in the place of the wrong one's: of the same script.
  size_t length;
  const char* trace = trace_of(&good, title_of("kinds.aliases"), &length);
  expect_refused(with_trace(&bad, title_of("kinds.aliases"), trace, length), "kinds.aliases");
  vs_file_free(&good);
  vs_file_free(&bad);
}

Test(forged, cases_and_traces_and_lists) {
  take("soft", "s");
  vs_file text = unpacked("s");
  size_t length;
  const char* both = title_of("kinds.both");
  const char* single = title_of("kinds.single_bits");

  // A case that is left out, with its trace and its count, and each alone.
  json_t* form = results_of(&text);
  json_t* results = json_object_get(form, "results");
  const size_t count = json_array_size(results);
  size_t at = 0;
  while (json_array_get(results, at) != result_of(form, "kinds.both")) at++;
  json_array_remove(results, at);
  json_t* counts = json_object_get(form, "counts");
  json_object_set_new(counts, "expected", json_integer((json_int_t)count - 1));
  json_object_set_new(counts, "judged", json_integer((json_int_t)count - 1));
  vs_file without = with_results(form, &text);
  vs_file left_out = with_trace(&without, both, NULL, 0);
  put("left_out", &left_out);
  expect("verify %/left_out", 2, "it does not follow: kinds.both: this case is left out");
  vs_file_free(&left_out);
  expect_refused(without, "kinds.both: this case is left out");
  expect_refused(with_trace(&text, both, NULL, 0), "kinds.both: its trace is missing: that of '");

  // The trace of another case, once more, one that is cut, one that was mended.
  const char* other = trace_of(&text, single, &length);
  expect_refused(with_trace(&text, both, other, length), "kinds.both: its trace is missing");
  const char* own = trace_of(&text, both, &length);
  char* twice = malloc(2 * length);
  memcpy(twice, own, length);
  memcpy(twice + length, own, length);
  expect_refused(with_trace(&text, both, twice, 2 * length), "its trace");
  expect_refused(with_trace(&text, both, own, length - strlen("done\n\n")),
                 "kinds.both: its trace");
  free(twice);

  // Another list, counts, and what is said of coverage.
  form = results_of(&text);
  json_object_set_new(json_object_get(form, "statement"), "list", json_string("0123456789abcdef"));
  expect_refused(with_results(form, &text), "of another version of the list of clauses and cases");
  form = results_of(&text);
  json_object_set_new(json_object_get(form, "statement"), "rules", json_string("0123456789abcdef"));
  expect_refused(with_results(form, &text), "of another version of the rules of profile");
  form = results_of(&text);
  json_t* column = json_array_get(json_object_get(form, "backends"), 0);
  json_object_set_new(column, "reachable", json_integer(3));
  expect_refused(with_results(form, &text), "reachable: it says 3, and ");
  form = results_of(&text);
  json_object_del(result_of(form, "kinds.both"), "reached");
  expect_refused(with_results(form, &text), "results of kinds.both: reached: it says nothing");
  form = results_of(&text);
  json_object_set_new(json_object_get(form, "counts"), "judged", json_integer(1));
  expect_refused(with_results(form, &text), "counts.judged");
  form = results_of(&text);
  json_object_set_new(form, "more", json_integer(1));
  expect_refused(with_results(form, &text), "more: it says 1, and nothing follows");

  // What no trace shows: it has to be plain, short, and of no weight.
  static const struct {
    const char* name;
    const char* value;
    const char* words;
  } columns[] = {
      {"machine", "a box\n  status   0", "machine: expected one line"},
      {"machine", "\x1b[8m", "machine: expected one line"},
      {"lacks", NULL, "zx_vcpu_kick answers, and is among what it lacks"},
      {"ended_between", NULL, "ended_between: it says 7, and nothing follows"},
      {"statement", "x", "statement: it says"},
      {"profile", "fuchsia", "no profile of ours"},
      {"arch", "arm64", ""},
  };
  for (size_t i = 0; i < sizeof columns / sizeof columns[0]; i++) {
    form = results_of(&text);
    column = json_array_get(json_object_get(form, "backends"), 0);
    json_t* value = json_integer(7);
    if (columns[i].value != NULL) value = json_string(columns[i].value);
    if (strcmp(columns[i].name, "lacks") == 0) value = json_pack("[s]", "zx_vcpu_kick");
    json_object_set_new(column, columns[i].name, value);
    expect_refused(with_results(form, &text), columns[i].words);
  }
  form = results_of(&text);
  json_object_set_new(form, "requires", json_pack("[s]", "zx_vcpu_kick"));
  expect_refused(with_results(form, &text), "requires: more than a statement has");
  char* much = malloc(1 << 20);
  cr_assert(much != NULL);
  memset(much, 'x', (1 << 20) - 1);
  much[(1 << 20) - 1] = '\0';
  form = results_of(&text);
  json_object_set_new(json_array_get(json_object_get(form, "backends"), 0), "spec",
                      json_string(much));
  expect_refused(with_results(form, &text), "spec: expected one line of at most 1024 bytes");
  form = results_of(&text);
  json_object_set_new(json_object_get(form, "statement"), "waivers", json_string(much));
  expect_refused(with_results(form, &text), "the waivers are longer than 512 KiB");
  free(much);

  // An answer that is gone.
  own = trace_of(&text, both, &length);
  const char* answer = strstr(own, "\n= ZX_");
  cr_assert(answer != NULL && answer < own + length);
  const size_t before = (size_t)(answer + 1 - own);
  const size_t gone = strcspn(answer + 1, "\n") + 1;
  char* less = malloc(length);
  cr_assert(less != NULL);
  memcpy(less, own, before);
  memcpy(less + before, own + before + gone, length - before - gone);
  expect_refused(with_trace(&text, both, less, length - gone), "there is no answer");
  free(less);

  // The digest, and what no digest is of.
  text.text[text.length / 2] ^= 1;
  expect_refused((vs_file){strdup(text.text), text.length}, "its digest, the last line");
  vs_file_free(&text);
}

// --- edits --------------------------------------------------------------------------------------

static uint64_t drawn(uint64_t* state, uint64_t below) {
  *state = *state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
  return (*state >> 33) % below;
}

// One byte is another, or is gone, or is there twice.
static void edit(vs_file* text, uint64_t* state, size_t from, size_t to) {
  const size_t at = from + (size_t)drawn(state, to - from);
  char* place = text->text + at;
  const size_t rest = text->length - at;
  switch (drawn(state, 3)) {
    case 0:
      memmove(place, place + 1, rest);
      text->length--;
      return;
    case 1:
      memmove(place + 1, place, rest);
      text->length++;
      return;
    default:
      *place = (char)(*place ^ (char)(1 + drawn(state, 127)));
  }
}

static vs_file copy_of(const vs_file* text) {
  vs_file copy = {malloc(text->length + 2), text->length};
  cr_assert(copy.text != NULL);
  memcpy(copy.text, text->text, text->length + 1);
  return copy;
}

Test(forged, edits_of_a_thousand_places) {
  take("soft", "s");
  vs_file text = unpacked("s");
  uint64_t state = 19;
  for (int i = 0; i < 1000; i++) {
    char said[VS_WHY_MAX];
    vs_file edited = copy_of(&text);
    edit(&edited, &state, 0, text.length);
    const bool same =
        edited.length == text.length && memcmp(edited.text, text.text, text.length) == 0;
    cr_expect(same || !vs_sampled((size_t)i, 50) || is_refused(&edited, said), "edit %d", i);
    vs_file_free(&edited);
  }
  vs_file_free(&text);
}

// --- edits under a digest that is right ---------------------------------------------------------

// Of the members of the results that follow from traces, each value that holds no other: counts
// them, and makes the one of this number another. Who was judged is claimed, and nothing tells.
static size_t edit_leaf(json_t* form, const char* name, size_t at, uint64_t* state);

// Of a backend: who says so, and how it was asked for.
static bool is_claim(const char* name) {
  static const char* const claims[] = {"digest", "machine", "named", "required"};
  for (size_t i = 0; i < sizeof claims / sizeof claims[0]; i++) {
    if (strcmp(name, claims[i]) == 0) return true;
  }
  return false;
}

static size_t edit_each(json_t* form, size_t at, uint64_t* state) {
  size_t count = 0;
  size_t i;
  const char* name;
  void* next;
  json_t* value;
  json_array_foreach(form, i, value) {
    json_t* holder = json_object();
    json_object_set(holder, "", value);
    count += edit_leaf(holder, "", at - count, state);
    json_array_set(form, i, json_object_get(holder, ""));
    json_decref(holder);
  }
  json_object_foreach_safe(form, next, name, value) {
    if (!is_claim(name)) count += edit_leaf(form, name, at - count, state);
  }
  return count;
}

static size_t edit_leaf(json_t* form, const char* name, size_t at, uint64_t* state) {
  json_t* value = json_object_get(form, name);
  if (json_is_array(value) || json_is_object(value)) return edit_each(value, at, state);
  if (at != 0) return 1;
  if (json_is_string(value)) {
    char text[64];
    snprintf(text, sizeof text, "%.40s%c", json_string_value(value), 'a' + (int)drawn(state, 26));
    json_object_set_new(form, name, json_string(text));
  } else if (json_is_boolean(value)) {
    json_object_set_new(form, name, json_boolean(!json_is_true(value)));
  } else {
    json_object_set_new(form, name, json_real(json_number_value(value) + 1));
  }
  return 1;
}

static const char* const derived[] = {"counts", "clauses", "results", "exit", "shard", "backends"};

static vs_file edited_results(const vs_file* text, uint64_t* state) {
  json_t* form = results_of(text);
  json_t* value = json_object_get(form, derived[drawn(state, 6)]);
  uint64_t nothing = 0;
  json_t* holder = json_object();
  json_object_set(holder, "", value);
  const size_t count = edit_leaf(holder, "", SIZE_MAX, &nothing);
  edit_leaf(holder, "", (size_t)drawn(state, count), state);
  if (json_is_string(value)) json_object_set(form, "shard", json_object_get(holder, ""));
  json_decref(holder);
  return with_results(form, text);
}

// A byte of a trace: what it answers, or what was asked.
static vs_file edited_trace(const vs_file* text, uint64_t* state) {
  vs_file copy = copy_of(text);
  const size_t from = (size_t)(strchr(text->text, '\n') - text->text) + 1;
  edit(&copy, state, from, text->length - SEAL);
  vs_file made = resealed(&copy);
  vs_file_free(&copy);
  return made;
}

Test(forged, edits_under_a_digest_that_is_right) {
  take("wrong", "s");
  vs_file text = unpacked("s");
  unsigned unseen = 0;
  for (size_t i = 0; i < 1000; i++) {
    if (!vs_sampled(i / 2, 100)) continue;
    char said[VS_WHY_MAX];
    uint64_t state = (20 + i) * UINT64_C(0x9e3779b97f4a7c15);
    const bool of_trace = i % 2 == 0;
    vs_file edited = of_trace ? edited_trace(&text, &state) : edited_results(&text, &state);
    const bool changed =
        edited.length != text.length || memcmp(edited.text, text.text, text.length) != 0;
    if (changed) {
      const bool refused = is_refused(&edited, said);
      unseen += !refused;
      cr_expect(refused || of_trace, "edit %zu", i);
    }
    vs_file_free(&edited);
  }
  cr_expect_leq(unseen, vs_sampled(1, 100) ? 100 : 4, "%u edits of traces were not seen", unseen);
  vs_file_free(&text);
}

// --- what is no statement -----------------------------------------------------------------------

static void expect_no_statement(const char* name, const vs_file* bytes, const char* words) {
  vs_why why;
  vs_statement s;
  cr_assert(vs_file_put_whole(path_of(name), write_text, bytes, &why), "%s", why.text);
  const bool read = vs_statement_read(&s, path_of(name), NULL, &why);
  cr_expect(!read, "%s: %s", name, words);
  if (read) {
    vs_statement_free(&s);
  } else {
    cr_expect(strstr(why.text, words) != NULL, "no \"%s\" in: %s", words, why.text);
  }
}

Test(hostile, cut_off_or_spoilt_anywhere) {
  vs_why why;
  vs_file whole;
  vs_file text;
  uint64_t state = 21;
  take("soft", "s");
  cr_assert(vs_file_read(path_of("s"), &whole, &why));
  for (int i = 0; i < 200; i++) {
    const vs_file cut = {whole.text, i < 40 ? (size_t)i : (size_t)drawn(&state, whole.length)};
    expect_no_statement("cut", &cut, cut.length == 0 ? "it is empty" : "it is cut off");
  }
  vs_file genuine = unpacked("s");
  for (int i = 0; i < 200; i++) {
    const size_t at = i < 20 ? (size_t)i : (size_t)drawn(&state, whole.length);
    whole.text[at] ^= (char)(1 << drawn(&state, 8));
    // Bits that pad the last byte of what is deflated say nothing.
    const bool good = vs_gunzip(whole.text, whole.length, VS_STATEMENT_MAX, &text, &why);
    cr_expect(!good || (text.length == genuine.length &&
                        memcmp(text.text, genuine.text, text.length) == 0),
              "byte %zu", at);
    if (good) vs_file_free(&text);
    vs_file_free(&whole);
    cr_assert(vs_file_read(path_of("s"), &whole, &why));
  }
  whole.text[whole.length - 1] ^= 1;  // its length, as it says
  expect_no_statement("lying", &whole, "it is spoilt (incorrect length check)");
  whole.text[whole.length - 1] ^= 1;
  for (int i = 0; i < 100; i++) {
    vs_file part = copy_of(&genuine);
    part.length = (size_t)drawn(&state, genuine.length);
    vs_statement s;
    cr_expect(!vs_statement_parse(&s, "part", &part, NULL, &why));
    vs_file_free(&part);
  }
  vs_file_free(&genuine);
  vs_file_free(&whole);
}

static void expect_no_text(const char* body, size_t length, const char* words) {
  vs_file text = sealed(body, length);
  vs_file packed;
  cr_assert(vs_gzip(text.text, text.length, &packed));
  expect_no_statement("made", &packed, words);
  vs_file_free(&packed);
  vs_file_free(&text);
}

Test(hostile, bombs_and_what_nests_without_end) {
  const size_t size = (size_t)VS_STATEMENT_MAX * 2;
  char* much = malloc(size);
  cr_assert(much != NULL);
  memset(much, ' ', size);
  expect_no_text(much, size, "unpacked, it is longer than 64 MiB");
  memset(much, '[', size);
  much[150000] = '\n';
  expect_no_text(much, 150001, "it is no whole JSON text");
  much[150000] = '[';
  much[1 << 20] = '\n';
  expect_no_text(much, (1 << 20) + 1, "its first line has to be results");
  much[1 << 20] = '[';
  much[VS_STATEMENT_RESULTS + 1] = '\n';
  expect_no_text(much, VS_STATEMENT_RESULTS + 2, "its first line has to be results");
  for (size_t i = 0; i < size; i++) much[i] = i % 2 == 0 ? '0' : ',';
  much[0] = '[';
  much[VS_STATEMENT_RESULTS - 1] = '\n';
  expect_no_text(much, VS_STATEMENT_RESULTS, "it is no whole JSON text");
  expect_no_text("", 0, "it is no whole JSON text");
  expect_no_text("{}\n", 3, "format: expected 'vcpuspec results'");
  expect_no_text("#\n", 2, "it is no whole JSON text");
  expect_shell("printf 'vcpuspec trace 2\\n' > %/plain; " VS_PROGRAM_PATH " verify %/plain", 2,
               "it does not begin as what gzip writes, and a statement, does");
  free(much);
}

Test(hostile, results_that_are_no_statement) {
  expect("run --quiet --backend soft --filter kinds.both --report json:%/r", 0, "");
  expect_shell("python3 -c 'import json; print(json.dumps(json.load(open(\"%/r\"))))' > %/line", 0,
               "");
  vs_why why;
  vs_file line;
  cr_assert(vs_file_read(path_of("line"), &line, &why));
  expect_no_text(line.text, line.length, "these are results, and no statement");
  vs_file_free(&line);
}
