// SPDX-License-Identifier: BSD-3-Clause
#include "diff.h"

#include <stdlib.h>
#include <string.h>

#include "calls.h"
#include "classes.h"
#include "effects.h"

enum { REPORTED_MAX = 256, WEIGHT_MAX = 24, EFFECTS_MAX = 16 };

typedef struct reported {
  vs_class c;
  vs_decision decisions[2];
} reported;

typedef struct comparison {
  vs_difference now;
  vs_build builds[2];
  size_t count;
  size_t first;  // of those told of the call that is compared
  reported told[REPORTED_MAX];
  char said[EFFECTS_MAX][2][VS_DIFF_WORDS];  // of effects, on the architecture before
  void (*tell)(const vs_difference* difference, void* context);
  void* context;
} comparison;

// --- answers ----------------------------------------------------------------------------------

static bool allows(const vs_decision* decision, zx_status_t status) {
  return decision->anything || vs_decision_find(decision, status) != NULL;
}

static bool answers_alike(const vs_decision* a, const vs_decision* b) {
  if (a->anything != b->anything) return false;
  for (size_t i = 0; i < a->count; i++) {
    if (!allows(b, a->allowed[i].status)) return false;
  }
  for (size_t i = 0; i < b->count; i++) {
    if (!allows(a, b->allowed[i].status)) return false;
  }
  return true;
}

// The same answers for the same reasons.
static bool reasons_alike(const vs_decision* a, const vs_decision* b) {
  if (a->anything != b->anything || a->count != b->count) return false;
  for (size_t i = 0; i < a->count; i++) {
    const vs_allowed* x = &a->allowed[i];
    const vs_allowed* y = &b->allowed[i];
    if (x->status != y->status || x->check != y->check || x->latitude != y->latitude) return false;
  }
  return true;
}

// Something told already shows it: the reasons are the same, or, where a profile allows every error
// that applies, the answers; or its answers are only more of them.
static bool is_told(const comparison* x, const vs_class* c) {
  for (size_t i = x->first; i < x->count; i++) {
    const reported* r = &x->told[i];
    bool within = c != NULL && vs_class_within(&r->c, c);
    bool alike = true;
    for (size_t k = 0; k < 2; k++) {
      const vs_decision* now = &x->now.sides[k].decision;
      bool ordered = x->now.sides[k].profile->ordered;
      alike &= ordered ? reasons_alike(&r->decisions[k], now)
                       : within || answers_alike(&r->decisions[k], now);
    }
    if (alike) return true;
  }
  return false;
}

static void say_answers(vs_diff_side* side) {
  vs_text text = vs_text_in(side->words, sizeof side->words);
  if (side->decision.anything) {
    vs_say(&text, "anything, or no answer (the kernel itself faults on the buffer)");
    return;
  }
  vs_violation violation = {.kind = VS_VIOLATION_STATUS, .decision = side->decision};
  violation.decision.ordered = false;
  vs_say_allowed(&text, &violation, vs_arch_find(side->arch));
}

static bool start_builds(comparison* x) {
  for (size_t k = 0; k < 2; k++) {
    x->builds[k].count = 0;
    x->builds[k].info = vs_arch_find(x->now.sides[k].arch);
    if (x->builds[k].failed) return false;
  }
  return true;
}

static void tell(comparison* x) {
  for (size_t k = 0; k < 2; k++) {
    x->now.sides[k].script = (vs_script){x->now.words, x->builds[k].ops, x->builds[k].count};
  }
  x->tell(&x->now, x->context);
}

static bool compare_class(comparison* x, const vs_class* c) {
  if (!start_builds(x)) return false;
  for (size_t k = 0; k < 2; k++) {
    vs_class_build(c, &x->builds[k]);
    if (x->builds[k].failed) return false;
    vs_facts facts = vs_script_facts(&x->builds[k]);
    x->now.sides[k].decision = vs_decide(&facts, x->now.sides[k].profile);
  }
  const vs_decision* a = &x->now.sides[0].decision;
  const vs_decision* b = &x->now.sides[1].decision;
  if (answers_alike(a, b) || is_told(x, c) || x->count == REPORTED_MAX) return true;
  x->told[x->count++] = (reported){*c, {*a, *b}};
  x->now.effect = false;
  vs_class_say(c, x->now.words, sizeof x->now.words);
  say_answers(&x->now.sides[0]);
  say_answers(&x->now.sides[1]);
  tell(x);
  return true;
}

static bool compare_answers(comparison* x) {
  for (unsigned weight = 0; weight <= WEIGHT_MAX; weight++) {
    for (unsigned number = 0; number < VS_CLASS_COUNT; number++) {
      vs_class c = vs_class_at(number);
      if (!vs_class_is_valid(&c) || vs_class_weight(&c) != weight) continue;
      if (!compare_class(x, &c)) return false;
    }
  }
  return true;
}

