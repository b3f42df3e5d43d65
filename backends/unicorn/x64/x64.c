// SPDX-License-Identifier: BSD-3-Clause
// x86-64 vCPUs: registers, and the instructions at which a guest leaves.
#include <string.h>

#include "engine.h"
#include "real_mode.h"

// The flags that belong to the user: CF PF AF ZF SF TF DF OF NT AC ID. In a write bit 1, which is
// always set in the register, says whether the flags are meant at all.
static const uint64_t user_flags = 0x244dd5;
static const uint64_t flags_gate = 2;

// In the order of zx_vcpu_state_x64_t. Unicorn ignores an unknown id in a batch without a word.
enum { REGISTERS = 17, VCPUS = 64, ASPACE_BITS = 48 };
_Static_assert(sizeof(zx_vcpu_state_x64_t) == REGISTERS * sizeof(uint64_t), "one id per word");
static int register_ids[REGISTERS] = {
    UC_X86_REG_RAX, UC_X86_REG_RCX,    UC_X86_REG_RDX, UC_X86_REG_RBX, UC_X86_REG_RSP,
    UC_X86_REG_RBP, UC_X86_REG_RSI,    UC_X86_REG_RDI, UC_X86_REG_R8,  UC_X86_REG_R9,
    UC_X86_REG_R10, UC_X86_REG_R11,    UC_X86_REG_R12, UC_X86_REG_R13, UC_X86_REG_R14,
    UC_X86_REG_R15, UC_X86_REG_RFLAGS,
};

// ---- Registers.

static void read_registers(const vs_uc_engine* engine, zx_vcpu_state_x64_t* state) {
  void* words[REGISTERS];
  *state = (zx_vcpu_state_x64_t){0};
  for (int i = 0; i < REGISTERS; i++) words[i] = (uint64_t*)state + i;
  uc_reg_read_batch(engine->uc, register_ids, words, REGISTERS);
}

static void write_registers(vs_uc_engine* engine, zx_vcpu_state_x64_t* state) {
  void* words[REGISTERS];
  for (int i = 0; i < REGISTERS; i++) words[i] = (uint64_t*)state + i;
  uc_reg_write_batch(engine->uc, register_ids, words, REGISTERS);
}

static void read_state(const vs_uc_engine* engine, void* out) {
  zx_vcpu_state_x64_t* state = out;
  read_registers(engine, state);
  state->rflags &= user_flags;
}

static void write_state(vs_uc_engine* engine, void* in) {
  zx_vcpu_state_x64_t* state = in;
  const uint64_t old = vs_uc_engine_register(engine, UC_X86_REG_RFLAGS);
  const uint64_t mask = (state->rflags & flags_gate) != 0 ? user_flags : 0;
  state->rflags = (old & ~mask) | (state->rflags & mask);
  write_registers(engine, state);
}

static void set_rax(vs_uc_engine* engine, uint64_t rax) {
  uc_reg_write(engine->uc, UC_X86_REG_RAX, &rax);
}

// The low bytes of RAX are replaced, the others stay, whatever the size: nothing is extended.
static zx_status_t write_io(vs_uc_engine* engine, const zx_vcpu_io_t* io) {
  switch (io->access_size) {
    case 1:
    case 2:
    case 4:
      break;
    default:
      return ZX_ERR_INVALID_ARGS;
  }
  uint64_t rax = vs_uc_engine_register(engine, UC_X86_REG_RAX);
  memcpy(&rax, io->data, io->access_size);
  set_rax(engine, rax);
  return ZX_OK;
}

// ---- Running.

// The bytes of an instruction that is not within the window, which moves to where its last byte is;
// two mappings may share it.
static bool fetch(vs_uc_engine* engine, uint64_t gpa, uint32_t size, uint8_t* bytes) {
  for (uint32_t i = 0; i < size; i++) {
    const vs_uc_map* map = vs_uc_engine_find_map(engine, gpa + i);
    if (map == NULL) return false;
    engine->x64.window.gpa = map->gpa;
    engine->x64.window.len = map->len;
    engine->x64.window.bytes = map->vmo->bytes + map->vmo_offset;
    bytes[i] = engine->x64.window.bytes[gpa + i - map->gpa];
  }
  return true;
}

// HLT ends the run by itself, with RIP behind it as it should be.
static void stop_if_leaving(vs_uc_engine* engine, const uint8_t* bytes, uint32_t size) {
  engine->x64.insn = vs_uc_insn_decode(bytes, size, engine->x64.is_16bit);
  if (engine->x64.insn.kind == VS_UC_INSN_OTHER || engine->x64.insn.kind == VS_UC_INSN_HLT) return;
  uc_emu_stop(engine->uc);
}

__attribute__((noinline)) static void look_closer(vs_uc_engine* engine, uint64_t address,
                                                  uint32_t size) {
  enum { LONGEST = 15 };
  uint8_t bytes[LONGEST];
  // Unicorn gives an invalid instruction an absurd size, and reports it by itself.
  if (size == 0 || size > LONGEST || !fetch(engine, address, size, bytes)) return;
  if (vs_uc_insn_may_leave(bytes, size)) stop_if_leaving(engine, bytes, size);
}

