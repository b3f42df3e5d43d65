// SPDX-License-Identifier: BSD-3-Clause
#include "make.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "text/file.h"
#include "text/print.h"
#include "words/describe.h"
#include "words/failure.h"

enum {
  TEXT = 1024,
  OPS_AFTER_SETUP = 3,
  BITS_SHOWN = 12,
  LONGEST_SCRIPT = 10000,
  OTHERS_SHOWN = 5
};

static bool is_violation(const vs_case_result* result) {
  return vs_verdict_is_failure(result->verdict) && result->judgement.step == VS_STEP_VIOLATION;
}

// --- the key ------------------------------------------------------------------------------------

static void say_statuses(vs_text* text, const vs_failure_key* key) {
  for (uint8_t i = 0; i < key->count; i++) {
    bool again = i > 0 && key->allowed[i] == key->allowed[i - 1];
    if (again) continue;
    if (i > 0) vs_say(text, "|");
    vs_say_status(text, key->allowed[i]);
  }
  if (key->count == 0) vs_say(text, "nothing");
}

static void say_violation(vs_text* text, const vs_violation* v, const vs_arch_info* arch,
                          const char* ending) {
  vs_failure_key key = vs_failure_key_of(v);
  switch (v->kind) {
    case VS_VIOLATION_REGISTER:
      return vs_say(text, "%s -> %s", arch->registers[v->reg].name,
                    v->guest_view ? "other_in_guest" : "other");
    case VS_VIOLATION_PACKET:
      return vs_say(text, "packet -> other");
    case VS_VIOLATION_HANDLE:
      return vs_say(text, "handle -> %s", v->got == ZX_OK ? "invalid" : "left open");
    case VS_VIOLATION_BUFFER:
      return vs_say(text, "buffer -> written");
    case VS_VIOLATION_SILENCE:
      return vs_say(text, "life -> silence");
    default:
      say_statuses(text, &key);
      vs_say(text, " -> ");
      if (v->kind == VS_VIOLATION_NO_RETURN) return vs_say(text, "%s", ending);
      return vs_say_status(text, v->got);
  }
}

// "SIGSEGV", of a backend that ended within a call, or between two.
static const char* ending_of(const char* died) {
  return died[0] != '\0' ? died : "no_return";
}

void vs_results_key_of(const vs_violation* violation, const vs_arch_info* arch, const char* died,
                       char* text, size_t size) {
  vs_text out = vs_text_in(text, size);
  if (violation != NULL) return say_violation(&out, violation, arch, ending_of(died));
  vs_say(&out, "life -> %s", ending_of(died));
}

void vs_results_answer_of(const vs_violation* violation, const vs_arch_info* arch, const char* died,
                          char text[VS_ANSWER_TEXT]) {
  char key[VS_ANSWER_TEXT];
  char touched[VS_TOUCHED_TEXT];
  vs_text out = vs_text_in(touched, sizeof touched);
  vs_results_key_of(violation, arch, died, key, sizeof key);
  vs_touched_say(&out, violation->kind, vs_touched_of(violation));
  vs_way_answer((vs_way){.key = key}, touched, text);
}

void vs_results_key(const vs_case_result* result, char* text, size_t size) {
  bool in_call = result->judgement.step == VS_STEP_VIOLATION;
  vs_results_key_of(in_call ? &result->judgement.violation : NULL,
                    vs_arch_find(result->target->arch), result->died, text, size);
}

// --- ops ----------------------------------------------------------------------------------------

static void add_op(vs_store* store, vs_texts* list, const vs_case_result* result, size_t i) {
  char line[TEXT];
  vs_text text = vs_text_in(line, sizeof line);
  vs_say(&text, "%zu  ", i);
  vs_say_op(&text, &result->script.ops[i]);
  if (result->observations) vs_say_answer(&text, &result->script.ops[i], &result->observations[i]);
  vs_add(store, list, line);
}

static bool was_answered(const vs_case_result* result, size_t i, bool accepted) {
  const vs_observation* seen = result->observations ? &result->observations[i] : NULL;
  return seen != NULL && seen->outcome == VS_RETURNED && (seen->status == ZX_OK) == accepted;
}

