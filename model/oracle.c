// SPDX-License-Identifier: BSD-3-Clause
#include "oracle.h"

#include "step.h"

void vs_oracle_init(vs_oracle* oracle, const vs_profile* profile, const vs_arch_info* arch) {
  oracle->profile = profile;
  oracle->arch = arch;
  oracle->attested = 0;
  oracle->count = 1;
  vs_world_init(&oracle->worlds[0]);
}

// Whoever takes the number of a thread that has ended is another thread.
static vs_step step_thread_exit(vs_step_context* c) {
  for (size_t i = 0; i < VS_VCPUS; i++) {
    vs_vcpu* vcpu = &c->world->vcpus[i];
    if (vcpu->creator == c->op->thread) vcpu->creator = VS_THREADS;
  }
  return VS_STEP_ALLOWED;
}

// The phase of an op says who predicts its answer.
static vs_step step_world(vs_step_context* c) {
  switch (vs_ops[c->op->code].phase) {
    case VS_PHASE_SETUP:
      return vs_step_setup(c);
    case VS_PHASE_LOCAL:
      return step_thread_exit(c);
    default:
      return c->op->code == VS_OP_WRITE_STATE ? vs_step_write(c) : vs_step_family(c);
  }
}

// A thread that is within a call can do nothing else.
static bool thread_is_busy(const vs_oracle* oracle, const vs_op* op) {
  return oracle->worlds[0].async_vcpu[op->thread] != 0 && op->code != VS_OP_JOIN;
}

// The backend lacks the call, or a setup did not succeed: nothing can be said of what follows.
static bool is_missing(const vs_op* op, const vs_observation* seen) {
  bool setup = vs_ops[op->code].phase == VS_PHASE_SETUP;
  return seen->outcome == VS_UNSUPPORTED ||
         (setup && seen->outcome == VS_RETURNED && seen->status != ZX_OK);
}

vs_step vs_oracle_step(vs_oracle* oracle, const vs_op* op, const vs_observation* observation,
                       vs_violation* why) {
  if (oracle->count == 0 || !vs_op_is_valid(op)) return VS_STEP_BROKEN;
  if (thread_is_busy(oracle, op)) return VS_STEP_BROKEN;
  if (is_missing(op, observation)) return op->optional ? VS_STEP_SKIPPED : VS_STEP_UNSUPPORTED;
  uint8_t before = oracle->count;
  uint8_t alive = 0;
  vs_step worst = VS_STEP_VIOLATION;
  bool explained[VS_WORLDS_MAX];
  for (uint8_t i = 0; i < before; i++) {
    vs_step_context c = {
        .oracle = oracle, .world = &oracle->worlds[i], .op = op, .seen = observation};
    vs_step step = step_world(&c);
    explained[i] = step == VS_STEP_ALLOWED;
    if (explained[i]) oracle->attested |= c.attests;
    if (step == VS_STEP_VIOLATION && i == 0 && why) *why = c.why;
    if (!explained[i] && step != VS_STEP_VIOLATION) worst = step;
  }
  for (uint8_t i = 0; i < oracle->count; i++) {
    bool keep = i >= before || explained[i];
    if (keep && alive != i) oracle->worlds[alive] = oracle->worlds[i];
    alive += keep;
  }
  oracle->count = alive;
  return alive > 0 ? VS_STEP_ALLOWED : worst;
}

vs_latitude_set vs_oracle_latitudes(const vs_oracle* oracle) {
  vs_latitude_set needed = oracle->count > 0 ? VS_ALL_LATITUDES : 0;
  for (uint8_t i = 0; i < oracle->count; i++) needed &= oracle->worlds[i].used;
  return needed;
}

vs_judgement vs_judge(vs_oracle* oracle, const vs_trace* trace, const vs_profile* profile) {
  vs_judgement result = {.step = VS_STEP_BROKEN};
  const vs_arch_info* arch = vs_arch_find(trace->arch);
  if (arch == NULL) return result;
  vs_oracle_init(oracle, profile, arch);
  result.step = VS_STEP_ALLOWED;
  for (size_t i = 0; i < trace->script.count && result.step == VS_STEP_ALLOWED; i++) {
    const vs_observation* seen = &trace->observations[i];
    if (seen->outcome == VS_NOT_REACHED) break;
    vs_step step = vs_oracle_step(oracle, &trace->script.ops[i], seen, &result.violation);
    if (step == VS_STEP_SKIPPED) {
      result.skipped++;
      continue;
    }
    result.step = step;
    result.at = i;
  }
  result.attested = oracle->attested;
  result.latitudes = vs_oracle_latitudes(oracle);
  return result;
}
