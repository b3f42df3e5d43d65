// SPDX-License-Identifier: BSD-3-Clause
// Code at level 3 on KVM: CS is the selector that was set, NT as it was set, nothing is checked for
// alignment while CR0.AM is 0, and a selector beyond the GDT's limit is a fault, which ends a guest
// that has no IDT. Intel SDM volume 3, 3.5.1; volume 1, 3.4.3; volume 3, 2.5; volume 2, MOV.
// Seen with kvm-pvm; other modules do it right.
//   cc -o finding kvm_user.c && ./finding
// exits with 1 while the defect is there, with 2 where there is no KVM.
#include <fcntl.h>
#include <linux/kvm.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

enum { SIZE = 0x10000, CODE = 0x4000, STACK = 0x6000, SELECTOR = 0x1b, NT = 0x4000, AC = 0x40000 };

#define LEAVE 0x48, 0x89, 0x04, 0x25, 0x00, 0x00, 0x10, 0x00  // mov %rax, 0x100000

static const uint8_t reads[] = {0x48, 0x8c, 0xc9,
                                0x9c, 0x5a, LEAVE};  // mov %cs, %rcx; pushfq; pop %rdx
static const uint8_t loads[] = {0x8b, 0x0c, 0x25, 0x01,
                                0x50, 0x00, 0x00, LEAVE};  // mov 0x5001, %ecx
static const uint8_t selects[] = {0xb9, 0x78, 0x00, 0x00,
                                  0x00, 0x8e, 0xd9, LEAVE};  // mov $0x78, %ecx; %ds

static void put(uint8_t* at, uint64_t value) {
  memcpy(at, &value, sizeof value);
}

// True if the guest came to its end. Exits with 2 where there is no KVM.
static bool run(const uint8_t* code, size_t length, uint64_t flags, struct kvm_regs* regs) {
  const int kvm = open("/dev/kvm", O_RDWR);
  const int vm = ioctl(kvm, KVM_CREATE_VM, 0);
  uint8_t* memory = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  struct kvm_userspace_memory_region region = {.memory_size = SIZE,
                                               .userspace_addr = (uintptr_t)memory};
  struct kvm_sregs sregs;
  if (kvm < 0 || vm < 0 || ioctl(vm, KVM_SET_USER_MEMORY_REGION, &region) < 0) exit(2);
  const int cpu = ioctl(vm, KVM_CREATE_VCPU, 0);
  const int size = ioctl(kvm, KVM_GET_VCPU_MMAP_SIZE, 0);
  struct kvm_run* state = mmap(NULL, (size_t)size, PROT_READ | PROT_WRITE, MAP_SHARED, cpu, 0);
  if (cpu < 0 || ioctl(cpu, KVM_GET_SREGS, &sregs) < 0) exit(2);
  put(memory + 0x1000, 0x2007);  // the first 2 MiB, for users
  put(memory + 0x2000, 0x3007);
  put(memory + 0x3000, 0x87);
  memcpy(memory + CODE, code, length);
  const struct kvm_segment data = {
      .limit = 0xffffffff, .selector = 0x23, .type = 3, .present = 1, .dpl = 3, .s = 1, .g = 1};
  sregs.ds = sregs.es = sregs.fs = sregs.gs = sregs.ss = sregs.cs = data;
  sregs.cs.selector = SELECTOR;
  sregs.cs.type = 0xb;
  sregs.cs.l = 1;
  sregs.gdt.limit = 0x2f;
  sregs.idt.limit = 0;
  sregs.cr0 = 0x80010033;
  sregs.cr3 = 0x1000;
  sregs.cr4 = 0x620;
  sregs.efer = 0x500;
  *regs = (struct kvm_regs){.rip = CODE, .rsp = STACK, .rflags = flags | 0x202};
  if (ioctl(cpu, KVM_SET_SREGS, &sregs) < 0 || ioctl(cpu, KVM_SET_REGS, regs) < 0) exit(2);
  const bool left = ioctl(cpu, KVM_RUN, 0) == 0 && state->exit_reason == KVM_EXIT_MMIO;
  ioctl(cpu, KVM_GET_REGS, regs);
  close(cpu);
  close(vm);
  close(kvm);
  return left;
}

int main(void) {
  struct kvm_regs regs, others;
  if (!run(reads, sizeof reads, NT, &regs)) return 2;
  const bool loaded = run(loads, sizeof loads, AC, &others);
  const bool selected = run(selects, sizeof selects, 0, &others);
  const bool nt = (regs.rdx & NT) != 0;
  printf("KVM: CS is 0x%llx, NT is %d, misaligned: %s, selector 0x78: %s\n", regs.rcx, nt,
         loaded ? "loaded" : "a fault", selected ? "loaded" : "a fault");
  printf("the manual: CS is 0x%x, NT is 1, misaligned: loaded, selector 0x78: a fault\n", SELECTOR);
  return regs.rcx != SELECTOR || !nt || !loaded || selected;
}
