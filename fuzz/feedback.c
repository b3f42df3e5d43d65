// SPDX-License-Identifier: BSD-3-Clause
#include "feedback.h"

#include <string.h>

// libFuzzer reads and clears what lies in this section, around each input. Without libFuzzer it is
// memory like any other.
__attribute__((section("__libfuzzer_extra_counters"),
               used)) static uint8_t counters[VS_FEEDBACK_COUNTERS];

static uint64_t mix(uint64_t sum, uint64_t value) {
  sum = (sum ^ value) * UINT64_C(0x9e3779b97f4a7c15);
  return sum ^ sum >> 29;
}

static uint64_t fold_checks(vs_check_set set) {
  return (uint64_t)set ^ (uint64_t)(set >> 64);
}

static uint64_t fold_clauses(vs_clause_set set) {
  return mix(set[0] ^ set[1], set[2] ^ set[3]);
}

// Whether a number is right, or would be in fewer bits.
static unsigned likeness(uint64_t value, uint64_t right) {
  static const uint64_t masks[] = {UINT64_MAX, UINT32_MAX, UINT16_MAX, UINT8_MAX};
  for (unsigned i = 0; i < sizeof masks / sizeof masks[0]; i++) {
    if (((value ^ right) & masks[i]) == 0) return i;
  }
  return value < right ? 4 : value == right + 1 ? 5 : 6;
}

static unsigned contents_of(const vs_arch_info* arch, const vs_op* op, bool io) {
  if (io) return op->bytes[0] < 8 ? op->bytes[0] : 8;
  const vs_register* reg = &arch->registers[arch->flags];
  uint64_t flags = 0;
  memcpy(&flags, op->bytes + reg->offset, reg->width / 8u);
  bool gate = (flags & arch->flags_gate) != 0;
  bool others = (flags & ~(arch->flags_gate | arch->flags_required | arch->flags_optional)) != 0;
  return 16u + (unsigned)gate + 2u * (unsigned)others + 4u * ((flags & arch->flags_optional) != 0);
}

// How an argument of another call than that under test came to be so.
static unsigned argument_class(const vs_param* param, const vs_arg* arg) {
  if (param->type == VS_PARAM_HANDLE || param->type == VS_PARAM_ENTRY) return arg->form;
  if (vs_param_is_pointer(param->type)) return arg->at;
  bool number = param->type != VS_PARAM_RIGHTS && param->type != VS_PARAM_VECTOR;
  return number ? likeness(arg->number, param->value) : 0;
}

// Of the arguments that are not as they are unless told, the first: their product would drown what
// the calls under test bring.
static uint64_t facts_of_other(const vs_arch_info* arch, const vs_op* op) {
  const uint64_t facts = mix(op->code, op->async);
  const vs_param* params = vs_ops[op->code].params;
  for (uint8_t i = 0; i < VS_ARGS_MAX && params[i].type != VS_PARAM_NONE; i++) {
    if (params[i].type == VS_PARAM_HANDLE && op->args[i].form == VS_HANDLE_SLOT) continue;
    const vs_arg usual = vs_arg_new(op->code, i, arch);
    const unsigned class_of = argument_class(&params[i], &op->args[i]);
    if (class_of != argument_class(&params[i], &usual)) return mix(facts, (i + 1u) << 8 | class_of);
  }
  return facts;
}

static void classify_numbers(const vs_arch_info* arch, const vs_op* op, vs_feedback_class* of) {
  const uint64_t kind = VS_OP_ARG(op, vcpu_write_state, kind).number;
  const uint64_t size = VS_OP_ARG(op, vcpu_write_state, buffer_size).number;
  const bool io = kind == ZX_VCPU_IO;
  of->numbers = likeness(size, io ? sizeof(zx_vcpu_io_t) : arch->state_size) << 8 |
                likeness(kind, ZX_VCPU_STATE) << 4 | likeness(kind, ZX_VCPU_IO);
  of->contents =
      contents_of(arch, op, io) << 4 | (unsigned)op->args[0].form << 2 | op->rewrite.mode;
}

vs_feedback_class vs_feedback_classify(vs_oracle* oracle, const vs_op* op) {
  vs_feedback_class of = {.facts = mix(op->code, op->async)};
  if (oracle->count == 0) return of;
  if (op->code >= VS_CALL_COUNT || !vs_op_is_predicted(op)) {
    of.facts = facts_of_other(oracle->arch, op);
    return of;
  }
  const vs_facts facts = vs_facts_of(&oracle->worlds[0], op, oracle->arch);
  uint64_t words[(sizeof facts + 7) / 8] = {0};
  memcpy(words, &facts, sizeof facts);
  for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) of.facts = mix(of.facts, words[i]);
  if (op->code != VS_CALL_vcpu_write_state) {
    of.facts = mix(of.facts, facts_of_other(oracle->arch, op));
    return of;
  }
  of.faults = fold_checks(vs_faults_of(&facts));
  of.place = 1u + VS_OP_ARG(op, vcpu_write_state, buffer).at;
  classify_numbers(oracle->arch, op, &of);
  return of;
}

static void count(vs_fuzz_state* state, bool guides, uint64_t tuple) {
  uint32_t number = (uint32_t)(tuple >> 40) % VS_FUZZ_TUPLES;
  state->tuples[number / 8] |= (uint8_t)(1u << number % 8);
  uint8_t* counter = &counters[number % VS_FEEDBACK_COUNTERS];
  if (guides && *counter < UINT8_MAX) ++*counter;
}

void vs_feedback_note(vs_fuzz_state* state, bool guides, const vs_feedback_class* of,
                      vs_clause_set attested, const vs_observation* seen, vs_step step) {
  uint64_t verdict = mix((uint32_t)seen->status,
                         seen->packet.type << 8 | (unsigned)seen->outcome << 4 | (unsigned)step);
  count(state, guides, mix(mix(of->facts, verdict), fold_clauses(attested)));
  if (of->place == 0) return;
  count(state, guides, mix(mix(verdict, of->faults), of->place));
  count(state, guides, mix(mix(verdict, ~of->numbers), (uint64_t)(of->faults != 0)));
  count(state, guides, mix(mix(verdict, ~of->contents), UINT64_MAX));
}

void vs_feedback_reached(size_t point) {
  uint8_t* counter = &counters[(uint32_t)(mix(UINT64_MAX, point) >> 40) % VS_FEEDBACK_COUNTERS];
  if (*counter < UINT8_MAX) ++*counter;
}

void vs_feedback_keep_seed(uint64_t number) {
  counters[1 + number % (VS_FEEDBACK_COUNTERS - 1)] = 1;
}

void vs_feedback_keep_none(void) {
  counters[0] = 1;
}
