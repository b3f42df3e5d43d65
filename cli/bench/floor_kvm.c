// SPDX-License-Identifier: BSD-3-Clause
#include <fcntl.h>
#include <linux/kvm.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "common/refuse.h"
#include "exits.h"
#include "guest/guest.h"
#include "sides.h"

enum { CPUID_ENTRIES = 256 };

typedef struct bare {
  int kvm;
  int vm;
  int vcpu;
  struct kvm_run* run;
  size_t run_size;
  uint8_t* memory;
  uint64_t turn;
} bare;

static bool failed(const char* what, vs_why* reason) {
  return vs_refuse(reason, "the bare vCPU could not be set up: %s", what);
}

static void* map(size_t size, int flags, int fd) {
  void* at = mmap(NULL, size, PROT_READ | PROT_WRITE, flags, fd, 0);
  return at == MAP_FAILED ? NULL : at;
}

static bool make_machine(bare* b, vs_why* reason) {
  b->kvm = open("/dev/kvm", O_RDWR | O_CLOEXEC);
  if (b->kvm < 0) return failed("/dev/kvm", reason);
  b->vm = ioctl(b->kvm, KVM_CREATE_VM, 0);
  b->memory = map(VS_GUEST_MEMORY, MAP_PRIVATE | MAP_ANONYMOUS, -1);
  if (b->vm < 0 || b->memory == NULL) return failed("KVM_CREATE_VM", reason);
  memcpy(b->memory, vs_guest_image(VS_ARCH_X64), VS_GUEST_MEMORY);
  // Three pages that some processors want for themselves, out of the guest's way.
  ioctl(b->vm, KVM_SET_TSS_ADDR, 0xfffbd000ul);
  struct kvm_userspace_memory_region region = {.memory_size = VS_GUEST_MEMORY,
                                               .userspace_addr = (uintptr_t)b->memory};
  if (ioctl(b->vm, KVM_SET_USER_MEMORY_REGION, &region) < 0) return failed("memory", reason);
  b->vcpu = ioctl(b->vm, KVM_CREATE_VCPU, 0);
  const int size = ioctl(b->kvm, KVM_GET_VCPU_MMAP_SIZE, 0);
  if (b->vcpu < 0 || size < (int)sizeof *b->run) return failed("KVM_CREATE_VCPU", reason);
  b->run_size = (size_t)size;
  b->run = map(b->run_size, MAP_SHARED, b->vcpu);
  return b->run != NULL || failed("kvm_run", reason);
}

// Without it KVM would not let the vCPU into 64-bit mode.
static bool set_cpuid(bare* b, vs_why* reason) {
  struct kvm_cpuid2* cpuid =
      calloc(1, sizeof *cpuid + CPUID_ENTRIES * sizeof(struct kvm_cpuid_entry2));
  if (cpuid == NULL) return failed("no memory", reason);
  cpuid->nent = CPUID_ENTRIES;
  const bool set = ioctl(b->kvm, KVM_GET_SUPPORTED_CPUID, cpuid) >= 0 &&
                   ioctl(b->vcpu, KVM_SET_CPUID2, cpuid) >= 0;
  free(cpuid);
  return set || failed("CPUID", reason);
}

// 64-bit mode, the page tables of the image at 0.
static bool start_long_mode(bare* b, uint64_t entry, vs_why* reason) {
  struct kvm_sregs sregs;
  const struct kvm_regs regs = {.rip = entry, .rsp = VS_BENCH_STACK, .rflags = 2};
  if (ioctl(b->vcpu, KVM_GET_SREGS, &sregs) < 0) return failed("KVM_GET_SREGS", reason);
  const struct kvm_segment data = {.limit = 0xffff, .type = 3, .present = 1, .s = 1};
  sregs.cs = sregs.ds = sregs.es = sregs.fs = sregs.gs = sregs.ss = data;
  sregs.cs.type = 0xb;
  sregs.cs.l = 1;
  sregs.cr3 = 0;
  sregs.cr4 = 1u << 5;                            // PAE
  sregs.efer = 1u << 8 | 1u << 10;                // LME LMA
  sregs.cr0 = 1u << 31 | 1u << 5 | 1u << 4 | 1u;  // PG NE ET PE
  if (ioctl(b->vcpu, KVM_SET_SREGS, &sregs) < 0) return failed("KVM_SET_SREGS", reason);
  if (ioctl(b->vcpu, KVM_SET_REGS, &regs) < 0) return failed("KVM_SET_REGS", reason);
  if (b->run == NULL) return false;
  b->run->s.regs.regs = regs;
  b->run->kvm_valid_regs = KVM_SYNC_X86_REGS;
  return true;
}

static void close_bare(void* self) {
  bare* b = self;
  const int files[] = {b->vcpu, b->vm, b->kvm};
  if (b->run != NULL) munmap(b->run, b->run_size);
  for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
    if (files[i] >= 0) close(files[i]);
  }
  if (b->memory != NULL) munmap(b->memory, VS_GUEST_MEMORY);
  free(b);
}

