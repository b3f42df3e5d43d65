// SPDX-License-Identifier: BSD-3-Clause
// x86-64 vCPUs: registers, and the instructions at which a guest leaves.
#include <string.h>

#include "cpu.h"
#include "x64/inside.h"
#include "x64/interrupt.h"
#include "x64/real_mode.h"
#include "x64/system.h"

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

static void read_registers(const vs_cpu* cpu, zx_vcpu_state_x64_t* state) {
  void* words[REGISTERS];
  *state = (zx_vcpu_state_x64_t){0};
  for (int i = 0; i < REGISTERS; i++) words[i] = (uint64_t*)state + i;
  uc_reg_read_batch(cpu->uc, register_ids, words, REGISTERS);
}

static void write_registers(vs_cpu* cpu, zx_vcpu_state_x64_t* state) {
  void* words[REGISTERS];
  for (int i = 0; i < REGISTERS; i++) words[i] = (uint64_t*)state + i;
  uc_reg_write_batch(cpu->uc, register_ids, words, REGISTERS);
}

static zx_status_t read_state(vs_cpu* cpu, void* out) {
  zx_vcpu_state_x64_t* state = out;
  read_registers(cpu, state);
  state->rflags &= user_flags;
  return ZX_OK;
}

static zx_status_t write_state(vs_cpu* cpu, const void* in) {
  zx_vcpu_state_x64_t state = *(const zx_vcpu_state_x64_t*)in;
  const uint64_t old = vs_uc_register(cpu, UC_X86_REG_RFLAGS);
  const uint64_t mask = (state.rflags & flags_gate) != 0 ? user_flags : 0;
  state.rflags = (old & ~mask) | (state.rflags & mask);
  write_registers(cpu, &state);
  return ZX_OK;
}

// The low bytes of RAX are replaced, the others stay, whatever the size: nothing is extended.
static zx_status_t write_io(vs_cpu* cpu, const zx_vcpu_io_t* io) {
  switch (io->access_size) {
    case 1:
    case 2:
    case 4:
      break;
    default:
      return ZX_ERR_INVALID_ARGS;
  }
  uint64_t rax = vs_uc_register(cpu, UC_X86_REG_RAX);
  memcpy(&rax, io->data, io->access_size);
  vs_uc_set_register(cpu, UC_X86_REG_RAX, rax);
  return ZX_OK;
}

// ---- Running.

// The bytes of an instruction that is not within the window, which moves to where its last byte is;
// two views may share it. False: not all of them are seen.
static bool fetch(vs_cpu* cpu, uint64_t address, uint32_t size, uint8_t* bytes) {
  for (uint32_t i = 0; i < size; i++) {
    const vs_stretch* view = vs_uc_find_view(cpu, address + i);
    if (view == NULL) return false;
    cpu->x64.window.address = view->gpa;
    cpu->x64.window.span = view->size - VS_UC_INSN_LONGEST;
    cpu->x64.window.bytes = view->host;
    bytes[i] = view->host[address + i - view->gpa];
  }
  return true;
}

static vs_uc_after after(const vs_uc_insn* insn) {
  if (insn->kind == VS_UC_INSN_CPUID) return VS_UC_AFTER_CPUID;
  return insn->op == 0 ? VS_UC_AFTER_RING : VS_UC_AFTER_PAGES;
}

// HLT ends the run by itself, with RIP behind it as it should be.
static void stop_if_leaving(vs_cpu* cpu, const uint8_t* bytes, uint32_t size) {
  vs_uc_insn* insn = &cpu->x64.insn;
  *insn = vs_uc_insn_decode(bytes, size, cpu->x64.is_16bit);
  switch (insn->kind) {
    case VS_UC_INSN_CPUID:
      cpu->x64.leaf = (uint32_t)vs_uc_register(cpu, UC_X86_REG_RAX);
      // fall through
    case VS_UC_INSN_AFTER:
      if (!cpu->x64.is_16bit) cpu->x64.after = after(insn);
      insn->kind = VS_UC_INSN_OTHER;
      return;
    case VS_UC_INSN_SYSTEM:
      if (vs_uc_x64_is_system(cpu, insn)) break;
      insn->kind = VS_UC_INSN_OTHER;
      return;
    case VS_UC_INSN_OTHER:
    case VS_UC_INSN_HLT:
      return;
    default:
      break;
  }
  uc_emu_stop(cpu->uc);
}

