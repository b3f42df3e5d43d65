// SPDX-License-Identifier: BSD-3-Clause
#include "ioctl.h"

#include <errno.h>

int vs_kvm_ioctl_raw(int fd, unsigned long request, void* arg) {
  const int result = ioctl(fd, request, arg);
  return result < 0 ? -errno : result;
}

zx_status_t vs_kvm_status(int result) {
  if (result >= 0) return ZX_OK;
  switch (-result) {
    case ENOMEM:
    case EMFILE:
    case ENFILE:
      return ZX_ERR_NO_MEMORY;  // the one shortage that the pages have
    default:
      return ZX_ERR_INTERNAL;
  }
}
