// SPDX-License-Identifier: BSD-3-Clause
// Random guest programs: how they are drawn, compared, made smaller, and what is known.
#include <criterion/criterion.h>
#include <fnmatch.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "programs/programs.h"
#include "results/exit.h"

#define WRONG_INSN "plugin:" VS_PLUGIN_DIR "/wrong_insn.so"

static const vs_features everything = {{UINT32_MAX, UINT32_MAX, UINT32_MAX}, true};
static const vs_features nothing = {{0, 0, 0}, false};
static const vs_arch archs[] = {VS_ARCH_X64, VS_ARCH_ARM64};

// --- drawing ------------------------------------------------------------------------------------

Test(snippets, of_one_seed_are_the_same) {
  for (uint64_t i = 0; i < 200; i++) {
    vs_snippet a, b, other;
    vs_snippet_draw(archs[i % 2], 7, i, &everything, &a);
    vs_snippet_draw(archs[i % 2], 7, i, &everything, &b);
    vs_snippet_draw(archs[i % 2], 8, i, &everything, &other);
    cr_assert_eq(memcmp(&a, &b, sizeof a), 0);
    cr_assert_neq(memcmp(a.page, other.page, sizeof a.page), 0);
  }
}

Test(snippets, read_no_flag_that_is_undefined) {
  for (uint64_t i = 0; i < 5000; i++) {
    vs_snippet s;
    vs_flags undefined;
    vs_snippet_draw(VS_ARCH_X64, 0, i, &everything, &s);
    cr_assert(vs_snippet_is_sound(&s, &undefined));
  }
}

Test(snippets, need_only_what_every_backend_has) {
  size_t count;
  const vs_form* forms = vs_forms_of(VS_ARCH_X64, &count);
  for (uint64_t i = 0; i < 2000; i++) {
    vs_snippet s;
    vs_snippet_draw(VS_ARCH_X64, 0, i, &nothing, &s);
    for (uint32_t k = 0; k < s.count; k++)
      cr_assert_eq(forms[s.insns[k].form].feature, VS_FEATURE_NONE);
  }
}

Test(snippets, hold_every_form) {
  for (size_t a = 0; a < 2; a++) {
    static bool seen[2000];
    size_t count;
    const vs_form* forms = vs_forms_of(archs[a], &count);
    memset(seen, 0, sizeof seen);
    for (uint64_t i = 0; i < 8000; i++) {
      vs_snippet s;
      vs_snippet_draw(archs[a], 0, i, &everything, &s);
      for (uint32_t k = 0; k < s.count; k++) seen[s.insns[k].form] = true;
    }
    for (size_t f = 0; f < count; f++) cr_expect(seen[f], "%s", forms[f].name);
  }
}

// --- comparing ----------------------------------------------------------------------------------

static vs_snippet one_of(const char* name) {
  size_t count;
  const vs_form* forms = vs_forms_of(VS_ARCH_X64, &count);
  vs_snippet s = {.arch = VS_ARCH_X64, .count = 1};
  while (strcmp(forms[s.insns[0].form].name, name) != 0) s.insns[0].form++;
  return s;
}

// What is told when a byte of the page is another one.
static vs_differences differ_at(const char* form, size_t at, uint8_t bits) {
  const vs_snippet s = one_of(form);
  const vs_snippet_result a = {.end = VS_RUN_DONE};
  vs_snippet_result b = a;
  b.page[at] ^= bits;
  return vs_results_differ(&s, &a, &b);
}

Test(comparison, leaves_out_flags_that_the_instruction_leaves_undefined) {
  enum { FLAGS = 128, CARRY = 1, ADJUST = 0x10 };
  cr_expect_eq(differ_at("int.and", FLAGS, ADJUST), 0);
  cr_expect_eq(differ_at("int.and", FLAGS, CARRY), vs_differences_of("cf"));
  cr_expect_eq(differ_at("int.add", FLAGS, ADJUST), vs_differences_of("af"));
}

Test(comparison, leaves_out_conditions_of_the_x87_that_are_undefined) {
  enum { HIGH_OF_FSW = VS_PAGE_FLOAT + 3, C2 = 4, C1 = 2 };
  cr_expect_eq(differ_at("x87.fadd", HIGH_OF_FSW, C2), 0);
  cr_expect_eq(differ_at("x87.fadd", HIGH_OF_FSW, C1), vs_differences_of("fsw"));
  cr_expect_eq(differ_at("x87.fcom", HIGH_OF_FSW, C2), vs_differences_of("fsw"));
}

