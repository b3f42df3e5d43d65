// SPDX-License-Identifier: BSD-3-Clause
#include "decide.h"

static vs_tristate is_nothing(const vs_handle_facts* h) {
  return h->valid ? VS_NO : VS_YES;
}

static vs_tristate is_other(const vs_handle_facts* h) {
  return h->valid && !h->right_type ? VS_YES : VS_NO;
}

static vs_tristate lacks_rights(const vs_handle_facts* h) {
  if (!h->valid) return VS_NO;
  if (h->rights_unknown) return VS_UNKNOWN;
  return h->has_rights ? VS_NO : VS_YES;
}

// The checks of the call that apply as much as that.
static vs_check_set applying(const vs_facts* f, vs_tristate how) {
  vs_check_set faults = 0;
#define VS_CHECK(of, code, name, sort, when, status, rule, error, reason, holds) \
  faults |=                                                                      \
      f->call == VS_CALL_##of && (vs_tristate)(when) == how ? VS_CHECK_IN(VS_CHECK_##code) : 0;
#include "checks.def"
#undef VS_CHECK
  return faults;
}

vs_check_set vs_faults_of(const vs_facts* facts) {
  return applying(facts, VS_YES);
}

vs_check_set vs_unsure_of(const vs_facts* facts) {
  return applying(facts, VS_UNKNOWN);
}

