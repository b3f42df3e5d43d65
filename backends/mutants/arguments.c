// SPDX-License-Identifier: BSD-3-Clause
// Wrong about kind, size and buffer.
#include <sys/uio.h>
#include <unistd.h>

#include "alter.h"

// --- kind -------------------------------------------------------------------------------------

MUTATE_WRITE(kind_8_bits) {
  kind &= 0xff;
  return RIGHT_WRITE();
}
MUTATE_WRITE(kind_16_bits) {
  kind &= 0xffff;
  return RIGHT_WRITE();
}
MUTATE_WRITE(kind_31_bits) {
  kind &= 0x7fffffff;
  return RIGHT_WRITE();
}
MUTATE_WRITE(kind_truth) {
  kind = kind != ZX_VCPU_STATE;
  return RIGHT_WRITE();
}
MUTATE_WRITE(kind_default_state) {
  if (kind != ZX_VCPU_IO) kind = ZX_VCPU_STATE;
  return RIGHT_WRITE();
}
MUTATE_WRITE(kind_io_missing) {
  return kind == ZX_VCPU_IO ? ZX_ERR_INVALID_ARGS : RIGHT_WRITE();
}
MUTATE_WRITE(kind_of_512_bytes) {
  zx_status_t status = RIGHT_WRITE();
  return kind == 2 && size == 512 && status == ZX_ERR_INVALID_ARGS ? ZX_OK : status;
}
MUTATE_WRITE(kind_5_is_state) {
  if (kind == 5) kind = ZX_VCPU_STATE;
  return RIGHT_WRITE();
}
MUTATE_WRITE(kind_not_supported) {
  zx_status_t status = RIGHT_WRITE();
  bool unknown = kind > ZX_VCPU_IO && status == ZX_ERR_INVALID_ARGS;
  return unknown ? ZX_ERR_NOT_SUPPORTED : status;
}

// --- size -------------------------------------------------------------------------------------

// The call with another size, where that is what an implementation would have looked at.
static zx_status_t with_size(zx_handle_t handle, uint32_t kind, const void* buffer, size_t size) {
  return below->vcpu_write_state(handle, kind, buffer, size);
}

MUTATE_WRITE(size_not_checked) {
  (void)size;
  return with_size(handle, kind, buffer, size_of_kind(kind));
}

MUTATE_WRITE(size_at_least) {
  return with_size(handle, kind, buffer, size > size_of_kind(kind) ? size_of_kind(kind) : size);
}

// What is short is filled up with zeros.
static zx_status_t write_padded(zx_handle_t handle, uint32_t kind, const void* buffer, size_t size,
                                size_t exact) {
  uint8_t bytes[STATE] = {0};
  if (peek(buffer, bytes, size) != size) return ZX_ERR_INVALID_ARGS;
  return below->vcpu_write_state(handle, kind, bytes, exact);
}

MUTATE_WRITE(size_at_most) {
  bool shorter = kind <= ZX_VCPU_IO && size < size_of_kind(kind);
  return shorter ? write_padded(handle, kind, buffer, size, size_of_kind(kind)) : RIGHT_WRITE();
}
MUTATE_WRITE(size_one_short) {
  bool shorter = kind <= ZX_VCPU_IO && size + 1 == size_of_kind(kind);
  return shorter ? write_padded(handle, kind, buffer, size, size_of_kind(kind)) : RIGHT_WRITE();
}
MUTATE_WRITE(size_8_bits) {
  return with_size(handle, kind, buffer, size & 0xff);
}
MUTATE_WRITE(size_32_bits) {
  return with_size(handle, kind, buffer, size & 0xffffffff);
}
MUTATE_WRITE(size_of_either_kind) {
  bool either = size == STATE || size == IO;
  return with_size(handle, kind, buffer, either ? size_of_kind(kind) : size);
}
MUTATE_WRITE(size_too_small) {
  zx_status_t status = RIGHT_WRITE();
  bool small = status == ZX_ERR_INVALID_ARGS && kind <= ZX_VCPU_IO && size < size_of_kind(kind);
  return small ? ZX_ERR_BUFFER_TOO_SMALL : status;
}

// --- buffer -----------------------------------------------------------------------------------

MUTATE_WRITE(buffer_null_is_zeros) {
  static const uint8_t zeros[STATE];
  if (buffer == NULL) buffer = zeros;
  return RIGHT_WRITE();
}

