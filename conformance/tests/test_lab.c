// SPDX-License-Identifier: BSD-3-Clause
// The lab without its machines: what guests say, what they boot from, and `vcpuspec lab` on a QEMU
// that boots nothing (qemu/).
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lab/initramfs.h"
#include "lab/stream.h"

static char directory[64];
static char text[1 << 20];

static void make_directory(void) {
  strcpy(directory, "/tmp/vcpuspec-lab-XXXXXX");
  cr_assert_not_null(mkdtemp(directory));
}

// In the directory, by a shell.
static int shell(const char* line) {
  char command[4096];
  snprintf(command, sizeof command, "cd %s && ( %s ) 2>&1", directory, line);
  FILE* out = popen(command, "r");
  cr_assert_not_null(out);
  size_t length = fread(text, 1, sizeof text - 1, out);
  text[length] = '\0';
  int status = pclose(out);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void remove_directory(void) {
  shell("rm -rf \"$PWD\"");
}

static void expect(const char* line, int status, const char* words) {
  int got = shell(line);
  cr_expect_eq(got, status, "%s: exit %d, not %d:\n%s", line, got, status, text);
  cr_expect(strstr(text, words) != NULL, "%s: no \"%s\" in:\n%s", line, words, text);
}

// --- what guests say ----------------------------------------------------------------------------

TestSuite(stream, .timeout = 300);

static char heard[4096];
static vs_stream stream;

static void hear(const char* form, const char* a, const char* b) {
  size_t length = strlen(heard);
  snprintf(heard + length, sizeof heard - length, form, a, b);
}
static void on_hello(void* context, const char* machine, const char* release) {
  (void)context;
  hear("hello %s %s;", machine, release);
}
static void on_note(void* context, const char* words) {
  (void)context;
  hear("note %s%s;", words, "");
}
static void on_start(void* context, const char* name) {
  (void)context;
  hear("start %s%s;", name, "");
}
static void on_data(void* context, const char* name, const char* bytes, size_t count) {
  char copy[64];
  (void)context;
  snprintf(copy, sizeof copy, "%.*s", (int)count, bytes);
  hear("data %s=%s;", name, copy);
}
static void on_end(void* context, const char* name, vs_lab_end how, int detail) {
  char words[32];
  (void)context;
  snprintf(words, sizeof words, "%d %d", (int)how, detail);
  hear("end %s %s;", name, words);
}

static const vs_stream_ears ears = {on_hello, on_note, on_start, on_data, on_end, NULL};

// In pieces of so many bytes.
static void say(const char* words, size_t piece) {
  size_t length = strlen(words);
  heard[0] = '\0';
  vs_stream_begin(&stream, &ears);
  for (size_t at = 0; at < length; at += piece) {
    vs_stream_feed(&stream, words + at, length - at < piece ? length - at : piece);
  }
}

static const char whole[] =
    "[    0.1] Linux, and data x 3\n"
    "vcpuspec-lab 1 x86_64 6.1.0\n"
    "note it is there\n"
    "start traces\n"
    "data traces 4 4d2505ca\n"
    "abcd"
    "end traces exit 3\n";

// The block with its sum and its newline, which `whole` leaves out.
static void say_block(char* words, size_t size, const char* block) {
  snprintf(words, size, "vcpuspec-lab 1 a b\ndata t %zu %08x\n%s\nend t exit 3\nbye\n",
           strlen(block), vs_digest32(VS_DIGEST32, block, strlen(block)), block);
}

Test(stream, is_understood_in_pieces_of_any_size) {
  char words[256];
  say_block(words, sizeof words, "ab\ncd");
  for (size_t piece = 1; piece < sizeof words; piece++) {
    say(words, piece);
    cr_assert_str_eq(heard, "hello a b;data t=ab\ncd;end t 0 3;", "pieces of %zu", piece);
    cr_assert(stream.over && !stream.torn);
  }
}

Test(stream, begins_with_the_greeting_whatever_came_before) {
  say("junk\nnote nobody\n\x01\x02\nvcpuspec-lab 1 m r\nnote mine\n", 7);
  cr_expect_str_eq(heard, "hello m r;note mine;");
  cr_expect(!stream.torn && !stream.over);
}

Test(stream, of_a_block_without_its_newline_is_torn) {
  say(whole, 5);
  cr_expect(stream.torn, "%s", heard);
}

Test(stream, of_lost_or_changed_bytes_is_torn) {
  char words[256];
  say_block(words, sizeof words, "abcdefgh");
  for (size_t i = strlen("vcpuspec-lab 1 a b\n"); words[i] != '\0'; i++) {
    char other[256];
    snprintf(other, sizeof other, "%s", words);
    other[i] ^= 1;
    say(other, sizeof other);
    // A changed name, status or goodbye is understood, but is not what was said.
    bool other_words = strcmp(heard, "hello a b;data t=abcdefgh;end t 0 3;") != 0 || !stream.over;
    cr_expect(stream.torn || other_words, "byte %zu: %s", i, heard);
    cr_expect(strstr(heard, "data") == NULL || strstr(heard, "=abcdefgh;") != NULL, "%s", heard);
  }
}

Test(stream, with_what_cannot_be_is_torn) {
  static const char* const bad[] = {"data t 99999 00000000\n",
                                    "data ../t 1 00000000\n",
                                    "data t 1\n",
                                    "data t x 00000000\n",
                                    "end t exit\n",
                                    "end t exit 256\n",
                                    "end t explodes\n",
                                    "what\n",
                                    "start /etc/passwd\n",
                                    "vcpuspec-lab 1 a b\n",
                                    "\n"};
  for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
    char words[128];
    snprintf(words, sizeof words, "vcpuspec-lab 1 a b\n%s", bad[i]);
    say(words, sizeof words);
    cr_expect(stream.torn, "%s", bad[i]);
    cr_expect_str_eq(heard, "hello a b;");
  }
}

