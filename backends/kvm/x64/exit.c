// SPDX-License-Identifier: BSD-3-Clause
// Why an x86-64 guest left, in the words of zx_vcpu_enter.
//
// An IN or an MMIO access leaves an instruction that KVM completes on its next KVM_RUN, and the
// vendor modules disagree on what becomes of registers written in between: some keep the write and
// lose the data, some the reverse, some lose a written RIP. So such an instruction is completed
// here and its effect on the registers is taken back; a caller's write then meets a vCPU with
// nothing pending. An OUT has no such effect: at most RIP is advanced later, from the value that
// was there, and no zx call writes RIP.
#include "x64/x64.h"

// Completes the pending instruction. All registers but RIP are as they were before.
static zx_status_t complete(vs_kvm_cpu* cpu, struct kvm_regs* completed) {
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

static uint8_t* io_data(vs_kvm_cpu* cpu) {
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
static zx_status_t input(vs_kvm_cpu* cpu, size_t size) {
  const uint64_t mask = vs_kvm_x64_low_mask(size);
  const uint64_t answer = ~cpu->run->s.regs.regs.rax & mask;
  struct kvm_regs completed = {0};
  store_little_endian(io_data(cpu), size, answer);
  const zx_status_t status = complete(cpu, &completed);
  if (status != ZX_OK) return status;
  return (completed.rax & mask) == answer ? ZX_OK : ZX_ERR_NOT_SUPPORTED;
}

// Likewise: a plain OUT sends what RAX holds.
static zx_status_t output(vs_kvm_cpu* cpu, size_t size, uint32_t* sent) {
  *sent = load_little_endian(io_data(cpu), size);
  const uint64_t rax = cpu->run->s.regs.regs.rax & vs_kvm_x64_low_mask(size);
  return *sent == rax ? ZX_OK : ZX_ERR_NOT_SUPPORTED;
}

static zx_status_t exit_io(vs_kvm_cpu* cpu, const vs_kvm_outside* outside,
                           zx_port_packet_t* packet) {
  // Read before the instruction is completed: completing may write over the union of exits.
  const bool is_input = cpu->run->io.direction == KVM_EXIT_IO_IN;
  const uint8_t size = cpu->run->io.size;
  const uint16_t port = cpu->run->io.port;
  const bool repeated = cpu->run->io.count != 1;
  uint32_t sent = 0;
  const zx_status_t status = is_input ? input(cpu, size) : output(cpu, size, &sent);
  if (status != ZX_OK) return status;
  if (repeated) return ZX_ERR_NOT_SUPPORTED;
  uint64_t key;
  if (!outside->find_trap(outside->context, ZX_GUEST_TRAP_IO, port, &key)) return ZX_ERR_NOT_FOUND;
  // The published Zircon x86 kernels clear RAX now, so that a 4-byte answer is zero-extended.
  if (is_input && size == 4) cpu->run->s.regs.regs.rax = 0;
  *packet = (zx_port_packet_t){
      .key = key,
      .type = ZX_PKT_TYPE_GUEST_IO,
      .guest_io = {.port = port, .access_size = size, .input = is_input, .u32 = sent},
  };
  return ZX_OK;
}

static zx_status_t exit_mmio(vs_kvm_cpu* cpu, const vs_kvm_outside* outside) {
  struct kvm_regs completed = {0};
  uint64_t key;
  const uint64_t addr = cpu->run->mmio.phys_addr;
  const bool trapped = outside->find_trap(outside->context, ZX_GUEST_TRAP_MEM, addr, &key) ||
                       outside->find_trap(outside->context, ZX_GUEST_TRAP_BELL, addr, &key);
  const zx_status_t status = complete(cpu, &completed);
  if (status != ZX_OK) return status;
  return trapped ? ZX_ERR_NOT_SUPPORTED : ZX_ERR_NOT_FOUND;
}

zx_status_t vs_kvm_arch_exit(vs_kvm_cpu* cpu, const vs_kvm_outside* outside,
                             zx_port_packet_t* packet, bool* halted) {
  *halted = false;
  switch (cpu->run->exit_reason) {
    case KVM_EXIT_IO:
      return exit_io(cpu, outside, packet);
    case KVM_EXIT_MMIO:
      return exit_mmio(cpu, outside);
    case KVM_EXIT_HLT:
      *halted = true;
      return ZX_OK;
    case KVM_EXIT_SHUTDOWN:
    case KVM_EXIT_FAIL_ENTRY:
    case KVM_EXIT_INTERNAL_ERROR:
      return vs_kvm_x64_recover(cpu) < 0 ? ZX_ERR_INTERNAL : ZX_ERR_BAD_STATE;
    default:
      return ZX_ERR_NOT_SUPPORTED;
  }
}
