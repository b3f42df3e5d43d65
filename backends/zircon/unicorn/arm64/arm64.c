// SPDX-License-Identifier: BSD-3-Clause
// arm64 vCPUs: registers, accesses to traps on memory, and calls to the firmware.
#include <string.h>

#include "arm64/exception.h"
#include "cpu.h"

enum { GENERAL = 31, VCPUS = 8, ASPACE_BITS = 36, INSN_BYTES = 4 };

static const uint64_t user_flags = 0xf0000000;  // N Z C V

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
  ids[GENERAL] = (pstate & VS_UC_PSTATE_OWN_STACK) != 0 ? UC_ARM64_REG_SP : UC_ARM64_REG_SP_EL1;
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

// The run ends at an exception of the guest's own.
static void on_exception(uc_engine* uc, uint32_t number, void* data) {
  vs_cpu* cpu = data;
  if (!cpu->arm64.has_raised) cpu->arm64.raised = number;
  cpu->arm64.has_raised = true;
  uc_emu_stop(uc);
}

static bool is_el0(const vs_cpu* cpu) {
  return (vs_uc_register(cpu, UC_ARM64_REG_PSTATE) & VS_UC_PSTATE_EL) == 0;
}

static uint32_t insn_at(vs_cpu* cpu, uint64_t address) {
  const vs_arm64_access access = {.address = address, .from_el0 = is_el0(cpu)};
  uint32_t insn = 0, fault;
  uint64_t gpa;
  if (!vs_uc_arm64_translate(cpu, &access, &gpa, &fault)) return 0;
  return uc_mem_read(cpu->uc, gpa, &insn, INSN_BYTES) == UC_ERR_OK ? insn : 0;
}

// Arm Power State Coordination Interface. What is not there is answered so.
static bool call_firmware(vs_cpu* cpu, vs_exit* out) {
  enum { OK = 0, NOT_SUPPORTED = -1, VERSION_0_2 = 2 };
  const uint32_t VERSION = 0x84000000, CPU_ON = 0x84000003, OFF = 0x84000008, RESET = 0x84000009,
                 WIDE = 0x40000000;
  const uint32_t function = (uint32_t)vs_uc_register(cpu, UC_ARM64_REG_X0);
  int64_t answer = function == VERSION ? VERSION_0_2 : NOT_SUPPORTED;
  if (function == OFF || function == RESET) {
    out->status = function == OFF ? ZX_ERR_UNAVAILABLE : ZX_ERR_CANCELED;
    return false;
  }
  const bool starts = (function & ~WIDE) == CPU_ON;
  if (starts) {
    *out = (vs_exit){.kind = VS_EXIT_STARTUP,
                     .value = vs_uc_register(cpu, UC_ARM64_REG_X1),
                     .address = vs_uc_register(cpu, UC_ARM64_REG_X2)};
    answer = OK;
  }
  vs_uc_set_register(cpu, UC_ARM64_REG_X0, (uint64_t)answer);
  return !starts;
}

// ---- Interrupts: an edge each. Of the registers of a GIC there are those by which a guest
// acknowledges one, as a guest reads and writes them at EL1.

enum { NO_INTERRUPT = 1023 };

static bool takes(const vs_cpu* cpu, vs_delivery how) {
  (void)how;
  return (vs_uc_register(cpu, UC_ARM64_REG_PSTATE) & VS_UC_PSTATE_IRQ) == 0;
}

static zx_status_t deliver(vs_cpu* cpu, vs_delivery how, uint8_t vector) {
  (void)how;
  cpu->arm64.interrupt = vector;
  return vs_uc_arm64_interrupt(cpu) ? ZX_OK : ZX_ERR_NOT_SUPPORTED;
}

static void watch(vs_cpu* cpu, bool wanted) {
  cpu->arm64.watching = wanted;
}

// The library has no such registers. True: it was one of them, and the guest goes on behind it.
static bool acknowledge(vs_cpu* cpu, uint32_t insn) {
  const uint32_t READ_IAR1 = 0xd538cc00, WRITE_EOIR1 = 0xd518cc20, REGISTER = 31;
  const bool reads = (insn & ~REGISTER) == READ_IAR1;
  if (!reads && (insn & ~REGISTER) != WRITE_EOIR1) return false;
  if (reads && (insn & REGISTER) < GENERAL) {
    int ids[GENERAL];
    name_general(ids);
    vs_uc_set_register(cpu, ids[insn & REGISTER], cpu->arm64.interrupt);
  }
  if (reads) cpu->arm64.interrupt = NO_INTERRUPT;
  cpu->pc += INSN_BYTES;
  return true;
}

// ---- What a run ends with.

