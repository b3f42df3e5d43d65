// SPDX-License-Identifier: BSD-3-Clause
// Families of which every call has a member: what it answers when several things are wrong, what it
// gives out, what it leaves when it refuses; and of every number that is checked by its bits.
#include <stdio.h>

#include "families.h"
#include "refused.h"

// --- what is broken -----------------------------------------------------------------------------

// Of a call: by answering one of several errors with something else, by leaving something behind,
// by writing beside what it writes, by refusing what is right.
static const struct {
  vs_call_index call;
  const char* several;
  const char* refused;
  const char* beside;
} judged[] = {
    {VS_CALL_guest_create, "guest_create.return.error", "guest_create.refusal.unchanged",
     "guest_create.refusal.unchanged"},
    {VS_CALL_guest_set_trap, "set_trap.return.error", "set_trap.refusal.unchanged", NULL},
    {VS_CALL_vcpu_create, "vcpu_create.return.error", "vcpu_create.refusal.unchanged",
     "vcpu_create.refusal.unchanged"},
    {VS_CALL_vcpu_enter, "enter.return.error", "enter.refusal.unchanged",
     "enter.description.packet"},
    {VS_CALL_vcpu_kick, "kick.return.error", "kick.refusal.unchanged", NULL},
    {VS_CALL_vcpu_interrupt, "interrupt.return.error", "interrupt.refusal.unchanged", NULL},
    {VS_CALL_vcpu_read_state, "read_state.return.error", "read_state.refusal.unchanged",
     "read_state.description.within"},
    {VS_CALL_handle_duplicate, "family.handle.derived", "family.handle.derived",
     "family.handle.derived"},
    {VS_CALL_handle_replace, "family.handle.derived", "family.handle.derived",
     "family.handle.derived"},
    {VS_CALL_event_create, NULL, NULL, "family.objects.created"},
    {VS_CALL_port_create, NULL, NULL, "family.objects.created"},
    {VS_CALL_vmo_create, NULL, NULL, "family.objects.created"}};
enum { JUDGED = sizeof judged / sizeof judged[0] };

const char* refused_clause(vs_call_index call) {
  size_t i = 0;
  while (judged[i].call != call) i++;
  return judged[i].refused;
}

// --- several at once, and orders --------------------------------------------------------------

enum { ORDERED = 9 };  // calls that have more than one check

bool calls_several(size_t member, char name[FAMILY_NAME], const char** breaks) {
  if (member >= ORDERED) return false;
  *breaks = judged[member].several;
  snprintf(name, FAMILY_NAME, "%s", any_call_word(judged[member].call));
  return true;
}

static bool are_several(uint64_t set) {
  const char* first = set != 0 ? refusals[__builtin_ctzll(set)].accepting : NULL;
  for (uint64_t others = set; others != 0; others &= others - 1) {
    if (refusals[__builtin_ctzll(others)].accepting != first) return true;
  }
  return false;
}

static zx_status_t call_several(vs_call_index call, uint64_t* numbers) {
  uint64_t set = 0;
  zx_status_t status = make_and_ask(call, numbers, &set);
  return are_several(set) ? ZX_ERR_INTERNAL : status;
}
static zx_status_t call_reversed(vs_call_index call, uint64_t* numbers) {
  uint64_t set = 0;
  zx_status_t status = make_and_ask(call, numbers, &set);
  return set != 0 ? refusals[63 - __builtin_clzll(set)].status : status;
}

void alter_several(vs_calls* calls);
void alter_several(vs_calls* calls) {
  alter_call(calls, judged[altered_member].call, call_several);
}
void alter_reversed(vs_calls* calls);
void alter_reversed(vs_calls* calls) {
  alter_call(calls, judged[altered_member].call, call_reversed);
}

// --- bits of numbers --------------------------------------------------------------------------

static const struct {
  vs_call_index call;
  uint8_t parameter;
  uint8_t first, end;  // the bits that make a number wrong
  const char* name;
  const char* breaks;
} numbered[] = {{VS_CALL_guest_create, VS_ARG(guest_create, options), 0, 32, "options",
                 "guest_create.errors.invalid_args.options"},
                {VS_CALL_vcpu_create, VS_ARG(vcpu_create, options), 0, 32, "options",
                 "vcpu_create.errors.invalid_args.options"},
                {VS_CALL_guest_set_trap, VS_ARG(guest_set_trap, kind), 2, 32, "kind",
                 "set_trap.errors.invalid_args.kind"},
                {VS_CALL_vcpu_read_state, VS_ARG(vcpu_read_state, kind), 0, 32, "kind",
                 "read_state.errors.invalid_args.kind"},
                {VS_CALL_vcpu_interrupt, VS_ARG(vcpu_interrupt, vector), 8, 32, "vector",
                 "family.interrupt.range"}};
enum { NUMBERED = sizeof numbered / sizeof numbered[0] };

static bool find_bit(size_t member, size_t* at, unsigned* bit) {
  for (*at = 0; *at < NUMBERED; ++*at) {
    size_t count = (size_t)numbered[*at].end - numbered[*at].first;
    *bit = numbered[*at].first + (unsigned)member;
    if (member < count) return true;
    member -= count;
  }
  return false;
}

