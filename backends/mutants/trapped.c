// SPDX-License-Identifier: BSD-3-Clause
// Wrong about what a guest meets: packets of MEM and BELL traps, and ports.
#include "alter.h"

enum { PAGE = 4096 };

static zx_port_packet_t* packet_of(uint64_t address) {
  return (zx_port_packet_t*)(uintptr_t)address;
}

// --- what a MEM trap tells ----------------------------------------------------------------------

#define MUTATE_MEM(id)                                                                       \
  static void spoil_##id(zx_port_packet_t* packet);                                          \
  MUTATE_CALL(id, vcpu_enter) {                                                              \
    const zx_status_t status = RIGHT_CALL(vcpu_enter);                                       \
    const bool mem = status == ZX_OK && packet_of(a->packet)->type == ZX_PKT_TYPE_GUEST_MEM; \
    if (mem) spoil_##id(packet_of(a->packet));                                               \
    return status;                                                                           \
  }                                                                                          \
  static void spoil_##id(zx_port_packet_t* packet)

MUTATE_MEM(mem_key_zero) {
  packet->key = 0;
}
MUTATE_MEM(mem_key_first_seen) {
  static uint64_t first;
  if (first == 0) first = packet->key;
  packet->key = first;
}
MUTATE_MEM(mem_type_bell) {
  packet->type = ZX_PKT_TYPE_GUEST_BELL;
}
MUTATE_MEM(mem_status_set) {
  packet->status = 1;
}
MUTATE_MEM(mem_addr_of_page) {
  packet->guest_mem_x64.addr &= ~(uint64_t)(PAGE - 1);
}
MUTATE_MEM(mem_addr_32_bits_up) {
  packet->guest_mem_x64.addr |= UINT64_C(1) << 32;
}
MUTATE_MEM(mem_cr3_set) {
  packet->guest_mem_x64.cr3 = PAGE;
}
MUTATE_MEM(mem_rip_after) {
  packet->guest_mem_x64.rip += packet->guest_mem_x64.instruction_size;
}
MUTATE_MEM(mem_rip_zero) {
  packet->guest_mem_x64.rip = 0;
}
MUTATE_MEM(mem_length_zero) {
  packet->guest_mem_x64.instruction_size = 0;
}
MUTATE_MEM(mem_length_first_seen) {
  static uint8_t first;
  if (first == 0) first = packet->guest_mem_x64.instruction_size;
  packet->guest_mem_x64.instruction_size = first;
}
MUTATE_MEM(mem_operand_of_prefix) {
  packet->guest_mem_x64.default_operand_size = packet->guest_mem_x64.instruction_size == 9 ? 2 : 4;
}
MUTATE_MEM(mem_operand_eight) {
  packet->guest_mem_x64.default_operand_size = 8;
}
MUTATE_MEM(mem_reserved_dirty) {
  packet->guest_mem_x64.reserved[5] = 1;
}
MUTATE_MEM(mem_size_exponent) {
  const uint8_t size = packet->guest_mem_arm64.access_size;
  packet->guest_mem_arm64.access_size = size == 8 ? 3 : size / 2;
}
MUTATE_MEM(mem_size_eight) {
  packet->guest_mem_arm64.access_size = 8;
}
MUTATE_MEM(mem_sign_lost) {
  packet->guest_mem_arm64.sign_extend = 0;
}
MUTATE_MEM(mem_register_zero) {
  packet->guest_mem_arm64.xt = 0;
}
MUTATE_MEM(mem_always_write) {
  packet->guest_mem_arm64.read = 0;
}
MUTATE_MEM(mem_always_read) {
  packet->guest_mem_arm64.read = 1;
}
MUTATE_MEM(mem_data_lost) {
  packet->guest_mem_arm64.data = 0;
}
MUTATE_MEM(mem_data_8_bits) {
  packet->guest_mem_arm64.data = (uint8_t)packet->guest_mem_arm64.data;
}
MUTATE_MEM(mem_padding_dirty) {
  packet->guest_mem_arm64.padding1[3] = 1;
}

// The register is told as it is, whatever the width.
MUTATE_CALL(mem_data_64_bits, vcpu_enter) {
  zx_vcpu_state_arm64_t state;
  tracked found;
  const zx_status_t status = RIGHT_CALL(vcpu_enter);
  zx_port_packet_t* packet = packet_of(a->packet);
  if (status != ZX_OK || packet->type != ZX_PKT_TYPE_GUEST_MEM) return status;
  const bool known =
      track_find((zx_handle_t)a->handle, &found) &&
      below->vcpu_read_state(found.first, ZX_VCPU_STATE, &state, sizeof state) == ZX_OK;
  if (known && !packet->guest_mem_arm64.read)
    packet->guest_mem_arm64.data = state.x[packet->guest_mem_arm64.xt];
  return status;
}

