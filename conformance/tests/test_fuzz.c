// SPDX-License-Identifier: BSD-3-Clause
// What fuzz targets are made of: bytes as scripts and back, scripts that make sense whatever they
// came from, sessions that find, write down, and can be gone through again.
#include <criterion/criterion.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cases/cases.h"
#include "mutate.h"
#include "runner/record.h"
#include "seeds.h"
#include "session.h"
#include "text/file.h"
#include "text/print.h"
#include "words/failure.h"

static const vs_arch archs[] = {VS_ARCH_X64, VS_ARCH_ARM64};
static vs_fuzz_script script;
static vs_fuzz_script again;
static vs_session session;
static uint8_t bytes[VS_FUZZ_BYTES];

// A mutator calls its engine, and there is none.
size_t LLVMFuzzerMutate(uint8_t* data, size_t size, size_t room);
size_t LLVMFuzzerMutate(uint8_t* data, size_t size, size_t room) {
  (void)data;
  (void)room;
  return size;
}

static uint64_t next_random(uint64_t* state) {
  *state = *state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
  return *state >> 33;
}

// --- bytes ------------------------------------------------------------------------------------

static void expect_same(const vs_fuzz_script* a, const vs_fuzz_script* b, const char* what,
                        uint64_t number) {
  cr_assert_eq(a->count, b->count, "%s %lu: %zu ops, then %zu", what, number, a->count, b->count);
  for (size_t i = 0; i < a->count; i++) {
    bool same = memcmp(&a->ops[i], &b->ops[i], sizeof a->ops[i]) == 0;
    cr_assert(same, "%s %lu: op %zu", what, number, i);
  }
}

// That it makes sense is the text form's to say: what it accepts, `run` accepts.
static void expect_sound(const vs_fuzz_script* s, vs_arch arch, uint64_t number) {
  vs_fault fault;
  const vs_document d = {.arch = arch, .ops = (vs_op*)s->ops, .count = s->count};
  cr_assert(vs_document_is_sound(&d, &fault), "script %lu: %s", number, fault.message);
  for (size_t i = 0; i < s->count; i++) cr_assert(vs_op_is_valid(&s->ops[i]));
}

static void expect_stable(size_t size, vs_arch arch, uint64_t number) {
  const vs_arch_info* info = vs_arch_find(arch);
  vs_fuzz_decode(bytes, size, info, &script);
  cr_assert_leq(script.count, VS_FUZZ_OPS);
  expect_sound(&script, arch, number);
  size_t length = vs_fuzz_encode(&script, bytes, sizeof bytes);
  vs_fuzz_decode(bytes, length, info, &again);
  expect_same(&script, &again, "script", number);
}

Test(codec, whatever_bytes_are_a_sensible_script_that_comes_back) {
  uint64_t random = 7;
  uint64_t ops = 0;
  for (uint64_t n = 0; n < 20000; n++) {
    size_t size = next_random(&random) % (n % 10 == 0 ? sizeof bytes : 700);
    for (size_t i = 0; i < size; i++) bytes[i] = (uint8_t)next_random(&random);
    expect_stable(size, archs[n % 2], n);
    ops += script.count;
  }
  cr_expect_gt(ops, 20000u, "bytes by chance make too few operations: %lu", ops);
}

Test(codec, what_mutation_makes_comes_back) {
  for (size_t a = 0; a < 2; a++) {
    vs_mutator mutator;
    cr_assert(vs_mutator_open(&mutator, archs[a]));
    script.count = 0;
    for (uint64_t n = 0; n < 20000; n++) {
      vs_mutator_seed(&mutator, n);
      vs_mutate_script(&mutator, &script);
      cr_assert_leq(script.count, VS_FUZZ_OPS);
      size_t size = vs_fuzz_encode(&script, bytes, sizeof bytes);
      expect_stable(size, archs[a], n);
      if (n % 16 == 0) script.count = 0;
    }
    vs_mutator_close(&mutator);
  }
}

