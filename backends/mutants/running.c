// SPDX-License-Identifier: BSD-3-Clause
// Wrong about the guest: what it sees, how it leaves, and what is accepted while it runs.
#include <stdatomic.h>
#include <unistd.h>

#include "alter.h"

static atomic_uint_fast64_t entered;  // the first handle of the vCPU that runs

static zx_status_t enter_and_say(zx_handle_t handle, zx_port_packet_t* packet) {
  tracked row;
  if (track_find(handle, &row)) atomic_store(&entered, row.first);
  zx_status_t status = tracking_enter(handle, packet);
  atomic_store(&entered, ZX_HANDLE_INVALID);
  return status;
}

static zx_status_t write_while_running(zx_handle_t handle, uint32_t kind, const void* buffer,
                                       size_t size) {
  tracked row;
  uint8_t bytes[STATE];
  bool runs = track_find(handle, &row) && atomic_load(&entered) == row.first;
  if (!runs || !is_exact(kind, size) || peek(buffer, bytes, size) != size) return RIGHT_WRITE();
  track_later(row.first, kind, bytes);
  return ZX_OK;
}

void alter_running_accepted(vs_calls* calls);
void alter_running_accepted(vs_calls* calls) {
  calls->vcpu_enter = enter_and_say;
  calls->vcpu_write_state = write_while_running;
}

static zx_status_t write_while_none_runs(zx_handle_t handle, uint32_t kind, const void* buffer,
                                         size_t size) {
  zx_status_t status = ZX_ERR_BAD_STATE;
  if (atomic_load(&entered) == ZX_HANDLE_INVALID) status = RIGHT_WRITE();
  return status;
}

void alter_another_running_refused(vs_calls* calls);
void alter_another_running_refused(vs_calls* calls) {
  calls->vcpu_enter = enter_and_say;
  calls->vcpu_write_state = write_while_none_runs;
}

// --- ZX_VCPU_IO is for an IN ------------------------------------------------------------------

static bool in_pending;

static zx_status_t enter_for_in(zx_handle_t handle, zx_port_packet_t* packet) {
  zx_status_t status = tracking_enter(handle, packet);
  in_pending =
      status == ZX_OK && packet->type == ZX_PKT_TYPE_GUEST_IO && packet->guest_io.input != 0;
  return status;
}

static zx_status_t write_after_in(zx_handle_t handle, uint32_t kind, const void* buffer,
                                  size_t size) {
  zx_status_t status = ZX_ERR_BAD_STATE;
  if (kind != ZX_VCPU_IO || in_pending) status = RIGHT_WRITE();
  if (kind == ZX_VCPU_IO && status == ZX_OK) in_pending = false;
  return status;
}

void alter_io_only_after_in(vs_calls* calls);
void alter_io_only_after_in(vs_calls* calls) {
  calls->vcpu_enter = enter_for_in;
  calls->vcpu_write_state = write_after_in;
}

// --- the data of an IN ------------------------------------------------------------------------

static zx_vcpu_io_t in_data;
static bool in_held;

static zx_status_t write_holding(zx_handle_t handle, uint32_t kind, const void* buffer,
                                 size_t size) {
  zx_status_t status = RIGHT_WRITE();
  if (status != ZX_OK || kind != ZX_VCPU_IO || !in_pending) return status;
  in_held = peek(buffer, &in_data, sizeof in_data) == sizeof in_data;
  return status;
}

static zx_status_t enter_with_data(zx_handle_t handle, zx_port_packet_t* packet) {
  if (in_held) below->vcpu_write_state(handle, ZX_VCPU_IO, &in_data, sizeof in_data);
  in_held = false;
  return enter_for_in(handle, packet);
}

void alter_in_data_wins(vs_calls* calls);
void alter_in_data_wins(vs_calls* calls) {
  calls->vcpu_write_state = write_holding;
  calls->vcpu_enter = enter_with_data;
}

// --- a copy that only a read-back finds -------------------------------------------------------

static zx_vcpu_state_x64_t shadow;
static bool shadowed;

static zx_status_t write_shadow(zx_handle_t handle, uint32_t kind, const void* buffer,
                                size_t size) {
  tracked row;
  bool state = kind == ZX_VCPU_STATE && size == STATE && track_find(handle, &row);
  if (!state || row.creator != track_self() || !(row.rights & ZX_RIGHT_WRITE)) {
    return RIGHT_WRITE();
  }
  if (peek(buffer, &shadow, STATE) != STATE) return ZX_ERR_INVALID_ARGS;
  shadow.rflags &= 0x244dd5;
  shadowed = true;
  return ZX_OK;
}

static zx_status_t read_shadow(zx_handle_t handle, uint32_t kind, void* buffer, size_t size) {
  zx_status_t status = tracking_read(handle, kind, buffer, size);
  if (status == ZX_OK && shadowed) memcpy(buffer, &shadow, sizeof shadow);
  return status;
}

void alter_guest_sees_old(vs_calls* calls);
void alter_guest_sees_old(vs_calls* calls) {
  calls->vcpu_write_state = write_shadow;
  calls->vcpu_read_state = read_shadow;
}

// The guest is entered with another rdi, and what was written is put back when it has left.
MUTATE(guest_sees_no_rdi, vcpu_enter, (zx_handle_t handle, zx_port_packet_t* packet)) {
  zx_vcpu_state_x64_t state = state_of(handle);
  uint64_t rdi = state.rdi;
  state.rdi = 0;
  below->vcpu_write_state(handle, ZX_VCPU_STATE, &state, sizeof state);
  zx_status_t status = tracking_enter(handle, packet);
  state = state_of(handle);
  state.rdi = rdi;
  below->vcpu_write_state(handle, ZX_VCPU_STATE, &state, sizeof state);
  return status;
}

