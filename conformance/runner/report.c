// SPDX-License-Identifier: BSD-3-Clause
#include "report.h"

#include <inttypes.h>
#include <string.h>

#include "describe.h"

enum {
  TEXT = 1024,
  CLAUSE_WIDTH = 38,
  COLUMN = 11,
  OPS_AFTER_SETUP = 3,
  VERDICTS_SHOWN = 6,
  BITS_SHOWN = 8
};

// --- one failure ------------------------------------------------------------------------------

static void print_op(FILE* out, const vs_case_result* result, size_t i, size_t failing) {
  char line[TEXT];
  vs_text text = vs_text_in(line, sizeof line);
  vs_say_op(&text, &result->script.ops[i]);
  if (result->observations) vs_say_answer(&text, &result->script.ops[i], &result->observations[i]);
  fprintf(out, "  %s %4zu  %s\n", i == failing ? "->" : "  ", i, line);
}

static bool is_setup(const vs_op* op) {
  return vs_ops[op->code].phase == VS_PHASE_SETUP;
}

// The setup and what came right before: refused calls between change nothing.
static void print_ops(FILE* out, const vs_case_result* result, size_t failing) {
  size_t left_out = 0;
  for (size_t i = 0; i <= failing && i < result->script.count; i++) {
    bool near = i + OPS_AFTER_SETUP > failing;
    if (!near && !is_setup(&result->script.ops[i])) {
      left_out++;
      continue;
    }
    if (left_out > 0) fprintf(out, "           (%zu more)\n", left_out);
    left_out = 0;
    print_op(out, result, i, failing);
  }
}

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

static void print_again(FILE* out, const vs_case_result* result, const vs_plan* plan) {
  if (plan->program == NULL) {
    fputc('\n', out);
    return;
  }
  fputs("  again    ", out);
  print_quoted(out, plan->program);
  fputs(" run --backend ", out);
  print_quoted(out, result->target->spec);
  bool own = vs_case_find(result->c->id) != NULL;
  fputs(" --profile ", out);
  print_quoted(out, plan->profile_word ? plan->profile_word : plan->profile->id);
  fputs(own ? " --filter " : " ", out);
  print_quoted(out, result->c->id);
  if (plan->seed != 0) fprintf(out, " --seed %" PRIu64, plan->seed);
  fputs("\n\n", out);
}

// The bits in which a register is wrong, and what the last write of it asked for.
static void print_difference(FILE* out, const vs_case_result* result, const vs_arch_info* arch) {
  const vs_violation* v = &result->judgement.violation;
  const vs_register* reg = &arch->registers[v->reg];
  uint64_t wrong = (v->expected ^ v->value) & v->known;
  if (wrong != 0 && __builtin_popcountll(wrong) <= BITS_SHOWN) {
    fprintf(out, "  differs  in bit");
    for (unsigned bit = 0; bit < 64; bit++) {
      if (wrong & UINT64_C(1) << bit) fprintf(out, " %u", bit);
    }
    fputc('\n', out);
  }
  for (size_t i = result->judgement.at; i-- > 0;) {
    const vs_op* op = &result->script.ops[i];
    if (op->code != VS_OP_WRITE_STATE || op->kind != ZX_VCPU_STATE) continue;
    uint64_t value = 0;
    memcpy(&value, op->buffer.bytes + reg->offset, reg->width / 8u);
    fprintf(out, "  written  %s = 0x%016" PRIx64 ", by op %zu\n", reg->name, value, i);
    return;
  }
}

static void say_difference(const vs_case_result* result, char* allowed, char* got) {
  const vs_arch_info* arch = vs_arch_find(result->target->arch);
  vs_text text = vs_text_in(allowed, TEXT);
  vs_say_allowed(&text, &result->judgement.violation, arch);
  text = vs_text_in(got, TEXT);
  vs_say_got(&text, &result->judgement.violation, arch);
}

