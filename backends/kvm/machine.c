// SPDX-License-Identifier: BSD-3-Clause
#include "machine.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "arch.h"

// More than any instruction needs: an access that crosses a page takes two rounds.
#define SETTLE_ROUNDS 64

static void cpu_close(const vs_kvm_machines* machines, vs_kvm_cpu* cpu) {
  if (cpu->run) munmap(cpu->run, machines->run_size);
  if (cpu->fd >= 0) close(cpu->fd);
  free(cpu->reset);
  *cpu = (vs_kvm_cpu){.fd = -1};
}

static void vm_close(const vs_kvm_machines* machines, vs_kvm_vm* vm) {
  for (unsigned i = 0; i < VS_KVM_MAX_CPUS; i++) cpu_close(machines, &vm->cpus[i]);
  if (vm->fd >= 0) close(vm->fd);
  free(vm);
}

static vs_kvm_vm* vm_open(const vs_kvm_machines* machines, int* error) {
  vs_kvm_vm* vm = calloc(1, sizeof(*vm));
  *error = -ENOMEM;
  if (!vm) return NULL;
  for (unsigned i = 0; i < VS_KVM_MAX_CPUS; i++) vm->cpus[i].fd = -1;
  vm->fd =
      VS_KVM_IOCTL_VALUE(machines->kvm_fd, KVM_CREATE_VM, vs_kvm_arch_vm_type(machines->kvm_fd));
  *error = vm->fd < 0 ? vm->fd : vs_kvm_arch_vm_setup(machines->kvm_fd, vm->fd);
  if (*error >= 0) return vm;
  vm_close(machines, vm);
  return NULL;
}

vs_kvm_vm* vs_kvm_vm_take(vs_kvm_machines* machines, int* error) {
  vs_kvm_vm* vm = machines->parked;
  if (!vm) return vm_open(machines, error);
  machines->parked = vm->next;
  vm->next = NULL;
  return vm;
}

static int set_slot(vs_kvm_vm* vm, unsigned slot, const vs_kvm_slot* wanted) {
  struct kvm_userspace_memory_region region = {
      .slot = slot,
      .flags = wanted->writable ? 0u : KVM_MEM_READONLY,
      .guest_phys_addr = wanted->gpa,
      .memory_size = wanted->size,
      .userspace_addr = (uint64_t)(uintptr_t)wanted->host,
  };
  const int result = VS_KVM_IOCTL(vm->fd, KVM_SET_USER_MEMORY_REGION, &region);
  if (result >= 0) vm->slots[slot] = *wanted;
  return result;
}

static int clear_slot(vs_kvm_vm* vm, unsigned slot) {
  const vs_kvm_slot none = {.writable = true};
  return vm->slots[slot].size == 0 ? 0 : set_slot(vm, slot, &none);
}

void vs_kvm_vm_give(vs_kvm_machines* machines, vs_kvm_vm* vm) {
  int error = 0;
  for (unsigned i = 0; i < VS_KVM_MAX_SLOTS; i++) {
    if (clear_slot(vm, i) < 0) error = 1;
  }
  // Memory that cannot be taken away must not meet the next guest.
  if (error) {
    vm_close(machines, vm);
    return;
  }
  vm->next = machines->parked;
  machines->parked = vm;
}

void vs_kvm_vm_drop_parked(vs_kvm_machines* machines) {
  while (machines->parked) {
    vs_kvm_vm* vm = machines->parked;
    machines->parked = vm->next;
    vm_close(machines, vm);
  }
}

static int cpu_open(const vs_kvm_machines* machines, const vs_kvm_vm* vm, vs_kvm_cpu* cpu,
                    unsigned id) {
  cpu->fd = VS_KVM_IOCTL_VALUE(vm->fd, KVM_CREATE_VCPU, id);
  if (cpu->fd < 0) return cpu->fd;
  void* run = mmap(NULL, machines->run_size, PROT_READ | PROT_WRITE, MAP_SHARED, cpu->fd, 0);
  if (run == MAP_FAILED) return -ENOMEM;
  cpu->run = run;
  return vs_kvm_arch_cpu_setup(machines->kvm_fd, vm->fd, cpu, id);
}

