// SPDX-License-Identifier: BSD-3-Clause
// Sweeps: their order, what they find, and what an interruption changes.
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "sampled.h"
#include "sweep/compose.h"
#include "sweep/product.h"
#include "sweep/scene.h"
#include "sweep/show.h"
#include "sweep/sweep.h"

#define PLUGIN(name) "plugin:" VS_PLUGIN_DIR "/" name ".so"

static bool same_combination(const vs_combination* a, const vs_combination* b) {
  return a->io == b->io && memcmp(a->value, b->value, sizeof a->value) == 0;
}

static void expect_same(const vs_failures* a, const vs_failures* b) {
  cr_assert_eq(a->count, b->count);
  for (size_t i = 0; i < a->count; i++) {
    const vs_failure* x = &a->items[i];
    const vs_failure* y = &b->items[i];
    cr_expect(vs_failure_same(&x->key, &y->key));
    cr_expect(x->count == y->count && x->stage == y->stage && x->from == y->from && x->to == y->to);
  }
}

// --- the order --------------------------------------------------------------------------------

static vs_space* space_of(uint8_t depth) {
  vs_space* space = vs_space_new(VS_ARCH_X64, depth, vs_scene_is_possible);
  cr_assert(space != NULL);
  return space;
}

Test(sweep_space, every_value_of_every_class_comes_up_alone) {
  vs_space* space = space_of(1);
  static bool seen[2][VS_FACTOR_COUNT][VS_CLASS_VALUES];
  for (size_t stage = 0; stage < space->stage_count; stage++) {
    vs_odometer o;
    vs_odometer_set(&o, space, stage, 0);
    for (uint64_t i = 0; i < space->stages[stage].count; i++) {
      unsigned away = 0;
      for (vs_factor f = 0; f < VS_FACTOR_COUNT; f++) {
        away += o.c.value[f] != 0;
        seen[o.c.io][f][o.c.value[f]] = true;
      }
      cr_assert_leq(away, 1);
      vs_odometer_next(&o);
    }
  }
  for (unsigned io = 0; io < 2; io++) {
    for (vs_factor f = 0; f < VS_FACTOR_COUNT; f++) {
      for (uint16_t v = 0; v < space->counts[io][f]; v++) {
        // A running vCPU is another thread's: that makes two.
        bool running = f == VS_FACTOR_VCPU && strcmp(space->values[io][f][v].name, "running") == 0;
        cr_expect(seen[io][f][v] || running, "%s %u", vs_factor_names[f], v);
      }
    }
  }
  vs_space_free(space);
}

Test(sweep_space, no_combination_comes_twice_and_any_can_be_stood_at) {
  vs_space* space = space_of(2);
  const uint64_t count = space->stages[0].count;
  vs_combination* all = calloc(count, sizeof *all);
  cr_assert(all != NULL);
  vs_odometer o;
  vs_odometer_set(&o, space, 0, 0);
  for (uint64_t i = 0; i < count; i++) {
    all[i] = o.c;
    if (i > 0) cr_assert_not(same_combination(&all[i], &all[i - 1]));
    vs_odometer_next(&o);
  }
  for (uint64_t i = 0; i < count; i += 97) {
    vs_odometer_set(&o, space, 0, i);
    cr_assert(same_combination(&o.c, &all[i]), "at %lu", (unsigned long)i);
  }
  free(all);
  vs_space_free(space);
}

Test(sweep_space, batches_are_the_whole_without_overlap) {
  vs_space* space = space_of(3);
  uint64_t combinations = 0;
  size_t stage = 0;
  uint64_t expected = 0;
  for (uint64_t batch = 0; batch < space->batches; batch++) {
    uint64_t from;
    uint64_t to;
    size_t at = vs_space_batch(space, batch, &from, &to);
    if (at != stage) {
      cr_assert_eq(expected, space->stages[stage].count);
      cr_assert_eq(at, stage + 1);
      stage = at;
      expected = 0;
    }
    cr_assert_eq(from, expected);
    cr_assert_gt(to, from);
    expected = to;
    combinations += to - from;
  }
  cr_expect_eq(combinations, space->combinations);
  cr_expect_geq(combinations, 1000000u);
  vs_space_free(space);
}

Test(sweep_space, depth_4_is_ten_million) {
  vs_space* space = space_of(4);
  cr_expect_geq(space->combinations, 10000000u);
  vs_space_free(space);
}