Test(codec, a_single_call_comes_back) {
  uint64_t random = 3;
  const vs_arch_info* info = vs_arch_find(VS_ARCH_X64);
  for (unsigned n = 0; n < 20000; n++) {
    vs_op first;
    vs_op second;
    size_t size = next_random(&random) % 320;
    for (size_t i = 0; i < size; i++) bytes[i] = (uint8_t)next_random(&random);
    vs_fuzz_decode_call(bytes, size, info, &first);
    cr_assert_eq(first.code, VS_CALL_vcpu_write_state);
    size = vs_fuzz_encode_call(&first, bytes, sizeof bytes);
    vs_fuzz_decode_call(bytes, size, info, &second);
    cr_assert(memcmp(&first, &second, sizeof first) == 0, "call %u", n);
  }
}

// Of the calls around it, sense mends what has to be refused.
static bool is_mended(const vs_case* c) {
  static const char* const folders[] = {"derive.", "enter.",     "flags.single_step",
                                        "guests.", "interrupt.", "kick.",
                                        "reads.",  "traps.",     "vcpus.",
                                        "walks."};
  bool found = false;
  for (size_t i = 0; i < sizeof folders / sizeof folders[0]; i++)
    found |= strncmp(c->id, folders[i], strlen(folders[i])) == 0;
  return found;
}

// Whatever a case does can be said in bytes; those that go on for longer, as far as there is room.
Test(codec, each_case_is_an_input) {
  size_t whole = 0;
  for (size_t i = 0; i < vs_case_count; i++) {
    vs_script s;
    const vs_case* c = &vs_cases[i];
    vs_arch arch = c->arch != 0 ? (vs_arch)c->arch : VS_ARCH_X64;
    cr_assert(vs_case_script(c, arch, 0, &s));
    if (s.count <= VS_FUZZ_OPS && !is_mended(c)) {
      script.count = s.count;
      memcpy(script.ops, s.ops, s.count * sizeof s.ops[0]);
      size_t size = vs_fuzz_encode(&script, bytes, sizeof bytes);
      vs_fuzz_decode(bytes, size, vs_arch_find(arch), &again);
      expect_same(&script, &again, c->id, i);
      whole++;
    }
    vs_case_script_free(&s);
  }
  cr_expect_gt(whole, 50u, "only %zu cases are short enough to be compared", whole);
}

// --- sessions ---------------------------------------------------------------------------------

static char* new_directory(char* path) {
  strcpy(path, "/tmp/vcpuspec-fuzz-XXXXXX");
  cr_assert_not_null(mkdtemp(path));
  return path;
}

static void open_session(vs_fuzz_target target, const char* backend, const char* findings) {
  vs_why reason;
  const vs_session_options options = {.target = target,
                                      .backend = backend,
                                      .profile = "documented",
                                      .findings = findings,
                                      .feedback = true};
  cr_assert(vs_session_open(&session, &options, &reason), "%s", reason.text);
}

static void run_mutated(const char* backend, unsigned scripts) {
  vs_observation seen[VS_FUZZ_OPS];
  unsigned unjudged = 0;
  vs_mutator mutator;
  open_session(VS_FUZZ_SCRIPT, backend, NULL);
  cr_assert(vs_mutator_open(&mutator, session.opened.arch));
  for (unsigned n = 0; n < scripts; n++) {
    vs_violation why;
    vs_mutator_seed(&mutator, n);
    if (n % 8 == 0) script.count = 0;
    vs_mutate_script(&mutator, &script);
    size_t size = vs_fuzz_encode(&script, bytes, sizeof bytes);
    vs_fuzz_decode(bytes, size, session.arch, &script);
    const vs_script s = {"", script.ops, script.count};
    vs_step step = vs_session_try(&session, &s, seen, &why);
    cr_assert_neq(step, VS_STEP_BROKEN, "%s: script %u makes no sense", backend, n);
    cr_assert_neq(step, VS_STEP_VIOLATION, "%s: script %u breaks %s", backend, n,
                  vs_clauses[why.clause].id);
    unjudged += step != VS_STEP_ALLOWED;
  }
  cr_expect_lt(unjudged, scripts / 20, "%u of %u scripts were not judged", unjudged, scripts);
  vs_mutator_close(&mutator);
  vs_session_close(&session);
}

