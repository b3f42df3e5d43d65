// SPDX-License-Identifier: BSD-3-Clause
// The engine that runs its vCPUs under Linux KVM.
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "arch.h"
#include "machine.h"
#include "refuse.h"
#include "rows.h"
#include "zircon.h"

static vs_kvm_machines machines = {.kvm_fd = -1};
static int kick_signal;
static struct sigaction previous_action;  // of kick_signal

// --- the device ---------------------------------------------------------------------------------

static void handle_kick(int signal_number) {
  (void)signal_number;
}

// Takes the first real-time signal that still has its default action. With SA_RESTART a read() of
// the program goes on after the signal; KVM_RUN comes back all the same.
static bool take_signal(void) {
  struct sigaction action = {.sa_handler = handle_kick, .sa_flags = SA_RESTART | SA_ONSTACK};
  sigemptyset(&action.sa_mask);
  for (int number = SIGRTMIN; number <= SIGRTMAX; number++) {
    if (sigaction(number, NULL, &previous_action) != 0) continue;
    if (previous_action.sa_handler != SIG_DFL) continue;
    if (sigaction(number, &action, NULL) != 0) continue;
    kick_signal = number;
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
  machines.kvm_fd = open("/dev/kvm", O_RDWR | O_CLOEXEC);
  if (machines.kvm_fd >= 0) return true;
  const int error = errno;
  return vs_refuse(reason, "/dev/kvm: %s; %s", strerror(error), open_remedy(error));
}

static bool check_device(vs_why* reason) {
  const int fd = machines.kvm_fd;
  const int version = VS_KVM_IOCTL_VALUE(fd, KVM_GET_API_VERSION, 0);
  if (version != KVM_API_VERSION)
    return vs_refuse(reason, "/dev/kvm: API version %d, not %d; use another kernel", version,
                     KVM_API_VERSION);
  const char* missing = vs_kvm_arch_missing(fd);
  if (missing)
    return vs_refuse(reason, "/dev/kvm: no %s; use Linux %s or newer", missing,
                     vs_kvm_arch_least_linux);
  const int bytes = VS_KVM_IOCTL_VALUE(fd, KVM_GET_VCPU_MMAP_SIZE, 0);
  if (bytes < (int)sizeof(struct kvm_run))
    return vs_refuse(reason, "/dev/kvm: kvm_run has %d bytes; use Linux %s or newer", bytes,
                     vs_kvm_arch_least_linux);
  machines.run_size = (size_t)bytes;
  return true;
}

// The device may be there and yet refuse: the processor's virtualization may be taken by another
// hypervisor, or a sandbox may forbid it. The VM and its vCPU are kept for the first guest.
static bool try_machine(vs_why* reason) {
  int error = 0;
  vs_cpu* cpu = NULL;
  vs_space* vm = vs_kvm_vm_take(&machines, &error);
  if (vm) {
    error = vs_kvm_cpu_take(&machines, vm, 0, 0, &cpu);
    vs_kvm_vm_give(&machines, vm);
  }
  if (error >= 0) return true;
  return vs_refuse(
      reason,
      "/dev/kvm: cannot create a %s: %s; look for another hypervisor that holds the processor, "
      "and at the kernel's log",
      vm ? "vCPU" : "VM", strerror(-error));
}

static void close_device(void) {
  vs_kvm_vm_drop_parked(&machines);
  if (machines.kvm_fd >= 0) close(machines.kvm_fd);
  machines = (vs_kvm_machines){.kvm_fd = -1};
}

bool vs_kvm_open(vs_why* reason) {
  if (!vs_kvm_arch_load(reason) || !open_device(reason)) return false;
  if (!check_device(reason) || !try_machine(reason)) {
    close_device();
    return false;
  }
  if (take_signal()) return true;
  vs_refuse(reason, "every real-time signal is in use; free one for the kicks");
  close_device();
  return false;
}

void vs_kvm_close(void) {
  close_device();
  sigaction(kick_signal, &previous_action, NULL);
}

// --- memory and vCPUs ---------------------------------------------------------------------------

zx_status_t vs_kvm_space_new(const vs_engine* row, vs_space** out) {
  (void)row;
  int error = 0;
  *out = vs_kvm_vm_take(&machines, &error);
  return *out ? ZX_OK : vs_kvm_status(error);
}

void vs_kvm_space_delete(vs_space* space) {
  vs_kvm_vm_give(&machines, space);
}

zx_status_t vs_kvm_space_arrange(vs_space* space, const vs_stretch* stretches, size_t count) {
  const int result = vs_kvm_vm_arrange(space, stretches, count);
  if (result == -ENOSPC) return ZX_ERR_NO_RESOURCES;
  if (result == -EINVAL) return ZX_ERR_OUT_OF_RANGE;  // beyond what this host's KVM can address
  return vs_kvm_status(result);
}

// The thread that makes a vCPU is the one that will run it: a kick must reach it.
static void accept_kicks(void) {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, kick_signal);
  pthread_sigmask(SIG_UNBLOCK, &set, NULL);
}

