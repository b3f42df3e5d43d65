// SPDX-License-Identifier: BSD-3-Clause
// Running a vCPU, and kicking it.
//
// A kick sets `kicked`, then immediate_exit, then sends a signal if the vCPU runs; an interrupt
// does so with `interrupts`. The runner clears immediate_exit, then looks at `kicked`, then runs.
// Whichever way the two interleave, either the runner sees `kicked`, or immediate_exit is set after
// it was cleared; and if KVM has read that already, the signal ends the run, since `running` was
// set before.
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "arch.h"
#include "caller.h"
#include "objects.h"
#include "user_copy.h"

void vs_kvm_vcpu_wake_locked(vs_kvm_vcpu* vcpu) {
  vs_kvm_set_immediate_exit(vcpu->cpu, true);
  pthread_cond_signal(&vcpu->awaken);
  if (vcpu->running) tgkill(getpid(), vcpu->owner_id, vs_kvm.kick_signal);
}

void vs_kvm_vcpu_kick_locked(vs_kvm_vcpu* vcpu) {
  atomic_store(&vcpu->kicked, true);
  vs_kvm_vcpu_wake_locked(vcpu);
}

zx_status_t vs_kvm_vcpu_kick(zx_handle_t handle) {
  vs_kvm_object* object;
  const zx_status_t status = vs_kvm_pin(handle, ZX_OBJ_TYPE_VCPU, ZX_RIGHT_EXECUTE, &object);
  if (status != ZX_OK) return status;
  vs_kvm_lock();
  vs_kvm_vcpu_kick_locked((vs_kvm_vcpu*)object);
  vs_kvm_unlock();
  vs_kvm_unpin(object);
  return ZX_OK;
}

static bool find_trap(void* context, uint32_t kind, uint64_t addr, uint64_t* key) {
  vs_kvm_lock();
  const bool found = vs_kvm_guest_find_trap(context, kind, addr, key);
  vs_kvm_unlock();
  return found;
}

static bool read_memory(void* context, uint64_t gpa, void* out, size_t size) {
  const vs_kvm_guest* guest = context;
  vs_kvm_lock();
  const uint8_t* at = vs_kvm_vm_find(guest->vm, gpa, size);
  if (at) {
    vs_kvm_arch_will_read(at, size);
    memcpy(out, at, size);
  }
  vs_kvm_unlock();
  return at != NULL;
}

static void wait_in_halt(vs_kvm_vcpu* vcpu) {
  vs_kvm_lock();
  while (!atomic_load(&vcpu->kicked) && !vs_kvm_vcpu_takes_interrupt(vcpu)) {
    pthread_cond_wait(&vcpu->awaken, &vs_kvm.lock);
  }
  vs_kvm_unlock();
}

static zx_status_t run_until_exit(vs_kvm_vcpu* vcpu, zx_port_packet_t* packet) {
  const vs_kvm_outside outside = {
      .context = vcpu->guest, .find_trap = find_trap, .read_memory = read_memory};
  for (;;) {
    bool halted;
    vs_kvm_set_immediate_exit(vcpu->cpu, false);
    if (atomic_exchange(&vcpu->kicked, false)) return ZX_ERR_CANCELED;
    // Not even an instruction can be fetched. KVM would not say so: depending on the processor it
    // reports a crash, or keeps trying until somebody kicks.
    if (!atomic_load(&vcpu->guest->has_memory)) return ZX_ERR_NOT_FOUND;
    if (atomic_load(&vcpu->guest->tables_trapped)) return ZX_ERR_NOT_SUPPORTED;
    vs_kvm_arch_before_run(vcpu->cpu);
    int result = vs_kvm_vcpu_offer_interrupt(vcpu);
    if (result >= 0) result = vs_kvm_run(vcpu->cpu);
    // A kick, an interrupt, or a signal that the guest has nothing to do with.
    if (result == -EINTR) continue;
    if (result < 0) return vs_kvm_status(result);
    if (vcpu->cpu->run->exit_reason == KVM_EXIT_IRQ_WINDOW_OPEN) continue;
    const zx_status_t status = vs_kvm_arch_exit(vcpu->cpu, &outside, packet, &halted);
    if (!halted) return status;
    wait_in_halt(vcpu);
  }
}

static void set_running(vs_kvm_vcpu* vcpu, bool running) {
  vs_kvm_lock();
  vcpu->running = running;
  vs_kvm_unlock();
}

static zx_status_t enter(vs_kvm_vcpu* vcpu, zx_port_packet_t* user_packet) {
  zx_port_packet_t packet;
  if (vcpu->owner != vs_caller()) return ZX_ERR_BAD_STATE;
  set_running(vcpu, true);
  const zx_status_t status = run_until_exit(vcpu, &packet);
  set_running(vcpu, false);
  if (status != ZX_OK) return status;
  return vs_copy_to_user(user_packet, &packet, sizeof(packet)) ? ZX_OK : ZX_ERR_INVALID_ARGS;
}

zx_status_t vs_kvm_vcpu_enter(zx_handle_t handle, zx_port_packet_t* packet) {
  vs_kvm_object* object;
  zx_status_t status = vs_kvm_pin(handle, ZX_OBJ_TYPE_VCPU, ZX_RIGHT_EXECUTE, &object);
  if (status != ZX_OK) return status;
  status = enter((vs_kvm_vcpu*)object, packet);
  vs_kvm_unpin(object);
  return status;
}
