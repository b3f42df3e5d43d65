// SPDX-License-Identifier: BSD-3-Clause
// Families over all that may be wrong with any call (refused.def): it is accepted, or refused with
// another status, or what is right is refused.
#include <stdio.h>
#include <stdlib.h>

#include "families.h"
#include "refused.h"
#include "user_copy.h"

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

static const char* refused_clause(vs_call_index call) {
  size_t i = 0;
  while (judged[i].call != call) i++;
  return judged[i].refused;
}

// --- members ----------------------------------------------------------------------------------

// What a member of these families is: a row, and which of the things that can be done with it.
typedef struct choice {
  const refusal* row;
  unsigned which;
} choice;

// The member'th of those that a family has; false past the last.
typedef bool (*has_choice)(const refusal* row, unsigned which);

static bool find_choice(has_choice has, unsigned count, size_t member, choice* found) {
  for (size_t i = 0; i < refusal_count; i++) {
    for (unsigned which = 0; which < count; which++) {
      *found = (choice){&refusals[i], which};
      if (has(found->row, which) && member-- == 0) return true;
    }
  }
  return false;
}

static choice the_choice(has_choice has, unsigned count) {
  choice found;
  if (!find_choice(has, count, altered_member, &found)) abort();
  return found;
}

static bool name_choice(choice of, const char* detail, char* name, size_t size) {
  const char* gap = detail[0] != '\0' ? "_" : "";
  snprintf(name, size, "%s_%s%s%s", any_call_word(of.row->call), of.row->name, gap, detail);
  return true;
}

// --- a check is left out ----------------------------------------------------------------------

static bool is_repaired(const refusal* row, unsigned which) {
  (void)which;
  return row->repair != NULL;
}
static bool is_any(const refusal* row, unsigned which) {
  (void)row, (void)which;
  return true;
}

bool checks_unchecked(size_t member, char name[FAMILY_NAME], const char** breaks) {
  choice found;
  if (!find_choice(is_repaired, 1, member, &found)) return false;
  *breaks = found.row->accepting;
  return name_choice(found, "", name, FAMILY_NAME);
}
bool checks_passed(size_t member, char name[FAMILY_NAME], const char** breaks) {
  choice found;
  if (!find_choice(is_any, 1, member, &found)) return false;
  *breaks = found.row->accepting;
  return name_choice(found, "", name, FAMILY_NAME);
}

// True if the row is the first of those that are so.
static bool is_first(const refusal* row, uint64_t set) {
  return set != 0 && row == &refusals[__builtin_ctzll(set)];
}

static zx_status_t call_unchecked(vs_call_index call, uint64_t* numbers) {
  const refusal* row = the_choice(is_repaired, 1).row;
  bool so = row->is(row, numbers, ZX_OK);
  return so ? make_unchecked(row, numbers) : make_right(call, numbers);
}
static zx_status_t call_passed(vs_call_index call, uint64_t* numbers) {
  const refusal* row = the_choice(is_any, 1).row;
  uint64_t set = 0;
  zx_status_t status = make_and_ask(call, numbers, &set);
  return is_first(row, set) ? ZX_OK : status;
}

void alter_unchecked(vs_calls* calls);
void alter_unchecked(vs_calls* calls) {
  alter_call(calls, the_choice(is_repaired, 1).row->call, call_unchecked);
}
void alter_passed(vs_calls* calls);
void alter_passed(vs_calls* calls) {
  alter_call(calls, the_choice(is_any, 1).row->call, call_passed);
}

static bool is_pointer(const refusal* row, unsigned which) {
  (void)which;
  return any_param_of(row->call, row->parameter).type >= VS_PARAM_OUT_HANDLE;
}

// Of a call that cannot hand out what it made, or read, nothing is seen but that a thread is busy.
static bool is_seen_done(const refusal* row, unsigned which) {
  if (row->call == VS_CALL_vcpu_create) return is_repaired(row, which);
  bool seen = row->call == VS_CALL_guest_set_trap || row->call == VS_CALL_vcpu_kick ||
              row->call == VS_CALL_vcpu_read_state || row->call == VS_CALL_vcpu_enter;
  return seen && is_repaired(row, which) && !is_pointer(row, which);
}