static bool is_io(const vs_op* op) {
  return VS_OP_ARG(op, vcpu_write_state, kind).number == ZX_VCPU_IO;
}

static bool gives_rights(vs_clause_code clause) {
  return clause == VS_CLAUSE_GUEST_RIGHTS || clause == VS_CLAUSE_VCPU_RIGHTS;
}

// True of the op that made the handle which the failing op is given.
static bool makes_handle_of(const vs_case_result* result, const vs_op* op) {
  const vs_arg* handle = &result->script.ops[result->judgement.at].args[0];
  return vs_op_out(op, 0) != NULL && vs_op_out(op, 0)->slot == handle->slot;
}

// True of a call that may have done what the failing op shows, by the clause that says that it does
// not.
static bool may_have_broken(const vs_case_result* result, size_t i, vs_clause_code clause) {
  const vs_op* op = &result->script.ops[i];
  if (op->code >= VS_CALL_COUNT) return false;
  const bool accepted = was_answered(result, i, true);
  if (gives_rights(clause)) return accepted && makes_handle_of(result, op);
  if (op->code == VS_CALL_vcpu_write_state && accepted)
    return clause == VS_CLAUSE_OF_HANDLE || (clause == VS_CLAUSE_IO_ALONE && is_io(op));
  const bool quiet = op->code == VS_CALL_vcpu_interrupt || op->code == VS_CALL_vcpu_kick;
  if (quiet && accepted) return vs_judged_calls[op->code].accepted == clause;
  return vs_judged_calls[op->code].refused == clause && was_answered(result, i, false);
}

// The last such call. VS_NONE: the failing op alone is in question.
static size_t suspect_by(const vs_case_result* result, vs_clause_code clause) {
  size_t i = result->judgement.at;
  while (i > 0 && !may_have_broken(result, i - 1, clause)) i--;
  return i > 0 ? i - 1 : VS_NONE;
}

// Where the clause that is cited may not be the one that was broken: the call that may have broken
// the other one.
static size_t other_suspect_of(const vs_case_result* result) {
  const uint8_t also = result->judgement.violation.also;
  return also != 0 ? suspect_by(result, (vs_clause_code)(also - 1)) : VS_NONE;
}

static uint64_t value_in(const vs_op* op, const vs_register* reg) {
  uint64_t value = 0;
  memcpy(&value, op->bytes + reg->offset, reg->width / 8u);
  return value;
}

// The last write that was accepted, and had what the register must be. VS_NONE: there is none.
static size_t write_of(const vs_case_result* result) {
  const vs_violation* v = &result->judgement.violation;
  const vs_register* reg = &vs_arch_find(result->target->arch)->registers[v->reg];
  if (v->kind != VS_VIOLATION_REGISTER) return VS_NONE;
  for (size_t i = result->judgement.at; i-- > 0;) {
    const vs_op* op = &result->script.ops[i];
    if (op->code != VS_CALL_vcpu_write_state || !was_answered(result, i, true)) continue;
    if (VS_OP_ARG(op, vcpu_write_state, kind).number != ZX_VCPU_STATE) continue;
    if (((value_in(op, reg) ^ v->expected) & v->known) == 0) return i;
  }
  return VS_NONE;
}

// The accepted call that may not have done what it was to do, where a later one may as well have
// undone it. VS_NONE: there are no two.
static size_t undone_of(const vs_case_result* result) {
  const bool reg = result->judgement.violation.kind == VS_VIOLATION_REGISTER;
  const uint8_t code = reg ? VS_CALL_vcpu_write_state : VS_CALL_vcpu_kick;
  const size_t write = write_of(result);
  size_t i = other_suspect_of(result);
  if (!reg && result->judgement.violation.clause != VS_CLAUSE_KICK) return VS_NONE;
  if (i == VS_NONE || write != VS_NONE) return i != VS_NONE ? write : VS_NONE;
  while (i > 0 && (result->script.ops[i - 1].code != code || !was_answered(result, i - 1, true)))
    i--;
  return i > 0 ? i - 1 : VS_NONE;
}

