// SPDX-License-Identifier: BSD-3-Clause
#include "minimize.h"

#include <stdlib.h>
#include <string.h>

#include "runner/failure.h"
#include "runner/record.h"

enum { RACE_TRIES = 6, PASSES = 8 };

typedef struct search {
  const vs_minimizing* how;
  const vs_arch_info* info;
  vs_oracle* oracle;
  vs_op* ops;    // the smallest so far that fails
  vs_op* trial;  // the next to be tried
  size_t count;
  bool races;
  bool broken;  // no memory or process
  vs_clause_code clause;
  vs_violation_kind kind;
  vs_violation violation;
  size_t at;  // op of `ops` that shows it
  size_t runs;
} search;

// --- does it still fail? ----------------------------------------------------------------------

static bool is_same(const search* s, const vs_judgement* judgement) {
  return judgement->violation.clause == s->clause && judgement->violation.kind == s->kind;
}

// The first violation that is looked at.
static bool find_violation(search* s, const vs_trace* trace, vs_judgement* judgement) {
  if (s->how->keeps == NULL) {
    *judgement = vs_judge(s->oracle, trace, s->how->profile);
    return judgement->step == VS_STEP_VIOLATION;
  }
  const vs_failure_search of = {s->how->profile, s->how->keeps, s->how->context};
  *judgement = (vs_judgement){.step = VS_STEP_VIOLATION};
  return vs_failure_find(&of, s->oracle, trace, &judgement->at, &judgement->violation);
}

static bool is_over(const search* s) {
  return s->how->until > 0 && vs_now() >= s->how->until;
}

static bool run_once(search* s, const vs_op* ops, size_t count, vs_judgement* judgement) {
  vs_script script = {"", ops, count};
  vs_recording recording;
  if (is_over(s)) return false;
  if (!vs_recording_start(&recording, s->how->target, &script, s->how->timeout)) {
    s->broken = true;
    return false;
  }
  s->runs++;
  vs_recording_wait(&recording);
  vs_trace trace = {script, s->how->target->arch, recording.record->observations};
  bool found = find_violation(s, &trace, judgement);
  vs_recording_free(&recording);
  if (s->how->progress) s->how->progress(s->runs, s->count, s->how->context);
  return found;
}

// Tries `trial`; if it fails alike, it is the smallest now. What comes after the op that shows it
// is cut off.
static bool accept(search* s, size_t count) {
  for (unsigned i = 0; i < (s->races ? RACE_TRIES : 1) && !s->broken; i++) {
    vs_judgement judgement;
    if (!run_once(s, s->trial, count, &judgement) || !is_same(s, &judgement)) continue;
    s->count = judgement.at + 1 < count ? judgement.at + 1 : count;
    s->at = judgement.at;
    s->violation = judgement.violation;
    memcpy(s->ops, s->trial, s->count * sizeof s->ops[0]);
    return true;
  }
  return false;
}

// A copy of what fails, to be changed.
static vs_op* draft(search* s) {
  memcpy(s->trial, s->ops, s->count * sizeof s->ops[0]);
  return s->trial;
}

// --- fewer ops --------------------------------------------------------------------------------

static bool without(search* s, size_t first, size_t length) {
  memcpy(s->trial, s->ops, first * sizeof s->ops[0]);
  memcpy(s->trial + first, s->ops + first + length, (s->count - first - length) * sizeof s->ops[0]);
  return accept(s, s->count - length);
}

// Halves, quarters and so on, down to single ops.
static bool drop_ops(search* s) {
  bool any = false;
  for (size_t length = s->count / 2; length > 0 && !s->broken; length /= 2) {
    for (size_t end = s->count; end >= length && !s->broken;) {
      bool dropped = without(s, end - length, length);
      any |= dropped;
      end -= dropped || end == length ? length : 1 + (length - 1) / 2;
      if (end > s->count) end = s->count;
    }
  }
  return any;
}

// A call that need not run beside others is made, and its JOIN is left out.
static bool wait_at_once(search* s) {
  bool any = false;
  for (size_t i = 0; i < s->count && !s->broken; i++) {
    if (!s->ops[i].async) continue;
    size_t join = i + 1;
    while (join < s->count &&
           (s->ops[join].code != VS_OP_join || s->ops[join].thread != s->ops[i].thread)) {
      join++;
    }
    size_t rest = join < s->count ? s->count - join - 1 : 0;
    vs_op* ops = draft(s);
    ops[i].async = false;
    if (join < s->count) memmove(ops + join, ops + join + 1, rest * sizeof *ops);
    any |= accept(s, join < s->count ? s->count - 1 : s->count);
  }
  return any;
}