// A kick that was made or taken is seen at the next entry.
bool checks_late(size_t member, char name[FAMILY_NAME], const char** breaks) {
  choice found;
  if (!find_choice(is_seen_done, 1, member, &found)) return false;
  bool kicks = found.row->call == VS_CALL_vcpu_kick || found.row->call == VS_CALL_vcpu_enter;
  *breaks = kicks ? "family.kick.cancels" : refused_clause(found.row->call);
  return name_choice(found, "", name, FAMILY_NAME);
}

static zx_status_t call_late(vs_call_index call, uint64_t* numbers) {
  const refusal* row = the_choice(is_seen_done, 1).row;
  uint64_t set = 0;
  zx_status_t status = make_and_ask(call, numbers, &set);
  if (is_first(row, set)) make_unchecked(row, numbers);
  return status;
}

void alter_done_though(vs_calls* calls);
void alter_done_though(vs_calls* calls) {
  alter_call(calls, the_choice(is_seen_done, 1).row->call, call_late);
}

// --- another status ---------------------------------------------------------------------------

enum { STATUSES = 2 };
static const char* const status_kinds[STATUSES] = {"listed", "internal"};

bool checks_told(size_t member, char name[FAMILY_NAME], const char** breaks) {
  choice found;
  if (!find_choice(is_any, STATUSES, member, &found)) return false;
  *breaks = found.row->answering;
  return name_choice(found, status_kinds[found.which], name, FAMILY_NAME);
}

static zx_status_t call_told(vs_call_index call, uint64_t* numbers) {
  choice of = the_choice(is_any, STATUSES);
  uint64_t set = 0;
  zx_status_t status = make_and_ask(call, numbers, &set);
  if (!is_first(of.row, set)) return status;
  return of.which == 0 ? of.row->listed : ZX_ERR_INTERNAL;
}

void alter_told(vs_calls* calls);
void alter_told(vs_calls* calls) {
  alter_call(calls, the_choice(is_any, STATUSES).row->call, call_told);
}

// --- rights -----------------------------------------------------------------------------------

static const struct {
  const char* name;
  zx_rights_t right;
} rights[] = {{"DUPLICATE", ZX_RIGHT_DUPLICATE},
              {"TRANSFER", ZX_RIGHT_TRANSFER},
              {"READ", ZX_RIGHT_READ},
              {"WRITE", ZX_RIGHT_WRITE},
              {"EXECUTE", ZX_RIGHT_EXECUTE},
              {"SIGNAL", ZX_RIGHT_SIGNAL},
              {"MANAGE_THREAD", ZX_RIGHT_MANAGE_THREAD}};
enum { RIGHTS = sizeof rights / sizeof rights[0] };

// The rights that the documentation gives a new handle.
static zx_rights_t documented_of(zx_obj_type_t type) {
  const zx_rights_t both = ZX_RIGHT_DUPLICATE | ZX_RIGHT_TRANSFER;
  if (type == ZX_OBJ_TYPE_GUEST) return both | ZX_RIGHT_WRITE | ZX_RIGHT_MANAGE_THREAD;
  if (type == ZX_OBJ_TYPE_PORT) return both | ZX_RIGHT_READ | ZX_RIGHT_WRITE;
  return both | ZX_RIGHT_READ | ZX_RIGHT_WRITE | ZX_RIGHT_EXECUTE | ZX_RIGHT_SIGNAL;
}

static bool is_right_beside(const refusal* row, unsigned which) {
  any_param param = any_param_of(row->call, row->parameter);
  zx_rights_t right = rights[which].right;
  bool given = (documented_of(param.object) & right) != 0;
  return row->status == ZX_ERR_ACCESS_DENIED && right != param.value && given;
}

bool rights_beside(size_t member, char name[FAMILY_NAME], const char** breaks) {
  choice found;
  if (!find_choice(is_right_beside, RIGHTS, member, &found)) return false;
  *breaks = found.row->accepting;
  return name_choice(found, rights[found.which].name, name, FAMILY_NAME);
}

// Which of two handles a refusal is about, it does not say.
bool rights_too(size_t member, char name[FAMILY_NAME], const char** breaks) {
  choice found;
  bool is = rights_beside(member, name, breaks);
  bool second =
      is && find_choice(is_right_beside, RIGHTS, member, &found) && found.row->parameter != 0;
  if (second) *breaks = "set_trap.rights.write";
  return is;
}