static size_t suspect_of(const vs_case_result* result) {
  const vs_violation* v = &result->judgement.violation;
  return v->also != 0 ? undone_of(result) : suspect_by(result, v->clause);
}

// The last write whose value is what was seen. VS_NONE: there is none, or it is no whole value.
static size_t source_of(const vs_case_result* result) {
  const vs_violation* v = &result->judgement.violation;
  const vs_register* reg = &vs_arch_find(result->target->arch)->registers[v->reg];
  if (v->kind != VS_VIOLATION_REGISTER) return VS_NONE;
  for (size_t i = result->judgement.at; i-- > 0 && v->value != 0;) {
    const vs_op* op = &result->script.ops[i];
    if (op->code != VS_CALL_vcpu_write_state) continue;
    if (VS_OP_ARG(op, vcpu_write_state, kind).number != ZX_VCPU_STATE) continue;
    if (((value_in(op, reg) ^ v->value) & v->known) == 0) return i;
  }
  return VS_NONE;
}

// The slots that the op's handles stand in, a bit each.
static uint32_t slots_named(const vs_op* op) {
  uint32_t slots = 0;
  for (unsigned p = vs_param_find(op->code, VS_PARAM_HANDLE, 0); p < VS_ARGS_MAX;
       p = vs_param_find(op->code, VS_PARAM_HANDLE, (uint8_t)(p + 1))) {
    if (vs_arg_names_slot(&op->args[p])) slots |= UINT32_C(1) << op->args[p].slot;
  }
  return slots;
}

static uint32_t slots_filled(const vs_op* op) {
  uint32_t slots = 0;
  for (unsigned p = vs_param_find(op->code, VS_PARAM_OUT_HANDLE, 0); p < VS_ARGS_MAX;
       p = vs_param_find(op->code, VS_PARAM_OUT_HANDLE, (uint8_t)(p + 1))) {
    slots |= UINT32_C(1) << op->args[p].slot;
  }
  return slots;
}

// The ops that gave the failing one its handles, and those that gave these theirs. Returns how
// many.
static size_t find_makers(const vs_case_result* result, size_t makers[VS_SLOTS]) {
  size_t count = 0;
  if (result->judgement.at >= result->script.count) return 0;
  uint32_t wanted = slots_named(&result->script.ops[result->judgement.at]);
  for (size_t i = result->judgement.at; i-- > 0 && wanted != 0 && count < VS_SLOTS;) {
    const vs_op* op = &result->script.ops[i];
    if (!(slots_filled(op) & wanted)) continue;
    makers[count++] = i;
    wanted = (wanted & ~slots_filled(op)) | slots_named(op);
  }
  return count;
}

// Calls between the setup and what came right before are left out, but for those that matter.
static void add_ops(vs_store* store, vs_texts* list, const vs_case_result* result) {
  size_t left_out = 0;
  const size_t failing = result->judgement.at;
  const size_t suspect = suspect_of(result);
  const size_t write = write_of(result);
  const size_t seen = source_of(result);
  const size_t other = other_suspect_of(result);
  size_t makers[VS_SLOTS];
  size_t rest = find_makers(result, makers);  // the first of them last
  for (size_t i = 0; i <= failing && i < result->script.count; i++) {
    const bool maker = rest > 0 && makers[rest - 1] == i;
    const bool told = i == suspect || i == other || i == write || i == seen || maker;
    rest -= maker;
    const bool near = i + OPS_AFTER_SETUP > failing || told;
    if (!near && !vs_op_makes_object(result->script.ops[i].code)) {
      left_out++;
      continue;
    }
    if (left_out > 0) vs_add(store, list, vs_said(store, "(%zu more)", left_out));
    left_out = 0;
    add_op(store, list, result, i);
  }
}

// --- what differs -------------------------------------------------------------------------------

// All flags there are; of more, the two values say it.
static bool are_few(uint64_t bits) {
  return __builtin_popcountll(bits) <= BITS_SHOWN;
}

static void say_bits(vs_text* text, uint64_t bits) {
  vs_say(text, " in bit");
  for (unsigned bit = 0; bit < 64; bit++) {
    if (bits & UINT64_C(1) << bit) vs_say(text, " %u", bit);
  }
}

