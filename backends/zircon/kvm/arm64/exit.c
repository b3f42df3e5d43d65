// SPDX-License-Identifier: BSD-3-Clause
// Why an arm64 guest left, in the words of zx_vcpu_enter.
//
// A load or store where there is no memory leaves an instruction that KVM completes on its next
// KVM_RUN: the data of a load then goes over whatever was written to the register in between, and
// pc moves on from wherever it is by then. So it is completed here, and what it did to registers is
// taken back; a caller's write then meets a vCPU with nothing pending.
//
// KVM tells the address, the size and the direction, and of a store the data. Which register it is
// stands in the instruction (insn.h), which is fetched from the guest's memory.
#include <asm/ptrace.h>

#include "arm64/arm64.h"
#include "arm64/insn.h"
#include "arm64_tables.h"

#define TTBR0_EL1 ARM64_SYS_REG(3, 0, 2, 0, 0)
#define TTBR1_EL1 ARM64_SYS_REG(3, 0, 2, 0, 1)
#define TCR_EL1 ARM64_SYS_REG(3, 0, 2, 0, 2)
#define ZERO_REGISTER 31u
#define PSTATE_T32 (UINT64_C(1) << 5)

static bool read_table(void* context, uint64_t gpa, uint64_t* out) {
  return vs_kvm_fetch(context, gpa, out, sizeof(*out));
}

static int get_tables(const vs_cpu* cpu, vs_arm64_tables* t) {
  int result = vs_kvm_arm64_get(cpu, SCTLR_EL1, &t->sctlr);
  if (result < 0 || (t->sctlr & 1) == 0) return result;
  result = vs_kvm_arm64_get(cpu, TCR_EL1, &t->tcr);
  if (result >= 0) result = vs_kvm_arm64_get(cpu, TTBR0_EL1, &t->ttbr0);
  return result < 0 ? result : vs_kvm_arm64_get(cpu, TTBR1_EL1, &t->ttbr1);
}

// An instruction set is PSTATE's; the instruction is wherever the guest's page tables have it.
typedef struct {
  uint64_t pc;
  vs_kvm_arm64_isa isa;
  uint32_t insn;
} fetched_insn;

static bool fetch_at(const vs_cpu* cpu, uint64_t pc, void* out, size_t size) {
  vs_arm64_tables tables = {.read = read_table, .context = cpu->vm};
  const vs_arm64_access access = {.address = pc};
  uint64_t gpa;
  uint32_t fault;
  return get_tables(cpu, &tables) >= 0 && vs_arm64_translate(&tables, &access, &gpa, &fault) &&
         vs_kvm_fetch(cpu->vm, gpa, out, size);
}

// T32 comes in halfwords, of which the second may be on another page.
static bool fetch_t32(const vs_cpu* cpu, fetched_insn* at) {
  uint16_t half[2] = {0};
  if (!fetch_at(cpu, at->pc, &half[0], sizeof half[0])) return false;
  if (vs_kvm_arm64_is_wide(half[0]) &&
      !fetch_at(cpu, at->pc + sizeof half[0], &half[1], sizeof half[1]))
    return false;
  at->insn = half[0] | (uint32_t)half[1] << 16;
  return true;
}

// False: it cannot be fetched.
static bool fetch(const vs_cpu* cpu, fetched_insn* at) {
  uint64_t pstate;
  if (vs_kvm_arm64_get(cpu, VS_KVM_ARM64_PSTATE, &pstate) < 0) return false;
  at->isa = VS_KVM_ARM64_A64;
  if (pstate & PSR_MODE32_BIT) at->isa = pstate & PSTATE_T32 ? VS_KVM_ARM64_T32 : VS_KVM_ARM64_A32;
  if (at->isa == VS_KVM_ARM64_T32) return fetch_t32(cpu, at);
  return fetch_at(cpu, at->pc, &at->insn, sizeof at->insn);
}

static int save(const vs_cpu* cpu, uint64_t* x) {
  int result = 0;
  for (unsigned i = 0; i < VS_KVM_ARM64_GENERAL && result >= 0; i++) {
    result = vs_kvm_arm64_get(cpu, VS_KVM_ARM64_X(i), &x[i]);
  }
  return result;
}

// Puts back what a completed load has changed.
static int restore(const vs_cpu* cpu, const uint64_t* x) {
  int result = 0;
  for (unsigned i = 0; i < VS_KVM_ARM64_GENERAL && result >= 0; i++) {
    result = vs_kvm_arm64_set(cpu, VS_KVM_ARM64_X(i), x[i]);
  }
  return result;
}

// All registers but pc are as they were before.
static int complete(vs_cpu* cpu) {
  uint64_t x[VS_KVM_ARM64_GENERAL];
  if (cpu->run->mmio.is_write) return vs_kvm_settle(cpu);
  int result = save(cpu, x);
  if (result >= 0) result = vs_kvm_settle(cpu);
  return result < 0 ? result : restore(cpu, x);
}

