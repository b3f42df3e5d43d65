// SPDX-License-Identifier: BSD-3-Clause
// Exported vectors: what they say is true of those that conform, and not of those that do not; the
// data is of its schema; the C forms compile alone, with two compilers, and say the same.
#include <criterion/criterion.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "changed.h"
#include "export/export.h"
#include "judging.h"
#include "runner/record.h"
#include "sampled.h"
#include "soft/soft.h"
#include "text/names.h"

static vs_export exported(const char* profile, vs_arch arch) {
  vs_export export = {.program = "test",
                      .profile = vs_profile_find(profile),
                      .arch = arch,
                      .info = vs_arch_find((uint32_t)arch)};
  for (size_t i = 0; i < vs_case_count; i++) cr_assert(vs_export_case(&export, &vs_cases[i]));
  cr_assert(vs_export_combinations(&export));
  cr_assert_gt(export.case_count, 80);
  cr_assert_gt(export.count, export.case_count + 40);
  return export;
}

// --- what was recorded, held against what was predicted ------------------------------------------

static char what[512];  // differs

static bool status_differs(const vs_prediction* p, const vs_observation* seen) {
  if (vs_decision_find(&p->allowed, seen->status) != NULL) return false;
  const char* name = vs_status_name(seen->status);
  snprintf(what, sizeof what, "%s is not allowed", name != NULL ? name : "a nameless status");
  return true;
}

static bool registers_differ(const vs_prediction* p, const vs_arch_info* info,
                             const vs_observation* seen) {
  for (size_t i = 0; p->has_state && seen->has_state && i < info->register_count; i++) {
    const vs_register* reg = &info->registers[i];
    uint64_t got = 0;
    memcpy(&got, seen->state + reg->offset, reg->width / 8u);
    if (((got ^ p->regs[i].value) & p->regs[i].known) == 0) continue;
    snprintf(what, sizeof what, "%s is 0x%" PRIx64 ", not 0x%" PRIx64 " in 0x%" PRIx64, reg->name,
             got, p->regs[i].value, p->regs[i].known);
    return true;
  }
  return false;
}

// The open handles of a trace.
typedef struct held {
  zx_handle_t values[VS_SLOTS];
  zx_handle_t last[VS_SLOTS];  // also of closed ones
} held;

static bool is_held(const held* h, zx_handle_t value) {
  for (size_t i = 0; i < VS_SLOTS; i++) {
    if (value != 0 && h->values[i] == value) return true;
  }
  return false;
}

static bool receive(held* h, const vs_arg* out, zx_handle_t value) {
  if (out == NULL) return false;
  bool wrong = value == 0 || is_held(h, value);
  h->values[out->slot] = h->last[out->slot] = value;
  if (wrong) snprintf(what, sizeof what, "a handle that is 0 or open was given out");
  return wrong;
}

static bool handle_differs(held* h, const vs_op* op, const vs_observation* seen) {
  bool accepted = seen->status == ZX_OK;
  if ((op->code == VS_CALL_handle_close && accepted) || op->code == VS_CALL_handle_replace) {
    h->values[op->args[0].slot] = 0;
  }
  if (!accepted) return false;
  return receive(h, vs_op_out(op, 0), seen->handle) || receive(h, vs_op_out(op, 1), seen->handle2);
}

// True of a value of the script's own that is a handle's by chance: the vectors say to make
// another.
static bool is_by_chance(const held* h, const vs_op* op) {
  if (op->args[0].form == VS_HANDLE_RAW) return is_held(h, (zx_handle_t)op->args[0].number);
  return op->args[0].form == VS_HANDLE_FLIPPED &&
         is_held(h, h->last[op->args[0].slot] ^ (zx_handle_t)op->args[0].number);
}

static bool op_differs(const vs_predicted* predicted, size_t at, const vs_arch_info* info, held* h,
                       const vs_observation* seen) {
  const vs_op* op = &predicted->script.ops[at];
  const vs_prediction* p = &predicted->predictions[at];
  if (op->code == VS_OP_thread_exit || is_by_chance(h, op)) return false;
  if (status_differs(p, seen) || registers_differ(p, info, seen)) return true;
  bool changed = vs_changed(seen, vs_param_find(op->code, VS_PARAM_IN, 0));
  if (!changed) return handle_differs(h, op, seen);
  snprintf(what, sizeof what, "the buffer was written");
  return true;
}

