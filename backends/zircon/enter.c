// SPDX-License-Identifier: BSD-3-Clause
// Running a vCPU, and kicking it.
//
// A kick sets `kicked`, then wakes the engine; an interrupt does so with `interrupts`. The runner
// tells the engine that it is ready, then looks at both, then runs. Whichever way the two
// interleave, either the runner sees what is wanted, or the engine was woken after `ready` and run
// comes back.
#include "caller.h"
#include "objects.h"
#include "user_copy.h"

void vs_zx_vcpu_kick_locked(vs_zx_vcpu* vcpu) {
  atomic_store(&vcpu->kicked, true);
  vs_zx.engine->wake(vcpu->cpu, vcpu->running);
  vs_zx_tell_all();
}

zx_status_t vs_zx_vcpu_kick(zx_handle_t handle) {
  vs_zx_object* object;
  const zx_status_t status = vs_zx_pin(handle, ZX_OBJ_TYPE_VCPU, ZX_RIGHT_EXECUTE, &object);
  if (status != ZX_OK) return status;
  vs_zx_lock();
  vs_zx_vcpu_kick_locked((vs_zx_vcpu*)object);
  vs_zx_unlock();
  vs_zx_unpin(object);
  return ZX_OK;
}

static void wait_in_halt(vs_zx_vcpu* vcpu) {
  vs_zx_lock();
  while (!atomic_load(&vcpu->kicked) && !vs_zx_vcpu_is_awake(vcpu)) vs_zx_wait();
  vs_zx_unlock();
}

// The guest is behind the access already. Waits for room, unless it is kicked: then the loop of run
// answers the kick.
static zx_status_t ring(vs_zx_vcpu* vcpu, vs_zx_trap* bell, uint64_t addr) {
  const zx_port_packet_t packet = {
      .key = bell->key, .type = ZX_PKT_TYPE_GUEST_BELL, .guest_bell = {.addr = addr}};
  zx_status_t status = ZX_ERR_SHOULD_WAIT;
  vs_zx_lock();
  while (status == ZX_ERR_SHOULD_WAIT) {
    const bool is_open = bell->port->base.handles != 0;
    status = is_open ? vs_zx_port_put(bell->port, bell, &packet) : ZX_ERR_BAD_STATE;
    if (status != ZX_ERR_SHOULD_WAIT) break;
    if (atomic_load(&vcpu->kicked)) status = ZX_OK;
    if (status != ZX_OK) vs_zx_wait();
  }
  vs_zx_unlock();
  return status;
}

// The status where there is no trap (published kernels).
static zx_status_t untrapped(void) {
  return vs_zx.engine->arch == VS_ARCH_ARM64 ? ZX_ERR_BAD_STATE : ZX_ERR_NOT_FOUND;
}

// A bell is rung, and the guest goes on; of another trap the packet tells. Traps are never taken
// away while the guest lives, so its kind and key may be looked at without the lock.
static zx_status_t meet(vs_zx_vcpu* vcpu, const vs_exit* at, zx_port_packet_t* packet,
                        bool* goes_on) {
  vs_zx_trap* trap = vs_zx_trap_met(vcpu->guest, at->kind == VS_EXIT_PORT, at->address);
  *goes_on = trap && trap->kind == ZX_GUEST_TRAP_BELL;
  const zx_status_t status =
      vs_zx.engine->finish(vcpu->cpu, at, trap != NULL, *goes_on ? NULL : packet);
  if (!trap) return status == ZX_OK ? untrapped() : status;
  if (!*goes_on) {
    packet->key = trap->key;
    return status;
  }
  if (at->read) return ZX_ERR_NOT_SUPPORTED;
  return status == ZX_OK ? ring(vcpu, trap, at->address) : status;
}

// A guest that is told nothing of what it has sent goes on.
static zx_status_t send(vs_zx_vcpu* vcpu, const vs_exit* at, zx_port_packet_t* packet,
                        bool* goes_on) {
  const vs_zx_sent sent = vs_zx_tell_sent(at->value, vcpu->number, packet);
  *goes_on = sent != VS_ZX_SENT_PACKET;
  return vs_zx.engine->finish(vcpu->cpu, at, sent != VS_ZX_SENT_REFUSED, NULL);
}

static zx_status_t run(vs_zx_vcpu* vcpu, zx_port_packet_t* packet) {
  const vs_engine* engine = vs_zx.engine;
  bool goes_on = true;
  zx_status_t status = ZX_OK;
  while (status == ZX_OK && goes_on) {
    vs_exit at;
    engine->ready(vcpu->cpu);
    if (atomic_load(&vcpu->kicked) && atomic_exchange(&vcpu->kicked, false)) return ZX_ERR_CANCELED;
    status = (zx_status_t)atomic_load(&vcpu->guest->starved);
    if (status == ZX_OK) status = vs_zx_vcpu_offer(vcpu);
    if (status != ZX_OK) return status;
    engine->run(vcpu->cpu, &at);
    switch (at.kind) {
      case VS_EXIT_ATTENTION:
        break;
      case VS_EXIT_HALT:
        wait_in_halt(vcpu);
        break;
      case VS_EXIT_MEMORY:
      case VS_EXIT_PORT:
        status = meet(vcpu, &at, packet, &goes_on);
        break;
      case VS_EXIT_ICR:
        status = send(vcpu, &at, packet, &goes_on);
        break;
      case VS_EXIT_STARTUP:
        vs_zx_tell_startup(at.value, at.address, packet);
        return ZX_OK;
      default:
        return at.status;
    }
  }
  return status;
}

// The packet is only touched once the guest has run, hence a bad pointer costs an exit.
static zx_status_t enter(vs_zx_vcpu* vcpu, zx_port_packet_t* user_packet) {
  zx_port_packet_t packet = {0};
  if (vcpu->owner != vs_caller()) return ZX_ERR_BAD_STATE;
  const zx_status_t status = run(vcpu, &packet);
  if (status != ZX_OK) return status;
  return vs_copy_to_user(user_packet, &packet, sizeof packet) ? ZX_OK : ZX_ERR_INVALID_ARGS;
}

static zx_status_t begin(zx_handle_t handle, vs_zx_object** object) {
  vs_zx_lock();
  const zx_status_t status = vs_zx_pin_locked(handle, ZX_OBJ_TYPE_VCPU, ZX_RIGHT_EXECUTE, object);
  vs_zx_vcpu* vcpu = (vs_zx_vcpu*)*object;
  if (status == ZX_OK && vcpu->owner == vs_caller()) vcpu->running = true;
  vs_zx_unlock();
  return status;
}

static void end(vs_zx_object* object) {
  vs_zx_vcpu* vcpu = (vs_zx_vcpu*)object;
  vs_zx_lock();
  if (vcpu->owner == vs_caller()) vcpu->running = false;
  vs_zx_unpin_locked(object);
  vs_zx_unlock();
}

zx_status_t vs_zx_vcpu_enter(zx_handle_t handle, zx_port_packet_t* packet) {
  vs_zx_object* object = NULL;
  zx_status_t status = begin(handle, &object);
  if (status != ZX_OK) return status;
  status = enter((vs_zx_vcpu*)object, packet);
  end(object);
  return status;
}
