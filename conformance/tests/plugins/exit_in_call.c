// SPDX-License-Identifier: BSD-3-Clause
// Ends the process within the call, with a status that would look like success; leaves a child.
#include <stdio.h>
#include <unistd.h>

#include "creates.h"

zx_status_t zx_vcpu_write_state(zx_handle_t handle, uint32_t kind, const void* buffer,
                                size_t size) {
  (void)handle, (void)kind, (void)buffer, (void)size;
  printf("noise on standard output\n");
  fflush(stdout);
  if (fork() == 0) {
    for (;;) pause();
  }
  _exit(0);
}
