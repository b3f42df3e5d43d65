// SPDX-License-Identifier: BSD-3-Clause
// Wrong about zx_vcpu_enter: the packet, the kick, the thread.
#include "alter.h"
#include "refused.h"

static zx_port_packet_t* packet_at(const struct vs_args_vcpu_enter* a) {
  return (zx_port_packet_t*)(uintptr_t)a->packet;
}

// A packet is written by the right call, and then spoilt.
#define MUTATE_PACKET(id)                           \
  static void spoil_##id(zx_port_packet_t* packet); \
  MUTATE_CALL(id, vcpu_enter) {                     \
    zx_status_t status = RIGHT_CALL(vcpu_enter);    \
    if (status == ZX_OK) spoil_##id(packet_at(a));  \
    return status;                                  \
  }                                                 \
  static void spoil_##id(zx_port_packet_t* packet)

MUTATE_PACKET(packet_key_zero) {
  packet->key = 0;
}
MUTATE_PACKET(packet_key_32_bits) {
  packet->key = (uint32_t)packet->key;
}
MUTATE_PACKET(packet_key_upper_half) {
  packet->key &= ~(uint64_t)UINT32_MAX;
}
MUTATE_PACKET(packet_key_63_bits) {
  packet->key &= INT64_MAX;
}
// Of the traps by which programs leave, the key's low half is where the trap begins.
MUTATE_PACKET(packet_key_first_seen) {
  static uint64_t first;
  if (first == 0) first = packet->key >> 32;
  packet->key = first << 32 | (uint32_t)packet->key;
}
MUTATE_PACKET(packet_key_and_offset) {
  packet->key += packet->guest_io.port - (uint16_t)packet->key;
}
MUTATE_PACKET(packet_port_of_trap) {
  packet->guest_io.port = (uint16_t)packet->key;
}
MUTATE_PACKET(packet_status_set) {
  packet->status = 1;
}
MUTATE_PACKET(packet_last_byte_dirty) {
  packet->bytes[sizeof packet->bytes - 1] = 0x5a;
}
MUTATE_PACKET(packet_reserved_dirty) {
  packet->guest_io.reserved[0] |= 0x100;
}
MUTATE_PACKET(packet_data_dirty) {
  if (packet->guest_io.access_size < 4) packet->guest_io.data[3] = 0x5a;
}
MUTATE_PACKET(packet_in_dirty) {
  if (packet->guest_io.input) packet->guest_io.u8 = 0x5a;
}
MUTATE_PACKET(packet_type_mem) {
  packet->type = ZX_PKT_TYPE_GUEST_MEM;
}
MUTATE_PACKET(packet_port_next) {
  packet->guest_io.port++;
}
MUTATE_PACKET(packet_width_four) {
  packet->guest_io.access_size = sizeof packet->guest_io.data;
}
MUTATE_PACKET(packet_always_out) {
  packet->guest_io.input = 0;
}
MUTATE_PACKET(packet_always_in) {
  packet->guest_io.input = 1;
}
MUTATE_PACKET(packet_data_lost) {
  packet->guest_io.u32 = 0;
}
MUTATE_PACKET(packet_data_8_bits) {
  packet->guest_io.u32 = packet->guest_io.u8;
}

// What was there before stays in the bytes of which the packet says nothing.
MUTATE_CALL(packet_partly_written, vcpu_enter) {
  zx_port_packet_t before = {0};
  size_t got = peek(packet_at(a), &before, sizeof before);
  zx_status_t status = RIGHT_CALL(vcpu_enter);
  if (status != ZX_OK || got < sizeof before) return status;
  memcpy(packet_at(a)->guest_io.reserved, before.guest_io.reserved,
         sizeof before.guest_io.reserved);
  return status;
}