static void print_violation(FILE* out, const vs_case_result* result) {
  const vs_violation* violation = &result->judgement.violation;
  char allowed[TEXT];
  char got[TEXT];
  say_difference(result, allowed, got);
  fprintf(out, "  clause   %s\n           %s\n", vs_clauses[violation->clause].id,
          vs_clauses[violation->clause].sentence);
  fprintf(out, "  ops\n");
  print_ops(out, result, result->judgement.at);
  fprintf(out, "  allowed  %s\n  got      %s\n", allowed, got);
  if (violation->kind == VS_VIOLATION_REGISTER) {
    print_difference(out, result, vs_arch_find(result->target->arch));
  }
}

static bool is_violation(const vs_case_result* result) {
  return vs_verdict_is_failure(result->verdict) && result->judgement.step == VS_STEP_VIOLATION;
}

static bool is_alike(const vs_case_result* a, const vs_case_result* b) {
  if (!is_violation(a) || !is_violation(b) || a->target != b->target) return false;
  if (a->judgement.violation.clause != b->judgement.violation.clause) return false;
  char texts[6][TEXT];
  const vs_case_result* both[] = {a, b};
  for (size_t i = 0; i < 2; i++) {
    vs_text text = vs_text_in(texts[3 * i], TEXT);
    vs_say_op(&text, &both[i]->script.ops[both[i]->judgement.at]);
    say_difference(both[i], texts[3 * i + 1], texts[3 * i + 2]);
  }
  return strcmp(texts[0], texts[3]) == 0 && strcmp(texts[1], texts[4]) == 0 &&
         strcmp(texts[2], texts[5]) == 0;
}

const vs_case_result* vs_report_first_alike(const vs_run* run, const vs_case_result* result) {
  for (const vs_case_result* earlier = run->results; earlier < result; earlier++) {
    if (is_alike(earlier, result)) return earlier;
  }
  return NULL;
}

static void print_errors(FILE* out, const char* errors) {
  for (const char* line = errors; *line != '\0';) {
    int length = (int)strcspn(line, "\n");
    fprintf(out, "  stderr   %.*s\n", length, line);
    line += length + (line[length] == '\n');
  }
}

static void print_details(FILE* out, const vs_case_result* result) {
  if (result->judgement.step == VS_STEP_VIOLATION) {
    print_violation(out, result);
  } else if (vs_verdict_is_failure(result->verdict) && result->c->clause_count > 0) {
    const vs_clause* subject = &vs_clauses[result->c->clauses[0]];
    fprintf(out, "  clause   %s\n           %s\n", subject->id, subject->sentence);
  }
  if (result->note[0] != '\0') fprintf(out, "  because  %s\n", result->note);
  print_errors(out, result->errors);
}

void vs_report_result(FILE* out, const vs_case_result* result, const vs_plan* plan,
                      const vs_case_result* same_as) {
  if (!vs_verdict_is_failure(result->verdict) && result->verdict != VS_VERDICT_BROKEN) return;
  fprintf(out, "%s %s on %s: %s\n", vs_verdict_names[result->verdict], result->c->id,
          result->target->name, result->c->title);
  if (same_as != NULL) {
    fprintf(out, "  same     as %s: the same op, answered in the same way\n", same_as->c->id);
  } else {
    print_details(out, result);
  }
  print_again(out, result, plan);
}

// --- the matrix -------------------------------------------------------------------------------

size_t vs_run_count(const vs_run* run, const vs_target* target, vs_verdict verdict) {
  size_t count = 0;
  for (size_t i = 0; i < run->count; i++) {
    count += run->results[i].target == target && run->results[i].verdict == verdict;
  }
  return count;
}

