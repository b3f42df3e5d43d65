// SPDX-License-Identifier: BSD-3-Clause
// The cases as inputs of a fuzz target: fuzz-seeds script|call DIRECTORY.
#include <stdio.h>
#include <string.h>

#include "seeds.h"

int main(int argc, char** argv) {
  bool call = argc == 3 && strcmp(argv[1], "call") == 0;
  bool script = argc == 3 && strcmp(argv[1], "script") == 0;
  if (!call && !script) {
    fputs("usage: fuzz-seeds script|call DIRECTORY\n", stderr);
    return 2;
  }
  size_t count = vs_fuzz_write_seeds(argv[2], call ? VS_FUZZ_CALL : VS_FUZZ_SCRIPT, VS_ARCH_X64);
  if (count == 0) perror(argv[2]);
  printf("%zu seeds\n", count);
  return count == 0;
}