static void is_valid_script(const vs_space* space, size_t stage) {
  vs_scene scene;
  vs_odometer o;
  vs_odometer_set(&o, space, stage, 0);
  vs_scene_make(space, &o.c, true, &scene);
  cr_assert_leq(scene.count, (size_t)VS_SCENE_OPS);
  cr_assert_leq(scene.end_count, (size_t)VS_SCENE_END_OPS);
  for (size_t i = 0; i < scene.count; i++) cr_assert(vs_op_is_valid(&scene.ops[i]));
  for (size_t i = 0; i < scene.end_count; i++) cr_assert(vs_op_is_valid(&scene.end[i]));
  for (uint64_t i = 0; i < space->stages[stage].count; i++) {
    vs_op op = vs_op_new(space->call, vs_arch_find(space->arch));
    vs_compose_call(space, &scene, &o.c, 0, &op);
    cr_assert(op.code == space->call && vs_op_is_valid(&op), "%s", vs_ops[space->call].name);
    vs_odometer_next(&o);
  }
}

Test(sweep_space, every_call_and_scene_is_valid_script) {
  for (unsigned call = 0; call < VS_CALL_COUNT; call++) {
    for (unsigned arch = VS_ARCH_X64; arch <= VS_ARCH_ARM64; arch++) {
      vs_space* space = vs_space_of_call((vs_call_index)call, (vs_arch)arch, 2, VS_RANK_OF_PAIRS,
                                         vs_scene_is_possible);
      cr_assert(space != NULL, "%s", vs_ops[call].name);
      cr_expect_gt(space->combinations, 0, "%s", vs_ops[call].name);
      for (size_t stage = 0; stage < space->stage_count; stage++) is_valid_script(space, stage);
      vs_space_free(space);
    }
  }
}

// Of every call but zx_vcpu_write_state each parameter is a factor, in the order of its row.
Test(sweep_space, every_parameter_is_a_factor) {
  for (unsigned call = 0; call < VS_CALL_COUNT; call++) {
    if (call == VS_CALL_vcpu_write_state) continue;
    vs_space* space = vs_space_of_call((vs_call_index)call, VS_ARCH_X64, 1, VS_RANK_OF_PAIRS,
                                       vs_scene_is_possible);
    cr_assert(space != NULL);
    uint8_t parameter = 0;
    for (; parameter < VS_ARGS_MAX; parameter++) {
      const vs_param* param = &vs_ops[call].params[parameter];
      bool factor = param->type == VS_PARAM_NONE;
      for (unsigned f = 0; f < space->factor_count && !factor; f++) {
        bool its = space->factors[f].parameter == parameter;
        factor = its && strcmp(space->factors[f].name, param->name) == 0;
      }
      cr_expect(factor, "%s: %s is no factor", vs_ops[call].name, param->name);
    }
    vs_space_free(space);
  }
}

// --- the model ----------------------------------------------------------------------------------

Test(sweep_model, is_the_pages_on_every_profile_but_for_named_defects, .timeout = 600) {
  for (size_t i = 0; i < vs_profile_count; i++) {
    if (!vs_sampled(i, 4)) continue;
    const vs_profile* profile = &vs_profiles[i];
    vs_product product;
    vs_arch arch = profile->arch != 0 ? (vs_arch)profile->arch : VS_ARCH_X64;
    cr_assert(vs_product_count_all(profile, arch, 1, 1, &product));
    cr_expect_geq(product.combinations, 100000000u);
    cr_expect_eq(product.empty, 0);
    cr_expect_eq(product.outside, 0, "%s", profile->id);
  }
}

Test(sweep_model, shards_add_up, .timeout = 300) {
  const vs_profile* profile = vs_profile_find("zircon-x64");
  vs_product whole;
  cr_assert(vs_product_count_all(profile, VS_ARCH_X64, 1, 1, &whole));
  uint64_t sum = 0;
  uint64_t ok = 0;
  for (uint64_t shard = 1; shard <= 3; shard++) {
    vs_product part;
    cr_assert(vs_product_count_all(profile, VS_ARCH_X64, shard, 3, &part));
    sum += part.combinations;
    for (size_t i = 0; i < part.status_count; i++) {
      if (part.statuses[i].status == ZX_OK) ok += part.statuses[i].count;
    }
  }
  cr_expect_eq(sum, whole.combinations);
  for (size_t i = 0; i < whole.status_count; i++) {
    if (whole.statuses[i].status == ZX_OK) cr_expect_eq(ok, whole.statuses[i].count);
  }
}

