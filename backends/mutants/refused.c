// SPDX-License-Identifier: BSD-3-Clause
#include "refused.h"

#include "user_copy.h"

enum { PAGE = 4096, PORTS = 0x10000, VECTORS = 256, DIVERTED = 512 };
static const uint64_t memory_end = UINT64_C(1) << 40;

uint8_t diverted[DIVERTED];

// --- what a pointer can take ------------------------------------------------------------------

size_t room_of(const refusal* row, const uint64_t* numbers) {
  vs_param_type type = any_param_of(row->call, row->parameter).type;
  if (type == VS_PARAM_OUT_HANDLE) return sizeof(zx_handle_t);
  if (type == VS_PARAM_OUT_PACKET) return sizeof(zx_port_packet_t);
  size_t size = numbers[VS_ARG(vcpu_read_state, buffer_size)];
  return size < DIVERTED ? size : DIVERTED;
}

// What is there is put there again.
bool is_writable(uint64_t address, size_t size) {
  uint8_t bytes[DIVERTED];
  void* at = (void*)(uintptr_t)address;
  return vs_copy_from_user(bytes, at, size) && vs_copy_to_user(at, bytes, size);
}

// --- conditions -------------------------------------------------------------------------------

#define CONDITION(name)                                             \
  static bool name(__attribute__((unused)) const refusal* row,      \
                   __attribute__((unused)) const uint64_t* numbers, \
                   __attribute__((unused)) zx_status_t right)

static zx_handle_t handle_of(const refusal* row, const uint64_t* numbers) {
  return (zx_handle_t)numbers[row->parameter];
}

CONDITION(is_other_resource) {
  return handle_of(row, numbers) == other_resource && other_resource != ZX_HANDLE_INVALID;
}
CONDITION(is_unnamed) {
  tracked found;
  return !is_other_resource(row, numbers, right) &&
         !track_find_any(handle_of(row, numbers), &found);
}
CONDITION(is_unnamed_port) {
  return handle_of(row, numbers) != ZX_HANDLE_INVALID && is_unnamed(row, numbers, right);
}
CONDITION(is_other_type) {
  tracked found;
  zx_obj_type_t type = any_param_of(row->call, row->parameter).object;
  return track_find_any(handle_of(row, numbers), &found) && found.type != type;
}
CONDITION(is_lacking) {
  tracked found;
  zx_rights_t needed = (zx_rights_t)any_param_of(row->call, row->parameter).value;
  return track_find_any(handle_of(row, numbers), &found) && (found.rights & needed) != needed;
}
CONDITION(is_foreign) {
  tracked found;
  return track_find(handle_of(row, numbers), &found) && found.creator != track_self();
}
CONDITION(is_running_now) {
  tracked found;
  return track_find(handle_of(row, numbers), &found) && track_is_running(found.first);
}
CONDITION(is_busy) {
  return track_created_by(track_self()) != ZX_HANDLE_INVALID;
}
CONDITION(is_canceled) {
  return right == ZX_ERR_CANCELED;
}
CONDITION(is_set) {
  return numbers[row->parameter] != 0;
}
CONDITION(is_unwritable) {
  return !is_writable(numbers[row->parameter], room_of(row, numbers));
}
CONDITION(is_inexact) {
  bool state = numbers[VS_ARG(vcpu_read_state, kind)] == ZX_VCPU_STATE;
  return state && numbers[row->parameter] != altered_words * sizeof(uint64_t);
}
CONDITION(is_no_vector) {
  return numbers[row->parameter] >= VECTORS;
}
CONDITION(is_beyond_memory) {
  return numbers[row->parameter] >= memory_end;
}
CONDITION(is_superset) {
  tracked found;
  zx_rights_t rights = (zx_rights_t)numbers[row->parameter];
  return rights != ZX_RIGHT_SAME_RIGHTS && track_find_any((zx_handle_t)numbers[0], &found) &&
         (rights & ~found.rights) != 0;
}

// --- of traps ---------------------------------------------------------------------------------

static const struct vs_args_guest_set_trap* trap_of(const uint64_t* numbers) {
  return (const void*)numbers;
}

CONDITION(is_no_space) {
  return trap_of(numbers)->kind > ZX_GUEST_TRAP_IO;
}
CONDITION(is_port_of_memory) {
  return trap_of(numbers)->kind == ZX_GUEST_TRAP_MEM && trap_of(numbers)->port_handle != 0;
}
CONDITION(is_port_of_io) {
  return trap_of(numbers)->kind == ZX_GUEST_TRAP_IO && trap_of(numbers)->port_handle != 0;
}
CONDITION(is_bell_without) {
  return trap_of(numbers)->kind == ZX_GUEST_TRAP_BELL && trap_of(numbers)->port_handle == 0;
}
CONDITION(is_unaligned) {
  return trap_of(numbers)->kind < ZX_GUEST_TRAP_IO && numbers[row->parameter] % PAGE != 0;
}
static uint64_t end_of(const uint64_t* numbers) {
  return trap_of(numbers)->kind == ZX_GUEST_TRAP_IO ? PORTS : memory_end;
}
CONDITION(is_addr_outside) {
  return !is_no_space(row, numbers, right) && trap_of(numbers)->addr >= end_of(numbers);
}
CONDITION(is_size_outside) {
  const struct vs_args_guest_set_trap* trap = trap_of(numbers);
  bool addr = trap->addr < end_of(numbers);
  return !is_no_space(row, numbers, right) && addr && trap->size > end_of(numbers) - trap->addr;
}
CONDITION(is_taken) {
  return right == ZX_ERR_ALREADY_EXISTS;
}

