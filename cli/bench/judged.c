// SPDX-License-Identifier: BSD-3-Clause
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/refuse.h"
#include "coverage/coverage.h"
#include "executor/executor.h"
#include "oracle.h"
#include "sides.h"

enum { GUEST, VMAR, VCPU, MEMORY };  // slots

typedef struct judged_side {
  vs_executor* executor;
  uint64_t turn;
  vs_op write;
  vs_op look;
  vs_observation seen;
  vs_oracle oracle;
  vs_coverage coverage;
  vs_reached reached;
  vs_listener listener;
} judged_side;

static bool do_and_judge(judged_side* s, const vs_op* op) {
  vs_execute_op(s->executor, op, &s->seen);
  return vs_oracle_step(&s->oracle, op, &s->seen, NULL) == VS_STEP_ALLOWED;
}

static vs_op on_slot(uint8_t code, const vs_arch_info* arch, uint8_t slot) {
  vs_op op = vs_op_new(code, arch);
  op.args[0] = vs_arg_slot(slot);
  return op;
}

static bool make_vcpu(judged_side* s, bool runs, vs_why* reason) {
  const vs_arch_info* arch = s->oracle.arch;
  vs_op guest = vs_op_new(VS_CALL_guest_create, arch);
  vs_op load = on_slot(VS_OP_guest_load, arch, GUEST);
  vs_op vcpu = on_slot(VS_CALL_vcpu_create, arch, GUEST);
  vs_op_give(&guest, 0, GUEST);
  vs_op_give(&guest, 1, VMAR);
  VS_OP_ARG(&load, guest_load, vmar) = vs_arg_slot(VMAR);
  vs_op_give(&load, 0, MEMORY);
  vs_op_give(&vcpu, 0, VCPU);
  const bool made =
      do_and_judge(s, &guest) && (!runs || do_and_judge(s, &load)) && do_and_judge(s, &vcpu);
  if (!made) vs_refuse(reason, "no vCPU could be made");
  return made;
}

static void close_judged(void* self) {
  judged_side* s = self;
  if (s->executor != NULL) vs_executor_close(s->executor);
  vs_reached_free(&s->reached);
  vs_coverage_free(&s->coverage);
  free(s);
}

static void* open_judged(const vs_side_setup* setup, vs_why* reason) {
  judged_side* s = calloc(1, sizeof *s);
  if (s == NULL) return NULL;
  const vs_opened* backend = setup->backend;
  const bool runs = backend->calls->vcpu_enter != NULL;
  s->executor = vs_opened_executor(backend);
  const vs_arch_info* arch = vs_arch_find(backend->arch);
  s->write = on_slot(VS_CALL_vcpu_write_state, arch, VCPU);
  s->look = on_slot(runs ? VS_CALL_vcpu_enter : VS_CALL_vcpu_read_state, arch, VCPU);
  vs_oracle_init(&s->oracle, setup->profile, arch);
  if (s->executor != NULL && make_vcpu(s, runs, reason)) return s;
  close_judged(s);
  return NULL;
}

static void* open_counted(const vs_side_setup* setup, vs_why* reason) {
  judged_side* s = open_judged(setup, reason);
  if (s == NULL) return NULL;
  s->coverage.profile = setup->profile;
  const vs_reachable* all = vs_coverage_of(&s->coverage, setup->backend->arch);
  if (all == NULL || !vs_reached_begin(&s->reached, all)) {
    close_judged(s);
    return NULL;
  }
  s->listener = vs_reached_listener(&s->reached);
  s->oracle.listener = &s->listener;
  return s;
}

static uint64_t turn_judged(void* self, uint64_t count) {
  judged_side* s = self;
  uint64_t words[VS_BENCH_WORDS];
  for (uint64_t i = 0; i < count; i++) {
    vs_bench_registers(s->turn++, words);
    memcpy(s->write.bytes, words, sizeof words);
    if (!do_and_judge(s, &s->write) || !do_and_judge(s, &s->look)) return 0;
  }
  return count;
}

const vs_side vs_side_judged = {open_judged, turn_judged, close_judged, false};
const vs_side vs_side_judged_counted = {open_counted, turn_judged, close_judged, false};
