// SPDX-License-Identifier: BSD-3-Clause
// A unit is an exit that the guest makes, through the documented calls.
#include "exits.h"

#include <stdlib.h>
#include <string.h>

#include "common/refuse.h"
#include "sides.h"

// --- the guests ---------------------------------------------------------------------------------

enum { IDT = 0x5000, GDT = 0x7800, TABLES = 0x7900, HANDLER = VS_BENCH_ENTRY + 0x40 };

static const uint8_t trap_code[] = {
    0x48, 0x89, 0x04, 0x25, 0x00, 0x00, 0x10, 0x00,  // 1: mov %rax, TRAP
    0xeb, 0xf6,                                      // jmp 1b
};
static const uint8_t bell_code[] = {
    0x48, 0x89, 0x04, 0x25, 0x00, 0x10, 0x10, 0x00,  // 1: mov %rax, BELL
    0x48, 0x89, 0x04, 0x25, 0x00, 0x00, 0x10, 0x00,  // mov %rax, TRAP
    0xeb, 0xee,                                      // jmp 1b
};
static const uint8_t interrupt_code[] = {
    0x0f, 0x01, 0x14, 0x25, 0x00, 0x79, 0x00, 0x00,  // lgdt TABLES
    0x0f, 0x01, 0x1c, 0x25, 0x10, 0x79, 0x00, 0x00,  // lidt TABLES + 16
    0xfb,                                            // sti
    0xf4,                                            // 1: hlt
    0xeb, 0xfd,                                      // jmp 1b
};
// It does not return: the guest's code segment at the start is none to return to.
static const uint8_t handler_code[] = {
    0xbc, 0x00, 0x60, 0x00, 0x00,                    // mov $VS_BENCH_STACK, %esp
    0x48, 0x89, 0x04, 0x25, 0x00, 0x00, 0x10, 0x00,  // mov %rax, TRAP
    0xfb,                                            // sti
    0xf4,                                            // 1: hlt
    0xeb, 0xfd,                                      // jmp 1b
};

static void put_tables(uint8_t* memory) {
  const uint64_t code = UINT64_C(0x00af9b000000ffff);
  const uint64_t gate[] = {(uint64_t)HANDLER | 8u << 16 | UINT64_C(0x8e00) << 32, 0};
  const uint8_t gdtr[] = {0x0f, 0, GDT & 0xff, GDT >> 8, 0, 0, 0, 0, 0, 0};
  const uint8_t idtr[] = {0xff, 0x0f, IDT & 0xff, IDT >> 8, 0, 0, 0, 0, 0, 0};
  memset(memory + GDT, 0, 8);
  memcpy(memory + GDT + 8, &code, sizeof code);
  memcpy(memory + IDT + VS_BENCH_VECTOR * sizeof gate, gate, sizeof gate);
  memcpy(memory + TABLES, gdtr, sizeof gdtr);
  memcpy(memory + TABLES + 16, idtr, sizeof idtr);
}

void vs_bench_exit_image(vs_bench_exit exit, uint8_t* memory) {
  static const struct {
    const uint8_t* bytes;
    size_t size;
  } codes[] = {[VS_BENCH_TRAP] = {trap_code, sizeof trap_code},
               [VS_BENCH_BELL] = {bell_code, sizeof bell_code},
               [VS_BENCH_INTERRUPT] = {interrupt_code, sizeof interrupt_code}};
  memcpy(memory, vs_guest_image(VS_ARCH_X64), VS_GUEST_MEMORY);
  memcpy(memory + VS_BENCH_ENTRY, codes[exit].bytes, codes[exit].size);
  memcpy(memory + HANDLER, handler_code, sizeof handler_code);
  put_tables(memory);
}

// --- the calls ----------------------------------------------------------------------------------

// Every handle is the backend's to close; ZX_HANDLE_INVALID where there is none.
typedef struct exits_side {
  const vs_calls* calls;
  vs_bench_exit exit;
  zx_handle_t guest, vmar, memory, port, vcpu;
  uint8_t image[VS_GUEST_MEMORY];
} exits_side;

static bool made(zx_status_t status, const char* call, vs_why* reason) {
  if (status != ZX_OK) vs_refuse(reason, "%s returned %d", call, status);
  return status == ZX_OK;
}