// And in which the same register is wrong further on: what is lost shows only where it was asked.
static void add_bits(vs_store* store, vs_texts* list, uint64_t wrong, uint64_t all) {
  char line[TEXT];
  if (wrong == 0 || !are_few(wrong)) return;
  vs_text text = vs_text_in(line, sizeof line);
  vs_say(&text, "differs");
  say_bits(&text, wrong);
  const uint64_t more = all & ~wrong;
  if (more != 0 && are_few(more)) {
    vs_say(&text, ", and further on");
    say_bits(&text, more);
  }
  vs_add(store, list, line);
}

// The bits in which a register is wrong, which write asked for what it must be, and
// which one for what is seen.
static void add_difference(vs_store* store, vs_texts* list, const vs_case_result* result) {
  const vs_violation* v = &result->judgement.violation;
  const vs_register* reg = &vs_arch_find(result->target->arch)->registers[v->reg];
  add_bits(store, list, (v->expected ^ v->value) & v->known, result->touched.mask);
  const size_t i = write_of(result);
  if (i != VS_NONE) {
    vs_add(store, list,
           vs_said(store, "written %s = 0x%016" PRIx64 ", by op %zu", reg->name,
                   value_in(&result->script.ops[i], reg), i));
  }
  const size_t seen = source_of(result);
  if (seen == VS_NONE) return;
  const char* how = was_answered(result, seen, false) ? ", which was not accepted" : "";
  vs_add(store, list, vs_said(store, "seen as op %zu would have it%s", seen, how));
}

// What the error says that was got in the place of ZX_OK.
static void add_meaning(vs_store* store, vs_texts* list, const vs_violation* v) {
  char line[TEXT];
  vs_text text = vs_text_in(line, sizeof line);
  vs_say(&text, "means ");
  if (vs_say_meaning(&text, v)) vs_add(store, list, line);
}

// A refused write that left its value, whatever clause that breaks.
static void add_source(vs_store* store, vs_texts* list, const vs_case_result* result) {
  const size_t seen = source_of(result);
  const size_t suspect = suspect_of(result);
  const size_t other = other_suspect_of(result);
  if (seen == VS_NONE || seen == suspect || seen == other || !was_answered(result, seen, false))
    return;
  const char* word = suspect == VS_NONE && other == VS_NONE ? "suspect" : "or";
  vs_add(
      store, list,
      vs_said(store, "%s op %zu, which was refused, and has the value that is seen", word, seen));
}

// Of two calls between which nothing was looked at, either may have done it.
static void add_suspects(vs_store* store, vs_texts* list, const vs_case_result* result) {
  const size_t i = suspect_of(result);
  const size_t other = other_suspect_of(result);
  const bool reg = result->judgement.violation.kind == VS_VIOLATION_REGISTER;
  const char* accepted = reg ? "was accepted and must change nothing of it" : "was accepted";
  const char* refused = "was refused and must change nothing of it";
  if (i != VS_NONE && other != VS_NONE) {
    vs_add(store, list,
           vs_said(store, "suspect op %zu, which was accepted, and not looked at before", i));
  } else if (i != VS_NONE) {
    const char* what = was_answered(result, i, true) ? accepted : refused;
    vs_add(store, list, vs_said(store, "suspect op %zu, which %s", i, what));
  }
  if (other == VS_NONE) return;
  const char* what = was_answered(result, other, true) ? accepted : refused;
  if (gives_rights((vs_clause_code)(result->judgement.violation.also - 1)))
    what = "made the handle, and may not have given it that right";
  vs_add(store, list, vs_said(store, "or op %zu, which %s", other, what));
}

// Both ends of its standard error.
static void add_errors(vs_store* store, vs_texts* list, const vs_case_result* result) {
  for (const char* line = result->errors; *line != '\0';) {
    int length = (int)strcspn(line, "\n");
    vs_add(store, list, vs_said(store, "stderr %.*s", length, line));
    line += length + (line[length] == '\n');
  }
}

vs_texts vs_describe_errors(vs_store* store, const vs_case_result* result) {
  vs_texts list = {vs_take(store, 1), 0};  // none is not absent
  add_errors(store, &list, result);
  return list;
}

