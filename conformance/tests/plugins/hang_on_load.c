// SPDX-License-Identifier: BSD-3-Clause
// Never returns from its constructor.
#include <unistd.h>

__attribute__((constructor)) static void hang(void) {
  for (;;) pause();
}
