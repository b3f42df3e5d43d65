// SPDX-License-Identifier: BSD-3-Clause
#include "minimize.h"

#include <stdlib.h>
#include <string.h>

#include "common/digest.h"
#include "common/refuse.h"
#include "runner/record.h"
#include "text/document.h"
#include "words/failure.h"

// At most RUNS times an op are scripts run; of a short one, as many as of one of LEAST ops.
enum { RACE_TRIES = 6, PASSES = 8, RUNS = 40, LEAST = 50, SHUT_MOST = 3, TRIED = 1 << 12 };

// What a run of a script showed.
typedef struct outcome {
  vs_judgement judgement;     // its step says whether there is a violation
  char ended[VS_DEATH_WORD];  // "": the backend did not end, or broke a clause before
  vs_why death;
  char errors[VS_ERRORS_MAX];
} outcome;

typedef struct search {
  const vs_minimizing* how;
  const vs_arch_info* info;
  vs_oracle* oracle;
  vs_op* ops;    // the smallest so far that fails
  vs_op* trial;  // the next to be tried
  size_t count;
  bool* dropped;  // of the next to be tried, which ops are left out
  bool races;
  unsigned tries;  // of a script, until it is said not to fail
  bool broken;     // no memory or process
  unsigned shut;   // times in a row that the backend could not be opened
  vs_why gone;     // why, once that were too many
  bool sound;      // what is tried has to make sense, as the script did
  size_t most;     // runs
  vs_clause_code clause;
  vs_violation_kind kind;
  outcome shown;  // by `ops`
  size_t at;      // op of `ops` that shows it: after it only joins are left
  size_t runs;
  uint64_t tried[TRIED];  // digests of scripts
} search;

// --- does it still fail? ----------------------------------------------------------------------

// Of a backend that ended between two calls, neither has a violation.
static bool is_same(const search* s, const outcome* o) {
  const vs_judgement* judgement = &o->judgement;
  return judgement->violation.clause == s->clause && judgement->violation.kind == s->kind &&
         strcmp(o->ended, s->shown.ended) == 0;
}

