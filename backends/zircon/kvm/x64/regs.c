// SPDX-License-Identifier: BSD-3-Clause
// Registers of an x86-64 vCPU.
//
// Where they are: the structure kvm_run ends in an area (s.regs) that user space and kernel share.
// On every KVM_RUN the kernel stores the general registers there when it comes back
// (kvm_valid_regs), and before it starts it loads those that user space marks in kvm_dirty_regs. An
// ioctl on a vCPU is the dear part of every call, so zx_vcpu_write_state makes none: it changes the
// shared area and marks it, and the KVM_RUN of the zx_vcpu_enter that follows hands the registers
// to KVM. A write and a run of the guest cost one ioctl together. What a write leaves alone (RIP,
// the flags that are not the caller's, the rest of RAX) is in the area as KVM stored it.
//
// A read is never answered from that area, which would only prove that user memory keeps what was
// put there: the marked registers are handed to KVM by a KVM_RUN that comes back at once, and
// KVM_GET_REGS asks it what it has.
#include <string.h>

#include "x64/x64.h"

// The flags that user code can change: CF PF AF ZF SF TF DF OF NT AC ID (published Zircon x86
// kernels). Bit 1, architecturally always 1, tells a write to look at the flags at all.
#define USER_FLAGS UINT64_C(0x244DD5)
#define FLAGS_GATE UINT64_C(0x2)

uint64_t vs_kvm_x64_low_mask(size_t bytes) {
  return bytes >= sizeof(uint64_t) ? UINT64_MAX : (UINT64_C(1) << (8 * bytes)) - 1;
}

static void write_registers(struct kvm_regs* regs, const zx_vcpu_state_x64_t* in) {
  regs->rax = in->rax;
  regs->rcx = in->rcx;
  regs->rdx = in->rdx;
  regs->rbx = in->rbx;
  regs->rsp = in->rsp;
  regs->rbp = in->rbp;
  regs->rsi = in->rsi;
  regs->rdi = in->rdi;
  regs->r8 = in->r8;
  regs->r9 = in->r9;
  regs->r10 = in->r10;
  regs->r11 = in->r11;
  regs->r12 = in->r12;
  regs->r13 = in->r13;
  regs->r14 = in->r14;
  regs->r15 = in->r15;
  if (in->rflags & FLAGS_GATE) {
    regs->rflags = (regs->rflags & ~USER_FLAGS) | (in->rflags & USER_FLAGS);
  }
}

zx_status_t vs_kvm_arch_write(vs_cpu* cpu, const void* state) {
  write_registers(&cpu->run->s.regs.regs, state);
  cpu->run->kvm_dirty_regs |= KVM_SYNC_X86_REGS;
  return ZX_OK;
}

zx_status_t vs_kvm_x64_write_io(vs_cpu* cpu, const zx_vcpu_io_t* io) {
  struct kvm_regs* regs = &cpu->run->s.regs.regs;
  if (io->access_size != 1 && io->access_size != 2 && io->access_size != 4) {
    return ZX_ERR_INVALID_ARGS;
  }
  // Not even 4 bytes extend to the whole register: that is done when a 4-byte IN leaves the guest.
  const uint64_t mask = vs_kvm_x64_low_mask(io->access_size);
  regs->rax = (regs->rax & ~mask) | (io->u32 & mask);
  cpu->run->kvm_dirty_regs |= KVM_SYNC_X86_REGS;
  return ZX_OK;
}

zx_status_t vs_kvm_arch_read(vs_cpu* cpu, void* out) {
  struct kvm_regs regs;
  int result = cpu->run->kvm_dirty_regs ? vs_kvm_settle(cpu) : 0;
  if (result >= 0) result = VS_KVM_IOCTL(cpu->fd, KVM_GET_REGS, &regs);
  if (result < 0) return vs_kvm_status(result);
  const zx_vcpu_state_x64_t state = {
      .rax = regs.rax,
      .rcx = regs.rcx,
      .rdx = regs.rdx,
      .rbx = regs.rbx,
      .rsp = regs.rsp,
      .rbp = regs.rbp,
      .rsi = regs.rsi,
      .rdi = regs.rdi,
      .r8 = regs.r8,
      .r9 = regs.r9,
      .r10 = regs.r10,
      .r11 = regs.r11,
      .r12 = regs.r12,
      .r13 = regs.r13,
      .r14 = regs.r14,
      .r15 = regs.r15,
      .rflags = regs.rflags & USER_FLAGS,
  };
  memcpy(out, &state, sizeof(state));
  return ZX_OK;
}