// --- repairs ----------------------------------------------------------------------------------

// The same object by the handle that its creation gave out, or another of the right type.
static void name_one(const refusal* row, uint64_t* numbers) {
  tracked found;
  zx_obj_type_t type = any_param_of(row->call, row->parameter).object;
  bool known = track_find_any(handle_of(row, numbers), &found);
  bool same = known && (type == ZX_OBJ_TYPE_NONE || found.type == type);
  if (same || track_of_type(type, &found)) numbers[row->parameter] = found.first;
}
static void duplicate_one(const refusal* row, uint64_t* numbers) {
  zx_handle_t made = ZX_HANDLE_INVALID;
  name_one(row, numbers);
  below->handle_duplicate(handle_of(row, numbers), ZX_RIGHT_SAME_RIGHTS, &made);
  numbers[row->parameter] = made;
}
static void clear(const refusal* row, uint64_t* numbers) {
  numbers[row->parameter] = 0;
}
static void divert(const refusal* row, uint64_t* numbers) {
  numbers[row->parameter] = (uintptr_t)diverted;
}
static void make_exact(const refusal* row, uint64_t* numbers) {
  size_t exact = altered_words * sizeof(uint64_t);
  if (numbers[row->parameter] < exact)
    numbers[VS_ARG(vcpu_read_state, buffer)] = (uintptr_t)diverted;
  numbers[row->parameter] = exact;
}
static void wrap_vector(const refusal* row, uint64_t* numbers) {
  numbers[row->parameter] %= VECTORS;
}
static void ask_the_same(const refusal* row, uint64_t* numbers) {
  numbers[row->parameter] = ZX_RIGHT_SAME_RIGHTS;
}
static void make_memory(const refusal* row, uint64_t* numbers) {
  (void)row;
  numbers[VS_ARG(guest_set_trap, kind)] = ZX_GUEST_TRAP_MEM;
  numbers[VS_ARG(guest_set_trap, port_handle)] = ZX_HANDLE_INVALID;
}
static void align(const refusal* row, uint64_t* numbers) {
  uint64_t past = numbers[row->parameter] % PAGE;
  numbers[row->parameter] += past != 0 ? PAGE - past : 0;
}
static void bring_inside(const refusal* row, uint64_t* numbers) {
  bool io = numbers[VS_ARG(guest_set_trap, kind)] == ZX_GUEST_TRAP_IO;
  bool addr = row->parameter == VS_ARG(guest_set_trap, addr);
  numbers[row->parameter] = io ? (addr ? 0x40 : 1) : (addr ? 0x40000000 : PAGE);
}

// --- rows -------------------------------------------------------------------------------------

const refusal refusals[] = {
#define VS_REFUSED(call, name, parameter, condition, repair, status, listed, accepting, answering) \
  {VS_CALL_##call, #name,    VS_ARG(call, parameter), condition, repair, status, listed,           \
   accepting,      answering},
#include "refused.def"
#undef VS_REFUSED
};
const size_t refusal_count = sizeof refusals / sizeof refusals[0];
_Static_assert(sizeof refusals / sizeof refusals[0] <= 64, "a set of them is a number");

uint64_t refusals_of(vs_call_index call, const uint64_t* numbers, zx_status_t right) {
  uint64_t set = 0;
  for (size_t i = 0; i < refusal_count; i++) {
    const refusal* row = &refusals[i];
    if (row->call == call && row->is(row, numbers, right)) set |= UINT64_C(1) << i;
  }
  return set;
}

// What is known of a handle may be forgotten once the call is made.
zx_status_t make_and_ask(vs_call_index call, const uint64_t* numbers, uint64_t* set) {
  uint64_t before = refusals_of(call, numbers, ZX_OK);
  zx_status_t status = make_right(call, numbers);
  for (size_t i = 0; i < refusal_count; i++) {
    const refusal* row = &refusals[i];
    bool late = row->is == is_canceled || row->is == is_taken;
    bool so = late && row->call == call && row->is(row, numbers, status);
    before |= so ? UINT64_C(1) << i : 0;
  }
  *set = status != ZX_OK ? before : 0;
  return status;
}

zx_status_t make_unchecked(const refusal* row, uint64_t* numbers) {
  if (row->repair != NULL) row->repair(row, numbers);
  zx_status_t status = make_right(row->call, numbers);
  uint64_t others = refusals_of(row->call, numbers, status) & ~(UINT64_C(1) << (row - refusals));
  return others != 0 ? status : ZX_OK;
}
