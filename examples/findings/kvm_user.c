// SPDX-License-Identifier: BSD-3-Clause
// Code at level 3 on KVM reads CS, and its flags: CS is the selector that was set, NT as it was
// set. Intel SDM volume 3, 3.5.1; volume 1, 3.4.3. Seen with kvm-pvm; other modules do it right.
//   cc -o finding kvm_user.c && ./finding
// exits with 1 while the defect is there, with 2 where there is no KVM.
#include <fcntl.h>
#include <linux/kvm.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>

enum { SIZE = 0x10000, CODE = 0x4000, STACK = 0x6000, SELECTOR = 0x1b, NT = 0x4000 };

static const uint8_t code[] = {
    0x48, 0x8c, 0xc9,                                // mov %cs, %rcx
    0x9c, 0x5a,                                      // pushfq; pop %rdx
    0x48, 0x89, 0x04, 0x25, 0x00, 0x00, 0x10, 0x00,  // mov %rax, 0x100000: leaves the guest
};

static void put(uint8_t* at, uint64_t value) {
  memcpy(at, &value, sizeof value);
}

int main(void) {
  const int kvm = open("/dev/kvm", O_RDWR);
  const int vm = ioctl(kvm, KVM_CREATE_VM, 0);
  uint8_t* memory = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  struct kvm_userspace_memory_region region = {.memory_size = SIZE,
                                               .userspace_addr = (uintptr_t)memory};
  if (kvm < 0 || vm < 0 || ioctl(vm, KVM_SET_USER_MEMORY_REGION, &region) < 0) return 2;
  const int cpu = ioctl(vm, KVM_CREATE_VCPU, 0);
  const int size = ioctl(kvm, KVM_GET_VCPU_MMAP_SIZE, 0);
  struct kvm_run* run = mmap(NULL, (size_t)size, PROT_READ | PROT_WRITE, MAP_SHARED, cpu, 0);
  struct kvm_sregs sregs;
  struct kvm_regs regs = {.rip = CODE, .rsp = STACK, .rflags = NT | 0x202};
  if (cpu < 0 || ioctl(cpu, KVM_GET_SREGS, &sregs) < 0) return 2;
  put(memory + 0x1000, 0x2007);  // the first 2 MiB, for users
  put(memory + 0x2000, 0x3007);
  put(memory + 0x3000, 0x87);
  memcpy(memory + CODE, code, sizeof code);
  const struct kvm_segment data = {
      .limit = 0xffffffff, .selector = 0x23, .type = 3, .present = 1, .dpl = 3, .s = 1, .g = 1};
  sregs.ds = sregs.es = sregs.fs = sregs.gs = sregs.ss = data;
  sregs.cs = data;
  sregs.cs.selector = SELECTOR;
  sregs.cs.type = 0xb;
  sregs.cs.l = 1;
  sregs.cr0 = 0x80010033;
  sregs.cr3 = 0x1000;
  sregs.cr4 = 0x620;
  sregs.efer = 0x500;
  if (ioctl(cpu, KVM_SET_SREGS, &sregs) < 0 || ioctl(cpu, KVM_SET_REGS, &regs) < 0) return 2;
  if (ioctl(cpu, KVM_RUN, 0) < 0 || run->exit_reason != KVM_EXIT_MMIO) return 2;
  if (ioctl(cpu, KVM_GET_REGS, &regs) < 0) return 2;
  printf("KVM: CS is 0x%llx, NT is %d\n", regs.rcx, (regs.rdx & NT) != 0);
  printf("the manual: CS is 0x%x, NT is 1\n", SELECTOR);
  return regs.rcx != SELECTOR || (regs.rdx & NT) == 0;
}