zx_status_t vs_kvm_cpu_new(vs_space* space, unsigned number, uint64_t entry, vs_cpu** out) {
  const int result = vs_kvm_cpu_take(&machines, space, number, entry, out);
  if (result == -EEXIST) return ZX_ERR_ALREADY_EXISTS;
  if (result >= 0) accept_kicks();
  return vs_kvm_status(result);
}

// Its descriptor stays with the VM.
void vs_kvm_cpu_delete(vs_cpu* cpu) {
  (void)cpu;
}

// --- running ------------------------------------------------------------------------------------

// If KVM has read immediate_exit already, the signal ends the run. One is enough until the owner
// looks.
void vs_kvm_wake(vs_cpu* cpu, bool runs) {
  const bool is_told = vs_kvm_set_immediate_exit(cpu, true);
  if (runs && !is_told) tgkill(getpid(), cpu->owner, kick_signal);
}

void vs_kvm_ready(vs_cpu* cpu) {
  vs_kvm_set_immediate_exit(cpu, false);
}

void vs_kvm_enter(vs_cpu* cpu, vs_exit* out) {
  vs_kvm_arch_before_run(cpu);
  const int result = vs_kvm_run(cpu);
  if (result >= 0) {
    vs_kvm_arch_exit(cpu, out);
    return;
  }
  // A kick, an interrupt, or a signal that the guest has nothing to do with.
  const bool interrupted = result == -EINTR;
  *out = (vs_exit){.kind = interrupted ? VS_EXIT_ATTENTION : VS_EXIT_STATUS,
                   .status = vs_kvm_status(result)};
}

// --- the rows of the table of backends ----------------------------------------------------------

static bool open_documented(vs_why* reason) {
  return vs_zircon_open(&vs_kvm_arch, reason);
}

static bool open_zircon(vs_why* reason) {
  if (vs_kvm_arch_published == NULL)
    return vs_refuse(reason,
                     "this is for arm64, where published kernels never clear a flag; use kvm");
  return vs_zircon_open(vs_kvm_arch_published, reason);
}

const vs_backend vs_backend_kvm = {
    .name = "kvm",
    .summary = "vCPUs of Linux KVM, with rules of its own around them",
    .arch = VS_KVM_ARCH,
    .resource = ZX_HANDLE_INVALID,
    .other_resource = VS_ZIRCON_OTHER_RESOURCE,
    .calls = &vs_zircon_calls,
    .load = vs_kvm_arch_load,
    .open = open_documented,
    .close = vs_zircon_close,
};

const vs_backend vs_backend_kvm_zircon = {
    .name = "kvm:zircon",
    .summary = "the same on arm64, but flags are only ever set, as in published kernels",
    .arch = VS_KVM_ARCH,
    .resource = ZX_HANDLE_INVALID,
    .other_resource = VS_ZIRCON_OTHER_RESOURCE,
    .calls = &vs_zircon_calls,
    .load = vs_kvm_arch_load,
    .open = open_zircon,
    .close = vs_zircon_close,
};