static bool trace_differs(const vs_vector* vector, const vs_arch_info* info,
                          const vs_record* record) {
  held h = {0};
  for (size_t i = 0; i < vector->predicted.script.count; i++) {
    const vs_observation* seen = &record->observations[i];
    const vs_op* op = &vector->predicted.script.ops[i];
    if (seen->outcome == VS_UNSUPPORTED && op->optional) continue;
    bool setup = vs_op_makes_object(op->code);
    bool lacks = seen->status == ZX_ERR_NOT_SUPPORTED || seen->status == ZX_ERR_NO_MEMORY;
    if (seen->outcome == VS_UNSUPPORTED || (setup && lacks)) return false;
    bool returned = seen->outcome == VS_RETURNED;
    if (!returned) snprintf(what, sizeof what, "did not return");
    if (returned && !op_differs(&vector->predicted, i, info, &h, seen)) continue;
    size_t length = strlen(what);
    snprintf(what + length, sizeof what - length, " (%s, op %zu)", vector->id, i);
    return true;
  }
  return false;
}

static bool differs(const vs_vector* vector, const vs_target* target, double timeout) {
  vs_recording recording;
  cr_assert(vs_recording_start(&recording, target, &vector->predicted.script, timeout));
  vs_recording_wait(&recording);
  cr_assert(recording.record->executing, "%s: %s", target->spec, recording.record->reason.text);
  bool result = trace_differs(vector, vs_arch_find((uint32_t)target->arch), recording.record);
  vs_recording_free(&recording);
  return result;
}

// Cases in which a backend that follows the pages does not answer as published kernels do.
static bool is_of_the_page(const char* id) {
  static const char* const groups[] = {"traps.", "walks.", "guests.other_resource"};
  bool found = false;
  for (size_t i = 0; i < sizeof groups / sizeof groups[0]; i++) {
    found |= strncmp(id, groups[i], strlen(groups[i])) == 0;
  }
  return found;
}

// `kernels`: not of those.
static void expect_true_of(bool kernels, const char* profile, const char* spec) {
  vs_target target = judging_target(spec);
  if (target.state != VS_TARGET_READY) cr_skip_test("%s", target.reason);
  vs_export export = exported(profile, target.arch);
  for (size_t i = 0; i < export.count; i++) {
    bool other = kernels && is_of_the_page(export.vectors[i].id);
    bool differ = !other && differs(&export.vectors[i], &target, 10);
    cr_expect(!differ, "%s on %s: %s", profile, spec, what);
  }
  vs_export_free(&export);
}

static void expect_true(const char* profile, const char* spec) {
  expect_true_of(false, profile, spec);
}

Test(predictions, documented_holds_of_soft) {
  expect_true("documented", "soft");
}
Test(predictions, documented_holds_of_unicorn) {
  expect_true("documented", "unicorn");
}
Test(predictions, documented_holds_of_kvm) {
  expect_true("documented", "kvm");
}
Test(predictions, documented_holds_of_arm64) {
  expect_true("documented", "soft:arm64");
}
Test(predictions, zircon_x64_holds_of_soft) {
  expect_true("zircon-x64", "soft:zircon");
}
Test(predictions, zircon_x64_holds_of_unicorn) {
  expect_true_of(true, "zircon-x64", "unicorn");
}
Test(predictions, zircon_arm64_holds_of_soft) {
  expect_true("zircon-arm64", "soft:arm64:zircon");
}
Test(predictions, zircon_2018_holds_of_soft) {
  expect_true("zircon-2018", "soft:2018");
}
Test(predictions, zcore_holds_of_soft) {
  expect_true("zcore", "soft:zcore");
}

// What the page permits, the vectors do not forbid.
Test(predictions, documented_holds_of_variants, .timeout = 1200) {
  size_t count = 0;
  size_t of_page = 0;
  for (size_t i = 0; i < vs_mutant_count; i++) {
    char spec[96];
    if (vs_mutants[i].breaks != NULL || !vs_sampled(of_page++, 8)) continue;
    snprintf(spec, sizeof spec, "mutant:%s", vs_mutants[i].id);
    expect_true("documented", spec);
    count++;
  }
  cr_expect_gt(count, vs_sampled(1, 8) ? 5 : 1);
}