// Whatever is there may be read as an instruction.
static const uint8_t* in_window(const vs_cpu* cpu, uint64_t address) {
  const uint64_t at = address - cpu->x64.window.address;
  return at < cpu->x64.window.span ? cpu->x64.window.bytes + at : NULL;
}

static bool has_to_end(vs_cpu* cpu) {
  return vs_uc_is_wanted(cpu) || cpu->x64.after != VS_UC_AFTER_NOTHING ||
         (cpu->x64.watching && vs_uc_x64_lets_in(cpu));
}

__attribute__((noinline)) static void look_closer(vs_cpu* cpu, uint64_t address, uint32_t size) {
  uint8_t bytes[VS_UC_INSN_LONGEST];
  const uint8_t* seen = in_window(cpu, address);
  if (has_to_end(cpu)) {
    uc_emu_stop(cpu->uc);
    return;
  }
  // Unicorn gives an invalid instruction an absurd size, and reports it by itself.
  if (size == 0 || size > sizeof bytes) return;
  if (seen == NULL && fetch(cpu, address, size, bytes)) seen = bytes;
  if (seen != NULL) stop_if_leaving(cpu, seen, size);
}

// Before every instruction: uc_emu_stop takes effect here, whereas in the hooks for IN and OUT the
// rest of the translated block would still run. This is what Unicorn costs here that it does not
// elsewhere, so that most instructions are told from others by a glance.
static void on_instruction(uc_engine* uc, uint64_t address, uint32_t size, void* data) {
  vs_cpu* cpu = data;
  const uint8_t* seen = in_window(cpu, address);
  (void)uc;
  cpu->at = address;
  cpu->size = size;
  if (vs_uc_is_wanted(cpu) || cpu->x64.after != VS_UC_AFTER_NOTHING || cpu->x64.watching ||
      seen == NULL || vs_uc_insn_may_leave(seen))
    look_closer(cpu, address, size);
}

// The library ends the run at an exception of the guest's own, but for an invalid instruction only
// if there is such a hook.
static void on_exception(uc_engine* uc, uint32_t number, void* data) {
  vs_cpu* cpu = data;
  if (cpu->x64.raised < 0) cpu->x64.raised = (int)number;
  uc_emu_stop(uc);
}

// ---- Why a run has ended. True: the guest goes on.

static bool goes_on(zx_status_t status, vs_exit* out) {
  *out = (vs_exit){.kind = VS_EXIT_STATUS, .status = status};
  return status == ZX_OK;
}

static bool met_nothing(const vs_cpu* cpu, uint64_t gpa, vs_exit* out) {
  const bool read = cpu->missed_type == UC_MEM_READ_UNMAPPED;
  if (read || cpu->missed_type == UC_MEM_WRITE_UNMAPPED)
    *out = (vs_exit){.kind = VS_EXIT_MEMORY, .address = gpa, .read = read};
  return false;
}

// The library had no memory for an access: there may be a page.
static bool missed(vs_cpu* cpu, vs_exit* out) {
  uint64_t gpa = cpu->missed_addr;
  vs_uc_fault fault;
  if (!cpu->has_pages) return met_nothing(cpu, gpa, out);
  switch (vs_uc_x64_meet(cpu, &gpa, &fault)) {
    case VS_UC_FOUND:
      return true;
    case VS_UC_MISSING:
      return met_nothing(cpu, gpa, out);
    case VS_UC_FAULT:
      return goes_on(vs_uc_x64_fault(cpu, &fault), out);
    default:
      return false;
  }
}

// Some that Unicorn's processor does not know are done here.
static bool is_invalid(vs_cpu* cpu, vs_exit* out) {
  uint8_t bytes[VS_UC_INSN_LONGEST];
  size_t size = 0;
  if (cpu->x64.is_16bit) return false;
  while (size < sizeof bytes && fetch(cpu, cpu->pc + size, 1, bytes + size)) size++;
  cpu->x64.insn = vs_uc_insn_decode(bytes, size, false);
  if (cpu->x64.insn.kind == VS_UC_INSN_SYSTEM) return vs_uc_x64_system(cpu, out);
  return goes_on(vs_uc_x64_raise(cpu, (vs_uc_event){.vector = VS_UC_UNDEFINED}), out);
}

// A guest may have IN and OUT below ring 0 if its flags say so.
static bool may_use_ports(const vs_cpu* cpu) {
  enum { IOPL = 3 << 12 };
  return !cpu->x64.user || (vs_uc_register(cpu, UC_X86_REG_RFLAGS) & IOPL) == IOPL;
}