static void add_way(vs_store* store, vs_failure_told* failure, vs_clause_code clause,
                    const char* key, const char* touched) {
  vs_way* way = vs_grow(store, &failure->others, sizeof *way);
  *way = (vs_way){vs_clauses[clause].id, vs_keep(store, key), touched};
}

static const char* say_touched(vs_store* store, vs_violation_kind kind, vs_touched touched) {
  char line[VS_TOUCHED_TEXT];
  vs_text text = vs_text_in(line, sizeof line);
  vs_touched_say(&text, kind, touched);
  return line[0] != '\0' ? vs_keep(store, line) : NULL;
}

// No clause is cited for how the backend ended: none says anything of it.
static void add_also(vs_store* store, vs_failure_told* failure, const vs_way* way,
                     const vs_case_result* result) {
  const char* answer = strstr(way->key, " -> ") + strlen(" -> ");
  const bool ended = strcmp(answer, ending_of(result->died)) == 0;
  vs_add(store, &failure->remarks,
         ended ? vs_said(store, "also ended: %s", answer)
               : vs_said(store, "also %s: %s", way->clause, way->key));
}

// The other sorts of failure of the same case: an entry that knows the first knows nothing of them.
static void add_others(vs_store* store, vs_failure_told* failure, const vs_case_result* result) {
  const vs_violation* first = &result->judgement.violation;
  bool told = first->kind == VS_VIOLATION_NO_RETURN;  // how the backend died
  failure->others.at = vs_take(store, 1);
  for (size_t i = 0; i < result->also_count; i++) {
    char key[TEXT];
    const vs_violation* v = &result->also[i].violation;
    vs_results_key_of(v, vs_arch_find(result->target->arch), result->died, key, sizeof key);
    add_way(store, failure, v->clause, key, say_touched(store, v->kind, result->also[i].touched));
    told |= v->kind == VS_VIOLATION_NO_RETURN;
  }
  if (!told && result->died[0] != '\0')
    add_way(store, failure, first->clause, vs_said(store, "life -> %s", result->died), NULL);
  size_t count = failure->others.count;
  for (size_t i = 0; i < count && i < OTHERS_SHOWN; i++) {
    add_also(store, failure, &failure->others.at[i], result);
  }
  if (count > OTHERS_SHOWN) {
    vs_add(store, &failure->remarks,
           vs_said(store, "also %zu more sorts of failure", count - OTHERS_SHOWN));
  }
}

static void tell_violation(vs_store* store, vs_failure_told* failure,
                           const vs_case_result* result) {
  char line[TEXT];
  const vs_violation* v = &result->judgement.violation;
  const vs_arch_info* arch = vs_arch_find(result->target->arch);
  failure->clause = vs_clauses[v->clause].id;
  failure->sentence = vs_clauses[v->clause].sentence;
  failure->op = result->judgement.at;
  failure->touched = say_touched(store, v->kind, result->touched);
  if (v->kind == VS_VIOLATION_NO_RETURN) failure->ended = vs_keep(store, ending_of(result->died));
  vs_text text = vs_text_in(line, sizeof line);
  vs_say_allowed(&text, v, arch);
  failure->allowed = vs_keep(store, line);
  text = vs_text_in(line, sizeof line);
  vs_say_got(&text, v, arch);
  failure->got = vs_keep(store, line);
  add_ops(store, &failure->ops, result);
  add_meaning(store, &failure->remarks, v);
  if (v->kind == VS_VIOLATION_REGISTER) add_difference(store, &failure->remarks, result);
  add_suspects(store, &failure->remarks, result);
  add_source(store, &failure->remarks, result);
  add_others(store, failure, result);
}

// The backend ended between two calls, or before the first: no op is to blame. The clause is what
// an expectation may name it by.
static void tell_death(vs_store* store, vs_failure_told* failure, const vs_case_result* result) {
  bool about = result->c->clause_count > 0;
  const vs_clause* subject = about ? &vs_clauses[result->c->clauses[0]] : NULL;
  *failure = (vs_failure_told){.clause = about ? subject->id : NULL,
                               .sentence = about ? subject->sentence : "",
                               .op = VS_NONE,
                               .allowed = "the backend goes on",
                               .ended = vs_keep(store, ending_of(result->died)),
                               .got = vs_keep(store, result->note)};
}

