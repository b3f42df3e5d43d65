// SPDX-License-Identifier: BSD-3-Clause
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/refuse.h"
#include "guest/guest.h"
#include "sides.h"

// Every handle is the backend's to close; ZX_HANDLE_INVALID where there is none.
typedef struct calls_side {
  const vs_calls* calls;
  bool runs;  // the backend runs guests
  zx_handle_t guest;
  zx_handle_t vmar;
  zx_handle_t memory;
  zx_handle_t vcpu;
  uint64_t turn;
  uint8_t image[VS_GUEST_MEMORY];
} calls_side;

static bool made(zx_status_t status, const char* call, vs_why* reason) {
  if (status != ZX_OK) vs_refuse(reason, "%s returned %d", call, status);
  return status == ZX_OK;
}

static zx_status_t map(calls_side* s) {
  const zx_vm_option_t options =
      ZX_VM_PERM_READ | ZX_VM_PERM_WRITE | ZX_VM_PERM_EXECUTE | ZX_VM_SPECIFIC;
  zx_vaddr_t mapped = 0;
  return s->calls->vmar_map(s->vmar, options, 0, s->memory, 0, VS_GUEST_MEMORY, &mapped);
}

// New memory may be such that it cannot be executed.
static zx_status_t map_executable(calls_side* s) {
  const zx_status_t status = map(s);
  if (status != ZX_ERR_ACCESS_DENIED || s->calls->vmo_replace_as_executable == NULL) return status;
  s->calls->vmo_replace_as_executable(s->memory, ZX_HANDLE_INVALID, &s->memory);
  return map(s);
}

static bool load(calls_side* s, vs_why* reason) {
  const vs_calls* calls = s->calls;
  memcpy(s->image, vs_guest_image(VS_ARCH_X64), VS_GUEST_MEMORY);
  return made(calls->vmo_create(VS_GUEST_MEMORY, 0, &s->memory), "zx_vmo_create", reason) &&
         made(calls->vmo_write(s->memory, s->image, 0, VS_GUEST_MEMORY), "zx_vmo_write", reason) &&
         made(map_executable(s), "zx_vmar_map", reason) &&
         made(calls->guest_set_trap(s->guest, ZX_GUEST_TRAP_IO, VS_PORT_DUMP, 1, ZX_HANDLE_INVALID,
                                    VS_PORT_DUMP),
              "zx_guest_set_trap", reason);
}

static bool make_vcpu(calls_side* s, zx_handle_t resource, vs_why* reason) {
  const zx_vaddr_t entry = vs_guest_entry(VS_PROGRAM_DUMP);
  return made(s->calls->guest_create(resource, ZX_GUEST_OPT_NORMAL, &s->guest, &s->vmar),
              "zx_guest_create", reason) &&
         (!s->runs || load(s, reason)) &&
         made(s->calls->vcpu_create(s->guest, 0, entry, &s->vcpu), "zx_vcpu_create", reason);
}

static void close_calls(void* self) {
  calls_side* s = self;
  const zx_handle_t handles[] = {s->vcpu, s->memory, s->vmar, s->guest};
  for (size_t i = 0; i < sizeof handles / sizeof handles[0]; i++) {
    if (handles[i] != ZX_HANDLE_INVALID) s->calls->handle_close(handles[i]);
  }
  free(s);
}

static void* open_calls(const vs_side_setup* setup, vs_why* reason) {
  calls_side* s = calloc(1, sizeof *s);
  if (s == NULL) return NULL;
  s->calls = setup->backend->calls;
  s->runs = s->calls->vcpu_enter != NULL;
  if (make_vcpu(s, setup->backend->resource, reason)) return s;
  close_calls(s);
  return NULL;
}

static bool run_and_compare(const calls_side* s, const uint64_t* written) {
  uint64_t dump[VS_BENCH_WORDS];
  zx_port_packet_t packet;
  if (s->calls->vcpu_enter(s->vcpu, &packet) != ZX_OK) return false;
  if (packet.type != ZX_PKT_TYPE_GUEST_IO || packet.guest_io.port != VS_PORT_DUMP) return false;
  if (s->calls->vmo_read(s->memory, dump, VS_GUEST_DUMP, sizeof dump) != ZX_OK) return false;
  return memcmp(dump, written, sizeof dump) == 0;
}

// Bit 1 is the gate of a write, and no flag of the caller's.
static bool read_and_compare(const calls_side* s, uint64_t* written) {
  uint64_t state[VS_BENCH_WORDS];
  if (s->calls->vcpu_read_state(s->vcpu, ZX_VCPU_STATE, state, sizeof state) != ZX_OK) return false;
  state[VS_BENCH_WORDS - 1] |= 2;
  return memcmp(state, written, sizeof state) == 0;
}

static uint64_t turn_calls(void* self, uint64_t count) {
  calls_side* s = self;
  uint64_t words[VS_BENCH_WORDS];
  for (uint64_t i = 0; i < count; i++) {
    vs_bench_registers(s->turn++, words);
    if (s->calls->vcpu_write_state(s->vcpu, ZX_VCPU_STATE, words, sizeof words) != ZX_OK) return 0;
    if (!(s->runs ? run_and_compare(s, words) : read_and_compare(s, words))) return 0;
  }
  return count;
}

const vs_side vs_side_calls = {open_calls, turn_calls, close_calls, false};
