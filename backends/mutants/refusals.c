// SPDX-License-Identifier: BSD-3-Clause
// Wrong about what a refusal leaves behind, and about the calls around the one under test.
#include "alter.h"

static zx_status_t write_exact(zx_handle_t handle, uint32_t kind, const void* buffer) {
  return below->vcpu_write_state(handle, kind, buffer, size_of_kind(kind));
}

MUTATE_WRITE(refused_size_written) {
  if (kind <= ZX_VCPU_IO && size > size_of_kind(kind)) write_exact(handle, kind, buffer);
  return RIGHT_WRITE();
}

// Register by register, until the fault.
MUTATE_WRITE(refused_fault_written) {
  tracked row;
  zx_vcpu_state_x64_t state;
  bool mine = kind == ZX_VCPU_STATE && size == STATE && track_find(handle, &row) &&
              row.creator == track_self();
  if (!mine) return RIGHT_WRITE();
  state = state_of(row.first);
  size_t got = peek(buffer, &state, sizeof state);
  if (got < sizeof state && got > 0) write_exact(handle, ZX_VCPU_STATE, &state);
  return RIGHT_WRITE();
}

MUTATE_WRITE(refused_handle_written) {
  tracked row;
  zx_status_t status = RIGHT_WRITE();
  bool refused = status == ZX_ERR_BAD_HANDLE || status == ZX_ERR_ACCESS_DENIED;
  if (refused && track_any(&row) && row.creator == track_self()) {
    zx_vcpu_state_x64_t state = state_of(row.first);
    state.r12 = 0;
    write_exact(row.first, ZX_VCPU_STATE, &state);
  }
  return status;
}

MUTATE_WRITE(refused_kind_written) {
  if (kind > ZX_VCPU_IO && size == STATE) write_exact(handle, ZX_VCPU_STATE, buffer);
  return RIGHT_WRITE();
}

MUTATE_WRITE(several_faults_internal) {
  zx_status_t status = RIGHT_WRITE();
  bool handle_fault = status == ZX_ERR_BAD_HANDLE || status == ZX_ERR_WRONG_TYPE;
  return handle_fault && !is_exact(kind, size) ? ZX_ERR_INTERNAL : status;
}

// --- the calls around it ----------------------------------------------------------------------

MUTATE(read_drifts, vcpu_read_state,
       (zx_handle_t handle, uint32_t kind, void* buffer, size_t size)) {
  static uint64_t drift;
  zx_status_t status = tracking_read(handle, kind, buffer, size);
  if (status == ZX_OK) ((zx_vcpu_state_x64_t*)buffer)->r11 += drift++ / 2;
  return status;
}

MUTATE(read_refused, vcpu_read_state,
       (zx_handle_t handle, uint32_t kind, void* buffer, size_t size)) {
  (void)handle, (void)kind, (void)buffer, (void)size;
  return ZX_ERR_BAD_STATE;
}

MUTATE(duplicate_same_value, handle_duplicate,
       (zx_handle_t handle, zx_rights_t rights, zx_handle_t* out)) {
  (void)rights;
  *(loose_handle*)out = handle;
  return ZX_OK;
}

MUTATE(close_refused, handle_close, (zx_handle_t handle)) {
  (void)handle;
  return ZX_ERR_ACCESS_DENIED;
}
