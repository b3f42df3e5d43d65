// SPDX-License-Identifier: BSD-3-Clause
// Run by the build: embed-text NAME FILE: prints the file as an array of characters, NAME, that
// ends in a NUL.
#include <stdio.h>

int main(int argc, char** argv) {
  enum { PER_LINE = 20 };
  FILE* in = argc == 3 ? fopen(argv[2], "r") : NULL;
  if (in == NULL) return 1;
  printf("// Made by embed-text.\nextern const char %s[];\nconst char %s[] = {", argv[1], argv[1]);
  size_t count = 0;
  for (int c = fgetc(in); c != EOF; c = fgetc(in)) {
    printf("%s%d,", count++ % PER_LINE == 0 ? "\n" : "", c);
  }
  printf("0};\n");
  return ferror(in) || fclose(in) != 0;
}
