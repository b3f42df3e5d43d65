// SPDX-License-Identifier: BSD-3-Clause
// Wrong about handles, types, rights and threads.
#include "alter.h"

// Goes on with the vCPU's first handle where the right answer would be `status`.
static zx_status_t forgive(zx_status_t status, zx_status_t forgiven, const tracked* row,
                           uint32_t kind, const void* buffer, size_t size) {
  if (status != forgiven || row == NULL) return status;
  return below->vcpu_write_state(row->first, kind, buffer, size);
}

MUTATE_WRITE(handle_zero_is_first) {
  tracked row;
  if (handle == ZX_HANDLE_INVALID && track_any(&row)) handle = row.first;
  return RIGHT_WRITE();
}

// The handle below stays open; the caller believes that it is closed.
MUTATE(handle_closed_lives, handle_close, (zx_handle_t handle)) {
  tracked row;
  return track_find(handle, &row) ? ZX_OK : below->handle_close(handle);
}

MUTATE_WRITE(handle_16_bits) {
  tracked row;
  if (track_by_low_bits(handle, 0xffff, &row)) handle = row.value;
  return RIGHT_WRITE();
}

MUTATE_WRITE(handle_low_bits_ignored) {
  handle |= handle != ZX_HANDLE_INVALID ? ZX_HANDLE_FIXED_BITS_MASK : 0;
  return RIGHT_WRITE();
}

static zx_status_t instead(zx_status_t status, zx_status_t of, zx_status_t wrong) {
  return status == of ? wrong : status;
}

MUTATE_WRITE(bad_handle_is_wrong_type) {
  return instead(RIGHT_WRITE(), ZX_ERR_BAD_HANDLE, ZX_ERR_WRONG_TYPE);
}
MUTATE_WRITE(type_not_checked) {
  return instead(RIGHT_WRITE(), ZX_ERR_WRONG_TYPE, ZX_OK);
}
MUTATE_WRITE(wrong_type_is_bad_handle) {
  return instead(RIGHT_WRITE(), ZX_ERR_WRONG_TYPE, ZX_ERR_BAD_HANDLE);
}
MUTATE_WRITE(access_denied_is_bad_handle) {
  return instead(RIGHT_WRITE(), ZX_ERR_ACCESS_DENIED, ZX_ERR_BAD_HANDLE);
}

MUTATE_WRITE(rights_not_checked) {
  tracked row;
  bool known = track_find(handle, &row);
  return forgive(RIGHT_WRITE(), ZX_ERR_ACCESS_DENIED, known ? &row : NULL, kind, buffer, size);
}

MUTATE_WRITE(rights_read_for_write) {
  tracked row;
  if (!track_find(handle, &row)) return RIGHT_WRITE();
  if (!(row.rights & ZX_RIGHT_READ)) return ZX_ERR_ACCESS_DENIED;
  return forgive(RIGHT_WRITE(), ZX_ERR_ACCESS_DENIED, &row, kind, buffer, size);
}

MUTATE_WRITE(rights_read_and_write) {
  tracked row;
  bool known = track_find(handle, &row);
  return known && !(row.rights & ZX_RIGHT_READ) ? ZX_ERR_ACCESS_DENIED : RIGHT_WRITE();
}

// --- threads ----------------------------------------------------------------------------------

static bool is_good_elsewhere(zx_handle_t handle, uint32_t kind, const void* buffer, size_t size,
                              tracked* row, uint8_t* bytes) {
  return is_exact(kind, size) && track_find(handle, row) && row->creator != track_self() &&
         (row->rights & ZX_RIGHT_WRITE) && peek(buffer, bytes, size) == size;
}

MUTATE_WRITE(thread_not_checked) {
  tracked row;
  uint8_t bytes[STATE];
  if (!is_good_elsewhere(handle, kind, buffer, size, &row, bytes)) return RIGHT_WRITE();
  track_later(row.first, kind, bytes);
  return ZX_OK;
}