Test(comparison, tells_a_pushed_nt_apart) {
  enum { NT_BYTE = VS_PAGE_LOG_X64 + 16 + 24 + 1, NT = 0x40 };
  cr_expect_eq(differ_at("int.mov", NT_BYTE, NT), vs_differences_of("pushed_nt"));
}

Test(comparison, tells_each_part) {
  const struct {
    size_t at;
    const char* what;
  } parts[] = {{0, "general"},
               {127, "general"},
               {VS_PAGE_FLOAT, "fcw"},
               {VS_PAGE_FLOAT + 4, "ftw"},
               {VS_PAGE_FLOAT + 24, "mxcsr"},
               {VS_PAGE_FLOAT + 32, "st"},
               {VS_PAGE_FLOAT + 160 + 255, "xmm"},
               {VS_PAGE_LOG_X64, "exception"},
               {VS_PAGE_LOG_X64 + 16 + 24, "pushed_flags"},
               {VS_PAGE_LOG_X64 + 16 + 24 + 1, "pushed_flags"},
               {VS_PAGE_LOG_X64 + 16 + 32, "handler_flags"},
               {VS_PAGE_DATA, "memory"},
               {VS_SNIPPET_READ - 1, "memory"}};
  for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
    cr_expect_eq(differ_at("int.mov", parts[i].at, 1), vs_differences_of(parts[i].what), "%s",
                 parts[i].what);
  }
}

// --- running ------------------------------------------------------------------------------------

static void ready(vs_target* target, const char* spec) {
  cr_assert(vs_target_parse(spec, target));
  vs_target_probe(target, 10);
  cr_assert_eq(target->state, VS_TARGET_READY, "%s: %s", spec, target->reason.text);
}

static vs_programs_end compare(const char* a, const char* b, uint64_t count,
                               vs_programs_outcome* outcome, vs_why* why) {
  static vs_target targets[2];
  ready(&targets[0], a);
  ready(&targets[1], b);
  const vs_programs_plan plan = {
      .targets = targets, .target_count = 2, .count = count, .timeout = 5};
  return vs_programs_run(&plan, outcome, why);
}

static vs_programs_outcome outcome;
static vs_why why;

static void expect_wrong_imul(const char* mode, const char* what) {
  setenv("WRONG_INSN", mode, 1);
  cr_assert_eq(compare("unicorn", WRONG_INSN, 1000, &outcome, &why), VS_PROGRAMS_DONE);
  cr_assert_eq(outcome.finding_count, 1, "%s: %zu findings", mode, outcome.finding_count);
  const vs_programs_finding* f = &outcome.findings[0];
  cr_expect_eq(f->snippet.count, 1);
  cr_expect_str_eq(vs_snippet_form(&f->snippet)->name, "int.imul2");
  cr_expect_eq(f->what, vs_differences_of(what), "%s", mode);
}

Test(programs, that_a_register_is_wrong_after_is_found_and_made_one_instruction) {
  expect_wrong_imul("register", "general");
}
Test(programs, that_a_flag_is_wrong_after_is_found_and_made_one_instruction) {
  expect_wrong_imul("flag", "cf");
}
Test(programs, that_a_vector_register_is_wrong_after_is_found_and_made_one_instruction) {
  expect_wrong_imul("xmm", "xmm");
}
Test(programs, that_memory_is_wrong_after_is_found_and_made_one_instruction) {
  expect_wrong_imul("memory", "memory");
}
Test(programs, that_end_the_process_are_found_and_others_go_on) {
  expect_wrong_imul("end", "end");
  cr_expect_eq(outcome.ends[0], 0);
  cr_expect_gt(outcome.ends[1], 1);
  cr_expect_eq(outcome.run, 1000);
}

