// SPDX-License-Identifier: BSD-3-Clause
// arm64 vCPUs: registers, and accesses to traps on memory.
#include <string.h>

#include "cpu.h"

enum { GENERAL = 31, VCPUS = 8, ASPACE_BITS = 36, INSN_BYTES = 4 };

static const uint64_t user_flags = 0xf0000000;   // N Z C V
static const uint64_t initial_pstate = 0x3c5;    // EL1 with its own stack pointer, D A I F masked
static const uint64_t irq_masked = 0x80;         // of PSTATE
static const uint64_t own_stack_pointer = 0x01;  // of PSTATE: sp is SP_EL1, not SP_EL0

// ---- Registers.

// Unicorn numbers x0..x28 in a row; x29 and x30 stand elsewhere.
static void name_general(int* ids) {
  for (int i = 0; i < GENERAL - 2; i++) ids[i] = UC_ARM64_REG_X0 + i;
  ids[GENERAL - 2] = UC_ARM64_REG_X29;
  ids[GENERAL - 1] = UC_ARM64_REG_X30;
}

// The batch of x0..x30 and SP_EL1: the live register if the guest uses it, its own place if not.
static void name_all(const vs_cpu* cpu, int* ids) {
  const uint64_t pstate = vs_uc_register(cpu, UC_ARM64_REG_PSTATE);
  name_general(ids);
  ids[GENERAL] = (pstate & own_stack_pointer) != 0 ? UC_ARM64_REG_SP : UC_ARM64_REG_SP_EL1;
}

static void point_at(zx_vcpu_state_arm64_t* state, void** words) {
  for (int i = 0; i < GENERAL; i++) words[i] = &state->x[i];
  words[GENERAL] = &state->sp;
}

static zx_status_t read_state(vs_cpu* cpu, void* out) {
  zx_vcpu_state_arm64_t* state = out;
  int ids[GENERAL + 1];
  void* words[GENERAL + 1];
  memset(state, 0, sizeof *state);
  name_all(cpu, ids);
  point_at(state, words);
  uc_reg_read_batch(cpu->uc, ids, words, GENERAL + 1);
  state->cpsr = (uint32_t)(vs_uc_register(cpu, UC_ARM64_REG_PSTATE) & user_flags);
  return ZX_OK;
}

static void write_all(vs_cpu* cpu, zx_vcpu_state_arm64_t* state, uint64_t flags) {
  int ids[GENERAL + 1];
  void* words[GENERAL + 1];
  name_all(cpu, ids);
  point_at(state, words);
  uc_reg_write_batch(cpu->uc, ids, words, GENERAL + 1);
  uc_reg_write(cpu->uc, UC_ARM64_REG_NZCV, &flags);
}

static zx_status_t write_state(vs_cpu* cpu, const void* in) {
  zx_vcpu_state_arm64_t state = *(const zx_vcpu_state_arm64_t*)in;
  write_all(cpu, &state, state.cpsr & user_flags);
  return ZX_OK;
}

// As every published Zircon has it: a flag that is set stays set.
static zx_status_t write_state_zircon(vs_cpu* cpu, const void* in) {
  zx_vcpu_state_arm64_t state = *(const zx_vcpu_state_arm64_t*)in;
  const uint64_t old = vs_uc_register(cpu, UC_ARM64_REG_PSTATE);
  write_all(cpu, &state, (old | state.cpsr) & user_flags);
  return ZX_OK;
}

// ---- Running.

static bool takes(const vs_cpu* cpu, vs_delivery how);

// Before every instruction.
static void on_instruction(uc_engine* uc, uint64_t address, uint32_t size, void* data) {
  vs_cpu* cpu = data;
  (void)size;
  cpu->at = address;
  if (!vs_uc_is_wanted(cpu) && !(cpu->arm64.watching && takes(cpu, VS_DELIVER_EXTERNAL))) return;
  cpu->arm64.stopped = true;
  uc_emu_stop(uc);
}

static vs_uc_transfer transfer_at(const vs_cpu* cpu, uint64_t address) {
  uint32_t insn = 0;
  if (uc_mem_read(cpu->uc, address, &insn, INSN_BYTES) != UC_ERR_OK) insn = 0;
  return vs_uc_transfer_decode(insn);
}

static void run(vs_cpu* cpu, vs_exit* out) {
  cpu->missed = false;
  cpu->arm64.stopped = false;
  cpu->at = cpu->pc;
  // No `until`: exits are enabled and there are none, so this argument means nothing.
  const uc_err error = uc_emu_start(cpu->uc, cpu->pc, 0, 0, 0);
  const bool waits = error == UC_ERR_OK && !cpu->arm64.stopped;
  cpu->pc = waits ? vs_uc_register(cpu, UC_ARM64_REG_PC) : cpu->at;
  if (error == UC_ERR_OK) {
    out->kind = waits ? VS_EXIT_HALT : VS_EXIT_ATTENTION;
  } else if (cpu->missed && (cpu->missed_type == UC_MEM_READ_UNMAPPED ||
                             cpu->missed_type == UC_MEM_WRITE_UNMAPPED)) {
    *out = (vs_exit){.kind = VS_EXIT_MEMORY,
                     .address = cpu->missed_addr,
                     .read = cpu->missed_type == UC_MEM_READ_UNMAPPED};
    cpu->arm64.transfer = transfer_at(cpu, cpu->at);
  }
}

