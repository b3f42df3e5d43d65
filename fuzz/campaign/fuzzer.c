// SPDX-License-Identifier: BSD-3-Clause
#include "fuzzer.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "files.h"

#define STRING(x) #x
#define STRING_OF(x) STRING(x)

enum {
  FOREVER = 1000000000,  // seconds
  SLACK = 1,             // beyond the time that a call may take
  SECONDS_TO_START = 60,
  LAST_WORDS = 700  // bytes
};

// --- the state --------------------------------------------------------------------------------

void vs_state_path(const char* dir, uint64_t serial, char path[VS_PATH]) {
  char name[32];
  snprintf(name, sizeof name, "state.%" PRIu64, serial);
  vs_path(path, dir, NULL, name);
}

static bool is_whole(int fd, bool make) {
  struct stat status;
  if (make) return ftruncate(fd, sizeof(vs_fuzz_state)) == 0;
  return fstat(fd, &status) == 0 && status.st_size == (off_t)sizeof(vs_fuzz_state);
}

vs_fuzz_state* vs_state_map(const char* path, bool make) {
  int fd = open(path, O_RDWR | O_CLOEXEC | (make ? O_CREAT | O_TRUNC : 0), 0666);
  if (fd < 0) return NULL;
  void* at = MAP_FAILED;
  if (is_whole(fd, make)) {
    at = mmap(NULL, sizeof(vs_fuzz_state), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  }
  close(fd);
  return at == MAP_FAILED ? NULL : at;
}

void vs_state_unmap(vs_fuzz_state* state) {
  if (state != NULL) munmap(state, sizeof *state);
}

// --- the process ------------------------------------------------------------------------------

// An implementation may go to another directory.
static void make_absolute(char path[VS_PATH]) {
  char* whole = realpath(path, NULL);
  size_t length = whole != NULL ? strlen(whole) : VS_PATH;
  if (length < VS_PATH) memcpy(path, whole, length + 1);
  free(whole);
}

void vs_fuzzer_environment(const vs_campaign_plan* plan, const char* log) {
  char path[VS_PATH];
  int fd = open(log, O_WRONLY | O_CREAT | O_TRUNC | O_APPEND, 0666);
  if (fd >= 0) {
    dup2(fd, STDOUT_FILENO);
    dup2(fd, STDERR_FILENO);
    close(fd);
  }
  vs_path(path, plan->dir, "raw", NULL);
  make_absolute(path);
  setenv(VS_FUZZ_BACKEND, plan->target->spec, 1);
  setenv(VS_FUZZ_PROFILE, plan->profile_word, 1);
  setenv(VS_FUZZ_FINDINGS, path, 1);
  unsetenv(VS_FUZZ_STATE);
}

static void log_path(const vs_fuzzer* fuzzer, char path[VS_PATH]) {
  char name[32];
  snprintf(name, sizeof name, "log.%u", fuzzer->job);
  vs_path(path, fuzzer->plan->dir, NULL, name);
}

// Another for each process of the campaign; libFuzzer takes 0 for any.
static unsigned seed_of(const vs_fuzzer* fuzzer) {
  uint64_t mixed = (fuzzer->plan->seed + 1) * UINT64_C(0x9e3779b97f4a7c15) + fuzzer->serial;
  return (unsigned)(mixed % 2147483647) + 1;
}

// In the child.
static void fuzz(void* argument) {
  const vs_fuzzer* fuzzer = argument;
  const vs_campaign_plan* plan = fuzzer->plan;
  char log[VS_PATH];
  char state[VS_PATH];
  char corpus[VS_PATH];
  char aside[VS_PATH];
  char prefix[VS_PATH + 32];
  char seed[32];
  log_path(fuzzer, log);
  vs_state_path(plan->dir, fuzzer->serial, state);
  vs_path(corpus, plan->dir, "corpus", NULL);
  vs_path(aside, plan->dir, "set-aside", NULL);
  make_absolute(corpus);
  make_absolute(aside);
  snprintf(prefix, sizeof prefix, "-artifact_prefix=%s/", aside);
  snprintf(seed, sizeof seed, "-seed=%u", seed_of(fuzzer));
  vs_fuzzer_environment(plan, log);
  setenv(VS_FUZZ_STATE, state, 1);
  execl(plan->fuzzer, plan->fuzzer, seed, "-max_len=" STRING_OF(16384), "-len_control=0",
        "-timeout=0", "-handle_segv=0", "-handle_bus=0", "-handle_abrt=0", "-handle_ill=0",
        "-handle_fpe=0", "-handle_term=0", "-handle_int=0", "-handle_xfsz=0", "-handle_usr1=0",
        "-handle_usr2=0", "-rss_limit_mb=0", "-reload=10", "-print_final_stats=0", prefix, corpus,
        (char*)NULL);
  perror(plan->fuzzer);
  _exit(127);
}

bool vs_fuzzer_start(vs_fuzzer* fuzzer, uint64_t serial) {
  char path[VS_PATH];
  vs_state_path(fuzzer->plan->dir, serial, path);
  fuzzer->state = vs_state_map(path, true);
  fuzzer->serial = serial;
  fuzzer->progress = 0;
  fuzzer->hung = false;
  fuzzer->started = fuzzer->moved = vs_now();
  if (fuzzer->state != NULL && vs_child_start(&fuzzer->child, FOREVER, fuzz, fuzzer)) return true;
  vs_state_unmap(fuzzer->state);
  fuzzer->state = NULL;
  fuzzer->serial = 0;
  unlink(path);
  return false;
}

// Seconds that it may stand still where it is.
static double patience(const vs_fuzzer* fuzzer) {
  uint32_t phase = __atomic_load_n(&fuzzer->state->phase, __ATOMIC_RELAXED);
  bool works = phase == VS_FUZZ_EXECUTING || phase == VS_FUZZ_JUDGING;
  double most = fuzzer->plan->timeout + SLACK;
  return works || most > SECONDS_TO_START ? most : SECONDS_TO_START;
}

// What an implementation prints for days must not fill the disk.
void vs_fuzzer_tend_log(const vs_fuzzer* fuzzer) {
  enum { MOST = 16 << 20 };  // bytes
  char path[VS_PATH];
  struct stat status;
  log_path(fuzzer, path);
  if (stat(path, &status) == 0 && status.st_size > MOST && truncate(path, 0) != 0) return;
}

bool vs_fuzzer_ended(vs_fuzzer* fuzzer) {
  const vs_fuzz_state* state = fuzzer->state;
  if (vs_child_ended(&fuzzer->child)) return true;
  uint64_t progress = __atomic_load_n(&state->executions, __ATOMIC_RELAXED) +
                      __atomic_load_n(&state->calls, __ATOMIC_RELAXED);
  double now = vs_now();
  if (progress != fuzzer->progress) fuzzer->moved = now;
  fuzzer->progress = progress;
  if (now - fuzzer->moved < patience(fuzzer)) return false;
  fuzzer->hung = true;
  vs_child_kill(&fuzzer->child);
  return true;
}

void vs_fuzzer_last_words(const vs_fuzzer* fuzzer, char* text, size_t size) {
  char path[VS_PATH];
  char read[LAST_WORDS + 1];
  log_path(fuzzer, path);
  text[0] = '\0';
  FILE* log = fopen(path, "re");
  if (log == NULL) return;
  fseek(log, 0, SEEK_END);
  long length = ftell(log);
  fseek(log, length > LAST_WORDS ? length - LAST_WORDS : 0, SEEK_SET);
  read[fread(read, 1, LAST_WORDS, log)] = '\0';
  fclose(log);
  snprintf(text, size, "%s", read);
}
