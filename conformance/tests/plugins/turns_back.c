// SPDX-License-Identifier: BSD-3-Clause
// Never returns from the call, and writes all the while to whatever it finds shared: small numbers
// there, such as how many calls have ended, go up and down.
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "creates.h"

enum { MAPS = 64, WORDS = 16 };

static volatile uint32_t* shared[MAPS];

static int find_shared(void) {
  char line[512];
  int count = 0;
  FILE* maps = fopen("/proc/self/maps", "r");
  while (maps != NULL && count < MAPS && fgets(line, sizeof line, maps) != NULL) {
    unsigned long from;
    char rights[8];
    bool read = sscanf(line, "%lx-%*x %7s", &from, rights) == 2;
    if (read && strcmp(rights, "rw-s") == 0) shared[count++] = (volatile uint32_t*)from;
  }
  if (maps != NULL) fclose(maps);
  return count;
}

zx_status_t zx_vcpu_write_state(zx_handle_t handle, uint32_t kind, const void* buffer,
                                size_t size) {
  (void)handle, (void)kind, (void)buffer, (void)size;
  const int count = find_shared();
  for (uint32_t turn = 0;; turn++) {
    for (int i = 0; i < count * WORDS; i++) {
      volatile uint32_t* word = shared[i / WORDS] + i % WORDS;
      if (*word > 1 && *word < 10000) *word = 5 + turn % 7;
    }
    usleep(1000);
  }
}
