// SPDX-License-Identifier: BSD-3-Clause
// Never returns from the call, and does not want to be stopped.
#include <signal.h>
#include <unistd.h>

#include "creates.h"

zx_status_t zx_vcpu_write_state(zx_handle_t handle, uint32_t kind, const void* buffer,
                                size_t size) {
  (void)handle, (void)kind, (void)buffer, (void)size;
  signal(SIGTERM, SIG_IGN);
  for (;;) pause();
}