Test(sweep_model, an_order_that_ends_too_early_is_noticed, .timeout = 300) {
  vs_profile profile = *vs_profile_find("zircon-x64");
  // Nobody looks at the rights any more.
  for (size_t i = 0; i < VS_CHECK_COUNT; i++) {
    if (profile.order[i] == VS_CHECK_ACCESS_DENIED) profile.order[i] = VS_CHECK_WRONG_TYPE;
  }
  vs_product product;
  cr_assert(vs_product_count_all(&profile, VS_ARCH_X64, 1, 1, &product));
  cr_expect_gt(product.outside, 0);
}

// --- backends -----------------------------------------------------------------------------------

static bool swept(const char* spec, const char* profile, uint8_t depth, uint64_t shard,
                  uint64_t shards, unsigned jobs, vs_sweep_outcome* outcome) {
  vs_target target;
  cr_assert(vs_target_parse(spec, &target));
  vs_target_probe(&target, 10);
  if (target.state == VS_TARGET_ABSENT) return false;
  cr_assert_eq(target.state, VS_TARGET_READY, "%s: %s", spec, target.reason);
  vs_space* space = vs_space_new(target.arch, depth, vs_scene_is_possible);
  cr_assert(space != NULL);
  const vs_sweep_plan plan = {.target = &target,
                              .profile = vs_profile_find(profile),
                              .space = space,
                              .from = space->batches * (shard - 1) / shards,
                              .to = space->batches * shard / shards,
                              .jobs = jobs,
                              .timeout = 10};
  cr_expect_eq(vs_sweep(&plan, outcome), VS_SWEEP_DONE, "%s: %s", spec, outcome->reason);
  cr_expect_eq(outcome->broken, 0, "%s", spec);
  vs_space_free(space);
  return true;
}

static void expect_clean(const char* spec, const char* profile, uint8_t depth) {
  static vs_sweep_outcome outcome;
  if (!swept(spec, profile, depth, 1, 1, 1, &outcome)) cr_skip_test("%s is not here", spec);
  cr_expect_eq(outcome.failures.count, 0, "%s: %s", spec,
               vs_clauses[outcome.failures.items[0].key.clause].id);
  cr_expect_eq(outcome.deaths, 0);
  cr_expect_gt(outcome.counts.accepted, 0);
  cr_expect_gt(outcome.counts.refused, outcome.counts.accepted);
}

Test(sweep, soft_conforms, .timeout = 600) {
  expect_clean("soft", "documented", 2);
}
Test(sweep, soft_conforms_to_its_kernel, .timeout = 600) {
  expect_clean("soft", "zircon-x64", 2);
}
Test(sweep, soft_arm64_conforms, .timeout = 600) {
  expect_clean("soft:arm64", "documented", 1);
}
Test(sweep, unicorn_conforms, .timeout = 600) {
  expect_clean("unicorn", "documented", 1);
}
Test(sweep, unicorn_arm64_conforms, .timeout = 600) {
  expect_clean("unicorn:arm64", "documented", 1);
}
Test(sweep, kvm_conforms, .timeout = 600) {
  expect_clean("kvm", "documented", 1);
}

static void add(vs_sweep_counts* sum, const vs_sweep_counts* part) {
  sum->accepted += part->accepted;
  sum->refused += part->refused;
  sum->skipped += part->skipped;
}

Test(sweep, shards_and_jobs_add_up_to_the_whole, .timeout = 600) {
  static vs_sweep_outcome whole;
  static vs_sweep_outcome jobs;
  static vs_sweep_outcome part;
  static vs_failures together;
  const char* spec = "mutant:kind_8_bits";
  vs_sweep_counts sum = {0};
  swept(spec, "documented", 2, 1, 1, 1, &whole);
  swept(spec, "documented", 2, 1, 1, 3, &jobs);
  for (uint64_t shard = 1; shard <= 3; shard++) {
    swept(spec, "documented", 2, shard, 3, 1, &part);
    add(&sum, &part.counts);
    for (size_t i = 0; i < part.failures.count; i++) {
      vs_failures_note(&together, &part.failures.items[i]);
    }
  }
  cr_expect_eq(memcmp(&jobs.counts, &whole.counts, sizeof whole.counts), 0);
  cr_expect_eq(memcmp(&sum, &whole.counts, sizeof whole.counts), 0);
  cr_expect_gt(whole.failures.count, 0);
  vs_failures_sort(&together);
  expect_same(&jobs.failures, &whole.failures);
  expect_same(&together, &whole.failures);
}