vs_failure_told* vs_describe_failure(vs_store* store, const vs_case_result* result) {
  char key[TEXT];
  if (!vs_verdict_is_failure(result->verdict)) return NULL;
  vs_failure_told* failure = vs_take(store, sizeof *failure);
  if (is_violation(result)) {
    tell_violation(store, failure, result);
  } else {
    tell_death(store, failure, result);
  }
  add_errors(store, &failure->remarks, result);
  vs_results_key(result, key, sizeof key);
  failure->key = vs_keep(store, key);
  return failure;
}

// --- how to see it again ------------------------------------------------------------------------

// As a shell reads it back.
static void print_quoted(FILE* out, const char* word) {
  bool plain = word[0] != '\0' && word[strspn(word,
                                              "abcdefghijklmnopqrstuvwxyz"
                                              "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                              "0123456789_-+=:,./@%")] == '\0';
  if (!plain) fputc('\'', out);
  for (const char* c = word; *c != '\0'; c++) {
    if (*c == '\'') {
      fputs("'\\''", out);
    } else {
      fputc(*c, out);
    }
  }
  if (!plain) fputc('\'', out);
}

static void print_command(FILE* out, const char* verb, const vs_plan* plan,
                          const vs_case_result* result) {
  bool own = vs_case_find(result->c->id) != NULL;
  print_quoted(out, plan->program);
  fprintf(out, " %s --backend ", verb);
  print_quoted(out, result->target->spec);
  fputs(" --profile ", out);
  print_quoted(out, plan->profile_word ? plan->profile_word : plan->profile->id);
  fputs(own && strcmp(verb, "run") == 0 ? " --filter " : " ", out);
  print_quoted(out, result->c->id);
  if (plan->seed != 0) fprintf(out, " --seed %" PRIu64, plan->seed);
}

static const char* keep_and_free(vs_store* store, FILE* out, vs_file* printed) {
  if (!vs_memory_close(out, printed)) vs_needed(NULL);
  const char* kept = vs_keep(store, printed->text);
  bool same = strcmp(kept, printed->text) == 0;
  vs_file_free(printed);
  return same ? kept : NULL;  // a path that is no UTF-8
}

const char* vs_describe_command(vs_store* store, const char* verb, const vs_plan* plan,
                                const vs_case_result* result) {
  vs_file printed;
  if (plan->program == NULL) return NULL;
  FILE* out = vs_needed(vs_memory_open(&printed));
  print_command(out, verb, plan, result);
  return keep_and_free(store, out, &printed);
}

// Up to the op that failed; a call that was started and never came back is waited for.
static void print_script(FILE* out, const vs_case_result* result, size_t count) {
  bool busy[VS_THREADS] = {false};
  const vs_arch_info* arch = vs_arch_find(result->target->arch);
  vs_script script = result->script;
  script.count = count;
  vs_print_script(out, &script, result->target->arch, result->c->clauses, result->c->clause_count);
  for (size_t i = 0; i < count; i++) {
    busy[script.ops[i].thread] = script.ops[i].async && script.ops[i].code != VS_CALL_vcpu_enter;
  }
  for (unsigned i = 0; i < VS_THREADS; i++) {
    const vs_op join = {.code = VS_OP_join, .thread = (uint8_t)i};
    if (busy[i]) vs_print_op(out, &join, arch);
  }
}

const char* vs_describe_script(vs_store* store, const vs_case_result* result) {
  vs_file printed;
  size_t count = result->script.count;
  if (is_violation(result) && result->judgement.at < count) count = result->judgement.at + 1;
  bool failed = vs_verdict_is_failure(result->verdict) && count > 0 && count <= LONGEST_SCRIPT;
  if (!failed) return NULL;
  FILE* out = vs_needed(vs_memory_open(&printed));
  print_script(out, result, count);
  return keep_and_free(store, out, &printed);
}