// --- what a guest tells of other processors
// -------------------------------------------------------

#define MUTATE_SENT(id)                                                                        \
  static void spoil_##id(zx_port_packet_t* packet);                                            \
  MUTATE_CALL(id, vcpu_enter) {                                                                \
    const zx_status_t status = RIGHT_CALL(vcpu_enter);                                         \
    const bool vcpu = status == ZX_OK && packet_of(a->packet)->type == ZX_PKT_TYPE_GUEST_VCPU; \
    if (vcpu) spoil_##id(packet_of(a->packet));                                                \
    return status;                                                                             \
  }                                                                                            \
  static void spoil_##id(zx_port_packet_t* packet)

MUTATE_SENT(sent_type_io) {
  packet->type = ZX_PKT_TYPE_GUEST_IO;
}
MUTATE_SENT(sent_key_set) {
  packet->key = 1;
}
MUTATE_SENT(sent_status_set) {
  packet->status = 1;
}
MUTATE_SENT(sent_always_interrupt) {
  packet->guest_vcpu.type = ZX_PKT_GUEST_VCPU_INTERRUPT;
}
MUTATE_SENT(sent_always_startup) {
  packet->guest_vcpu.type = ZX_PKT_GUEST_VCPU_STARTUP;
}
static bool is_interrupt(const zx_port_packet_t* packet) {
  return packet->guest_vcpu.type == ZX_PKT_GUEST_VCPU_INTERRUPT;
}
MUTATE_SENT(sent_to_all) {
  if (is_interrupt(packet)) packet->guest_vcpu.interrupt.mask = UINT64_MAX;
}
MUTATE_SENT(sent_number_for_mask) {
  if (is_interrupt(packet)) packet->guest_vcpu.interrupt.mask = 2;
}
MUTATE_SENT(sent_vector_lost) {
  if (is_interrupt(packet)) packet->guest_vcpu.interrupt.vector = 0;
}
MUTATE_SENT(sent_mask_for_id) {
  if (!is_interrupt(packet))
    packet->guest_vcpu.startup.id = UINT64_C(1) << packet->guest_vcpu.startup.id;
}
MUTATE_SENT(sent_entry_is_vector) {
  if (!is_interrupt(packet)) packet->guest_vcpu.startup.entry >>= 12;
}
MUTATE_SENT(sent_reserved_dirty) {
  packet->guest_vcpu.reserved = 1;
}
// The guest goes on without a word.
MUTATE_CALL(sent_dropped, vcpu_enter) {
  zx_status_t status = ZX_OK;
  do {
    status = RIGHT_CALL(vcpu_enter);
  } while (status == ZX_OK && packet_of(a->packet)->type == ZX_PKT_TYPE_GUEST_VCPU);
  return status;
}

// --- when it does -------------------------------------------------------------------------------

// Goes on until the guest leaves by something else.
static zx_status_t enter_past_mem(struct vs_args_vcpu_enter* a) {
  zx_status_t status = ZX_OK;
  do {
    status = RIGHT_CALL(vcpu_enter);
  } while (status == ZX_OK && packet_of(a->packet)->type == ZX_PKT_TYPE_GUEST_MEM);
  return status;
}
MUTATE_CALL(mem_ignored, vcpu_enter) {
  return enter_past_mem(a);
}
MUTATE_CALL(mem_once, vcpu_enter) {
  static bool told;
  const zx_status_t status = told ? enter_past_mem(a) : RIGHT_CALL(vcpu_enter);
  told |= status == ZX_OK && packet_of(a->packet)->type == ZX_PKT_TYPE_GUEST_MEM;
  return status;
}
// The guest stays at its access.
MUTATE_CALL(mem_again, vcpu_enter) {
  static zx_port_packet_t last;
  if (last.type == ZX_PKT_TYPE_GUEST_MEM) {
    *packet_of(a->packet) = last;
    return ZX_OK;
  }
  const zx_status_t status = RIGHT_CALL(vcpu_enter);
  if (status == ZX_OK) last = *packet_of(a->packet);
  return status;
}
// What is loaded is nothing, whatever was written since.
MUTATE_CALL(load_is_zero, vcpu_enter) {
  static bool loads;
  if (loads) {
    zx_vcpu_state_x64_t state = state_of((zx_handle_t)a->handle);
    state.rdx = 0;
    below->vcpu_write_state((zx_handle_t)a->handle, ZX_VCPU_STATE, &state, sizeof state);
  }
  const zx_status_t status = RIGHT_CALL(vcpu_enter);
  const zx_packet_guest_mem_x64_t* mem = &packet_of(a->packet)->guest_mem_x64;
  loads = status == ZX_OK && packet_of(a->packet)->type == ZX_PKT_TYPE_GUEST_MEM &&
          mem->addr % PAGE == 0x28;
  return status;
}

