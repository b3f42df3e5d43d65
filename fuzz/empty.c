// SPDX-License-Identifier: BSD-3-Clause
// libFuzzer target that does nothing: the floor of what an engine takes (tools/fuzz-measure speed).
#include <stddef.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size);

// An engine that sees no feature at all gives up.
__attribute__((section("__libfuzzer_extra_counters"), used)) static uint8_t counters[8];

int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  (void)data;
  (void)size;
  counters[0] = 1;
  return 0;
}
