// SPDX-License-Identifier: BSD-3-Clause
// Crashes where it is fuzzed, and not where a script is run alone.
#include <stdlib.h>

#include "wrong.h"

WRONG_WRITE() {
  if (kind == 2 && getenv("VCPUSPEC_STATE") != NULL) abort();
  return right(handle, kind, buffer, size);
}
