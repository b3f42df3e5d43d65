// SPDX-License-Identifier: BSD-3-Clause
// Stands in for the programs that fuzz: runs short cases of ours in turn, and leaves behind what
// fuzz/worker.h says. VCPUSPEC_FAKE makes it a bad one:
//   exit     ends at once            garbage  leaves behind what nobody can read
//   judging  aborts while it judges  stuck    gets on no more while it judges
//   idle     executes nothing        corpus   puts each input into the corpus, as libFuzzer would
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "cases/cases.h"
#include "executor/executor.h"
#include "runner/target.h"
#include "text/print.h"
#include "text/profile.h"
#include "words/failure.h"
#include "worker.h"

enum { SCRIPTS = 128, PAUSE_US = 200 };

static vs_fuzz_state* state;
static vs_fuzz_script scripts[SCRIPTS];
static size_t script_count;
static vs_opened opened;
static const vs_profile* profile;
static vs_oracle oracle;
static const char* corpus;

static const char* told(const char* name) {
  const char* value = getenv(name);
  return value != NULL ? value : "";
}

static void map_state(void) {
  int fd = open(told(VS_FUZZ_STATE), O_RDWR);
  if (fd < 0) exit(9);
  state = mmap(NULL, sizeof *state, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  close(fd);
}

static void open_backend(void) {
  static vs_target target;
  static vs_own_profile own;
  vs_why reason;
  vs_fault fault;
  if (!vs_target_parse(told(VS_FUZZ_BACKEND), &target)) exit(9);
  if (!vs_target_open(&target, &opened, &reason)) exit(9);
  profile = vs_profile_find(told(VS_FUZZ_PROFILE));
  if (profile == NULL && vs_profile_load(told(VS_FUZZ_PROFILE), &own, &fault)) {
    profile = &own.profile;
  }
  if (profile == NULL) exit(9);
}

// As much of the script as fits.
static bool is_plain(const vs_script* script, size_t count) {
  for (size_t i = 0; i < count; i++) {
    const vs_op* op = &script->ops[i];
    if (op->async || op->rewrite.mode != VS_REWRITE_NONE || op->code == VS_CALL_vcpu_enter)
      return false;
  }
  return true;
}

static void keep(const vs_op* ops, size_t count) {
  vs_fuzz_script* kept = &scripts[script_count++];
  kept->count = count;
  memcpy(kept->ops, ops, count * sizeof ops[0]);
}

// One for each of the first kinds that there are not.
static void make_scripts(void) {
  char text[512];
  for (unsigned kind = 2; kind < 16; kind++) {
    snprintf(text, sizeof text,
             "vcpuspec script 2\n\nT0: h0 h1 = guest_create\nT0: h2 = vcpu_create h0 dump\n"
             "T0: write_state h2 kind=%u buffer_size=136 length=136\n",
             kind);
    vs_source source = vs_source_of(text, strlen(text));
    const vs_reading reading = {.arch = opened.arch};
    vs_document document;
    vs_fault fault;
    if (vs_document_read(&source, &reading, &document, &fault) != VS_READ_OK) exit(9);
    keep(document.ops, document.count);
    vs_document_free(&document);
  }
}

static void choose_scripts(void) {
  make_scripts();
  for (size_t i = 0; i < vs_case_count && script_count < SCRIPTS; i++) {
    vs_script script;
    if (vs_cases[i].arch != 0 && vs_cases[i].arch != opened.arch) continue;
    if (!vs_case_script(&vs_cases[i], opened.arch, 0, &script)) continue;
    size_t count = script.count < VS_FUZZ_OPS ? script.count : VS_FUZZ_OPS;
    if (is_plain(&script, count)) keep(script.ops, count);
    vs_case_script_free(&script);
  }
}

static void remember(const vs_fuzz_script* script) {
  size_t size = vs_fuzz_encode(script, state->past + 2, VS_FUZZ_BYTES);
  state->past[0] = (uint8_t)size;
  state->past[1] = (uint8_t)(size >> 8);
  state->past_used = (uint32_t)size + 2;
  state->past_count = 1;
}

static void count_seen(const vs_failure_key* key) {
  uint32_t digest = vs_failure_digest(key);
  size_t i = 0;
  while (state->seen[i].digest != 0 && state->seen[i].digest != digest) i++;
  state->seen[i].digest = digest;
  state->seen[i].count++;
}

// Of each violation; then looks on.
static bool write_raw(const vs_violation* violation, void* context) {
  const vs_script* script = context;
  char name[96];
  char path[4096];
  char beside[4200];
  vs_failure_key key = vs_failure_key_of_part(violation, vs_arch_find(VS_ARCH_X64));
  vs_fuzz_finding_name(&key, name);
  count_seen(&key);
  snprintf(path, sizeof path, "%s/%s", told(VS_FUZZ_FINDINGS), name);
  snprintf(beside, sizeof beside, "%s/.%d", told(VS_FUZZ_FINDINGS), (int)getpid());
  if (access(path, F_OK) == 0) return false;
  FILE* out = fopen(beside, "w");
  if (out == NULL) return false;
  vs_print_script(out, script, opened.arch, &key.clause, 1);
  fclose(out);
  rename(beside, path);
  return false;
}

// The input that is executed next.
static void add_to_corpus(size_t which) {
  char path[4096];
  if (strcmp(told("VCPUSPEC_FAKE"), "corpus") != 0) return;
  snprintf(path, sizeof path, "%s/%zu", corpus, which);
  FILE* out = fopen(path, "w");
  if (out == NULL) return;
  fwrite(state->past + 2, 1, state->past_used - 2, out);
  fclose(out);
}

static void misbehave(void) {
  const char* how = told("VCPUSPEC_FAKE");
  if (strcmp(how, "judging") == 0) abort();
  while (strcmp(how, "stuck") == 0) pause();
}

static void run_one(vs_executor* executor, size_t which) {
  static vs_observation seen[VS_FUZZ_OPS];
  vs_script script = {"as it was run", scripts[which].ops, scripts[which].count};
  const vs_failure_search search = {profile, write_raw, &script};
  memset(seen, 0, sizeof seen);
  remember(&scripts[which]);
  add_to_corpus(which);
  state->phase = VS_FUZZ_EXECUTING;
  vs_execute(executor, &script, seen);
  vs_executor_reset(executor);
  state->phase = VS_FUZZ_JUDGING;
  misbehave();
  const vs_trace trace = {.script = script, .arch = opened.arch, .observations = seen};
  size_t at;
  vs_violation violation;
  vs_failure_find(&search, &oracle, &trace, &at, &violation);
  state->tuples[which] = 1;
  state->calls += script.count;
  state->executions++;
  state->phase = VS_FUZZ_READY;
}

// The first of the corpus' inputs, so that there is one less.
static int merge(const char* to, const char* from) {
  char command[9000];
  snprintf(command, sizeof command, "cp \"$(ls -d '%s'/* | head -1)\" '%s'", from, to);
  return system(command) == 0 ? 0 : 1;
}

static void be_garbage(void) {
  char path[4096];
  memset(state, 0xff, sizeof *state);
  snprintf(path, sizeof path, "%s/write_state.return.ok-1234abcd.vcpu", told(VS_FUZZ_FINDINGS));
  FILE* out = fopen(path, "w");
  if (out != NULL) fputs("\x01\xffgarbage\n", out);
  exit(0);
}

int main(int argc, char** argv) {
  size_t seed = 0;
  corpus = argv[argc - 1];
  for (int i = 1; i < argc; i++) {
    if (strcmp(argv[i], "-merge=1") == 0) return merge(argv[argc - 2], argv[argc - 1]);
    sscanf(argv[i], "-seed=%zu", &seed);
  }
  if (strcmp(told("VCPUSPEC_FAKE"), "exit") == 0) {
    fprintf(stderr, "these are my last words\n");
    return 1;
  }
  map_state();
  if (strcmp(told("VCPUSPEC_FAKE"), "garbage") == 0) be_garbage();
  open_backend();
  choose_scripts();
  state->magic = VS_FUZZ_MAGIC;
  state->phase = VS_FUZZ_READY;
  vs_executor* executor = vs_opened_executor(&opened);
  while (strcmp(told("VCPUSPEC_FAKE"), "idle") == 0) pause();
  if (executor == NULL) return 1;
  for (size_t i = seed;; i++) {
    run_one(executor, i % script_count);
    usleep(PAUSE_US);
  }
}