static bool stopped(vs_cpu* cpu, vs_exit* out) {
  const vs_uc_insn* insn = &cpu->x64.insn;
  switch (insn->kind) {
    case VS_UC_INSN_IO:
      if (!may_use_ports(cpu)) return goes_on(vs_uc_x64_protect(cpu), out);
      out->kind = VS_EXIT_PORT;
      out->address = insn->port_in_dx ? (uint16_t)vs_uc_register(cpu, UC_X86_REG_RDX) : insn->port;
      return false;
    case VS_UC_INSN_STRING_IO:
      out->status = ZX_ERR_NOT_SUPPORTED;
      return false;
    case VS_UC_INSN_HLT:
      out->kind = VS_EXIT_HALT;
      return false;
    case VS_UC_INSN_SYSTEM:
      return vs_uc_x64_system(cpu, out);
    case VS_UC_INSN_INVALID:
      return is_invalid(cpu, out);
    default:
      break;
  }
  const bool was_after = cpu->x64.after != VS_UC_AFTER_NOTHING;
  vs_uc_x64_after(cpu);
  out->kind = VS_EXIT_ATTENTION;
  return was_after;
}

// Behind an HLT, and at what 64-bit code has done wrong, Unicorn knows best. Where the hook stopped
// a run, the hook knows; in real mode Unicorn's RIP is then the linear address, from which CS.base
// has to go.
static uint64_t next_rip(const vs_cpu* cpu, uc_err error) {
  const bool wrong = error != UC_ERR_OK || cpu->x64.raised >= 0;
  if (cpu->x64.insn.kind == VS_UC_INSN_HLT || (wrong && !cpu->x64.is_16bit)) {
    return vs_uc_register(cpu, UC_X86_REG_RIP);
  }
  if (!cpu->x64.is_16bit) return cpu->at;
  return cpu->at - (vs_uc_register(cpu, UC_X86_REG_CS) << 4);
}

static bool run_on(vs_cpu* cpu, vs_exit* out) {
  *out = (vs_exit){.kind = VS_EXIT_STATUS, .status = ZX_ERR_BAD_STATE};
  cpu->missed = false;
  cpu->x64.raised = -1;
  cpu->x64.insn.kind = VS_UC_INSN_OTHER;
  cpu->at = cpu->pc;
  if (cpu->x64.is_16bit) cpu->at += vs_uc_register(cpu, UC_X86_REG_CS) << 4;
  // No `until`: exits are enabled and there are none, so this argument means nothing.
  const uc_err error = uc_emu_start(cpu->uc, cpu->pc, 0, 0, 0);
  cpu->pc = next_rip(cpu, error);
  if (cpu->missed) return missed(cpu, out);
  if (cpu->x64.raised >= 0)
    return !cpu->x64.is_16bit && goes_on(vs_uc_x64_raised(cpu, (uint8_t)cpu->x64.raised), out);
  if (error == UC_ERR_INSN_INVALID) return is_invalid(cpu, out);
  return error == UC_ERR_OK && stopped(cpu, out);
}

static void run(vs_cpu* cpu, vs_exit* out) {
  while (run_on(cpu, out)) {
    if (!vs_uc_is_wanted(cpu)) continue;
    out->kind = VS_EXIT_ATTENTION;
    break;
  }
}

// The guest is before its IN or OUT. Without a trap it stays there; with one it is moved behind it,
// and an IN of four bytes clears RAX now, since the later write of ZX_VCPU_IO extends nothing.
static void finish_port(vs_cpu* cpu, uint16_t port, zx_port_packet_t* packet) {
  const vs_uc_insn* insn = &cpu->x64.insn;
  zx_packet_guest_io_t* io = &packet->guest_io;
  packet->type = ZX_PKT_TYPE_GUEST_IO;
  io->port = port;
  io->access_size = insn->access_size;
  io->input = insn->input;
  cpu->pc += insn->length;
  if (!insn->input) {
    const uint64_t rax = vs_uc_register(cpu, UC_X86_REG_RAX);
    memcpy(io->data, &rax, insn->access_size);
  } else if (insn->access_size == 4) {
    vs_uc_set_register(cpu, UC_X86_REG_RAX, 0);
  }
}