static bool has_right(choice of, const uint64_t* numbers) {
  tracked found;
  bool known = track_find_any((zx_handle_t)numbers[of.row->parameter], &found);
  return !known || (found.rights & rights[of.which].right) != 0;
}

static zx_status_t call_right_too(vs_call_index call, uint64_t* numbers) {
  bool has = has_right(the_choice(is_right_beside, RIGHTS), numbers);
  return has ? make_right(call, numbers) : ZX_ERR_ACCESS_DENIED;
}
static zx_status_t call_right_instead(vs_call_index call, uint64_t* numbers) {
  choice of = the_choice(is_right_beside, RIGHTS);
  if (!has_right(of, numbers)) return ZX_ERR_ACCESS_DENIED;
  bool so = of.row->is(of.row, numbers, ZX_OK);
  return so ? make_unchecked(of.row, numbers) : make_right(call, numbers);
}

void alter_right_too(vs_calls* calls);
void alter_right_too(vs_calls* calls) {
  alter_call(calls, the_choice(is_right_beside, RIGHTS).row->call, call_right_too);
}
void alter_other_right(vs_calls* calls);
void alter_other_right(vs_calls* calls) {
  alter_call(calls, the_choice(is_right_beside, RIGHTS).row->call, call_right_instead);
}

// --- types ------------------------------------------------------------------------------------

static const struct {
  const char* name;
  zx_obj_type_t type;
} types[] = {{"guest", ZX_OBJ_TYPE_GUEST}, {"vmar", ZX_OBJ_TYPE_VMAR}, {"vcpu", ZX_OBJ_TYPE_VCPU},
             {"event", ZX_OBJ_TYPE_EVENT}, {"port", ZX_OBJ_TYPE_PORT}, {"vmo", ZX_OBJ_TYPE_VMO}};
enum { TYPES = sizeof types / sizeof types[0] };

static bool is_type_beside(const refusal* row, unsigned which) {
  any_param param = any_param_of(row->call, row->parameter);
  return row->status == ZX_ERR_WRONG_TYPE && types[which].type != param.object;
}

bool types_beside(size_t member, char name[FAMILY_NAME], const char** breaks) {
  choice found;
  if (!find_choice(is_type_beside, TYPES, member, &found)) return false;
  *breaks = found.row->accepting;
  return name_choice(found, types[found.which].name, name, FAMILY_NAME);
}

static zx_status_t call_type_taken(vs_call_index call, uint64_t* numbers) {
  choice of = the_choice(is_type_beside, TYPES);
  tracked found;
  bool known = track_find_any((zx_handle_t)numbers[of.row->parameter], &found);
  bool so = known && found.type == types[of.which].type;
  return so ? make_unchecked(of.row, numbers) : make_right(call, numbers);
}

void alter_type_taken(vs_calls* calls);
void alter_type_taken(vs_calls* calls) {
  alter_call(calls, the_choice(is_type_beside, TYPES).row->call, call_type_taken);
}

// --- pointers ---------------------------------------------------------------------------------

typedef enum place { AT_NULL, AT_READONLY, AT_NOTHING, AT_KERNEL, AT_FIRST, AT_LAST, PLACES } place;
static const char* const place_names[PLACES] = {"null",   "readonly",  "unmapped",
                                                "kernel", "straddles", "headless"};

static place place_of(uint64_t address, size_t size) {
  uint8_t byte = 0;
  if (address == 0) return AT_NULL;
  if (address >> 47 != 0) return AT_KERNEL;
  if (is_writable(address, 1)) return AT_FIRST;
  if (is_writable(address + size - 1, 1)) return AT_LAST;
  return vs_copy_from_user(&byte, (void*)(uintptr_t)address, 1) ? AT_READONLY : AT_NOTHING;
}

bool places_bad(size_t member, char name[FAMILY_NAME], const char** breaks) {
  choice found;
  if (!find_choice(is_pointer, PLACES, member, &found)) return false;
  *breaks = found.row->answering;
  return name_choice(found, place_names[found.which], name, FAMILY_NAME);
}

static bool is_at_choice(choice of, const uint64_t* numbers) {
  size_t room = room_of(of.row, numbers);
  return of.row->is(of.row, numbers, ZX_OK) &&
         place_of(numbers[of.row->parameter], room) == (place)of.which;
}