Test(programs, that_do_not_come_back_are_ended_and_others_go_on) {
  vs_target target;
  vs_station station;
  vs_snippet snippets[3];
  vs_snippet_result results[3];
  setenv("WRONG_INSN", "hang", 1);
  ready(&target, WRONG_INSN);
  cr_assert(vs_station_open(&station, &target, 0.2, &why), "%s", why.text);
  for (uint64_t i = 0; i < 3; i++) vs_snippet_draw(VS_ARCH_X64, 0, i, &nothing, &snippets[i]);
  snippets[1] = one_of("int.imul2");
  snippets[1].insns[0] = (vs_insn){.size = 3, .bytes = {0x0f, 0xaf, 0xc0}};
  memcpy(snippets[1].state, snippets[0].state, sizeof snippets[0].state);
  memcpy(snippets[1].page, snippets[0].page, sizeof snippets[0].page);
  snippets[0].count = snippets[2].count = 0;
  vs_station_begin(&station, snippets, 3);
  cr_assert(vs_station_end(&station, results));
  cr_expect_eq(results[0].end, VS_RUN_DONE);
  cr_expect_eq(results[1].end, VS_RUN_HUNG);
  cr_expect_eq(results[2].end, VS_RUN_DONE);
  vs_station_close(&station);
}

Test(programs, in_whose_handlers_tf_is_set_are_found) {
  setenv("WRONG_INSN", "handler", 1);
  cr_assert_eq(compare("unicorn", WRONG_INSN, 1000, &outcome, &why), VS_PROGRAMS_DONE);
  if (!outcome.features.exceptions) cr_skip_test("a guest's exceptions do not reach its handlers");
  cr_assert_gt(outcome.finding_count, 0);
  for (size_t i = 0; i < outcome.finding_count; i++) {
    cr_expect_eq(outcome.findings[i].what, vs_differences_of("handler_flags"));
    cr_expect_leq(outcome.findings[i].snippet.count, 1);
  }
}

Test(programs, agree_on_an_engine_and_itself) {
  unsetenv("WRONG_INSN");
  cr_assert_eq(compare("unicorn", WRONG_INSN, 1000, &outcome, &why), VS_PROGRAMS_DONE);
  cr_expect_eq(outcome.agreed, 1000);
}

Test(programs, agree_on_kvm_and_unicorn_but_for_what_is_known) {
  vs_target kvm;
  cr_assert(vs_target_parse("kvm", &kvm));
  vs_target_probe(&kvm, 10);
  if (kvm.state != VS_TARGET_READY) cr_skip_test("no /dev/kvm");
  cr_assert_eq(compare("kvm", "unicorn", 2000, &outcome, &why), VS_PROGRAMS_DONE);
  cr_expect_eq(outcome.finding_count, 0);
  cr_expect_eq(outcome.repeated, 0);
  cr_expect_eq(outcome.agreed + outcome.known + outcome.vanished, 2000);
  uint64_t explained = 0;
  for (size_t i = 0; i < VS_KNOWN_FINDINGS; i++) explained += outcome.rows[i];
  cr_expect_geq(explained, outcome.known);
  cr_expect_gt(outcome.rows[VS_KNOWN_mxcsr_flags], 0);
  cr_expect_eq(outcome.rows[VS_KNOWN_qemu_gate], 0);
}

// `a` under another name, to which the table's rows of that engine then apply.
static vs_programs_end compare_as(const char* name, const char* a, const char* b, uint64_t count) {
  static vs_target targets[2];
  ready(&targets[0], a);
  ready(&targets[1], b);
  snprintf(targets[0].name, sizeof targets[0].name, "%s", name);
  const vs_programs_plan plan = {
      .targets = targets, .target_count = 2, .count = count, .timeout = 5};
  return vs_programs_run(&plan, &outcome, &why);
}

Test(programs, that_a_register_is_wrong_after_is_found_also_beside_kvm) {
  setenv("WRONG_INSN", "register", 1);
  cr_assert_eq(compare_as("kvm", "unicorn", WRONG_INSN, 1000), VS_PROGRAMS_DONE);
  cr_assert_eq(outcome.finding_count, 1, "%zu findings", outcome.finding_count);
  cr_expect_str_eq(vs_snippet_form(&outcome.findings[0].snippet)->name, "int.imul2");
}

Test(programs, that_show_a_finding_again_are_not_counted_as_known) {
  expect_wrong_imul("register", "general");
  cr_expect_eq(outcome.known, 0, "%" PRIu64, outcome.known);
  cr_expect_gt(outcome.repeated, 0);
  cr_expect_eq(outcome.agreed + outcome.repeated + 1, 1000);
}

static bool is_found(const char* form) {
  bool found = false;
  for (size_t i = 0; i < outcome.finding_count; i++)
    found |= strcmp(vs_snippet_form(&outcome.findings[i].snippet)->name, form) == 0;
  return found;
}