static void finish_memory(vs_cpu* cpu, uint64_t address, zx_port_packet_t* packet) {
  const uint64_t at = cpu->pc;
  cpu->pc += cpu->size;
  if (packet == NULL) return;
  packet->type = ZX_PKT_TYPE_GUEST_MEM;
  packet->guest_mem_x64 = (zx_packet_guest_mem_x64_t){
      .addr = address,
      .cr3 = vs_uc_register(cpu, UC_X86_REG_CR3),
      .rip = at,
      .instruction_size = (uint8_t)cpu->size,
      .default_operand_size = cpu->x64.is_16bit ? 2 : 4,
  };
}

// Of an interrupt that cannot be sent, an exception.
static zx_status_t finish(vs_cpu* cpu, const vs_exit* at, bool trapped, zx_port_packet_t* packet) {
  if (at->kind == VS_EXIT_ICR) {
    if (!trapped) return vs_uc_x64_protect(cpu);
    cpu->pc += cpu->x64.insn.length;
    return ZX_OK;
  }
  if (trapped && at->kind == VS_EXIT_PORT) finish_port(cpu, (uint16_t)at->address, packet);
  if (trapped && at->kind == VS_EXIT_MEMORY) finish_memory(cpu, at->address, packet);
  return ZX_OK;
}

// ---- Life.

// Whether a segment can start at an entry.
static bool has_real_mode(uint64_t entry) {
  return entry < 0x100000 && entry % 16 == 0;
}

// What a published guest has: paging with the tables at 0, and everything above in EFER.
static void set_up_64bit(vs_cpu* cpu) {
  const uint64_t PE = 1, ET = 0x10, WP = 0x10000;
  const uint64_t PAE = 0x20, PGE = 0x80, OSFXSR = 0x200, FSGSBASE = 0x10000;
  const uint64_t SCE = 1, LME = 0x100, LMA = 0x400, NXE = 0x800;
  const uc_x86_mmr table = {.limit = 0xffff};
  cpu->has_pages = cpu->x64.paging = true;
  cpu->x64.efer = SCE | LME | LMA | NXE;
  vs_uc_set_register(cpu, UC_X86_REG_CR4, PAE | PGE | OSFXSR | FSGSBASE);
  vs_uc_set_register(cpu, UC_X86_REG_CR0, PE | ET | WP);
  uc_reg_write(cpu->uc, UC_X86_REG_IDTR, &table);
  uc_reg_write(cpu->uc, UC_X86_REG_GDTR, &table);
}

static bool hook_exceptions(vs_cpu* cpu) {
  uc_hook hook;
  return uc_hook_add(cpu->uc, &hook, UC_HOOK_INTR, (void*)on_exception, cpu, 1, 0) == UC_ERR_OK;
}

// Number 0 starts in 64-bit mode, the others in real mode with CS.base = entry.
static bool set_up(vs_cpu* cpu, uint64_t entry) {
  vs_uc_inside_find();
  cpu->x64.is_16bit = cpu->number != 0 && has_real_mode(entry);
  cpu->can_run = cpu->number == 0 || cpu->x64.is_16bit;
  if (cpu->x64.is_16bit) {
    cpu->pc = 0;
    if (!vs_uc_real_mode(cpu->uc, (uint16_t)(entry >> 4))) return false;
  } else {
    set_up_64bit(cpu);
  }
  if (!vs_uc_hook(cpu, on_instruction) || !hook_exceptions(cpu)) return false;
  // Unicorn starts with the processor's identification in RDX.
  write_registers(cpu, &(zx_vcpu_state_x64_t){.rflags = 2});
  return true;
}

static bool open(vs_cpu* cpu, uint64_t entry) {
  if (!vs_uc_begin(cpu, UC_ARCH_X86, UC_MODE_64)) return false;
  if (set_up(cpu, entry)) return true;
  uc_close(cpu->uc);
  return false;
}

const vs_uc_arch vs_uc_x64 = {
    .row = {VS_UC_ALIKE, .arch = VS_ARCH_X64, .cpus = VCPUS, .aspace_bits = ASPACE_BITS,
            .has_ports = true, .must_have_memory = true, .page_tables = 0,
            .lone_page = 0xfee00000,  // the local APIC's
            .beyond = ZX_ERR_OUT_OF_RANGE, .other_resource = ZX_ERR_ACCESS_DENIED,
            .state_size = sizeof(zx_vcpu_state_x64_t), .finish = finish, .takes = vs_uc_x64_takes,
            .deliver = vs_uc_x64_deliver, .watch = vs_uc_x64_watch, .read = read_state,
            .write = write_state, .write_io = write_io},
    .open = open,
    .run = run,
};
