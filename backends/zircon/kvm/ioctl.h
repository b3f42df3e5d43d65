// SPDX-License-Identifier: BSD-3-Clause
// The one door to KVM: every ioctl of the backend goes through it, so that errno is looked at in
// one place only.
#ifndef VS_BACKENDS_ZIRCON_KVM_IOCTL_H_
#define VS_BACKENDS_ZIRCON_KVM_IOCTL_H_

#include <linux/kvm.h>
#include <sys/ioctl.h>

#include <zircon/types.h>

// The result of the ioctl (>= 0), or -errno.
int vs_kvm_ioctl_raw(int fd, unsigned long request, void* arg);

// The status that a failed ioctl of a call amounts to: what a busy machine may answer has a name,
// all the rest cannot happen and is ZX_ERR_INTERNAL. `result` >= 0 is ZX_OK.
zx_status_t vs_kvm_status(int result);

// With a structure: refused by the compiler when `arg` is not of the size that the request's number
// was made from.
#define VS_KVM_IOCTL(fd, request, arg) \
  (vs_kvm_ioctl_raw(                   \
      (fd), (request) + 0 * sizeof(char[_IOC_SIZE(request) == sizeof(*(arg)) ? 1 : -1]), (arg)))

// With a plain number, or nothing (0).
#define VS_KVM_IOCTL_VALUE(fd, request, value)                                            \
  (vs_kvm_ioctl_raw((fd), (request) + 0 * sizeof(char[_IOC_SIZE(request) == 0 ? 1 : -1]), \
                    (void*)(uintptr_t)(value)))

#endif  // VS_BACKENDS_ZIRCON_KVM_IOCTL_H_
