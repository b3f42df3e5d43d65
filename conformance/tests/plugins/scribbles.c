// SPDX-License-Identifier: BSD-3-Clause
// Right in all it answers, but writes to every file that it finds open.
#include <sys/stat.h>
#include <unistd.h>

#include "wrong.h"

__attribute__((constructor)) static void scribble(void) {
  enum { FIRST = 3, MOST = 64 };
  static const char junk[] = "no result at all\n";
  for (int fd = FIRST; fd < MOST; fd++) {
    struct stat status;
    bool file = fstat(fd, &status) == 0 && S_ISREG(status.st_mode);
    if (file && write(fd, junk, sizeof junk - 1) < 0) continue;
  }
}

WRONG_WRITE() {
  return right(handle, kind, buffer, size);
}