// --- bells --------------------------------------------------------------------------------------

// A bell is a trap on memory, whose packets are brought by zx_vcpu_enter.
static zx_status_t bell_is_mem(vs_call_index call, uint64_t* numbers, uint32_t type) {
  struct vs_args_guest_set_trap* trap = (void*)numbers;
  const bool bell = call == VS_CALL_guest_set_trap && trap->kind == ZX_GUEST_TRAP_BELL &&
                    trap->port_handle != ZX_HANDLE_INVALID;
  if (bell) {
    trap->kind = ZX_GUEST_TRAP_MEM;
    trap->port_handle = ZX_HANDLE_INVALID;
  }
  const zx_status_t status = make_right(call, numbers);
  if (call != VS_CALL_vcpu_enter || status != ZX_OK) return status;
  zx_port_packet_t* packet = packet_of(((struct vs_args_vcpu_enter*)(void*)numbers)->packet);
  if (packet->type == ZX_PKT_TYPE_GUEST_MEM) packet->type = type;
  return status;
}

#define MUTATE_BELL_LEAVES(id, type)                                   \
  static zx_status_t any_##id(vs_call_index call, uint64_t* numbers) { \
    return bell_is_mem(call, numbers, type);                           \
  }                                                                    \
  void alter_##id(vs_calls* calls);                                    \
  void alter_##id(vs_calls* calls) {                                   \
    alter_call(calls, VS_CALL_guest_set_trap, any_##id);               \
    alter_call(calls, VS_CALL_vcpu_enter, any_##id);                   \
  }

MUTATE_BELL_LEAVES(bell_leaves, ZX_PKT_TYPE_GUEST_BELL)
MUTATE_BELL_LEAVES(bell_leaves_as_mem, ZX_PKT_TYPE_GUEST_MEM)

// Where a bell's port is closed, nothing is told and the guest goes on, or stays where it is.
MUTATE_CALL(bell_without_port_goes_on, vcpu_enter) {
  zx_status_t status = RIGHT_CALL(vcpu_enter);
  tracked found;
  const bool own = track_find((zx_handle_t)a->handle, &found) && found.creator == track_self();
  for (int i = 0; i < 3 && own && status == ZX_ERR_BAD_STATE; i++) status = RIGHT_CALL(vcpu_enter);
  return status;
}
MUTATE_CALL(bell_without_port_stays, vcpu_enter) {
  static bool stays;
  tracked found;
  const bool own = track_find((zx_handle_t)a->handle, &found) && found.creator == track_self();
  if (stays && own) return ZX_ERR_BAD_STATE;
  const zx_status_t status = RIGHT_CALL(vcpu_enter);
  stays |= own && status == ZX_ERR_BAD_STATE;
  return status;
}
MUTATE_CALL(bell_without_port_not_found, vcpu_enter) {
  tracked found;
  const bool own = track_find((zx_handle_t)a->handle, &found) && found.creator == track_self();
  const zx_status_t status = RIGHT_CALL(vcpu_enter);
  return own && status == ZX_ERR_BAD_STATE ? ZX_ERR_NOT_FOUND : status;
}

// --- what a port hands out ----------------------------------------------------------------------

#define MUTATE_WAIT(id, of)                                                \
  static void spoil_##id(zx_port_packet_t* packet);                        \
  MUTATE_CALL(id, port_wait) {                                             \
    const zx_status_t status = RIGHT_CALL(port_wait);                      \
    const bool is = status == ZX_OK && packet_of(a->packet)->type == (of); \
    if (is) spoil_##id(packet_of(a->packet));                              \
    return status;                                                         \
  }                                                                        \
  static void spoil_##id(zx_port_packet_t* packet)

MUTATE_WAIT(bell_key_zero, ZX_PKT_TYPE_GUEST_BELL) {
  packet->key = 0;
}
MUTATE_WAIT(bell_key_first_seen, ZX_PKT_TYPE_GUEST_BELL) {
  static uint64_t first;
  if (first == 0) first = packet->key;
  packet->key = first;
}
MUTATE_WAIT(bell_type_mem, ZX_PKT_TYPE_GUEST_BELL) {
  packet->type = ZX_PKT_TYPE_GUEST_MEM;
}
MUTATE_WAIT(bell_status_set, ZX_PKT_TYPE_GUEST_BELL) {
  packet->status = 1;
}
MUTATE_WAIT(bell_addr_of_page, ZX_PKT_TYPE_GUEST_BELL) {
  packet->guest_bell.addr &= ~(uint64_t)(PAGE - 1);
}
MUTATE_WAIT(bell_addr_first_seen, ZX_PKT_TYPE_GUEST_BELL) {
  static uint64_t first;
  if (first == 0) first = packet->guest_bell.addr;
  packet->guest_bell.addr = first;
}
MUTATE_WAIT(bell_reserved_dirty, ZX_PKT_TYPE_GUEST_BELL) {
  packet->guest_bell.reserved[2] = 1;
}
MUTATE_WAIT(bell_tells_instruction, ZX_PKT_TYPE_GUEST_BELL) {
  packet->guest_bell.reserved[1] = 0x21a0;
}
MUTATE_WAIT(user_key_32_bits, ZX_PKT_TYPE_USER) {
  packet->key = (uint32_t)packet->key;
}
MUTATE_WAIT(user_status_cleared, ZX_PKT_TYPE_USER) {
  packet->status = ZX_OK;
}
MUTATE_WAIT(user_last_byte_lost, ZX_PKT_TYPE_USER) {
  packet->bytes[sizeof packet->bytes - 1] = 0;
}
MUTATE_WAIT(user_half_lost, ZX_PKT_TYPE_USER) {
  memset(packet->bytes + 16, 0, 16);
}
MUTATE_WAIT(user_type_bell, ZX_PKT_TYPE_USER) {
  packet->type = ZX_PKT_TYPE_GUEST_BELL;
}

MUTATE_CALL(bell_lost, port_wait) {
  zx_status_t status = ZX_OK;
  do {
    status = RIGHT_CALL(port_wait);
  } while (status == ZX_OK && packet_of(a->packet)->type == ZX_PKT_TYPE_GUEST_BELL);
  return status;
}
// While one has not been taken, another is not told.
MUTATE_CALL(bell_told_once, port_wait) {
  static bool told;
  const zx_status_t status = RIGHT_CALL(port_wait);
  const bool bell = status == ZX_OK && packet_of(a->packet)->type == ZX_PKT_TYPE_GUEST_BELL;
  if (bell && told) return RIGHT_CALL(port_wait);
  told = bell;
  return status;
}

static zx_status_t wait_twice(struct vs_args_port_wait* a, uint32_t type) {
  static zx_port_packet_t last;
  static bool again;
  if (again) {
    again = false;
    *packet_of(a->packet) = last;
    return ZX_OK;
  }
  const zx_status_t status = RIGHT_CALL(port_wait);
  again = status == ZX_OK && packet_of(a->packet)->type == type;
  if (again) last = *packet_of(a->packet);
  return status;
}
MUTATE_CALL(bell_twice, port_wait) {
  return wait_twice(a, ZX_PKT_TYPE_GUEST_BELL);
}
MUTATE_CALL(user_twice, port_wait) {
  return wait_twice(a, ZX_PKT_TYPE_USER);
}
MUTATE_CALL(port_empty_should_wait, port_wait) {
  const zx_status_t status = RIGHT_CALL(port_wait);
  return status == ZX_ERR_TIMED_OUT ? ZX_ERR_SHOULD_WAIT : status;
}
MUTATE_CALL(port_time_first, port_wait) {
  return a->deadline == 0 ? ZX_ERR_TIMED_OUT : RIGHT_CALL(port_wait);
}
MUTATE_CALL(queue_refused, port_queue) {
  (void)a;
  return ZX_ERR_ACCESS_DENIED;
}
MUTATE_CALL(queue_lost, port_queue) {
  (void)a;
  return ZX_OK;
}

// The packets of one port, taken out of it at once.
enum { HELD = 16 };
static zx_port_packet_t held[HELD];
static size_t held_count;

static void hold_all(zx_handle_t port) {
  zx_port_packet_t packet;
  while (held_count < HELD && below->port_wait(port, 0, &packet) == ZX_OK)
    held[held_count++] = packet;
}

MUTATE_CALL(port_last_first, port_wait) {
  hold_all((zx_handle_t)a->handle);
  if (held_count == 0) return RIGHT_CALL(port_wait);
  *packet_of(a->packet) = held[--held_count];
  return ZX_OK;
}
MUTATE_CALL(port_keeps_one, port_wait) {
  hold_all((zx_handle_t)a->handle);
  if (held_count == 0) return RIGHT_CALL(port_wait);
  *packet_of(a->packet) = held[held_count - 1];
  held_count = 0;
  return ZX_OK;
}

// --- guests that go -----------------------------------------------------------------------------

static uint64_t bell_key;  // of the trap that was set last
static zx_handle_t bell_port;
static bool bell_guest_gone;

static void note_bell(vs_call_index call, const uint64_t* numbers) {
  const struct vs_args_guest_set_trap* trap = (const void*)numbers;
  tracked found;
  if (call == VS_CALL_guest_set_trap && trap->kind == ZX_GUEST_TRAP_BELL) {
    bell_key = trap->key;
    bell_port = (zx_handle_t)trap->port_handle;
  }
  const bool closes = call == VS_CALL_handle_close;
  bell_guest_gone |=
      closes && track_find_any((zx_handle_t)numbers[0], &found) && found.type == ZX_OBJ_TYPE_GUEST;
}

// All packets of a key are taken back: those of bells, and those that a user queued.
static zx_status_t lose_by_key(vs_call_index call, uint64_t* numbers) {
  note_bell(call, numbers);
  zx_status_t status = make_right(call, numbers);
  const struct vs_args_port_wait* wait = (const void*)numbers;
  while (call == VS_CALL_port_wait && status == ZX_OK && bell_guest_gone &&
         packet_of(wait->packet)->key == bell_key) {
    status = make_right(call, numbers);
  }
  return status;
}
void alter_user_lost_with_guest(vs_calls* calls);
void alter_user_lost_with_guest(vs_calls* calls) {
  alter_call(calls, VS_CALL_guest_set_trap, lose_by_key);
  alter_call(calls, VS_CALL_handle_close, lose_by_key);
  alter_call(calls, VS_CALL_port_wait, lose_by_key);
}

// What bells have told stays when the guest goes: it is taken out before.
static zx_status_t keep_bells(vs_call_index call, uint64_t* numbers) {
  static size_t next;
  note_bell(call, numbers);
  if (call == VS_CALL_handle_close && bell_guest_gone && bell_port != ZX_HANDLE_INVALID) {
    hold_all(bell_port);
    bell_port = ZX_HANDLE_INVALID;
  }
  if (call == VS_CALL_port_wait && next < held_count) {
    *packet_of(((const struct vs_args_port_wait*)(const void*)numbers)->packet) = held[next++];
    return ZX_OK;
  }
  return make_right(call, numbers);
}
void alter_bells_outlive_guest(vs_calls* calls);
void alter_bells_outlive_guest(vs_calls* calls) {
  alter_call(calls, VS_CALL_guest_set_trap, keep_bells);
  alter_call(calls, VS_CALL_handle_close, keep_bells);
  alter_call(calls, VS_CALL_port_wait, keep_bells);
}

// --- vCPUs that come and go ---------------------------------------------------------------------

static zx_status_t lose_with_vcpu(vs_call_index call, uint64_t* numbers) {
  tracked found;
  note_bell(call, numbers);
  const bool vcpu = call == VS_CALL_handle_close && track_find((zx_handle_t)numbers[0], &found);
  if (vcpu && bell_port != ZX_HANDLE_INVALID) hold_all(bell_port);
  return make_right(call, numbers);
}
void alter_bells_lost_with_vcpu(vs_calls* calls);
void alter_bells_lost_with_vcpu(vs_calls* calls) {
  alter_call(calls, VS_CALL_guest_set_trap, lose_with_vcpu);
  alter_call(calls, VS_CALL_handle_close, lose_with_vcpu);
}

// A trap that comes after the guest has run is not met.
static zx_status_t set_too_late(vs_call_index call, uint64_t* numbers) {
  static bool ran;
  const struct vs_args_guest_set_trap* trap = (const void*)numbers;
  ran |= call == VS_CALL_vcpu_enter;
  const bool late = call == VS_CALL_guest_set_trap && ran && trap->kind == ZX_GUEST_TRAP_MEM &&
                    trap->port_handle == ZX_HANDLE_INVALID;
  return late ? ZX_OK : make_right(call, numbers);
}
void alter_mem_set_too_late(vs_calls* calls);
void alter_mem_set_too_late(vs_calls* calls) {
  alter_call(calls, VS_CALL_guest_set_trap, set_too_late);
  alter_call(calls, VS_CALL_vcpu_enter, set_too_late);
}

// Answers a kick when the guest has run.
MUTATE_CALL(bell_before_kick, vcpu_enter) {
  zx_port_packet_t packet;
  const zx_status_t status = RIGHT_CALL(vcpu_enter);
  if (status == ZX_ERR_CANCELED) below->vcpu_enter((zx_handle_t)a->handle, &packet);
  return status;
}
