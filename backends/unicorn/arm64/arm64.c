// SPDX-License-Identifier: BSD-3-Clause
// arm64 vCPUs: registers, and accesses to traps on memory.
#include <string.h>

#include "engine.h"

enum { GENERAL = 31, VCPUS = 8, ASPACE_BITS = 36, INSN_BYTES = 4 };

static const uint64_t user_flags = 0xf0000000;   // N Z C V
static const uint64_t initial_pstate = 0x3c5;    // EL1 with its own stack pointer, D A I F masked
static const uint64_t own_stack_pointer = 0x01;  // of PSTATE: sp is SP_EL1, not SP_EL0

// ---- Registers.

// Unicorn numbers x0..x28 in a row; x29 and x30 stand elsewhere.
static void name_general(int* ids) {
  for (int i = 0; i < GENERAL - 2; i++) ids[i] = UC_ARM64_REG_X0 + i;
  ids[GENERAL - 2] = UC_ARM64_REG_X29;
  ids[GENERAL - 1] = UC_ARM64_REG_X30;
}

// The batch of x0..x30 and SP_EL1: the live register if the guest uses it, its own place if not.
static void name_all(const vs_uc_engine* engine, int* ids) {
  const uint64_t pstate = vs_uc_engine_register(engine, UC_ARM64_REG_PSTATE);
  name_general(ids);
  ids[GENERAL] = (pstate & own_stack_pointer) != 0 ? UC_ARM64_REG_SP : UC_ARM64_REG_SP_EL1;
}

static void point_at(zx_vcpu_state_arm64_t* state, void** words) {
  for (int i = 0; i < GENERAL; i++) words[i] = &state->x[i];
  words[GENERAL] = &state->sp;
}

static void read_state(const vs_uc_engine* engine, void* out) {
  zx_vcpu_state_arm64_t* state = out;
  int ids[GENERAL + 1];
  void* words[GENERAL + 1];
  memset(state, 0, sizeof *state);
  name_all(engine, ids);
  point_at(state, words);
  uc_reg_read_batch(engine->uc, ids, words, GENERAL + 1);
  state->cpsr = (uint32_t)(vs_uc_engine_register(engine, UC_ARM64_REG_PSTATE) & user_flags);
}

static void write_all(vs_uc_engine* engine, zx_vcpu_state_arm64_t* state, uint64_t flags) {
  int ids[GENERAL + 1];
  void* words[GENERAL + 1];
  name_all(engine, ids);
  point_at(state, words);
  uc_reg_write_batch(engine->uc, ids, words, GENERAL + 1);
  uc_reg_write(engine->uc, UC_ARM64_REG_NZCV, &flags);
}

static void write_state(vs_uc_engine* engine, void* in) {
  zx_vcpu_state_arm64_t* state = in;
  write_all(engine, state, state->cpsr & user_flags);
}

// As every published Zircon has it: a flag that is set stays set.
static void write_state_zircon(vs_uc_engine* engine, void* in) {
  zx_vcpu_state_arm64_t* state = in;
  const uint64_t old = vs_uc_engine_register(engine, UC_ARM64_REG_PSTATE);
  write_all(engine, state, (old | state->cpsr) & user_flags);
}

// ---- Running.

// Before every instruction.
static void on_instruction(uc_engine* uc, uint64_t address, uint32_t size, void* data) {
  vs_uc_engine* engine = data;
  (void)size;
  engine->at = address;
  if (!vs_uc_engine_is_wanted(engine)) return;
  engine->arm64.stopped = true;
  uc_emu_stop(uc);
}

static vs_uc_transfer transfer_at(const vs_uc_engine* engine, uint64_t address) {
  uint32_t insn = 0;
  if (uc_mem_read(engine->uc, address, &insn, INSN_BYTES) != UC_ERR_OK) insn = 0;
  return vs_uc_transfer_decode(insn);
}