Test(stream, without_a_newline_for_ever_is_torn_or_ignored) {
  static char much[100000];
  memset(much, 'x', sizeof much - 1);
  say(much, 1000);
  cr_expect(!stream.torn);
  vs_stream_feed(&stream, "\nvcpuspec-lab 1 a b\n", strlen("\nvcpuspec-lab 1 a b\n"));
  cr_expect(stream.greeted);
  vs_stream_feed(&stream, much, sizeof much - 1);
  cr_expect(stream.torn);
}

Test(stream, that_is_over_hears_nothing_more) {
  say("vcpuspec-lab 1 a b\nbye\nnote more\n", 100);
  cr_expect_str_eq(heard, "hello a b;");
  cr_expect(stream.over);
}

// --- what they boot from ------------------------------------------------------------------------

TestSuite(initramfs, .init = make_directory, .fini = remove_directory, .timeout = 300);

Test(initramfs, unpacks_to_what_went_in) {
  vs_initramfs archive;
  char path[128];
  snprintf(path, sizeof path, "%s/a", directory);
  cr_assert(vs_initramfs_begin(&archive, path));
  cr_expect(vs_initramfs_folder(&archive, "modules"));
  cr_expect(vs_initramfs_text(&archive, "modules/odd", "12345", 5));
  cr_expect(vs_initramfs_text(&archive, "empty", "", 0));
  cr_expect(vs_initramfs_file(&archive, "init", "/proc/self/exe"));
  cr_expect(vs_initramfs_end(&archive), "%s", archive.why.text);
  snprintf(path, sizeof path,
           "cpio -it < a && cpio -i < a && cmp init /proc/%d/exe && test -x init", getpid());
  expect(path, 0, "modules\nmodules/odd\nempty\ninit\n");
  expect(
      "cat modules/odd; test -f empty && test ! -s empty && file=$(stat -c %F modules) && "
      "echo \" $file\"",
      0, "12345 directory\n");
}

