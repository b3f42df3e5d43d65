// SPDX-License-Identifier: BSD-3-Clause
#include "predict.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/refuse.h"

typedef struct predictor {
  vs_oracle* oracle;
  const vs_profile* profile;
  const vs_arch_info* info;
  vs_predicted* to;
  uint32_t handles;  // invented so far
  uint32_t given;    // slots that an op of the vector gives a handle, as bits
  size_t at;         // of the op in the script that was asked for
  vs_why* why;
} predictor;

static bool leave_out(const predictor* p, const char* what) {
  return vs_refuse(p->why, "op %zu: %s", p->at, what);
}

// True of an op whose results go where nothing of the vectors' own looks.
static bool is_elsewhere(const vs_op* op) {
  for (unsigned i = 0; vs_op_out(op, i) != NULL && i < 2; i++) {
    if (vs_op_out(op, i)->at != VS_AT_PLAIN) return true;
  }
  return false;
}

static bool has_packet(const vs_op* op) {
  return vs_param_find(op->code, VS_PARAM_IN_PACKET, 0) < VS_ARGS_MAX ||
         vs_param_find(op->code, VS_PARAM_OUT_PACKET, 0) < VS_ARGS_MAX;
}

// NULL if the op can be predicted.
static const char* unpredictable(const vs_op* op) {
  if (op->async || op->code == VS_OP_join) return "runs beside other calls";
  if (op->code == VS_CALL_vcpu_enter || op->code == VS_OP_await_guest) {
    return "needs guest execution";
  }
  if (op->code == VS_OP_guest_load) return "needs guest memory";
  if (has_packet(op)) return "has a packet, which vectors do not hold";
  if (op->rewrite.mode != VS_REWRITE_NONE) return "its buffer changes during the call";
  if (!vs_op_is_predicted(op)) return "no profile says what such a call answers";
  return is_elsewhere(op) ? "its result is placed" : NULL;
}

// Far from each other, so that no inverted or cleared bit of one makes another.
static zx_handle_t invent(predictor* p) {
  const uint32_t spread = 0x9e3779b1;
  return (++p->handles * spread) | ZX_HANDLE_FIXED_BITS_MASK;
}

// --- writes -----------------------------------------------------------------------------------

static void blend_reg(vs_reg* reg, const vs_reg* other) {
  reg->known &= other->known & ~(reg->value ^ other->value);
}

// What is known in both worlds.
static void blend(vs_world* world, const vs_world* other) {
  for (size_t v = 0; v < VS_VCPUS; v++) {
    vs_vcpu* vcpu = &world->vcpus[v];
    const vs_vcpu* than = &other->vcpus[v];
    for (size_t i = 0; i < VS_REGISTERS_MAX; i++) blend_reg(&vcpu->regs[i], &than->regs[i]);
    blend_reg(&vcpu->flags_read, &than->flags_read);
    blend_reg(&vcpu->flags_guest, &than->flags_guest);
    vcpu->flags_alt |= than->flags_alt;
    vcpu->flags_tell &= than->flags_tell;
  }
}

// The effect in one of the worlds. A refusal has none; where either may be, what both leave known
// is known.
static bool write_in(predictor* p, const vs_op* op, uint8_t index) {
  vs_oracle* oracle = p->oracle;
  vs_world* world = &oracle->worlds[index];
  vs_facts facts = vs_facts_of(world, op, p->info);
  vs_decision decision = vs_decide(&facts, p->profile);
  if (vs_decision_find(&decision, ZX_OK) == NULL) return true;
  if (oracle->count == VS_WORLDS_MAX) return leave_out(p, "too many explanations");
  vs_world before = *world;
  vs_world* other = &oracle->worlds[oracle->count];
  const vs_slot* slot = vs_world_resolve(world, vs_world_value(world, &op->args[0]));
  uint8_t vcpu = world->objects[slot->object].vcpu;
  bool forked = vs_apply_write(world, vcpu, op, p->profile, p->info, other);
  if (forked) oracle->count++;
  if (decision.count == 1) return true;
  blend(world, &before);
  if (forked) blend(other, &before);
  return true;
}