Test(session, what_makes_sense_is_judged_on_soft) {
  run_mutated("soft", 3000);
}
Test(session, what_makes_sense_is_judged_on_soft_arm64) {
  run_mutated("soft:arm64", 1500);
}
Test(session, what_makes_sense_is_judged_where_guests_run) {
  run_mutated("unicorn", 1000);
}
Test(session, what_makes_sense_is_judged_where_arm64_guests_run) {
  run_mutated("unicorn:arm64", 1000);
}

// --- findings ---------------------------------------------------------------------------------

// Inputs by mutation alone, until something is found.
static void find(vs_fuzz_target target, const char* backend, const char* directory) {
  enum { MOST = 60000 };
  vs_mutator mutator;
  vs_op call = {0};
  open_session(target, backend, directory);
  cr_assert(vs_mutator_open(&mutator, session.opened.arch));
  script.count = 0;
  for (unsigned n = 0; n < MOST && session.state->violations == 0; n++) {
    vs_mutator_seed(&mutator, n);
    if (n % 8 == 0) script.count = 0;
    size_t size;
    if (target == VS_FUZZ_CALL) {
      vs_mutate_call(&mutator, &call);
      size = vs_fuzz_encode_call(&call, bytes, sizeof bytes);
    } else {
      vs_mutate_script(&mutator, &script);
      size = vs_fuzz_encode(&script, bytes, sizeof bytes);
    }
    vs_session_run(&session, bytes, size);
  }
  cr_assert_gt(session.state->violations, 0u, "nothing was found on %s", backend);
  vs_mutator_close(&mutator);
}

// The one file of a directory.
static void only_file(const char* directory, char* path, size_t size) {
  DIR* d = opendir(directory);
  cr_assert_not_null(d);
  unsigned count = 0;
  for (struct dirent* e = readdir(d); e != NULL; e = readdir(d)) {
    if (e->d_name[0] == '.') continue;
    snprintf(path, size, "%s/%s", directory, e->d_name);
    count++;
  }
  closedir(d);
  cr_assert_eq(count, 1u, "%u files in %s", count, directory);
}

// The script that was written down fails in the same way, in a process of its own.
static void expect_fails_again(const char* directory, const char* backend) {
  char path[512];
  vs_why why;
  vs_file file;
  vs_fault fault;
  vs_document d;
  vs_target target;
  only_file(directory, path, sizeof path);
  cr_assert(vs_file_read(path, &file, &why), "%s", why.text);
  vs_source source = vs_source_of(file.text, file.length);
  vs_reading reading = {.arch = VS_ARCH_X64};
  cr_assert_eq(vs_document_read(&source, &reading, &d, &fault), VS_READ_OK, "%s", fault.message);
  cr_assert(vs_document_is_sound(&d, &fault), "%s", fault.message);
  cr_assert(vs_target_parse(backend, &target));
  target.arch = VS_ARCH_X64;
  const vs_script s = vs_document_script(&d);
  vs_recording recording;
  cr_assert(vs_recording_start(&recording, &target, &s, 10));
  vs_recording_wait(&recording);
  vs_trace trace = {
      .script = s, .arch = target.arch, .observations = recording.record->observations};
  static vs_oracle oracle;
  vs_judgement judgement = vs_judge(&oracle, &trace, vs_profile_find("documented"));
  cr_expect_eq(judgement.step, VS_STEP_VIOLATION);
  const char* clause = vs_clauses[judgement.violation.clause].id;
  cr_expect_not_null(strstr(path, clause), "%s breaks %s", path, clause);
  vs_recording_free(&recording);
  vs_document_free(&d);
  vs_file_free(&file);
  unlink(path);
  rmdir(directory);
}

static void expect_found(vs_fuzz_target target, const char* backend) {
  char directory[64];
  find(target, backend, new_directory(directory));
  vs_session_close(&session);
  expect_fails_again(directory, backend);
}