static bool make_memory(exits_side* s, vs_why* reason) {
  const vs_calls* calls = s->calls;
  const zx_vm_option_t options =
      ZX_VM_PERM_READ | ZX_VM_PERM_WRITE | ZX_VM_PERM_EXECUTE | ZX_VM_SPECIFIC;
  zx_vaddr_t mapped = 0;
  vs_bench_exit_image(s->exit, s->image);
  return made(calls->vmo_create(VS_GUEST_MEMORY, 0, &s->memory), "zx_vmo_create", reason) &&
         made(calls->vmo_write(s->memory, s->image, 0, VS_GUEST_MEMORY), "zx_vmo_write", reason) &&
         made(calls->vmar_map(s->vmar, options, 0, s->memory, 0, VS_GUEST_MEMORY, &mapped),
              "zx_vmar_map", reason);
}

static bool set_traps(exits_side* s, vs_why* reason) {
  const vs_calls* calls = s->calls;
  return made(calls->port_create(0, &s->port), "zx_port_create", reason) &&
         made(calls->guest_set_trap(s->guest, ZX_GUEST_TRAP_MEM, VS_BENCH_TRAP_AT, 0x1000, 0, 1),
              "zx_guest_set_trap", reason) &&
         made(calls->guest_set_trap(s->guest, ZX_GUEST_TRAP_BELL, VS_BENCH_BELL_AT, 0x1000, s->port,
                                    2),
              "zx_guest_set_trap", reason);
}

static bool make_vcpu(exits_side* s, vs_why* reason) {
  const zx_vcpu_state_x64_t state = {.rsp = VS_BENCH_STACK};
  return made(s->calls->vcpu_create(s->guest, 0, VS_BENCH_ENTRY, &s->vcpu), "zx_vcpu_create",
              reason) &&
         made(s->calls->vcpu_write_state(s->vcpu, ZX_VCPU_STATE, &state, sizeof state),
              "zx_vcpu_write_state", reason);
}

static void close_exits(void* self) {
  exits_side* s = self;
  const zx_handle_t handles[] = {s->vcpu, s->port, s->memory, s->vmar, s->guest};
  for (size_t i = 0; i < sizeof handles / sizeof handles[0]; i++) {
    if (handles[i] != ZX_HANDLE_INVALID) s->calls->handle_close(handles[i]);
  }
  free(s);
}

static void* open_exits(vs_bench_exit exit, const vs_side_setup* setup, vs_why* reason) {
  exits_side* s = calloc(1, sizeof *s);
  if (s == NULL) return NULL;
  s->calls = setup->backend->calls;
  s->exit = exit;
  const bool done = made(s->calls->guest_create(setup->backend->resource, 0, &s->guest, &s->vmar),
                         "zx_guest_create", reason) &&
                    make_memory(s, reason) && set_traps(s, reason) && make_vcpu(s, reason);
  if (done) return s;
  close_exits(s);
  return NULL;
}

static bool is_trap(const zx_port_packet_t* packet) {
  return packet->type == ZX_PKT_TYPE_GUEST_MEM && packet->key == 1 &&
         packet->guest_mem_x64.addr == VS_BENCH_TRAP_AT &&
         packet->guest_mem_x64.instruction_size == 8;
}

static bool one(const exits_side* s) {
  zx_port_packet_t packet;
  if (s->exit == VS_BENCH_INTERRUPT && s->calls->vcpu_interrupt(s->vcpu, VS_BENCH_VECTOR) != ZX_OK)
    return false;
  if (s->calls->vcpu_enter(s->vcpu, &packet) != ZX_OK || !is_trap(&packet)) return false;
  if (s->exit != VS_BENCH_BELL) return true;
  return s->calls->port_wait(s->port, 0, &packet) == ZX_OK && packet.key == 2;
}

static uint64_t turn_exits(void* self, uint64_t count) {
  for (uint64_t i = 0; i < count; i++) {
    if (!one(self)) return 0;
  }
  return count;
}

static void* open_trap(const vs_side_setup* setup, vs_why* reason) {
  return open_exits(VS_BENCH_TRAP, setup, reason);
}
static void* open_bell(const vs_side_setup* setup, vs_why* reason) {
  return open_exits(VS_BENCH_BELL, setup, reason);
}
static void* open_interrupt(const vs_side_setup* setup, vs_why* reason) {
  return open_exits(VS_BENCH_INTERRUPT, setup, reason);
}

const vs_side vs_side_trap = {open_trap, turn_exits, close_exits, false};
const vs_side vs_side_bell = {open_bell, turn_exits, close_exits, false};
const vs_side vs_side_interrupt = {open_interrupt, turn_exits, close_exits, false};