Test(initramfs, without_a_file_that_is_to_go_in_is_an_error) {
  vs_initramfs archive;
  char path[128];
  snprintf(path, sizeof path, "%s/a", directory);
  cr_assert(vs_initramfs_begin(&archive, path));
  cr_expect(!vs_initramfs_file(&archive, "init", "/nowhere/init"));
  cr_expect(!vs_initramfs_text(&archive, "plan", "", 0));
  cr_expect(!vs_initramfs_end(&archive));
  cr_expect(strstr(archive.why.text, "/nowhere/init") != NULL, "%s", archive.why.text);
  cr_expect(!vs_initramfs_begin(&archive, "/nowhere/a"));
}

static void write_modules(const char* lines) {
  char path[128];
  snprintf(path, sizeof path, "%s/modules.dep", directory);
  FILE* file = fopen(path, "w");
  cr_assert(file != NULL && fputs(lines, file) >= 0 && fclose(file) == 0);
}

Test(initramfs, modules_come_after_those_that_they_need) {
  static vs_modules modules;
  vs_why why = {""};
  write_modules(
      "a/kvm-amd.ko: a/kvm.ko a/ccp.ko a/irqbypass.ko\n"
      "a/kvm.ko.xz: a/none.ko\n"
      "b/virtio_pci.ko: b/virtio.ko b/virtio_ring.ko\n"
      "b/virtio.ko:\n");
  cr_expect(vs_modules_add(&modules, directory, "kvm_amd", &why), "%s", why.text);
  cr_expect(vs_modules_add(&modules, directory, "virtio-pci", &why), "%s", why.text);
  cr_expect(vs_modules_add(&modules, directory, "virtio", &why), "%s", why.text);
  cr_expect(vs_modules_add(&modules, directory, "built_in", &why), "%s", why.text);
  static const char* const order[] = {"a/irqbypass.ko", "a/ccp.ko",         "a/kvm.ko",
                                      "a/kvm-amd.ko",   "b/virtio_ring.ko", "b/virtio.ko",
                                      "b/virtio_pci.ko"};
  cr_assert_eq(modules.count, sizeof order / sizeof order[0]);
  for (size_t i = 0; i < modules.count; i++) cr_expect_str_eq(modules.paths[i], order[i]);
  cr_expect(!vs_modules_add(&modules, "/nowhere", "kvm", &why));
  cr_expect(strstr(why.text, "/nowhere/modules.dep") != NULL, "%s", why.text);
}

// --- the guest's first process ------------------------------------------------------------------

TestSuite(first_process, .init = make_directory, .fini = remove_directory, .timeout = 300);

Test(first_process, tells_how_each_program_ended_and_what_it_printed) {
  cr_assert_eq(
      shell("printf '%s\\n' 'run one 10 /bin/echo some words' 'run two 10 /bin/false' "
            "'run three 0.2 /bin/sleep 50' 'run four 10 ./nothing' 'run five 10 /bin/ls "
            "/nowhere' 'run six 10 ./kills' 'mad' > plan; printf '#!/bin/sh\\nkill -9 $$\\n' "
            "> kills; chmod +x kills; " VS_INIT_PATH " plan out; cat out"),
      0, "%s", text);
  say(text, 50);
  cr_expect(stream.over && !stream.torn, "%s", stream.why);
  static const char* const told[] = {"start one;data one=some words\n;end one 0 0;",
                                     "start two;end two 0 1;",
                                     "start three;end three 2 0;",
                                     "data four.err=cannot run ./nothing: No such file",
                                     "end four 0 127;",
                                     "data five.err=/bin/ls:",
                                     "start six;end six 1 9;"};
  for (size_t i = 0; i < sizeof told / sizeof told[0]; i++) {
    cr_expect(strstr(heard, told[i]) != NULL, "no \"%s\" in %s", told[i], heard);
  }
}

