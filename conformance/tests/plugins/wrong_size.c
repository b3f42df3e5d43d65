// SPDX-License-Identifier: BSD-3-Clause
// Does not look at the size.
#include "wrong.h"

WRONG_WRITE() {
  (void)size;
  return right(handle, kind, buffer, kind == ZX_VCPU_IO ? 8 : 136);
}
