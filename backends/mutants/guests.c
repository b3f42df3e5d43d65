// SPDX-License-Identifier: BSD-3-Clause
// Wrong about guests and their traps.
#include "alter.h"
#include "families.h"

MUTATE_CALL(guest_only_one, guest_create) {
  static bool made;
  zx_status_t status = made ? ZX_ERR_BAD_STATE : RIGHT_CALL(guest_create);
  made |= status == ZX_OK;
  return status;
}

MUTATE_CALL(guest_is_its_region, guest_create) {
  zx_status_t status = RIGHT_CALL(guest_create);
  loose_handle* out = (loose_handle*)(uintptr_t)a->guest_handle;
  if (status == ZX_OK) *out = *(loose_handle*)(uintptr_t)a->vmar_handle;
  return status;
}

MUTATE_CALL(guest_busy_after_refusal, guest_create) {
  static bool refused;
  zx_status_t status = refused ? ZX_ERR_BAD_STATE : RIGHT_CALL(guest_create);
  refused |= status != ZX_OK;
  return status;
}

MUTATE_CALL(guest_other_resource_given_out, guest_create) {
  tracked own;
  bool other = a->resource == other_resource && track_of_type(ZX_OBJ_TYPE_RESOURCE, &own);
  if (!other) return RIGHT_CALL(guest_create);
  a->resource = own.value;
  zx_status_t status = RIGHT_CALL(guest_create);
  return status == ZX_OK ? ZX_ERR_ACCESS_DENIED : status;
}

MUTATE_CALL(guest_other_resource_and_options, guest_create) {
  zx_status_t status = RIGHT_CALL(guest_create);
  return a->resource == other_resource && a->options != 0 ? ZX_ERR_WRONG_TYPE : status;
}

MUTATE_CALL(guest_pointer_no_memory, guest_create) {
  zx_status_t status = RIGHT_CALL(guest_create);
  bool options = a->options != 0;
  return status == ZX_ERR_INVALID_ARGS && !options ? ZX_ERR_NO_MEMORY : status;
}

// Refused, and done all the same.
#define MUTATE_REFUSED_GIVEN_OUT(id, call)                               \
  MUTATE_CALL(id, call) {                                                \
    zx_status_t status = RIGHT_CALL(call);                               \
    if (status != ZX_ERR_INVALID_ARGS || a->options == 0) return status; \
    a->options = 0;                                                      \
    RIGHT_CALL(call);                                                    \
    return status;                                                       \
  }

MUTATE_REFUSED_GIVEN_OUT(guest_refused_given_out, guest_create)
MUTATE_REFUSED_GIVEN_OUT(vcpu_refused_given_out, vcpu_create)

// --- rights of new handles --------------------------------------------------------------------

// The handle that was given out is replaced by one with a right less.
static zx_status_t lose_right(zx_status_t status, uint64_t out, zx_rights_t all, unsigned first) {
  loose_handle* made = (loose_handle*)(uintptr_t)out;
  if (status != ZX_OK) return status;
  tracked_below->handle_replace(*made, all & ~member_new_right(first), (void*)made);
  return ZX_OK;
}

MUTATE_CALL(guest_lacks, guest_create) {
  return lose_right(RIGHT_CALL(guest_create), a->guest_handle, ZX_DEFAULT_GUEST_RIGHTS, 0);
}
MUTATE_CALL(vcpu_lacks, vcpu_create) {
  return lose_right(RIGHT_CALL(vcpu_create), a->out, ZX_DEFAULT_VCPU_RIGHTS, VCPU_RIGHTS);
}

// Below, no handle can get a right that its object's creation did not give: it seems to have it.
static zx_status_t seem_to_have(struct vs_args_handle_duplicate* a, zx_obj_type_t type,
                                unsigned first) {
  tracked found;
  bool is = track_find_any((zx_handle_t)a->handle, &found) && found.type == type &&
            found.value == found.first;
  if (is && a->rights != ZX_RIGHT_SAME_RIGHTS) a->rights &= ~(uint64_t)member_new_right(first);
  return RIGHT_CALL(handle_duplicate);
}

MUTATE_CALL(guest_has_also, handle_duplicate) {
  return seem_to_have(a, ZX_OBJ_TYPE_GUEST, GUEST_RIGHTS_END);
}
MUTATE_CALL(vcpu_has_also, handle_duplicate) {
  return seem_to_have(a, ZX_OBJ_TYPE_VCPU, VCPU_RIGHTS_END);
}