// A value that no op received must name nothing, wherever the handles come from.
static bool names_by_chance(const predictor* p, const vs_op* op) {
  const vs_world* any = &p->oracle->worlds[0];
  const vs_slot* named = vs_world_resolve(any, vs_world_value(any, &op->args[0]));
  return named != NULL && op->args[0].form != VS_HANDLE_SLOT;
}

static bool predict_write(predictor* p, const vs_op* op, vs_prediction* to) {
  if (names_by_chance(p, op)) return leave_out(p, "makes no sense");
  vs_oracle_allowed(p->oracle, op, &to->allowed);
  uint8_t before = p->oracle->count;
  for (uint8_t i = 0; i < before; i++) {
    if (!write_in(p, op, i)) return false;
  }
  return true;
}

// --- looks ------------------------------------------------------------------------------------

static vs_reg seen_in(const vs_vcpu* vcpu, const vs_arch_info* info, size_t index) {
  vs_reg reg = vcpu->regs[index];
  if (index == info->flags) {
    uint64_t user = info->flags_required | info->flags_optional;
    reg.known = (reg.known & user & ~vcpu->flags_alt) | (vcpu->flags_read.known & ~user);
    reg.value = (reg.value & user) | (vcpu->flags_read.value & ~user);
  }
  if (info->registers[index].width < 64) reg.known &= UINT32_MAX;
  return reg;
}

static const vs_vcpu* readable(vs_world* world, const vs_op* op) {
  const vs_slot* slot = vs_world_resolve(world, vs_world_value(world, &op->args[0]));
  const vs_vcpu* vcpu = slot != NULL ? vs_world_vcpu(world, slot) : NULL;
  if (vcpu == NULL || !(slot->rights & ZX_RIGHT_READ)) return NULL;
  return vcpu->creator == op->thread ? vcpu : NULL;
}

static bool predict_read(predictor* p, const vs_op* op, vs_prediction* to) {
  bool sense = op->args[0].form == VS_HANDLE_SLOT;
  for (uint8_t w = 0; w < p->oracle->count; w++) {
    const vs_vcpu* vcpu = sense ? readable(&p->oracle->worlds[w], op) : NULL;
    if (vcpu == NULL) return leave_out(p, "makes no sense");
    for (size_t i = 0; i < p->info->register_count; i++) {
      vs_reg reg = seen_in(vcpu, p->info, i);
      if (w == 0) to->regs[i] = reg;
      blend_reg(&to->regs[i], &reg);
    }
  }
  for (size_t i = 0; i < p->info->register_count; i++) to->regs[i].value &= to->regs[i].known;
  to->has_state = true;
  return true;
}

// --- scripts ----------------------------------------------------------------------------------

// A refusal among those that are allowed leaves the same behind as any other. Where a call may be
// accepted or refused, what follows is not one thing.
static bool predict_op(predictor* p, const vs_op* op, vs_prediction* to) {
  if (op->code == VS_CALL_vcpu_write_state) return predict_write(p, op, to);
  if (names_by_chance(p, op)) return leave_out(p, "makes no sense");
  vs_oracle_allowed(p->oracle, op, &to->allowed);
  if (op->code >= VS_CALL_COUNT) to->allowed = (vs_decision){.count = 1};
  const bool accepted = vs_decision_find(&to->allowed, ZX_OK) != NULL;
  if (accepted && to->allowed.count > 1) return leave_out(p, "kernels differ in it");
  if (accepted && op->code == VS_CALL_vcpu_read_state) return predict_read(p, op, to);
  vs_observation seen = {.outcome = VS_RETURNED, .status = to->allowed.allowed[0].status};
  if (seen.status == ZX_OK) seen.handle = invent(p), seen.handle2 = invent(p);
  bool good = vs_oracle_step(p->oracle, op, &seen, NULL) == VS_STEP_ALLOWED;
  return good || leave_out(p, "makes no sense");
}

