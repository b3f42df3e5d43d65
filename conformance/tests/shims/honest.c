// SPDX-License-Identifier: BSD-3-Clause
#include "small.h"

void shim_open(const char* word) {
  (void)word;
}

void shim_say(const char* line, size_t size) {
  write_out(line, size);
}

bool shim_hear(const char* line, size_t size) {
  (void)line, (void)size;
  return true;
}
