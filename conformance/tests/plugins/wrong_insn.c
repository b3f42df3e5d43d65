// SPDX-License-Identifier: BSD-3-Clause
// Unicorn, but wrong after a snippet that holds an IMUL of two registers: WRONG_INSN in the
// environment says what of the result is changed, or that the process ends, or does not come back.
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "programs/snippet.h"
#include "rows.h"

#define CALLS vs_backend_unicorn.calls
#define EXPORT __attribute__((visibility("default")))

static bool holds;   // the code that was written last has one
static bool is_odd;  // RBX, as it was written last

static bool is(const char* mode) {
  const char* wrong = getenv("WRONG_INSN");
  return holds && wrong != NULL && strcmp(wrong, mode) == 0;
}

static void change(uint8_t* page) {
  enum { RFLAGS = 128, XMM0 = VS_PAGE_FLOAT + 160, CARRY = 1 };
  if (is("register")) page[0] ^= 0x10;
  if (is("flag")) page[RFLAGS] ^= CARRY;
  if (is("xmm")) page[XMM0] ^= 1;
  if (is("memory")) page[VS_PAGE_DATA + VS_DATA_AT] ^= 1;
}

// RAX, after a snippet that holds one, and of entries with an odd RBX.
static void change_some(uint8_t* page) {
  const char* wrong = getenv("WRONG_INSN");
  if (wrong != NULL && strcmp(wrong, "entry") == 0 && (holds || is_odd)) page[0] ^= 0x10;
}

// TF is set in the handler of the first exception.
static void keep_tf(uint8_t* page) {
  enum { COUNT = VS_PAGE_LOG_X64, HIGH_OF_FLAGS = VS_PAGE_LOG_X64 + 16 + 32 + 1 };
  const char* wrong = getenv("WRONG_INSN");
  if (wrong != NULL && strcmp(wrong, "handler") == 0 && page[COUNT] > 0) page[HIGH_OF_FLAGS] |= 1;
}

EXPORT zx_status_t zx_vmo_write(zx_handle_t handle, const void* buffer, uint64_t offset,
                                size_t size) {
  if (offset == VS_SNIPPET_CODE) holds = memmem(buffer, size, "\x0f\xaf", 2) != NULL;
  return CALLS->vmo_write(handle, buffer, offset, size);
}

EXPORT zx_status_t zx_vmo_read(zx_handle_t handle, void* buffer, uint64_t offset, size_t size) {
  const zx_status_t status = CALLS->vmo_read(handle, buffer, offset, size);
  if (status == ZX_OK && offset == VS_SNIPPET_PAGE_AT) {
    change(buffer);
    change_some(buffer);
    keep_tf(buffer);
  }
  return status;
}

EXPORT zx_status_t zx_vcpu_enter(zx_handle_t handle, zx_port_packet_t* packet) {
  if (is("end")) _exit(7);
  while (is("hang")) pause();
  return CALLS->vcpu_enter(handle, packet);
}

EXPORT zx_status_t zx_guest_create(zx_handle_t resource, uint32_t options, zx_handle_t* guest,
                                   zx_handle_t* vmar) {
  return CALLS->guest_create(resource, options, guest, vmar);
}

EXPORT zx_status_t zx_guest_set_trap(zx_handle_t handle, uint32_t kind, zx_vaddr_t addr,
                                     size_t size, zx_handle_t port, uint64_t key) {
  return CALLS->guest_set_trap(handle, kind, addr, size, port, key);
}

EXPORT zx_status_t zx_vcpu_create(zx_handle_t guest, uint32_t options, zx_vaddr_t entry,
                                  zx_handle_t* out) {
  return CALLS->vcpu_create(guest, options, entry, out);
}

EXPORT zx_status_t zx_vcpu_read_state(zx_handle_t handle, uint32_t kind, void* buffer,
                                      size_t size) {
  return CALLS->vcpu_read_state(handle, kind, buffer, size);
}

EXPORT zx_status_t zx_vcpu_write_state(zx_handle_t handle, uint32_t kind, const void* buffer,
                                       size_t size) {
  uint64_t rbx = 0;
  memcpy(&rbx, (const uint8_t*)buffer + offsetof(zx_vcpu_state_x64_t, rbx), sizeof rbx);
  is_odd = rbx % 2 != 0;
  return CALLS->vcpu_write_state(handle, kind, buffer, size);
}

EXPORT zx_status_t zx_handle_close(zx_handle_t handle) {
  return CALLS->handle_close(handle);
}

EXPORT zx_status_t zx_vmo_create(uint64_t size, uint32_t options, zx_handle_t* out) {
  return CALLS->vmo_create(size, options, out);
}

EXPORT zx_status_t zx_vmar_map(zx_handle_t handle, zx_vm_option_t options, size_t vmar_offset,
                               zx_handle_t vmo, uint64_t vmo_offset, size_t len,
                               zx_vaddr_t* mapped_addr) {
  return CALLS->vmar_map(handle, options, vmar_offset, vmo, vmo_offset, len, mapped_addr);
}

EXPORT extern const vs_plugin vcpuspec_plugin;
const vs_plugin vcpuspec_plugin = {VS_PLUGIN_ABI, VS_ARCH_X64, "wrong_insn", ZX_HANDLE_INVALID,
                                   ZX_HANDLE_INVALID};

__attribute__((constructor)) static void begin(void) {
  vs_why reason;
  vs_backend_unicorn.open(&reason);
}