// --- smaller values ---------------------------------------------------------------------------

// A change of one op; false: there is nothing to change.
typedef bool (*change)(const search* s, vs_op* op);

static uint64_t exact_of(const search* s, const vs_op* op) {
  if (VS_OP_ARG(op, vcpu_write_state, kind).number == ZX_VCPU_IO) return sizeof(zx_vcpu_io_t);
  return VS_OP_ARG(op, vcpu_write_state, kind).number == ZX_VCPU_STATE ? s->info->state_size : VS_OP_ARG(op, vcpu_write_state, buffer_size).number;
}

static bool plain_placement(const search* s, vs_op* op) {
  (void)s;
  bool plain = VS_OP_ARG(op, vcpu_write_state, buffer).at == VS_AT_PLAIN && VS_OP_ARG(op, vcpu_write_state, buffer).argument == 0;
  VS_OP_ARG(op, vcpu_write_state, buffer).at = VS_AT_PLAIN;
  VS_OP_ARG(op, vcpu_write_state, buffer).argument = 0;
  return !plain;
}
static bool small_argument(const search* s, vs_op* op) {
  (void)s;
  bool small = VS_OP_ARG(op, vcpu_write_state, buffer).argument <= 1;
  VS_OP_ARG(op, vcpu_write_state, buffer).argument = 1;
  return !small;
}
static bool exact_size(const search* s, vs_op* op) {
  bool exact = VS_OP_ARG(op, vcpu_write_state, buffer_size).number == exact_of(s, op);
  VS_OP_ARG(op, vcpu_write_state, buffer_size).number = exact_of(s, op);
  return op->code == VS_CALL_vcpu_write_state && !exact;
}
static bool exact_length(const search* s, vs_op* op) {
  uint16_t wanted = (uint16_t)(exact_of(s, op) < 2048 ? exact_of(s, op) : 2048);
  bool exact = VS_OP_ARG(op, vcpu_write_state, buffer).length == wanted;
  VS_OP_ARG(op, vcpu_write_state, buffer).length = wanted;
  return op->code == VS_CALL_vcpu_write_state && !exact;
}
static bool kind_state(const search* s, vs_op* op) {
  bool state = op->code != VS_CALL_vcpu_write_state || VS_OP_ARG(op, vcpu_write_state, kind).number == ZX_VCPU_STATE;
  VS_OP_ARG(op, vcpu_write_state, kind).number = ZX_VCPU_STATE;
  VS_OP_ARG(op, vcpu_write_state, buffer_size).number = VS_OP_ARG(op, vcpu_write_state, buffer).length = s->info->state_size;
  return !state;
}
static bool no_bytes(const search* s, vs_op* op) {
  (void)s;
  static const uint8_t none[VS_STATE_MAX];
  bool empty = memcmp(op->bytes, none, sizeof none) == 0;
  memset(op->bytes, 0, sizeof op->bytes);
  return op->code == VS_CALL_vcpu_write_state && !empty;
}
static bool not_rewritten(const search* s, vs_op* op) {
  (void)s;
  bool rewritten = op->rewrite.mode != VS_REWRITE_NONE;
  op->rewrite = (vs_rewrite){0};
  return rewritten;
}
static bool first_thread(const search* s, vs_op* op) {
  (void)s;
  bool first = op->thread == 0;
  op->thread = 0;
  op->async = false;
  return !first;
}
static bool not_async(const search* s, vs_op* op) {
  (void)s;
  bool async = op->async;
  op->async = false;
  return async;
}
// The handle that its own was derived from, in however many steps.
static bool first_handle(const search* s, vs_op* op) {
  uint8_t slot = op->args[0].slot;
  for (const vs_op* maker = op; maker-- > s->trial;) {
    bool derives = maker->code == VS_CALL_handle_duplicate || maker->code == VS_CALL_handle_replace;
    if (derives && maker->out == slot) slot = maker->handle.slot;
  }
  bool derived = vs_op_takes_handle(op) && slot != op->args[0].slot;
  if (derived) op->args[0].slot = slot;
  return derived;
}
static bool plain_handle(const search* s, vs_op* op) {
  (void)s;
  bool plain = op->args[0].form == VS_HANDLE_SLOT;
  op->args[0].form = VS_HANDLE_SLOT;
  op->args[0].number = 0;
  return !plain;
}
static bool zero_handle(const search* s, vs_op* op) {
  (void)s;
  bool zero = op->args[0].form != VS_HANDLE_RAW || op->args[0].number == 0;
  op->args[0].number = 0;
  return !zero;
}
static bool all_rights(const search* s, vs_op* op) {
  (void)s;
  bool derives = op->code == VS_CALL_handle_duplicate || op->code == VS_CALL_handle_replace;
  bool same = VS_OP_ARG(op, handle_duplicate, rights).number == ZX_RIGHT_SAME_RIGHTS;
  VS_OP_ARG(op, handle_duplicate, rights).number = ZX_RIGHT_SAME_RIGHTS;
  return derives && !same;
}
static bool simple_program(const search* s, vs_op* op) {
  (void)s;
  bool creates = op->code == VS_CALL_vcpu_create && VS_OP_ARG(op, vcpu_create, entry).slot != VS_PROGRAM_DUMP;
  VS_OP_ARG(op, vcpu_create, entry).slot = VS_PROGRAM_DUMP;
  if (creates) op->buffer = (vs_buffer){0};
  return creates;
}
static bool not_optional(const search* s, vs_op* op) {
  (void)s;
  bool optional = op->optional;
  op->optional = false;
  return optional;
}