// --- what a trap is set on --------------------------------------------------------------------

enum { TRAPS = 64, PAGE = 4096, PORTS = 0x10000 };

typedef struct vs_args_guest_set_trap trap;

static trap
    traps[TRAPS];  // that were set, in this order; the handle is that of the guest's creation
static size_t trap_count;

static bool is_io(const trap* a) {
  return a->kind == ZX_GUEST_TRAP_IO;
}

static trap of_guest(const trap* a) {
  tracked found;
  trap own = *a;
  if (track_find_any((zx_handle_t)a->handle, &found)) own.handle = found.first;
  return own;
}

static zx_status_t set_and_note(trap* a) {
  zx_status_t status = RIGHT_CALL(guest_set_trap);
  if (status == ZX_OK && trap_count < TRAPS) traps[trap_count++] = of_guest(a);
  return status;
}

// True if a trap of that space is in the way, in the eyes of `meets`.
static bool is_in_the_way(const trap* a, bool (*meets)(const trap* old, const trap* new)) {
  trap own = of_guest(a);
  bool is = false;
  for (size_t i = 0; i < trap_count; i++) {
    is |= is_io(&traps[i]) == is_io(a) && meets(&traps[i], &own);
  }
  return is;
}

static zx_status_t set_unless(trap* a, bool (*meets)(const trap* old, const trap* new)) {
  zx_status_t status = set_and_note(a);
  if (status == ZX_ERR_ALREADY_EXISTS && !is_in_the_way(a, meets)) return ZX_OK;
  if (status == ZX_OK) trap_count--;  // itself
  bool is = status == ZX_OK && is_in_the_way(a, meets);
  if (status == ZX_OK) trap_count++;
  return is ? ZX_ERR_ALREADY_EXISTS : status;
}

