// SPDX-License-Identifier: BSD-3-Clause
// Why an x86-64 guest left.
//
// An IN or an access to memory that is not there leaves an instruction that KVM completes on its
// next KVM_RUN, and the vendor modules disagree on what becomes of registers written in between:
// some keep the write and lose the data, some the reverse, some lose a written RIP. So such an
// instruction is completed here and its effect on the registers is taken back; a caller's write
// then meets a vCPU with nothing pending. An OUT has no such effect: at most RIP is advanced later,
// from the value that was there, and no zx call writes RIP.
#include <string.h>

#include "x64/x64.h"

#define MSR_X2APIC_ICR 0x830u

// Completes the pending instruction. All registers but RIP are as they were before.
static zx_status_t complete(vs_cpu* cpu, struct kvm_regs* completed) {
  struct kvm_regs* regs = &cpu->run->s.regs.regs;
  const struct kvm_regs before = *regs;
  const int result = vs_kvm_settle(cpu);
  if (result < 0) return vs_kvm_status(result);
  *completed = *regs;
  *regs = before;
  regs->rip = completed->rip;
  cpu->run->kvm_dirty_regs |= KVM_SYNC_X86_REGS;
  return ZX_OK;
}

// --- ports --------------------------------------------------------------------------------------

static uint8_t* io_data(vs_cpu* cpu) {
  return (uint8_t*)cpu->run + cpu->run->io.data_offset;
}

static uint32_t load_little_endian(const uint8_t* bytes, size_t size) {
  uint32_t value = 0;
  for (size_t i = size; i > 0; i--) value = (value << 8) | bytes[i - 1];
  return value;
}

static void store_little_endian(uint8_t* bytes, size_t size, uint64_t value) {
  for (size_t i = 0; i < size; i++) bytes[i] = (uint8_t)(value >> (8 * i));
}

// KVM does not say whether the instruction was a string one. It was if an answer that RAX does not
// hold now does not arrive there.
static zx_status_t input(vs_cpu* cpu, size_t size) {
  const uint64_t mask = vs_kvm_x64_low_mask(size);
  const uint64_t answer = ~cpu->run->s.regs.regs.rax & mask;
  struct kvm_regs completed = {0};
  store_little_endian(io_data(cpu), size, answer);
  const zx_status_t status = complete(cpu, &completed);
  if (status != ZX_OK) return status;
  return (completed.rax & mask) == answer ? ZX_OK : ZX_ERR_NOT_SUPPORTED;
}

// Likewise: a plain OUT sends what RAX holds.
static zx_status_t output(vs_cpu* cpu, size_t size, uint32_t* sent) {
  *sent = load_little_endian(io_data(cpu), size);
  const uint64_t rax = cpu->run->s.regs.regs.rax & vs_kvm_x64_low_mask(size);
  return *sent == rax ? ZX_OK : ZX_ERR_NOT_SUPPORTED;
}

static zx_status_t finish_port(vs_cpu* cpu, bool trapped, zx_port_packet_t* packet) {
  // Read before the instruction is completed: completing may write over the union of exits.
  const bool is_input = cpu->run->io.direction == KVM_EXIT_IO_IN;
  const uint8_t size = cpu->run->io.size;
  const uint16_t port = cpu->run->io.port;
  const bool repeated = cpu->run->io.count != 1;
  uint32_t sent = 0;
  const zx_status_t status = is_input ? input(cpu, size) : output(cpu, size, &sent);
  if (status != ZX_OK) return status;
  if (repeated) return ZX_ERR_NOT_SUPPORTED;
  if (!trapped) return ZX_OK;
  // The published Zircon x86 kernels clear RAX now, so that a 4-byte answer is zero-extended.
  if (is_input && size == 4) cpu->run->s.regs.regs.rax = 0;
  packet->type = ZX_PKT_TYPE_GUEST_IO;
  packet->guest_io =
      (zx_packet_guest_io_t){.port = port, .access_size = size, .input = is_input, .u32 = sent};
  return ZX_OK;
}

// --- memory -------------------------------------------------------------------------------------

// Of a guest that meets one trap on memory there will be more: KVM then hands the system registers
// over at each exit, which costs less than to ask for them.
static int get_system_registers(vs_cpu* cpu, struct kvm_sregs* sregs) {
  struct kvm_run* run = cpu->run;
  if (run->kvm_valid_regs & KVM_SYNC_X86_SREGS) {
    *sregs = run->s.regs.sregs;
    return 0;
  }
  run->kvm_valid_regs |= KVM_SYNC_X86_SREGS;
  return VS_KVM_IOCTL(cpu->fd, KVM_GET_SREGS, sregs);
}

static void tell_memory(zx_port_packet_t* packet, const vs_exit* at, const struct kvm_sregs* sregs,
                        uint64_t end, uint8_t length) {
  packet->type = ZX_PKT_TYPE_GUEST_MEM;
  packet->guest_mem_x64 = (zx_packet_guest_mem_x64_t){
      .addr = at->address,
      .cr3 = sregs->cr3,
      .rip = end - length,
      .instruction_size = length,
      .default_operand_size = sregs->cs.l || sregs->cs.db ? 4 : 2,
  };
}