static const change changes[] = {no_bytes,     plain_placement, small_argument, exact_size,
                                 exact_length, kind_state,      not_rewritten,  first_thread,
                                 not_async,    first_handle,    plain_handle,   zero_handle,
                                 all_rights,   simple_program,  not_optional};

static bool simplify_ops(search* s) {
  bool any = false;
  for (size_t i = 0; i < s->count && !s->broken; i++) {
    for (size_t k = 0; k < sizeof changes / sizeof changes[0] && i < s->count; k++) {
      if (changes[k](s, &draft(s)[i])) any |= accept(s, s->count);
    }
  }
  return any;
}

// --- only the bits that matter ----------------------------------------------------------------

static bool clear_bytes(search* s, size_t i, size_t offset, size_t count) {
  static const uint8_t none[VS_STATE_MAX];
  if (memcmp(s->ops[i].bytes + offset, none, count) == 0) return false;
  memset(draft(s)[i].buffer.bytes + offset, 0, count);
  return accept(s, s->count);
}

static bool clear_bit(search* s, size_t i, size_t byte, unsigned bit) {
  uint8_t mask = (uint8_t)(1u << bit);
  if (!(s->ops[i].bytes[byte] & mask)) return false;
  draft(s)[i].buffer.bytes[byte] &= (uint8_t)~mask;
  return accept(s, s->count);
}

static bool clear_rewritten(search* s, size_t i) {
  bool any = false;
  for (size_t bit = 0; bit < 8u * s->ops[i].rewrite.length && i < s->count; bit++) {
    uint8_t mask = (uint8_t)(1u << bit % 8);
    if (!(s->ops[i].rewrite.bytes[bit / 8] & mask)) continue;
    draft(s)[i].rewrite.bytes[bit / 8] &= (uint8_t)~mask;
    any |= accept(s, s->count);
  }
  return any;
}

static bool clear_in(search* s, size_t i) {
  bool any = clear_rewritten(s, i);
  for (size_t size = 128; size > 0; size /= 2) {
    for (size_t at = 0; at < VS_STATE_MAX && i < s->count; at += size) {
      size_t count = at + size <= VS_STATE_MAX ? size : VS_STATE_MAX - at;
      any |= clear_bytes(s, i, at, count);
    }
  }
  for (size_t bit = 0; bit < 8 * VS_STATE_MAX && i < s->count; bit++) {
    any |= clear_bit(s, i, bit / 8, bit % 8);
  }
  return any;
}

// A number with fewer bits: first all but one of them, then each.
static bool clear_number(search* s, size_t i, uint32_t* (*field)(vs_op* op)) {
  bool any = false;
  for (unsigned bit = 0; bit < 32 && i < s->count; bit++) {
    uint32_t mask = UINT32_C(1) << bit;
    if (!(*field(&s->ops[i]) & mask) || *field(&s->ops[i]) == mask) continue;
    *field(&draft(s)[i]) &= ~mask;
    any |= accept(s, s->count);
  }
  return any;
}