static zx_status_t overrun(zx_status_t status, const struct vs_args_vcpu_enter* a, size_t size) {
  uint64_t end = a->packet + sizeof(zx_port_packet_t);
  bool room = status == ZX_OK && is_writable(end, size);
  if (room) ((uint8_t*)(uintptr_t)end)[size - 1] ^= 1;
  return status;
}
MUTATE_CALL(packet_of_49_bytes, vcpu_enter) {
  return overrun(RIGHT_CALL(vcpu_enter), a, 1);
}
MUTATE_CALL(packet_of_56_bytes, vcpu_enter) {
  return overrun(RIGHT_CALL(vcpu_enter), a, 8);
}
MUTATE_CALL(packet_needs_room, vcpu_enter) {
  bool room = is_writable(a->packet + sizeof(zx_port_packet_t), 8);
  return room ? RIGHT_CALL(vcpu_enter) : ZX_ERR_INVALID_ARGS;
}
MUTATE_CALL(packet_aligned_only, vcpu_enter) {
  return a->packet % 8 == 0 ? RIGHT_CALL(vcpu_enter) : ZX_ERR_INVALID_ARGS;
}
MUTATE_CALL(packet_in_a_page, vcpu_enter) {
  bool crosses = a->packet % 4096 > 4096 - sizeof(zx_port_packet_t);
  return crosses ? ZX_ERR_INVALID_ARGS : RIGHT_CALL(vcpu_enter);
}

// --- threads ----------------------------------------------------------------------------------

MUTATE_CALL(enter_creator_refused, vcpu_enter) {
  (void)a;
  return ZX_ERR_BAD_STATE;
}
MUTATE_CALL(enter_once, vcpu_enter) {
  static bool entered;
  zx_status_t status = entered ? ZX_ERR_NOT_SUPPORTED : RIGHT_CALL(vcpu_enter);
  entered |= status == ZX_OK;
  return status;
}
MUTATE_CALL(enter_dead_creator, vcpu_enter) {
  tracked found;
  bool known = track_find((zx_handle_t)a->handle, &found);
  bool dead = known && track_is_dead(found.creator);
  zx_status_t status = RIGHT_CALL(vcpu_enter);
  return dead && status == ZX_ERR_BAD_STATE ? ZX_OK : status;
}
MUTATE_CALL(enter_with_own_vcpu, vcpu_enter) {
  zx_status_t status = RIGHT_CALL(vcpu_enter);
  bool own = track_created_by(track_self()) != ZX_HANDLE_INVALID;
  return own && status == ZX_ERR_BAD_STATE ? ZX_OK : status;
}

// --- refusals and kicks -----------------------------------------------------------------------

// A kick is kept here and not below, until an entry takes it.
static zx_handle_t kicked;

static zx_status_t kick_and_keep(vs_call_index call, uint64_t* numbers) {
  tracked found;
  (void)call;
  bool known = track_find((zx_handle_t)numbers[0], &found);
  bool may = known && (found.rights & ZX_RIGHT_EXECUTE) && !track_is_running(found.first);
  if (!may) return make_right(VS_CALL_vcpu_kick, numbers);
  kicked = found.first;
  return ZX_OK;
}

static zx_status_t enter_after_kick(zx_handle_t handle, zx_port_packet_t* packet,
                                    zx_status_t refused) {
  tracked found;
  uint64_t numbers[] = {handle, (uintptr_t)packet};
  bool own = track_find(handle, &found) && found.first == kicked;
  bool good = own && found.creator == track_self() && (found.rights & ZX_RIGHT_EXECUTE);
  if (good) below->vcpu_kick(kicked);
  zx_status_t status = make_right(VS_CALL_vcpu_enter, numbers);
  if (good || (refused != ZX_OK && status == refused)) kicked = ZX_HANDLE_INVALID;
  return status;
}

#define KICK_LOST_BY(id, refusal)                                               \
  static zx_status_t enter_##id(zx_handle_t handle, zx_port_packet_t* packet) { \
    return enter_after_kick(handle, packet, refusal);                           \
  }                                                                             \
  void alter_##id(vs_calls* calls);                                             \
  void alter_##id(vs_calls* calls) {                                            \
    alter_call(calls, VS_CALL_vcpu_kick, kick_and_keep);                        \
    calls->vcpu_enter = enter_##id;                                             \
  }

