// SPDX-License-Identifier: BSD-3-Clause
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "arch.h"
#include "kvm.h"
#include "objects.h"
#include "refuse.h"
#include "user_copy.h"

vs_kvm_state vs_kvm = {
    .lock = PTHREAD_MUTEX_INITIALIZER,
    .unpinned = PTHREAD_COND_INITIALIZER,
    .machines = {.kvm_fd = -1},
};

static void handle_kick(int signal_number) {
  (void)signal_number;
}

// Takes the first real-time signal that nobody uses. No SA_RESTART: KVM_RUN has to come back.
static bool take_signal(void) {
  struct sigaction action = {.sa_handler = handle_kick};
  sigemptyset(&action.sa_mask);
  for (int number = SIGRTMIN; number <= SIGRTMAX; number++) {
    if (sigaction(number, NULL, &vs_kvm.previous_action) != 0) continue;
    if (vs_kvm.previous_action.sa_handler != SIG_DFL) continue;
    if (sigaction(number, &action, NULL) != 0) continue;
    vs_kvm.kick_signal = number;
    return true;
  }
  return false;
}

static const char* open_remedy(int error) {
  switch (error) {
    case EACCES:
    case EPERM:
      return "run as root or join the group that owns it";
    case ENOENT:
    case ENODEV:
    case ENXIO:
      return "load the kvm module of this processor, or enable virtualization in the firmware";
    default:
      return "check that this kernel has a working kvm module";
  }
}

static bool open_device(vs_why* reason) {
  vs_kvm.machines.kvm_fd = open("/dev/kvm", O_RDWR | O_CLOEXEC);
  if (vs_kvm.machines.kvm_fd >= 0) return true;
  const int error = errno;
  return vs_refuse(reason, "/dev/kvm: %s; %s", strerror(error), open_remedy(error));
}

static bool check_device(vs_why* reason) {
  const int fd = vs_kvm.machines.kvm_fd;
  const int version = VS_KVM_IOCTL_VALUE(fd, KVM_GET_API_VERSION, 0);
  if (version != KVM_API_VERSION)
    return vs_refuse(reason, "/dev/kvm: API version %d, not %d; use another kernel", version,
                     KVM_API_VERSION);
  const char* missing = vs_kvm_arch_missing(fd);
  if (missing)
    return vs_refuse(reason, "/dev/kvm: no %s; use Linux %s or newer", missing,
                     vs_kvm_arch.least_linux);
  const int bytes = VS_KVM_IOCTL_VALUE(fd, KVM_GET_VCPU_MMAP_SIZE, 0);
  if (bytes < (int)sizeof(struct kvm_run))
    return vs_refuse(reason, "/dev/kvm: kvm_run has %d bytes; use Linux %s or newer", bytes,
                     vs_kvm_arch.least_linux);
  vs_kvm.machines.run_size = (size_t)bytes;
  return true;
}

// The device may be there and yet refuse: the processor's virtualization may be taken by another
// hypervisor, or a sandbox may forbid it. The VM and its vCPU are kept for the first guest.
static bool try_machine(vs_why* reason) {
  int error = 0;
  vs_kvm_cpu* cpu = NULL;
  vs_kvm_vm* vm = vs_kvm_vm_take(&vs_kvm.machines, &error);
  if (vm) {
    error = vs_kvm_cpu_take(&vs_kvm.machines, vm, 0, &cpu);
    if (error >= 0) vs_kvm_cpu_give(cpu);
    vs_kvm_vm_give(&vs_kvm.machines, vm);
  }
  if (error >= 0) return true;
  return vs_refuse(
      reason,
      "/dev/kvm: cannot create a %s: %s; look for another hypervisor that holds the processor, "
      "and at the kernel's log",
      vm ? "vCPU" : "VM", strerror(-error));
}

static void close_device(void) {
  vs_kvm_vm_drop_parked(&vs_kvm.machines);
  if (vs_kvm.machines.kvm_fd >= 0) close(vs_kvm.machines.kvm_fd);
  vs_kvm.machines = (vs_kvm_machines){.kvm_fd = -1};
}

static bool open_backend(vs_why* reason) {
  if (!open_device(reason)) return false;
  if (!check_device(reason) || !try_machine(reason)) {
    close_device();
    return false;
  }
  if (!take_signal()) {
    vs_refuse(reason, "every real-time signal is in use; free one for the kicks");
    close_device();
    return false;
  }
  vs_user_copy_open();
  vs_kvm_lock();
  vs_kvm_handles_open();
  vs_kvm_unlock();
  return true;
}

// Ends the calls that may last for ever; no others are to be in progress.
static void end_runs(void) {
  for (vs_kvm_vcpu* vcpu = vs_kvm.vcpus; vcpu; vcpu = vcpu->next) {
    if (vcpu->running) vs_kvm_vcpu_kick_locked(vcpu);
  }
  while (vs_kvm.pins != 0) pthread_cond_wait(&vs_kvm.unpinned, &vs_kvm.lock);
}

static void close_backend(void) {
  vs_kvm_lock();
  end_runs();
  vs_kvm_handles_close_all();
  close_device();
  vs_kvm.as_published = false;
  vs_kvm_unlock();
  sigaction(vs_kvm.kick_signal, &vs_kvm.previous_action, NULL);
  vs_user_copy_close();
}

static const vs_calls calls = {
    .guest_create = vs_kvm_guest_create,
    .guest_set_trap = vs_kvm_guest_set_trap,
    .vcpu_create = vs_kvm_vcpu_create,
    .vcpu_enter = vs_kvm_vcpu_enter,
    .vcpu_interrupt = vs_kvm_vcpu_interrupt,
    .vcpu_kick = vs_kvm_vcpu_kick,
    .vcpu_read_state = vs_kvm_vcpu_read_state,
    .vcpu_write_state = vs_kvm_vcpu_write_state,
    .handle_close = vs_kvm_handle_close,
    .handle_duplicate = vs_kvm_handle_duplicate,
    .handle_replace = vs_kvm_handle_replace,
    .event_create = vs_kvm_event_create,
    .port_create = vs_kvm_port_create,
    .vmo_create = vs_kvm_vmo_create,
    .vmo_read = vs_kvm_vmo_read,
    .vmo_write = vs_kvm_vmo_write,
    .vmar_map = vs_kvm_vmar_map,
};

static bool open_zircon(vs_why* reason) {
  if (VS_KVM_ARCH != VS_ARCH_ARM64)
    return vs_refuse(reason,
                     "this is for arm64, where published kernels never clear a flag; use kvm");
  if (!open_backend(reason)) return false;
  vs_kvm.as_published = true;
  return true;
}

const vs_backend vs_backend_kvm = {
    .name = "kvm",
    .summary = "vCPUs of Linux KVM, with rules of its own around them",
    .arch = VS_KVM_ARCH,
    .resource = ZX_HANDLE_INVALID,
    .other_resource = VS_KVM_OTHER_RESOURCE,
    .calls = &calls,
    .open = open_backend,
    .close = close_backend,
};

const vs_backend vs_backend_kvm_zircon = {
    .name = "kvm:zircon",
    .summary = "the same on arm64, but flags are only ever set, as in published kernels",
    .arch = VS_KVM_ARCH,
    .resource = ZX_HANDLE_INVALID,
    .other_resource = VS_KVM_OTHER_RESOURCE,
    .calls = &calls,
    .open = open_zircon,
    .close = close_backend,
};
