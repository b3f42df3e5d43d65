// SPDX-License-Identifier: BSD-3-Clause
// Accepts a kind that there is not: where it is fuzzed, and in half of all other processes.
#include <stdlib.h>
#include <time.h>

#include "wrong.h"

WRONG_WRITE() {
  static int luck = -1;
  struct timespec now;
  if (luck < 0) {
    clock_gettime(CLOCK_MONOTONIC, &now);
    luck = (int)(now.tv_nsec / 1000 % 2);
    if (getenv("VCPUSPEC_STATE") != NULL) luck = 1;
  }
  if (kind == 2 && luck == 1) return ZX_OK;
  return right(handle, kind, buffer, size);
}