MUTATE_WRITE(thread_of_duplicate) {
  tracked row;
  uint8_t bytes[STATE];
  bool elsewhere = is_good_elsewhere(handle, kind, buffer, size, &row, bytes);
  if (!elsewhere || row.deriver != track_self()) return RIGHT_WRITE();
  track_later(row.first, kind, bytes);
  return ZX_OK;
}

MUTATE_WRITE(thread_of_first_write) {
  static uint64_t first;
  tracked row;
  uint8_t bytes[STATE];
  if (first == 0) first = track_self();
  bool elsewhere = is_good_elsewhere(handle, kind, buffer, size, &row, bytes);
  if (!elsewhere || first != track_self()) return RIGHT_WRITE();
  track_later(row.first, kind, bytes);
  return ZX_OK;
}

MUTATE_WRITE(thread_with_any_vcpu) {
  tracked row;
  uint8_t bytes[STATE];
  bool elsewhere = is_good_elsewhere(handle, kind, buffer, size, &row, bytes);
  if (!elsewhere || track_created_by(track_self()) == ZX_HANDLE_INVALID) return RIGHT_WRITE();
  track_later(row.first, kind, bytes);
  return ZX_OK;
}

MUTATE_WRITE(thread_of_duplicate_only) {
  tracked row;
  bool known = track_find(handle, &row);
  return known && row.deriver != track_self() ? ZX_ERR_BAD_STATE : RIGHT_WRITE();
}

MUTATE_WRITE(callers_vcpu) {
  zx_status_t status = RIGHT_WRITE();
  zx_handle_t own = track_created_by(track_self());
  if (status == ZX_ERR_BAD_STATE && own != ZX_HANDLE_INVALID) {
    below->vcpu_write_state(own, kind, buffer, size);
  }
  return status;
}

MUTATE_WRITE(thread_dead_creator) {
  tracked row;
  uint8_t bytes[STATE];
  bool elsewhere = is_good_elsewhere(handle, kind, buffer, size, &row, bytes);
  return elsewhere && track_is_dead(row.creator) ? ZX_OK : RIGHT_WRITE();
}

MUTATE_WRITE(thread_access_denied) {
  return instead(RIGHT_WRITE(), ZX_ERR_BAD_STATE, ZX_ERR_ACCESS_DENIED);
}

MUTATE_WRITE(thread_state_invalid_args) {
  bool state = kind == ZX_VCPU_STATE;
  return instead(RIGHT_WRITE(), ZX_ERR_BAD_STATE, state ? ZX_ERR_INVALID_ARGS : ZX_ERR_BAD_STATE);
}

MUTATE_WRITE(thread_io_by_turns) {
  static bool turn;
  bool io = kind == ZX_VCPU_IO;
  turn = turn != io;
  return instead(RIGHT_WRITE(), ZX_ERR_BAD_STATE,
                 io && turn ? ZX_ERR_INVALID_ARGS : ZX_ERR_BAD_STATE);
}

MUTATE_WRITE(thread_refused_but_done) {
  tracked row;
  uint8_t bytes[STATE];
  if (is_good_elsewhere(handle, kind, buffer, size, &row, bytes)) {
    track_later(row.first, kind, bytes);
  }
  return RIGHT_WRITE();
}

// --- permitted --------------------------------------------------------------------------------

MUTATE_WRITE(io_thread_invalid_args) {
  bool io = kind == ZX_VCPU_IO;
  return instead(RIGHT_WRITE(), ZX_ERR_BAD_STATE, io ? ZX_ERR_INVALID_ARGS : ZX_ERR_BAD_STATE);
}

MUTATE_WRITE(arguments_first) {
  uint8_t bytes[STATE];
  bool good = is_exact(kind, size) && peek(buffer, bytes, size) == size;
  return good ? RIGHT_WRITE() : ZX_ERR_INVALID_ARGS;
}