KICK_LOST_BY(kick_lost_by_bad_handle, ZX_ERR_BAD_HANDLE)
KICK_LOST_BY(kick_lost_by_wrong_type, ZX_ERR_WRONG_TYPE)
KICK_LOST_BY(kick_lost_by_denied, ZX_ERR_ACCESS_DENIED)
KICK_LOST_BY(kick_lost_by_wrong_thread, ZX_ERR_BAD_STATE)

MUTATE_CALL(kick_never_counts, vcpu_kick) {
  tracked found;
  bool idle = track_find((zx_handle_t)a->handle, &found) && !track_is_running(found.first);
  bool may = idle && (found.rights & ZX_RIGHT_EXECUTE);
  return may ? ZX_OK : RIGHT_CALL(vcpu_kick);
}
MUTATE_CALL(kick_is_ok, vcpu_enter) {
  zx_status_t status = RIGHT_CALL(vcpu_enter);
  return status == ZX_ERR_CANCELED ? ZX_OK : status;
}
MUTATE_CALL(kick_again_and_again, vcpu_enter) {
  static bool again;
  zx_status_t status = again ? ZX_ERR_CANCELED : RIGHT_CALL(vcpu_enter);
  again |= status == ZX_ERR_CANCELED;
  return status;
}
// Each kick is one entry that is cancelled.
static unsigned kicks;

static zx_status_t kick_and_count(vs_call_index call, uint64_t* numbers) {
  zx_status_t status = make_right(call, numbers);
  if (status == ZX_OK) kicks++;
  return status;
}
static zx_status_t enter_counting(zx_handle_t handle, zx_port_packet_t* packet) {
  zx_status_t status = tracking_enter(handle, packet);
  if (status == ZX_ERR_CANCELED && kicks > 0) kicks--;
  if (status == ZX_ERR_CANCELED && kicks > 0) below->vcpu_kick(handle);
  return status;
}
void alter_kicks_counted(vs_calls* calls);
void alter_kicks_counted(vs_calls* calls) {
  alter_call(calls, VS_CALL_vcpu_kick, kick_and_count);
  calls->vcpu_enter = enter_counting;
}

// A refused entry leaves something for the next.
MUTATE_CALL(enter_refused_kicks, vcpu_enter) {
  tracked found;
  zx_status_t status = RIGHT_CALL(vcpu_enter);
  bool own = track_of_type(ZX_OBJ_TYPE_VCPU, &found) && found.creator == track_self();
  bool refused = status == ZX_ERR_ACCESS_DENIED || status == ZX_ERR_BAD_HANDLE;
  if (refused && own) below->vcpu_kick(found.first);
  return status;
}
MUTATE_CALL(enter_refused_by_others_kicks, vcpu_enter) {
  tracked found;
  zx_status_t status = RIGHT_CALL(vcpu_enter);
  bool other = status == ZX_ERR_BAD_STATE && track_find((zx_handle_t)a->handle, &found);
  if (other) below->vcpu_kick(found.first);
  return status;
}
MUTATE_CALL(enter_refused_runs, vcpu_enter) {
  tracked found;
  zx_port_packet_t packet;
  zx_status_t status = RIGHT_CALL(vcpu_enter);
  bool denied = status == ZX_ERR_ACCESS_DENIED && track_find((zx_handle_t)a->handle, &found);
  if (denied && found.creator == track_self()) below->vcpu_enter(found.first, &packet);
  return status;
}

// --- reading while it runs --------------------------------------------------------------------

MUTATE_CALL(read_while_running, vcpu_read_state) {
  tracked found;
  zx_status_t status = RIGHT_CALL(vcpu_read_state);
  bool runs = track_find((zx_handle_t)a->handle, &found) && track_is_running(found.first);
  return runs && status == ZX_ERR_BAD_STATE ? ZX_OK : status;
}
MUTATE_CALL(read_while_any_runs, vcpu_read_state) {
  static bool ran;
  zx_status_t status = RIGHT_CALL(vcpu_read_state);
  ran |= track_some_run();
  return ran && track_some_run() ? ZX_ERR_BAD_STATE : status;
}
MUTATE_CALL(read_never_after_run, vcpu_read_state) {
  static bool ran;
  ran |= track_some_run();
  return ran ? ZX_ERR_BAD_STATE : RIGHT_CALL(vcpu_read_state);
}