// --- mutants ----------------------------------------------------------------------------------

// What vectors cannot tell, in words of why.
static const struct {
  const char* id;
  const char* why;
} beyond[] = {
    {"io_fetched_twice", "its buffer has to change during the call"},
    {"flags_fetched_twice", "its buffer has to change during the call"},
    {"close_disturbs_write", "two calls have to meet"},
    {"replace_disturbs_write", "two calls have to meet"},
};

static const char* why_beyond(const char* id) {
  for (size_t i = 0; i < sizeof beyond / sizeof beyond[0]; i++) {
    if (strcmp(beyond[i].id, id) == 0) return beyond[i].why;
  }
  return NULL;
}

static bool is_caught(const vs_export* export, const vs_mutant* mutant) {
  char spec[96];
  snprintf(spec, sizeof spec, "mutant:%s", mutant->id);
  vs_target target = judging_target(spec);
  cr_assert_eq(target.state, VS_TARGET_READY, "%s: %s", spec, target.reason.text);
  for (size_t i = 0; i < export->count; i++) {
    if (differs(&export->vectors[i], &target, 3)) return true;
  }
  return false;
}

// Those over unicorn are about the guest's run.
Test(predictions, no_mutant_of_soft_agrees, .timeout = 1800) {
  vs_export export = exported("zircon-x64", VS_ARCH_X64);
  size_t caught = 0;
  for (size_t i = 0; i < vs_mutant_count; i++) {
    if (!vs_sampled(i, 48)) continue;
    const vs_mutant* mutant = &vs_mutants[i];
    if (strcmp(mutant->base, "soft") != 0 || mutant->breaks == NULL) continue;
    bool is = is_caught(&export, mutant);
    caught += is;
    // What is beyond them may yet show by a refusal among the calls around it.
    cr_expect(is || why_beyond(mutant->id) != NULL, "%s is not caught", mutant->id);
  }
  cr_expect_gt(caught, vs_sampled(1, 48) ? 60 : 1);
  vs_export_free(&export);
}

// --- the program ------------------------------------------------------------------------------

typedef struct outcome {
  int status;
  char text[1 << 20];
} outcome;

// Runs a shell command in a directory of the test's own.
static const outcome* run(const char* format, const char* a, const char* b, const char* c) {
  static outcome result;
  char command[4096];
  int length = snprintf(command, sizeof command,
                        "export VCPUSPEC_RESOURCE=%#x VCPUSPEC_OTHER_RESOURCE=%#x; cd /tmp && ( ",
                        VS_SOFT_RESOURCE, VS_SOFT_OTHER_RESOURCE);
  length += snprintf(command + length, sizeof command - (size_t)length, format, a, b, c);
  snprintf(command + length, sizeof command - (size_t)length, " ) 2>&1");
  FILE* out = popen(command, "r");
  cr_assert(out != NULL);
  size_t got = fread(result.text, 1, sizeof result.text - 1, out);
  cr_assert_lt(got, sizeof result.text - 1);
  result.text[got] = '\0';
  int status = pclose(out);
  cr_assert(WIFEXITED(status));
  result.status = WEXITSTATUS(status);
  return &result;
}

static void expect(const outcome* got, int status, const char* words) {
  cr_expect_eq(got->status, status, "exit %d, not %d:\n%.2000s", got->status, status, got->text);
  cr_expect(strstr(got->text, words) != NULL, "no \"%s\" in:\n%.2000s", words, got->text);
}

static const char* folder(void) {
  static char path[32];
  snprintf(path, sizeof path, "/tmp/vs_export_XXXXXX");
  cr_assert(mkdtemp(path) != NULL);
  return path;
}

static void remove_folder(const char* path) {
  run("rm -r %s", path, "", "");
}

static void expect_valid(const char* options) {
  const char* path = folder();
  expect(run(VS_PROGRAM_PATH " export --format json --output %s/v.json %s", path, options, ""), 0,
         "");
  expect(run("python3 " VS_SOURCE_DIR "/tools/check-vectors %s/v.json", path, "", ""), 0, "valid");
  remove_folder(path);
}

