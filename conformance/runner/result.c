// SPDX-License-Identifier: BSD-3-Clause
#include "result.h"

#include <stdio.h>
#include <stdlib.h>

#include "guest/guest.h"
#include "text/calls.h"
#include "words/describe.h"
#include "words/failure.h"

const char* const vs_verdict_names[VS_VERDICT_COUNT] = {
    [VS_VERDICT_NOT_JUDGED] = "not judged",
    [VS_VERDICT_PASS] = "pass",
    [VS_VERDICT_PERMITTED] = "permitted",
    [VS_VERDICT_FAIL] = "FAIL",
    [VS_VERDICT_UNSUPPORTED] = "unsupported",
    [VS_VERDICT_BROKEN] = "BROKEN",
    [VS_VERDICT_CUT_SHORT] = "cut short",
    [VS_VERDICT_FLAKY] = "FLAKY",
    [VS_VERDICT_KNOWN] = "known",
    [VS_VERDICT_DISPUTED] = "disputed",
};

bool vs_verdict_is_failure(vs_verdict verdict) {
  return verdict == VS_VERDICT_FAIL || verdict == VS_VERDICT_FLAKY;
}

vs_verdict vs_verdict_worse(vs_verdict a, vs_verdict b) {
  static const int rank[VS_VERDICT_COUNT] = {
      [VS_VERDICT_NOT_JUDGED] = 0, [VS_VERDICT_UNSUPPORTED] = 1, [VS_VERDICT_CUT_SHORT] = 2,
      [VS_VERDICT_PASS] = 3,       [VS_VERDICT_PERMITTED] = 4,   [VS_VERDICT_KNOWN] = 5,
      [VS_VERDICT_DISPUTED] = 6,   [VS_VERDICT_BROKEN] = 7,      [VS_VERDICT_FLAKY] = 8,
      [VS_VERDICT_FAIL] = 9,
  };
  return rank[a] >= rank[b] ? a : b;
}

static void note_setup(vs_case_result* result, const vs_observation* seen) {
  vs_text note = vs_text_in(result->note, sizeof result->note);
  vs_say(&note, "%s returned ", vs_call_name(seen->call));
  vs_say_status(&note, seen->status);
  vs_say(&note, ", and the case needs ZX_OK of it");
}

// The last answer before `at` of the call that is missing there. NULL: it was never made.
static const vs_observation* last_answer(size_t at, const vs_observation* observations) {
  for (size_t i = at; i-- > 0;) {
    const vs_observation* other = &observations[i];
    if (other->outcome == VS_RETURNED && other->call == observations[at].call) return other;
  }
  return NULL;
}

// A call that was made before, and not as this op wants it: what a shim need not be able to do, and
// declares if it is.
static void say_ability(vs_text* note, const vs_case_result* result, const vs_op* op) {
  const vs_shim* shim = result->target->shim;
  const vs_greeting* says = shim != NULL ? vs_shim_greeting(shim) : NULL;
  const bool holds = op->rewrite.mode == VS_REWRITE_HELD;
  if (op->rewrite.mode == VS_REWRITE_NONE)
    return vs_say(note, says != NULL && says->arena_size > 0
                            ? " with memory outside the arena of the shim's greeting"
                            : " in such a place, or thread");
  vs_say(note, holds ? " held at a fault" : " while its buffer changes");
  if (says != NULL && !(holds ? says->hold : says->flip))
    vs_say(note, ": the shim's greeting has no `%s`", holds ? "hold" : "flip");
}

static void note_missing(vs_case_result* result, size_t at, const vs_observation* observations) {
  const vs_observation* seen = &observations[at];
  const vs_op* op = &result->script.ops[at];
  vs_arch arch = result->target->arch;
  if (op->code == VS_CALL_vcpu_create && !vs_guest_has(arch, vs_op_program(op))) {
    snprintf(result->note, sizeof result->note, "for want of ports: %s has none",
             vs_arch_find(arch)->name);
    return;
  }
  if (seen->call == VS_NO_CALL) {
    snprintf(result->note, sizeof result->note,
             "op %zu of the script could not be done: no op before it gave its slot a handle", at);
    return;
  }
  if (seen->call == VS_NO_OTHER_RESOURCE) {
    snprintf(result->note, sizeof result->note,
             "for want of other_resource: a second resource, which the backend does not offer");
    return;
  }
  const vs_observation* answer = last_answer(at, observations);
  if (answer != NULL && answer->status != ZX_OK) {
    note_setup(result, answer);
    return;
  }
  vs_text note = vs_text_in(result->note, sizeof result->note);
  vs_say(&note, "for want of %s", vs_call_name(seen->call));
  if (answer != NULL) say_ability(&note, result, op);
}

static bool is_look(const vs_op* op) {
  return op->code == VS_CALL_vcpu_read_state || op->code == VS_CALL_vcpu_enter;
}

