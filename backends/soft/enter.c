// SPDX-License-Identifier: BSD-3-Clause
// zx_vcpu_enter: runs guest code, one instruction after the other, until it meets a trap or is
// kicked.
#include <sched.h>
#include <string.h>

#include "caller.h"
#include "user_copy.h"
#include "vcpu.h"

// ---- What an instruction does to the guest's memory and ports.

static zx_status_t leave(vs_soft_run* run, const vs_soft_trap* trap, uint32_t type) {
  run->packet = (zx_port_packet_t){.key = trap->key, .type = type};
  return ZX_OK;
}

// A bell is rung by a write alone, and the guest goes on. With its port's last handle gone it is of
// no use, and while the port is full the write waits.
static zx_status_t ring(vs_soft_run* run, const vs_soft_trap* trap, uint64_t addr, bool write) {
  run->rang = true;
  if (!write) return ZX_ERR_NOT_SUPPORTED;
  if (!vs_soft_has_handle(trap->port)) return ZX_ERR_BAD_STATE;
  const zx_port_packet_t packet = {
      .key = trap->key, .type = ZX_PKT_TYPE_GUEST_BELL, .guest_bell = {.addr = addr}};
  const zx_status_t status = vs_soft_port_put(trap->port, trap, &packet);
  if (status == ZX_ERR_SHOULD_WAIT) return VS_SOFT_WAITS;
  return status == ZX_OK ? VS_SOFT_GOES_ON : status;
}

static zx_status_t meet(vs_soft_run* run, const vs_soft_trap* trap, uint64_t addr, bool write) {
  if (trap->kind == ZX_GUEST_TRAP_BELL) return ring(run, trap, addr, write);
  leave(run, trap, ZX_PKT_TYPE_GUEST_MEM);
  run->packet.guest_mem_x64.addr = addr;  // as in the other layout
  return ZX_OK;
}

zx_status_t vs_soft_access(vs_soft_run* run, uint64_t addr, void* value, size_t size, bool write) {
  const vs_soft_guest* guest = run->vcpu->guest;
  const vs_soft_trap* trap = vs_soft_trap_at(guest, true, addr);
  uint8_t* bytes = NULL;
  if (trap != NULL) return meet(run, trap, addr, write);
  if (addr >= vs_soft_space()) return ZX_ERR_OUT_OF_RANGE;
  if (vs_soft_vmar_reach(guest->vmar, addr, &bytes) < size) return ZX_ERR_NOT_FOUND;
  memcpy(write ? (void*)bytes : value, write ? value : (void*)bytes, size);
  return VS_SOFT_GOES_ON;
}

zx_status_t vs_soft_leave_by_port(vs_soft_run* run, uint16_t port, uint8_t size, bool input) {
  const vs_soft_trap* trap = vs_soft_trap_at(run->vcpu->guest, false, port);
  if (trap == NULL) return ZX_ERR_NOT_FOUND;
  leave(run, trap, ZX_PKT_TYPE_GUEST_IO);
  run->packet.guest_io = (zx_packet_guest_io_t){.port = port, .access_size = size, .input = input};
  return ZX_OK;
}

// ---- The call.

// So that others get the lock too.
static void let_others_in(unsigned ran) {
  enum { IN_A_ROW = 64 };
  if (ran % IN_A_ROW != 0) return;
  vs_soft_unlock();
  sched_yield();
  vs_soft_lock();
}

static zx_status_t run_locked(vs_soft_run* run) {
  for (unsigned ran = 1;; ran++) {
    if (vs_soft.closing || atomic_exchange(&run->vcpu->kicked, false)) return ZX_ERR_CANCELED;
    const zx_status_t status = vs_soft.rules->step(run);
    if (status <= ZX_OK) return status;
    if (status == VS_SOFT_WAITS) pthread_cond_wait(&vs_soft.changed, &vs_soft.lock);
    let_others_in(ran);
  }
}

static zx_status_t run_guest(vs_soft_run* run) {
  vs_soft_lock();
  vs_soft.waits++;
  const zx_status_t status = run_locked(run);
  vs_soft.waits--;
  if (vs_soft.closing) pthread_cond_broadcast(&vs_soft.changed);
  vs_soft_unlock();
  return status;
}

zx_status_t vs_soft_vcpu_enter(zx_handle_t handle, zx_port_packet_t* packet) {
  vs_soft_run run = {0};
  zx_status_t status = vs_soft_get(handle, ZX_OBJ_TYPE_VCPU, ZX_RIGHT_EXECUTE, &run.vcpu);
  if (status != ZX_OK) return status;
  status = run.vcpu->owner == vs_caller() ? run_guest(&run) : ZX_ERR_BAD_STATE;
  if (status == ZX_OK && !vs_copy_to_user(packet, &run.packet, sizeof *packet))
    status = ZX_ERR_INVALID_ARGS;
  vs_soft_put(run.vcpu);
  return status;
}
