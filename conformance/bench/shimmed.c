// SPDX-License-Identifier: BSD-3-Clause
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "shim/shim.h"
#include "sides.h"

static const double PATIENCE = 5;  // seconds

// --- through the shim -------------------------------------------------------------------------

typedef struct shimmed {
  char where[4096];
  vs_shim* shim;
  vs_executor* executor;
  uint64_t turn;
  vs_op write;
  vs_op read;
} shimmed;

// The C shim, beside the program that is built, or installed.
static bool find_shim(char where[4096], char* reason) {
  static const char* const places[] = {"shims/shim_soft_posix",
                                       "../libexec/vcpuspec/shim_soft_posix"};
  char self[2048];
  ssize_t length = readlink("/proc/self/exe", self, sizeof self - 1);
  if (length > 0) self[length] = '\0';
  char* slash = length > 0 ? strrchr(self, '/') : NULL;
  if (slash != NULL) slash[1] = '\0';
  for (size_t i = 0; slash != NULL && i < sizeof places / sizeof places[0]; i++) {
    snprintf(where, 4096, "%s%s", self, places[i]);
    if (access(where, X_OK) == 0) return true;
  }
  snprintf(reason, VS_REASON_MAX, "shim_soft_posix is not beside this program: build it all");
  return false;
}

static void close_shimmed(void* self) {
  shimmed* s = self;
  if (s->executor != NULL) vs_executor_close(s->executor);
  vs_shim_free(s->shim);
  free(s);
}

static bool make_vcpu(shimmed* s, char* reason) {
  const vs_op ops[] = {{.code = VS_CALL_guest_create, .out = 0, .out2 = 1},
                       {.code = VS_CALL_vcpu_create, .out = 2, .program = VS_PROGRAM_DUMP}};
  for (size_t i = 0; i < 2; i++) {
    vs_observation seen;
    vs_execute_op(s->executor, &ops[i], &seen);
    if (seen.outcome == VS_RETURNED && seen.status == ZX_OK) continue;
    snprintf(reason, VS_REASON_MAX, "the shim makes no vCPU");
    return false;
  }
  return true;
}

static bool begin(shimmed* s, char* reason) {
  if (!find_shim(s->where, reason)) return false;
  s->shim = vs_shim_new(s->where, reason, VS_REASON_MAX);
  if (s->shim == NULL) return false;
  vs_shim_keep(s->shim);
  if (!vs_shim_ready(s->shim, PATIENCE, reason, VS_REASON_MAX)) return false;
  s->executor = vs_executor_open_elsewhere(vs_shim_player(s->shim),
                                           &vs_shim_greeting(s->shim)->calls, VS_ARCH_X64);
  return s->executor != NULL && make_vcpu(s, reason);
}

static void* open_shimmed(const vs_side_setup* setup, char* reason) {
  shimmed* s = calloc(1, sizeof *s);
  (void)setup;
  if (s == NULL) return NULL;
  s->write = (vs_op){.code = VS_CALL_vcpu_write_state, .handle.slot = 2, .size = VS_BENCH_BYTES};
  VS_OP_ARG(&s->write, vcpu_write_state, buffer).length = VS_BENCH_BYTES;
  s->read = (vs_op){.code = VS_CALL_vcpu_read_state, .handle.slot = 2};
  if (begin(s, reason)) return s;
  close_shimmed(s);
  return NULL;
}

// An op is a unit: a write, then a read of what was written.
static uint64_t turn_shimmed(void* self, uint64_t count) {
  shimmed* s = self;
  uint64_t words[VS_BENCH_WORDS];
  uint64_t state[VS_BENCH_WORDS];
  vs_observation seen;
  for (uint64_t i = 0; i < count; i += 2) {
    vs_bench_registers(s->turn++, words);
    memcpy(s->write.bytes, words, sizeof words);
    vs_execute_op(s->executor, &s->write, &seen);
    if (seen.status != ZX_OK) return 0;
    vs_execute_op(s->executor, &s->read, &seen);
    memcpy(state, seen.state, sizeof state);
    state[VS_BENCH_WORDS - 1] |= 2;  // the gate of a write is no flag of the caller's
    if (!seen.has_state || memcmp(state, words, sizeof state) != 0) return 0;
  }
  return count + count % 2;
}

const vs_side vs_side_shimmed = {open_shimmed, turn_shimmed, close_shimmed};

// --- a bare echo ------------------------------------------------------------------------------

enum { LINE = 340 };  // bytes of a request that writes a state, and of the reply to one that reads

typedef struct echo {
  vs_channel channel;
  char line[LINE];
} echo;

static void close_echo(void* self) {
  echo* e = self;
  vs_channel_close(&e->channel, 0);
  free(e);
}

static void* open_echo(const vs_side_setup* setup, char* reason) {
  echo* e = calloc(1, sizeof *e);
  (void)setup;
  if (e == NULL) return NULL;
  memset(e->line, 'x', sizeof e->line);
  e->line[sizeof e->line - 1] = '\n';
  if (vs_channel_parse(&e->channel, "cat", reason, VS_REASON_MAX) &&
      vs_channel_open(&e->channel, reason, VS_REASON_MAX)) {
    e->channel.quiet = true;  // as of the other side
    return e;
  }
  free(e);
  return NULL;
}

static uint64_t turn_echo(void* self, uint64_t count) {
  echo* e = self;
  for (uint64_t i = 0; i < count; i++) {
    const char* line;
    size_t length;
    vs_channel_result sent = vs_channel_send(&e->channel, e->line, sizeof e->line, 0);
    if (sent != VS_CHANNEL_DONE) return 0;
    if (vs_channel_line(&e->channel, 0, &line, &length) != VS_CHANNEL_DONE) return 0;
    if (length != sizeof e->line - 1) return 0;
  }
  return count;
}

const vs_side vs_side_echo = {open_echo, turn_echo, close_echo};