// --- the program --------------------------------------------------------------------------------

typedef struct outcome {
  int status;
  char text[262144];  // both streams
} outcome;

static const outcome* shell(const char* command) {
  static outcome result;
  memset(&result, 0, sizeof result);
  FILE* out = popen(command, "r");
  cr_assert(out != NULL);
  size_t length = fread(result.text, 1, sizeof result.text - 1, out);
  cr_assert_lt(length, sizeof result.text - 1, "the output is longer than a test reads");
  int status = pclose(out);
  cr_assert(WIFEXITED(status), "%s died", command);
  result.status = WEXITSTATUS(status);
  return &result;
}

static const outcome* sweep_with(const char* arguments) {
  char command[2048];
  snprintf(command, sizeof command, "( %s sweep %s ) 2>&1", VS_PROGRAM_PATH, arguments);
  return shell(command);
}

static void expect(const char* arguments, int status, const char* words) {
  const outcome* got = sweep_with(arguments);
  cr_expect_eq(got->status, status, "sweep %s: exit %d, not %d:\n%s", arguments, got->status,
               status, got->text);
  cr_expect(strstr(got->text, words) != NULL, "sweep %s: no \"%s\" in:\n%s", arguments, words,
            got->text);
}

// The first script that the sweep prints, run alone, breaks the same clause.
static void expect_script(const char* spec, const char* profile, const char* depth,
                          const char* clause) {
  char path[] = "/tmp/vcpuspec-sweep-XXXXXX";
  int fd = mkstemp(path);
  cr_assert_geq(fd, 0);
  close(fd);
  char command[4096];
  snprintf(command, sizeof command,
           "%s sweep --backend %s --profile %s --depth %s --timeout 1 2>&1 | sed -n "
           "'/^vcpuspec script 2/,/^$/{p};/^T[0-9]/p' | awk '/^vcpuspec script/ && n++ {exit} "
           "!/^T/ || !seen[$0]++' > %s; grep -q 'clause %s' %s && %s run %s --backend %s "
           "--profile %s --timeout 1 2>&1; rc=$?; rm -f %s; exit $rc",
           VS_PROGRAM_PATH, spec, profile, depth, path, clause, path, VS_PROGRAM_PATH, path, spec,
           profile, path);
  const outcome* got = shell(command);
  cr_expect_eq(got->status, 1, "%s: exit %d:\n%s", spec, got->status, got->text);
  char line[128];
  snprintf(line, sizeof line, "clause   %s", clause);
  cr_expect(strstr(got->text, line) != NULL, "%s: no \"%s\" in:\n%s", spec, line, got->text);
}

Test(sweep_finds, kind_alias, .timeout = 600) {
  expect_script("mutant:kind_8_bits", "documented", "1", "write_state.description.kind");
}
Test(sweep_finds, size_alias, .timeout = 600) {
  expect_script("mutant:size_32_bits", "documented", "1", "write_state.errors.invalid_args.size");
}
Test(sweep_finds, refused_write_that_changes_a_register, .timeout = 600) {
  expect_script("mutant:refused_kind_written", "documented", "1", "write_state.refusal.unchanged");
}
Test(sweep_finds, crash, .timeout = 600) {
  expect_script("mutant:buffer_read_directly", "documented", "1",
                "write_state.errors.invalid_args.buffer");
}
Test(sweep_finds, other_order, .timeout = 600) {
  const outcome* got =
      sweep_with("--backend mutant:arguments_first --profile zircon-x64 --depth 2");
  cr_expect_eq(got->status, 1, "%s", got->text);
  cr_expect(strstr(got->text, "which the profile looks at first") != NULL, "%s", got->text);
}
Test(sweep_finds, fault_that_is_remembered_across_stages, .timeout = 600) {
  expect("--backend mutant:handle_closed_lives --depth 1", 1, "write_state.errors.bad_handle");
}
Test(sweep_finds, crash_on_every_success, .timeout = 600) {
  expect("--backend mutant:crash_on_success --depth 1 --timeout 1", 1, "write_state.return.ok");
}
Test(sweep_finds, hang, .timeout = 600) {
  expect("--backend mutant:hang_on_success --depth 1 --timeout 0.5", 1, "gave up: ");
  expect("--backend mutant:hang_on_success --depth 1 --timeout 0.5", 1, "write_state.return.ok");
}
Test(sweep_finds, plugin_that_ends_the_process, .timeout = 600) {
  expect("--backend " PLUGIN("exit_in_call") " --depth 1 --timeout 1", 1, "no answer");
}
Test(sweep_finds, permitted_variants_are_no_failures, .timeout = 600) {
  expect("--backend mutant:io_odd_size_accepted --depth 2", 0, "0 failures");
  expect("--backend mutant:io_upper_zeroed --depth 2", 0, "0 failures");
}