// True if a call was to be held at a fault of its buffer, and the shim, which declares it, did not.
static bool was_not_held(const vs_case_result* result, const vs_observation* observations) {
  const vs_shim* shim = result->target->shim;
  const vs_greeting* says = shim != NULL ? vs_shim_greeting(shim) : NULL;
  bool found = false;
  for (size_t i = 0; i < result->script.count; i++) {
    const bool made = observations[i].outcome == VS_RETURNED && !observations[i].held;
    found |= made && result->script.ops[i].rewrite.mode == VS_REWRITE_HELD;
  }
  return found && says != NULL && says->hold;
}

// Nothing was wrong, but what the case is about was not seen: mostly for want of a way to look.
static void note_subject(vs_case_result* result, const vs_observation* observations) {
  if (result->judgement.unpredicted) {
    snprintf(
        result->note, sizeof result->note,
        "the oracle does not predict a call that the case makes: it is recorded only, and so is "
        "what follows it");
    return;
  }
  if (result->judgement.lost) {
    snprintf(result->note, sizeof result->note,
             "the profile says nothing of a call that the case makes, nor of what follows it");
    return;
  }
  const vs_clause_set by_status = VS_MEMBER(VS_CLAUSE_BAD_HANDLE) | VS_MEMBER(VS_CLAUSE_DERIVED);
  bool looks = !vs_has_clause(by_status, result->c->clauses[0]);
  for (size_t i = 0; i < result->script.count && looks; i++) {
    if (!is_look(&result->script.ops[i]) || observations[i].outcome != VS_UNSUPPORTED) continue;
    note_missing(result, i, observations);
    return;
  }
  if (was_not_held(result, observations)) {
    snprintf(result->note, sizeof result->note,
             "the shim's greeting has `hold`, and of calls that were to be held no answer says "
             "`held`: vcpuspec lint-shim tries it alone");
    return;
  }
  snprintf(
      result->note, sizeof result->note,
      "what it is about did not come up (a closed value came back, or the architecture lacks it)");
}

// The calls around the one under test are judged only where they are valid.
static void note_senseless(vs_case_result* result) {
  if (result->judgement.overflow) {
    snprintf(result->note, sizeof result->note,
             "so many orders of its calls would explain op %zu that the oracle has no room for "
             "them: let fewer calls meet",
             result->judgement.at);
    return;
  }
  char op[256];
  vs_text text = vs_text_in(op, sizeof op);
  size_t at = result->judgement.at;
  vs_say_op(&text, &result->script.ops[at]);
  snprintf(result->note, sizeof result->note,
           "the script makes no sense at op %zu, %s: the handle, its rights or the thread are not "
           "such that the call must succeed, or its slot is taken",
           at, op);
}

// A script that declares no clause is about whatever it attests.
static bool subject_was_judged(const vs_case_result* result) {
  vs_clause_set attested = result->judgement.attested;
  return result->c->clause_count == 0 ? !vs_is_no_clause(attested)
                                      : vs_has_clause(attested, result->c->clauses[0]);
}

static void conclude_judged(vs_case_result* result, const vs_observation* observations) {
  const vs_judgement* judgement = &result->judgement;
  switch (judgement->step) {
    case VS_STEP_VIOLATION:
      result->verdict = VS_VERDICT_FAIL;
      return;
    case VS_STEP_UNSUPPORTED:
      result->verdict = VS_VERDICT_UNSUPPORTED;
      if (observations[judgement->at].outcome == VS_UNSUPPORTED) {
        note_missing(result, judgement->at, observations);
      } else {
        note_setup(result, &observations[judgement->at]);
      }
      return;
    case VS_STEP_BROKEN:
      result->verdict = VS_VERDICT_BROKEN;
      note_senseless(result);
      return;
    default:
      break;
  }
  if (subject_was_judged(result)) {
    result->verdict = judgement->latitudes ? VS_VERDICT_PERMITTED : VS_VERDICT_PASS;
    return;
  }
  result->verdict = VS_VERDICT_UNSUPPORTED;
  note_subject(result, observations);
}

// --- what else is wrong ---------------------------------------------------------------------

// What failures of this one's sort have touched; the first of its sort is kept.
static vs_touched* sort_of(vs_case_result* result, const vs_violation* violation) {
  vs_failure_key key = vs_failure_key_of(violation);
  vs_failure_key other = vs_failure_key_of(&result->judgement.violation);
  if (vs_failure_same(&key, &other)) return &result->touched;
  size_t at = 0;
  for (; at < result->also_count; at++) {
    other = vs_failure_key_of(&result->also[at].violation);
    if (vs_failure_same(&key, &other)) break;
  }
  if (at == result->also_count) {
    result->also[at].violation = *violation;
    result->also_count++;
  }
  return &result->also[at].touched;
}

// Whether it is enough: the last that there is room for is kept.
static bool keep_sort(const vs_violation* violation, void* context) {
  vs_case_result* result = context;
  vs_touched_add(sort_of(result, violation), vs_touched_of(violation));
  return result->also_count == VS_ALSO_MAX;
}

// A known failure must not hide another one behind it.
static void look_for_more(vs_case_result* result, vs_oracle* oracle, const vs_profile* profile,
                          const vs_trace* trace) {
  size_t at;
  vs_violation last;
  const vs_failure_search all = {profile, keep_sort, result};
  free(result->also);
  result->also_count = 0;
  result->touched = vs_touched_of(&result->judgement.violation);
  result->also = calloc(VS_ALSO_MAX, sizeof *result->also);
  if (result->also != NULL) vs_failure_find(&all, oracle, trace, &at, &last);
}

