// SPDX-License-Identifier: BSD-3-Clause
#include "describe_failure.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "make.h"
#include "runner/describe.h"
#include "text/print.h"

enum { TEXT = 1024, OPS_AFTER_SETUP = 3, BITS_SHOWN = 8, LONGEST_SCRIPT = 10000, OTHERS_SHOWN = 5 };

static bool is_violation(const vs_case_result* result) {
  return vs_verdict_is_failure(result->verdict) && result->judgement.step == VS_STEP_VIOLATION;
}

// --- ops --------------------------------------------------------------------------------------

static void put_op(vs_putter* p, json_t* list, const vs_case_result* result, size_t i) {
  char line[TEXT];
  vs_text text = vs_text_in(line, sizeof line);
  vs_say(&text, "%zu  ", i);
  vs_say_op(&text, &result->script.ops[i]);
  if (result->observations) vs_say_answer(&text, &result->script.ops[i], &result->observations[i]);
  vs_put_text_in(p, list, line);
}

static bool is_setup(const vs_op* op) {
  return vs_ops[op->code].phase == VS_PHASE_SETUP;
}

// Refused calls between the setup and what came right before change nothing.
static json_t* ops(vs_putter* p, const vs_case_result* result, size_t failing) {
  json_t* list = json_array();
  size_t left_out = 0;
  for (size_t i = 0; i <= failing && i < result->script.count; i++) {
    bool near = i + OPS_AFTER_SETUP > failing;
    if (!near && !is_setup(&result->script.ops[i])) {
      left_out++;
      continue;
    }
    char more[32];
    snprintf(more, sizeof more, "(%zu more)", left_out);
    if (left_out > 0) vs_put_text_in(p, list, more);
    left_out = 0;
    put_op(p, list, result, i);
  }
  return list;
}

// --- what differs -------------------------------------------------------------------------------

static void put_bits(vs_putter* p, json_t* list, uint64_t wrong) {
  char line[TEXT];
  if (wrong == 0 || __builtin_popcountll(wrong) > BITS_SHOWN) return;
  vs_text text = vs_text_in(line, sizeof line);
  vs_say(&text, "differs in bit");
  for (unsigned bit = 0; bit < 64; bit++) {
    if (wrong & UINT64_C(1) << bit) vs_say(&text, " %u", bit);
  }
  vs_put_text_in(p, list, line);
}

// The bits in which a register is wrong, and what the last write of it asked for.
static void put_difference(vs_putter* p, json_t* list, const vs_case_result* result) {
  char line[TEXT];
  const vs_violation* v = &result->judgement.violation;
  const vs_register* reg = &vs_arch_find(result->target->arch)->registers[v->reg];
  put_bits(p, list, (v->expected ^ v->value) & v->known);
  for (size_t i = result->judgement.at; i-- > 0;) {
    const vs_op* op = &result->script.ops[i];
    if (op->code != VS_CALL_vcpu_write_state) continue;
    if (VS_OP_ARG(op, vcpu_write_state, kind).number != ZX_VCPU_STATE) continue;
    uint64_t value = 0;
    memcpy(&value, op->bytes + reg->offset, reg->width / 8u);
    snprintf(line, sizeof line, "written %s = 0x%016" PRIx64 ", by op %zu", reg->name, value, i);
    vs_put_text_in(p, list, line);
    return;
  }
}

// The last lines of its standard error.
static void put_errors(vs_putter* p, json_t* list, const vs_case_result* result) {
  for (const char* line = result->errors; *line != '\0';) {
    char remark[TEXT];
    int length = (int)strcspn(line, "\n");
    snprintf(remark, sizeof remark, "stderr %.*s", length, line);
    vs_put_text_in(p, list, remark);
    line += length + (line[length] == '\n');
  }
}

// True if some failure says how the backend died.
static bool is_death_told(const vs_case_result* result) {
  if (result->judgement.violation.kind == VS_VIOLATION_NO_RETURN) return true;
  for (size_t i = 0; i < result->also_count; i++) {
    if (result->also[i].violation.kind == VS_VIOLATION_NO_RETURN) return true;
  }
  return false;
}

// The other sorts of failure of the same case: an entry that knows the first knows nothing of them.
static json_t* others(vs_putter* p, const vs_case_result* result) {
  const vs_arch_info* arch = vs_arch_find(result->target->arch);
  json_t* list = json_array();
  for (size_t i = 0; i < result->also_count; i++) {
    char key[TEXT];
    const vs_violation* v = &result->also[i].violation;
    json_t* one = json_object();
    vs_results_key_of(v, arch, result->died, key, sizeof key);
    vs_put_text(p, one, "clause", vs_clauses[v->clause].id);
    vs_put_text(p, one, "key", key);
    vs_put_in(p, list, one);
  }
  bool dies = !is_death_told(result) && result->died[0] != '\0';
  if (!dies) return list;
  char key[TEXT];
  json_t* one = json_object();
  snprintf(key, sizeof key, "life -> %s", result->died);
  vs_put_text(p, one, "clause", vs_clauses[result->judgement.violation.clause].id);
  vs_put_text(p, one, "key", key);
  vs_put_in(p, list, one);
  return list;
}