// True if the backend lacks the call without which the clause cannot be judged.
static bool lacks_call(const vs_case_result* result, vs_clause_code clause) {
  vs_op_code needed = VS_OP_COUNT;
  if (clause == VS_CLAUSE_GUEST_SEES || clause == VS_CLAUSE_RUNS_GUEST) needed = VS_OP_ENTER;
  if (clause == VS_CLAUSE_KICK) needed = VS_OP_KICK;
  if (clause == VS_CLAUSE_READ_BACK) needed = VS_OP_READ_STATE;
  for (size_t i = 0; result->observations && i < result->script.count; i++) {
    bool same = result->script.ops[i].code == needed;
    if (same && result->observations[i].outcome == VS_UNSUPPORTED) return true;
  }
  return false;
}

// What one result says of one clause.
static vs_verdict says(const vs_case_result* result, vs_clause_code clause) {
  if (vs_result_broken(result) & VS_BIT(clause)) return result->verdict;
  if (vs_result_borne_out(result) & VS_BIT(clause)) {
    // It is the subject that a latitude bends; the rest was as it must be.
    bool permitted = result->verdict == VS_VERDICT_PERMITTED && result->c->clauses[0] == clause;
    return permitted ? VS_VERDICT_PERMITTED : VS_VERDICT_PASS;
  }
  if (!(vs_case_clauses(result->c) & VS_BIT(clause))) return VS_VERDICT_NOT_JUDGED;
  if (vs_verdict_is_failure(result->verdict) && !lacks_call(result, clause))
    return VS_VERDICT_CUT_SHORT;
  return result->verdict == VS_VERDICT_BROKEN ? VS_VERDICT_BROKEN : VS_VERDICT_UNSUPPORTED;
}

vs_verdict vs_clause_verdict(const vs_run* run, const vs_target* target, vs_clause_code clause) {
  vs_verdict verdict = VS_VERDICT_NOT_JUDGED;
  for (size_t i = 0; i < run->count; i++) {
    if (run->results[i].target == target)
      verdict = vs_verdict_worse(verdict, says(&run->results[i], clause));
  }
  return verdict;
}

static const char* word(vs_verdict verdict) {
  if (verdict == VS_VERDICT_NOT_JUDGED) return "";
  return verdict == VS_VERDICT_UNSUPPORTED ? "-" : vs_verdict_names[verdict];
}

static bool row_is_empty(const vs_plan* plan, const vs_run* run, vs_clause_code clause) {
  for (size_t t = 0; t < plan->target_count; t++) {
    if (vs_clause_verdict(run, &plan->targets[t], clause) != VS_VERDICT_NOT_JUDGED) return false;
  }
  return true;
}

// A line of the matrix: what stands before a column is padded when the column comes.
typedef struct row {
  FILE* out;
  int padding;  // spaces owed
} row;

static row row_start(FILE* out, const char* title) {
  int length = fprintf(out, "%s", title);
  return (row){out, CLAUSE_WIDTH - length};
}

static void row_cell(row* r, const vs_target* target, const char* text) {
  int width = (int)strlen(target->name);
  if (width < COLUMN) width = COLUMN;
  int length = fprintf(r->out, "%*s%s", 2 + r->padding, "", text) - 2 - r->padding;
  r->padding = width - length;
}

static bool is_shown(const vs_target* target) {
  return target->state == VS_TARGET_READY;
}

static void print_rows(FILE* out, const vs_plan* plan, const vs_run* run) {
  for (vs_clause_code clause = 0; clause < VS_CLAUSE_COUNT; clause++) {
    if (row_is_empty(plan, run, clause)) continue;
    row r = row_start(out, vs_clauses[clause].id);
    for (size_t t = 0; t < plan->target_count; t++) {
      const vs_target* target = &plan->targets[t];
      if (is_shown(target)) row_cell(&r, target, word(vs_clause_verdict(run, target, clause)));
    }
    fputc('\n', out);
  }
}

static bool has_flaky(const vs_plan* plan, const vs_run* run) {
  for (size_t t = 0; t < plan->target_count; t++) {
    if (vs_run_count(run, &plan->targets[t], VS_VERDICT_FLAKY) > 0) return true;
  }
  return false;
}

