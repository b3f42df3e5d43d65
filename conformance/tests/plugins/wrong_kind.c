// SPDX-License-Identifier: BSD-3-Clause
// Looks at the low byte of kind only.
#include "wrong.h"

WRONG_WRITE() {
  return right(handle, kind % 256, buffer, size);
}
