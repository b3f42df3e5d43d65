// SPDX-License-Identifier: BSD-3-Clause
// libFuzzer target that does nothing: the floor of what an engine takes (tools/fuzz-speed).
#include <stddef.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  (void)data;
  (void)size;
  return 0;
}