vs_defect_set vs_defects_of(const vs_facts* f) {
  vs_defect_set defects = 0;
#define VS_DEFECT(code, id, of, profiles, aspect, when, what, source) \
  defects |= (vs_defect_set)(f->call == VS_CALL_##of && (when) ? VS_BIT(VS_DEFECT_##code) : 0);
#include "defects.def"
#undef VS_DEFECT
  return defects;
}

void vs_decision_allow(vs_decision* decision, const vs_allowed* row) {
  if (vs_decision_find(decision, row->status) != NULL) return;
  // GCOVR_EXCL_BR_LINE: each status has one row, and fewer are documented than there is room for
  if (decision->count < VS_ALLOWED_MAX) decision->allowed[decision->count++] = *row;
}

static void allow(vs_decision* decision, zx_status_t status, vs_check_code check,
                  vs_latitude_code latitude) {
  vs_decision_allow(decision, &(vs_allowed){status, (uint8_t)check, (uint8_t)latitude});
}

// Of the checks that the page does not make, so that applying is a choice.
static vs_latitude_code latitude_of(vs_check_code check) {
  switch (check) {
    case VS_CHECK_ACCESS_SIZE:
      return VS_LATITUDE_ACCESS_SIZE;
    case VS_CHECK_NO_PORTS:
      return VS_LATITUDE_NO_PORTS;
    case VS_CHECK_GUEST_NO_RESOURCE:
    case VS_CHECK_GUEST_NOT_THIS:
      return VS_LATITUDE_NO_RESOURCE;
    case VS_CHECK_TRAP_APIC:
    case VS_CHECK_TRAP_APIC_RANGE:
      return VS_LATITUDE_TRAP_APIC;
    case VS_CHECK_TRAP_NO_PORTS:
    case VS_CHECK_TRAP_NO_PORT_SPACE:
      return VS_LATITUDE_TRAP_PORTS;
    case VS_CHECK_ENTER_BELL:
      return VS_LATITUDE_BELL_NO_PORT;
    default:
      return VS_LATITUDE_TRAP_EMPTY;
  }
}

static bool may(const vs_profile* profile, vs_latitude_code latitude) {
  return profile->latitudes & VS_BIT(latitude);
}

// The checks of each sort; of every call, all fit in a constant.
static const vs_check_set of_sorts[] = {[VS_SORT_PAGE] = 0
#define VS_CHECK(of, code, name, sort, when, status, rule, error, reason, holds) \
  | (VS_SORT_##sort == VS_SORT_PAGE ? VS_CHECK_IN(VS_CHECK_##code) : 0)
#include "checks.def"
#undef VS_CHECK
                                        ,
                                        [VS_SORT_LATITUDE] = 0
#define VS_CHECK(of, code, name, sort, when, status, rule, error, reason, holds) \
  | (VS_SORT_##sort == VS_SORT_LATITUDE ? VS_CHECK_IN(VS_CHECK_##code) : 0)
#include "checks.def"
#undef VS_CHECK
};

static vs_check_set of_sort(vs_check_set checks, vs_check_sort sort) {
  return checks & of_sorts[sort];
}

// Which of the checks that the page does not make the profile leaves open: an ordered one says of a
// call without an order what the page says, choices and all.
static vs_check_set optional_of(const vs_profile* profile, vs_check_set checks) {
  vs_check_set kept = 0;
  while (checks != 0) {
    const vs_check_code check = vs_check_take(&checks);
    if (profile->ordered || may(profile, latitude_of(check))) kept |= VS_CHECK_IN(check);
  }
  return kept;
}

static void decide_unordered(vs_decision* decision, const vs_facts* facts,
                             const vs_profile* profile) {
  vs_check_set certain = of_sort(decision->faults, VS_SORT_PAGE);
  vs_check_set optional = of_sort(decision->faults, VS_SORT_LATITUDE);
  vs_check_set unsure = of_sort(vs_unsure_of(facts), VS_SORT_PAGE);
  if (!may(profile, VS_LATITUDE_ACCESS_SIZE))
    certain |= optional & VS_CHECK_IN(VS_CHECK_ACCESS_SIZE);
  optional = optional_of(profile, optional) & ~certain;
  vs_check_set rest = certain | unsure | optional;
  while (rest != 0) {
    const vs_check_code check = vs_check_take(&rest);
    bool choice = optional & VS_CHECK_IN(check);
    allow(decision, vs_checks[check].status, check,
          choice && !profile->ordered ? latitude_of(check) : VS_LATITUDE_COUNT);
  }
  bool elsewhere = certain & (VS_CHECK_IN(VS_CHECK_CREATOR) | VS_CHECK_IN(VS_CHECK_RUNNING));
  if (elsewhere && facts->io && may(profile, VS_LATITUDE_WRONG_THREAD_IO)) {
    allow(decision, ZX_ERR_INVALID_ARGS, VS_CHECK_CREATOR, VS_LATITUDE_WRONG_THREAD_IO);
  }
  if (certain == 0) {
    bool odd = optional & VS_CHECK_IN(VS_CHECK_ACCESS_SIZE);
    allow(decision, ZX_OK, VS_CHECK_NONE, odd ? VS_LATITUDE_ACCESS_SIZE : VS_LATITUDE_COUNT);
  }
  decision->faults = certain;
}

// Of each check; a row of vs_checks is some ten times as long, and orders are long.
static const uint8_t calls[] = {
    0,
#define VS_CHECK(of, code, name, sort, when, status, rule, error, reason, holds) VS_CALL_##of,
#include "checks.def"
#undef VS_CHECK
};

static bool orders(const vs_profile* profile, uint8_t call) {
  const uint8_t* check = profile->order;
  while (*check != VS_CHECK_NONE && calls[*check] != call) check++;
  return *check != VS_CHECK_NONE;
}

vs_check_set vs_profile_makes(const vs_profile* profile, uint8_t call) {
  vs_check_set made = 0;
  for (const uint8_t* check = profile->order; *check != VS_CHECK_NONE; check++) {
    if (calls[*check] == call) made |= VS_CHECK_IN(*check);
  }
  return made;
}

static vs_check_set checks_of(uint8_t call) {
  vs_check_set set = 0;
  for (vs_check_code check = 1; check < VS_CHECK_COUNT; check++) {
    if (calls[check] == call) set |= VS_CHECK_IN(check);
  }
  return set;
}

vs_check_set vs_looked_at(const vs_profile* profile, uint8_t call) {
  const vs_check_set made = profile->ordered ? vs_profile_makes(profile, call) : 0;
  const vs_check_set of_call = checks_of(call);
  const vs_check_set choices = of_sort(of_call, VS_SORT_LATITUDE);
  const vs_check_set always = choices & VS_CHECK_IN(VS_CHECK_ACCESS_SIZE);
  if (made != 0) return made;
  return of_sort(of_call, VS_SORT_PAGE) | always | optional_of(profile, choices);
}

// Allows what the first check of the order that applies asks for.
static void allow_first(vs_decision* decision, const vs_profile* profile, vs_check_set faults) {
  const uint8_t* first = profile->order;
  while (*first != VS_CHECK_NONE && !(faults & VS_CHECK_IN(*first))) first++;
  if (vs_checks[*first].sort == VS_SORT_UNDEFINED) {
    decision->anything = true;
  } else {
    allow(decision, vs_checks[*first].status, *first, VS_LATITUDE_COUNT);
  }
}

static void decide_ordered(vs_decision* decision, const vs_facts* facts,
                           const vs_profile* profile) {
  decision->ordered = true;
  vs_check_set unsure = vs_unsure_of(facts);
  if ((decision->faults | unsure) == 0) {
    allow(decision, ZX_OK, VS_CHECK_NONE, VS_LATITUDE_COUNT);
    return;
  }
  const vs_check_set made = vs_profile_makes(profile, facts->call);
  decision->faults &= made;
  unsure &= made;
  // Once for each way in which what is unsure may be.
  vs_check_set some = unsure;
  do {
    allow_first(decision, profile, decision->faults | (unsure & ~some));
    some = (some - 1) & unsure;
  } while (some != unsure);
}

vs_decision vs_decide(const vs_facts* facts, const vs_profile* profile) {
  vs_decision decision = {.faults = vs_faults_of(facts), .anything = facts->unspoken};
  if (profile->ordered && orders(profile, facts->call)) {
    decide_ordered(&decision, facts, profile);
  } else {
    decide_unordered(&decision, facts, profile);
  }
  return decision;
}

vs_check_set vs_held_of(const vs_facts* facts, const vs_profile* profile) {
  vs_check_set made = vs_profile_makes(profile, facts->call);
  vs_check_set held = applying(facts, VS_NO);
  // A fault that the profile does not look at may belie what the checks after it say.
  if (of_sort(vs_faults_of(facts), VS_SORT_PAGE) != 0) return 0;
  return profile->ordered && made != 0 ? held & made : of_sort(held, VS_SORT_PAGE);
}

const vs_allowed* vs_decision_find(const vs_decision* decision, zx_status_t status) {
  for (size_t i = 0; i < decision->count; i++) {
    if (decision->allowed[i].status == status) return &decision->allowed[i];
  }
  return NULL;
}
