// SPDX-License-Identifier: BSD-3-Clause
// Life and registers of a vCPU. Running it is in vcpu_run.c.
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "arch.h"
#include "caller.h"
#include "objects.h"
#include "user_copy.h"

static bool thread_has_vcpu(uint64_t thread) {
  for (const vs_kvm_vcpu* vcpu = vs_kvm.vcpus; vcpu; vcpu = vcpu->next) {
    if (!vcpu->abandoned && vcpu->owner == thread) return true;
  }
  return false;
}

static zx_status_t bind(vs_kvm_vcpu* vcpu, vs_kvm_guest* guest, zx_vaddr_t entry) {
  if (entry >= vs_kvm_guest_limit()) return ZX_ERR_INVALID_ARGS;
  if (thread_has_vcpu(vs_caller())) return ZX_ERR_BAD_STATE;
  const int result = vs_kvm_cpu_take(&vs_kvm.machines, guest->vm, entry, &vcpu->cpu);
  if (result == -EXDEV) return ZX_ERR_NO_RESOURCES;
  if (result < 0) return vs_kvm_status(result);
  vcpu->base = (vs_kvm_object){.type = ZX_OBJ_TYPE_VCPU, .references = 1};
  vcpu->guest = guest;
  vs_kvm_ref(&guest->base);
  vcpu->owner = vs_caller();
  vcpu->owner_id = gettid();
  atomic_init(&vcpu->kicked, false);
  pthread_cond_init(&vcpu->awaken, NULL);
  vcpu->next = vs_kvm.vcpus;
  vs_kvm.vcpus = vcpu;
  return ZX_OK;
}

void vs_kvm_vcpu_destroy(vs_kvm_vcpu* vcpu) {
  vs_kvm_vcpu** link = &vs_kvm.vcpus;
  while (*link != vcpu) link = &(*link)->next;
  *link = vcpu->next;
  pthread_cond_destroy(&vcpu->awaken);
  vs_kvm_cpu_give(vcpu->cpu);
  vs_kvm_unref(&vcpu->guest->base);
}

// Its thread may make another one at once, also if a call still holds the last reference. That call
// is not disturbed: it came before the close.
void vs_kvm_vcpu_abandon(vs_kvm_vcpu* vcpu) {
  vcpu->abandoned = true;
  if (vcpu->running) vs_kvm_vcpu_kick_locked(vcpu);
}

// The thread that makes a vCPU is the one that will run it: a kick must reach it.
static void accept_kicks(void) {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, vs_kvm.kick_signal);
  pthread_sigmask(SIG_UNBLOCK, &set, NULL);
}

static zx_status_t create(vs_kvm_guest* guest, zx_vaddr_t entry, zx_handle_t* user_out) {
  vs_kvm_vcpu* vcpu = calloc(1, sizeof(*vcpu));
  if (!vcpu) return ZX_ERR_NO_MEMORY;
  vs_kvm_lock();
  const zx_status_t status = bind(vcpu, guest, entry);
  vs_kvm_unlock();
  if (status != ZX_OK) {
    free(vcpu);
    return status;
  }
  accept_kicks();
  return vs_kvm_publish(&vcpu->base, ZX_DEFAULT_VCPU_RIGHTS, user_out);
}

zx_status_t vs_kvm_vcpu_create(zx_handle_t guest, uint32_t options, zx_vaddr_t entry,
                               zx_handle_t* out) {
  vs_kvm_object* object;
  if (options != 0) return ZX_ERR_INVALID_ARGS;
  zx_status_t status = vs_kvm_pin(guest, ZX_OBJ_TYPE_GUEST, ZX_RIGHT_MANAGE_THREAD, &object);
  if (status != ZX_OK) return status;
  status = create((vs_kvm_guest*)object, entry, out);
  vs_kvm_unpin(object);
  return status;
}

// Also keeps every other thread away from the descriptor: an ioctl on it would wait for as long as
// the guest runs.
static bool may_access(const vs_kvm_vcpu* vcpu) {
  return vcpu->owner == vs_caller();
}

static zx_status_t write_state(vs_kvm_vcpu* vcpu, uint32_t kind, const void* buffer,
                               size_t buffer_size) {
  _Alignas(max_align_t) uint8_t copy[VS_KVM_MAX_STATE_SIZE];
  const size_t size = vs_kvm_arch_write_size(kind);
  if (size == 0 || buffer_size != size) return ZX_ERR_INVALID_ARGS;
  if (!vs_copy_from_user(copy, buffer, size)) return ZX_ERR_INVALID_ARGS;
  if (!may_access(vcpu)) return ZX_ERR_BAD_STATE;
  return vs_kvm_arch_write(vcpu->cpu, kind, copy);
}

zx_status_t vs_kvm_vcpu_write_state(zx_handle_t handle, uint32_t kind, const void* buffer,
                                    size_t buffer_size) {
  vs_kvm_object* object;
  zx_status_t status = vs_kvm_pin(handle, ZX_OBJ_TYPE_VCPU, ZX_RIGHT_WRITE, &object);
  if (status != ZX_OK) return status;
  status = write_state((vs_kvm_vcpu*)object, kind, buffer, buffer_size);
  vs_kvm_unpin(object);
  return status;
}

static zx_status_t read_state(vs_kvm_vcpu* vcpu, uint32_t kind, void* buffer, size_t buffer_size) {
  _Alignas(max_align_t) uint8_t state[VS_KVM_MAX_STATE_SIZE];
  const size_t size = vs_kvm_arch_read_size(kind);
  if (size == 0 || buffer_size != size) return ZX_ERR_INVALID_ARGS;
  if (!may_access(vcpu)) return ZX_ERR_BAD_STATE;
  const zx_status_t status = vs_kvm_arch_read(vcpu->cpu, kind, state);
  if (status != ZX_OK) return status;
  return vs_copy_to_user(buffer, state, size) ? ZX_OK : ZX_ERR_INVALID_ARGS;
}

zx_status_t vs_kvm_vcpu_read_state(zx_handle_t handle, uint32_t kind, void* buffer,
                                   size_t buffer_size) {
  vs_kvm_object* object;
  zx_status_t status = vs_kvm_pin(handle, ZX_OBJ_TYPE_VCPU, ZX_RIGHT_READ, &object);
  if (status != ZX_OK) return status;
  status = read_state((vs_kvm_vcpu*)object, kind, buffer, buffer_size);
  vs_kvm_unpin(object);
  return status;
}