Test(first_process, sends_much_in_blocks) {
  cr_assert_eq(shell("echo 'run much 20 /usr/bin/seq 30000' > plan; " VS_INIT_PATH
                     " plan out; grep -ac '^data much' out"),
               0, "%s", text);
  cr_expect_gt(atoi(text), 4, "%s", text);
}

// --- vcpuspec lab -------------------------------------------------------------------------------

TestSuite(lab, .init = make_directory, .fini = remove_directory, .timeout = 300);

#define LAB(how)                                                                \
  "touch kernel; FAKE_QEMU=" how " PATH=" VS_QEMU_DIR ":$PATH " VS_PROGRAM_PATH \
  " lab --kernel kernel --programs " VS_PROGRAM_DIR " --backend soft --output o "

Test(lab, judges_what_a_guest_recorded) {
  expect(LAB("") "--inside soft --append 'my words' --report json:r", 0, "soft@custom\n");
  cr_expect(strstr(text, " 200 random scripts: ") != NULL, "%s", text);
  cr_expect(strstr(text, "0 failures;") != NULL, "%s", text);
  expect("cat o/custom.console", 0, "panic=-1");
  cr_expect(strstr(text, " my words\n") != NULL, "%s", text);
  expect("passed=$(" VS_PROGRAM_PATH
         " check o/custom.traces | grep -c ^pass); "
         "[ $passed -ge 200 ] && echo most passed",
         0, "most passed");
  expect(VS_PROGRAM_PATH
         " run --backend recorded:o/custom.traces --backend soft --report json:a; "
         "grep -c '\"fail\"' a",
         1, "0\n");
}

Test(lab, beside_other_backends_is_one_matrix) {
  expect(LAB("") "--inside unicorn:arm64 --arch arm64 --as mine "
                 "--filter 'kinds.*'",
         0, "soft         unicorn:arm64@mine\n");
}

Test(lab, of_a_wrong_implementation_fails_in_cases_sweep_and_scripts) {
  expect(LAB("") "--inside mutant:kind_8_bits", 1,
         "FAIL kinds.aliases on mutant:kind_8_bits@custom");
  cr_expect(strstr(text, "sweep    exit status 1") != NULL, "%s", text);
  expect(LAB("") "--inside mutant:size_not_checked", 1, "again: vcpuspec check o/custom.fuzz");
  expect(VS_PROGRAM_PATH " check o/custom.fuzz | grep -ci ^fail", 0, "");
}

Test(lab, hears_a_guest_on_a_serial_line_or_its_console_too) {
  expect(LAB("serial") "--inside soft --filter 'kinds.*'", 0,
         "cases: pass                             4            4\n");
  expect(LAB("console") "--inside soft --filter 'kinds.*'", 0,
         "cases: pass                             4            4\n");
}

Test(lab, of_a_kernel_that_panics_is_broken_with_its_last_words) {
  expect(
      LAB("panics") "", 3,
      "broken   the guest's kernel panicked: Kernel panic - not syncing: No working init found.");
  cr_expect(strstr(text, "    | Linux version of nobody") != NULL, "%s", text);
  cr_expect(strstr(text, "kvm@custom") != NULL, "%s", text);
}

Test(lab, of_a_guest_that_never_answers_ends_in_time) {
  expect(LAB("silent") "--seconds 1", 3, "broken   the guest said nothing within 1 s");
}

Test(lab, of_a_machine_that_does_not_start_says_why) {
  expect(LAB("dies") "", 3, "    qemu: no such machine\n");
  expect(LAB("off") "", 3, "the guest's machine was turned off before it said anything");
  expect("mkdir p; ln -s /bin/touch /bin/env p; touch kernel; PATH=p " VS_PROGRAM_PATH
         " lab --kernel kernel --backend soft --programs " VS_PROGRAM_DIR,
         3, "cannot be run: No such file or directory (make lab-packages installs it)");
}