static uint32_t* kind_of(vs_op* op) {
  return &VS_OP_ARG(op, vcpu_write_state, kind).number;
}
static uint32_t* handle_bits_of(vs_op* op) {
  return &op->args[0].number;
}

// The least size, of those near it, that still shows it.
static bool smaller_size(search* s, size_t i) {
  bool any = false;
  uint64_t size = VS_OP_ARG(&s->ops[i], vcpu_write_state, buffer_size).number;
  const uint64_t tries[] = {0, 1, exact_of(s, &s->ops[i]) - 1, exact_of(s, &s->ops[i]) + 1,
                            size / 2};
  if (size == exact_of(s, &s->ops[i])) return false;
  for (size_t k = 0; k < sizeof tries / sizeof tries[0] && i < s->count; k++) {
    if (tries[k] >= VS_OP_ARG(&s->ops[i], vcpu_write_state, buffer_size).number) continue;
    draft(s)[i].size = tries[k];
    if (accept(s, s->count)) return true;
  }
  return any;
}

static bool clear_bits(search* s) {
  bool any = false;
  for (size_t i = 0; i < s->count && !s->broken; i++) {
    if (s->ops[i].code != VS_CALL_vcpu_write_state) continue;
    any |= clear_in(s, i);
    if (i < s->count && VS_OP_ARG(&s->ops[i], vcpu_write_state, kind).number > ZX_VCPU_IO) any |= clear_number(s, i, kind_of);
    if (i < s->count && s->ops[i].args[0].number != 0) any |= clear_number(s, i, handle_bits_of);
    if (i < s->count) any |= smaller_size(s, i);
  }
  return any;
}

// --- all of it --------------------------------------------------------------------------------

static bool has_race(const vs_script* script) {
  for (size_t i = 0; i < script->count; i++) {
    const vs_op* op = &script->ops[i];
    if (op->async || op->rewrite.mode != VS_REWRITE_NONE) return true;
  }
  return false;
}

// The failure to keep, and whether it always comes.
static bool find_failure(search* s, const vs_script* script, vs_minimized* result) {
  unsigned tries = s->races ? 2 * RACE_TRIES : 2;
  unsigned failed = 0;
  unsigned tried = 0;
  for (; tried < tries && !s->broken && !is_over(s); tried++) {
    vs_judgement judgement;
    if (!run_once(s, script->ops, script->count, &judgement)) continue;
    if (failed++ > 0) continue;
    s->clause = judgement.violation.clause;
    s->kind = judgement.violation.kind;
    s->violation = judgement.violation;
    s->count = judgement.at + 1;
    memcpy(s->ops, script->ops, s->count * sizeof s->ops[0]);
  }
  result->fails = failed > 0;
  result->flaky = failed > 0 && failed < tried;
  s->races |= result->flaky;
  return result->fails;
}

static void shrink(search* s) {
  for (unsigned pass = 0; pass < PASSES && !s->broken; pass++) {
    bool any = drop_ops(s);
    any |= wait_at_once(s);
    any |= simplify_ops(s);
    any |= clear_bits(s);
    if (!any) break;
  }
}

bool vs_minimize(const vs_minimizing* how, const vs_script* script, vs_minimized* result) {
  search s = {.how = how, .info = vs_arch_find(how->target->arch), .races = has_race(script)};
  *result = (vs_minimized){0};
  size_t room = script->count > 0 ? script->count : 1;
  s.oracle = malloc(sizeof *s.oracle);
  s.ops = calloc(room, sizeof *s.ops);
  s.trial = calloc(room, sizeof *s.trial);
  bool ready = s.oracle != NULL && s.ops != NULL && s.trial != NULL;
  if (ready && find_failure(&s, script, result)) shrink(&s);
  free(s.oracle);
  free(s.trial);
  result->ops = s.ops;
  result->count = s.count;
  result->violation = s.violation;
  result->runs = s.runs;
  if (ready && !s.broken) return true;
  vs_minimized_free(result);
  return false;
}

void vs_minimized_free(vs_minimized* result) {
  free(result->ops);
  *result = (vs_minimized){0};
}