static void put_others(vs_putter* p, json_t* to, json_t* remarks, json_t* list) {
  size_t i;
  const json_t* one;
  json_array_foreach(list, i, one) {
    char remark[TEXT];
    if (i == OTHERS_SHOWN) {
      snprintf(remark, sizeof remark, "also %zu more sorts of failure", json_array_size(list) - i);
      vs_put_text_in(p, remarks, remark);
      break;
    }
    snprintf(remark, sizeof remark, "also %s: %s", vs_results_text(one, "clause"),
             vs_results_text(one, "key"));
    vs_put_text_in(p, remarks, remark);
  }
  vs_put(p, to, "others", list);
}

json_t* vs_describe_errors(vs_putter* p, const vs_case_result* result) {
  json_t* list = json_array();
  put_errors(p, list, result);
  return list;
}

static void put_violation(vs_putter* p, json_t* to, const vs_case_result* result) {
  char line[TEXT];
  const vs_violation* v = &result->judgement.violation;
  const vs_arch_info* arch = vs_arch_find(result->target->arch);
  json_t* remarks = json_array();
  vs_put_text(p, to, "clause", vs_clauses[v->clause].id);
  vs_put_text(p, to, "sentence", vs_clauses[v->clause].sentence);
  vs_put_number(p, to, "op", result->judgement.at);
  vs_text text = vs_text_in(line, sizeof line);
  vs_say_allowed(&text, v, arch);
  vs_put_text(p, to, "allowed", line);
  text = vs_text_in(line, sizeof line);
  vs_say_got(&text, v, arch);
  vs_put_text(p, to, "got", line);
  vs_put(p, to, "ops", ops(p, result, result->judgement.at));
  if (v->kind == VS_VIOLATION_REGISTER) put_difference(p, remarks, result);
  put_others(p, to, remarks, others(p, result));
  put_errors(p, remarks, result);
  vs_put(p, to, "remarks", remarks);
}

// The backend ended between two calls, or before the first: no op is to blame.
static void put_death(vs_putter* p, json_t* to, const vs_case_result* result) {
  bool about = result->c->clause_count > 0;
  const vs_clause* subject = about ? &vs_clauses[result->c->clauses[0]] : NULL;
  vs_put_text(p, to, "clause", about ? subject->id : NULL);
  vs_put_text(p, to, "sentence", about ? subject->sentence : "");
  vs_put(p, to, "op", json_null());
  vs_put_text(p, to, "allowed", "the backend goes on");
  vs_put_text(p, to, "got", result->note);
  vs_put(p, to, "ops", json_array());
  vs_put(p, to, "remarks", vs_describe_errors(p, result));
}

json_t* vs_describe_failure(vs_putter* p, const vs_case_result* result) {
  char key[TEXT];
  if (!vs_verdict_is_failure(result->verdict)) return json_null();
  json_t* failure = json_object();
  if (is_violation(result)) {
    put_violation(p, failure, result);
  } else {
    put_death(p, failure, result);
  }
  vs_results_key(result, key, sizeof key);
  vs_put_text(p, failure, "key", key);
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

// A NULL value stands for no memory.
static json_t* text_and_free(FILE* out, char** text) {
  bool good = fclose(out) == 0;
  json_t* value = good ? json_string(*text) : NULL;
  if (good && value == NULL) value = json_null();  // a path that is no UTF-8
  free(*text);
  return value;
}

json_t* vs_describe_command(const vs_plan* plan, const vs_case_result* result) {
  char* text = NULL;
  size_t length = 0;
  if (plan->program == NULL) return json_null();
  FILE* out = open_memstream(&text, &length);
  if (out == NULL) return NULL;
  print_command(out, plan, result);
  return text_and_free(out, &text);
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

json_t* vs_describe_script(const vs_case_result* result) {
  char* text = NULL;
  size_t length = 0;
  size_t count = result->script.count;
  if (is_violation(result) && result->judgement.at < count) count = result->judgement.at + 1;
  bool failed = vs_verdict_is_failure(result->verdict) && count > 0 && count <= LONGEST_SCRIPT;
  FILE* out = failed ? open_memstream(&text, &length) : NULL;
  if (out == NULL) return failed ? NULL : json_null();
  print_script(out, result, count);
  return text_and_free(out, &text);
}