// The library has an SMC behind it, and takes HVC for an undefined instruction.
static bool raised(vs_cpu* cpu, vs_exit* out) {
  enum { UNDEFINED = 1, SMC = 13 };
  const uint32_t HVC = 0xd4000002, ANY_HVC = 0xffe0001f;
  cpu->pc = vs_uc_register(cpu, UC_ARM64_REG_PC);
  if (cpu->arm64.raised == SMC) return call_firmware(cpu, out);
  const uint32_t insn = cpu->arm64.raised == UNDEFINED && !is_el0(cpu) ? insn_at(cpu, cpu->pc) : 0;
  if (acknowledge(cpu, insn)) return true;
  if ((insn & ANY_HVC) == HVC) {
    cpu->pc += INSN_BYTES;
    return call_firmware(cpu, out);
  }
  return vs_uc_arm64_raised(cpu, cpu->arm64.raised);
}

// The library translates addresses, but asks before that whether there is memory at them, as if
// they were guest-physical. Where none can be guest-physical the page is put there as well.
static bool show_page(vs_cpu* cpu, uint64_t address, const vs_stretch* s, uint64_t gpa) {
  const uint64_t page = address / VS_ENGINE_PAGE * VS_ENGINE_PAGE;
  const vs_stretch view = {.gpa = page,
                           .size = VS_ENGINE_PAGE,
                           .host = s->host + (gpa - s->gpa) / VS_ENGINE_PAGE * VS_ENGINE_PAGE,
                           .perms = s->perms};
  return address >> ASPACE_BITS != 0 && vs_uc_add_view(cpu, &view);
}

// An access for which the library has no memory. True: the guest goes on.
static bool missed(vs_cpu* cpu, vs_exit* out) {
  const uc_mem_type type = cpu->missed_type;
  const bool fetch = type == UC_MEM_FETCH_UNMAPPED;
  const vs_arm64_access access = {
      .address = cpu->missed_addr, .write = type == UC_MEM_WRITE_UNMAPPED, .from_el0 = is_el0(cpu)};
  uint64_t gpa;
  uint32_t fault;
  if (!fetch && type != UC_MEM_READ_UNMAPPED && !access.write) return false;  // of no permission
  if (fetch) cpu->pc = vs_uc_register(cpu, UC_ARM64_REG_PC);
  if (!vs_uc_arm64_translate(cpu, &access, &gpa, &fault))
    return vs_uc_arm64_abort(cpu, &access, fetch, fault);
  const vs_stretch* s = vs_uc_find_stretch(cpu, gpa);
  if (s != NULL) {
    out->status = ZX_ERR_NOT_SUPPORTED;
    return show_page(cpu, access.address, s, gpa);
  }
  if (fetch) return false;
  *out = (vs_exit){.kind = VS_EXIT_MEMORY, .address = gpa, .read = !access.write};
  cpu->arm64.transfer = vs_uc_transfer_decode(insn_at(cpu, cpu->at));
  return false;
}

// True: the guest goes on.
static bool run_on(vs_cpu* cpu, vs_exit* out) {
  *out = (vs_exit){.kind = VS_EXIT_STATUS, .status = ZX_ERR_BAD_STATE};
  cpu->missed = false;
  cpu->arm64.stopped = cpu->arm64.has_raised = false;
  cpu->at = cpu->pc;
  // No `until`: exits are enabled and there are none, so this argument means nothing.
  const uc_err error = uc_emu_start(cpu->uc, cpu->pc, 0, 0, 0);
  if (cpu->arm64.has_raised) return raised(cpu, out);
  const bool waits = error == UC_ERR_OK && !cpu->arm64.stopped;
  cpu->pc = waits ? vs_uc_register(cpu, UC_ARM64_REG_PC) : cpu->at;
  if (error == UC_ERR_OK) out->kind = waits ? VS_EXIT_HALT : VS_EXIT_ATTENTION;
  return error != UC_ERR_OK && cpu->missed && missed(cpu, out);
}

static void run(vs_cpu* cpu, vs_exit* out) {
  while (run_on(cpu, out)) {
    if (!vs_uc_is_wanted(cpu)) continue;
    out->kind = VS_EXIT_ATTENTION;
    break;
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

// ---- Life.

// Without this EL1 is of 32 bits for Unicorn, and so are its page tables.
static bool set_el1_to_64bit(vs_cpu* cpu) {
  enum { RW = 0x400, ALWAYS = 0x30 };
  uc_arm64_cp_reg scr = {.op0 = 3, .op1 = 6, .crn = 1, .crm = 1, .val = RW | ALWAYS};  // SCR_EL3
  return uc_reg_write(cpu->uc, UC_ARM64_REG_CP_REG, &scr) == UC_ERR_OK;
}

static bool set_up(vs_cpu* cpu) {
  zx_vcpu_state_arm64_t zero = {.x = {0}};
  uc_hook hook;
  vs_uc_arm64_find();
  if (!vs_uc_hook(cpu, on_instruction) || !set_el1_to_64bit(cpu)) return false;
  if (uc_hook_add(cpu->uc, &hook, UC_HOOK_INTR, (void*)on_exception, cpu, 1, 0) != UC_ERR_OK)
    return false;
  vs_uc_set_register(cpu, UC_ARM64_REG_PSTATE, VS_UC_PSTATE_START);
  write_all(cpu, &zero, 0);
  cpu->arm64.interrupt = NO_INTERRUPT;
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