// A setup that found no memory, of an op that may be left out too, says something of this machine.
static bool lacked_memory(const vs_trace* trace, size_t* at) {
  for (*at = 0; *at < trace->script.count; ++*at) {
    const vs_observation* seen = &trace->observations[*at];
    bool answered = seen->outcome == VS_RETURNED && vs_op_is_predicted(&trace->script.ops[*at]);
    if (answered && seen->status == ZX_ERR_NO_MEMORY) return true;
  }
  return false;
}

// What our side or the machine was short of takes the place of a verdict.
static void mind_shortage(vs_case_result* result, const vs_trace* trace) {
  size_t at;
  const char* what = NULL;
  bool failed = result->verdict == VS_VERDICT_FAIL;
  if (failed && result->also == NULL && result->judgement.step == VS_STEP_VIOLATION) {
    what = "no memory is left to look for what else is wrong";
  }
  if (!failed && lacked_memory(trace, &at)) {
    what = vs_call_name(trace->observations[at].call);
  }
  if (what == NULL) return;
  result->verdict = VS_VERDICT_BROKEN;
  snprintf(result->note, sizeof result->note, "%s%s", what,
           failed ? "" : " returned ZX_ERR_NO_MEMORY: this machine is short of memory");
}

void vs_result_judge(vs_case_result* result, vs_oracle* oracle, const vs_profile* profile,
                     const vs_trace* trace) {
  const vs_listener listener = vs_reached_listener(&result->reached);
  const bool counts = result->reached.all != NULL;
  result->judgement = vs_judge_telling(oracle, trace, profile, counts ? &listener : NULL);
  // Where the profile says nothing, ending is as good as anything.
  bool lost = result->judgement.lost;
  bool done = trace->end == VS_TRACE_DONE;
  bool violation = result->judgement.step == VS_STEP_VIOLATION;
  if (violation) look_for_more(result, oracle, profile, trace);
  // An implementation that ended between two calls, or before the first: no op is to blame.
  if (done || lost || violation) {
    conclude_judged(result, trace->observations);
  } else {
    bool failed = trace->opened && trace->end == VS_TRACE_DIED;
    result->verdict = failed ? VS_VERDICT_FAIL : VS_VERDICT_BROKEN;
  }
  if (!done && !lost) snprintf(result->note, sizeof result->note, "%s", trace->death);
  mind_shortage(result, trace);
}

vs_clause_set vs_result_broken(const vs_case_result* result) {
  const bool violation = result->judgement.step == VS_STEP_VIOLATION;
  return vs_verdict_is_failure(result->verdict) && violation ? result->judgement.broken
                                                             : VS_NO_CLAUSE;
}

vs_clause_set vs_result_borne_out(const vs_case_result* result) {
  bool judged = result->verdict == VS_VERDICT_PASS || result->verdict == VS_VERDICT_PERMITTED ||
                vs_verdict_is_failure(result->verdict);
  vs_clause_set declared = vs_case_clauses(result->c);
  if (result->c->clause_count == 0) declared = ~VS_NO_CLAUSE;
  return judged ? declared & result->judgement.attested : VS_NO_CLAUSE;
}

// True if the backend lacks the call without which the clause cannot be judged.
static bool lacks_call(const vs_case_result* result, vs_clause_code clause) {
  unsigned needed = VS_OP_COUNT;
  if (clause == VS_CLAUSE_GUEST_SEES || clause == VS_CLAUSE_RUNS_GUEST) needed = VS_CALL_vcpu_enter;
  if (clause == VS_CLAUSE_KICK) needed = VS_CALL_vcpu_kick;
  if (clause == VS_CLAUSE_READ_BACK) needed = VS_CALL_vcpu_read_state;
  for (size_t i = 0; result->observations && i < result->script.count; i++) {
    bool same = result->script.ops[i].code == needed;
    if (same && result->observations[i].outcome == VS_UNSUPPORTED) return true;
  }
  return false;
}

vs_verdict vs_result_says(const vs_case_result* result, vs_clause_code clause) {
  if (vs_has_clause(vs_result_broken(result), clause)) return result->verdict;
  if (vs_has_clause(vs_result_borne_out(result), clause)) {
    // It is the subject that a latitude bends; the rest was as it must be.
    bool permitted = result->verdict == VS_VERDICT_PERMITTED && result->c->clauses[0] == clause;
    return permitted ? VS_VERDICT_PERMITTED : VS_VERDICT_PASS;
  }
  if (!vs_has_clause(vs_case_clauses(result->c), clause)) return VS_VERDICT_NOT_JUDGED;
  if (vs_verdict_is_failure(result->verdict) && !lacks_call(result, clause))
    return VS_VERDICT_CUT_SHORT;
  return result->verdict == VS_VERDICT_BROKEN ? VS_VERDICT_BROKEN : VS_VERDICT_UNSUPPORTED;
}