Test(findings, a_script_that_fails_is_written_down) {
  expect_found(VS_FUZZ_SCRIPT, "mutant:register_rbx_lost");
}
Test(findings, a_script_of_a_guest_that_fails_is_written_down) {
  expect_found(VS_FUZZ_SCRIPT, "mutant:guest_sees_no_rdi");
}
Test(findings, a_call_that_fails_alone_is_written_down_alone) {
  char directory[64];
  char path[512];
  vs_why why;
  vs_file file;
  find(VS_FUZZ_CALL, "mutant:kind_8_bits", new_directory(directory));
  vs_session_close(&session);
  only_file(directory, path, sizeof path);
  cr_assert(vs_file_read(path, &file, &why), "%s", why.text);
  unsigned writes = 0;
  for (const char* at = file.text; (at = strstr(at, "write_state h")) != NULL; at++) writes++;
  cr_expect_leq(writes, 3u, "%u writes:\n%s", writes, file.text);
  vs_file_free(&file);
  expect_fails_again(directory, "mutant:kind_8_bits");
}
Test(findings, a_call_that_fails_after_others_is_written_down_with_them) {
  expect_found(VS_FUZZ_CALL, "mutant:fault_poisons");
}

Test(findings, what_is_known_is_counted_and_not_written_again) {
  char directory[64];
  char path[512];
  find(VS_FUZZ_SCRIPT, "mutant:register_rbx_lost", new_directory(directory));
  only_file(directory, path, sizeof path);
  unlink(path);
  uint64_t before = session.state->violations;
  size_t size = vs_fuzz_encode(&session.script, bytes, sizeof bytes);
  for (unsigned i = 0; i < 3; i++) vs_session_run(&session, bytes, size);
  cr_expect_eq(session.state->violations, before + 3);
  cr_expect_eq(session.state->seen[0].count, before + 3);
  cr_expect_neq(access(path, F_OK), 0);
  rmdir(directory);
  vs_session_close(&session);
}

static uint32_t digest_of(uint8_t reg, uint64_t expected, uint64_t value) {
  const vs_violation v = {.kind = VS_VIOLATION_REGISTER,
                          .clause = VS_CLAUSE_FLAGS,
                          .reg = reg,
                          .expected = expected,
                          .known = UINT64_MAX,
                          .value = value};
  const vs_failure_key key = vs_failure_key_of_part(&v, vs_arch_find(VS_ARCH_X64));
  return vs_failure_digest(&key);
}

// As --known and merge --diff tell them apart. What a number is wrong in varies with its value.
Test(findings, another_flag_is_another_finding_and_another_number_is_none) {
  const uint8_t flags = vs_arch_find(VS_ARCH_X64)->flags;
  cr_expect_neq(digest_of(flags, 0x1, 0), digest_of(flags, 0x800, 0));
  cr_expect_eq(digest_of(flags, 0x1, 0), digest_of(flags, 0x801, 0));
  cr_expect_eq(digest_of(3, 0x1, 0), digest_of(3, 0x800, 0));
}

Test(findings, another_field_of_a_packet_is_another_finding) {
  vs_violation v = {.kind = VS_VIOLATION_PACKET, .clause = VS_CLAUSE_RUNS_GUEST, .field = 1};
  const vs_failure_key one = vs_failure_key_of_part(&v, vs_arch_find(VS_ARCH_X64));
  v.field = 2;
  const vs_failure_key other = vs_failure_key_of_part(&v, vs_arch_find(VS_ARCH_X64));
  cr_expect(!vs_failure_same(&one, &other));
}

// --- feedback and past ------------------------------------------------------------------------

static unsigned tuples(void) {
  unsigned count = 0;
  for (size_t i = 0; i < sizeof session.state->tuples; i++) {
    count += (unsigned)__builtin_popcount(session.state->tuples[i]);
  }
  return count;
}

static size_t write_call(vs_op* op) {
  op->args[0] = vs_arg_slot(VS_FUZZ_SCENE_VCPU);
  return vs_fuzz_encode_call(op, bytes, sizeof bytes);
}

