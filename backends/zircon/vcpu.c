// SPDX-License-Identifier: BSD-3-Clause
// Life and registers of a vCPU. Running it is in enter.c. Order of the checks: published Zircon
// kernels, x86 from 2021 on and arm64.
#include <stdlib.h>
#include <string.h>

#include "caller.h"
#include "objects.h"
#include "user_copy.h"

static bool thread_has_vcpu(uint64_t thread) {
  for (const vs_zx_vcpu* vcpu = vs_zx.vcpus; vcpu; vcpu = vcpu->next) {
    if (!vcpu->abandoned && vcpu->owner == thread) return true;
  }
  return false;
}

// The lowest number that is free, and that the engine has.
static zx_status_t take_cpu(vs_zx_vcpu* vcpu, vs_zx_guest* guest, zx_vaddr_t entry) {
  zx_status_t status = ZX_ERR_ALREADY_EXISTS;
  for (unsigned n = 0; n < vs_zx.engine->cpus && status == ZX_ERR_ALREADY_EXISTS; n++) {
    if (guest->cpus >> n & 1) continue;
    status = vs_zx.engine->cpu_new(guest->space, n, entry, &vcpu->cpu);
    vcpu->number = n;
  }
  if (status == ZX_OK) guest->cpus |= UINT64_C(1) << vcpu->number;
  return status == ZX_ERR_ALREADY_EXISTS ? ZX_ERR_NO_RESOURCES : status;
}

static zx_status_t bind(vs_zx_vcpu* vcpu, vs_zx_guest* guest, zx_vaddr_t entry) {
  if (entry >= vs_zx_limit()) return ZX_ERR_INVALID_ARGS;
  if (thread_has_vcpu(vs_caller())) return ZX_ERR_BAD_STATE;
  const zx_status_t status = take_cpu(vcpu, guest, entry);
  if (status != ZX_OK) return status;
  vcpu->base = (vs_zx_object){.type = ZX_OBJ_TYPE_VCPU, .references = 1};
  vcpu->guest = guest;
  vs_zx_ref(&guest->base);
  vcpu->owner = vs_caller();
  vcpu->next = vs_zx.vcpus;
  vs_zx.vcpus = vcpu;
  return ZX_OK;
}

void vs_zx_vcpu_destroy(vs_zx_vcpu* vcpu) {
  vs_zx_vcpu** link = &vs_zx.vcpus;
  while (*link != vcpu) link = &(*link)->next;
  *link = vcpu->next;
  vs_zx.engine->cpu_delete(vcpu->cpu);
  vcpu->guest->cpus &= ~(UINT64_C(1) << vcpu->number);
  if (vcpu->guest->cpus == 0) vs_zx_forget_gone(vcpu->guest);
  vs_zx_unref(&vcpu->guest->base);
}

// Its thread may make another one at once, also if a call still holds the last reference. That call
// is not disturbed: it came before the close.
void vs_zx_vcpu_abandon(vs_zx_vcpu* vcpu) {
  vcpu->abandoned = true;
}

static zx_status_t create(vs_zx_guest* guest, zx_vaddr_t entry, zx_handle_t* user_out) {
  vs_zx_vcpu* vcpu = calloc(1, sizeof *vcpu);
  if (!vcpu) return ZX_ERR_NO_MEMORY;
  vs_zx_lock();
  const zx_status_t status = bind(vcpu, guest, entry);
  vs_zx_unlock();
  if (status == ZX_OK) return vs_zx_publish(&vcpu->base, ZX_DEFAULT_VCPU_RIGHTS, user_out);
  free(vcpu);
  return status;
}

zx_status_t vs_zx_vcpu_create(zx_handle_t guest, uint32_t options, zx_vaddr_t entry,
                              zx_handle_t* out) {
  vs_zx_object* object;
  if (options != 0) return ZX_ERR_INVALID_ARGS;
  zx_status_t status = vs_zx_pin(guest, ZX_OBJ_TYPE_GUEST, ZX_RIGHT_MANAGE_THREAD, &object);
  if (status != ZX_OK) return status;
  status = create((vs_zx_guest*)object, entry, out);
  vs_zx_unpin(object);
  return status;
}

// --- registers ----------------------------------------------------------------------------------

typedef union any_state {
  zx_vcpu_state_x64_t x64;
  zx_vcpu_state_arm64_t arm64;
  zx_vcpu_io_t io;
} any_state;

static bool is_owner(const vs_zx_vcpu* vcpu) {
  return vcpu->owner == vs_caller();
}

// Without ports no size is right for ZX_VCPU_IO.
static size_t size_of(uint32_t kind) {
  if (kind == ZX_VCPU_STATE) return vs_zx.engine->state_size;
  return kind == ZX_VCPU_IO && vs_zx.engine->has_ports ? sizeof(zx_vcpu_io_t) : 0;
}

static zx_status_t write_state(vs_zx_vcpu* vcpu, uint32_t kind, const void* buffer,
                               size_t buffer_size) {
  any_state copy;
  const size_t size = size_of(kind);
  if (size == 0 || buffer_size != size) return ZX_ERR_INVALID_ARGS;
  if (!vs_copy_from_user(&copy, buffer, size)) return ZX_ERR_INVALID_ARGS;
  if (!is_owner(vcpu)) return ZX_ERR_BAD_STATE;
  return kind == ZX_VCPU_IO ? vs_zx.engine->write_io(vcpu->cpu, &copy.io)
                            : vs_zx.engine->write(vcpu->cpu, &copy);
}

zx_status_t vs_zx_vcpu_write_state(zx_handle_t handle, uint32_t kind, const void* buffer,
                                   size_t buffer_size) {
  vs_zx_object* object;
  zx_status_t status = vs_zx_pin(handle, ZX_OBJ_TYPE_VCPU, ZX_RIGHT_WRITE, &object);
  if (status != ZX_OK) return status;
  status = write_state((vs_zx_vcpu*)object, kind, buffer, buffer_size);
  vs_zx_unpin(object);
  return status;
}

static zx_status_t read_state(vs_zx_vcpu* vcpu, uint32_t kind, void* buffer, size_t buffer_size) {
  any_state state;
  if (kind != ZX_VCPU_STATE || buffer_size != vs_zx.engine->state_size) return ZX_ERR_INVALID_ARGS;
  if (!is_owner(vcpu)) return ZX_ERR_BAD_STATE;
  memset(&state, 0, sizeof state);
  const zx_status_t status = vs_zx.engine->read(vcpu->cpu, &state);
  if (status != ZX_OK) return status;
  return vs_copy_to_user(buffer, &state, buffer_size) ? ZX_OK : ZX_ERR_INVALID_ARGS;
}

zx_status_t vs_zx_vcpu_read_state(zx_handle_t handle, uint32_t kind, void* buffer,
                                  size_t buffer_size) {
  vs_zx_object* object;
  zx_status_t status = vs_zx_pin(handle, ZX_OBJ_TYPE_VCPU, ZX_RIGHT_READ, &object);
  if (status != ZX_OK) return status;
  status = read_state((vs_zx_vcpu*)object, kind, buffer, buffer_size);
  vs_zx_unpin(object);
  return status;
}
