// SPDX-License-Identifier: BSD-3-Clause
// Families over all that may be wrong with any call (refused.def): it is accepted, or refused with
// another status, or what is right is refused.
#include <stdio.h>
#include <stdlib.h>

#include "families.h"
#include "refused.h"
#include "user_copy.h"

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
  *breaks = refused_clause(found.row->call);
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
  bool asked = row->status == ZX_ERR_ACCESS_DENIED && param.value != ZX_RIGHT_NONE;
  return asked && right != param.value && given;
}

bool rights_beside(size_t member, char name[FAMILY_NAME], const char** breaks) {
  choice found;
  if (!find_choice(is_right_beside, RIGHTS, member, &found)) return false;
  *breaks = found.row->accepting;
  return name_choice(found, rights[found.which].name, name, FAMILY_NAME);
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

// --- orders ----------------------------------------------------------------------------------

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