Test(feedback, another_class_of_call_is_another_tuple_and_the_same_is_none) {
  open_session(VS_FUZZ_CALL, "soft", NULL);
  vs_op op = vs_op_new(VS_CALL_vcpu_write_state, session.arch);
  vs_session_run(&session, bytes, write_call(&op));
  unsigned first = tuples();
  cr_expect_gt(first, 0u);
  op.bytes[0] = 9;  // another value of a register is no other class
  vs_session_run(&session, bytes, write_call(&op));
  cr_expect_eq(tuples(), first);
  VS_OP_ARG(&op, vcpu_write_state, buffer_size).number++;
  vs_session_run(&session, bytes, write_call(&op));
  unsigned second = tuples();
  cr_expect_gt(second, first);
  VS_OP_ARG(&op, vcpu_write_state, buffer_size).number--;
  op.thread = 1;
  vs_session_run(&session, bytes, write_call(&op));
  cr_expect_gt(tuples(), second);
  vs_session_close(&session);
}

Test(past, what_led_here_is_a_script) {
  vs_op* ops;
  size_t count;
  open_session(VS_FUZZ_CALL, "soft", NULL);
  for (unsigned n = 0; n < 5; n++) {
    vs_op op = vs_op_new(VS_CALL_vcpu_write_state, session.arch);
    VS_OP_ARG(&op, vcpu_write_state, buffer_size).number = 100 + n;
    vs_session_run(&session, bytes, write_call(&op));
  }
  cr_assert(vs_fuzz_rebuild(session.state, VS_ARCH_X64, &ops, &count));
  uint64_t sizes = 0;
  for (size_t i = 0; i < count; i++) {
    uint64_t size = VS_OP_ARG(&ops[i], vcpu_write_state, buffer_size).number;
    if (ops[i].code == VS_CALL_vcpu_write_state && size < 136) sizes = sizes * 8 + size - 99;
  }
  cr_expect_eq(sizes, 012345u, "the calls are not those that were made, in order");
  free(ops);
  vs_session_close(&session);
}

Test(past, a_garbled_past_is_none) {
  vs_op* ops;
  size_t count;
  open_session(VS_FUZZ_SCRIPT, "soft", NULL);
  session.state->past_used = VS_FUZZ_PAST + 1;
  cr_expect_not(vs_fuzz_rebuild(session.state, VS_ARCH_X64, &ops, &count));
  session.state->past_used = 4;
  session.state->past[0] = session.state->past[1] = 0xff;
  cr_expect_not(vs_fuzz_rebuild(session.state, VS_ARCH_X64, &ops, &count));
  vs_session_close(&session);
}

// --- the rules alone --------------------------------------------------------------------------

Test(model, the_rules_agree_with_themselves) {
  vs_mutator mutator;
  open_session(VS_FUZZ_CALL, VS_FUZZ_MODEL, NULL);
  cr_assert(vs_mutator_open(&mutator, VS_ARCH_X64));
  vs_op call = {0};
  for (unsigned n = 0; n < 200000; n++) {
    vs_mutator_seed(&mutator, n);
    vs_mutate_call(&mutator, &call);
    vs_session_run(&session, bytes, vs_fuzz_encode_call(&call, bytes, sizeof bytes));
  }
  cr_expect_eq(session.state->executions, 200000u);
  cr_expect_gt(tuples(), 500u);
  vs_mutator_close(&mutator);
  vs_session_close(&session);
}

Test(seeds, every_case_becomes_some) {
  char directory[64];
  char command[128];
  new_directory(directory);
  cr_expect_geq(vs_fuzz_write_seeds(directory, VS_FUZZ_SCRIPT, VS_ARCH_X64), vs_case_count / 2);
  cr_expect_geq(vs_fuzz_write_seeds(directory, VS_FUZZ_CALL, VS_ARCH_X64), vs_case_count / 2);
  snprintf(command, sizeof command, "rm -rf %s", directory);
  cr_expect_eq(system(command), 0);
  cr_expect_eq(vs_fuzz_write_seeds(directory, VS_FUZZ_CALL, VS_ARCH_X64), 0u);
}