static int describe(const vs_cpu* cpu, const vs_kvm_arm64_transfer* transfer,
                    zx_packet_guest_mem_arm64_t* mem) {
  mem->addr = cpu->run->mmio.phys_addr;
  mem->access_size = (uint8_t)cpu->run->mmio.len;
  mem->xt = transfer->xt;
  mem->read = !cpu->run->mmio.is_write;
  mem->sign_extend = mem->read && transfer->sign_extend;
  if (mem->read || mem->xt == ZERO_REGISTER) return 0;
  return vs_kvm_arm64_get(cpu, VS_KVM_ARM64_X(mem->xt), &mem->data);
}

// Without a trap the guest stays at its load or store; with one it is moved behind it.
static zx_status_t finish_mmio(vs_cpu* cpu, bool trapped, zx_port_packet_t* packet) {
  fetched_insn at;
  vs_kvm_arm64_transfer transfer = {.known = false};
  const bool told = trapped && packet != NULL;
  zx_packet_guest_mem_arm64_t mem = {0};
  int result = vs_kvm_arm64_get(cpu, VS_KVM_ARM64_PC, &at.pc);
  if (result < 0) return vs_kvm_status(result);
  if (told && fetch(cpu, &at)) transfer = vs_kvm_arm64_transfer_of(at.isa, at.insn);
  if (transfer.known) result = describe(cpu, &transfer, &mem);
  if (result >= 0) result = complete(cpu);
  if (result >= 0 && !trapped) result = vs_kvm_arm64_set(cpu, VS_KVM_ARM64_PC, at.pc);
  if (result < 0 || !told) return vs_kvm_status(result);
  packet->type = ZX_PKT_TYPE_GUEST_MEM;
  packet->guest_mem_arm64 = mem;
  return transfer.known ? ZX_OK : ZX_ERR_IO_DATA_INTEGRITY;
}

// An access that the processor does not describe: of two registers, with write-back, exclusive or
// atomic. KVM leaves the guest at it.
static zx_status_t finish_undescribed(vs_cpu* cpu, bool trapped, bool told) {
  uint64_t pc;
  if (!trapped) return ZX_OK;
  int result = vs_kvm_arm64_get(cpu, VS_KVM_ARM64_PC, &pc);
  if (result >= 0) result = vs_kvm_arm64_set(cpu, VS_KVM_ARM64_PC, pc + VS_KVM_ARM64_INSN);
  if (result < 0 || !told) return vs_kvm_status(result);
  return ZX_ERR_IO_DATA_INTEGRITY;
}

zx_status_t vs_kvm_arch_finish(vs_cpu* cpu, const vs_exit* at, bool trapped,
                               zx_port_packet_t* packet) {
  (void)at;
  return cpu->run->exit_reason == KVM_EXIT_MMIO ? finish_mmio(cpu, trapped, packet)
                                                : finish_undescribed(cpu, trapped, packet != NULL);
}

// PSCI: the guest turns the machine off, or on again.
static zx_status_t of_system_event(uint32_t type) {
  return type == KVM_SYSTEM_EVENT_SHUTDOWN ? ZX_ERR_UNAVAILABLE : ZX_ERR_CANCELED;
}

// What is taken or not taken is seen before the next entry.
static vs_exit of_debug(vs_cpu* cpu) {
  const int result = vs_kvm_arm64_debug_exit(cpu);
  return (vs_exit){.kind = result < 0 ? VS_EXIT_STATUS : VS_EXIT_ATTENTION,
                   .status = vs_kvm_status(result)};
}

// WFI never comes here: KVM waits itself, and a kick's signal ends that, behind the instruction.
void vs_kvm_arch_exit(vs_cpu* cpu, vs_exit* out) {
  const struct kvm_run* run = cpu->run;
  *out = (vs_exit){.kind = VS_EXIT_STATUS, .status = ZX_ERR_NOT_SUPPORTED};
  switch (run->exit_reason) {
    case KVM_EXIT_MMIO:
      *out = (vs_exit){
          .kind = VS_EXIT_MEMORY, .address = run->mmio.phys_addr, .read = !run->mmio.is_write};
      return;
    case KVM_EXIT_ARM_NISV:
      *out = (vs_exit){.kind = VS_EXIT_MEMORY, .address = run->arm_nisv.fault_ipa};
      return;
    case KVM_EXIT_DEBUG:
      *out = of_debug(cpu);
      return;
    case KVM_EXIT_SYSTEM_EVENT:
      out->status = of_system_event(run->system_event.type);
      return;
    case KVM_EXIT_FAIL_ENTRY:
    case KVM_EXIT_INTERNAL_ERROR:
      out->status = ZX_ERR_BAD_STATE;
      return;
    default:
      return;
  }
}
