// SPDX-License-Identifier: BSD-3-Clause
// The differences between profiles: each script, executed and judged, gives the answers that are
// printed for it; and what is known to differ is found.
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "diff_profiles/diff.h"
#include "executor/executor.h"
#include "judging.h"
#include "oracle.h"
#include "sampled.h"

enum { OPS_MAX = 64 };

static vs_oracle oracle;

// What judging the script's observations by the side's profile says of its last call.
static bool is_allowed(const vs_diff_side* side, const vs_observation* seen) {
  vs_trace trace = {.script = side->script, .arch = side->arch, .observations = seen};
  vs_judgement judgement = vs_judge(&oracle, &trace, side->profile);
  bool last = judgement.step == VS_STEP_VIOLATION && judgement.at + 1 == side->script.count;
  cr_assert(judgement.step == VS_STEP_ALLOWED || last, "%s: step %d at %zu", side->script.title,
            judgement.step, judgement.at);
  return judgement.step == VS_STEP_ALLOWED;
}

// Executes the script on the backend. False: it lacks something.
static bool execute(const char* spec, const vs_diff_side* side, vs_observation* seen) {
  vs_target target = judging_target(spec);
  vs_why reason;
  vs_opened opened;
  cr_assert(vs_target_open(&target, &opened, &reason), "%s", reason.text);
  vs_executor* executor = vs_opened_executor(&opened);
  cr_assert(executor != NULL && side->script.count <= OPS_MAX);
  vs_execute(executor, &side->script, seen);
  vs_executor_close(executor);
  target.backend->close();
  for (size_t i = 0; i < side->script.count; i++) {
    if (seen[i].outcome == VS_UNSUPPORTED && !side->script.ops[i].optional) return false;
  }
  return true;
}

// What is accepted hands out what no other handle is, and what is refused nothing.
static void answer(vs_observation* last, zx_status_t status) {
  enum { FRESH = 0x7ffffff3, ANOTHER = 0x7ffffff7 };
  last->status = status;
  last->handle = status == ZX_OK ? FRESH : ZX_HANDLE_INVALID;
  last->handle2 = status == ZX_OK ? ANOTHER : ZX_HANDLE_INVALID;
  last->change_count = 0;
}

// With each status as the last call's answer: allowed by each profile as is printed.
static void check_answers(const vs_difference* d, const vs_diff_side* side) {
  static const zx_status_t statuses[] = {ZX_OK,
                                         ZX_ERR_BAD_HANDLE,
                                         ZX_ERR_WRONG_TYPE,
                                         ZX_ERR_ACCESS_DENIED,
                                         ZX_ERR_INVALID_ARGS,
                                         ZX_ERR_BAD_STATE,
                                         ZX_ERR_NOT_FOUND};
  vs_observation seen[OPS_MAX];
  if (!execute(side->arch == VS_ARCH_X64 ? "soft" : "soft:arm64", side, seen)) return;
  for (size_t i = 0; i < sizeof statuses / sizeof statuses[0]; i++) {
    answer(&seen[side->script.count - 1], statuses[i]);
    bool printed = side->decision.anything || vs_decision_find(&side->decision, statuses[i]);
    cr_expect(is_allowed(side, seen) == printed, "%s, %s: status %d", side->profile->id, d->words,
              statuses[i]);
  }
}

static void check_difference(const vs_difference* d, void* context) {
  ++*(unsigned*)context;
  cr_assert(d->words[0] != '\0' && strcmp(d->sides[0].words, d->sides[1].words) != 0);
  if (d->effect) return;
  check_answers(d, &d->sides[0]);
  check_answers(d, &d->sides[1]);
}

// One kernel on each architecture.
static bool is_newest(const vs_profile* profile) {
  static const char* const ids[] = {"zircon-2026", "zircon-x64", "zircon-arm64"};
  bool found = false;
  for (size_t i = 0; i < sizeof ids / sizeof ids[0]; i++) found |= strcmp(profile->id, ids[i]) == 0;
  return found;
}

