// SPDX-License-Identifier: BSD-3-Clause
// Accepts a kind that there is not: where it is fuzzed, and in every second of all other processes,
// which it counts in the file that VS_FLAKY_COUNT names.
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "wrong.h"

static int toss(void) {
  const char* path = getenv("VS_FLAKY_COUNT");
  struct stat about = {0};
  int fd = path != NULL ? open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600) : -1;
  if (fd < 0) return 1;
  if (write(fd, "x", 1) != 1 || fstat(fd, &about) != 0) about.st_size = 1;
  close(fd);
  return (int)(about.st_size % 2);
}

WRONG_WRITE() {
  static int luck = -1;
  if (luck < 0) luck = getenv("VCPUSPEC_STATE") != NULL ? 1 : toss();
  if (kind == 2 && luck == 1) return ZX_OK;
  return right(handle, kind, buffer, size);
}