static void print_totals(FILE* out, const vs_plan* plan, const vs_run* run) {
  static const vs_verdict shown[VERDICTS_SHOWN] = {VS_VERDICT_PASS,        VS_VERDICT_PERMITTED,
                                                   VS_VERDICT_FAIL,        VS_VERDICT_FLAKY,
                                                   VS_VERDICT_UNSUPPORTED, VS_VERDICT_BROKEN};
  for (size_t i = 0; i < VERDICTS_SHOWN; i++) {
    char text[TEXT];
    if (shown[i] == VS_VERDICT_FLAKY && !has_flaky(plan, run)) continue;
    snprintf(text, sizeof text, "cases: %s", vs_verdict_names[shown[i]]);
    row r = row_start(out, text);
    for (size_t t = 0; t < plan->target_count; t++) {
      const vs_target* target = &plan->targets[t];
      snprintf(text, sizeof text, "%zu", vs_run_count(run, target, shown[i]));
      if (is_shown(target)) row_cell(&r, target, text);
    }
    fputc('\n', out);
  }
}

static void print_latitudes(FILE* out, const vs_plan* plan, const vs_run* run) {
  for (size_t t = 0; t < plan->target_count; t++) {
    vs_latitude_set used = 0;
    for (size_t i = 0; i < run->count; i++) {
      const vs_case_result* result = &run->results[i];
      bool counts = result->target == &plan->targets[t];
      if (counts && result->verdict == VS_VERDICT_PERMITTED) used |= result->judgement.latitudes;
    }
    if (used == 0) continue;
    fprintf(out, "%s is permitted by:", plan->targets[t].name);
    for (vs_latitude_code code = 0; code < VS_LATITUDE_COUNT; code++) {
      if (used & VS_BIT(code)) fprintf(out, " %s", vs_latitudes[code].id);
    }
    fputc('\n', out);
  }
}

// Cases that could not be judged, with one line a reason.
static void print_unsupported(FILE* out, const vs_target* target, const vs_run* run) {
  for (size_t i = 0; i < run->count; i++) {
    const vs_case_result* result = &run->results[i];
    if (result->target != target || result->verdict != VS_VERDICT_UNSUPPORTED) continue;
    size_t same = 0;
    bool first = true;
    for (size_t k = 0; k < run->count; k++) {
      const vs_case_result* other = &run->results[k];
      bool counts = other->target == target && other->verdict == VS_VERDICT_UNSUPPORTED &&
                    strcmp(other->note, result->note) == 0;
      same += counts;
      if (counts && k < i) first = false;
    }
    if (!first) continue;
    fprintf(out, "%s: %zu case%s unsupported (%s%s): %s\n", target->name, same,
            same == 1 ? "" : "s", result->c->id, same == 1 ? "" : ", ...", result->note);
  }
}

static void print_header(FILE* out, const vs_plan* plan) {
  char title[TEXT];
  snprintf(title, sizeof title, "profile %s", plan->profile->id);
  row r = row_start(out, title);
  for (size_t t = 0; t < plan->target_count; t++) {
    if (is_shown(&plan->targets[t])) row_cell(&r, &plan->targets[t], plan->targets[t].name);
  }
  fputc('\n', out);
}

void vs_report_matrix(FILE* out, const vs_plan* plan, const vs_run* run) {
  if (run->count > 0) {
    print_header(out, plan);
    print_rows(out, plan, run);
    fputc('\n', out);
    print_totals(out, plan, run);
    fputc('\n', out);
  }
  print_latitudes(out, plan, run);
  for (size_t t = 0; t < plan->target_count; t++) print_unsupported(out, &plan->targets[t], run);
  for (size_t t = 0; t < plan->target_count; t++) {
    const vs_target* target = &plan->targets[t];
    if (is_shown(target)) continue;
    bool absent = target->state == VS_TARGET_ABSENT;
    fprintf(out, "%s was not judged: %s%s\n", target->name, target->reason,
            absent ? "" : " (error)");
  }
  if (plan->seed != 0) fprintf(out, "seed %" PRIu64 "\n", plan->seed);
}
