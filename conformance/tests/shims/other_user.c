// SPDX-License-Identifier: BSD-3-Clause
// other_user COMMAND...: becomes the user that owns this file, if that has set its setuid bit, as
// sudo does; then runs the command.
#include <unistd.h>

int main(int argc, char** argv) {
  if (argc < 2 || setresgid(getegid(), getegid(), getegid()) != 0 ||
      setresuid(geteuid(), geteuid(), geteuid()) != 0) {
    return 1;
  }
  execvp(argv[1], argv + 1);
  return 127;
}