// A call other than zx_vcpu_write_state.
static bool compare_call(const vs_call_met* met, void* context) {
  comparison* x = context;
  if (!start_builds(x)) return false;
  for (size_t k = 0; k < 2; k++) {
    for (size_t i = 0; i < met->count; i++) *add(&x->builds[k], met->ops[i].code) = met->ops[i];
    if (x->builds[k].failed) return false;
    x->now.sides[k].decision = vs_decide(&met->facts[k], x->now.sides[k].profile);
  }
  const vs_decision* a = &x->now.sides[0].decision;
  const vs_decision* b = &x->now.sides[1].decision;
  if (answers_alike(a, b) || is_told(x, NULL) || x->count == REPORTED_MAX) return true;
  x->told[x->count++] = (reported){.decisions = {*a, *b}};
  x->now.effect = false;
  vs_text words = vs_text_in(x->now.words, sizeof x->now.words);
  vs_say_op(&words, &met->ops[met->count - 1]);
  say_answers(&x->now.sides[0]);
  say_answers(&x->now.sides[1]);
  tell(x);
  return true;
}

static bool compare_calls(comparison* x) {
  const vs_profile* const profiles[] = {x->now.sides[0].profile, x->now.sides[1].profile};
  for (vs_call_index call = 0; call < VS_CALL_COUNT; call++) {
    if (vs_ops[call].phase != VS_PHASE_JUDGED || call == VS_CALL_vcpu_write_state) continue;
    x->first = x->count;
    if (!vs_diff_each(call, x->now.sides[0].arch, profiles, compare_call, x)) return false;
  }
  x->first = 0;
  return true;
}

// --- effects ----------------------------------------------------------------------------------

// False: both do the same, or one has no such thing, or it has been told.
static bool effect_differs(comparison* x, size_t i) {
  bool news = false;
  for (size_t k = 0; k < 2; k++) {
    vs_diff_side* side = &x->now.sides[k];
    vs_text text = vs_text_in(side->words, sizeof side->words);
    vs_effects[i].say(&text, side->profile, vs_arch_find(side->arch));
    news |= strcmp(side->words, x->said[i][k]) != 0;
    memcpy(x->said[i][k], side->words, sizeof side->words);
  }
  const char* a = x->now.sides[0].words;
  const char* b = x->now.sides[1].words;
  return news && a[0] != '\0' && b[0] != '\0' && strcmp(a, b) != 0;
}

static bool compare_effects(comparison* x) {
  for (size_t i = 0; i < vs_effect_count && i < EFFECTS_MAX; i++) {
    if (!effect_differs(x, i)) continue;
    if (!start_builds(x)) return false;
    vs_text words = vs_text_in(x->now.words, sizeof x->now.words);
    vs_say(&words, "%s", vs_effects[i].call);
    vs_effects[i].build(&x->builds[0]);
    vs_effects[i].build(&x->builds[1]);
    if (x->builds[0].failed || x->builds[1].failed) return false;
    x->now.effect = true;
    tell(x);
  }
  return true;
}

// --- both -------------------------------------------------------------------------------------

static bool speaks_of(const vs_profile* profile, vs_arch arch) {
  return profile->arch == 0 || profile->arch == arch;
}

static bool compare_on(comparison* x, vs_arch a, vs_arch b) {
  x->now.sides[0].arch = a;
  x->now.sides[1].arch = b;
  return compare_answers(x) && (a != b || compare_calls(x)) && compare_effects(x);
}

static bool compare(comparison* x) {
  static const vs_arch archs[] = {VS_ARCH_X64, VS_ARCH_ARM64};
  const vs_profile* a = x->now.sides[0].profile;
  const vs_profile* b = x->now.sides[1].profile;
  bool common = false;
  for (size_t i = 0; i < 2; i++) {
    if (!speaks_of(a, archs[i]) || !speaks_of(b, archs[i])) continue;
    common = true;
    if (!compare_on(x, archs[i], archs[i])) return false;
  }
  return common || compare_on(x, (vs_arch)a->arch, (vs_arch)b->arch);
}

bool vs_profiles_diff(const vs_profile* a, const vs_profile* b,
                      void (*told)(const vs_difference* difference, void* context), void* context) {
  comparison* x = calloc(1, sizeof *x);
  if (x == NULL) return false;
  x->now.sides[0].profile = a;
  x->now.sides[1].profile = b;
  x->tell = told;
  x->context = context;
  bool whole = compare(x);
  free(x->builds[0].ops);
  free(x->builds[1].ops);
  free(x);
  return whole;
}