Test(lab, of_a_guest_into_whose_words_something_is_printed_is_broken) {
  expect(LAB("torn") "--inside soft", 3, "broken   ");
  cr_expect(strstr(text, "exit status 3") != NULL, "%s", text);
}

Test(lab, of_a_guest_that_floods_is_broken_in_time) {
  expect(LAB("flood") "--seconds 10", 3, "broken   the guest printed more than 256 MiB");
}

Test(lab, of_a_guest_that_says_what_cannot_be_is_broken) {
  expect(LAB("twice") "--inside soft", 3, "the guest ended 'traces', which does not run");
  expect(LAB("no_sweep") "--inside soft", 3, "  sweep    never began\n");
}

Test(lab, that_is_interrupted_says_so_and_leaves_nobody_behind) {
  expect("touch kernel; FAKE_QEMU=silent PATH=" VS_QEMU_DIR ":$PATH " VS_SOURCE_DIR
         "/conformance/tests/signal_when INT 'grep -rq nobody o' " VS_PROGRAM_PATH
         " lab --kernel kernel --programs " VS_PROGRAM_DIR " --output o",
         3, "interrupted: not every case was judged");
  expect("for p in $(pgrep -x sleep); do readlink /proc/$p/cwd; done | grep -cx \"$PWD\"", 1,
         "0\n");
}

// What came out whole is judged, and what did not is never a pass.
Test(lab, of_a_guest_that_ends_in_the_middle_keeps_what_came_out) {
  expect(LAB("cut") "--inside soft --report json:r", 3,
         "Kernel panic - not syncing: in the middle");
  cr_expect(strstr(text, "there is no trace of it") != NULL, "%s", text);
  expect("grep -c '\"verdict\": \"pass\"\\|\"verdict\":\"pass\"' r", 0, "");
  cr_expect_gt(atoi(text), 0, "%s", text);
  expect(VS_PROGRAM_PATH " merge r", 3, "judged");
}

Test(lab, that_cannot_be_asked_for_is_refused_with_the_remedy) {
#define ASK VS_PROGRAM_PATH " lab "
  expect(ASK "--lane x86", 2, "did you mean 'x64'?");
  expect("touch k; " ASK "--kernel k --lane x64", 2, "one or the other");
  expect(ASK "--kernel none", 2, "none: No such file");
  expect("touch k; " ASK "--kernel k --programs .", 2, "lab-init");
  expect("touch k; " ASK "--kernel k --arch riscv", 2, "x86-64 or arm64");
  expect("touch k; " ASK "--kernel k --as ../k --programs " VS_PROGRAM_DIR, 2, "letters, digits");
  expect("touch k; " ASK "--kernel k --modules m --programs " VS_PROGRAM_DIR, 2, "m/modules.dep: ");
  expect(ASK "--kernel .", 2, ". is no file");
  expect("touch k; " ASK "--kernel k --inside none --programs " VS_PROGRAM_DIR, 2, "'none'");
  expect("touch k; " ASK "--kernel k --filter none --programs " VS_PROGRAM_DIR, 5, "no case");
  expect(ASK "--modules m", 2, "--modules goes with --kernel");
  expect(ASK "kinds.both", 2, "--filter chooses cases");
  expect("VCPUSPEC_LAB_CACHE=$PWD " ASK "--lane x64", 2, "`make lab-packages` fetches it");
  expect("touch k; " ASK "--kernel k --profile zircon-arm64 --programs " VS_PROGRAM_DIR, 2,
         "speaks of arm64");
  expect("touch k f; " ASK "--kernel k --output f/o --programs " VS_PROGRAM_DIR, 2, "f/o: ");
  expect("touch k f; " ASK "--kernel k --output f --programs " VS_PROGRAM_DIR, 2, "f: Not a dir");
}
