// SPDX-License-Identifier: BSD-3-Clause
// Answers as it should, but has a data race: what ThreadSanitizer must be seen to find.
#include <pthread.h>
#include <time.h>

#include "creates.h"

static long calls;

static void* count(void* argument) {
  const struct timespec pause = {0, 1000};
  for (;;) {
    calls++;
    nanosleep(&pause, NULL);
  }
  return argument;
}

__attribute__((constructor)) static void start(void) {
  pthread_t thread;
  pthread_create(&thread, NULL, count, NULL);
}

zx_status_t zx_vcpu_write_state(zx_handle_t handle, uint32_t kind, const void* buffer,
                                size_t size) {
  (void)kind, (void)buffer, (void)size;
  for (int i = 0; i < 1000; i++) calls++;
  return handle == 0x10b ? ZX_OK : ZX_ERR_BAD_HANDLE;
}
