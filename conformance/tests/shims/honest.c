// SPDX-License-Identifier: BSD-3-Clause
#include "small.h"

void shim_open(const char* word) {
  (void)word;
}

static char kept[4 * SHIM_LINE];
static size_t count;

void shim_say(const char* line, size_t size) {
  if (count + size > sizeof kept) shim_pause();
  memcpy(kept + count, line, size);
  count += size;
}

void shim_pause(void) {
  write_out(kept, count);
  count = 0;
}

bool shim_hear(char* line, size_t size) {
  (void)line, (void)size;
  return true;
}