static bool are_one(const vs_profile* a, const vs_profile* b) {
  bool arch = a->arch == 0 || b->arch == 0 || a->arch == b->arch;
  return a == b || (arch && is_newest(a) && is_newest(b));
}

Test(diff, scripts_give_the_printed_answers, .timeout = 600) {
  for (size_t a = 0; a < vs_profile_count; a++) {
    for (size_t b = a; b < vs_profile_count; b++) {
      unsigned count = 0;
      if (!vs_sampled(a + b, 6)) continue;
      cr_assert(vs_profiles_diff(&vs_profiles[a], &vs_profiles[b], check_difference, &count));
      bool same = are_one(&vs_profiles[a], &vs_profiles[b]);
      cr_expect((count == 0) == same, "%s and %s: %u differences", vs_profiles[a].id,
                vs_profiles[b].id, count);
    }
  }
}

// What the row of the newest kernel really answers is what zircon-x64 says, and the other profile
// only where it says so.
static void check_real(const vs_difference* d, void* context) {
  vs_observation seen[OPS_MAX];
  const vs_decision* decision = &d->sides[1].decision;
  if (d->effect || !execute("soft:zircon", &d->sides[0], seen)) return;
  ++*(unsigned*)context;
  cr_expect(is_allowed(&d->sides[0], seen), "%s: not as zircon-x64", d->words);
  const zx_status_t status = seen[d->sides[0].script.count - 1].status;
  const bool said = decision->anything || vs_decision_find(decision, status) != NULL;
  cr_expect((decision->anything || is_allowed(&d->sides[1], seen)) == said, "%s: as %s", d->words,
            d->sides[1].profile->id);
}

Test(diff, a_modern_kernel_shows_each_difference, .timeout = 600) {
  static const char* const others[] = {"zircon-2018", "zcore"};
  static const unsigned counts[] = {32, 53};
  for (size_t i = 0; i < 2; i++) {
    unsigned count = 0;
    vs_profiles_diff(vs_profile_find("zircon-x64"), vs_profile_find(others[i]), check_real, &count);
    cr_expect(count == counts[i], "%s: %u classes", others[i], count);
  }
}

// Executed on the example, an effect that only one of two sides has is a violation under the other.
static void check_effect(const vs_difference* d, void* context) {
  vs_observation seen[OPS_MAX];
  if (!d->effect || !execute("soft", &d->sides[0], seen)) return;
  vs_trace trace = {.script = d->sides[0].script, .arch = d->sides[0].arch, .observations = seen};
  bool own = vs_judge(&oracle, &trace, d->sides[0].profile).step == VS_STEP_ALLOWED;
  bool other = vs_judge(&oracle, &trace, d->sides[1].profile).step == VS_STEP_ALLOWED;
  if (own && !other) ++*(unsigned*)context;
}

Test(diff, effects_are_shown_by_their_scripts) {
  static const struct {
    vs_quirk_code quirk;
    uint64_t kept, or_only;
  } rows[] = {{VS_QUIRK_FLAGS_UNGATED, 0, 0},
              {VS_QUIRK_IO_UPPER_ZEROED, 0, 0},
              {VS_QUIRK_COUNT, 0x244000, 0},
              {VS_QUIRK_COUNT, 0x1, 0},
              {VS_QUIRK_COUNT, 0, 0x800}};
  const vs_profile* x64 = vs_profile_find("zircon-x64");
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    vs_profile other = *x64;
    if (rows[i].quirk != VS_QUIRK_COUNT) other.quirks |= (vs_quirk_set)VS_BIT(rows[i].quirk);
    other.flags_kept = rows[i].kept;
    other.flags_or_only = rows[i].or_only;
    unsigned shown = 0;
    vs_profiles_diff(x64, &other, check_effect, &shown);
    cr_expect(shown == 1, "row %zu: %u effects were shown", i, shown);
  }
}
