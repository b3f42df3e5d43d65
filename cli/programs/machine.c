// SPDX-License-Identifier: BSD-3-Clause
#include "machine.h"

#include <string.h>

#include "common/refuse.h"
#include "guest/guest.h"

static const uint8_t harness_x64[] = {
#include "x64.inc"
};
static const uint8_t harness_arm64[] = {
#include "arm64.inc"
};

enum { CODE_MAX = VS_SNIPPET_INSNS * VS_SNIPPET_BYTES + 16 };

static bool made(zx_status_t status, const char* call, vs_why* why) {
  return status == ZX_OK || vs_refuse(why, "%s returned %d", call, status);
}

// Entries of the page tables that user code may go through.
static void open_to_users(uint8_t* image) {
  static const size_t tables[] = {0, 0x1000, 0x3000};
  enum { USER = 4 };
  for (size_t i = 0; i < sizeof tables / sizeof tables[0]; i++) image[tables[i]] |= USER;
}

static void build_image(vs_machine* m) {
  memset(m->image, 0, sizeof m->image);
  memcpy(m->image, vs_guest_image(m->opened->arch),
         VS_GUEST_MEMORY);  // of which the page tables are needed
  if (m->opened->arch == VS_ARCH_X64) {
    memcpy(m->image + VS_SNIPPET_HARNESS, harness_x64, sizeof harness_x64);
    open_to_users(m->image);
  } else {
    memcpy(m->image + VS_SNIPPET_HARNESS, harness_arm64, sizeof harness_arm64);
  }
}

static zx_status_t map(vs_machine* m) {
  const zx_vm_option_t options =
      ZX_VM_PERM_READ | ZX_VM_PERM_WRITE | ZX_VM_PERM_EXECUTE | ZX_VM_SPECIFIC;
  zx_vaddr_t mapped = 0;
  return m->opened->calls->vmar_map(m->vmar, options, 0, m->memory, 0, VS_SNIPPET_MEMORY, &mapped);
}

// Memory has EXECUTE from the beginning, or its handle is replaced by one that has.
static zx_status_t map_executable(vs_machine* m) {
  const vs_calls* calls = m->opened->calls;
  zx_status_t status = map(m);
  if (status != ZX_ERR_ACCESS_DENIED || calls->vmo_replace_as_executable == NULL) return status;
  const zx_handle_t plain = m->memory;
  m->memory = ZX_HANDLE_INVALID;
  status = calls->vmo_replace_as_executable(plain, ZX_HANDLE_INVALID, &m->memory);
  return status == ZX_OK ? map(m) : status;
}

static zx_status_t set_trap(vs_machine* m) {
  return m->opened->calls->guest_set_trap(m->guest, ZX_GUEST_TRAP_MEM, VS_SNIPPET_TRAP, 0x1000,
                                          ZX_HANDLE_INVALID, VS_SNIPPET_TRAP);
}

static bool lacks_call(const vs_calls* calls, vs_why* why) {
  const struct {
    const char* name;
    bool there;
  } needed[] = {{"zx_vcpu_enter", calls->vcpu_enter != NULL},
                {"zx_vcpu_read_state", calls->vcpu_read_state != NULL},
                {"zx_guest_set_trap", calls->guest_set_trap != NULL},
                {"zx_vmo_create", calls->vmo_create != NULL},
                {"zx_vmo_write", calls->vmo_write != NULL},
                {"zx_vmo_read", calls->vmo_read != NULL},
                {"zx_vmar_map", calls->vmar_map != NULL}};
  for (size_t i = 0; i < sizeof needed / sizeof needed[0]; i++) {
    if (!needed[i].there) return !vs_refuse(why, "it does not have %s", needed[i].name);
  }
  return false;
}

static bool has_left(const zx_port_packet_t* packet) {
  return packet->key == VS_SNIPPET_TRAP && packet->type == ZX_PKT_TYPE_GUEST_MEM;
}

// The guest's own preparations.
static bool start(vs_machine* m, vs_why* why) {
  const vs_calls* calls = m->opened->calls;
  zx_port_packet_t packet = {0};
  const zx_status_t status = calls->vcpu_enter(m->vcpu, &packet);
  if (status == ZX_ERR_NOT_SUPPORTED && strncmp(m->opened->name, "soft", 4) == 0)
    return vs_refuse(why, "soft runs only the suite's own guest programs");
  if (!made(status, "zx_vcpu_enter", why)) return false;
  if (!has_left(&packet))
    return vs_refuse(why, "its guest left with a packet of type %u", packet.type);
  return made(
      calls->vmo_read(m->memory, m->features.words, VS_SNIPPET_OWN, sizeof m->features.words),
      "zx_vmo_read", why);
}