Test(json, documented_is_of_the_schema, .timeout = 600) {
  expect_valid(vs_sampled(1, 2) ? "" : "kinds.both after.accepted threads.other_with_vcpu");
}
Test(json, zircon_arm64_is_of_the_schema) {
  expect_valid(
      "--profile zircon-arm64 --seed 0xffffffffffffffff registers.all_at_once threads.other_io");
}
Test(json, one_case_is_of_the_schema) {
  expect_valid("handles.high_bit_flipped");
}
Test(json, the_schema_refuses_others) {
  expect(run("python3 " VS_SOURCE_DIR "/tools/check-vectors --self-test%s%s%s", "", "", ""), 0,
         "refused");
}

// An object with a sanitizer in it needs a program with the same: clang's is another.
#ifdef __SANITIZE_ADDRESS__
#define SANITIZE " -fsanitize=address,undefined"
enum { SANITIZED = true };
#else
#define SANITIZE ""
enum { SANITIZED = false };
#endif

// Compiles an export with a compiler, against an object, and runs it with those variables.
static void expect_run_with(const char* variables, const char* options, const char* compiler,
                            const char* object, int status, const char* words) {
  if (SANITIZED && strncmp(compiler, "clang", 5) == 0) return;
  const char* path = folder();
  expect(run(VS_PROGRAM_PATH " export --format c --output %s/v.c %s", path, options, ""), 0, "");
  char command[1024];
  snprintf(command, sizeof command,
           "cd %s && %s -Wall -Wextra -Werror" SANITIZE " v.c -x none -o v %s -lpthread", path,
           compiler, object);
  expect(run("%s", command, "", ""), 0, "");
  expect(run("%s %s/v", variables, path, ""), status, words);
  remove_folder(path);
}

static void expect_run(const char* options, const char* compiler, const char* object, int status,
                       const char* words) {
  expect_run_with("", options, compiler, object, status, words);
}

#define CC "cc -std=c17"
#define CLANG "clang -std=c17"
#define CXX "c++ -std=c++17 -x c++"
#define CLANGXX "clang++ -std=c++17 -x c++"
#define WRONG(name) VS_PLUGIN_DIR "/wrong_" name ".so"

// What is read and of which nothing is known is not compared: no function for it stands there.
Test(c_program, that_compares_no_register_has_no_warning) {
  char path[32];
  char script[48];
  snprintf(path, sizeof path, "%s", folder());
  snprintf(script, sizeof script, "%s/r.vcpu", path);
  FILE* out = fopen(script, "w");
  cr_assert(out != NULL);
  fputs("vcpuspec script 2\nT0: h0 h1 = guest_create\nT0: h2 = vcpu_create h0 dump\n", out);
  fputs("T0: read_state h2\n", out);
  fclose(out);
  expect_run(script, CC, VS_SOFT_PLUGIN, 0, "");
  remove_folder(path);
}

