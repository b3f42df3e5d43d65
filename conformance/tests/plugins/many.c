// SPDX-License-Identifier: BSD-3-Clause
// Wrong in a dozen ways, and one of them is a crash.
#include <stdlib.h>

#include "wrong.h"

WRONG_WRITE() {
  if (kind == 14) abort();
  if (kind >= 2 && kind < 13) return -100 - (zx_status_t)kind;
  return right(handle, kind, buffer, size);
}
