// SPDX-License-Identifier: BSD-3-Clause
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "common/refuse.h"
#include "remote/remote.h"
#include "shim/shim.h"
#include "sides.h"

static const double PATIENCE = 5;  // seconds

// --- through the shim -------------------------------------------------------------------------

// What is read lies on a page that is no neighbour of that of what is written.
enum { STRIDE = 2 * 4096, ROOM = 2 * STRIDE, PAIRS = VS_REMOTE_FLYING / 2 };

typedef struct shimmed {
  char where[4096];
  vs_shim* shim;
  vs_calls calls;
  zx_handle_t vcpu;
  uint64_t turn;
  uint8_t* memory;
} shimmed;

// The C shim, beside the program that is built, or installed.
static bool find_shim(char where[4096], vs_why* reason) {
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
  return vs_refuse(reason, "shim_soft_posix is not beside this program: build it all");
}

static void close_shimmed(void* self) {
  shimmed* s = self;
  vs_shim_free(s->shim);
  if (s->memory != NULL) munmap(s->memory, ROOM);
  free(s);
}

static bool reach(void* at, size_t length) {
  const vs_region region = {.address = at, .length = length, .writable = true};
  return vs_remote_reach(&region, 1);
}

static bool make_vcpu(shimmed* s, vs_why* reason) {
  zx_handle_t* made = (zx_handle_t*)(void*)s->memory;
  const zx_handle_t resource = vs_shim_greeting(s->shim)->resource;
  vs_refuse(reason, "the shim makes no vCPU");
  if (!reach(made, 8) || s->calls.guest_create(resource, 0, &made[0], &made[1]) != ZX_OK)
    return false;
  const zx_handle_t guest = made[0];
  if (!reach(made, 4) || s->calls.vcpu_create(guest, 0, 0, made) != ZX_OK) return false;
  s->vcpu = made[0];
  return true;
}

static bool begin(shimmed* s, vs_why* reason) {
  if (!find_shim(s->where, reason)) return false;
  s->shim = vs_shim_new(s->where, reason);
  if (s->shim == NULL) return false;
  vs_shim_keep(s->shim);
  if (!vs_shim_ready(s->shim, PATIENCE, reason)) return false;
  vs_shim_begin(s->shim, &s->calls);
  // Far from where a shim has memory of its own.
  void* at =
      mmap((void*)0x7e8000000000, ROOM, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  vs_refuse(reason, "no memory");
  if (at == MAP_FAILED) return false;
  s->memory = at;
  return make_vcpu(s, reason);
}

static void* open_shimmed(const vs_side_setup* setup, vs_why* reason) {
  shimmed* s = calloc(1, sizeof *s);
  (void)setup;
  if (s == NULL) return NULL;
  if (begin(s, reason)) return s;
  close_shimmed(s);
  return NULL;
}

static bool begin_pair(shimmed* s, const uint64_t words[VS_BENCH_WORDS], uint64_t tags[2]) {
  uint8_t* read = s->memory + STRIDE;
  const uint64_t arguments[][VS_ARGS_MAX] = {
      {s->vcpu, ZX_VCPU_STATE, (uintptr_t)s->memory, VS_BENCH_BYTES},
      {s->vcpu, ZX_VCPU_STATE, (uintptr_t)read, VS_BENCH_BYTES}};
  memcpy(s->memory, words, VS_BENCH_BYTES);
  if (!reach(s->memory, VS_BENCH_BYTES)) return false;
  tags[0] = vs_remote_start(VS_CALL_vcpu_write_state, arguments[0]);
  if (!reach(read, VS_BENCH_BYTES)) return false;
  tags[1] = vs_remote_start(VS_CALL_vcpu_read_state, arguments[1]);
  return true;
}

// The answer to the read is in its buffer before another is taken.
static bool end_pair(shimmed* s, const uint64_t words[VS_BENCH_WORDS], const uint64_t tags[2]) {
  uint64_t state[VS_BENCH_WORDS];
  if (vs_remote_finish(tags[0]) != ZX_OK || vs_remote_finish(tags[1]) != ZX_OK) return false;
  memcpy(state, s->memory + STRIDE, sizeof state);
  state[VS_BENCH_WORDS - 1] |= 2;  // the gate of a write is no flag of the caller's
  return memcmp(state, words, sizeof state) == 0;
}

// A call is a unit: writes, each with a read of what was written, all under way at once.
static uint64_t turn_shimmed(void* self, uint64_t count) {
  shimmed* s = self;
  uint64_t tags[PAIRS][2];
  uint64_t words[PAIRS][VS_BENCH_WORDS];
  uint64_t done = 0;
  for (; done < count; done += 2 * PAIRS) {
    for (size_t i = 0; i < PAIRS; i++) {
      vs_bench_registers(s->turn++, words[i]);
      if (!begin_pair(s, words[i], tags[i])) return 0;
    }
    for (size_t i = 0; i < PAIRS; i++) {
      if (!end_pair(s, words[i], tags[i])) return 0;
    }
  }
  return done;
}

const vs_side vs_side_shimmed = {open_shimmed, turn_shimmed, close_shimmed, true};

// --- a bare echo ------------------------------------------------------------------------------

enum { LINE = 340 };  // bytes of what writes a state, and of the answer that tells one

typedef struct echo {
  vs_channel channel;
  char line[LINE];
} echo;

static void close_echo(void* self) {
  echo* e = self;
  vs_channel_close(&e->channel, 0);
  free(e);
}

static void* open_echo(const vs_side_setup* setup, vs_why* reason) {
  echo* e = calloc(1, sizeof *e);
  (void)setup;
  if (e == NULL) return NULL;
  memset(e->line, 'x', sizeof e->line);
  e->line[sizeof e->line - 1] = '\n';
  if (vs_channel_parse(&e->channel, "cat", reason) && vs_channel_open(&e->channel, reason)) {
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

const vs_side vs_side_echo = {open_echo, turn_echo, close_echo, true};