static void* open_at(uint64_t entry, vs_why* reason) {
  bare* b = calloc(1, sizeof *b);
  if (b == NULL) return NULL;
  b->kvm = b->vm = b->vcpu = -1;
  if (make_machine(b, reason) && set_cpuid(b, reason) && start_long_mode(b, entry, reason))
    return b;
  close_bare(b);
  return NULL;
}

static void* open_bare(const vs_side_setup* setup, vs_why* reason) {
  (void)setup;
  return open_at(vs_guest_entry(VS_PROGRAM_DUMP), reason);
}

// RIP and the other flags are in the shared area as KVM stored them at the exit before.
static void write_registers(struct kvm_regs* regs, const uint64_t* words) {
  zx_vcpu_state_x64_t state;
  memcpy(&state, words, sizeof state);
  regs->rax = state.rax;
  regs->rcx = state.rcx;
  regs->rdx = state.rdx;
  regs->rbx = state.rbx;
  regs->rsp = state.rsp;
  regs->rbp = state.rbp;
  regs->rsi = state.rsi;
  regs->rdi = state.rdi;
  regs->r8 = state.r8;
  regs->r9 = state.r9;
  regs->r10 = state.r10;
  regs->r11 = state.r11;
  regs->r12 = state.r12;
  regs->r13 = state.r13;
  regs->r14 = state.r14;
  regs->r15 = state.r15;
  regs->rflags = state.rflags;
}

static uint64_t turn_bare(void* self, uint64_t count) {
  bare* b = self;
  uint64_t words[VS_BENCH_WORDS];
  for (uint64_t i = 0; i < count; i++) {
    vs_bench_registers(b->turn++, words);
    write_registers(&b->run->s.regs.regs, words);
    b->run->kvm_dirty_regs = KVM_SYNC_X86_REGS;
    if (ioctl(b->vcpu, KVM_RUN, 0) < 0 || b->run->exit_reason != KVM_EXIT_IO) return 0;
    if (b->run->io.port != VS_PORT_DUMP) return 0;
    if (memcmp(b->memory + VS_GUEST_DUMP, words, sizeof words) != 0) return 0;
  }
  return count;
}

const vs_side vs_side_bare_kvm = {open_bare, turn_bare, close_bare, false};

// --- exits --------------------------------------------------------------------------------------

static void* open_exit(vs_bench_exit exit, vs_why* reason) {
  bare* b = open_at(VS_BENCH_ENTRY, reason);
  if (b != NULL) vs_bench_exit_image(exit, b->memory);
  return b;
}

static void* open_trap(const vs_side_setup* setup, vs_why* reason) {
  (void)setup;
  return open_exit(VS_BENCH_TRAP, reason);
}
static void* open_bell(const vs_side_setup* setup, vs_why* reason) {
  (void)setup;
  return open_exit(VS_BENCH_BELL, reason);
}
static void* open_interrupt(const vs_side_setup* setup, vs_why* reason) {
  (void)setup;
  return open_exit(VS_BENCH_INTERRUPT, reason);
}

static bool stores_to(const bare* b, uint64_t at) {
  return ioctl(b->vcpu, KVM_RUN, 0) >= 0 && b->run->exit_reason == KVM_EXIT_MMIO &&
         b->run->mmio.phys_addr == at && b->run->mmio.is_write;
}

static uint64_t turn_trap(void* self, uint64_t count) {
  for (uint64_t i = 0; i < count; i++) {
    if (!stores_to(self, VS_BENCH_TRAP_AT)) return 0;
  }
  return count;
}

static uint64_t turn_bell(void* self, uint64_t count) {
  for (uint64_t i = 0; i < count; i++) {
    if (!stores_to(self, VS_BENCH_BELL_AT) || !stores_to(self, VS_BENCH_TRAP_AT)) return 0;
  }
  return count;
}

static uint64_t turn_interrupt(void* self, uint64_t count) {
  bare* b = self;
  struct kvm_interrupt interrupt = {.irq = VS_BENCH_VECTOR};
  for (uint64_t i = 0; i < count; i++) {
    if (ioctl(b->vcpu, KVM_RUN, 0) < 0 || b->run->exit_reason != KVM_EXIT_HLT) return 0;
    if (ioctl(b->vcpu, KVM_INTERRUPT, &interrupt) < 0) return 0;
    if (!stores_to(b, VS_BENCH_TRAP_AT)) return 0;
  }
  return count;
}

const vs_side vs_side_bare_trap = {open_trap, turn_trap, close_bare, false};
const vs_side vs_side_bare_bell = {open_bell, turn_bell, close_bare, false};
const vs_side vs_side_bare_interrupt = {open_interrupt, turn_interrupt, close_bare, false};