static bool build(vs_machine* m, vs_why* why) {
  const vs_opened* o = m->opened;
  const vs_calls* calls = o->calls;
  return made(calls->guest_create(o->resource, 0, &m->guest, &m->vmar), "zx_guest_create", why) &&
         made(calls->vmo_create(VS_SNIPPET_MEMORY, 0, &m->memory), "zx_vmo_create", why) &&
         made(calls->vmo_write(m->memory, m->image, 0, VS_SNIPPET_MEMORY), "zx_vmo_write", why) &&
         made(map_executable(m), "zx_vmar_map", why) &&
         made(set_trap(m), "zx_guest_set_trap", why) &&
         made(calls->vcpu_create(m->guest, 0, VS_SNIPPET_HARNESS, &m->vcpu), "zx_vcpu_create",
              why) &&
         start(m, why);
}

void vs_machine_close(vs_machine* m) {
  zx_handle_t* handles[] = {&m->vcpu, &m->memory, &m->vmar, &m->guest};
  for (size_t i = 0; i < sizeof handles / sizeof handles[0]; i++) {
    if (*handles[i] != ZX_HANDLE_INVALID) m->opened->calls->handle_close(*handles[i]);
    *handles[i] = ZX_HANDLE_INVALID;
  }
}

static zx_status_t run(vs_machine* m, const vs_snippet* s, vs_snippet_result* out) {
  const vs_calls* calls = m->opened->calls;
  const size_t size = vs_state_size(s->arch);
  uint8_t code[CODE_MAX];
  zx_port_packet_t packet = {0};
  const size_t length = vs_snippet_code(s, code, sizeof code);
  zx_status_t status = calls->vmo_write(m->memory, s->page, VS_SNIPPET_PAGE_AT, VS_SNIPPET_PAGE);
  if (status == ZX_OK) status = calls->vmo_write(m->memory, code, VS_SNIPPET_CODE, length);
  if (status == ZX_OK) status = calls->vcpu_write_state(m->vcpu, ZX_VCPU_STATE, s->state, size);
  if (status == ZX_OK) status = calls->vcpu_enter(m->vcpu, &packet);
  if (status == ZX_OK && !has_left(&packet)) status = ZX_ERR_BAD_STATE;
  if (status == ZX_OK) status = calls->vcpu_read_state(m->vcpu, ZX_VCPU_STATE, out->state, size);
  if (status == ZX_OK)
    status = calls->vmo_read(m->memory, out->page, VS_SNIPPET_PAGE_AT, VS_SNIPPET_READ);
  return status;
}

bool vs_machine_run(vs_machine* m, const vs_snippet* s, vs_snippet_result* out) {
  vs_why why;
  const vs_features features = m->features;
  memset(out, 0, sizeof *out);
  out->end = VS_RUN_DONE;
  out->status = run(m, s, out);
  if (out->status == ZX_OK) return true;
  memset(out->page, 0, sizeof out->page);
  memset(out->state, 0, sizeof out->state);
  vs_machine_close(m);
  const bool good = build(m, &why);
  m->features = features;
  return good;
}

// Whether an invalid instruction comes to the guest's handler.
static bool probe_exceptions(vs_machine* m) {
  static const uint8_t ud2[] = {0x0f, 0x0b};
  vs_snippet s;
  vs_snippet_result result;
  if (m->opened->arch != VS_ARCH_X64) return false;
  vs_snippet_draw(VS_ARCH_X64, 0, 0, &m->features, &s);
  s.count = 1;
  s.insns[0] = (vs_insn){.size = sizeof ud2};
  memcpy(s.insns[0].bytes, ud2, sizeof ud2);
  vs_machine_run(m, &s, &result);
  return result.status == ZX_OK && result.page[VS_PAGE_LOG_X64] == 1;
}

bool vs_machine_open(vs_machine* m, const vs_opened* opened, vs_why* why) {
  memset(m, 0, sizeof *m);
  m->opened = opened;
  if (opened->reach != NULL)
    return vs_refuse(why, "an implementation behind a shim does not run snippets");
  if (lacks_call(opened->calls, why)) return false;
  build_image(m);
  if (!build(m, why)) {
    vs_machine_close(m);
    return false;
  }
  m->features.exceptions = probe_exceptions(m);
  return true;
}