#define MUTATE_MEETING(id)                                  \
  static bool meets_##id(const trap* old, const trap* new); \
  MUTATE_CALL(id, guest_set_trap) {                         \
    return set_unless(a, meets_##id);                       \
  }                                                         \
  static bool meets_##id(const trap* old, const trap* new)

static bool has(const trap* of, uint64_t addr) {
  return of->addr <= addr && addr - of->addr < of->size;
}
static uint64_t last_of(const trap* of) {
  return of->addr + of->size - 1;
}
static bool meet(const trap* old, const trap* new) {
  return has(old, new->addr) || has(new, old->addr);
}

MUTATE_MEETING(trap_start_looked_at) {
  return old->handle == new->handle&& has(old, new->addr);
}
MUTATE_MEETING(trap_end_looked_at) {
  return old->handle == new->handle&& has(old, last_of(new));
}
MUTATE_MEETING(trap_ends_looked_at) {
  return old->handle == new->handle && (has(old, new->addr) || has(old, last_of(new)));
}
MUTATE_MEETING(trap_inside_missed) {
  bool inside = old->addr < new->addr&& last_of(new) < last_of(old);
  return old->handle == new->handle&& meet(old, new) && !inside;
}
MUTATE_MEETING(trap_meets_in_32_bits) {
  trap low = *old;
  trap other = *new;
  low.addr = (uint32_t)low.addr;
  other.addr = (uint32_t)other.addr;
  return old->handle == new->handle&& meet(&low, &other);
}
MUTATE_MEETING(trap_same_looked_at) {
  return old->handle == new->handle && old->addr == new->addr && old->size == new->size;
}
MUTATE_MEETING(trap_same_start_looked_at) {
  return old->handle == new->handle && old->addr == new->addr;
}
MUTATE_MEETING(trap_beside_refused) {
  trap wider = *old;
  wider.size++;
  return old->handle == new->handle && (meet(&wider, new) || last_of(new) + 1 == old->addr);
}
MUTATE_MEETING(trap_last_byte_lost) {
  trap shorter = *old;
  shorter.size--;
  trap start = *new;
  start.size--;
  return old->handle == new->handle&& meet(&shorter, &start);
}
MUTATE_MEETING(traps_of_all_guests) {
  return meet(old, new);
}
MUTATE_MEETING(traps_by_key) {
  return old->handle == new->handle && (meet(old, new) || (old->key == new->key && old->key == 7));
}
MUTATE_MEETING(trap_newest_looked_at) {
  bool newest = old == &traps[trap_count - 1];
  return old->handle == new->handle&& newest&& meet(old, new);
}

// A trap of the other space is in the way if its numbers are the same.
MUTATE_CALL(trap_spaces_shared, guest_set_trap) {
  bool is = false;
  trap own = of_guest(a);
  for (size_t i = 0; i < trap_count; i++)
    is |= is_io(&traps[i]) != is_io(a) && meet(&traps[i], &own);
  return is ? ZX_ERR_ALREADY_EXISTS : set_and_note(a);
}

// Traps outlive their guest, and are found by the next one.
MUTATE_CALL(traps_outlive_guest, guest_set_trap) {
  bool is = false;
  tracked found;
  trap own = of_guest(a);
  for (size_t i = 0; i < trap_count; i++) {
    bool gone = !track_find_any((zx_handle_t)traps[i].handle, &found);
    is |= gone && traps[i].kind == a->kind && meet(&traps[i], &own);
  }
  return is ? ZX_ERR_ALREADY_EXISTS : set_and_note(a);
}

// --- its numbers ------------------------------------------------------------------------------

MUTATE_CALL(trap_bell_missing, guest_set_trap) {
  return a->kind == ZX_GUEST_TRAP_BELL ? ZX_ERR_NOT_SUPPORTED : RIGHT_CALL(guest_set_trap);
}
MUTATE_CALL(trap_mem_missing, guest_set_trap) {
  return a->kind == ZX_GUEST_TRAP_MEM ? ZX_ERR_NOT_SUPPORTED : RIGHT_CALL(guest_set_trap);
}
MUTATE_CALL(trap_io_missing, guest_set_trap) {
  return a->kind == ZX_GUEST_TRAP_IO ? ZX_ERR_NOT_SUPPORTED : RIGHT_CALL(guest_set_trap);
}
MUTATE_CALL(trap_key_zero_refused, guest_set_trap) {
  return a->key == 0 ? ZX_ERR_INVALID_ARGS : RIGHT_CALL(guest_set_trap);
}
MUTATE_CALL(trap_key_signed, guest_set_trap) {
  return (int64_t)a->key < 0 ? ZX_ERR_OUT_OF_RANGE : RIGHT_CALL(guest_set_trap);
}
MUTATE_CALL(trap_key_taken, guest_set_trap) {
  static uint64_t last;
  bool again = a->key != 0 && a->key == last;
  zx_status_t status = again ? ZX_ERR_ALREADY_EXISTS : RIGHT_CALL(guest_set_trap);
  if (status == ZX_OK) last = a->key;
  return status;
}
MUTATE_CALL(trap_one_page, guest_set_trap) {
  bool more = !is_io(a) && a->size > PAGE;
  zx_status_t status = RIGHT_CALL(guest_set_trap);
  return status == ZX_OK && more ? ZX_ERR_INVALID_ARGS : status;
}
MUTATE_CALL(trap_foreign_thread, guest_set_trap) {
  tracked found;
  bool known = track_find_any((zx_handle_t)a->handle, &found);
  bool foreign = known && found.creator != track_self();
  return foreign ? ZX_ERR_BAD_STATE : RIGHT_CALL(guest_set_trap);
}
MUTATE_CALL(trap_last_port_refused, guest_set_trap) {
  bool last = is_io(a) && a->size > 0 && last_of(a) == PORTS - 1;
  return last ? ZX_ERR_OUT_OF_RANGE : RIGHT_CALL(guest_set_trap);
}
MUTATE_CALL(trap_first_port_refused, guest_set_trap) {
  return is_io(a) && a->addr == 0 ? ZX_ERR_OUT_OF_RANGE : RIGHT_CALL(guest_set_trap);
}
MUTATE_CALL(trap_one_port_more, guest_set_trap) {
  bool last = is_io(a) && a->size > 0 && last_of(a) == PORTS;
  return last ? ZX_OK : RIGHT_CALL(guest_set_trap);
}
MUTATE_CALL(trap_port_16_bits, guest_set_trap) {
  if (is_io(a)) a->addr &= 0xffff;
  return RIGHT_CALL(guest_set_trap);
}
MUTATE_CALL(trap_ports_32_bits, guest_set_trap) {
  if (is_io(a)) a->size &= 0xffffffff;
  return RIGHT_CALL(guest_set_trap);
}
MUTATE_CALL(trap_addr_48_bits, guest_set_trap) {
  if (!is_io(a)) a->addr &= 0xffffffffffff;
  return RIGHT_CALL(guest_set_trap);
}
MUTATE_CALL(trap_size_48_bits, guest_set_trap) {
  if (!is_io(a) && a->size >> 48 != 0) a->size = a->size << 16 >> 16 != 0 ? PAGE : 2 * PAGE;
  return RIGHT_CALL(guest_set_trap);
}
MUTATE_CALL(trap_start_in_range, guest_set_trap) {
  bool start = is_io(a) ? a->addr < PORTS : a->addr < UINT64_C(1) << 48;
  zx_status_t status = RIGHT_CALL(guest_set_trap);
  return status == ZX_ERR_OUT_OF_RANGE && start ? ZX_OK : status;
}
MUTATE_CALL(trap_end_wraps, guest_set_trap) {
  bool wraps = a->addr + a->size < a->addr;
  zx_status_t status = RIGHT_CALL(guest_set_trap);
  return status == ZX_ERR_OUT_OF_RANGE && wraps ? ZX_OK : status;
}
MUTATE_CALL(trap_kind_8_bits, guest_set_trap) {
  a->kind &= 0xff;
  return RIGHT_CALL(guest_set_trap);
}
MUTATE_CALL(trap_kind_31_bits, guest_set_trap) {
  a->kind &= 0x7fffffff;
  return RIGHT_CALL(guest_set_trap);
}
MUTATE_CALL(trap_aligned_to_8, guest_set_trap) {
  bool aligned = a->addr % 8 == 0 && a->size % 8 == 0;
  zx_status_t status = RIGHT_CALL(guest_set_trap);
  return aligned && !is_io(a) && status == ZX_ERR_INVALID_ARGS ? ZX_OK : status;
}

// --- permitted --------------------------------------------------------------------------------

static zx_status_t empty(trap* a, zx_status_t answer) {
  zx_status_t status = RIGHT_CALL(guest_set_trap);
  bool refused = status == ZX_ERR_INVALID_ARGS || status == ZX_ERR_OUT_OF_RANGE;
  return a->size == 0 && refused ? answer : status;
}
MUTATE_CALL(trap_empty_set, guest_set_trap) {
  bool refused = a->size == 0 && a->kind <= ZX_GUEST_TRAP_IO && a->addr == 0;
  return refused ? empty(a, ZX_OK) : RIGHT_CALL(guest_set_trap);
}
MUTATE_CALL(trap_empty_out_of_range, guest_set_trap) {
  return empty(a, ZX_ERR_OUT_OF_RANGE);
}
MUTATE_CALL(trap_empty_invalid_args, guest_set_trap) {
  return empty(a, ZX_ERR_INVALID_ARGS);
}

static zx_status_t at_apic(trap* a, zx_status_t answer) {
  zx_status_t status = RIGHT_CALL(guest_set_trap);
  bool apic = a->addr == 0xfee00000 && a->kind == ZX_GUEST_TRAP_MEM && a->size % PAGE == 0;
  return apic && a->size > PAGE && status == ZX_ERR_INVALID_ARGS ? answer : status;
}
MUTATE_CALL(trap_apic_set, guest_set_trap) {
  return at_apic(a, ZX_OK);
}
MUTATE_CALL(trap_apic_out_of_range, guest_set_trap) {
  return at_apic(a, ZX_ERR_OUT_OF_RANGE);
}

MUTATE_CALL(trap_ports_invalid_args, guest_set_trap) {
  zx_status_t status = RIGHT_CALL(guest_set_trap);
  return status == ZX_ERR_NOT_SUPPORTED ? ZX_ERR_INVALID_ARGS : status;
}
MUTATE_CALL(trap_ports_set, guest_set_trap) {
  const uint64_t ports = 0x10000;
  const bool within = a->size <= ports && a->addr <= ports - a->size;
  zx_status_t status = RIGHT_CALL(guest_set_trap);
  if (status != ZX_ERR_NOT_SUPPORTED || a->port_handle != 0) return status;
  return within ? ZX_OK : ZX_ERR_OUT_OF_RANGE;
}

static zx_status_t no_resource(struct vs_args_guest_create* a, zx_status_t answer) {
  zx_status_t status = RIGHT_CALL(guest_create);
  return status == ZX_ERR_BAD_HANDLE ? answer : status;
}
MUTATE_CALL(guest_no_resource_wrong_type, guest_create) {
  return no_resource(a, ZX_ERR_WRONG_TYPE);
}
MUTATE_CALL(guest_no_resource_denied, guest_create) {
  return no_resource(a, ZX_ERR_ACCESS_DENIED);
}