Test(programs, that_are_wrong_after_an_entry_leave_others_to_be_found) {
  setenv("WRONG_INSN", "entry", 1);
  cr_assert_eq(compare("unicorn", WRONG_INSN, 1000, &outcome, &why), VS_PROGRAMS_DONE);
  cr_expect(is_found("entry"));
  cr_expect(is_found("int.imul2"));
  cr_expect_eq(outcome.finding_count, 2, "%zu", outcome.finding_count);
}

Test(programs, are_not_run_by_what_interprets_the_suites_own) {
  cr_assert_eq(compare("soft", "unicorn", 10, &outcome, &why), VS_PROGRAMS_UNSUPPORTED);
  cr_expect(strstr(why.text, "soft runs only the suite's own guest programs") != NULL, "%s",
            why.text);
}

static int exit_of(const char* command) {
  char line[1024];
  snprintf(line, sizeof line, "%s %s >/dev/null 2>&1", VS_PROGRAM_PATH, command);
  const int status = system(line);  // NOLINT(cert-env33-c)
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

Test(programs, exit_as_the_manual_says) {
  setenv("WRONG_INSN", "register", 1);
  cr_expect_eq(exit_of("programs unicorn " WRONG_INSN " --count 1000"), VS_EXIT_FAILS);
  unsetenv("WRONG_INSN");
  cr_expect_eq(exit_of("programs unicorn " WRONG_INSN " --count 100"), VS_EXIT_CONFORMS);
  cr_expect_eq(exit_of("programs unicorn"), VS_EXIT_USAGE);
  cr_expect_eq(exit_of("programs unicorn unicorn:arm64"), VS_EXIT_USAGE);
  cr_expect_eq(exit_of("programs unicorn nothing"), VS_EXIT_USAGE);
  cr_expect_eq(exit_of("programs unicorn soft"), VS_EXIT_NOTHING);
}

// --- what is known ------------------------------------------------------------------------------

static bool matches_a_form(const vs_known_finding* f) {
  size_t count;
  const vs_form* forms = vs_forms_of(f->arch, &count);
  bool any = fnmatch(f->forms, vs_form_entry.name, FNM_EXTMATCH) == 0;
  for (size_t i = 0; i < count; i++) any |= fnmatch(f->forms, forms[i].name, FNM_EXTMATCH) == 0;
  return any;
}

Test(findings, name_forms_and_differences_that_exist) {
  for (size_t i = 0; i < VS_KNOWN_FINDINGS; i++) {
    const vs_known_finding* f = &vs_known_findings[i];
    char text[VS_DIFFERENCES_TEXT];
    vs_differences_say(vs_differences_of(f->what), ' ', text);
    cr_expect_eq(strlen(text), strlen(f->what), "%s: %s, of which exist: %s", f->id, f->what, text);
    cr_expect(matches_a_form(f), "%s: %s matches no form", f->id, f->forms);
  }
}

// What is known of entering a guest is known of every program.
Test(findings, of_an_entry_explain_flags_alone) {
  const vs_differences flags =
      vs_differences_of("cf pf af zf sf tf if df of nt rf ac vif vip id pushed_nt");
  for (size_t i = 0; i < VS_KNOWN_FINDINGS; i++) {
    const vs_known_finding* f = &vs_known_findings[i];
    if (fnmatch(f->forms, vs_form_entry.name, FNM_EXTMATCH) == 0)
      cr_expect_eq(vs_differences_of(f->what) & ~flags, 0, "%s: %s", f->id, f->what);
  }
}

// The library has another version, perhaps; then a row of the table says too much.
Test(findings, reproducers_show_their_defect) {
  for (size_t i = 0; i < VS_KNOWN_FINDINGS; i++) {
    const vs_known_finding* f = &vs_known_findings[i];
    char line[1024];
    if (f->example == NULL || (f->only != NULL && access(f->only, F_OK) != 0)) continue;
    if (strcmp(f->engine, "kvm") == 0 && access("/dev/kvm", R_OK | W_OK) != 0) continue;
    snprintf(line, sizeof line, "%s/%s >/dev/null 2>&1", VS_FINDINGS_DIR, f->example);
    const int status = system(line);  // NOLINT(cert-env33-c)
    cr_expect(WIFEXITED(status) && WEXITSTATUS(status) == 1,
              "%s: this machine's %s does not have the defect: see findings.def", f->id, f->engine);
  }
}