static zx_status_t call_place_taken(vs_call_index call, uint64_t* numbers) {
  choice of = the_choice(is_pointer, PLACES);
  bool so = is_at_choice(of, numbers);
  return so ? make_unchecked(of.row, numbers) : make_right(call, numbers);
}
static zx_status_t call_place_told(vs_call_index call, uint64_t* numbers) {
  choice of = the_choice(is_pointer, PLACES);
  zx_status_t status = make_right(call, numbers);
  bool told = status == ZX_ERR_INVALID_ARGS && is_at_choice(of, numbers);
  return told ? ZX_ERR_NOT_FOUND : status;
}

void alter_place_taken(vs_calls* calls);
void alter_place_taken(vs_calls* calls) {
  alter_call(calls, the_choice(is_pointer, PLACES).row->call, call_place_taken);
}
void alter_place_told(vs_calls* calls);
void alter_place_told(vs_calls* calls) {
  alter_call(calls, the_choice(is_pointer, PLACES).row->call, call_place_told);
}

// --- values of handles ------------------------------------------------------------------------

static const struct {
  const char* name;
  zx_handle_t mask;
} looks[] = {{"16_bits", 0xffff},
             {"30_bits", 0x3fffffff},
             {"bit_0_ignored", 0xfffffffe},
             {"bit_1_ignored", 0xfffffffd},
             {"zero_is_one", 0}};
enum { LOOKS = sizeof looks / sizeof looks[0], ZERO = LOOKS - 1 };

static bool is_named(const refusal* row, unsigned which) {
  bool zero_is_good = row->call == VS_CALL_handle_close || row->parameter != 0;
  return row->status == ZX_ERR_BAD_HANDLE && row->call != VS_CALL_guest_create &&
         (which != ZERO || !zero_is_good);
}

bool values_taken(size_t member, char name[FAMILY_NAME], const char** breaks) {
  choice found;
  if (!find_choice(is_named, LOOKS, member, &found)) return false;
  bool fixed = looks[found.which].mask >= 0xfffffffd;
  *breaks = fixed && found.row->parameter == 0 ? "abi.handle.fixed_bits" : found.row->accepting;
  return name_choice(found, looks[found.which].name, name, FAMILY_NAME);
}

static zx_status_t call_value_taken(vs_call_index call, uint64_t* numbers) {
  choice of = the_choice(is_named, LOOKS);
  tracked found;
  zx_handle_t value = (zx_handle_t)numbers[of.row->parameter];
  bool unnamed = !track_find_any(value, &found);
  if (unnamed && of.which == ZERO && value == ZX_HANDLE_INVALID)
    return make_unchecked(of.row, numbers);
  if (unnamed && of.which != ZERO && track_alike(value, looks[of.which].mask, &found)) {
    numbers[of.row->parameter] = found.value;
  }
  return make_right(call, numbers);
}

void alter_value_taken(vs_calls* calls);
void alter_value_taken(vs_calls* calls) {
  alter_call(calls, the_choice(is_named, LOOKS).row->call, call_value_taken);
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

// Where a place in the order is likely to differ.
static bool is_moved(const refusal* row, unsigned which) {
  bool denied = row->status == ZX_ERR_ACCESS_DENIED && row->parameter == 0;
  return denied || is_pointer(row, which);
}

bool checks_first(size_t member, char name[FAMILY_NAME], const char** breaks) {
  choice found;
  (void)breaks;
  return find_choice(is_moved, 1, member, &found) && name_choice(found, "", name, FAMILY_NAME);
}

static zx_status_t call_first(vs_call_index call, uint64_t* numbers) {
  const refusal* row = the_choice(is_moved, 1).row;
  uint64_t set = 0;
  zx_status_t status = make_and_ask(call, numbers, &set);
  return set >> (row - refusals) & 1 ? row->status : status;
}

void alter_looks_first(vs_calls* calls);
void alter_looks_first(vs_calls* calls) {
  alter_call(calls, the_choice(is_moved, 1).row->call, call_first);
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
  *breaks = how == BESIDE ? judged[at].beside : "family.handle.derived";
  snprintf(name, FAMILY_NAME, "%s_%s", any_call_word(judged[at].call), newness_names[how]);
  return true;
}

static void spoil_new(zx_handle_t* out, newness how) {
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
  if (is && status == ZX_OK) spoil_new((zx_handle_t*)(uintptr_t)numbers[parameter], how);
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