int vs_kvm_cpu_take(vs_kvm_machines* machines, vs_kvm_vm* vm, uint64_t entry, vs_kvm_cpu** out) {
  for (unsigned id = 0; id < vs_kvm_arch.max_cpus; id++) {
    vs_kvm_cpu* cpu = &vm->cpus[id];
    if (cpu->taken) continue;
    int result = cpu->fd >= 0 ? 0 : cpu_open(machines, vm, cpu, id);
    // Without a descriptor this id is lost to the VM (KVM has used it up); the next one may do.
    if (result == -EEXIST) continue;
    if (result >= 0) result = vs_kvm_arch_cpu_reset(cpu, id == 0, entry);
    if (result < 0) {
      cpu_close(machines, cpu);
      return result;
    }
    cpu->taken = true;
    *out = cpu;
    return 0;
  }
  return -EXDEV;
}

void vs_kvm_cpu_give(vs_kvm_cpu* cpu) {
  cpu->taken = false;
}

static int add_slot(vs_kvm_vm* vm, const vs_kvm_slot* wanted) {
  if (wanted->size == 0) return 0;
  for (unsigned i = 0; i < VS_KVM_MAX_SLOTS; i++) {
    if (vm->slots[i].size == 0) return set_slot(vm, i, wanted);
  }
  return -ENOSPC;
}

int vs_kvm_vm_map(vs_kvm_vm* vm, uint64_t gpa, void* host, uint64_t size, bool writable) {
  const vs_kvm_slot wanted = {.gpa = gpa, .size = size, .host = host, .writable = writable};
  return add_slot(vm, &wanted);
}

// The part of a slot below an address, and the part from an address on; of size 0 if there is none.
static vs_kvm_slot part_below(vs_kvm_slot slot, uint64_t end) {
  slot.size = end > slot.gpa ? end - slot.gpa : 0;
  return slot;
}

static vs_kvm_slot part_from(vs_kvm_slot slot, uint64_t start) {
  const uint64_t skipped = start - slot.gpa;
  slot.size = skipped < slot.size ? slot.size - skipped : 0;
  slot.gpa += skipped;
  slot.host += skipped;
  return slot;
}

static bool has_free_slot(const vs_kvm_vm* vm) {
  for (unsigned i = 0; i < VS_KVM_MAX_SLOTS; i++) {
    if (vm->slots[i].size == 0) return true;
  }
  return false;
}

static int cut(vs_kvm_vm* vm, unsigned slot, uint64_t gpa, uint64_t size) {
  const vs_kvm_slot below = part_below(vm->slots[slot], gpa);
  const vs_kvm_slot above = part_from(vm->slots[slot], gpa + size);
  if (below.size != 0 && above.size != 0 && !has_free_slot(vm)) return -ENOSPC;
  int result = clear_slot(vm, slot);
  if (result >= 0) result = add_slot(vm, &below);
  return result < 0 ? result : add_slot(vm, &above);
}

static bool overlaps(const vs_kvm_slot* slot, uint64_t gpa, uint64_t size) {
  return slot->size != 0 && slot->gpa < gpa + size && gpa < slot->gpa + slot->size;
}

int vs_kvm_vm_unmap(vs_kvm_vm* vm, uint64_t gpa, uint64_t size) {
  for (unsigned i = 0; i < VS_KVM_MAX_SLOTS; i++) {
    const int result = overlaps(&vm->slots[i], gpa, size) ? cut(vm, i, gpa, size) : 0;
    if (result < 0) return result;
  }
  return 0;
}

uint8_t* vs_kvm_vm_find(const vs_kvm_vm* vm, uint64_t gpa, uint64_t size) {
  for (unsigned i = 0; i < VS_KVM_MAX_SLOTS; i++) {
    const vs_kvm_slot* slot = &vm->slots[i];
    if (gpa < slot->gpa || size > slot->size || gpa - slot->gpa > slot->size - size) continue;
    return slot->host + (gpa - slot->gpa);
  }
  return NULL;
}

int vs_kvm_run(vs_kvm_cpu* cpu) {
  return VS_KVM_IOCTL_VALUE(cpu->fd, KVM_RUN, 0);
}

void vs_kvm_set_immediate_exit(vs_kvm_cpu* cpu, bool on) {
  // Written by the thread that runs and by those that kick; the order against `kicked` matters.
  __atomic_store_n(&cpu->run->immediate_exit, (__u8)on, __ATOMIC_SEQ_CST);
}

int vs_kvm_settle(vs_kvm_cpu* cpu) {
  for (int i = 0; i < SETTLE_ROUNDS; i++) {
    vs_kvm_set_immediate_exit(cpu, true);
    const int result = vs_kvm_run(cpu);
    if (result == -EINTR) return 0;
    if (result < 0) return result;
  }
  return -EIO;
}
