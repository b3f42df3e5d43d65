// SPDX-License-Identifier: BSD-3-Clause
#include <stdlib.h>
#include <string.h>

#include "session.h"
#include "sides.h"

enum { INPUTS = 1024, SIZE = 512 };

// An engine has its inputs before the target is called: so have we.
typedef struct fuzzed_side {
  uint64_t turn;
  size_t sizes[INPUTS];
  uint8_t bytes[INPUTS][SIZE];
  vs_session session;
} fuzzed_side;

static void make_inputs(fuzzed_side* s) {
  uint64_t words[VS_BENCH_WORDS];
  vs_op op = vs_op_new(VS_CALL_vcpu_write_state, vs_arch_find(VS_ARCH_X64));
  op.args[0] = vs_arg_slot(VS_FUZZ_SCENE_VCPU);
  for (uint64_t i = 0; i < INPUTS; i++) {
    vs_bench_registers(i, words);
    memcpy(op.bytes, words, sizeof words);
    s->sizes[i] = vs_fuzz_encode_call(&op, s->bytes[i], SIZE);
  }
}

static void close_fuzzed(void* self) {
  fuzzed_side* s = self;
  vs_session_close(&s->session);
  free(s);
}

static void* open_any(const vs_side_setup* setup, bool counts, vs_why* reason) {
  fuzzed_side* s = calloc(1, sizeof *s);
  if (s == NULL) return NULL;
  const vs_session_options options = {.target = VS_FUZZ_CALL,
                                      .backend = setup->backend->name,
                                      .profile = setup->profile->id,
                                      .feedback = true,
                                      .counts = counts};
  make_inputs(s);
  if (vs_session_open_on(&s->session, &options, setup->backend, reason)) return s;
  free(s);
  return NULL;
}

static void* open_fuzzed(const vs_side_setup* setup, vs_why* reason) {
  return open_any(setup, false, reason);
}

static void* open_counted(const vs_side_setup* setup, vs_why* reason) {
  return open_any(setup, true, reason);
}

static uint64_t turn_fuzzed(void* self, uint64_t count) {
  fuzzed_side* s = self;
  for (uint64_t i = 0; i < count; i++) {
    size_t which = (size_t)(s->turn++ % INPUTS);
    vs_session_run(&s->session, s->bytes[which], s->sizes[which]);
  }
  const vs_fuzz_state* state = s->session.state;
  return state->violations + state->unjudged == 0 ? count : 0;
}

const vs_side vs_side_fuzzed = {open_fuzzed, turn_fuzzed, close_fuzzed, false};
const vs_side vs_side_fuzzed_counted = {open_counted, turn_fuzzed, close_fuzzed, false};