static vs_uc_exit run(vs_uc_engine* engine) {
  engine->arm64.stopped = false;
  engine->at = engine->pc;
  // No `until`: exits are enabled and there are none, so this argument means nothing.
  const uc_err error = uc_emu_start(engine->uc, engine->pc, 0, 0, 0);
  const bool waits = error == UC_ERR_OK && !engine->arm64.stopped;
  engine->pc = waits ? vs_uc_engine_register(engine, UC_ARM64_REG_PC) : engine->at;
  if (waits) return VS_UC_EXIT_WAIT;
  if (error == UC_ERR_OK) return VS_UC_EXIT_ATTENTION;
  if (!engine->missed) return VS_UC_EXIT_FAULT;
  engine->arm64.transfer = transfer_at(engine, engine->at);
  return VS_UC_EXIT_LEAVE;
}

static uint64_t stored(const vs_uc_engine* engine, uint8_t xt) {
  int ids[GENERAL];
  name_general(ids);
  return xt < GENERAL ? vs_uc_engine_register(engine, ids[xt]) : 0;
}

// The guest is at its load or store. Without a MEM trap it stays there; with one it is moved behind
// it.
static zx_status_t leave(vs_uc_engine* engine, zx_port_packet_t* packet) {
  const vs_uc_transfer* transfer = &engine->arm64.transfer;
  zx_packet_guest_mem_arm64_t* mem = &packet->guest_mem_arm64;
  const vs_uc_trap* trap = vs_uc_guest_find_memory_trap(engine->guest, engine->missed_addr);
  if (trap == NULL) return ZX_ERR_BAD_STATE;
  if (trap->kind != ZX_GUEST_TRAP_MEM) return ZX_ERR_NOT_SUPPORTED;
  engine->pc += INSN_BYTES;
  if (!transfer->known) return ZX_ERR_IO_DATA_INTEGRITY;
  packet->key = trap->key;
  packet->type = ZX_PKT_TYPE_GUEST_MEM;
  mem->addr = engine->missed_addr;
  mem->access_size = transfer->access_size;
  mem->sign_extend = transfer->sign_extend;
  mem->xt = transfer->xt;
  mem->read = transfer->read;
  if (!transfer->read) mem->data = stored(engine, transfer->xt);
  return ZX_OK;
}

// ---- Life.

static bool set_up(vs_uc_engine* engine) {
  zx_vcpu_state_arm64_t zero = {.x = {0}};
  if (!vs_uc_engine_hook(engine, on_instruction)) return false;
  uc_reg_write(engine->uc, UC_ARM64_REG_PSTATE, &initial_pstate);
  write_all(engine, &zero, 0);
  engine->can_run = true;
  return true;
}

static bool open(vs_uc_engine* engine, uint64_t entry, int number) {
  (void)entry, (void)number;
  if (!vs_uc_engine_begin(engine, UC_ARCH_ARM64, UC_MODE_ARM)) return false;
  if (set_up(engine)) return true;
  uc_close(engine->uc);
  return false;
}

#define ARM64_ROW(write_function, beyond_status, resource_status)                            \
  {                                                                                          \
    .state_size = sizeof(zx_vcpu_state_arm64_t), .vcpus = VCPUS, .aspace_bits = ASPACE_BITS, \
    .wakes_masked = true, .lone_page = UINT64_MAX, .beyond = (beyond_status),                \
    .other_resource = (resource_status), .open = open, .run = run, .leave = leave,           \
    .read = read_state, .write = (write_function)                                            \
  }

// Published kernels take the memory away first, and there what is beyond it is a bad argument; a
// resource of another kind is of the wrong type.
const vs_uc_arch vs_uc_arm64 = ARM64_ROW(write_state, ZX_ERR_OUT_OF_RANGE, ZX_ERR_ACCESS_DENIED);
const vs_uc_arch vs_uc_arm64_zircon =
    ARM64_ROW(write_state_zircon, ZX_ERR_INVALID_ARGS, ZX_ERR_WRONG_TYPE);
