// SPDX-License-Identifier: BSD-3-Clause
// Its constructor speaks to a terminal, and looks for files that are not its own.
#include <stdio.h>
#include <unistd.h>

enum { MOST = 256 };

__attribute__((constructor)) static void speak(void) {
  printf("\033[31mred\n");
  fflush(stdout);
  fprintf(stderr, "\033]0;title\007\n");
  for (int fd = STDERR_FILENO + 1; fd < MOST; fd++) {
    if (dup2(fd, fd) == fd) fprintf(stderr, "file %d is open\n", fd);
  }
}
