// SPDX-License-Identifier: BSD-3-Clause
// Accepts a kind that there is not; with VS_SECOND in the environment, also answers a wrong size as
// no page asks ("status"), or dies of another kind ("death"); with "copies", a copy of the process
// that it makes goes on in its place.
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "wrong.h"

static bool is_second(const char* what) {
  const char* second = getenv("VS_SECOND");
  return second != NULL && strcmp(second, what) == 0;
}

WRONG_WRITE() {
  if (kind == 2) return ZX_OK;
  if (is_second("status") && kind < 2 && size == 135) return ZX_ERR_BUFFER_TOO_SMALL;
  if (is_second("death") && kind > 2) abort();
  if (is_second("copies") && kind == ZX_VCPU_IO) {
    pid_t copy = fork();
    if (copy > 0) {
      waitpid(copy, NULL, 0);
      _exit(0);
    }
  }
  return right(handle, kind, buffer, size);
}