bool bits_lost(size_t member, char name[FAMILY_NAME], const char** breaks) {
  size_t at = 0;
  unsigned bit = 0;
  if (!find_bit(member, &at, &bit)) return false;
  *breaks = numbered[at].breaks;
  snprintf(name, FAMILY_NAME, "%s_%s_%u", any_call_word(numbered[at].call), numbered[at].name, bit);
  return true;
}

static zx_status_t call_bit_lost(vs_call_index call, uint64_t* numbers) {
  size_t at = 0;
  unsigned bit = 0;
  bool is = find_bit(altered_member, &at, &bit);
  if (is) numbers[numbered[at].parameter] &= ~(UINT64_C(1) << bit);
  return make_right(call, numbers);
}

void alter_bit_lost(vs_calls* calls);
void alter_bit_lost(vs_calls* calls) {
  size_t at = 0;
  unsigned bit = 0;
  if (find_bit(altered_member, &at, &bit)) alter_call(calls, numbered[at].call, call_bit_lost);
}

// --- new handles ------------------------------------------------------------------------------

typedef enum newness { BIT_0_CLEAR, BIT_1_CLEAR, OF_ANOTHER, BESIDE, NEWNESSES } newness;
static const char* const newness_names[NEWNESSES] = {"bit_0_clear", "bit_1_clear", "of_another",
                                                     "beside"};

// Where the call puts the last of its new handles; false if it makes none.
static bool find_out(vs_call_index call, size_t* parameter) {
  bool has = false;
  for (size_t i = 0; i < VS_ARGS_MAX; i++) {
    if (any_param_of(call, i).type != VS_PARAM_OUT_HANDLE) continue;
    *parameter = i;
    has = true;
  }
  return has;
}

static bool find_maker(size_t member, size_t* at, newness* how) {
  for (*at = 0; *at < JUDGED; ++*at) {
    size_t parameter = 0;
    if (!find_out(judged[*at].call, &parameter)) continue;
    *how = (newness)(member % NEWNESSES);
    if (member < NEWNESSES) return true;
    member -= NEWNESSES;
  }
  return false;
}

bool news_wrong(size_t member, char name[FAMILY_NAME], const char** breaks) {
  size_t at = 0;
  newness how = BESIDE;
  if (!find_maker(member, &at, &how)) return false;
  const bool bit = how == BIT_0_CLEAR || how == BIT_1_CLEAR;
  *breaks = how == BESIDE ? judged[at].beside
            : bit         ? "abi.handle.fixed_bits"
                          : "family.handle.derived";
  snprintf(name, FAMILY_NAME, "%s_%s", any_call_word(judged[at].call), newness_names[how]);
  return true;
}

static void spoil_new(loose_handle* out, newness how) {
  static zx_handle_t last = ZX_HANDLE_INVALID;
  tracked found;
  if (how == BIT_0_CLEAR) *out &= ~(zx_handle_t)1;
  if (how == BIT_1_CLEAR) *out &= ~(zx_handle_t)2;
  if (how == BESIDE && is_writable((uintptr_t)(out + 1), sizeof *out)) out[1] ^= 1;
  zx_handle_t made = *out;
  if (how == OF_ANOTHER && track_find_any(last, &found)) *out = last;
  last = made;
}

static zx_status_t call_new(vs_call_index call, uint64_t* numbers) {
  size_t at = 0;
  size_t parameter = 0;
  newness how = BESIDE;
  zx_status_t status = make_right(call, numbers);
  bool is = find_maker(altered_member, &at, &how) && find_out(call, &parameter);
  if (is && status == ZX_OK) spoil_new((loose_handle*)(uintptr_t)numbers[parameter], how);
  return status;
}

void alter_new(vs_calls* calls);
void alter_new(vs_calls* calls) {
  size_t at = 0;
  newness how = BESIDE;
  if (find_maker(altered_member, &at, &how)) alter_call(calls, judged[at].call, call_new);
}

// --- a refusal changes a register -------------------------------------------------------------

bool calls_refusing(size_t member, char name[FAMILY_NAME], const char** breaks) {
  enum { WITH_CLAUSE = 7 };  // they come first
  if (member >= WITH_CLAUSE) return false;
  *breaks = judged[member].refused;
  snprintf(name, FAMILY_NAME, "%s", any_call_word(judged[member].call));
  return true;
}

static zx_status_t call_refusing(vs_call_index call, uint64_t* numbers) {
  tracked found;
  zx_status_t status = make_right(call, numbers);
  bool own = track_of_type(ZX_OBJ_TYPE_VCPU, &found) && found.creator == track_self();
  if (status == ZX_OK || status == ZX_ERR_CANCELED || !own) return status;
  zx_vcpu_state_x64_t state = state_of(found.first);
  state.r12++;
  below->vcpu_write_state(found.first, ZX_VCPU_STATE, &state, sizeof state);
  return status;
}

void alter_refusal_changes(vs_calls* calls);
void alter_refusal_changes(vs_calls* calls) {
  alter_call(calls, judged[altered_member].call, call_refusing);
}
