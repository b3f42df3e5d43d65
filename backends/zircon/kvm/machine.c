// SPDX-License-Identifier: BSD-3-Clause
#include "machine.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "arch.h"

// More than any instruction needs: an access that crosses a page takes two rounds.
#define SETTLE_ROUNDS 64

static void cpu_close(const vs_kvm_machines* machines, vs_cpu* cpu) {
  if (cpu->run) munmap(cpu->run, machines->run_size);
  if (cpu->fd >= 0) close(cpu->fd);
  free(cpu->reset);
  *cpu = (vs_cpu){.fd = -1, .vm = cpu->vm};
}

static void vm_close(const vs_kvm_machines* machines, vs_space* vm) {
  for (unsigned i = 0; i < VS_ENGINE_CPUS_MAX; i++) cpu_close(machines, &vm->cpus[i]);
  if (vm->fd >= 0) close(vm->fd);
  pthread_mutex_destroy(&vm->lock);
  free(vm);
}

static vs_space* vm_open(const vs_kvm_machines* machines, int* error) {
  vs_space* vm = calloc(1, sizeof(*vm));
  *error = -ENOMEM;
  if (!vm) return NULL;
  for (unsigned i = 0; i < VS_ENGINE_CPUS_MAX; i++) vm->cpus[i] = (vs_cpu){.fd = -1, .vm = vm};
  pthread_mutex_init(&vm->lock, NULL);
  vm->fd =
      VS_KVM_IOCTL_VALUE(machines->kvm_fd, KVM_CREATE_VM, vs_kvm_arch_vm_type(machines->kvm_fd));
  *error = vm->fd < 0 ? vm->fd : vs_kvm_arch_vm_setup(machines->kvm_fd, vm->fd);
  if (*error >= 0) return vm;
  vm_close(machines, vm);
  return NULL;
}

vs_space* vs_kvm_vm_take(vs_kvm_machines* machines, int* error) {
  vs_space* vm = machines->parked;
  if (!vm) return vm_open(machines, error);
  machines->parked = vm->next;
  vm->next = NULL;
  return vm;
}

static int set_slot(vs_space* vm, unsigned slot, const vs_stretch* wanted) {
  struct kvm_userspace_memory_region region = {
      .slot = slot,
      .flags = wanted->perms & ZX_VM_PERM_WRITE ? 0u : KVM_MEM_READONLY,
      .guest_phys_addr = wanted->gpa,
      .memory_size = wanted->size,
      .userspace_addr = (uint64_t)(uintptr_t)wanted->host,
  };
  const int result = VS_KVM_IOCTL(vm->fd, KVM_SET_USER_MEMORY_REGION, &region);
  if (result >= 0) vm->slots[slot] = *wanted;
  return result;
}

static int clear_slot(vs_space* vm, unsigned slot) {
  const vs_stretch none = {.perms = ZX_VM_PERM_WRITE};
  return vm->slots[slot].size == 0 ? 0 : set_slot(vm, slot, &none);
}

void vs_kvm_vm_give(vs_kvm_machines* machines, vs_space* vm) {
  int error = 0;
  for (unsigned i = 0; i < VS_KVM_MAX_SLOTS; i++) {
    if (clear_slot(vm, i) < 0) error = 1;
  }
  // Memory that cannot be taken away must not meet the next guest; nor must what is left of an
  // exception or an NMI, of which setting a vCPU's events does not take back everything.
  if (error || atomic_load(&vm->is_spent)) {
    vm_close(machines, vm);
    return;
  }
  vm->next = machines->parked;
  machines->parked = vm;
}

void vs_kvm_vm_drop_parked(vs_kvm_machines* machines) {
  while (machines->parked) {
    vs_space* vm = machines->parked;
    machines->parked = vm->next;
    vm_close(machines, vm);
  }
}