// No guest code runs, so that any entry is as good as another; 0 needs no memory.
static void take(vs_predicted* to, const vs_op* op) {
  vs_op* taken = (vs_op*)(uintptr_t)&to->script.ops[to->script.count];
  *taken = *op;
  const vs_arg* entry = &VS_OP_ARG(op, vcpu_create, entry);
  if (op->code == VS_CALL_vcpu_create && entry->form == VS_ENTRY_PROGRAM) {
    VS_OP_ARG(taken, vcpu_create, entry) = (vs_arg){.slot = VS_PROGRAM_DUMP};
  }
  if (op->code == VS_CALL_vcpu_write_state) taken->optional = false;  // no implementation lacks it
}

// True if an argument is a slot whose handle comes of an op that was left out.
static bool names_nothing_given(const predictor* p, const vs_op* op) {
  bool nothing = false;
  for (size_t i = 0; i < VS_ARGS_MAX; i++) {
    const bool handle = vs_ops[op->code].params[i].type == VS_PARAM_HANDLE;
    if (!handle || !vs_arg_names_slot(&op->args[i])) continue;
    nothing |= (p->given & VS_BIT(op->args[i].slot)) == 0;
  }
  return nothing;
}

// NULL if the op can be predicted where the script has come to.
static const char* unpredictable_here(const predictor* p, const vs_op* op) {
  if (!vs_op_is_valid(op)) return "makes no sense";
  const char* reason = unpredictable(op);
  if (reason != NULL || op->code >= VS_CALL_COUNT) return reason;
  if (names_nothing_given(p, op)) return "names a handle that nothing of the vector gives";
  vs_decision allowed;
  vs_oracle_allowed(p->oracle, op, &allowed);
  return allowed.anything ? "the profile says nothing of such a call" : NULL;
}

static bool predict_all(predictor* p, const vs_script* script) {
  vs_predicted* to = p->to;
  bool judged = false;
  for (; p->at < script->count; p->at++) {
    const vs_op* op = &script->ops[p->at];
    const char* reason = unpredictable_here(p, op);
    if (reason != NULL && !op->optional) return leave_out(p, reason);
    if (reason != NULL) {
      to->omitted[op->code]++;
      continue;
    }
    take(to, op);
    for (unsigned i = 0; i < 2 && vs_op_out(op, i) != NULL; i++) {
      p->given |= (uint32_t)VS_BIT(vs_op_out(op, i)->slot);
    }
    size_t at = to->script.count++;
    if (!predict_op(p, &to->script.ops[at], &to->predictions[at])) return false;
    judged |= op->code < VS_CALL_COUNT && !vs_op_makes_object(op->code);
  }
  if (!judged) vs_refuse(p->why, "nothing of it can be predicted");
  return judged;
}

vs_predict_result vs_predict(const vs_script* script, const vs_profile* profile,
                             const vs_arch_info* info, vs_predicted* predicted, vs_why* why) {
  *predicted = (vs_predicted){0};
  size_t room = script->count > 0 ? script->count : 1;
  predictor p = {.oracle = malloc(sizeof *p.oracle),
                 .profile = profile,
                 .info = info,
                 .to = predicted,
                 .why = why};
  predicted->script = (vs_script){.title = script->title, .ops = calloc(room, sizeof(vs_op))};
  predicted->predictions = calloc(room, sizeof *predicted->predictions);
  vs_predict_result result = VS_PREDICT_NO_MEMORY;
  if (p.oracle != NULL && predicted->script.ops != NULL && predicted->predictions != NULL) {
    vs_oracle_init(p.oracle, profile, info);
    result = predict_all(&p, script) ? VS_PREDICT_DONE : VS_PREDICT_LEFT_OUT;
  }
  free(p.oracle);
  if (result != VS_PREDICT_DONE) vs_predicted_free(predicted);
  return result;
}

void vs_predicted_free(vs_predicted* predicted) {
  free((void*)(uintptr_t)predicted->script.ops);
  free(predicted->predictions);
  *predicted = (vs_predicted){0};
}