// --- entering and kicking ---------------------------------------------------------------------

MUTATE(enter_refused, vcpu_enter, (zx_handle_t handle, zx_port_packet_t* packet)) {
  (void)handle, (void)packet;
  return ZX_ERR_BAD_STATE;
}

static zx_status_t kick_if_entered(zx_handle_t handle) {
  return atomic_load(&entered) != ZX_HANDLE_INVALID ? below->vcpu_kick(handle) : ZX_OK;
}

void alter_kick_lost(vs_calls* calls);
void alter_kick_lost(vs_calls* calls) {
  calls->vcpu_enter = enter_and_say;
  calls->vcpu_kick = kick_if_entered;
}

// A kick that comes between two entries is kept here until the next, unless a write comes first.
static bool kick_held;

static zx_status_t kick_later(zx_handle_t handle) {
  (void)handle;
  kick_held = true;
  return ZX_OK;
}

static zx_status_t enter_with_kick(zx_handle_t handle, zx_port_packet_t* packet) {
  if (kick_held) below->vcpu_kick(handle);
  kick_held = false;
  return tracking_enter(handle, packet);
}

static zx_status_t write_loses_kick(zx_handle_t handle, uint32_t kind, const void* buffer,
                                    size_t size) {
  kick_held = false;
  return RIGHT_WRITE();
}

void alter_kick_lost_by_write(vs_calls* calls);
void alter_kick_lost_by_write(vs_calls* calls) {
  calls->vcpu_kick = kick_later;
  calls->vcpu_enter = enter_with_kick;
  calls->vcpu_write_state = write_loses_kick;
}

MUTATE(kick_twice, vcpu_enter, (zx_handle_t handle, zx_port_packet_t* packet)) {
  static bool again;
  zx_status_t status = tracking_enter(handle, packet);
  if (status == ZX_OK && again) status = ZX_ERR_CANCELED;
  again = status == ZX_ERR_CANCELED && !again;
  return status;
}

MUTATE(interrupt_even_refused, vcpu_interrupt, (zx_handle_t handle, uint32_t vector)) {
  return vector % 2 == 0 ? ZX_ERR_NOT_SUPPORTED : below->vcpu_interrupt(handle, vector);
}

MUTATE(interrupt_any_vector, vcpu_interrupt, (zx_handle_t handle, uint32_t vector)) {
  zx_status_t status = below->vcpu_interrupt(handle, vector);
  return status == ZX_ERR_OUT_OF_RANGE ? ZX_OK : status;
}

// --- calls that meet --------------------------------------------------------------------------

enum { MEETING_TRIES = 30, MEETING_PAUSE_US = 10 };

static _Atomic unsigned meetings;  // calls of other threads that may disturb a write

// Long enough for another thread's call to fall into a write. Before the first such call there is
// nothing to wait for: cases whose calls meet do it again and again.
static bool is_met(unsigned before) {
  int tries = before == 0 ? 1 : MEETING_TRIES;
  for (int i = 0; i < tries; i++) {
    if (atomic_load(&meetings) != before) return true;
    usleep(MEETING_PAUSE_US);
  }
  return false;
}

static zx_status_t close_and_tell(zx_handle_t handle) {
  zx_status_t status = tracking_close(handle);
  atomic_fetch_add(&meetings, 1);
  return status;
}

static zx_status_t write_disturbed(zx_handle_t handle, uint32_t kind, const void* buffer,
                                   size_t size) {
  unsigned before = atomic_load(&meetings);
  zx_status_t status = RIGHT_WRITE();
  return status == ZX_OK && is_met(before) ? ZX_ERR_BAD_STATE : status;
}

void alter_close_disturbs_write(vs_calls* calls);
void alter_close_disturbs_write(vs_calls* calls) {
  calls->handle_close = close_and_tell;
  calls->vcpu_write_state = write_disturbed;
}

static zx_status_t replace_and_tell(zx_handle_t handle, zx_rights_t rights, zx_handle_t* out) {
  zx_status_t status = tracking_replace(handle, rights, out);
  atomic_fetch_add(&meetings, 1);
  return status;
}

void alter_replace_disturbs_write(vs_calls* calls);
void alter_replace_disturbs_write(vs_calls* calls) {
  if (calls->handle_replace != NULL) calls->handle_replace = replace_and_tell;
  calls->vcpu_write_state = write_disturbed;
}

static _Atomic bool writing;

static zx_status_t kick_unless_writing(zx_handle_t handle) {
  bool lost = atomic_load(&writing);
  atomic_fetch_add(&meetings, 1);
  return lost ? ZX_OK : below->vcpu_kick(handle);
}

static zx_status_t write_deaf(zx_handle_t handle, uint32_t kind, const void* buffer, size_t size) {
  unsigned before = atomic_load(&meetings);
  atomic_store(&writing, true);
  is_met(before);
  zx_status_t status = RIGHT_WRITE();
  atomic_store(&writing, false);
  return status;
}

void alter_kick_lost_in_write(vs_calls* calls);
void alter_kick_lost_in_write(vs_calls* calls) {
  calls->vcpu_kick = kick_unless_writing;
  calls->vcpu_write_state = write_deaf;
}