// Before every instruction: uc_emu_stop takes effect here, whereas in the hooks for IN and OUT the
// rest of the translated block would still run.
static void on_instruction(uc_engine* uc, uint64_t address, uint32_t size, void* data) {
  vs_uc_engine* engine = data;
  engine->at = address;
  if (vs_uc_engine_is_wanted(engine)) {
    uc_emu_stop(uc);
    return;
  }
  const uint64_t at = address - engine->x64.window.gpa, len = engine->x64.window.len;
  if (at >= len || size > len - at) {
    look_closer(engine, address, size);
  } else if (vs_uc_insn_may_leave(engine->x64.window.bytes + at, size)) {
    stop_if_leaving(engine, engine->x64.window.bytes + at, size);
  }
}

// Behind an HLT, and at a fault of 64-bit code, Unicorn knows best. Where the hook stopped a run,
// the hook knows; in real mode Unicorn's RIP is then the linear address, from which CS.base has to
// go.
static uint64_t next_rip(const vs_uc_engine* engine, vs_uc_insn_kind kind, uc_err error) {
  if (kind == VS_UC_INSN_HLT || (error != UC_ERR_OK && !engine->x64.is_16bit)) {
    return vs_uc_engine_register(engine, UC_X86_REG_RIP);
  }
  if (!engine->x64.is_16bit) return engine->at;
  return engine->at - (vs_uc_engine_register(engine, UC_X86_REG_CS) << 4);
}

static vs_uc_exit why_failed(const vs_uc_engine* engine) {
  const bool trapped =
      engine->missed && vs_uc_guest_find_memory_trap(engine->guest, engine->missed_addr) != NULL;
  return trapped ? VS_UC_EXIT_UNSUPPORTED : VS_UC_EXIT_FAULT;
}

static vs_uc_exit run(vs_uc_engine* engine) {
  engine->x64.insn.kind = VS_UC_INSN_OTHER;
  engine->at = engine->pc;
  if (engine->x64.is_16bit) engine->at += vs_uc_engine_register(engine, UC_X86_REG_CS) << 4;
  // No `until`: exits are enabled and there are none, so this argument means nothing.
  const uc_err error = uc_emu_start(engine->uc, engine->pc, 0, 0, 0);
  const vs_uc_insn_kind kind = error == UC_ERR_OK ? engine->x64.insn.kind : VS_UC_INSN_INVALID;
  engine->pc = next_rip(engine, kind, error);
  switch (kind) {
    case VS_UC_INSN_IO:
      return VS_UC_EXIT_LEAVE;
    case VS_UC_INSN_STRING_IO:
      return VS_UC_EXIT_UNSUPPORTED;
    case VS_UC_INSN_HLT:
      return VS_UC_EXIT_WAIT;
    case VS_UC_INSN_INVALID:
      return why_failed(engine);
    default:
      return VS_UC_EXIT_ATTENTION;
  }
}

// The guest is before its IN or OUT. Without a trap it stays there; with one it is moved behind it,
// and an IN of four bytes clears RAX now, since the later write of ZX_VCPU_IO extends nothing.
static zx_status_t leave(vs_uc_engine* engine, zx_port_packet_t* packet) {
  const vs_uc_insn* insn = &engine->x64.insn;
  zx_packet_guest_io_t* io = &packet->guest_io;
  io->port =
      insn->port_in_dx ? (uint16_t)vs_uc_engine_register(engine, UC_X86_REG_RDX) : insn->port;
  io->access_size = insn->access_size;
  io->input = insn->input;
  const vs_uc_trap* trap = vs_uc_guest_find_port_trap(engine->guest, io->port);
  if (trap == NULL) return ZX_ERR_NOT_FOUND;
  packet->key = trap->key;
  packet->type = ZX_PKT_TYPE_GUEST_IO;
  engine->pc += insn->length;
  if (!insn->input) {
    const uint64_t rax = vs_uc_engine_register(engine, UC_X86_REG_RAX);
    memcpy(io->data, &rax, insn->access_size);
  } else if (insn->access_size == 4) {
    set_rax(engine, 0);
  }
  return ZX_OK;
}

// ---- Life.

// Whether a segment can start at an entry.
static bool has_real_mode(uint64_t entry) {
  return entry < 0x100000 && entry % 16 == 0;
}

// Number 0 starts in 64-bit mode, the others in real mode with CS.base = entry.
static bool set_up(vs_uc_engine* engine, uint64_t entry, int number) {
  engine->x64.is_16bit = number != 0 && has_real_mode(entry);
  engine->can_run = number == 0 || engine->x64.is_16bit;
  if (engine->x64.is_16bit) {
    engine->pc = 0;
    if (!vs_uc_real_mode(engine->uc, (uint16_t)(entry >> 4))) return false;
  }
  if (!vs_uc_engine_hook(engine, on_instruction)) return false;
  // Unicorn starts with the processor's identification in RDX.
  write_registers(engine, &(zx_vcpu_state_x64_t){.rflags = 2});
  return true;
}

static bool open(vs_uc_engine* engine, uint64_t entry, int number) {
  if (!vs_uc_engine_begin(engine, UC_ARCH_X86, UC_MODE_64)) return false;
  if (set_up(engine, entry, number)) return true;
  uc_close(engine->uc);
  return false;
}

const vs_uc_arch vs_uc_x64 = {
    .state_size = sizeof(zx_vcpu_state_x64_t),
    .vcpus = VCPUS,
    .aspace_bits = ASPACE_BITS,
    .has_ports = true,
    .lone_page = 0xfee00000,  // the local APIC's
    .beyond = ZX_ERR_OUT_OF_RANGE,
    .other_resource = ZX_ERR_ACCESS_DENIED,
    .open = open,
    .run = run,
    .leave = leave,
    .read = read_state,
    .write = write_state,
    .write_io = write_io,
};