// The whole suite, which takes compilers long: once by make test-long, in all ways by make
// test-all.
Test(whole, documented_with_cc, .timeout = 600) {
  expect_run("", CC, VS_SOFT_PLUGIN, 0, " 0 fail, 0 not judged");
}
Test(whole, documented_as_cxx, .timeout = 600) {
  expect_run("", CLANGXX, VS_SOFT_PLUGIN, 0, " 0 fail, 0 not judged");
}
Test(whole, zircon_x64_with_clang, .timeout = 600) {
  expect_run("--profile zircon-x64", CLANG, VS_SOFT_ZIRCON_PLUGIN, 0, " 0 fail, 0 not judged");
}
Test(c, some_as_cxx) {
  expect_run("kinds.both threads.other_with_vcpu handles.closed handles.high_bit_flipped", CXX,
             VS_SOFT_PLUGIN, 0, " 0 fail, 0 not judged");
}
Test(c, compiles_freestanding) {
  expect_run("kinds.both handles.zero", CC " -ffreestanding", VS_SOFT_PLUGIN, 0,
             "2 conform, 0 fail");
}
Test(c, has_creations_that_are_refused) {
  expect_run("guests.options vcpus.options", CC, VS_SOFT_PLUGIN, 0, "2 conform, 0 fail");
}
Test(c, what_is_lacking_is_not_judged) {
  expect_run("after.many_refusals kinds.both", CC, VS_PLUGIN_DIR "/least.so", 0,
             "# SKIP for want of zx_handle_duplicate");
}
Test(c, another_resource_is_refused) {
  expect_run("guests.other_resource kinds.both", CC, VS_SOFT_PLUGIN, 0, "2 conform, 0 fail");
  expect_run("guests.other_resource kinds.both", CC, VS_SOFT_ZIRCON_PLUGIN, 1,
             "- guests.other_resource\n# op ");
}
Test(c, without_another_resource_what_needs_one_is_not_judged) {
  expect_run_with("VCPUSPEC_OTHER_RESOURCE=0", "guests.other_resource kinds.both", CC,
                  VS_SOFT_PLUGIN, 0, "# SKIP for want of other_resource");
}
Test(c, wrong_kind_fails) {
  expect_run("kinds.aliases kinds.both", CC, WRONG("kind"), 1, "- kinds.aliases\n# op ");
}
Test(c, wrong_size_fails) {
  expect_run("sizes.state_0_to_300 kinds.both", CC, WRONG("size"), 1,
             "- sizes.state_0_to_300\n# op ");
}
Test(c, wrong_register_fails) {
  expect_run("kinds.both after.accepted", CC, WRONG("register"), 1, ": rbx: allowed 0x");
}
Test(c, only_wrong_kinds_fail) {
  expect_run("kinds.both sizes.state_0_to_300", CC, WRONG("kind"), 0, "2 conform, 0 fail");
}

// --- a program of one script --------------------------------------------------------------------

static void expect_one(const char* id, const char* object, int status, const char* words) {
  expect_run(id, CC, object, status, words);
  expect_run(id, CLANG, object, status, words);
  expect_run(id, CXX, object, status, words);
}

Test(one, plain) {
  expect_one("kinds.both", VS_SOFT_PLUGIN, 0, "conforms");
}
Test(one, threads) {
  expect_one("lives.three_threads", VS_SOFT_PLUGIN, 0, "conforms");
}
Test(one, thread_that_ends) {
  expect_one("threads.creator_gone", VS_SOFT_PLUGIN, 0, "conforms");
}
Test(one, placements) {
  expect_one("buffers.state_straddles", VS_SOFT_PLUGIN, 0, "conforms");
}
Test(one, made_up_handles) {
  expect_one("handles.mid_bit_flipped", VS_SOFT_PLUGIN, 0, "conforms");
}
Test(one, wrong_kind) {
  expect_one("kinds.aliases", WRONG("kind"), 1, ": allowed ZX_ERR_INVALID_ARGS, got ZX_OK");
}
Test(one, wrong_size) {
  expect_one("sizes.state_0_to_300", WRONG("size"), 1, "got ZX_OK");
}
Test(one, wrong_register) {
  expect_one("kinds.both", WRONG("register"), 1, "zx_vcpu_read_state(h2, ZX_VCPU_STATE, ");
}

// --- usage ------------------------------------------------------------------------------------

static void expect_program(const char* arguments, int status, const char* words) {
  expect(run(VS_PROGRAM_PATH " export %s", arguments, "", ""), status, words);
}

Test(usage, format_is_needed) {
  expect_program("", 2, "export needs --format json or --format c");
}
Test(usage, misspelt_format) {
  expect_program("--format jsn", 2, "did you mean 'json'");
}
Test(usage, architecture_of_another_profile) {
  expect_program("--format c --profile zircon-x64 --arch arm64", 2, "speaks of x86-64 alone");
}
Test(usage, nothing_to_export) {
  expect_program("--format c races.kick", 5, "races.kick is left out: op 5: runs beside");
}
Test(usage, what_is_left_out_is_named) {
  expect_program("--format json races.kick kinds.both", 0, "races.kick is left out");
}
Test(usage, output_cannot_be_written) {
  expect_program("--format json --output /nowhere/v.json kinds.both", 3, "cannot be written");
}