MUTATE_WRITE(buffer_read_directly) {
  uint8_t bytes[STATE];
  if (!is_exact(kind, size)) return RIGHT_WRITE();
  // Byte by byte and volatile: it is to be a plain crash, not something a compiler reasons about.
  for (size_t i = 0; i < size; i++) bytes[i] = ((const volatile uint8_t*)buffer)[i];
  buffer = bytes;
  return RIGHT_WRITE();
}

MUTATE_WRITE(buffer_47_bits) {
  buffer = (const void*)((uintptr_t)buffer & 0x7fffffffffff);
  return RIGHT_WRITE();
}

MUTATE_WRITE(buffer_first_byte_checked) {
  uint8_t bytes[STATE] = {0};
  if (!is_exact(kind, size) || peek(buffer, bytes, size) == 0) return RIGHT_WRITE();
  buffer = bytes;
  return RIGHT_WRITE();
}

MUTATE_WRITE(buffer_last_byte_checked) {
  uint8_t bytes[STATE] = {0};
  uint8_t last = 0;
  const uint8_t* from = buffer;
  if (!is_exact(kind, size) || peek((const void*)((uintptr_t)from + size - 1), &last, 1) != 1)
    return RIGHT_WRITE();
  for (size_t i = 0; i < size; i++) peek((const void*)((uintptr_t)from + i), bytes + i, 1);
  buffer = bytes;
  return RIGHT_WRITE();
}

static bool is_readable(const void* buffer, size_t size) {
  uint8_t bytes[STATE];
  return size > sizeof bytes || peek(buffer, bytes, size) == size;
}

MUTATE_WRITE(buffer_not_found) {
  zx_status_t status = RIGHT_WRITE();
  bool fault = status == ZX_ERR_INVALID_ARGS && is_exact(kind, size);
  return fault && !is_readable(buffer, size) ? ZX_ERR_NOT_FOUND : status;
}

MUTATE_WRITE(buffer_aligned_only) {
  size_t alignment = kind == ZX_VCPU_IO ? 4 : 8;
  zx_status_t status = RIGHT_WRITE();
  bool aligned = (uintptr_t)buffer % alignment == 0;
  return status == ZX_OK && !aligned ? ZX_ERR_INVALID_ARGS : status;
}

MUTATE_WRITE(buffer_one_page_only) {
  uintptr_t first = (uintptr_t)buffer / 4096;
  uintptr_t last = ((uintptr_t)buffer + size - 1) / 4096;
  return is_exact(kind, size) && first != last ? ZX_ERR_INVALID_ARGS : RIGHT_WRITE();
}

MUTATE_WRITE(buffer_above_4g_only) {
  bool low = buffer != NULL && (uintptr_t)buffer >> 32 == 0;
  return low ? ZX_ERR_INVALID_ARGS : RIGHT_WRITE();
}

MUTATE_WRITE(fault_poisons) {
  static bool poisoned;
  zx_status_t status = RIGHT_WRITE();
  if (status == ZX_OK && poisoned) return ZX_ERR_BAD_STATE;
  poisoned |= status == ZX_ERR_INVALID_ARGS && is_exact(kind, size);
  return status;
}

MUTATE_WRITE(buffer_written_back) {
  zx_status_t status = RIGHT_WRITE();
  bool state = status == ZX_OK && kind == ZX_VCPU_STATE;
  if (state) ((zx_vcpu_state_x64_t*)(uintptr_t)buffer)->rflags &= 0x244dd5;
  return status;
}

static bool is_writable(const void* buffer) {
  uint8_t byte = 0;
  struct iovec local = {&byte, 1};
  struct iovec remote = {(void*)(uintptr_t)buffer, 1};
  return peek(buffer, &byte, 1) == 1 && process_vm_writev(getpid(), &local, 1, &remote, 1, 0) == 1;
}

MUTATE_WRITE(buffer_must_be_writable) {
  return is_exact(kind, size) && !is_writable(buffer) ? ZX_ERR_INVALID_ARGS : RIGHT_WRITE();
}

static bool can_read_past(uint32_t kind, const void* buffer, size_t size, size_t by) {
  uint8_t bytes[STATE + 8];
  return !is_exact(kind, size) || peek(buffer, bytes, size + by) == size + by;
}

MUTATE_WRITE(buffer_read_past_end) {
  return can_read_past(kind, buffer, size, 8) ? RIGHT_WRITE() : ZX_ERR_INVALID_ARGS;
}
MUTATE_WRITE(buffer_one_past_end) {
  return can_read_past(kind, buffer, size, 1) ? RIGHT_WRITE() : ZX_ERR_INVALID_ARGS;
}
