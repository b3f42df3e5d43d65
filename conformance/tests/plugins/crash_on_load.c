// SPDX-License-Identifier: BSD-3-Clause
// Dies in its constructor.
#include <stdlib.h>

__attribute__((constructor)) static void crash(void) {
  abort();
}