// A backend that cannot be opened, again and again, says nothing of any script.
static void mind_gone(search* s, const vs_recording* recording, const vs_trace* trace) {
  s->shut = recording->record->executing ? 0 : s->shut + 1;
  if (s->shut >= SHUT_MOST) vs_refuse(&s->gone, "%s", trace->death);
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

// True of a backend that ended, and broke no clause by an answer before. Between two calls the op
// that came next is the one that shows it.
static bool find_ending(const search* s, const vs_recording* recording, const vs_trace* trace,
                        outcome* o) {
  vs_judgement* judgement = &o->judgement;
  const bool violation = judgement->step == VS_STEP_VIOLATION;
  const bool in_call = violation && judgement->violation.kind == VS_VIOLATION_NO_RETURN;
  const bool died = trace->opened && trace->end == VS_TRACE_DIED && !judgement->lost;
  if (s->how->keeps != NULL || !died || (violation && !in_call)) return false;
  vs_recording_say_death_word(recording, o->ended);
  vs_refuse(&o->death, "%s", trace->death);
  vs_recording_say_errors(recording, o->errors, sizeof o->errors);
  if (in_call) return true;
  const size_t last = trace->script.count - 1;
  const size_t progress = recording->record->progress;
  *judgement = (vs_judgement){.step = VS_STEP_ENDED, .at = progress < last ? progress : last};
  return true;
}

static bool is_over(const search* s) {
  return vs_waits_stopped() || s->gone.text[0] != '\0' || s->runs >= s->most ||
         (s->how->until > 0 && vs_now() >= s->how->until);
}

// Those that share a place make each other forgotten, and are tried again.
static bool was_tried(search* s, size_t count) {
  uint64_t digest = vs_digest64(VS_DIGEST64, s->trial, count * sizeof *s->trial);
  uint64_t* place = &s->tried[digest % TRIED];
  bool was = *place == digest;
  *place = digest;
  return was;
}

static bool run_once(search* s, const vs_op* ops, size_t count, outcome* o) {
  *o = (outcome){0};
  vs_why why;
  vs_script script = {"", ops, count};
  vs_recording recording;
  if (is_over(s)) return false;
  if (!vs_recording_start(&recording, s->how->target, &script, s->how->timeout)) {
    s->broken = true;
    return false;
  }
  s->runs++;
  if (!vs_recording_wait(&recording)) {
    vs_recording_free(&recording);
    return false;
  }
  vs_trace trace = vs_recording_trace(&recording);
  bool found = find_violation(s, &trace, &o->judgement);
  found |= find_ending(s, &recording, &trace, o);
  mind_gone(s, &recording, &trace);
  vs_recording_free(&recording);
  s->broken = !vs_identity_holds(&s->how->target->identity, &why);
  if (s->how->progress) s->how->progress(s->runs, s->count, s->how->context);
  return found;
}

// Slots are filled before they are used, and what is started is joined.
static bool is_sound(const search* s, const vs_op* ops, size_t count) {
  const vs_document d = {.arch = s->how->target->arch, .ops = (vs_op*)ops, .count = count};
  vs_fault fault;
  return vs_document_is_sound(&d, &fault);
}

// `ops` are the smallest now. What comes after the op that shows it is cut off, but for the joins
// of calls that it runs beside.
static void take(search* s, const vs_op* ops, size_t count, const outcome* o) {
  bool busy[VS_THREADS] = {false};
  s->at = o->judgement.at;
  s->count = 0;
  for (size_t i = 0; i < count; i++) {
    const bool join = ops[i].code == VS_OP_join;
    if (i > s->at && !(join && busy[ops[i].thread])) continue;
    busy[ops[i].thread] = ops[i].async;
    s->ops[s->count++] = ops[i];
  }
  s->shown = *o;
}

// Tries `trial`; if it fails alike, it is the smallest now.
static bool accept(search* s, size_t count) {
  if (is_over(s) || was_tried(s, count)) return false;
  if (s->sound && !is_sound(s, s->trial, count)) return false;
  for (unsigned i = 0; i < s->tries && !s->broken; i++) {
    outcome o;
    if (!run_once(s, s->trial, count, &o) || !is_same(s, &o)) continue;
    take(s, s->trial, count, &o);
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

static bool makes(const vs_op* maker, uint8_t slot) {
  for (unsigned which = 0; which < 2; which++) {
    const vs_arg* out = vs_op_out(maker, which);
    if (out != NULL && out->slot == slot) return true;
  }
  return false;
}

// The op before `i` that fills the slot last, and `otherwise` if there is none.
static size_t maker_of(const search* s, size_t i, uint8_t slot, size_t otherwise) {
  while (i > 0) {
    if (makes(&s->ops[--i], slot)) return i;
  }
  return otherwise;
}

// Which ops go with one that makes a handle.
typedef enum users {
  ALL_USERS,     // that name its slot
  LAST_USERS,    // of them those before which no other op fills the slot
  WITHOUT_USERS  // none: the slot still holds what it held before
} users;

// True if the op at `i` is about a handle that the one at `maker` makes.
static bool is_about(const search* s, size_t i, size_t maker, users which) {
  if (which == WITHOUT_USERS) return false;
  for (size_t k = 0; k < VS_ARGS_MAX; k++) {
    const vs_arg* arg = &s->ops[i].args[k];
    bool handle = vs_ops[s->ops[i].code].params[k].type == VS_PARAM_HANDLE;
    if (!handle || !vs_arg_names_slot(arg) || !makes(&s->ops[maker], arg->slot)) continue;
    if (which == ALL_USERS || maker_of(s, i, arg->slot, s->count) == maker) return true;
  }
  return false;
}

// The join of the call that is started at `i`; the number of ops: there is none.
static size_t join_of(const search* s, size_t i) {
  size_t join = i + 1;
  while (join < s->count &&
         (s->ops[join].code != VS_OP_join || s->ops[join].thread != s->ops[i].thread)) {
    join++;
  }
  return join;
}

static bool try_rest(search* s) {
  size_t count = 0;
  for (size_t i = 0; i < s->count; i++) {
    if (!s->dropped[i]) s->trial[count++] = s->ops[i];
  }
  return count > 0 && count < s->count && accept(s, count);
}

// Without what makes a handle little about it can be done, nor is there a join without its start.
static bool drop_with_users(search* s, users which) {
  for (size_t i = 0; i < s->count; i++) {
    size_t join = s->ops[i].async ? join_of(s, i) : s->count;
    if (join < s->count) s->dropped[i] = s->dropped[join] = s->dropped[i] || s->dropped[join];
    for (size_t k = i + 1; s->dropped[i] && k < s->count; k++) {
      s->dropped[k] |= is_about(s, k, i, which);
    }
  }
  return !s->dropped[s->at] && try_rest(s);
}

static bool without(search* s, size_t first, size_t length) {
  for (users which = ALL_USERS; which <= WITHOUT_USERS; which++) {
    memset(s->dropped, 0, s->count);
    memset(s->dropped + first, 1, length);
    if (drop_with_users(s, which)) return true;
  }
  return false;
}

// What the op at `i` needs: what makes its handles, and the start of what it waits for, with what
// runs beside that.
static void need(const search* s, size_t i, users which, bool* needed) {
  needed[i] = true;
  for (size_t k = i; k-- > 0;) {
    bool started = s->ops[k].async && join_of(s, k) == i;
    if (started && k + 1 < i) needed[k + 1] = true;
    bool loads = s->ops[k].code == VS_OP_guest_load && s->ops[i].code == VS_CALL_vcpu_create;
    needed[k] |= started || loads || is_about(s, i, k, which);
  }
}

static bool drop_what_is_not_needed(search* s, users which) {
  memset(s->dropped, 0, s->count);
  for (size_t i = s->count; i-- > 0;) {
    if (i >= s->at || s->dropped[i]) need(s, i, which, s->dropped);
  }
  for (size_t i = 0; i < s->count; i++) s->dropped[i] = !s->dropped[i];
  return try_rest(s);
}

// All at once what has nothing to do with the op that shows it; then an object with all that is
// about it.
static bool drop_objects(search* s) {
  bool any = drop_what_is_not_needed(s, LAST_USERS) || drop_what_is_not_needed(s, ALL_USERS);
  for (size_t i = 0; i < s->count && !s->broken; i++) {
    bool makes_one = vs_op_out(&s->ops[i], 0) != NULL;
    while (makes_one && i < s->count && without(s, i, 1)) any = true;
  }
  return any;
}

// A join comes as soon as the op has met its call.
static bool join_early(search* s) {
  bool any = false;
  for (size_t i = 0; i < s->count && !s->broken; i++) {
    size_t join = s->ops[i].async ? join_of(s, i) : s->count;
    if (join == s->count || join <= i + 2) continue;
    vs_op* ops = draft(s);
    memmove(ops + i + 3, ops + i + 2, (join - i - 2) * sizeof *ops);
    ops[i + 2] = s->ops[join];
    any |= accept(s, s->count);
  }
  return any;
}

static bool derives(const vs_op* op) {
  return op->code == VS_CALL_handle_duplicate || op->code == VS_CALL_handle_replace;
}

// The op at `i` names `as` where it named `slot`.
static void rename_slot(vs_op* op, uint8_t slot, uint8_t as) {
  for (size_t k = 0; k < VS_ARGS_MAX; k++) {
    vs_arg* arg = &op->args[k];
    bool handle = vs_ops[op->code].params[k].type == VS_PARAM_HANDLE;
    if (handle && vs_arg_names_slot(arg) && arg->slot == slot) arg->slot = as;
  }
}

// A handle that is derived from another is left out, and that one is used in its place.
static bool drop_derived(search* s) {
  bool any = false;
  for (size_t i = 0; i < s->count && !s->broken; i++) {
    const vs_op op = s->ops[i];
    if (!derives(&op) || op.async || i == s->at || !vs_arg_names_slot(&op.args[0])) continue;
    const uint8_t slot = vs_op_out(&op, 0)->slot;
    vs_op* ops = draft(s);
    memmove(ops + i, ops + i + 1, (s->count - i - 1) * sizeof *ops);
    for (size_t k = i; k + 1 < s->count; k++) {
      rename_slot(&ops[k], slot, op.args[0].slot);
      if (makes(&ops[k], slot)) break;
    }
    any |= accept(s, s->count - 1);
  }
  return any;
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
    size_t join = join_of(s, i);
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

// The argument of the op's first parameter of this type; NULL: it has none.
static vs_arg* argument(vs_op* op, vs_param_type type) {
  uint8_t at = vs_param_find(op->code, type, 0);
  return at < VS_ARGS_MAX ? &op->args[at] : NULL;
}

static vs_arg* buffer_of(vs_op* op) {
  vs_arg* in = argument(op, VS_PARAM_IN);
  return in != NULL ? in : argument(op, VS_PARAM_OUT);
}

// The bytes that the op's kind asks for; what it is told, of another kind.
static uint64_t exact_of(const search* s, vs_op* op) {
  const vs_arg* kind = argument(op, VS_PARAM_KIND);
  const vs_arg* size = argument(op, VS_PARAM_SIZE);
  if (kind != NULL && kind->number == ZX_VCPU_IO) return sizeof(zx_vcpu_io_t);
  if (kind != NULL && kind->number == ZX_VCPU_STATE) return s->info->state_size;
  return size != NULL ? size->number : 0;
}

static bool exact_size(const search* s, vs_op* op) {
  vs_arg* size = argument(op, VS_PARAM_SIZE);
  uint64_t exact = exact_of(s, op);
  if (size == NULL || size->number == exact) return false;
  size->number = exact;
  return true;
}
static bool exact_length(const search* s, vs_op* op) {
  vs_arg* buffer = buffer_of(op);
  uint64_t exact = exact_of(s, op);
  uint16_t wanted = (uint16_t)(exact < 2048 ? exact : 2048);
  if (buffer == NULL || buffer->length == wanted) return false;
  buffer->length = wanted;
  return true;
}
static bool kind_state(const search* s, vs_op* op) {
  vs_arg* kind = argument(op, VS_PARAM_KIND);
  if (kind == NULL || kind->number == ZX_VCPU_STATE) return false;
  kind->number = ZX_VCPU_STATE;
  exact_size(s, op);
  exact_length(s, op);
  return true;
}
static bool no_bytes(const search* s, vs_op* op) {
  (void)s;
  static const uint8_t none[VS_STATE_MAX];
  bool entry = op->code == VS_CALL_vcpu_create;  // of which they are the machine code
  if (entry || memcmp(op->bytes, none, sizeof none) == 0) return false;
  memset(op->bytes, 0, sizeof op->bytes);
  return true;
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
static bool not_optional(const search* s, vs_op* op) {
  (void)s;
  bool optional = op->optional;
  op->optional = false;
  return optional;
}

static const change changes[] = {no_bytes,      exact_size,   exact_length, kind_state,
                                 not_rewritten, first_thread, not_async,    not_optional};

// A change of one argument; false: there is nothing to change.
typedef bool (*argument_change)(const search* s, vs_op* op, uint8_t parameter);

static bool same_argument(const vs_arg* a, const vs_arg* b) {
  return a->number == b->number && a->form == b->form && a->slot == b->slot && a->at == b->at &&
         a->argument == b->argument && a->length == b->length;
}

// As it is unless a script says otherwise; slots and lengths stay what they are.
static bool usual(const search* s, vs_op* op, uint8_t parameter) {
  const uint8_t type = vs_ops[op->code].params[parameter].type;
  const bool sized = type == VS_PARAM_SIZE || type == VS_PARAM_KIND;
  vs_arg* arg = &op->args[parameter];
  vs_arg as = vs_op_new(op->code, s->info).args[parameter];
  if (sized || (type == VS_PARAM_HANDLE && vs_param_is_positional(op->code, parameter))) {
    return false;
  }
  if (vs_param_is_pointer(type)) {
    as.slot = arg->slot;
    as.length = arg->length;
    if (type == VS_PARAM_IN) as.at = VS_AT_PLAIN;
  }
  if (same_argument(arg, &as)) return false;
  *arg = as;
  if (type == VS_PARAM_ENTRY) memset(op->bytes, 0, sizeof op->bytes);
  return true;
}

static bool small_argument(const search* s, vs_op* op, uint8_t parameter) {
  (void)s;
  vs_arg* arg = &op->args[parameter];
  if (!vs_param_is_pointer(vs_ops[op->code].params[parameter].type) || arg->argument <= 1)
    return false;
  arg->argument = 1;
  return true;
}

static bool is_handle(const vs_op* op, uint8_t parameter) {
  return vs_ops[op->code].params[parameter].type == VS_PARAM_HANDLE;
}

// The handle that its own was derived from, in however many steps.
static bool first_handle(const search* s, vs_op* op, uint8_t parameter) {
  vs_arg* arg = &op->args[parameter];
  uint8_t slot = arg->slot;
  if (!is_handle(op, parameter) || !vs_arg_names_slot(arg)) return false;
  for (const vs_op* maker = op; maker-- > s->trial;) {
    if (derives(maker) && vs_op_out(maker, 0)->slot == slot) slot = maker->args[0].slot;
  }
  if (slot == arg->slot) return false;
  arg->slot = slot;
  return true;
}

// That of the first op which makes such a handle.
static bool earlier_handle(const search* s, vs_op* op, uint8_t parameter) {
  vs_arg* arg = &op->args[parameter];
  if (!is_handle(op, parameter) || !vs_arg_names_slot(arg)) return false;
  const size_t maker = maker_of(s, (size_t)(op - s->trial), arg->slot, s->count);
  for (size_t i = 0; maker < s->count && i < maker; i++) {
    if (s->ops[i].code != s->ops[maker].code) continue;
    const bool second = vs_op_out(&s->ops[maker], 0)->slot != arg->slot;
    arg->slot = vs_op_out(&s->ops[i], second)->slot;
    return true;
  }
  return false;
}

static bool plain_handle(const search* s, vs_op* op, uint8_t parameter) {
  (void)s;
  vs_arg* arg = &op->args[parameter];
  if (!is_handle(op, parameter) || arg->form == VS_HANDLE_SLOT || !vs_arg_names_slot(arg))
    return false;
  *arg = vs_arg_slot(arg->slot);
  return true;
}

static bool zero_handle(const search* s, vs_op* op, uint8_t parameter) {
  (void)s;
  vs_arg* arg = &op->args[parameter];
  const bool zero = arg->form == VS_HANDLE_RAW && arg->number == 0;
  if (!is_handle(op, parameter) || zero) return false;
  *arg = (vs_arg){.form = VS_HANDLE_RAW};
  return true;
}

// That of the first op which makes one, whatever it is of.
static bool any_handle(const search* s, vs_op* op, uint8_t parameter) {
  vs_arg* arg = &op->args[parameter];
  if (!is_handle(op, parameter) || !vs_arg_names_slot(arg)) return false;
  const vs_op* maker = s->trial;
  while (maker < op && vs_op_out(maker, 0) == NULL) maker++;
  if (maker == op || vs_op_out(maker, 0)->slot == arg->slot) return false;
  arg->slot = vs_op_out(maker, 0)->slot;
  return true;
}

static const argument_change argument_changes[] = {
    usual, small_argument, first_handle, earlier_handle, any_handle, plain_handle, zero_handle};
enum {
  CHANGES = sizeof changes / sizeof changes[0],
  ARGUMENT_CHANGES = sizeof argument_changes / sizeof argument_changes[0]
};

static bool simplify_ops(search* s) {
  bool any = false;
  for (size_t i = 0; i < s->count && !s->broken; i++) {
    for (size_t k = 0; k < CHANGES && i < s->count; k++) {
      if (changes[k](s, &draft(s)[i])) any |= accept(s, s->count);
    }
    for (size_t k = 0; k < ARGUMENT_CHANGES * VS_ARGS_MAX && i < s->count; k++) {
      uint8_t parameter = (uint8_t)(k / ARGUMENT_CHANGES);
      argument_change one = argument_changes[k % ARGUMENT_CHANGES];
      if (one(s, &draft(s)[i], parameter)) any |= accept(s, s->count);
    }
  }
  return any;
}

// --- only the bits that matter ----------------------------------------------------------------

static bool clear_bytes(search* s, size_t i, size_t offset, size_t count) {
  static const uint8_t none[VS_STATE_MAX];
  if (memcmp(s->ops[i].bytes + offset, none, count) == 0) return false;
  memset(draft(s)[i].bytes + offset, 0, count);
  return accept(s, s->count);
}

static bool clear_bit(search* s, size_t i, size_t byte, unsigned bit) {
  uint8_t mask = (uint8_t)(1u << bit);
  if (!(s->ops[i].bytes[byte] & mask)) return false;
  draft(s)[i].bytes[byte] &= (uint8_t)~mask;
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

// A number with fewer bits: each of several is left out in turn.
static bool clear_number(search* s, size_t i, uint8_t parameter) {
  bool any = false;
  for (unsigned bit = 0; bit < 64 && i < s->count; bit++) {
    uint64_t mask = UINT64_C(1) << bit;
    uint64_t number = s->ops[i].args[parameter].number;
    if (!(number & mask) || number == mask) continue;
    draft(s)[i].args[parameter].number &= ~mask;
    any |= accept(s, s->count);
  }
  return any;
}

// True of numbers of which single bits may matter.
static bool has_bits(const vs_op* op, uint8_t parameter) {
  const vs_arg* arg = &op->args[parameter];
  switch (vs_ops[op->code].params[parameter].type) {
    case VS_PARAM_HANDLE:
      return !vs_arg_names_slot(arg) || arg->form != VS_HANDLE_SLOT;
    case VS_PARAM_KIND:
      return arg->number > ZX_VCPU_IO;
    case VS_PARAM_U32:
    case VS_PARAM_U64:
    case VS_PARAM_VECTOR:
      return true;
    default:
      return false;
  }
}

// The least size, of those near it, that still shows it.
static bool smaller_size(search* s, size_t i) {
  uint8_t at = vs_param_find(s->ops[i].code, VS_PARAM_SIZE, 0);
  if (at == VS_ARGS_MAX) return false;
  const uint64_t exact = exact_of(s, &s->ops[i]);
  const uint64_t size = s->ops[i].args[at].number;
  const uint64_t tries[] = {0, 1, exact - 1, exact + 1, size / 2};
  if (size == exact) return false;
  for (size_t k = 0; k < sizeof tries / sizeof tries[0] && i < s->count; k++) {
    if (tries[k] >= s->ops[i].args[at].number) continue;
    draft(s)[i].args[at].number = tries[k];
    if (accept(s, s->count)) return true;
  }
  return false;
}

static bool clear_bits(search* s) {
  bool any = false;
  for (size_t i = 0; i < s->count && !s->broken; i++) {
    if (argument(&s->ops[i], VS_PARAM_IN) != NULL) any |= clear_in(s, i);
    for (uint8_t k = 0; k < VS_ARGS_MAX && i < s->count; k++) {
      if (has_bits(&s->ops[i], k)) any |= clear_number(s, i, k);
    }
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
    outcome o;
    const bool fails = run_once(s, script->ops, script->count, &o);
    if (vs_waits_stopped() || s->gone.text[0] != '\0') break;
    if (!fails) continue;
    if (failed++ > 0) continue;
    s->clause = o.judgement.violation.clause;
    s->kind = o.judgement.violation.kind;
    take(s, script->ops, script->count, &o);
    s->sound = is_sound(s, s->ops, s->count);
  }
  result->fails = failed > 0;
  result->flaky = failed > 0 && failed < tried;
  s->races |= result->flaky;
  s->tries = result->flaky ? RACE_TRIES : s->races ? 2 : 1;
  return result->fails;
}

// True if nothing more can be left out.
static bool shrink(search* s) {
  for (unsigned pass = 0; pass < PASSES && !s->broken; pass++) {
    bool any = drop_objects(s);
    any |= join_early(s);
    any |= drop_ops(s);
    any |= drop_derived(s);
    any |= wait_at_once(s);
    any |= simplify_ops(s);
    any |= clear_bits(s);
    if (!any) return !is_over(s);
  }
  return false;
}

static bool search_all(search* s, const vs_script* script, vs_minimized* result) {
  size_t room = script->count > 0 ? script->count : 1;
  s->oracle = malloc(sizeof *s->oracle);
  s->ops = calloc(room, sizeof *s->ops);
  s->trial = calloc(room, sizeof *s->trial);
  s->dropped = calloc(room, 1);
  bool ready = s->oracle != NULL && s->ops != NULL && s->trial != NULL && s->dropped != NULL;
  if (ready && find_failure(s, script, result)) result->minimal = shrink(s);
  free(s->dropped);
  free(s->oracle);
  free(s->trial);
  result->ops = s->ops;
  result->count = s->count;
  result->at = s->at;
  result->gone = s->gone;
  result->violation = s->shown.judgement.violation;
  result->in_call = s->shown.judgement.step == VS_STEP_VIOLATION;
  result->death = s->shown.death;
  memcpy(result->errors, s->shown.errors, sizeof result->errors);
  memcpy(result->ended, s->shown.ended, sizeof result->ended);
  result->runs = s->runs;
  return ready && !s->broken;
}

bool vs_minimize(const vs_minimizing* how, const vs_script* script, vs_minimized* result) {
  *result = (vs_minimized){0};
  search* s = calloc(1, sizeof *s);
  if (s == NULL) return false;
  s->how = how;
  s->info = vs_arch_find(how->target->arch);
  s->races = has_race(script);
  s->most = RUNS * (script->count > LEAST ? script->count : LEAST);
  bool good = search_all(s, script, result);
  free(s);
  if (!good) vs_minimized_free(result);
  return good;
}

void vs_minimized_free(vs_minimized* result) {
  free(result->ops);
  *result = (vs_minimized){0};
}