// --- other calls --------------------------------------------------------------------------------

Test(sweep_calls, what_is_predicted_is_judged, .timeout = 600) {
  expect("--backend soft --call interrupt --depth 2", 0, " combinations judged: ");
  expect("--backend soft --call zx_vcpu_read_state --depth 1", 0, " combinations judged: ");
  expect("--backend mutant:interrupt_even_refused --call interrupt --depth 1", 1,
         "family.interrupt.accepted");
  expect("--backend mutant:read_drifts --call read_state --depth 1", 1,
         "family.read_state.reports");
}
Test(sweep_calls, what_is_not_predicted_is_only_recorded, .timeout = 600) {
  for (unsigned call = 0; call < VS_CALL_COUNT; call++) {
    if (vs_ops[call].phase == VS_PHASE_JUDGED) continue;
    char arguments[128];
    snprintf(arguments, sizeof arguments, "--backend soft --depth 1 --call %s", vs_ops[call].name);
    expect(arguments, 5, " 0 combinations judged: ");
  }
}
Test(sweep_calls, bad_names) {
  expect("--call writ_state", 2, "is no call");
  expect("--backend model --call enter", 2, "--call means nothing");
}

Test(sweep_program, nothing_to_judge, .timeout = 300) {
  expect("--backend " PLUGIN("no_guest") " --depth 1", 5, "zx_guest_create returned");
}
Test(sweep_program, bad_flags) {
  expect("--shard 0/3", 2, "--shard");
  expect("--shard 4/3", 2, "--shard");
  expect("--shard 1", 2, "--shard");
  expect("--shard 1/3x", 2, "--shard");
  expect("--depth 0", 2, "out of bounds");
  expect("--depth 6", 2, "out of bounds");
  expect("--depth deep", 2, "out of bounds");
  expect("--jobs 17", 2, "out of bounds");
  expect("--backend sotf", 2, "did you mean 'soft'");
  expect("--backend soft --backend unicorn --resume x", 2, "one --backend at a time");
  expect("--profile zircon-x64 --backend soft:arm64", 2, "speaks of x86-64");
  expect("word", 2, "unexpected argument");
}

static char* without_time(const char* text) {
  char* copy = strdup(text);
  char* failures = copy != NULL ? strstr(copy, " failures; ") : NULL;
  if (failures != NULL) *failures = '\0';
  return copy;
}

Test(sweep_program, killed_and_resumed_is_as_in_one_go, .timeout = 600) {
  char directory[] = "/tmp/vcpuspec-sweep-XXXXXX";
  cr_assert(mkdtemp(directory) != NULL);
  char command[2048];
  const char* const what = "--backend mutant:size_32_bits --depth 3";
  snprintf(
      command, sizeof command,
      "cd %s; for i in 1 2 3; do " VS_SOURCE_DIR
      "/conformance/tests/signal_when KILL \"[ \\$(wc -l < journal) -gt $((i * 2)) ]\" %s sweep %s "
      "--resume journal > /dev/null 2>&1; echo $? >> ends; done; test $(grep -c 137 ends) = 3 && "
      "%s sweep %s --resume journal 2>&1",
      directory, VS_PROGRAM_PATH, what, VS_PROGRAM_PATH, what);
  char* resumed = without_time(shell(command)->text);
  const outcome* at_once = sweep_with(what);
  char* whole = without_time(at_once->text);
  cr_expect_str_eq(resumed, whole);
  cr_expect_eq(at_once->status, 1);
  free(resumed);
  free(whole);
  // Another sweep's journal is refused, and stays as it is.
  snprintf(command, sizeof command, "--backend soft --depth 3 --resume %s/journal", directory);
  expect(command, 2, "is of another sweep");
  snprintf(command, sizeof command, "echo vcpuspec sweep 1 > %s/journal", directory);
  shell(command);
  snprintf(command, sizeof command, "--backend soft --depth 3 --resume %s/journal", directory);
  expect(command, 2, "is no journal");
  snprintf(command, sizeof command, "rm -rf %s", directory);
  shell(command);
}