static int cpu_open(const vs_kvm_machines* machines, const vs_space* vm, vs_cpu* cpu, unsigned id) {
  cpu->fd = VS_KVM_IOCTL_VALUE(vm->fd, KVM_CREATE_VCPU, id);
  if (cpu->fd < 0) return cpu->fd;
  void* run = mmap(NULL, machines->run_size, PROT_READ | PROT_WRITE, MAP_SHARED, cpu->fd, 0);
  if (run == MAP_FAILED) return -ENOMEM;
  cpu->run = run;
  return vs_kvm_arch_cpu_setup(machines->kvm_fd, vm->fd, cpu, id);
}

int vs_kvm_cpu_take(vs_kvm_machines* machines, vs_space* vm, unsigned number, uint64_t entry,
                    vs_cpu** out) {
  vs_cpu* cpu = &vm->cpus[number];
  int result = cpu->fd >= 0 ? 0 : cpu_open(machines, vm, cpu, number);
  if (result >= 0) result = vs_kvm_arch_cpu_reset(cpu, number == 0, entry);
  if (result < 0) {
    cpu_close(machines, cpu);
    return result;
  }
  cpu->owner = gettid();
  memset(cpu->known, 0, sizeof cpu->known);
  *out = cpu;
  return 0;
}

// --- slots --------------------------------------------------------------------------------------

static bool is_among(const vs_stretch* one, const vs_stretch* all, size_t count) {
  for (size_t i = 0; i < count; i++) {
    if (vs_stretch_is(one, &all[i])) return true;
  }
  return false;
}

static int add_slot(vs_space* vm, const vs_stretch* wanted) {
  if (is_among(wanted, vm->slots, VS_KVM_MAX_SLOTS)) return 0;
  for (unsigned i = 0; i < VS_KVM_MAX_SLOTS; i++) {
    if (vm->slots[i].size == 0) return set_slot(vm, i, wanted);
  }
  return -ENOSPC;
}

static int arrange_locked(vs_space* vm, const vs_stretch* stretches, size_t count) {
  int result = count <= VS_KVM_MAX_SLOTS ? 0 : -ENOSPC;
  for (unsigned i = 0; i < VS_KVM_MAX_SLOTS && result >= 0; i++) {
    if (!is_among(&vm->slots[i], stretches, count)) result = clear_slot(vm, i);
  }
  for (size_t i = 0; i < count && result >= 0; i++) result = add_slot(vm, &stretches[i]);
  return result;
}

int vs_kvm_vm_arrange(vs_space* vm, const vs_stretch* stretches, size_t count) {
  pthread_mutex_lock(&vm->lock);
  const int result = arrange_locked(vm, stretches, count);
  pthread_mutex_unlock(&vm->lock);
  return result;
}

static const uint8_t* find(const vs_space* vm, uint64_t gpa, uint64_t size) {
  for (unsigned i = 0; i < VS_KVM_MAX_SLOTS; i++) {
    const vs_stretch* slot = &vm->slots[i];
    if (gpa < slot->gpa || size > slot->size || gpa - slot->gpa > slot->size - size) continue;
    return slot->host + (gpa - slot->gpa);
  }
  return NULL;
}

bool vs_kvm_fetch(vs_space* vm, uint64_t gpa, void* out, size_t size) {
  pthread_mutex_lock(&vm->lock);
  const uint8_t* at = find(vm, gpa, size);
  if (at) {
    vs_kvm_arch_will_read(at, size);
    memcpy(out, at, size);
  }
  pthread_mutex_unlock(&vm->lock);
  return at != NULL;
}

// --- running ------------------------------------------------------------------------------------

int vs_kvm_run(vs_cpu* cpu) {
  return VS_KVM_IOCTL_VALUE(cpu->fd, KVM_RUN, 0);
}

bool vs_kvm_set_immediate_exit(vs_cpu* cpu, bool on) {
  // Written by the thread that runs and by those that kick; the order against `kicked` matters.
  return __atomic_exchange_n(&cpu->run->immediate_exit, (__u8)on, __ATOMIC_SEQ_CST) != 0;
}

int vs_kvm_settle(vs_cpu* cpu) {
  for (int i = 0; i < SETTLE_ROUNDS; i++) {
    vs_kvm_set_immediate_exit(cpu, true);
    const int result = vs_kvm_run(cpu);
    if (result == -EINTR) return 0;
    if (result < 0) return result;
  }
  return -EIO;
}
