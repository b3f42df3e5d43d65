// SPDX-License-Identifier: BSD-3-Clause
// The calls on vCPUs. Decisions: each takes a handle, checks everything, and only then acts.
#ifndef VS_BACKENDS_UNICORN_VCPU_H_
#define VS_BACKENDS_UNICORN_VCPU_H_

#include <zircon/syscalls.h>

zx_status_t vs_uc_vcpu_create(zx_handle_t guest, uint32_t options, zx_vaddr_t entry,
                              zx_handle_t* out);
zx_status_t vs_uc_vcpu_enter(zx_handle_t handle, zx_port_packet_t* packet);
zx_status_t vs_uc_vcpu_interrupt(zx_handle_t handle, uint32_t vector);
zx_status_t vs_uc_vcpu_kick(zx_handle_t handle);
zx_status_t vs_uc_vcpu_read_state(zx_handle_t handle, uint32_t kind, void* buffer, size_t size);
zx_status_t vs_uc_vcpu_write_state(zx_handle_t handle, uint32_t kind, const void* buffer,
                                   size_t size);

#endif  // VS_BACKENDS_UNICORN_VCPU_H_