// Of a load RIP is at it now, and behind it once it is completed.
static zx_status_t finish_load(vs_cpu* cpu, const vs_exit* at, zx_port_packet_t* packet) {
  struct kvm_regs completed = {0};
  struct kvm_sregs sregs;
  const uint64_t before = cpu->run->s.regs.regs.rip;
  const int got = packet ? get_system_registers(cpu, &sregs) : 0;
  const zx_status_t status = got < 0 ? vs_kvm_status(got) : complete(cpu, &completed);
  if (status == ZX_OK && packet)
    tell_memory(packet, at, &sregs, completed.rip, (uint8_t)(completed.rip - before));
  return status;
}

// Of a store RIP is behind it already, and KVM tells neither where it began nor its length. It has
// no effect on registers, and is done with unless there is more of it: on the next page, or beyond
// the eight bytes that KVM tells of at once.
static zx_status_t finish_store(vs_cpu* cpu, const vs_exit* at, zx_port_packet_t* packet) {
  const struct kvm_run* run = cpu->run;
  struct kvm_regs completed = {0};
  struct kvm_sregs sregs;
  vs_kvm_store store = {.gpa = at->address, .bytes = run->mmio.len};
  const bool is_most = store.bytes == sizeof run->mmio.data;
  const bool is_last = (run->mmio.phys_addr + store.bytes) % VS_ENGINE_PAGE == 0;
  uint8_t length = 0;
  memcpy(&store.data, run->mmio.data, sizeof store.data);
  const int got = packet || is_most ? get_system_registers(cpu, &sregs) : 0;
  if (got < 0) return vs_kvm_status(got);
  if (packet || is_most) length = vs_kvm_x64_length(cpu, &sregs, &store);
  if (is_last || (is_most && length == 0)) {
    store.is_part = true;
    const zx_status_t status = complete(cpu, &completed);
    if (status != ZX_OK) return status;
    if (packet && length == 0) length = vs_kvm_x64_length(cpu, &sregs, &store);
  }
  if (packet) tell_memory(packet, at, &sregs, run->s.regs.regs.rip, length);
  return ZX_OK;
}

static zx_status_t finish_memory(vs_cpu* cpu, const vs_exit* at, bool trapped,
                                 zx_port_packet_t* packet) {
  struct kvm_regs completed = {0};
  if (!trapped) return complete(cpu, &completed);
  return at->read ? finish_load(cpu, at, packet) : finish_store(cpu, at, packet);
}

// --- MSRs that KVM does not know ----------------------------------------------------------------

// A register that is not ours is an exception of the guest's.
static void exit_msr(struct kvm_run* run, vs_exit* out) {
  const bool is_icr = run->exit_reason == KVM_EXIT_X86_WRMSR && run->msr.index == MSR_X2APIC_ICR;
  run->msr.error = !is_icr;
  *out = (vs_exit){.kind = is_icr ? VS_EXIT_ICR : VS_EXIT_ATTENTION, .value = run->msr.data};
}

static zx_status_t finish_icr(vs_cpu* cpu, bool trapped) {
  cpu->run->msr.error = !trapped;
  return trapped ? vs_kvm_status(vs_kvm_settle(cpu)) : ZX_OK;
}

zx_status_t vs_kvm_arch_finish(vs_cpu* cpu, const vs_exit* at, bool trapped,
                               zx_port_packet_t* packet) {
  switch (at->kind) {
    case VS_EXIT_PORT:
      return finish_port(cpu, trapped, packet);
    case VS_EXIT_ICR:
      return finish_icr(cpu, trapped);
    default:
      return finish_memory(cpu, at, trapped, packet);
  }
}

// --- all ----------------------------------------------------------------------------------------

void vs_kvm_arch_exit(vs_cpu* cpu, vs_exit* out) {
  struct kvm_run* run = cpu->run;
  *out = (vs_exit){.kind = VS_EXIT_STATUS, .status = ZX_ERR_NOT_SUPPORTED};
  switch (run->exit_reason) {
    case KVM_EXIT_IO:
      *out = (vs_exit){.kind = VS_EXIT_PORT, .address = run->io.port};
      return;
    case KVM_EXIT_MMIO:
      *out = (vs_exit){
          .kind = VS_EXIT_MEMORY, .address = run->mmio.phys_addr, .read = !run->mmio.is_write};
      return;
    case KVM_EXIT_HLT:
      out->kind = VS_EXIT_HALT;
      return;
    case KVM_EXIT_IRQ_WINDOW_OPEN:
      out->kind = VS_EXIT_ATTENTION;
      return;
    case KVM_EXIT_X86_RDMSR:
    case KVM_EXIT_X86_WRMSR:
      exit_msr(run, out);
      return;
    case KVM_EXIT_SHUTDOWN:
    case KVM_EXIT_FAIL_ENTRY:
    case KVM_EXIT_INTERNAL_ERROR:
      out->status = vs_kvm_x64_recover(cpu) < 0 ? ZX_ERR_INTERNAL : ZX_ERR_BAD_STATE;
      return;
    default:
      return;
  }
}
