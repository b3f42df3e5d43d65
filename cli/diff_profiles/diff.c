// SPDX-License-Identifier: BSD-3-Clause
#include "diff.h"

#include <stdlib.h>
#include <string.h>

#include "calls.h"
#include "effects.h"
#include "sweep/compose.h"
#include "text/document.h"

enum { REPORTED_MAX = 256, EFFECTS_MAX = 16 };

typedef struct comparison {
  vs_difference now;
  vs_diff_view views[2];
  vs_build builds[2];
  size_t count;  // of those told of the call that is compared
  vs_decision told[REPORTED_MAX][2];
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

static bool is_among(const vs_allowed* x, const vs_decision* of) {
  for (size_t i = 0; i < of->count; i++) {
    const vs_allowed* y = &of->allowed[i];
    if (x->status == y->status && x->check == y->check && x->latitude == y->latitude) return true;
  }
  return false;
}

// Each answer of one is among those of the other, for the same reason.
static bool is_part(const vs_decision* part, const vs_decision* whole) {
  bool all = part->anything == whole->anything;
  for (size_t i = 0; i < part->count; i++) all &= is_among(&part->allowed[i], whole);
  return all;
}

static bool reasons_alike(const vs_decision* a, const vs_decision* b) {
  return a->count == b->count && is_part(a, b);
}

// Something told already shows it: the reasons are the same, or, where a profile allows every error
// that applies, the answers, or there are only more of them.
static bool is_told(const comparison* x) {
  for (size_t i = 0; i < x->count; i++) {
    bool alike = true;
    for (size_t k = 0; k < 2; k++) {
      const vs_decision* before = &x->told[i][k];
      const vs_decision* now = &x->now.sides[k].decision;
      alike &= x->views[k].profile->ordered ? reasons_alike(before, now)
                                            : is_part(before, now) || answers_alike(before, now);
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

// --- scripts ------------------------------------------------------------------------------------

// True if the script makes sense without op `i`, and its last call is then answered for the same
// reasons.
static bool goes_without(const comparison* x, size_t k, size_t i) {
  const vs_build* b = &x->builds[k];
  vs_op ops[VS_SCENE_OPS + VS_PARTS];
  const size_t count = b->count - 1;
  const vs_document d = {.arch = x->views[k].arch, .ops = ops, .count = count};
  vs_fault fault;
  vs_facts facts;
  memcpy(ops, b->ops, i * sizeof ops[0]);
  memcpy(ops + i, b->ops + i + 1, (count - i) * sizeof ops[0]);
  if (!vs_document_is_sound(&d, &fault)) return false;
  if (!vs_diff_facts(&x->views[k], ops, count, &facts)) return false;
  const vs_decision decision = vs_decide(&facts, x->views[k].profile);
  return reasons_alike(&decision, &x->now.sides[k].decision);
}

static void drop(vs_build* b, size_t i) {
  b->count--;
  memmove(b->ops + i, b->ops + i + 1, (b->count - i) * sizeof b->ops[0]);
}

// A guest that is entered needs its memory.
static bool is_run(const vs_build* b, size_t i) {
  bool runs = false;
  for (size_t k = i; k < b->count; k++) runs |= b->ops[k].code == VS_CALL_vcpu_enter;
  return runs && b->ops[i].code == VS_OP_guest_load;
}

// Removes from both sides' scripts, from their end on, each op on which no answer depends. The
// scripts differ in their architecture alone.
static void shorten(comparison* x) {
  vs_build* b = x->builds;
  for (size_t i = b->count - 1; i-- > 0;) {
    if (is_run(b, i) || !goes_without(x, 0, i) || !goes_without(x, 1, i)) continue;
    drop(&b[0], i);
    drop(&b[1], i);
  }
  for (size_t i = 0; i < b->count; i++) b[0].ops[i].optional = b[1].ops[i].optional = false;
}

static bool write_scripts(comparison* x, const vs_call_met* met) {
  if (!start_builds(x)) return false;
  for (size_t k = 0; k < 2; k++) {
    const vs_script* script = &met->scripts[k];
    for (size_t i = 0; i < script->count; i++) {
      *add(&x->builds[k], script->ops[i].code) = script->ops[i];
    }
  }
  if (x->builds[0].failed || x->builds[1].failed) return false;
  shorten(x);
  return true;
}

static void say_call(vs_difference* now, const vs_call_met* met) {
  char words[VS_DIFF_WORDS / 2];
  vs_text text = vs_text_in(now->words, sizeof now->words);
  vs_combination_say(met->space, met->c, words, sizeof words);
  const bool write_state = met->space->call == VS_CALL_vcpu_write_state;
  vs_say(&text, "%s%s", write_state ? "zx_vcpu_write_state, " : "", words);
}

static bool compare_call(const vs_call_met* met, void* context) {
  comparison* x = context;
  for (size_t k = 0; k < 2; k++) {
    x->now.sides[k].decision = vs_decide(&met->facts[k], x->views[k].profile);
  }
  const vs_decision* a = &x->now.sides[0].decision;
  const vs_decision* b = &x->now.sides[1].decision;
  if (answers_alike(a, b) || is_told(x) || x->count == REPORTED_MAX) return true;
  if (!write_scripts(x, met)) return false;
  for (size_t k = 0; k < 2; k++) {
    x->told[x->count][k] = x->now.sides[k].decision;
    say_answers(&x->now.sides[k]);
  }
  x->count++;
  x->now.effect = false;
  say_call(&x->now, met);
  tell(x);
  return true;
}

static bool compare_calls(comparison* x) {
  for (vs_call_index call = 0; call < VS_CALL_COUNT; call++) {
    bool write_state = call == VS_CALL_vcpu_write_state;
    if (vs_ops[call].phase != VS_PHASE_JUDGED) continue;
    if (x->views[0].arch != x->views[1].arch && !write_state) continue;
    x->count = 0;
    const uint8_t depth = write_state ? VS_DIFF_SETS : VS_DIFF_PAIRS;
    if (!vs_diff_each(call, x->views, depth, compare_call, x)) return false;
  }
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
  x->now.sides[0].arch = x->views[0].arch = a;
  x->now.sides[1].arch = x->views[1].arch = b;
  return compare_calls(x) && compare_effects(x);
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
  x->now.sides[0].profile = x->views[0].profile = a;
  x->now.sides[1].profile = x->views[1].profile = b;
  x->tell = told;
  x->context = context;
  bool whole = compare(x);
  free(x->builds[0].ops);
  free(x->builds[1].ops);
  free(x);
  return whole;
}
