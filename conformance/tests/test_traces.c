// SPDX-License-Identifier: BSD-3-Clause
// A trace says the same wherever it is judged: printed, read again and judged, it gives the verdict
// that it gave when it was recorded.
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "judging.h"
#include "runner/record.h"
#include "text/print.h"

static vs_oracle* oracle(void) {
  static vs_oracle* one;
  if (one == NULL) one = malloc(sizeof *one);
  cr_assert(one != NULL);
  return one;
}

static vs_document print_and_read(const vs_document* recorded) {
  char* text = NULL;
  size_t length;
  FILE* out = open_memstream(&text, &length);
  vs_print_document(out, recorded);
  fclose(out);
  vs_source source = vs_source_of(text, length);
  vs_reading reading = {.arch = VS_ARCH_X64};
  vs_document d;
  vs_fault fault;
  cr_assert_eq(vs_document_read(&source, &reading, &d, &fault), VS_READ_OK, "%zu:%zu: %s",
               fault.line, fault.column, fault.message);
  free(text);
  return d;
}

static void judge_again(const vs_case_result* online, const vs_document* d,
                        const vs_profile* profile) {
  vs_case_result offline = {
      .c = online->c, .target = online->target, .script = vs_document_script(d)};
  const vs_trace trace = vs_document_trace(d);
  vs_result_judge(&offline, oracle(), profile, &trace);
  cr_expect_eq(offline.verdict, online->verdict, "%s on %s: %s online, %s offline", online->c->id,
               online->target->name, vs_verdict_names[online->verdict],
               vs_verdict_names[offline.verdict]);
  cr_expect_eq(offline.judgement.at, online->judgement.at, "%s: another op", online->c->id);
  cr_expect(vs_is_no_clause(offline.judgement.broken ^ online->judgement.broken),
            "%s: other clauses", online->c->id);
}

static void same_twice(const vs_target* target, const vs_case* c, const vs_profile* profile,
                       double timeout) {
  vs_case_result online = {.c = c, .target = target};
  if (c->arch != 0 && c->arch != target->arch) return;
  cr_assert(vs_case_script(c, target->arch, 0, &online.script));
  vs_recording recording;
  cr_assert(vs_recording_start(&recording, target, &online.script, timeout));
  vs_recording_wait(&recording);
  const vs_record* record = recording.record;
  const vs_trace trace = vs_recording_trace(&recording);
  vs_result_judge(&online, oracle(), profile, &trace);
  vs_document recorded = {.is_trace = true,
                          .arch = target->arch,
                          .title = (char*)(uintptr_t)c->title,
                          .ops = (vs_op*)(uintptr_t)online.script.ops,
                          .observations = recording.record->observations,
                          .end = record->done ? VS_TRACE_DONE : VS_TRACE_DIED,
                          .death = "it died",
                          .count = online.script.count};
  vs_document d = print_and_read(&recorded);
  judge_again(&online, &d, profile);
  vs_document_free(&d);
  vs_recording_free(&recording);
  vs_case_script_free(&online.script);
}

static void every_case(const char* spec, const char* profile, double timeout) {
  vs_target target = judging_target(spec);
  if (target.state == VS_TARGET_ABSENT) return;
  cr_assert_eq(target.state, VS_TARGET_READY, "%s: %s", spec, target.reason);
  for (size_t i = 0; i < vs_case_count; i++) {
    same_twice(&target, &vs_cases[i], vs_profile_find(profile), timeout);
  }
}

Test(offline, soft, .timeout = 300) {
  every_case("soft", "documented", 10);
}
Test(offline, unicorn, .timeout = 300) {
  every_case("unicorn", "documented", 10);
}
Test(offline, unicorn_arm64, .timeout = 300) {
  every_case("unicorn:arm64", "documented", 10);
}
Test(offline, kvm, .timeout = 300) {
  every_case("kvm", "zircon-x64", 10);
}
Test(offline, zcore_under_another_profile, .timeout = 300) {
  every_case("soft:zcore", "zircon-x64", 10);
}
Test(offline, wrong_registers, .timeout = 300) {
  every_case("mutant:io_big_endian", "documented", 10);
}
Test(offline, wrong_thread_accepted, .timeout = 300) {
  every_case("mutant:thread_not_checked", "documented", 10);
}
Test(offline, one_that_ends_in_a_call, .timeout = 300) {
  every_case("plugin:" VS_PLUGIN_DIR "/exit_in_call.so", "documented", 2);
}