static uint64_t stored(const vs_cpu* cpu, uint8_t xt) {
  int ids[GENERAL];
  name_general(ids);
  return xt < GENERAL ? vs_uc_register(cpu, ids[xt]) : 0;
}

// The guest is at its load or store. Without a trap it stays there; with one it is moved behind it.
static zx_status_t finish(vs_cpu* cpu, const vs_exit* at, bool trapped, zx_port_packet_t* packet) {
  const vs_uc_transfer* transfer = &cpu->arm64.transfer;
  if (!trapped) return ZX_OK;
  cpu->pc += INSN_BYTES;
  if (packet == NULL) return ZX_OK;
  if (!transfer->known) return ZX_ERR_IO_DATA_INTEGRITY;
  zx_packet_guest_mem_arm64_t* mem = &packet->guest_mem_arm64;
  packet->type = ZX_PKT_TYPE_GUEST_MEM;
  mem->addr = at->address;
  mem->access_size = transfer->access_size;
  mem->sign_extend = transfer->sign_extend;
  mem->xt = transfer->xt;
  mem->read = transfer->read;
  if (!transfer->read) mem->data = stored(cpu, transfer->xt);
  return ZX_OK;
}

// ---- Interrupts. An edge each: the guest has nothing to acknowledge it to.

static bool takes(const vs_cpu* cpu, vs_delivery how) {
  (void)how;
  return (vs_uc_register(cpu, UC_ARM64_REG_PSTATE) & irq_masked) == 0;
}

static zx_status_t deliver(vs_cpu* cpu, vs_delivery how, uint8_t vector) {
  enum { IRQ = 0x80, OF_OWN_STACK = 0x200 };
  (void)how, (void)vector;
  const uint64_t pstate = vs_uc_register(cpu, UC_ARM64_REG_PSTATE);
  uc_arm64_cp_reg spsr = {.op0 = 3, .crn = 4, .val = pstate};  // SPSR_EL1
  vs_uc_set_register(cpu, UC_ARM64_REG_ELR_EL1, cpu->pc);
  if (uc_reg_write(cpu->uc, UC_ARM64_REG_CP_REG, &spsr) != UC_ERR_OK) return ZX_ERR_NOT_SUPPORTED;
  vs_uc_set_register(cpu, UC_ARM64_REG_PSTATE, initial_pstate);
  cpu->pc = vs_uc_register(cpu, UC_ARM64_REG_VBAR_EL1) + IRQ +
            ((pstate & own_stack_pointer) != 0 ? OF_OWN_STACK : 0);
  return ZX_OK;
}

static void watch(vs_cpu* cpu, bool wanted) {
  cpu->arm64.watching = wanted;
}

// ---- Life.

static bool set_up(vs_cpu* cpu) {
  zx_vcpu_state_arm64_t zero = {.x = {0}};
  if (!vs_uc_hook(cpu, on_instruction)) return false;
  uc_reg_write(cpu->uc, UC_ARM64_REG_PSTATE, &initial_pstate);
  write_all(cpu, &zero, 0);
  cpu->can_run = true;
  return true;
}

static bool open(vs_cpu* cpu, uint64_t entry) {
  (void)entry;
  if (!vs_uc_begin(cpu, UC_ARCH_ARM64, UC_MODE_ARM)) return false;
  if (set_up(cpu)) return true;
  uc_close(cpu->uc);
  return false;
}

#define ARM64_ROW(write_function, beyond_status, resource_status) \
  {                                                               \
    .row = {VS_UC_ALIKE,                                          \
            .arch = VS_ARCH_ARM64,                                \
            .cpus = VCPUS,                                        \
            .aspace_bits = ASPACE_BITS,                           \
            .wakes_masked = true,                                 \
            .page_tables = UINT64_MAX,                            \
            .lone_page = UINT64_MAX,                              \
            .beyond = (beyond_status),                            \
            .other_resource = (resource_status),                  \
            .state_size = sizeof(zx_vcpu_state_arm64_t),          \
            .finish = finish,                                     \
            .takes = takes,                                       \
            .deliver = deliver,                                   \
            .watch = watch,                                       \
            .read = read_state,                                   \
            .write = (write_function)},                           \
    .open = open, .run = run                                      \
  }

// Published kernels take the memory away first, and there what is beyond it is a bad argument; a
// resource of another kind is of the wrong type.
const vs_uc_arch vs_uc_arm64 = ARM64_ROW(write_state, ZX_ERR_OUT_OF_RANGE, ZX_ERR_ACCESS_DENIED);
const vs_uc_arch vs_uc_arm64_zircon =
    ARM64_ROW(write_state_zircon, ZX_ERR_INVALID_ARGS, ZX_ERR_WRONG_TYPE);
