// SPDX-License-Identifier: BSD-3-Clause
#include "make.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "runner/describe.h"
#include "runner/failure.h"
#include "text/file.h"
#include "text/print.h"

enum { TEXT = 1024, OPS_AFTER_SETUP = 3, BITS_SHOWN = 8, LONGEST_SCRIPT = 10000, OTHERS_SHOWN = 5 };

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

void vs_results_key_of(const vs_violation* violation, const vs_arch_info* arch, const char* died,
                       char* text, size_t size) {
  vs_text out = vs_text_in(text, size);
  const char* ending = died[0] != '\0' ? died : "no_return";
  if (violation != NULL) return say_violation(&out, violation, arch, ending);
  vs_say(&out, "life -> %s", ending);
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

// The call that may have done what the failing op shows: the last one of which the broken clause
// says that it changes nothing. VS_NONE: the failing op alone is in question.
static size_t suspect_of(const vs_case_result* result) {
  const vs_clause_code clause = result->judgement.violation.clause;
  for (size_t i = result->judgement.at; i-- > 0;) {
    const uint8_t code = result->script.ops[i].code;
    if (code >= VS_CALL_COUNT) continue;
    const bool quiet = code == VS_CALL_vcpu_interrupt || code == VS_CALL_vcpu_kick;
    const bool accepted = quiet && vs_judged_calls[code].accepted == clause;
    if (accepted && was_answered(result, i, true)) return i;
    if (vs_judged_calls[code].refused == clause && was_answered(result, i, false)) return i;
  }
  return VS_NONE;
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

// Calls between the setup and what came right before are left out, but for those that matter.
static void add_ops(vs_store* store, vs_texts* list, const vs_case_result* result) {
  size_t left_out = 0;
  const size_t failing = result->judgement.at;
  const size_t suspect = suspect_of(result);
  const size_t write = write_of(result);
  const size_t seen = source_of(result);
  for (size_t i = 0; i <= failing && i < result->script.count; i++) {
    const bool near = i + OPS_AFTER_SETUP > failing || i == suspect || i == write || i == seen;
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

static void add_bits(vs_store* store, vs_texts* list, uint64_t wrong) {
  char line[TEXT];
  if (wrong == 0 || __builtin_popcountll(wrong) > BITS_SHOWN) return;
  vs_text text = vs_text_in(line, sizeof line);
  vs_say(&text, "differs in bit");
  for (unsigned bit = 0; bit < 64; bit++) {
    if (wrong & UINT64_C(1) << bit) vs_say(&text, " %u", bit);
  }
  vs_add(store, list, line);
}

// The bits in which a register is wrong, which write asked for what it must be, and
// which one for what is seen.
static void add_difference(vs_store* store, vs_texts* list, const vs_case_result* result) {
  const vs_violation* v = &result->judgement.violation;
  const vs_register* reg = &vs_arch_find(result->target->arch)->registers[v->reg];
  add_bits(store, list, (v->expected ^ v->value) & v->known);
  const size_t i = write_of(result);
  if (i != VS_NONE) {
    vs_add(store, list,
           vs_said(store, "written %s = 0x%016" PRIx64 ", by op %zu", reg->name,
                   value_in(&result->script.ops[i], reg), i));
  }
  const size_t seen = source_of(result);
  if (seen == VS_NONE) return;
  const char* how = was_answered(result, seen, true) ? "" : ", which was not accepted";
  vs_add(store, list, vs_said(store, "seen as op %zu would have it%s", seen, how));
}

// What the error says that was got in the place of ZX_OK.
static void add_meaning(vs_store* store, vs_texts* list, const vs_violation* v) {
  char line[TEXT];
  vs_text text = vs_text_in(line, sizeof line);
  vs_say(&text, "means ");
  if (vs_say_meaning(&text, v)) vs_add(store, list, line);
}

static void add_suspect(vs_store* store, vs_texts* list, const vs_case_result* result) {
  const size_t i = suspect_of(result);
  if (i == VS_NONE) return;
  const char* what = was_answered(result, i, true) ? "was accepted" : "was refused";
  vs_add(store, list,
         vs_said(store, "suspect op %zu, which %s and must change nothing of it", i, what));
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
    const vs_way* way = &failure->others.at[i];
    vs_add(store, &failure->remarks, vs_said(store, "also %s: %s", way->clause, way->key));
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
  vs_text text = vs_text_in(line, sizeof line);
  vs_say_allowed(&text, v, arch);
  failure->allowed = vs_keep(store, line);
  text = vs_text_in(line, sizeof line);
  vs_say_got(&text, v, arch);
  failure->got = vs_keep(store, line);
  add_ops(store, &failure->ops, result);
  add_meaning(store, &failure->remarks, v);
  if (v->kind == VS_VIOLATION_REGISTER) add_difference(store, &failure->remarks, result);
  add_suspect(store, &failure->remarks, result);
  add_others(store, failure, result);
}

// The backend ended between two calls, or before the first: no op is to blame.
static void tell_death(vs_store* store, vs_failure_told* failure, const vs_case_result* result) {
  bool about = result->c->clause_count > 0;
  const vs_clause* subject = about ? &vs_clauses[result->c->clauses[0]] : NULL;
  *failure = (vs_failure_told){.clause = about ? subject->id : NULL,
                               .sentence = about ? subject->sentence : "",
                               .op = VS_NONE,
                               .allowed = "the backend goes on",
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

static void print_command(FILE* out, const vs_plan* plan, const vs_case_result* result) {
  bool own = vs_case_find(result->c->id) != NULL;
  print_quoted(out, plan->program);
  fputs(" run --backend ", out);
  print_quoted(out, result->target->spec);
  fputs(" --profile ", out);
  print_quoted(out, plan->profile_word ? plan->profile_word : plan->profile->id);
  fputs(own ? " --filter " : " ", out);
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

const char* vs_describe_command(vs_store* store, const vs_plan* plan,
                                const vs_case_result* result) {
  vs_file printed;
  if (plan->program == NULL) return NULL;
  FILE* out = vs_needed(vs_memory_open(&printed));
  print_command(out, plan, result);
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
